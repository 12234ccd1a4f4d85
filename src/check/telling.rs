//! Everything the health engine can say to the log: one enum, in keepalived's words (facts 4 to 11, 16, 17).
//!
//! Some words are odd ("success.", a space before a full stop, "1 retries"): monitoring matches on them.

use super::overdue::Step;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A real server and its virtual server, by the names of fact 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// Real server, such as `[192.0.2.5]:tcp:80`.
    pub rs: Arc<str>,
    /// Virtual server, such as `[192.0.2.1]:tcp:80`; all its real servers have it together.
    pub vs: Arc<str>,
}

/// A line of the log about checkers, real servers and virtual servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// So many verdicts of an earlier run are believed.
    Inherited {
        /// How many.
        taken: usize,
        /// Of how many that it has left.
        found: usize,
    },
    /// A checker begins its work.
    Activating(Names),
    /// A checker rests from its start on: `ha_suspend`.
    Deactivating(Names),
    /// A checker that worked rests.
    Suspending(Names),
    /// A checker says something.
    Checker {
        /// Whose.
        names: Names,
        /// What.
        saying: CheckerSaying,
    },
    /// One attempt failed, and why; for `-D` only, since keepalived does not tell the reason.
    Attempt {
        /// Whose.
        names: Names,
        /// `TCP_CHECK`, …
        keyword: &'static str,
        /// The reason, in words.
        reason: String,
    },
    /// A checker is late with its next step, or no longer.
    Overdue {
        /// Whose.
        names: Names,
        /// `TCP_CHECK`, …
        keyword: &'static str,
        /// What.
        saying: OverdueSaying,
    },
    /// So many more than were told by name.
    MoreOverdue {
        /// How many.
        count: usize,
        /// They are late, or no longer.
        begins: bool,
    },
    /// A real server enters or leaves.
    Server {
        /// Whose.
        names: Names,
        /// What.
        saying: ServerSaying,
    },
    /// A virtual server's quorum or sorry server.
    Service {
        /// Its name.
        vs: Arc<str>,
        /// What.
        saying: ServiceSaying,
    },
}

/// What is said of a checker that is late with its next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverdueSaying {
    /// It is.
    Begins {
        /// With what.
        step: Step,
        /// For so long.
        since: Duration,
    },
    /// It no longer is.
    Ends {
        /// After so long.
        after: Duration,
    },
}

/// What a url's answer is put to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as what is tested")]
pub enum WebTest {
    Status,
    Digest,
    Regex,
}

/// What a checker says. `retries`: how many failures were forgiven before; `None`: the plain form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckerSaying {
    /// TCP_CHECK: good again, or for the first time.
    TcpSuccess,
    /// TCP_CHECK: down.
    TcpDown {
        /// See above.
        retries: Option<u32>,
    },
    /// TCP_CHECK, `log_all_failures`: one attempt failed.
    TcpAttempt {
        /// No answer in time.
        timeout: bool,
    },
    /// UDP_CHECK: good again, or for the first time.
    UdpSuccess,
    /// UDP_CHECK: down.
    UdpDown {
        /// See above.
        retries: Option<u32>,
    },
    /// UDP_CHECK, `log_all_failures`: one attempt failed.
    UdpAttempt {
        /// There was a reply, but not the right one.
        mismatch: bool,
    },
    /// PING_CHECK: good again, or for the first time.
    PingSuccess,
    /// PING_CHECK: down.
    PingDown {
        /// See above.
        retries: Option<u32>,
    },
    /// PING_CHECK, `log_all_failures`: one attempt had no reply.
    PingTimeout,
    /// DNS_CHECK: down, or an attempt failed.
    DnsFailed {
        /// In keepalived's words.
        trouble: String,
        /// See above.
        retries: Option<u32>,
    },
    /// SMTP_CHECK: good again, or for the first time.
    SmtpSuccess,
    /// SMTP_CHECK: down, or an attempt failed.
    SmtpFailed {
        /// In keepalived's words, with whom was asked.
        trouble: String,
    },
    /// FILE_CHECK: the file takes the server down, or lets it be.
    File {
        /// Its name.
        track_file: String,
        /// It takes it down.
        fault: bool,
    },
    /// BFD_CHECK: the session came up or went down.
    Bfd {
        /// The `bfd_instance`.
        name: String,
        /// Up.
        up: bool,
    },
    /// HTTP_GET, SSL_GET: every url is good.
    WebSuccess,
    /// HTTP_GET, SSL_GET: one url of a server that is down is good.
    UrlSuccess {
        /// The last test that it passed.
        test: WebTest,
        /// Its path.
        path: String,
    },
    /// HTTP_GET, SSL_GET: down.
    WebDown {
        /// SSL_GET
        tls: bool,
        /// See above.
        retries: Option<u32>,
    },
    /// HTTP_GET, SSL_GET, `log_all_failures`: one attempt failed, with keepalived's message for the reason.
    WebAttempt {
        /// Such as `HTTP status code error to`.
        message: &'static str,
    },
    /// MISC_CHECK: good again, or for the first time.
    MiscSuccess {
        /// The program.
        path: String,
    },
    /// MISC_CHECK: failed.
    MiscFailed {
        /// The program.
        path: String,
        /// How far the retries are.
        stage: MiscStage,
        /// Why.
        end: MiscEnd,
    },
    /// A checker that keepalived does not have: good again, or for the first time.
    ServiceSuccess {
        /// Which.
        keyword: &'static str,
    },
    /// The same: down.
    ServiceDown {
        /// Which.
        keyword: &'static str,
        /// See above.
        retries: Option<u32>,
        /// The last reason, in words.
        reason: String,
    },
    /// The same, `log_all_failures`: one attempt failed.
    ServiceAttempt {
        /// Which.
        keyword: &'static str,
        /// Why, in words.
        reason: String,
    },
    /// A socket could not be made here; the checker's state stays as it is (fact 9.2).
    SocketTrouble {
        /// Of which kind, as keepalived names it.
        socket: &'static str,
    },
    /// The check itself crashed or hung: ours, it counts as a failure.
    Crashed {
        /// Which.
        keyword: &'static str,
        /// What happened.
        reason: String,
    },
}

/// Where a failing MISC_CHECK stands (fact 11.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MiscStage {
    /// There are no retries.
    RetryDisabled,
    /// The first failure; so many retries follow.
    WillRetry(u32),
    /// A retry failed.
    OnRetry(u32, u32),
    /// The last one failed.
    AfterRetries(u32),
}

/// How a failed script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MiscEnd {
    /// With this status.
    Exited(u8),
    /// By this signal.
    Signalled(u8),
    /// It was stopped.
    TimedOut,
    /// It could not be started.
    NotStarted,
}

/// What happens to a real server. `inhibit`: it stays configured, with weight 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerSaying {
    /// It comes up.
    Up {
        /// See above.
        inhibit: bool,
    },
    /// It goes down.
    Down {
        /// See above.
        inhibit: bool,
    },
    /// Its weight changes.
    Weight {
        /// Before.
        from: u32,
        /// From now on.
        to: u32,
        /// It is alive.
        active: bool,
    },
    /// The daemon ends.
    ShuttingDown {
        /// See above.
        inhibited: bool,
    },
    /// A reload does not know it any more.
    NoLongerExists,
}

/// What happens to a virtual server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceSaying {
    /// `weight` has reached `quorum` + `hysteresis`.
    Gained(QuorumFigures),
    /// `weight` has fallen below `quorum` − `hysteresis`, or to 0.
    Lost(QuorumFigures),
    /// Not enough weight at the start, and there is a sorry server.
    StartingDown(QuorumFigures),
    /// The sorry server comes.
    AddingSorry {
        /// Its name.
        server: String,
        /// It was there with weight 0.
        inhibit: bool,
    },
    /// The sorry server goes.
    RemovingSorry {
        /// Its name.
        server: String,
        /// It stays with weight 0.
        inhibit: bool,
    },
    /// The live servers come back.
    AddingAlive,
    /// The live servers make room for the sorry server.
    RemovingAlive,
    /// A reload does not know it any more.
    Removing {
        /// The group that it is of.
        group: Option<Arc<str>>,
    },
    /// `while_master`: whether it is in IPVS, and because of whom.
    Served {
        /// It is.
        yes: bool,
        /// The instance; none when it depends on none any more.
        instance: Option<String>,
    },
}

/// The figures of a quorum line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuorumFigures {
    /// `quorum`
    pub quorum: u32,
    /// `hysteresis`
    pub hysteresis: u32,
    /// The weight of the live servers.
    pub weight: u64,
}

impl QuorumFigures {
    /// What gains the quorum (fact 6.1).
    pub fn enough(self) -> u64 {
        u64::from(self.quorum) + u64::from(self.hysteresis)
    }

    /// What keeps it.
    pub fn least(self) -> u64 {
        self.quorum.saturating_sub(self.hysteresis).into()
    }
}

impl Line {
    /// Whether it says that something does not work here.
    pub const fn is_error(&self) -> bool {
        match self {
            Self::Overdue {
                saying: OverdueSaying::Begins { .. },
                ..
            }
            | Self::MoreOverdue { begins: true, .. } => true,
            Self::Overdue { .. }
            | Self::MoreOverdue { .. }
            | Self::Attempt { .. }
            | Self::Activating(_)
            | Self::Deactivating(_)
            | Self::Suspending(_)
            | Self::Checker { .. }
            | Self::Inherited { .. }
            | Self::Server { .. }
            | Self::Service { .. } => false,
        }
    }

    /// Whether this is for `-D` only.
    pub const fn is_detail(&self) -> bool {
        match self {
            Self::Attempt { .. }
            | Self::Checker {
                saying: CheckerSaying::File { .. },
                ..
            } => true,
            Self::Inherited { .. }
            | Self::Activating(_)
            | Self::Deactivating(_)
            | Self::Suspending(_)
            | Self::Checker { .. }
            | Self::Overdue { .. }
            | Self::MoreOverdue { .. }
            | Self::Server { .. }
            | Self::Service { .. } => false,
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inherited { taken, found } => {
                write!(f, "Taking over {taken} of {found} verdicts of the previous run")
            }
            Self::Activating(Names { rs, vs }) => {
                write!(f, "Activating healthchecker for service {rs} for VS {vs}")
            }
            Self::Deactivating(Names { rs, vs }) => {
                write!(f, "Deactivating healthchecker for service {rs} for VS {vs}")
            }
            Self::Suspending(Names { rs, vs }) => {
                write!(f, "Suspending healthchecker for service {rs} for VS {vs}")
            }
            Self::Checker { names, saying } => checker(f, names, saying),
            Self::Attempt {
                names: Names { rs, vs },
                keyword,
                reason,
            } => {
                write!(f, "{keyword} of {rs} for VS {vs}: {reason}")
            }
            Self::Overdue {
                names: Names { rs, vs },
                keyword,
                saying,
            } => {
                write!(f, "{keyword} of {rs} for VS {vs} is ")?;
                overdue(f, *saying)
            }
            Self::MoreOverdue { count, begins: true } => write!(f, "{count} more checks are overdue"),
            Self::MoreOverdue { count, begins: false } => {
                write!(f, "{count} more checks are no longer overdue")
            }
            Self::Server { names, saying } => server(f, names, *saying),
            Self::Service { vs, saying } => service(f, vs, saying),
        }
    }
}

fn checker(f: &mut fmt::Formatter<'_>, Names { rs, vs }: &Names, saying: &CheckerSaying) -> fmt::Result {
    let down = |f: &mut fmt::Formatter<'_>, what: &str, retries: &Option<u32>| match retries {
        Some(n) => write!(f, "{what} on service {rs} failed after {n} retries."),
        None => write!(f, "{what} on service {rs} failed."),
    };
    match saying {
        CheckerSaying::TcpSuccess => write!(f, "TCP connection to {rs} success."),
        CheckerSaying::TcpDown { retries } => down(f, "TCP_CHECK", retries),
        CheckerSaying::TcpAttempt { timeout: true } => write!(f, "TCP connection to {rs} timeout."),
        CheckerSaying::TcpAttempt { timeout: false } => write!(f, "TCP connection to {rs} failed."),
        CheckerSaying::UdpSuccess => write!(f, "UDP connection to {rs} success."),
        CheckerSaying::UdpDown { retries } => down(f, "UDP_CHECK", retries),
        CheckerSaying::UdpAttempt { mismatch: true } => write!(f, "UDP check to {rs} reply data mismatch."),
        CheckerSaying::UdpAttempt { mismatch: false } => write!(f, "UDP connection to {rs} failed."),
        CheckerSaying::PingSuccess => write!(f, "ICMP connection to {rs} success."),
        CheckerSaying::PingDown { retries: Some(n) } => {
            write!(f, "ICMP CHECK on service {rs} of {vs} failed after {n} retries.")
        }
        CheckerSaying::PingDown { retries: None } => write!(f, "ICMP CHECK on service {rs} failed."),
        CheckerSaying::PingTimeout => write!(f, "ICMP connection to address {rs} timeout."),
        CheckerSaying::DnsFailed { trouble, retries } => {
            write!(f, "DNS_CHECK ({rs}) {trouble}")?;
            retries.map_or(Ok(()), |n| write!(f, " after {n} retries"))
        }
        CheckerSaying::SmtpSuccess => write!(f, "Remote SMTP server {rs} succeed on service."),
        CheckerSaying::SmtpFailed { trouble } => write!(f, "SMTP_CHECK {trouble}"),
        CheckerSaying::File { track_file, fault } => {
            let what = if *fault { "now" } else { "leaving" };
            write!(f, "({rs}): tracked file {track_file} {what} FAULT state")
        }
        CheckerSaying::Bfd { name, up } => {
            let state = if *up { "UP" } else { "DOWN" };
            write!(f, "BFD check of [{name}] RS({rs}) is {state}")
        }
        CheckerSaying::WebSuccess => write!(f, "Remote Web server {rs} succeed on service."),
        CheckerSaying::UrlSuccess { test, path } => {
            let test = match test {
                WebTest::Status => "HTTP status code",
                WebTest::Digest => "MD5 digest",
                WebTest::Regex => "Regex match",
            };
            write!(f, "{test} success to {rs} url({path})")
        }
        CheckerSaying::WebDown { tls: false, retries } => down(f, "HTTP_CHECK", retries),
        CheckerSaying::WebDown { tls: true, retries } => down(f, "SSL_CHECK", retries),
        CheckerSaying::WebAttempt { message } => write!(f, "{message} server {rs}."),
        CheckerSaying::MiscSuccess { path } => {
            write!(f, "Misc check for [{rs} VS {vs}] by [{path}] succeeded.")
        }
        CheckerSaying::MiscFailed { path, stage, end } => {
            write!(f, "Misc check for [{rs} VS {vs}] by [{path}] ")?;
            misc_failed(f, *stage, *end)
        }
        CheckerSaying::SocketTrouble { socket } => write!(f, "{socket} socket bind failed. Rescheduling."),
        CheckerSaying::ServiceSuccess { keyword } => write!(f, "{keyword} on service {rs} success."),
        CheckerSaying::ServiceDown {
            keyword,
            retries: Some(n),
            reason,
        } => write!(f, "{keyword} on service {rs} failed after {n} retries: {reason}."),
        CheckerSaying::ServiceDown {
            keyword,
            retries: None,
            reason,
        }
        | CheckerSaying::ServiceAttempt { keyword, reason } => {
            write!(f, "{keyword} on service {rs} failed: {reason}.")
        }
        CheckerSaying::Crashed { keyword, reason } => {
            write!(
                f,
                "{keyword} of {rs} for VS {vs}: {reason}; it counts as a failure"
            )
        }
    }
}

fn misc_failed(f: &mut fmt::Formatter<'_>, stage: MiscStage, end: MiscEnd) -> fmt::Result {
    f.write_str(match end {
        MiscEnd::TimedOut => "timed out",
        MiscEnd::Exited(_) | MiscEnd::Signalled(_) | MiscEnd::NotStarted => "failed",
    })?;
    let plural = |n: u32| if n == 1 { "retry" } else { "retries" };
    match stage {
        MiscStage::RetryDisabled => f.write_str(" with retry disabled"),
        MiscStage::WillRetry(n) => write!(f, ", will do {n} {}", plural(n)),
        MiscStage::OnRetry(i, n) => write!(f, " on retry {i}/{n}"),
        MiscStage::AfterRetries(n) => write!(f, " after {n} {}", plural(n)),
    }?;
    match end {
        MiscEnd::Exited(status) => write!(f, " (exited with status {status})."),
        MiscEnd::Signalled(signal) => write!(f, " (due to signal {signal})."),
        MiscEnd::TimedOut => f.write_str("."),
        MiscEnd::NotStarted => f.write_str(" (could not be started)."),
    }
}

fn overdue(f: &mut fmt::Formatter<'_>, saying: OverdueSaying) -> fmt::Result {
    match saying {
        OverdueSaying::Begins { step, since } => {
            let since = since.as_secs();
            match step {
                Step::Begin => write!(f, "overdue: it should have begun {since} s ago"),
                Step::Turn => write!(
                    f,
                    "overdue: it has waited for its turn for {since} s, since too many checks are on their way"
                ),
                Step::End { limit } => {
                    let limit = limit.as_secs();
                    write!(f, "overdue: it has asked for {since} s, and may take {limit} s")
                }
            }
        }
        OverdueSaying::Ends { after } => write!(f, "no longer overdue, after {} s", after.as_secs()),
    }
}

fn server(f: &mut fmt::Formatter<'_>, Names { rs, vs }: &Names, saying: ServerSaying) -> fmt::Result {
    match saying {
        ServerSaying::Up { inhibit: false } => write!(f, "Adding service {rs} to VS {vs}"),
        ServerSaying::Up { inhibit: true } => write!(f, "Enabling service {rs} of VS {vs}"),
        ServerSaying::Down { inhibit: false } => write!(f, "Removing service {rs} from VS {vs}"),
        ServerSaying::Down { inhibit: true } => write!(f, "Disabling service {rs} of VS {vs}"),
        ServerSaying::Weight { from, to, active } => {
            let state = if active { "active" } else { "inactive" };
            write!(
                f,
                "Changing weight from {from} to {to} for {state} service {rs} of VS {vs}"
            )
        }
        ServerSaying::ShuttingDown { inhibited: false } => {
            write!(f, "Shutting down service {rs} from VS {vs}")
        }
        ServerSaying::ShuttingDown { inhibited: true } => {
            write!(f, "Shutting down (inhibited) service {rs} from VS {vs}")
        }
        ServerSaying::NoLongerExists => write!(f, "service {rs} no longer exist"),
    }
}

fn service(f: &mut fmt::Formatter<'_>, vs: &str, saying: &ServiceSaying) -> fmt::Result {
    match saying {
        ServiceSaying::Gained(QuorumFigures {
            quorum,
            hysteresis,
            weight,
        }) => {
            let sum = u64::from(*quorum) + u64::from(*hysteresis);
            write!(
                f,
                "Gained quorum {quorum}+{hysteresis}={sum} <= {weight} for VS {vs}"
            )
        }
        ServiceSaying::Lost(QuorumFigures {
            quorum,
            hysteresis,
            weight,
        }) => {
            let difference = quorum.saturating_sub(*hysteresis);
            write!(
                f,
                "Lost quorum {quorum}-{hysteresis}={difference} > {weight} for VS {vs}"
            )
        }
        // The sum after a minus is keepalived's (fact 4.8).
        ServiceSaying::StartingDown(QuorumFigures {
            quorum,
            hysteresis,
            weight,
        }) => {
            let sum = u64::from(*quorum) + u64::from(*hysteresis);
            write!(
                f,
                "Starting with quorum down {quorum}-{hysteresis}={sum} > {weight} for VS {vs}"
            )
        }
        ServiceSaying::AddingSorry {
            server,
            inhibit: false,
        } => {
            write!(f, "Adding sorry server {server} to VS {vs}")
        }
        ServiceSaying::AddingSorry {
            server,
            inhibit: true,
        } => {
            write!(f, "Enabling sorry server {server} to VS {vs}")
        }
        ServiceSaying::RemovingSorry {
            server,
            inhibit: false,
        } => {
            write!(f, "Removing sorry server {server} from VS {vs}")
        }
        ServiceSaying::RemovingSorry {
            server,
            inhibit: true,
        } => {
            write!(f, "Disabling sorry server {server} from VS {vs}")
        }
        ServiceSaying::AddingAlive => write!(f, "Adding alive servers to the pool for VS {vs}"),
        ServiceSaying::RemovingAlive => write!(f, "Removing alive servers from the pool for VS {vs}"),
        ServiceSaying::Removing { group: None } => write!(f, "Removing Virtual Server {vs}"),
        ServiceSaying::Removing { group: Some(name) } => write!(f, "Removing Virtual Server Group [{name}]"),
        ServiceSaying::Served { yes, instance } => {
            let not = if *yes { "" } else { " not" };
            if let Some(instance) = instance {
                write!(f, "({instance}) is{not} MASTER: ")?;
            }
            write!(f, "virtual server {vs} is{not} served")
        }
    }
}
