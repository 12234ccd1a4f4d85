//! Everything the VRRP engine can say to the log: one enum, in words that a keepalived user recognises.

use std::fmt;

/// A line of the log about virtual routers and sync groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// `(VI_1) Entering MASTER STATE`
    EnteringMaster {
        /// The instance.
        instance: String,
    },
    /// `(VI_1) Entering BACKUP STATE`, with `(init)` after the configuration was read.
    EnteringBackup {
        /// The instance.
        instance: String,
        /// First state after start.
        init: bool,
    },
    /// `(VI_1) Entering FAULT STATE`, with `(init)` after the configuration was read.
    EnteringFault {
        /// The instance.
        instance: String,
        /// First state after start.
        init: bool,
    },
}

impl Line {
    /// Whether keepalived says this only with `-D`.
    pub const fn is_detail(&self) -> bool {
        match self {
            Self::EnteringMaster { .. } | Self::EnteringBackup { .. } | Self::EnteringFault { .. } => false,
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let init = |init: &bool| if *init { " (init)" } else { "" };
        match self {
            Self::EnteringMaster { instance } => write!(f, "({instance}) Entering MASTER STATE"),
            Self::EnteringBackup { instance, init: i } => {
                write!(f, "({instance}) Entering BACKUP STATE{}", init(i))
            }
            Self::EnteringFault { instance, init: i } => {
                write!(f, "({instance}) Entering FAULT STATE{}", init(i))
            }
        }
    }
}
