//! IPVS: the kernel's table of virtual services and destinations, as a value, a difference and a netlink dialogue.
//!
//! [`model`], [`diff`], [`wire`] and [`datagram`] are pure: desired against actual gives ordered operations, and those give octets.
//! The edge is [`io`], the dialogue over generic netlink, and [`keeper`], the thread that keeps the kernel's table as it
//! is wanted. Foreign services are left alone.

pub mod datagram;
pub mod diff;
pub mod io;
pub mod keeper;
pub mod model;
pub mod wire;
