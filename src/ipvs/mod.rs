//! IPVS: the kernel's table of virtual services and destinations, as a value, a difference and a netlink dialogue.
//!
//! [`model`] and the difference are pure: desired against actual gives ordered operations. The edge speaks generic
//! netlink. Foreign services are left alone.

pub mod diff;
pub mod io;
pub mod keeper;
pub mod model;
pub mod wire;
