//! Trackers' runners: they look at the world and report; what a report means is decided in `vrrp`.

pub mod config;
pub mod file;
pub mod process;
pub mod script;
