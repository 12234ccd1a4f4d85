//! Whom the daemon tells: mail, FIFOs, and the scripts of its own start and end.

use super::Spanned;
use crate::script::config::{Command, RunAs};
use std::time::Duration;

/// Mail alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct MailSettings {
    /// With all its words, a display name among them.
    pub from: Option<String>,
    pub to: Vec<String>,
    pub server: Option<Spanned<SmtpServer>>,
    pub helo_name: Option<String>,
    pub connect_timeout: Option<Duration>,
    pub alert: Option<bool>,
    pub alert_vrrp: Option<bool>,
    pub alert_checker: Option<bool>,
    pub no_checker_emails: bool,
    pub no_email_faults: bool,
}

/// `smtp_server`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpServer {
    /// An address or a name.
    pub host: String,
    /// 25 where none is written.
    pub port: u16,
}

/// `startup_script`, `shutdown_script`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct LifeScripts {
    pub startup: Option<Spanned<Command>>,
    pub startup_timeout: Option<Duration>,
    pub shutdown: Option<Spanned<Command>>,
    pub shutdown_timeout: Option<Duration>,
}

/// The FIFOs for events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct FifosSettings {
    pub all: FifoSettings,
    pub vrrp: FifoSettings,
    pub lvs: FifoSettings,
    pub notify_priority_changes: Option<bool>,
    pub write_vrrp_states_on_reload: bool,
}

/// One FIFO.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FifoSettings {
    /// `notify_fifo`
    pub fifo: Option<Fifo>,
    /// `notify_fifo_script`
    pub script: Option<Spanned<Command>>,
}

/// A FIFO and its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as they say")]
pub struct Fifo {
    pub path: String,
    pub owner: Option<RunAs>,
}
