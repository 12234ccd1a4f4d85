//! `TCP_CHECK`, `HTTP_GET`, `SSL_GET` and `MISC_CHECK`.

use super::{Cx, server};
use crate::check::config::HttpProtocol;
use crate::conf::config::{
    CheckSettings, Checker, CheckerKind, ConnectSettings, HttpSettings, MiscSettings, Url,
};
use crate::conf::diag::Class;
use crate::conf::keyword::Block;
use crate::conf::tree::Statement;
use std::time::Duration;

/// A checker block; `None` when it cannot be used, which has been reported.
pub(super) fn lower(cx: &mut Cx<'_>, statement: &Statement) -> Option<Checker> {
    let block = match statement.keyword() {
        "HTTP_GET" => Block::HttpGet,
        "SSL_GET" => Block::SslGet,
        "MISC_CHECK" => Block::MiscCheck,
        _ => Block::TcpCheck,
    };
    let mut common = Common::default();
    let body = statement.body.as_deref().unwrap_or_default();
    let kind = match block {
        Block::HttpGet | Block::SslGet => CheckerKind::Http(http(cx, &mut common, block, statement, body)?),
        Block::MiscCheck => CheckerKind::Misc(misc(cx, &mut common, statement, body)?),
        _ => {
            for statement in body {
                common.keyword(cx, block, statement);
            }
            CheckerKind::Tcp
        }
    };
    if let (Some(to), Some(from)) = (&common.connection.connect_ip, &common.connection.bindto)
        && to.value.is_ipv4() != from.value.is_ipv4()
    {
        let message = format!(
            "connect_ip {} and bindto {} are of two families",
            to.value, from.value
        );
        cx.report(Class::General, from.place.clone(), message);
        common.connection.bindto = None;
    }
    Some(Checker {
        place: statement.place(),
        checks: common.checks,
        log_all_failures: common.log_all_failures,
        connection: common.connection,
        kind,
    })
}

/// What all checkers share.
#[derive(Default)]
struct Common {
    checks: CheckSettings,
    log_all_failures: bool,
    connection: ConnectSettings,
}

impl Common {
    fn keyword(&mut self, cx: &mut Cx<'_>, block: Block, statement: &Statement) {
        let connection = &mut self.connection;
        match statement.keyword() {
            "connect_ip" => connection.connect_ip = cx.address(statement).or(connection.connect_ip.take()),
            "connect_port" => {
                connection.connect_port = cx.unsigned(block, statement).or(connection.connect_port)
            }
            "bindto" => connection.bindto = cx.address(statement).or(connection.bindto.take()),
            "bind_port" => connection.bind_port = cx.unsigned(block, statement).or(connection.bind_port),
            "bind_if" => {
                if let Some(word) = statement.arg() {
                    connection.bind_if = Some(Cx::spanned(statement, word, word.text.clone()));
                }
            }
            "fwmark" => connection.fwmark = cx.unsigned(block, statement).unwrap_or(connection.fwmark),
            "log_all_failures" => {
                self.log_all_failures = cx.boolean(statement).unwrap_or(self.log_all_failures);
            }
            _ => server::settings(cx, &mut self.checks, block, statement),
        }
    }
}

fn http(
    cx: &mut Cx<'_>,
    common: &mut Common,
    block: Block,
    header: &Statement,
    body: &[Statement],
) -> Option<HttpSettings> {
    let mut http = HttpSettings {
        tls: block == Block::SslGet,
        ..HttpSettings::default()
    };
    for statement in body {
        match statement.keyword() {
            "http_protocol" => {
                let Some(word) = statement.arg() else { continue };
                http.http_protocol = match word.text.as_str() {
                    "1.0" => Some(HttpProtocol::V10),
                    "1.0C" | "1.0c" => Some(HttpProtocol::V10Close),
                    "1.1" => Some(HttpProtocol::V11),
                    other => {
                        cx.word_error(statement, word, format!("Invalid http_protocol version {other}"));
                        http.http_protocol
                    }
                };
            }
            "enable_sni" => http.enable_sni = cx.boolean(statement).unwrap_or(http.enable_sni),
            "tls_compliant" => http.tls_compliant = cx.boolean(statement).unwrap_or(http.tls_compliant),
            "fast_recovery" => http.fast_recovery = cx.boolean(statement).unwrap_or(http.fast_recovery),
            "url" => http.urls.extend(url(cx, statement)),
            _ => common.keyword(cx, block, statement),
        }
    }
    if http.urls.is_empty() {
        let message = format!("{} has no url - checker ignored", header.keyword());
        cx.error(header, message);
        return None;
    }
    Some(http)
}

fn url(cx: &mut Cx<'_>, header: &Statement) -> Option<Url> {
    let mut path = None;
    let mut virtualhost = None;
    let mut status_code = Vec::new();
    let mut sum = None;
    for statement in header.body.as_deref().unwrap_or_default() {
        match statement.keyword() {
            "path" => path = Cx::word(statement).or(path),
            "virtualhost" => virtualhost = Cx::word(statement).or(virtualhost),
            "status_code" => {
                for word in statement.args() {
                    match codes(&word.text) {
                        Some(range) => status_code.push(range),
                        None => cx.word_error(
                            statement,
                            word,
                            format!("Invalid HTTP_GET status code '{}'", word.text),
                        ),
                    }
                }
            }
            "digest" => {
                let Some(word) = statement.arg() else { continue };
                match digest(&word.text) {
                    Some(value) if sum.is_none() => sum = Some(value),
                    Some(_) => cx.word_error(statement, word, "Digest already specified - ignoring"),
                    None => cx.word_error(
                        statement,
                        word,
                        format!("digest '{}' is not 32 hexadecimal digits", word.text),
                    ),
                }
            }
            _ => {}
        }
    }
    let Some(path) = path else {
        cx.error(header, "HTTP_GET/SSL_GET url has no path - ignoring");
        return None;
    };
    Some(Url {
        path,
        virtualhost,
        status_code,
        digest: sum,
    })
}

/// `CODE` or `LOW-HIGH`, 100 to 599.
fn codes(text: &str) -> Option<(u16, u16)> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let code = |text: &str| text.parse::<u16>().ok().filter(|code| (100..=599).contains(code));
    let (low, high) = (code(low)?, code(high)?);
    (low <= high).then_some((low, high))
}

/// 32 hexadecimal digits.
fn digest(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(high * 16 + low),
            _ => None,
        })
        .collect::<Option<_>>()?;
    bytes.try_into().ok()
}

fn misc(
    cx: &mut Cx<'_>,
    common: &mut Common,
    header: &Statement,
    body: &[Statement],
) -> Option<MiscSettings> {
    let block = Block::MiscCheck;
    let mut path = None;
    let mut timeout = None;
    let mut dynamic = false;
    let mut user = None;
    for statement in body {
        match statement.keyword() {
            "misc_path" => {
                path = misc_path(cx, statement).or(path);
            }
            // 0 means the default.
            "misc_timeout" => {
                timeout = cx
                    .seconds(block, statement)
                    .filter(|time: &Duration| !time.is_zero())
            }
            "misc_dynamic" => dynamic = true,
            "user" => user = Cx::run_as(statement),
            _ => common.keyword(cx, block, statement),
        }
    }
    let Some(misc_path) = path else {
        cx.error(header, "MISC_CHECK has no misc_path - checker ignored");
        return None;
    };
    Some(MiscSettings {
        misc_path,
        misc_timeout: timeout,
        misc_dynamic: dynamic,
        user,
    })
}

/// The command of `misc_path`: words after it on the line are dropped.
fn misc_path(
    cx: &mut Cx<'_>,
    statement: &Statement,
) -> Option<crate::conf::config::Spanned<crate::script::config::Command>> {
    let mut command = cx.script(statement)?;
    command.value.user = None;
    Some(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_digests() {
        assert_eq!(codes("200"), Some((200, 200)));
        assert_eq!(codes("200-299"), Some((200, 299)));
        for bad in ["99", "600", "299-200", "2xx", "200-", ""] {
            assert_eq!(codes(bad), None, "{bad}");
        }
        assert_eq!(
            digest("0123456789abcdef0123456789ABCDEF").map(|d| d[1]),
            Some(0x23)
        );
        assert_eq!(digest("0123"), None);
        assert_eq!(digest("zz23456789abcdef0123456789abcdef"), None);
    }
}
