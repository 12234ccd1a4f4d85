//! `promote_secondaries`: without it the kernel removes the secondary addresses of a subnet with its primary one.

use super::Worker;
use crate::net::IfName;
use std::collections::BTreeSet;

impl Worker {
    /// Sets the flag of the interfaces that shall have it, as far as they are there, and undoes it for those that no longer
    /// shall (fact 16.4).
    pub(super) fn promote(&mut self) {
        let wanted: BTreeSet<&IfName> = self.wanted.promote_secondaries.iter().collect();
        let owners: Vec<String> = self.sysctls.owners().map(str::to_owned).collect();
        for owner in owners {
            if !wanted.iter().any(|interface| interface.as_str() == owner) {
                self.sysctls.restore(&owner);
            }
        }
        for interface in wanted {
            let setting = format!("ipv4/conf/{interface}/promote_secondaries");
            if let Err(error) = self.sysctls.borrow(interface.as_str(), &setting, 1) {
                tracing::error!(target: "vrrp", "cannot set {setting}: {error}");
            }
        }
    }

    /// The end: the flags are what they were.
    pub(super) fn unpromote(&mut self) {
        self.wanted.promote_secondaries.clear();
        self.promote();
    }
}
