//! Everything the health engine can say to the log: one enum, in keepalived's words.

use std::fmt;

/// A line of the log about checkers, real servers and virtual servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// `Activating healthchecker for service [192.0.2.5]:tcp:80 for VS [192.0.2.1]:tcp:80`
    Activating {
        /// Real server.
        rs: String,
        /// Virtual server.
        vs: String,
    },
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Activating { rs, vs } => write!(f, "Activating healthchecker for service {rs} for VS {vs}"),
        }
    }
}
