//! What concerns the kernel's IPVS as a whole: timeouts, daemons, flushing.

use super::{Client, TalkError};
use crate::ipvs::config::{Role, SyncDaemon, Timeouts};
use crate::ipvs::wire::Message;
use std::collections::BTreeMap;

impl Client {
    /// The timeouts.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn timeouts(&mut self) -> Result<Timeouts, TalkError> {
        let mut told = Timeouts::default();
        self.ask(Message::timeouts(), 0, |message| {
            told = message.timeouts_told().over(told);
        })?;
        Ok(told)
    }

    /// Changes the timeouts that are not 0.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) -> Result<(), TalkError> {
        self.order(Message::set_timeouts(timeouts))
    }

    /// The daemons that run, with all their settings.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn daemons(&mut self) -> Result<BTreeMap<Role, SyncDaemon>, TalkError> {
        let all = self.dump(Message::daemons(), Message::daemon)?;
        Ok(all.into_iter().collect())
    }

    /// Starts a daemon.
    ///
    /// # Errors
    /// The kernel's refusal: `EEXIST` when it runs already.
    pub fn start_daemon(&mut self, role: Role, daemon: &SyncDaemon) -> Result<(), TalkError> {
        self.order(Message::start_daemon(role, daemon))
    }

    /// Stops a daemon.
    ///
    /// # Errors
    /// The kernel's refusal: `ESRCH` when it does not run.
    pub fn stop_daemon(&mut self, role: Role) -> Result<(), TalkError> {
        self.order(Message::stop_daemon(role))
    }

    /// Removes every service, whoever has made it.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn flush(&mut self) -> Result<(), TalkError> {
        self.order(Message::flush())
    }

    fn order(&mut self, message: Message) -> Result<(), TalkError> {
        self.ask(message, 0, |_| {}).map(drop)
    }
}
