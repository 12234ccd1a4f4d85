//! `WEB_CHECK`: the request, and what its answer must be.

use super::http;
use crate::check::config::{Password, Web};
use crate::conf::keyword::Block;
use crate::conf::lower::Cx;
use crate::conf::tree::Statement;

/// Headers that are made of other settings.
const MADE: [&str; 5] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
];

/// What is written.
#[derive(Default)]
pub(super) struct Written {
    web: Web,
    method: Option<String>,
    status: Vec<(u16, u16)>,
}

impl Written {
    /// Takes a keyword that is not one of all checkers.
    pub(super) fn keyword(&mut self, cx: &mut Cx<'_>, statement: &Statement) -> bool {
        let web = &mut self.web;
        match statement.keyword() {
            "path" => web.path = path(cx, statement).unwrap_or_else(|| std::mem::take(&mut web.path)),
            "method" => self.method = token(cx, statement).or_else(|| self.method.take()),
            "header" => web.headers.extend(header(cx, Block::WebCheck, statement)),
            "body" => web.body = Cx::word(statement).or_else(|| web.body.take()),
            "http2" => web.http2 = cx.boolean(statement).unwrap_or(web.http2),
            "status" => http::status_code(cx, "WEB_CHECK", &mut self.status, statement),
            "json" => web.json.extend(json(cx, statement)),
            "contains" => web.contains = Cx::word(statement).or_else(|| web.contains.take()),
            _ => return false,
        }
        true
    }

    pub(super) fn finish(self, cx: &mut Cx<'_>, header: &Statement) -> Web {
        let Self {
            mut web,
            method,
            status,
        } = self;
        match method {
            Some(method) => web.method = method,
            None if web.body.is_some() => web.method = "POST".into(),
            None => {}
        }
        if !status.is_empty() {
            web.status = status;
        }
        if web.method == "HEAD" && web.wants_body() {
            let message = "WEB_CHECK: an answer to HEAD has no body for json and contains - ignoring both";
            cx.error(header, message);
            web.json.clear();
            web.contains = None;
        }
        web
    }
}

/// What is asked for.
pub(super) fn path(cx: &mut Cx<'_>, statement: &Statement) -> Option<String> {
    let word = statement.arg()?;
    let plain = word.text.starts_with('/') && !word.text.contains(char::is_control);
    if !plain {
        let message = format!("Invalid path '{}' - ignoring", word.text);
        cx.word_error(statement, word, message);
    }
    plain.then(|| word.text.clone())
}

/// A word of the protocol.
pub(super) fn token(cx: &mut Cx<'_>, statement: &Statement) -> Option<String> {
    let word = statement.arg()?;
    let fits = is_token(&word.text) && word.text != "CONNECT";
    if !fits {
        let message = format!("Invalid {} '{}' - ignoring", statement.keyword(), word.text);
        cx.word_error(statement, word, message);
    }
    fits.then(|| word.text.clone())
}

/// `NAME VALUE`
pub(super) fn header(cx: &mut Cx<'_>, block: Block, statement: &Statement) -> Option<(String, Password)> {
    let [name, value] = statement.args() else {
        // That there is nothing at all has been said.
        statement.arg()?;
        cx.error(
            statement,
            "header takes a name and a value, in quotes when it has blanks - ignoring",
        );
        return None;
    };
    let lower = name.text.to_ascii_lowercase();
    // Not the value: it may be a secret.
    let message = if !is_token(&name.text) {
        format!("Invalid name of a header '{}' - ignoring", name.text)
    } else if lower == "host" {
        "the header Host is that of virtualhost - ignoring".to_owned()
    } else if MADE.contains(&lower.as_str()) || lower.starts_with("sec-websocket-") {
        format!(
            "the header {} is not for {} to set - ignoring",
            name.text,
            block.name()
        )
    } else if value.text.contains(|c: char| c.is_control() && c != '\t') {
        format!("the value of the header {} cannot be sent - ignoring", name.text)
    } else {
        return Some((name.text.clone(), Password(value.text.clone())));
    };
    cx.word_error(statement, name, message);
    None
}

/// `POINTER VALUE`
fn json(cx: &mut Cx<'_>, statement: &Statement) -> Option<(String, String)> {
    let [pointer, value] = statement.args() else {
        statement.arg()?;
        cx.error(statement, "json takes a pointer and a value - ignoring");
        return None;
    };
    if !is_pointer(&pointer.text) {
        let message = format!("'{}' is no JSON pointer - ignoring", pointer.text);
        cx.word_error(statement, pointer, message);
        return None;
    }
    Some((pointer.text.clone(), value.text.clone()))
}

/// A JSON pointer is empty or begins with `/`, and of `~` it has `~0` and `~1` only.
fn is_pointer(text: &str) -> bool {
    (text.is_empty() || text.starts_with('/'))
        && text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']))
}

/// A word of HTTP (RFC 9110, 5.6.2).
fn is_token(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !text.is_empty() && text.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_and_tokens() {
        for good in ["", "/", "/a/b", "/a~0b~1c/0"] {
            assert!(is_pointer(good), "{good}");
        }
        for bad in ["a", "a/b", "/a~", "/a~2"] {
            assert!(!is_pointer(bad), "{bad}");
        }
        assert!(is_token("X-Token") && is_token("PATCH"));
        assert!(!is_token("") && !is_token("a b") && !is_token("a:"));
    }
}
