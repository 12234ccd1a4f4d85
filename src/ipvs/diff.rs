//! The difference between the table that should be and the table that is, as ordered operations.
//!
//! Pure. A service comes before its destinations and goes after them; a destination comes or changes before another
//! goes, so that a service is not left empty between two operations; whatever can be changed in place is, so that
//! connections survive. Services that are not ours are not touched.

use super::model::{Destination, ServiceEntry, ServiceKey, Table, VirtualService};
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// One change of the kernel's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// A new service.
    AddService(ServiceKey, VirtualService),
    /// Other settings for a service.
    EditService(ServiceKey, VirtualService),
    /// A service goes, with all its destinations.
    DeleteService(ServiceKey),
    /// A new destination.
    AddDestination(ServiceKey, SocketAddr, Destination),
    /// Other settings for a destination.
    EditDestination(ServiceKey, SocketAddr, Destination),
    /// A destination goes.
    DeleteDestination(ServiceKey, SocketAddr),
}

impl Op {
    /// The service it is about.
    pub const fn service(&self) -> &ServiceKey {
        match self {
            Self::AddService(key, _)
            | Self::EditService(key, _)
            | Self::DeleteService(key)
            | Self::AddDestination(key, _, _)
            | Self::EditDestination(key, _, _)
            | Self::DeleteDestination(key, _) => key,
        }
    }
}

/// What makes `desired` of `actual`, as far as the services in `owned` are concerned.
pub fn diff(desired: &Table, actual: &Table, owned: &BTreeSet<ServiceKey>) -> Vec<Op> {
    let mut ops = Vec::new();
    for key in owned {
        diff_service(key, desired.services.get(key), actual.services.get(key), &mut ops);
    }
    ops
}

/// The same for one service; `None`: it is not there.
pub fn diff_service(
    key: &ServiceKey,
    desired: Option<&ServiceEntry>,
    actual: Option<&ServiceEntry>,
    ops: &mut Vec<Op>,
) {
    match (desired, actual) {
        (None, None) => {}
        (Some(desired), None) => {
            ops.push(Op::AddService(*key, desired.service.clone()));
            let all = desired.destinations.iter();
            ops.extend(all.map(|(address, server)| Op::AddDestination(*key, *address, *server)));
        }
        (None, Some(actual)) => {
            ops.extend(
                actual
                    .destinations
                    .keys()
                    .map(|address| Op::DeleteDestination(*key, *address)),
            );
            ops.push(Op::DeleteService(*key));
        }
        (Some(desired), Some(actual)) => {
            if desired.service != actual.service {
                ops.push(Op::EditService(*key, desired.service.clone()));
            }
            for (address, server) in &desired.destinations {
                match actual.destinations.get(address) {
                    None => ops.push(Op::AddDestination(*key, *address, *server)),
                    Some(found) if found != server => {
                        ops.push(Op::EditDestination(*key, *address, *server));
                    }
                    Some(_) => {}
                }
            }
            let gone = actual
                .destinations
                .keys()
                .filter(|address| !desired.destinations.contains_key(address));
            ops.extend(gone.map(|address| Op::DeleteDestination(*key, *address)));
        }
    }
}

/// Why an operation does not fit a table; the kernel's errors for the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It is there already (EEXIST).
    Exists,
    /// It is not there (ENOENT, ESRCH).
    Missing,
}

impl Table {
    /// Does to this table what `op` does to the kernel's.
    pub fn apply(&mut self, op: &Op) -> Result<(), Misfit> {
        match op {
            Op::AddService(key, service) => {
                if self.services.contains_key(key) {
                    return Err(Misfit::Exists);
                }
                let entry = ServiceEntry {
                    service: service.clone(),
                    destinations: Default::default(),
                };
                self.services.insert(*key, entry);
            }
            Op::EditService(key, service) => self.entry(key)?.service = service.clone(),
            Op::DeleteService(key) => {
                self.services.remove(key).ok_or(Misfit::Missing)?;
            }
            Op::AddDestination(key, address, server) => {
                let destinations = &mut self.entry(key)?.destinations;
                if destinations.contains_key(address) {
                    return Err(Misfit::Exists);
                }
                destinations.insert(*address, *server);
            }
            Op::EditDestination(key, address, server) => {
                *self
                    .entry(key)?
                    .destinations
                    .get_mut(address)
                    .ok_or(Misfit::Missing)? = *server;
            }
            Op::DeleteDestination(key, address) => {
                self.entry(key)?
                    .destinations
                    .remove(address)
                    .ok_or(Misfit::Missing)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, key: &ServiceKey) -> Result<&mut ServiceEntry, Misfit> {
        self.services.get_mut(key).ok_or(Misfit::Missing)
    }
}

#[cfg(test)]
pub(super) mod tests;
