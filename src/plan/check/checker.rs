//! The checkers of a real server, with what they inherit.

use super::real::Around;
use super::{Builder, CONNECT_TIMEOUT, DELAY_LOOP, web};
use crate::check::config::{
    CheckerConfig, Connection, DnsConfig, FileCheckConfig, HttpConfig, HttpProtocol, MiscConfig, ProbeConfig,
    ReplyPattern, ServiceConfig, SmtpConfig, TlsConfig, UdpConfig, UrlConfig,
};
use crate::conf::config::{
    CheckSettings, Checker, CheckerKind, FileCheckSettings, FileWeight, HttpSettings, MiscSettings,
    RealServer, Regex, Spanned, UdpSettings, VirtualServer,
};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::net::IfName;
use crate::plan::later::CheckerTiming;
use crate::plan::{ScriptRefusal, scripts};
use crate::script::config::Command;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// `helo_name` that nobody set.
const HELO_NAME: &str = "smtpchecker.keepalived.org";
/// `max_reply_length` that nobody set.
const MAX_REPLY: u16 = 255;

/// The three levels that a setting comes from.
struct Levels<'a> {
    checker: &'a CheckSettings,
    real: &'a CheckSettings,
    server: &'a CheckSettings,
}

impl Levels<'_> {
    fn get<T>(&self, pick: impl Fn(&CheckSettings) -> Option<T>) -> Option<T> {
        pick(self.checker)
            .or_else(|| pick(self.real))
            .or_else(|| pick(self.server))
    }

    fn alpha(&self) -> bool {
        self.get(|checks| checks.alpha).unwrap_or(false)
    }

    /// When `written` runs (facts 3.1 to 3.6).
    fn timing(&self, written: &Checker, everywhere: bool) -> CheckerTiming {
        let delay_loop = self.get(|checks| checks.delay_loop).unwrap_or(DELAY_LOOP);
        let (retry, delay) = match written.kind {
            CheckerKind::Http(_) => (1, Duration::from_secs(3)),
            CheckerKind::Misc(_) => (0, Duration::from_secs(1)),
            CheckerKind::Dns(_) => (3, delay_loop),
            CheckerKind::Tcp
            | CheckerKind::Smtp(_)
            | CheckerKind::Udp(_)
            | CheckerKind::Ping
            | CheckerKind::Service(_)
            | CheckerKind::File(_)
            | CheckerKind::Bfd(_) => (1, Duration::from_secs(1)),
        };
        CheckerTiming {
            alpha: self.alpha(),
            delay_loop,
            retry: self.get(|checks| checks.retry).unwrap_or(retry),
            delay_before_retry: self.get(|checks| checks.delay_before_retry).unwrap_or(delay),
            warmup: self.get(|checks| checks.warmup).unwrap_or(delay_loop),
            log_all_failures: written.log_all_failures || everywhere,
        }
    }
}

/// Adds the checker to those of the server. One that cannot be used is left out, which is said.
pub(super) fn build(
    builder: &mut Builder<'_>,
    around: &Around<'_, '_>,
    real: &RealServer,
    written: &Checker,
    working: &mut Vec<CheckerConfig>,
) {
    let server = around.server;
    let levels = Levels {
        checker: &written.checks,
        real: &real.checks,
        server: &server.checks,
    };
    let probe = match &written.kind {
        CheckerKind::Tcp => connection(builder, real, written, &levels).map(ProbeConfig::Tcp),
        CheckerKind::Http(settings) => connection(builder, real, written, &levels)
            .and_then(|connection| http(builder, written, settings, connection, &levels))
            .map(ProbeConfig::Http),
        CheckerKind::Misc(settings) => misc(builder, server, settings).map(ProbeConfig::Misc),
        CheckerKind::Smtp(settings) => connection(builder, real, written, &levels).map(|connection| {
            ProbeConfig::Smtp(SmtpConfig {
                connection,
                helo_name: settings.helo_name.clone().unwrap_or_else(|| HELO_NAME.to_owned()),
            })
        }),
        CheckerKind::Dns(settings) => connection(builder, real, written, &levels).map(|connection| {
            ProbeConfig::Dns(DnsConfig {
                connection,
                kind: settings.kind,
                name: settings.name.clone(),
            })
        }),
        CheckerKind::Udp(settings) => connection(builder, real, written, &levels)
            .map(|connection| ProbeConfig::Udp(Box::new(udp(settings, connection)))),
        CheckerKind::Service(settings) => {
            connection(builder, real, written, &levels).map(|mut connection| {
                let mut settings = (**settings).clone();
                let host = levels.get(|checks| checks.virtualhost.clone());
                web::complete(builder, written, &mut settings, &mut connection, host);
                ProbeConfig::Service(Box::new(ServiceConfig { connection, settings }))
            })
        }
        CheckerKind::Ping => connection(builder, real, written, &levels).map(ProbeConfig::Ping),
        CheckerKind::File(settings) => file(builder, around, settings).map(ProbeConfig::File),
        CheckerKind::Bfd(name) => session(builder, around, name).map(ProbeConfig::Bfd),
    };
    let Some(probe) = probe else { return };
    let everywhere = builder.config.global.checker_log_all_failures;
    let timing = match written.kind {
        // They ask nobody, and a FILE_CHECK is never in alpha mode (fact 12.4).
        CheckerKind::File(_) => CheckerTiming::default(),
        CheckerKind::Bfd(_) => CheckerTiming {
            alpha: levels.alpha(),
            ..CheckerTiming::default()
        },
        _ => levels.timing(written, everywhere),
    };
    working.push(CheckerConfig {
        probe: Arc::new(probe),
        alpha: timing.alpha,
        delay_loop: timing.delay_loop,
        retry: timing.retry,
        delay_before_retry: timing.delay_before_retry,
        warmup: timing.warmup,
        log_all_failures: timing.log_all_failures,
    });
}

fn file(
    builder: &mut Builder<'_>,
    around: &Around<'_, '_>,
    settings: &FileCheckSettings,
) -> Option<FileCheckConfig> {
    let name = &settings.track_file;
    let Some((weight, reverse)) = around.followed.files.get(name.value.as_str()) else {
        let message = format!(
            "FILE_CHECK without effect: track_file {} is of no use",
            name.value
        );
        builder.say(Class::Unheeded, Topic::TrackObjectEmpty, &name.place, message);
        return None;
    };
    let own = FileWeight {
        weight: i32::from(*weight),
        reverse: *reverse,
    };
    let FileWeight { weight, reverse } = settings.weight.unwrap_or(own);
    Some(FileCheckConfig {
        track_file: name.value.clone(),
        weight,
        reverse,
    })
}

fn session(builder: &mut Builder<'_>, around: &Around<'_, '_>, name: &Spanned<String>) -> Option<String> {
    if !around.followed.sessions.contains(name.value.as_str()) {
        let message = format!("BFD_CHECK without effect: BFD {} cannot be run", name.value);
        builder.say(Class::Unheeded, Topic::Bfd, &name.place, message);
        return None;
    }
    Some(name.value.clone())
}

fn udp(settings: &UdpSettings, connection: Connection) -> UdpConfig {
    UdpConfig {
        connection,
        payload: settings.payload.clone(),
        reply: settings
            .require_reply
            .then(|| ReplyPattern(settings.reply.clone())),
        min_reply_length: settings.min_reply_length,
        max_reply_length: settings.max_reply_length.unwrap_or(MAX_REPLY),
    }
}

fn connection(
    builder: &mut Builder<'_>,
    real: &RealServer,
    written: &Checker,
    levels: &Levels<'_>,
) -> Option<Connection> {
    let settings = &written.connection;
    // The port as written, not the one that the kernel gets (fact 2.12).
    let (own_ip, own_port) = (real.address.value.ip(), real.address.value.port());
    let to = settings.connect_ip.as_ref();
    let destination = SocketAddr::new(
        to.map_or(own_ip, |address| address.value),
        settings.connect_port.unwrap_or(own_port),
    );
    let interface = settings
        .bind_if
        .as_ref()
        .and_then(|name| IfName::new(&name.value));
    let link_local = matches!(destination.ip(), IpAddr::V6(address) if address.is_unicast_link_local());
    if link_local && interface.is_none() {
        let message = format!(
            "Checker link local address {} requires a bind_if - ignoring checker",
            destination.ip()
        );
        builder.say(Class::General, Topic::Other, &written.place, message);
        return None;
    }
    let bindto = settings.bindto.as_ref();
    if bindto.is_none() && settings.bind_port.is_some() {
        let message = "bind_port without bindto has no effect";
        builder.report(Class::Note, &written.place, message);
    }
    if destination.port() == 0 && asks_a_port(&written.kind) {
        let message = "the real server has no port, so this checker asks port 0 and always fails; connect_port says which one";
        builder.report(Class::Note, &written.place, message);
    }
    Some(Connection {
        destination,
        // A port alone is not bound (keyword table).
        source: bindto.map(|source| (Some(source.value), settings.bind_port.unwrap_or(0))),
        interface,
        mark: settings.fwmark,
        timeout: levels
            .get(|checks| checks.connect_timeout)
            .unwrap_or(CONNECT_TIMEOUT),
    })
}

/// Whether a port has a meaning for it.
const fn asks_a_port(kind: &CheckerKind) -> bool {
    matches!(
        kind,
        CheckerKind::Tcp
            | CheckerKind::Http(_)
            | CheckerKind::Smtp(_)
            | CheckerKind::Dns(_)
            | CheckerKind::Udp(_)
            | CheckerKind::Service(_)
    )
}

/// A url whose pattern is no good is left out; a checker without urls asks nobody (facts 10.10, 10.16).
fn http(
    builder: &mut Builder<'_>,
    written: &Checker,
    settings: &HttpSettings,
    connection: Connection,
    levels: &Levels<'_>,
) -> Option<HttpConfig> {
    let host = levels.get(|checks| checks.virtualhost.clone());
    // The real server's name is not used for SNI (fact 3.8).
    let sni = levels
        .checker
        .virtualhost
        .clone()
        .or_else(|| levels.server.virtualhost.clone());
    if settings.urls.is_empty() {
        let message = "HTTP/SSL_GET checker has no urls specified - ignoring";
        builder.say(Class::Unheeded, Topic::Other, &written.place, message.to_owned());
        return None;
    }
    for url in &settings.urls {
        builder.judge_pattern(url.regex.as_ref());
    }
    let urls = settings.urls.iter().map(|url| UrlConfig {
        path: url.path.clone(),
        host: url.virtualhost.clone().or_else(|| host.clone()),
        sni: (settings.tls && settings.enable_sni)
            .then(|| url.virtualhost.clone().or_else(|| sni.clone()))
            .flatten(),
        status: if url.status_code.is_empty() {
            vec![(200, 299)]
        } else {
            url.status_code.clone()
        },
        digest: url.digest,
        regex: url.regex.as_ref().map(|regex| regex.value.clone()),
        tls_compliant: url.tls_compliant,
    });
    Some(HttpConfig {
        connection,
        tls: settings.tls.then_some(TlsConfig {
            sni: settings.enable_sni,
            compliant: settings.tls_compliant,
        }),
        protocol: settings.http_protocol.unwrap_or(HttpProtocol::V10),
        urls: urls.collect(),
        fast_recovery: settings.fast_recovery,
    })
}

fn misc(builder: &mut Builder<'_>, server: &VirtualServer, settings: &MiscSettings) -> Option<MiscConfig> {
    let command = scripts::misc(settings);
    if !builder.may_check(&command, &settings.misc_path) {
        return None;
    }
    Some(MiscConfig {
        command,
        timeout: settings
            .misc_timeout
            .or(server.checks.delay_loop)
            .unwrap_or(DELAY_LOOP),
        dynamic: settings.misc_dynamic,
    })
}

impl Builder<'_> {
    /// Says that a pattern cannot be searched for. keepalived's status does not tell. The url stays, and its checks fail:
    /// a server that is not looked at as it was meant must not count as up.
    fn judge_pattern(&mut self, regex: Option<&Spanned<Regex>>) {
        let Some((regex, why)) =
            regex.and_then(|regex| Some((regex, self.host.refused_regexes.get(&regex.value)?)))
        else {
            return;
        };
        let message = format!("Invalid regex: '{}' {why}", regex.value.pattern);
        let found = Diagnostic::new(Class::Unheeded, Some(regex.place.clone()), message);
        let help = "whatever this url answers, its check fails";
        self.diagnostics.push(found.about(Topic::Other).with_help(help));
    }

    /// Whether a MISC_CHECK's command may be run; otherwise the checker is left out and said.
    fn may_check(&mut self, command: &Command, path: &Spanned<Command>) -> bool {
        let Some(refusal) = self.host.refused.get(command) else {
            self.check_scripts = true;
            return true;
        };
        let program = command.program();
        // The server then is as if it had no such checker (fact 11.12).
        let (class, topic, message) = match refusal {
            ScriptRefusal::NotFound => (
                Class::Unheeded,
                Topic::ScriptNotFound,
                format!("Disabling misc script {program} since not found/accessible"),
            ),
            ScriptRefusal::NoUser => (
                Class::General,
                Topic::ScriptUser,
                format!("Failed to set uid/gid for misc checker script '{program}' - removing"),
            ),
            ScriptRefusal::NoDefaultUser => (
                Class::General,
                Topic::ScriptUser,
                format!("Unable to set default user for misc script '{program}' - removing"),
            ),
            ScriptRefusal::Unsafe => (
                Class::Unheeded,
                Topic::SecurityViolation,
                format!("Disabling misc script {program} due to insecure"),
            ),
        };
        let mut found = Diagnostic::new(class, Some(path.place.clone()), message).about(topic);
        found.help = self.host.reasons.get(command).cloned();
        self.diagnostics.push(found);
        false
    }
}
