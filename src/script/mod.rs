//! Commands of the operator: track scripts, notify scripts, MISC_CHECK. Their values, their safety, their running.
//!
//! [`config`] is pure. The edge below examines which file a command means and whether it may be run ([`safety`], over
//! the seam [`host`]), keeps the answers of a configuration ([`Scripts`]), and runs a script without a shell, in its
//! own process group, as its user, with a limit of time ([`run`]) (facts 12.13 to 13.7).

mod book;
pub mod config;
pub mod host;
pub mod run;
pub mod safety;
#[cfg(test)]
pub(crate) mod testing;
mod walk;

pub use book::{Report, Scripts};
pub use walk::Offence;
