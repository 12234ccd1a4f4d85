//! A command as the configuration gives it, and how a run of it ended.

use crate::change::{Changes, Show};
use std::fmt;
use std::time::Duration;

/// A command to be executed directly, without a shell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Command {
    /// Program and arguments; the program is never missing.
    pub argv: Vec<String>,
    /// As whom; `None`: the default of [`ScriptPolicy`].
    pub user: Option<RunAs>,
}

impl Command {
    /// The program, as configured.
    pub fn program(&self) -> &str {
        self.argv.first().map_or("", String::as_str)
    }
}

/// keepalived's form in logs and dumps: every word in single quotes.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, word) in self.argv.iter().enumerate() {
            if n > 0 {
                f.write_str(" ")?;
            }
            write!(f, "'{word}'")?;
        }
        Ok(())
    }
}

impl Show for Command {
    fn show(&self) -> String {
        let Self { argv: _, user } = self;
        match user {
            None => self.to_string(),
            Some(user) => format!("{self} as {}", user.show()),
        }
    }
}

/// A user and a group, by name or number as typed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RunAs {
    /// User.
    pub user: String,
    /// Group; `None`: the user's own.
    pub group: Option<String>,
}

impl Show for RunAs {
    fn show(&self) -> String {
        let Self { user, group } = self;
        match group {
            None => user.clone(),
            Some(group) => format!("{user} {group}"),
        }
    }
}

/// `script_user` and `enable_script_security`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScriptPolicy {
    /// `script_user`; otherwise the account `keepalived_script` if it exists, otherwise the daemon's own.
    pub default_user: Option<RunAs>,
    /// `enable_script_security`: a script run as root is refused when a non-root user could have changed it.
    pub security: bool,
    /// `use_symlink_paths`: what is executed is the path as written, not what it leads to.
    pub keep_links: bool,
}

impl ScriptPolicy {
    /// What a reload changes of it: the next run is by the new one.
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self {
            default_user,
            security,
            keep_links,
        } = self;
        let Self {
            default_user: new_default_user,
            security: new_security,
            keep_links: new_keep_links,
        } = new;
        let mut changes = Changes::default();
        changes.live("script_user", default_user, new_default_user);
        changes.live("enable_script_security", security, new_security);
        changes.live("use_symlink_paths", keep_links, new_keep_links);
        changes
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScriptOutcome {
    /// It exited with this status, 0 to 255.
    Exited(u8),
    /// A signal of this number ended it.
    Signalled(u8),
    /// It ran longer than it may and was killed with its process group.
    TimedOut,
    /// It could not be started (missing, not executable, no such user).
    NotStarted,
}

impl ScriptOutcome {
    /// Only exit status 0 is success.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Exited(0))
    }
}

/// Time limits of a run: SIGTERM to the group at `timeout`, SIGKILL this much later (fact 14.4).
pub const KILL_AFTER: Duration = Duration::from_secs(2);
