//! keepalived.conf: from text to typed values, with every mistake named at its place.
//!
//! Reading never aborts: it returns what could be understood and a list of [`diag::Diagnostic`]s.

pub mod config;
pub mod diag;
