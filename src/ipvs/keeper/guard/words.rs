//! What is said of drift in IPVS: one line for what was removed, whatever the number, and one for each of the first edits.

use super::super::super::diff::Op;
use super::super::super::model::{Destination, ServiceKey, VirtualService, real_server_name};
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// So many are named; the others are counted.
const NAMED: usize = 5;

/// keepalived's name of a real server, with its service's.
pub(super) fn server(key: &ServiceKey, address: &SocketAddr) -> String {
    format!("{} of {key}", real_server_name(key.protocol(), *address))
}

/// What others have changed of a service.
pub(super) fn of_service(key: &ServiceKey, wanted: &VirtualService, is: &VirtualService) -> String {
    let mut changes = Vec::new();
    if wanted.scheduler != is.scheduler {
        changes.push(format!("lvs_sched {} -> {}", wanted.scheduler.0, is.scheduler.0));
    }
    if wanted.flags != is.flags {
        changes.push(format!("flags {:#x} -> {:#x}", wanted.flags.0, is.flags.0));
    }
    if wanted.persistence != is.persistence {
        let words = |service: &VirtualService| {
            service.persistence.as_ref().map_or_else(
                || "none".to_owned(),
                |it| {
                    let engine = it
                        .engine
                        .as_deref()
                        .map_or_else(String::new, |name| format!(" {name}"));
                    format!("{} {}{engine}", it.timeout.as_secs(), it.granularity)
                },
            )
        };
        changes.push(format!("persistence {} -> {}", words(wanted), words(is)));
    }
    format!("{key}: {}", changes.join(", "))
}

/// What others have changed of a destination.
pub(super) fn of_server(
    key: &ServiceKey,
    address: &SocketAddr,
    wanted: &Destination,
    is: &Destination,
) -> String {
    let numbers = [
        ("weight", wanted.weight, is.weight),
        ("uthreshold", wanted.upper, is.upper),
        ("lthreshold", wanted.lower, is.lower),
    ];
    let numbers = numbers.into_iter().filter(|(_, wanted, is)| wanted != is);
    let mut changes: Vec<String> = numbers
        .map(|(name, wanted, is)| format!("{name} {wanted} -> {is}"))
        .collect();
    if wanted.forward != is.forward {
        changes.push(format!("lvs_method {} -> {}", wanted.forward, is.forward));
    }
    format!("{}: {}", server(key, address), changes.join(", "))
}

/// Says what others have changed, the first ones by name.
pub(super) fn tell_edits(edits: &[String], repair: bool) {
    let end = if repair {
        "putting it back"
    } else {
        "left until something else is wanted of it"
    };
    for edit in edits.iter().take(NAMED) {
        tracing::warn!(target: "check", "IPVS: others have changed {edit} - {end}");
    }
    if let Some(more) = edits.len().checked_sub(NAMED).filter(|more| *more > 0) {
        tracing::warn!(target: "check", "IPVS: others have changed {more} more - {end}");
    }
}

/// What was put back.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) services: u64,
    /// Destinations of services that were still there.
    pub(super) servers: u64,
    /// What was changed, not gone; told before.
    pub(super) edits: u64,
    /// The first names.
    names: Vec<String>,
}

impl Told {
    /// What these operations have put back.
    pub(super) fn of(done: &[&Op]) -> Self {
        let mut told = Self::default();
        let mut anew = BTreeSet::new();
        for op in done {
            let name = match op {
                Op::AddService(key, _) => {
                    anew.insert(*key);
                    told.services += 1;
                    key.to_string()
                }
                Op::AddDestination(key, ..) if anew.contains(key) => continue,
                Op::AddDestination(key, address, _) => {
                    told.servers += 1;
                    server(key, address)
                }
                Op::EditService(..) | Op::EditDestination(..) => {
                    told.edits += 1;
                    continue;
                }
                Op::DeleteService(_) | Op::DeleteDestination(..) => continue,
            };
            if told.names.len() < NAMED {
                told.names.push(name);
            }
        }
        told
    }

    /// One line, if anything was gone.
    pub(super) fn say(&self) {
        if let Some(line) = self.line() {
            tracing::warn!(target: "check", "{line}");
        }
    }

    pub(super) fn line(&self) -> Option<String> {
        let kinds = [(self.services, "virtual service"), (self.servers, "real server")];
        let kinds: Vec<String> = kinds
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, kind)| format!("{count} {kind}{}", if count == 1 { "" } else { "s" }))
            .collect();
        if kinds.is_empty() {
            return None;
        }
        let named = u64::try_from(self.names.len()).unwrap_or(u64::MAX);
        let more = match (self.services + self.servers).saturating_sub(named) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let (what, names) = (kinds.join(" and "), self.names.join(", "));
        Some(format!(
            "IPVS: others have removed {what}, put back: {names}{more}"
        ))
    }
}
