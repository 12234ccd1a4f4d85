//! VRRP: who is master. RFC 3768 (version 2), RFC 5798 and RFC 9568 (version 3), and keepalived's ways.
//!
//! The heart is pure: [`Engine`](engine) takes datagrams, interface changes, script outcomes and timeouts, and
//! leaves [`Action`]s. [`io`] is the edge: raw sockets, packet filters, gratuitous ARP. This room knows neither
//! the configuration language nor health checks.

pub mod config;
pub mod endpoint;
pub mod event;
pub mod id;
pub mod io;
pub mod status;
pub mod telling;

pub use config::VrrpConfig;
pub use event::{Action, Event};
pub use id::{Priority, RouterId, Vrid};
