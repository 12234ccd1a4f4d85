//! Which addresses this host has, as they change, for the check plane (`ha_suspend`).
//!
//! On a thread of its own: a netlink request sleeps while somebody else holds the kernel's RTNL lock, and checks shall not
//! wait for that. It ends when nobody listens any more.

use crate::netlink::{Inventory, Monitor, NetlinkError, Requests};
use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::sync::mpsc::sync_channel;
use std::time::Duration;
use tokio::sync::watch;

/// How long a caller waits for the first reading.
const FIRST_WITHIN: Duration = Duration::from_secs(2);
/// From a failure to the next reading.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// All addresses, newest value only.
pub(super) type Addresses = watch::Receiver<BTreeSet<IpAddr>>;

/// Follows the addresses of this thread's network namespace.
pub(super) fn follow() -> io::Result<Addresses> {
    follow_and_tell(|| {})
}

/// The same with the first reading, as far as that comes soon: late or not, it comes as every change does.
pub(super) fn follow_from_now() -> io::Result<(Addresses, BTreeSet<IpAddr>)> {
    let (tell, told) = sync_channel(1);
    let mut addresses = follow_and_tell(move || {
        let _ = tell.try_send(());
    })?;
    // Too late: see above.
    let _ = told.recv_timeout(FIRST_WITHIN);
    let first = addresses.borrow_and_update().clone();
    Ok((addresses, first))
}

/// `read_once` is called after every reading of everything.
fn follow_and_tell(read_once: impl Fn() + Send + 'static) -> io::Result<Addresses> {
    let (addresses, receiver) = watch::channel(BTreeSet::new());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("addresses".into())
        .spawn(move || {
            runtime.block_on(async {
                while !addresses.is_closed() {
                    if let Err(error) = read(&addresses, &read_once).await {
                        tracing::error!(target: "check", "The host's addresses cannot be followed: {error}");
                        tokio::time::sleep(AGAIN_AFTER).await;
                    }
                }
            });
        })?;
    Ok(receiver)
}

/// The next value; never, if nothing is followed.
pub(super) async fn changed(addresses: Option<&mut Addresses>) -> BTreeSet<IpAddr> {
    if let Some(addresses) = addresses
        && addresses.changed().await.is_ok()
    {
        return addresses.borrow_and_update().clone();
    }
    std::future::pending().await
}

async fn read(
    addresses: &watch::Sender<BTreeSet<IpAddr>>,
    read_once: &impl Fn(),
) -> Result<(), NetlinkError> {
    // Subscribed first: what changes while the dump runs is heard afterwards.
    let mut monitor = Monitor::open()?;
    let mut netlink = Requests::open()?;
    let mut inventory = Inventory::default();
    inventory.replace(netlink.dump()?);
    addresses.send_replace(all(&inventory));
    read_once();
    loop {
        let heard = tokio::select! {
            heard = monitor.hear() => heard?,
            () = addresses.closed() => return Ok(()),
        };
        heard
            .changes
            .into_iter()
            .for_each(|change| inventory.apply(change));
        if heard.overrun || inventory.suspects_removal() {
            inventory.replace(netlink.dump()?);
        }
        // Of no use here.
        drop(inventory.take_news());
        let now = all(&inventory);
        addresses.send_if_modified(|known| {
            let new = *known != now;
            *known = now;
            new
        });
    }
}

fn all(inventory: &Inventory) -> BTreeSet<IpAddr> {
    let interfaces = inventory.interfaces();
    interfaces
        .flat_map(|interface| &interface.addresses)
        .map(|held| held.cidr.addr)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Within a runtime too: the plane is started from one.
    #[tokio::test]
    async fn the_loopback_address_is_here() {
        let (addresses, first) = follow_from_now().unwrap();
        assert!(first.iter().any(IpAddr::is_loopback), "{first:?}");
        drop(addresses);
    }
}
