//! The kernel's packet filter, nftables: what of our tables there shall be, and the messages that make it so (facts 10).
//!
//! Owns the two tables of this daemon, `ip` and `ip6`, with keepalived's names in them. `ruleset` is the wish and its
//! difference, `wire` the messages, `io` the edge that sends them. Does not know routers: whoever holds addresses says
//! which are blocked, and which links are virtual MACs. `marks` are two more tables, for firewall marks of IPVS.

pub mod io;
pub mod marks;
pub mod ruleset;
pub mod wire;

pub use io::{Firewall, Marker};
pub use ruleset::{Blocked, Contents, Settings, Vmac};
