//! Tells everybody: scripts first, then FIFOs, then mail (fact 12.1). None of them waits for another.

use super::config::NotifyConfig;
use super::fifo::Fifos;
use super::mail::Mailer;
use super::script::Notifier;
use crate::script::Scripts;
use crate::script::config::Command;
use crate::vrrp::event::Notification;
use std::sync::Arc;
use std::time::Duration;

/// All whom the daemon tells. Needs a tokio runtime.
#[derive(Debug)]
pub struct Teller {
    scripts: Notifier,
    fifos: Fifos,
    mail: Mailer,
}

impl Teller {
    /// Tells nobody before [`Self::apply`].
    pub fn new() -> Self {
        Self {
            scripts: Notifier::new(NotifyConfig::default(), Arc::default()),
            fifos: Fifos::default(),
            mail: Mailer::default(),
        }
    }

    /// Tells by this from now on. `scripts` may know commands of the configuration before; those of FIFOs are looked up in it
    /// too.
    pub fn apply(&mut self, config: NotifyConfig, scripts: &Arc<Scripts>) {
        self.fifos.apply(&config.fifos, scripts);
        self.mail.apply(config.clone());
        self.scripts.apply(config, Arc::clone(scripts));
    }

    /// Tells it. Never waits.
    pub fn notify(&mut self, notification: &Notification) {
        self.scripts.notify(notification);
        self.fifos.notify(notification);
        self.mail.notify(notification);
    }

    /// Runs a script of a real server or a quorum. Never waits.
    pub fn run_detached(&mut self, command: &Command) {
        self.scripts.run_detached(command);
    }

    /// Writes a line of the health checks to FIFOs. Never waits.
    pub fn health_line(&mut self, line: &str) {
        self.fifos.health(line);
    }

    /// Writes a mail of something that is no virtual router. Never waits.
    pub fn write(&self, title: &str, body: &str) {
        self.mail.send(title, body);
    }

    /// The daemon stops: what was told last has so long to be done, and mails have so long to be taken.
    pub async fn close(self, limit: Duration, mails: Duration) {
        tokio::join!(
            self.scripts.drain(limit),
            self.fifos.close(limit),
            self.mail.close(mails),
        );
    }
}

impl Default for Teller {
    fn default() -> Self {
        Self::new()
    }
}
