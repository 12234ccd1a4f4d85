//! Telling the operator's scripts about states, in order, one at a time for each instance and group.

pub mod config;
pub mod script;

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
