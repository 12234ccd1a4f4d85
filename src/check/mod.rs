//! Health: which real server may take connections, and what IPVS should hold.
//!
//! The heart is pure: outcomes of probes and timeouts go in, probes to start, notifications and a desired
//! [`ipvs::Table`](crate::ipvs::model::Table) come out. `probe` is the edge that asks the back-ends. This room
//! knows neither the configuration language nor VRRP.

pub mod checker;
pub mod config;
pub mod dialogue;
pub mod dns;
pub mod dump;
pub mod engine;
pub mod event;
pub mod follow;
pub mod letter;
pub mod overdue;
pub mod pool;
pub mod probe;
pub mod quorum;
pub mod smtp;
pub mod status;
pub mod telling;
pub mod verdict;
mod words;

pub use config::CheckConfig;
pub use engine::Engine;
pub use event::CheckerId;
