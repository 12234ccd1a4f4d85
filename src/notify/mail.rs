//! Mail alerts: who is written to when, and the letters themselves (facts 17).
//!
//! [`post`] sends them, one after the other, beside everything else. What checkers say of servers comes with its subject and
//! its body: [`Mailer::send`].

mod post;

use super::config::{MailConfig, NotifyConfig};
use crate::sys::wall::{self, Wall};
use crate::vrrp::event::{Notification, NotifyState, Occasion, Subject};
use nix::unistd::{Uid, User, gethostname};
use post::Post;
use std::collections::HashMap;
use std::time::Duration;

/// keepalived's limit of a subject.
const MAX_SUBJECT: usize = 255;
/// A header is folded before it is longer than this (RFC 5322 forbids more than 998).
const MAX_LINE: usize = 900;

/// Sends mail alerts. Needs a tokio runtime.
#[derive(Debug)]
pub struct Mailer {
    config: NotifyConfig,
    /// Before the last reload: it has what a reload ended.
    old: NotifyConfig,
    sender: Sender,
    /// What was written of each last (fact 17.1).
    told: HashMap<Subject, NotifyState>,
    post: Post,
}

/// Who writes, where the configuration does not say.
#[derive(Clone, Debug)]
struct Sender {
    host: String,
    user: String,
}

impl Sender {
    fn own() -> Self {
        let host = gethostname().map(|name| name.to_string_lossy().into_owned());
        let user = User::from_uid(Uid::effective()).ok().flatten();
        Self {
            host: host
                .ok()
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| "localhost".into()),
            user: user.map_or_else(|| "root".into(), |user| user.name),
        }
    }
}

impl Default for Mailer {
    fn default() -> Self {
        Self {
            config: NotifyConfig::default(),
            old: NotifyConfig::default(),
            sender: Sender::own(),
            told: HashMap::new(),
            post: Post::default(),
        }
    }
}

impl Mailer {
    /// Writes by this from now on. What waits is sent as it is.
    pub fn apply(&mut self, config: NotifyConfig) {
        self.old = std::mem::replace(&mut self.config, config);
    }

    /// Writes of it, if it is to be written of. Never waits.
    pub fn notify(&mut self, notification: &Notification) {
        let Notification {
            subject,
            state,
            occasion,
            ..
        } = notification;
        let config = match occasion {
            Occasion::Change => &self.config,
            Occasion::Departure => &self.old,
            Occasion::Reminder => return,
        };
        let wanted = config.of(subject).is_some_and(|told| told.smtp_alert);
        // The relay is that of the present, even for what is past.
        let Some(mail) = self.config.mail.as_ref().filter(|_| wanted) else {
            return;
        };
        let Some((title, body)) = words(subject, *state) else {
            return;
        };
        if mail.no_faults && *state == NotifyState::Fault {
            return;
        }
        let known = match occasion {
            Occasion::Departure => self.told.remove(subject),
            Occasion::Change | Occasion::Reminder => self.told.insert(subject.clone(), *state),
        };
        if known != Some(*state) {
            self.post
                .send(letter(mail, &self.sender, wall::now(), &title, body));
        }
    }

    /// Writes a letter of something else.
    pub fn send(&self, title: &str, body: &str) {
        if let Some(mail) = &self.config.mail {
            self.post
                .send(letter(mail, &self.sender, wall::now(), title, body));
        }
    }

    /// Letters that were not sent: they found no room, or the relay did not take them.
    pub fn lost(&self) -> u64 {
        self.post.lost()
    }

    /// The daemon stops: what waits is tried once, until `limit`.
    pub async fn close(self, limit: Duration) {
        self.post.close(limit).await;
    }
}

/// The end of the subject and the body (facts 17.2, 17.3); nothing where no letter is written.
fn words(subject: &Subject, state: NotifyState) -> Option<(String, &'static str)> {
    let entering = |state: &str| format!("Entering {state} state");
    let (title, instance, group) = match state {
        NotifyState::Master => (
            entering("MASTER"),
            "=> VRRP Instance is now owning VRRP VIPs <=",
            "=> All VRRP group instances are now in MASTER state <=",
        ),
        NotifyState::Backup => (
            entering("BACKUP"),
            "=> VRRP Instance is no longer owning VRRP VIPs <=",
            "=> All VRRP group instances are now in BACKUP state <=",
        ),
        NotifyState::Fault => (
            entering("FAULT"),
            "=> VRRP Instance is no longer owning VRRP VIPs <=",
            "=> All VRRP group instances are now in FAULT state <=",
        ),
        NotifyState::Stop => (
            "Stopping".into(),
            "=> VRRP Instance stopping <=",
            "=> All VRRP group instances are now stopping <=",
        ),
        // Groups are not deleted, they are no more.
        NotifyState::Deleted => (
            "Deleted".into(),
            "=> VRRP Deleted at reload <=",
            "=> VRRP Deleted at reload <=",
        ),
        NotifyState::MasterRxLowerPri | NotifyState::MasterPriority | NotifyState::BackupPriority => {
            return None;
        }
    };
    Some(match subject {
        Subject::Instance(name) => (format!("VRRP Instance {name} - {title}"), instance),
        Subject::Group(name) => (format!("VRRP Group {name} - {title}"), group),
    })
}

/// A letter, with all that is needed to send it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Letter {
    host: String,
    port: u16,
    helo: String,
    timeout: Duration,
    /// For `MAIL FROM`.
    from: String,
    /// For `RCPT TO`.
    to: Vec<String>,
    /// For the log.
    subject: String,
    /// Headers and body, lines ended by CR LF.
    text: String,
}

fn letter(mail: &MailConfig, sender: &Sender, date: Wall, title: &str, body: &str) -> Letter {
    let router = mail.router_id.as_ref().unwrap_or(&sender.host);
    let subject: String = plain(&format!("[{router}] {title}"))
        .chars()
        .take(MAX_SUBJECT)
        .collect();
    let own = || format!("{}@{}", sender.user, sender.host);
    let from = plain(&mail.from.clone().unwrap_or_else(own));
    let to: Vec<String> = mail.to.iter().map(|address| plain(address)).collect();
    let text = format!(
        "Date: {}\r\nFrom: {from}\r\nSubject: {subject}\r\nX-Mailer: Keepalived\r\nTo: {}\r\n\r\n{body}\r\n",
        date.local().mail(),
        recipients(&to)
    );
    Letter {
        host: mail.host.clone(),
        port: mail.port,
        helo: plain(mail.helo_name.as_ref().unwrap_or(&sender.host)),
        timeout: mail.timeout,
        from: bare(&from).to_owned(),
        to: to.iter().map(|address| bare(address).to_owned()).collect(),
        subject,
        text,
    }
}

/// Without anything that could end a line of the dialogue.
fn plain(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect()
}

/// The address without a display name (fact 17.5).
fn bare(address: &str) -> &str {
    address
        .rsplit_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map_or(address, |(address, _)| address)
}

fn recipients(to: &[String]) -> String {
    let mut out = String::new();
    let mut line = 0;
    for address in to {
        if out.is_empty() {
            line = 0;
        } else if line + address.len() > MAX_LINE {
            out.push_str(",\r\n ");
            line = 0;
        } else {
            out.push_str(", ");
        }
        out.push_str(address);
        line += address.len() + 2;
    }
    out
}

#[cfg(test)]
mod tests;
