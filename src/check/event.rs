//! What the health engine hears and what it wants done. The plane's driver and the probes speak only these values.

use super::config::ProbeConfig;
use super::letter::Letter;
use super::telling::{Line, Names};
use crate::ipvs::model::{ServerId, ServiceKey, Wanted};
use crate::script::config::{Command, ScriptOutcome};
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// The engine's number of a checker: given once, never used again for another, stable over a reload for a checker
/// that stays. An answer to a checker that is gone therefore finds nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckerId(pub u32);

/// What the engine hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A probe ended. Every [`Action::Start`] is answered by exactly one of these.
    Outcome {
        /// Whose.
        checker: CheckerId,
        /// The `url` that was asked; 0 for probes that have none.
        url: usize,
        /// How.
        outcome: ProbeOutcome,
    },
    /// A probe that was started waits for its turn: as many as may ask at a time are asking.
    Queued(CheckerId),
    /// Its turn has come.
    Begun(CheckerId),
    /// A back-end has shown a certificate: before the outcome of the probe that saw it.
    Certificate {
        /// Whose probe.
        checker: CheckerId,
        /// When the certificate ends, in seconds since 1970.
        ends: i64,
    },
    /// This host's addresses, all of them.
    Addresses(BTreeSet<IpAddr>),
    /// The instances that are MASTER, all of those that virtual servers follow, by their names in the running
    /// configuration. Nothing: that is not known, and what is served stays.
    Masters(Option<Arc<BTreeSet<String>>>),
    /// A tracked file has this number.
    File {
        /// Its name.
        name: String,
        /// The number.
        value: i32,
    },
    /// A BFD session is up or down.
    Session {
        /// The `bfd_instance`.
        name: String,
        /// Up.
        up: bool,
    },
}

/// What the engine wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask a back-end, and answer with [`Event::Outcome`]. A checker has at most one probe in flight.
    Start(ProbeOrder),
    /// A virtual server's services shall be like this in IPVS from now on; `None`: it wants none. Only the newest value
    /// for a virtual server counts, and what the kernel refuses is tried again by whoever carries this out.
    Want {
        /// Which virtual server.
        server: ServerId,
        /// The whole of what it wants.
        wanted: Option<Arc<Wanted>>,
    },
    /// A virtual server begins that wants none of these services yet: they are not to be there unless another one wants
    /// them.
    Clear(Arc<[ServiceKey]>),
    /// Tell the operator, after the table was changed.
    Notify(Notification),
    /// Tell the log.
    Tell(Line),
}

/// What the operator is told of what has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notification {
    /// A real server comes or goes.
    Server {
        /// Which.
        names: Names,
        /// It comes.
        up: bool,
        /// `notify_up` or `notify_down`
        script: Option<Command>,
    },
    /// A virtual server's quorum is gained or lost.
    Service {
        /// Its name.
        vs: Arc<str>,
        /// It is gained.
        up: bool,
        /// `quorum_up` or `quorum_down`
        script: Option<Command>,
    },
    /// A mail.
    Mail(Letter),
}

impl Notification {
    /// The script to be run.
    pub const fn script(&self) -> Option<&Command> {
        match self {
            Self::Server { script, .. } | Self::Service { script, .. } => script.as_ref(),
            Self::Mail(_) => None,
        }
    }

    /// The line for FIFOs (fact 14.1).
    pub fn line(&self) -> Option<String> {
        let word = |up: &bool| if *up { "UP" } else { "DOWN" };
        match self {
            Self::Server { names, up, .. } => Some(format!("RS {} {} {}\n", names.rs, names.vs, word(up))),
            Self::Service { vs, up, .. } => Some(format!("VS {vs} {}\n", word(up))),
            Self::Mail(_) => None,
        }
    }
}

/// One question to one back-end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeOrder {
    /// For whom.
    pub checker: CheckerId,
    /// What to ask.
    pub probe: Arc<ProbeConfig>,
    /// Which `url` of an HTTP_GET or SSL_GET; 0 for the others.
    pub url: usize,
    /// How many questions this checker has had, with this one.
    pub number: u32,
    /// Who is asked about, for the log.
    pub names: Names,
}

/// What a probe brings back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// How it ended.
    pub outcome: ProbeOutcome,
    /// When the certificate of the back-end ends, in seconds since 1970, if there was a handshake; whatever came after it.
    pub certificate_ends: Option<i64>,
}

impl From<ProbeOutcome> for Heard {
    fn from(outcome: ProbeOutcome) -> Self {
        Self {
            outcome,
            certificate_ends: None,
        }
    }
}

/// How a probe ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ProbeOutcome {
    /// The back-end answered well.
    Success {
        /// MISC_CHECK: the script's exit status.
        exit_status: Option<u8>,
    },
    /// It did not.
    Failure(Reason),
}

impl From<Result<(), Reason>> for ProbeOutcome {
    fn from(result: Result<(), Reason>) -> Self {
        result.map_or_else(Self::Failure, |()| Self::OK)
    }
}

impl ProbeOutcome {
    /// Success of a probe that is no script.
    pub const OK: Self = Self::Success { exit_status: None };

    /// What a MISC_CHECK script's end means (facts 11.1, 11.2): 0 is good, with `misc_dynamic` 2 to 255 too.
    pub const fn of_script(dynamic: bool, outcome: ScriptOutcome) -> Self {
        match outcome {
            ScriptOutcome::Exited(0) => Self::Success { exit_status: Some(0) },
            ScriptOutcome::Exited(status) if dynamic && status >= 2 => Self::Success {
                exit_status: Some(status),
            },
            ScriptOutcome::Exited(status) => Self::Failure(Reason::Exited(status)),
            ScriptOutcome::Signalled(signal) => Self::Failure(Reason::Signalled(signal)),
            ScriptOutcome::TimedOut => Self::Failure(Reason::ScriptTimedOut),
            ScriptOutcome::NotStarted => Self::Failure(Reason::NotStarted),
        }
    }
}

/// Why a probe did not succeed. The text of each is a clause that can follow "failed: ".
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A socket could not be made, bound or given an option: a fault of this host, not of the back-end. No verdict
    /// (fact 9.2).
    Socket(String),
    /// Connection refused.
    Refused,
    /// No route, network or host unreachable.
    Unreachable(String),
    /// Not connected within `connect_timeout`.
    ConnectTimedOut,
    /// Connected, but no answer or no more of it within `connect_timeout`.
    AnswerTimedOut,
    /// The connection broke (reset, or another error of reading or writing).
    Broken(String),
    /// The TLS handshake or a TLS record failed.
    Tls(String),
    /// The connection ended without a complete HTTP header.
    NoData,
    /// The HTTP header is larger than the 4096 octets that keepalived reads (fact 10.5).
    HeaderTooLong,
    /// The status line has no number.
    BadStatusLine,
    /// A status code outside of the accepted ones.
    Status(u16),
    /// The body's MD5 is another one: this.
    Digest([u8; 16]),
    /// The body and the regex do not go together, and in which way.
    Regex(&'static str),
    /// The search for the regex was given up, and why.
    RegexGaveUp(String),
    /// SMTP_CHECK: the greeting is none.
    Greeting,
    /// SMTP_CHECK: the answer to HELO is not a good one.
    Helo,
    /// DNS_CHECK: the answer has this response code.
    Rcode(u8),
    /// UDP_CHECK, PING_CHECK: the reply is not the one that is wanted, and in which way.
    Mismatch(&'static str),
    /// The question could not be sent.
    NotSent(String),
    /// SMTP_CHECK: what is said to it is not taken within `connect_timeout`.
    NotTaken,
    /// FILE_CHECK: the number in the file says that it is down.
    File(i32),
    /// BFD_CHECK: the session is not up.
    SessionDown,
    /// A service's answer is not that of a healthy one; in words that may stand in a log.
    Answer(String),
    /// The script exited with this status.
    Exited(u8),
    /// A signal ended the script.
    Signalled(u8),
    /// The script ran longer than `misc_timeout`.
    ScriptTimedOut,
    /// The script could not be started.
    NotStarted,
    /// The probe as a whole took longer than any sum of its limits allows; it was given up.
    Overdue,
    /// The probe panicked: a mistake of ours, contained.
    Panicked,
}

impl Reason {
    /// Whether this says anything about the back-end. A local mishap leaves the checker as it was (fact 9.2).
    pub const fn is_verdict(&self) -> bool {
        match self {
            Self::Socket(_) => false,
            Self::Refused
            | Self::Unreachable(_)
            | Self::ConnectTimedOut
            | Self::AnswerTimedOut
            | Self::Broken(_)
            | Self::Tls(_)
            | Self::NoData
            | Self::HeaderTooLong
            | Self::BadStatusLine
            | Self::Status(_)
            | Self::Digest(_)
            | Self::Regex(_)
            | Self::RegexGaveUp(_)
            | Self::Greeting
            | Self::Helo
            | Self::Rcode(_)
            | Self::Mismatch(_)
            | Self::NotSent(_)
            | Self::NotTaken
            | Self::File(_)
            | Self::SessionDown
            | Self::Answer(_)
            | Self::Exited(_)
            | Self::Signalled(_)
            | Self::ScriptTimedOut
            | Self::NotStarted
            | Self::Overdue
            | Self::Panicked => true,
        }
    }

    /// Its name, for counters.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Socket(_) => "socket",
            Self::Refused => "refused",
            Self::Unreachable(_) => "unreachable",
            Self::ConnectTimedOut => "connect_timeout",
            Self::AnswerTimedOut => "answer_timeout",
            Self::Broken(_) => "broken",
            Self::Tls(_) => "tls",
            Self::NoData => "no_data",
            Self::HeaderTooLong => "header_too_long",
            Self::BadStatusLine => "bad_status_line",
            Self::Status(_) => "status",
            Self::Digest(_) => "digest",
            Self::Regex(_) => "regex",
            Self::RegexGaveUp(_) => "regex_gave_up",
            Self::Greeting => "greeting",
            Self::Helo => "helo",
            Self::Rcode(_) => "rcode",
            Self::Mismatch(_) => "mismatch",
            Self::NotSent(_) => "not_sent",
            Self::NotTaken => "write_timeout",
            Self::File(_) => "file",
            Self::SessionDown => "session_down",
            Self::Answer(_) => "answer",
            Self::Exited(_) => "exit_status",
            Self::Signalled(_) => "signal",
            Self::ScriptTimedOut => "script_timeout",
            Self::NotStarted => "not_started",
            Self::Overdue => "overdue",
            Self::Panicked => "panic",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(why) => write!(f, "no socket: {why}"),
            Self::Refused => f.write_str("connection refused"),
            Self::Unreachable(why) => write!(f, "unreachable: {why}"),
            Self::ConnectTimedOut => f.write_str("no connection in time"),
            Self::AnswerTimedOut => f.write_str("no answer in time"),
            Self::Broken(why) => write!(f, "connection broke: {why}"),
            Self::Tls(why) => write!(f, "TLS: {why}"),
            Self::NoData => f.write_str("no data received"),
            Self::HeaderTooLong => f.write_str("HTTP header longer than 4096 octets"),
            Self::BadStatusLine => f.write_str("no status code in the answer"),
            Self::Status(code) => write!(f, "HTTP status code {code}"),
            Self::Digest(found) => {
                f.write_str("MD5 digest ")?;
                found.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
            Self::Regex(how) => f.write_str(how),
            Self::RegexGaveUp(why) => write!(f, "the search for the regex was given up: {why}"),
            Self::Greeting => f.write_str("the SMTP greeting is not a good one"),
            Self::Helo => f.write_str("the answer to HELO is not a good one"),
            Self::Rcode(code) => write!(f, "DNS response code {code}"),
            Self::Mismatch(how) => write!(f, "not the reply that is wanted: {how}"),
            Self::NotSent(why) => write!(f, "the question could not be sent: {why}"),
            Self::NotTaken => f.write_str("the question was not taken in time"),
            Self::File(value) => write!(f, "the file has {value}"),
            Self::SessionDown => f.write_str("the BFD session is down"),
            Self::Answer(what) => f.write_str(what),
            Self::Exited(status) => write!(f, "exited with status {status}"),
            Self::Signalled(signal) => write!(f, "due to signal {signal}"),
            Self::ScriptTimedOut => f.write_str("script timed out"),
            Self::NotStarted => f.write_str("script could not be started"),
            Self::Overdue => f.write_str("the whole check took too long"),
            Self::Panicked => f.write_str("the check itself crashed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LVS facts: 11.1
    #[test]
    fn exit_statuses_mean_what_keepalived_means_by_them() {
        let ok = |status| ProbeOutcome::Success {
            exit_status: Some(status),
        };
        let bad = ProbeOutcome::Failure;
        for (dynamic, outcome, meaning) in [
            (false, ScriptOutcome::Exited(0), ok(0)),
            (true, ScriptOutcome::Exited(0), ok(0)),
            (false, ScriptOutcome::Exited(1), bad(Reason::Exited(1))),
            (true, ScriptOutcome::Exited(1), bad(Reason::Exited(1))),
            (false, ScriptOutcome::Exited(2), bad(Reason::Exited(2))),
            (true, ScriptOutcome::Exited(2), ok(2)),
            (true, ScriptOutcome::Exited(255), ok(255)),
            (true, ScriptOutcome::Signalled(9), bad(Reason::Signalled(9))),
            (true, ScriptOutcome::TimedOut, bad(Reason::ScriptTimedOut)),
            (true, ScriptOutcome::NotStarted, bad(Reason::NotStarted)),
        ] {
            assert_eq!(
                ProbeOutcome::of_script(dynamic, outcome),
                meaning,
                "{dynamic} {outcome:?}"
            );
        }
    }

    #[test]
    fn only_local_mishaps_are_no_verdict() {
        assert!(!Reason::Socket("EMFILE".into()).is_verdict());
        assert!(Reason::Refused.is_verdict());
        assert!(Reason::Panicked.is_verdict());
    }
}
