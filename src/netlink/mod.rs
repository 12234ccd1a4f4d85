//! The kernel's interfaces and addresses: what is there, what we want there, and the difference.
//!
//! The inventory is pure. The edge (`monitor`, `apply`) runs on the kernel worker's thread, never on the VRRP
//! thread: a netlink request sleeps while somebody else holds the RTNL lock.

pub mod apply;
pub mod inventory;
pub mod link;
pub mod message;
pub mod monitor;
pub mod route;
pub mod rule;
pub mod sysctl;

pub use apply::{NetlinkError, Requests};
pub use inventory::{Change, Inventory, News};
pub use monitor::Monitor;

use crate::net::InterfaceStatus;

/// The interfaces of this network namespace with their addresses, once. Blocks for a few system calls.
///
/// # Errors
/// When the kernel cannot be asked; no privilege is needed.
pub fn interfaces() -> Result<Vec<InterfaceStatus>, NetlinkError> {
    let mut inventory = Inventory::default();
    inventory.replace(Requests::open()?.dump()?);
    Ok(inventory.interfaces().cloned().collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_loopback_interface_is_found_without_privileges() {
        let interfaces = super::interfaces().unwrap();
        let lo = interfaces.iter().find(|i| i.name.as_str() == "lo").unwrap();
        assert!(lo.loopback);
        assert_eq!(lo.mac, None);
        assert!(lo.index.0 > 0);
    }
}
