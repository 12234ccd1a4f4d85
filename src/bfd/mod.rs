//! BFD (RFC 5880, 5881, 5883): is the way to a neighbor alive? Asynchronous mode, without echo and authentication
//! (fact 24).
//!
//! Owns control packets as values, the sessions' state machine, and which session a datagram is for. [`Engine`] is pure:
//! it has a clock in every call and gives [`Action`]s. Sockets are [`io`]'s; what a session's state means to a virtual
//! router is VRRP's.

mod absorb;
pub mod config;
mod engine;
pub mod event;
pub mod io;
pub mod packet;
mod session;
pub mod status;
pub mod telling;

pub use config::{BfdConfig, SessionConfig};
pub use engine::Engine;
pub use event::{Action, Event, SessionId};
