//! VRRP: who is master. RFC 3768 (version 2), RFC 5798 and RFC 9568 (version 3), and keepalived's ways.
//!
//! The heart is pure: [`Engine`](engine) takes datagrams, interface changes, script outcomes and timeouts, and
//! leaves [`Action`]s. [`io`] is the edge: raw sockets, packet filters, gratuitous ARP. This room knows neither
//! the configuration language nor health checks.

pub mod accept;
pub mod advert;
pub mod ah;
mod announce;
pub mod auth;
pub mod checksum;
pub mod claim;
pub mod config;
mod debounce;
pub mod endpoint;
pub mod engine;
pub mod event;
pub mod hmac;
pub mod id;
pub mod io;
pub mod priority;
mod router;
pub mod status;
mod sync;
pub mod telling;
#[cfg(test)]
mod testing;
pub mod timing;
mod world;

pub use config::VrrpConfig;
pub use endpoint::{Endpoint, EndpointKind, endpoints};
pub use engine::Engine;
pub use event::{Action, Event};
pub use id::{Priority, RouterId, Vrid};
