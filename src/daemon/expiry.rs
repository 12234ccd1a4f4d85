//! What the kernel does with connections of a real server that is gone, while we want it so: settings of its IPVS, put back
//! at the end.
//!
//! They are set on the keeper's thread, after the table was first made: they are not there before the module is. They are
//! of the network namespace that IPVS is in.

use crate::check::config::Expiry;
use crate::ipvs::keeper::Keeper;
use crate::netlink::sysctl::Sysctls;
use crate::sys::netns::Home;
use std::sync::{Arc, Mutex, PoisonError};

const CONNECTIONS: &str = "ipv4/vs/expire_nodest_conn";
const TEMPLATES: &str = "ipv4/vs/expire_quiescent_template";

/// The settings, and what was changed of them.
#[derive(Clone, Debug, Default)]
pub(super) struct ExpirySettings {
    settings: Arc<Mutex<Sysctls>>,
    /// Where IPVS is.
    home: Home,
}

impl ExpirySettings {
    /// Those of the IPVS that is in `home`.
    pub(super) fn of(home: Home) -> Self {
        Self {
            home,
            ..Self::default()
        }
    }

    /// From now on it shall be so.
    pub(super) fn apply(&self, keeper: &Keeper, wanted: Expiry) {
        let Self { settings, home } = self.clone();
        let set = move || {
            // A change is whole, or was not made.
            let mut settings = settings.lock().unwrap_or_else(PoisonError::into_inner);
            let settings: &mut Sysctls = &mut settings;
            let set = move || {
                set(settings, CONNECTIONS, wanted.connections);
                set(settings, TEMPLATES, wanted.templates);
            };
            if let Err(error) = home.within(set) {
                tracing::error!(target: "check", "Which connections of IPVS expire cannot be set: {error}");
            }
        };
        if !keeper.after(set) {
            tracing::warn!(target: "check", "IPVS: too much waits: which connections expire stays as it is");
        }
    }

    /// All is as it was.
    pub(super) fn restore(&self, keeper: &Keeper) {
        self.apply(keeper, Expiry::default());
    }
}

fn set(sysctls: &mut Sysctls, setting: &str, wanted: Option<bool>) {
    let name = setting.replace('/', ".");
    let Some(wanted) = wanted.map(i64::from) else {
        for (_, before) in sysctls.restore(setting) {
            tracing::info!(target: "check", "net.{name} is {before} again");
        }
        return;
    };
    match sysctls.get(setting) {
        Some(now) if now == wanted => return,
        Some(_) => drop(sysctls.restore(setting)),
        None => tracing::warn!(target: "check", "The kernel has no net.{name}"),
    }
    match sysctls.borrow(setting, setting, wanted) {
        Ok(Some(before)) => tracing::info!(target: "check", "net.{name} is {wanted}, was {before}"),
        Ok(None) => {}
        Err(error) => tracing::error!(target: "check", "net.{name} cannot be set: {error}"),
    }
}
