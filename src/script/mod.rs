//! Commands of the operator: track scripts, notify scripts, MISC_CHECK. Their values, their safety, their running.
//!
//! [`config`] is pure. The edge below runs a command without a shell, in its own process group, as its user, with a
//! limit of time, and examines whether a path is safe to be run as root (facts 13).

pub mod config;
