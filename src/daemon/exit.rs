//! The exit statuses of the daemon, as keepalived's (cli reference, section 4).

use std::process::ExitCode;

/// A command that is not the daemon could not do what it was told.
pub(super) const FAILED: u8 = 1;
/// A command says that something would flap, or needs a restart.
pub(super) const FLAPS: u8 = 3;
/// A command, as the daemon itself, has found no configuration.
pub(super) const NO_FILE: u8 = Exit::NoConfig.status();

/// Why the daemon ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// Told to, or another one runs already (0).
    Normal,
    /// A fatal error (1).
    Fatal,
    /// The configuration cannot be run (2).
    Config,
    /// A permission is missing (4).
    Permission,
    /// There is no usable configuration file (6).
    NoConfig,
    /// A plane died of a defect of this program (70).
    Internal,
}

impl Exit {
    /// The number.
    pub(super) const fn status(self) -> u8 {
        match self {
            Self::Normal => 0,
            Self::Fatal => 1,
            Self::Config => 2,
            Self::Permission => 4,
            Self::NoConfig => 6,
            Self::Internal => 70,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}
