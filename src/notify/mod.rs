//! Telling the operator's scripts about states, in order, one at a time for each instance and group.

pub mod config;
pub mod script;
