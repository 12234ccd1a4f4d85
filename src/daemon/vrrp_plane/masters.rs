//! Which virtual routers are MASTER, for whoever does something only while they are.
//!
//! The plane keeps the names in a watch, so nobody that follows them can hold it up: a follower sees the newest set,
//! whatever it has missed. Once the plane has ended the watch is closed, and nobody is MASTER.

use crate::vrrp::event::{Notification, NotifyState, Subject};
use std::collections::BTreeSet;
use tokio::sync::watch;

/// The names of the instances that are MASTER.
pub type Masters = BTreeSet<String>;

/// The plane's end of the watch.
#[derive(Debug)]
pub(super) struct Roll(watch::Sender<Masters>);

impl Roll {
    /// Nobody is MASTER yet.
    pub(super) fn new() -> (Self, watch::Receiver<Masters>) {
        let (sender, receiver) = watch::channel(Masters::new());
        (Self(sender), receiver)
    }

    /// A change of state is also told here. Costs nothing that grows with the number of routers.
    pub(super) fn hear(&self, notification: &Notification) {
        let Subject::Instance(name) = &notification.subject else {
            return;
        };
        self.0.send_if_modified(|masters| match notification.state {
            NotifyState::Master => masters.insert(name.clone()),
            NotifyState::Backup | NotifyState::Fault | NotifyState::Stop | NotifyState::Deleted => {
                masters.remove(name)
            }
            NotifyState::MasterRxLowerPri | NotifyState::MasterPriority | NotifyState::BackupPriority => {
                false
            }
        });
    }

    /// After a reload, which may give a router another name without another state.
    pub(super) fn recount(&self, now: Masters) {
        self.0.send_if_modified(|masters| {
            let other = *masters != now;
            *masters = now;
            other
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vrrp::event::Occasion;

    fn told(subject: Subject, state: NotifyState) -> Notification {
        Notification {
            subject,
            state,
            priority: 100,
            occasion: Occasion::Change,
        }
    }

    #[test]
    fn followers_see_who_is_master_and_wake_only_for_a_change() {
        let (roll, mut watch) = Roll::new();
        let instance = || Subject::Instance("A".into());
        let group = || Subject::Group("G".into());
        let hear = |subject: Subject, state| roll.hear(&told(subject, state));
        hear(group(), NotifyState::Master);
        hear(instance(), NotifyState::Backup);
        assert!(!watch.has_changed().unwrap());
        for state in [
            NotifyState::Backup,
            NotifyState::Fault,
            NotifyState::Stop,
            NotifyState::Deleted,
        ] {
            hear(instance(), NotifyState::Master);
            assert!(watch.has_changed().unwrap());
            assert_eq!(*watch.borrow_and_update(), Masters::from(["A".to_owned()]));
            hear(instance(), NotifyState::MasterPriority);
            hear(group(), state);
            assert!(!watch.has_changed().unwrap());
            hear(instance(), state);
            assert!(watch.has_changed().unwrap());
            assert!(watch.borrow_and_update().is_empty(), "{state:?}");
        }
        roll.recount(Masters::from(["B".to_owned()]));
        assert!(watch.borrow_and_update().contains("B"));
        roll.recount(Masters::from(["B".to_owned()]));
        assert!(!watch.has_changed().unwrap());
        drop(roll);
        assert!(watch.has_changed().is_err());
    }
}
