//! Telling the operator about states: by scripts, in order and one at a time for each instance and group; by FIFOs; by mail.

pub mod config;
pub mod fifo;
pub mod mail;
pub mod script;
pub mod teller;

use crate::vrrp::event::Subject;
use config::{NotifyConfig, NotifyScripts};

impl NotifyConfig {
    /// What is told of `subject`.
    pub fn of(&self, subject: &Subject) -> Option<&NotifyScripts> {
        match subject {
            Subject::Instance(name) => self.instances.get(name),
            Subject::Group(name) => self.groups.get(name),
        }
    }
}
