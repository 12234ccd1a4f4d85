//! What a checker says of an outcome: which of keepalived's lines (facts 9 to 11) each kind has for it.

use super::config::{CheckerConfig, Connection, ProbeConfig, UrlConfig};
use super::event::Reason;
use super::telling::{CheckerSaying, MiscEnd, MiscStage, WebTest};

/// The line of a checker that is good, for the first time or again. DNS_CHECK has none (fact 9.18).
pub(super) fn success(probe: &ProbeConfig) -> Option<CheckerSaying> {
    match probe {
        ProbeConfig::Tcp(_) => Some(CheckerSaying::TcpSuccess),
        ProbeConfig::Http(_) => Some(CheckerSaying::WebSuccess),
        ProbeConfig::Misc(misc) => Some(CheckerSaying::MiscSuccess {
            path: misc.command.program().into(),
        }),
        ProbeConfig::Smtp(_) => Some(CheckerSaying::SmtpSuccess),
        ProbeConfig::Udp(_) => Some(CheckerSaying::UdpSuccess),
        ProbeConfig::Ping(_) => Some(CheckerSaying::PingSuccess),
        ProbeConfig::Service(_) => Some(CheckerSaying::ServiceSuccess {
            keyword: probe.keyword(),
        }),
        ProbeConfig::Dns(_) => None,
        ProbeConfig::File(file) => Some(CheckerSaying::File {
            track_file: file.track_file.clone(),
            fault: false,
        }),
        ProbeConfig::Bfd(name) => Some(CheckerSaying::Bfd {
            name: name.clone(),
            up: true,
        }),
    }
}

/// The line of the failure that takes a checker down. TCP, UDP, PING and DNS do not speak of retries when there were
/// none because it was the first run of all (facts 9.1, 9.18, 10.15).
pub(super) fn down(config: &CheckerConfig, reason: &Reason, has_run: bool) -> CheckerSaying {
    let retries = (config.retry > 0).then_some(config.retry);
    let made = retries.filter(|_| has_run);
    match &*config.probe {
        ProbeConfig::Tcp(_) => CheckerSaying::TcpDown { retries: made },
        ProbeConfig::Udp(_) => CheckerSaying::UdpDown { retries: made },
        ProbeConfig::Ping(_) => CheckerSaying::PingDown { retries: made },
        ProbeConfig::Service(_) => CheckerSaying::ServiceDown {
            keyword: config.probe.keyword(),
            retries: made,
            reason: reason.to_string(),
        },
        ProbeConfig::Dns(dns) => CheckerSaying::DnsFailed {
            trouble: dns_trouble(reason, &dns.connection),
            retries: made,
        },
        ProbeConfig::Smtp(smtp) => CheckerSaying::SmtpFailed {
            trouble: smtp_trouble(reason, &smtp.connection),
        },
        ProbeConfig::Http(http) => CheckerSaying::WebDown {
            tls: http.tls.is_some(),
            retries,
        },
        ProbeConfig::Misc(misc) => CheckerSaying::MiscFailed {
            path: misc.command.program().into(),
            stage: retries.map_or(MiscStage::RetryDisabled, MiscStage::AfterRetries),
            end: misc_end(reason),
        },
        ProbeConfig::File(file) => CheckerSaying::File {
            track_file: file.track_file.clone(),
            fault: true,
        },
        ProbeConfig::Bfd(name) => CheckerSaying::Bfd {
            name: name.clone(),
            up: false,
        },
    }
}

/// The last test that a url's answer is put to (fact 10.12).
pub(super) const fn last_test(url: &UrlConfig) -> WebTest {
    match (&url.regex, &url.digest) {
        (Some(_), _) => WebTest::Regex,
        (None, Some(_)) => WebTest::Digest,
        (None, None) => WebTest::Status,
    }
}

/// The further line of a failure for `log_all_failures`. MISC, DNS and SMTP have one only for those that are forgiven.
pub(super) fn attempt(
    probe: &ProbeConfig,
    reason: &Reason,
    failures: u32,
    forgiven: u32,
) -> Option<CheckerSaying> {
    let is_forgiven = failures < forgiven;
    match probe {
        ProbeConfig::Tcp(_) => Some(CheckerSaying::TcpAttempt {
            timeout: matches!(reason, Reason::ConnectTimedOut),
        }),
        ProbeConfig::Http(_) => Some(CheckerSaying::WebAttempt {
            message: web_message(reason),
        }),
        ProbeConfig::Misc(misc) => is_forgiven.then(|| CheckerSaying::MiscFailed {
            path: misc.command.program().into(),
            stage: if failures == 0 {
                MiscStage::WillRetry(forgiven)
            } else {
                MiscStage::OnRetry(failures, forgiven)
            },
            end: misc_end(reason),
        }),
        ProbeConfig::Smtp(smtp) => is_forgiven.then(|| CheckerSaying::SmtpFailed {
            trouble: smtp_trouble(reason, &smtp.connection),
        }),
        ProbeConfig::Dns(dns) => is_forgiven.then(|| CheckerSaying::DnsFailed {
            trouble: dns_trouble(reason, &dns.connection),
            retries: None,
        }),
        ProbeConfig::File(_) | ProbeConfig::Bfd(_) => None,
        ProbeConfig::Service(_) => Some(CheckerSaying::ServiceAttempt {
            keyword: probe.keyword(),
            reason: reason.to_string(),
        }),
        // What could not even be sent has no line of its own.
        ProbeConfig::Udp(_) if matches!(reason, Reason::NotSent(_)) => None,
        ProbeConfig::Udp(_) => Some(CheckerSaying::UdpAttempt {
            mismatch: matches!(reason, Reason::Mismatch(_)),
        }),
        ProbeConfig::Ping(_) => {
            matches!(reason, Reason::AnswerTimedOut).then_some(CheckerSaying::PingTimeout)
        }
    }
}

/// A socket that could not be made here.
pub(super) const fn socket_trouble(probe: &ProbeConfig) -> CheckerSaying {
    CheckerSaying::SocketTrouble {
        socket: match probe {
            ProbeConfig::Tcp(_)
            | ProbeConfig::Http(_)
            | ProbeConfig::Misc(_)
            | ProbeConfig::Service(_)
            | ProbeConfig::File(_)
            | ProbeConfig::Bfd(_) => "TCP",
            ProbeConfig::Smtp(_) => "SMTP_CHECK",
            ProbeConfig::Dns(_) | ProbeConfig::Udp(_) => "UDP",
            ProbeConfig::Ping(_) => "ICMP",
        },
    }
}

/// keepalived's words for a failed SMTP dialogue (fact 9.24).
pub(super) fn smtp_trouble(reason: &Reason, connection: &Connection) -> String {
    let to = format!(
        "[{}]:{}",
        connection.destination.ip(),
        connection.destination.port()
    );
    match reason {
        Reason::ConnectTimedOut => format!("Connection timeout to server {to}"),
        Reason::Refused => format!("Could not connect to server {to}"),
        Reason::Unreachable(_) => format!(
            "Network unreachable for server {} - real server {to}",
            connection.destination.ip()
        ),
        Reason::Greeting => format!("Bad greeting banner from server {to}"),
        Reason::Helo => format!("Bad HELO response from server {to}"),
        Reason::AnswerTimedOut | Reason::Overdue => format!("Read timeout from server {to}"),
        Reason::Broken(_) | Reason::NoData => format!("Read failure from server {to}"),
        Reason::NotSent(_) => format!("Write failure to server {to}"),
        Reason::NotTaken => format!("Write timeout to server {to}"),
        Reason::Socket(_)
        | Reason::Tls(_)
        | Reason::HeaderTooLong
        | Reason::BadStatusLine
        | Reason::Status(_)
        | Reason::Digest(_)
        | Reason::Regex(_)
        | Reason::RegexGaveUp(_)
        | Reason::Rcode(_)
        | Reason::Mismatch(_)
        | Reason::File(_)
        | Reason::SessionDown
        | Reason::Answer(_)
        | Reason::Exited(_)
        | Reason::Signalled(_)
        | Reason::ScriptTimedOut
        | Reason::NotStarted
        | Reason::Panicked => format!("Error connecting to server {to}"),
    }
}

/// keepalived's words for a failed DNS question (facts 9.17, 9.18, 9.20).
fn dns_trouble(reason: &Reason, connection: &Connection) -> String {
    match reason {
        Reason::Rcode(code) => format!("read error occurred. (rcode = {code})"),
        Reason::AnswerTimedOut => "read timeout from socket".to_owned(),
        Reason::Refused => "failed to read socket; errno 111 (Connection refused)".to_owned(),
        Reason::Unreachable(_) => format!(
            "network unreachable for [{}]:{}",
            connection.destination.ip(),
            connection.destination.port()
        ),
        Reason::Broken(why) => format!("failed to read socket; {why}"),
        Reason::Socket(_)
        | Reason::ConnectTimedOut
        | Reason::Tls(_)
        | Reason::NoData
        | Reason::HeaderTooLong
        | Reason::BadStatusLine
        | Reason::Status(_)
        | Reason::Digest(_)
        | Reason::Regex(_)
        | Reason::RegexGaveUp(_)
        | Reason::Greeting
        | Reason::Helo
        | Reason::Mismatch(_)
        | Reason::Answer(_)
        | Reason::NotSent(_)
        | Reason::NotTaken
        | Reason::File(_)
        | Reason::SessionDown
        | Reason::Exited(_)
        | Reason::Signalled(_)
        | Reason::ScriptTimedOut
        | Reason::NotStarted
        | Reason::Overdue
        | Reason::Panicked => reason.to_string(),
    }
}

/// keepalived's words for a failed HTTP attempt (fact 10.7); ` server C.` follows.
const fn web_message(reason: &Reason) -> &'static str {
    match reason {
        // With a blank too many, as keepalived has it.
        Reason::NoData => "Read, no data received from ",
        Reason::Status(_) | Reason::BadStatusLine => "HTTP status code error to",
        Reason::Digest(_) => "MD5 digest error to",
        Reason::Regex(_) | Reason::RegexGaveUp(_) => "Regex match failed",
        Reason::ConnectTimedOut => "Timeout connecting",
        Reason::AnswerTimedOut => "Timeout WEB read",
        Reason::HeaderTooLong => "HTTP header too long from",
        Reason::Tls(_) => "SSL handshake/communication error connecting to",
        Reason::Broken(_) => "Read error with",
        Reason::Unreachable(_) => "HTTP_CHECK - network unreachable",
        Reason::Socket(_)
        | Reason::Refused
        | Reason::Greeting
        | Reason::Helo
        | Reason::Rcode(_)
        | Reason::Mismatch(_)
        | Reason::Answer(_)
        | Reason::NotSent(_)
        | Reason::NotTaken
        | Reason::File(_)
        | Reason::SessionDown
        | Reason::Exited(_)
        | Reason::Signalled(_)
        | Reason::ScriptTimedOut
        | Reason::NotStarted
        | Reason::Overdue
        | Reason::Panicked => "Connection failed",
    }
}

const fn misc_end(reason: &Reason) -> MiscEnd {
    match reason {
        Reason::Exited(status) => MiscEnd::Exited(*status),
        Reason::Signalled(signal) => MiscEnd::Signalled(*signal),
        Reason::ScriptTimedOut | Reason::Overdue => MiscEnd::TimedOut,
        Reason::NotStarted
        | Reason::Panicked
        | Reason::Socket(_)
        | Reason::Refused
        | Reason::Unreachable(_)
        | Reason::ConnectTimedOut
        | Reason::AnswerTimedOut
        | Reason::Broken(_)
        | Reason::Tls(_)
        | Reason::NoData
        | Reason::HeaderTooLong
        | Reason::BadStatusLine
        | Reason::Status(_)
        | Reason::Digest(_)
        | Reason::Regex(_)
        | Reason::RegexGaveUp(_)
        | Reason::Greeting
        | Reason::Helo
        | Reason::Rcode(_)
        | Reason::Mismatch(_)
        | Reason::Answer(_)
        | Reason::NotSent(_)
        | Reason::NotTaken
        | Reason::File(_)
        | Reason::SessionDown => MiscEnd::NotStarted,
    }
}
