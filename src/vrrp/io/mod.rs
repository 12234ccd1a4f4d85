//! VRRP's edge: raw sockets with their packet filters, and the frames that announce addresses.
//!
//! Carries out [`Send`](super::Action::Send) and [`Announce`](super::Action::Announce) and makes
//! [`Datagram`](super::event::Datagram)s. Decides nothing. Opening and closing sockets takes the RTNL lock and is for
//! the kernel worker's thread; sending and receiving never blocks and is for the VRRP thread.

pub mod announce;
pub mod filter;
pub mod rx;
pub mod socket;
pub mod tx;

pub use announce::Announcer;
pub use rx::Receiver;
pub use socket::{OpenError, Sockets};
pub use tx::Sender;

/// TOS and traffic class of adverts: network control (fact 5.1).
pub const TRAFFIC_CLASS: u8 = 0xc0;
