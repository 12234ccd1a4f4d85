//! IPVS: the kernel's table of virtual services and destinations, as a value, a difference and a netlink dialogue.
//!
//! [`config`], [`model`], [`stats`], [`diff`], [`wire`] and [`datagram`] are pure: desired against actual gives ordered operations,
//! and those give octets. The edge is [`io`], the dialogue over generic netlink, [`keeper`], the thread that keeps the kernel's table as
//! it is wanted, and [`steward`], the one that keeps what concerns all of it. Foreign services are left alone.

mod absorb;
pub mod config;
pub mod datagram;
pub mod diff;
pub mod io;
pub mod keeper;
pub mod model;
mod patience;
pub mod stats;
pub mod steward;
pub mod wire;
