//! Whether a command may be run, as whom, and which file that is: the examination when a configuration is loaded.
//!
//! Owns the choice of the user (facts 13.1, 13.3), the search in PATH, existence, and the security of scripts that run
//! as root (13.3 to 13.5). Pure over [`Host`]: it opens and executes nothing. What is found is what [`super::run`]
//! executes later, so a link that is changed in between does not count (fact 13.7).

use super::config::{Command, RunAs, ScriptPolicy};
use super::host::{Host, System};
use super::walk::{self, Lost, Offence, Walk};
use crate::sys::child::Credentials;
use nix::errno::Errno;
use std::ffi::OsString;
use std::fmt;
use std::path::{Component, Path, PathBuf};

/// The account of scripts when none is configured.
pub const DEFAULT_ACCOUNT: &str = "keepalived_script";

/// A command that may be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// The file to be executed: absolute, and without links unless `use_symlink_paths` keeps them.
    pub program: PathBuf,
    /// Its arguments; the first is the program as configured, cleaned of `.`, `..` and `//`.
    pub argv: Vec<OsString>,
    /// As whom.
    pub who: Credentials,
}

/// A command that may be run, and what has to be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// What is run.
    pub script: Prepared,
    /// For the log.
    pub remarks: Vec<Remark>,
}

/// Examines `command` on this machine.
pub fn examine(command: &Command, policy: &ScriptPolicy) -> Result<Examined, Refusal> {
    examine_on(&System, command, policy)
}

/// As whom scripts are run that name nobody; `None` where none of them is run, or the account is unknown.
pub fn default_account(policy: &ScriptPolicy) -> Option<Credentials> {
    let nobody = Command {
        argv: Vec::new(),
        user: None,
    };
    user(&System, &nobody, policy, &mut Vec::new()).ok()
}

/// Examines `command` on `host`.
pub fn examine_on(host: &impl Host, command: &Command, policy: &ScriptPolicy) -> Result<Examined, Refusal> {
    let mut remarks = Vec::new();
    let who = user(host, command, policy, &mut remarks)?;
    let program = command.program();
    if program.is_empty() {
        return Err(Refusal::Empty);
    }
    if let Some(script) = redirection(command, who) {
        return Ok(Examined { script, remarks });
    }
    let mut as_written = None;
    let (configured, walk) = if program.contains('/') {
        let configured = host.working_directory().join(program);
        let walk = walk::walk(host, &configured).map_err(|lost| Refusal::lost(&configured, lost))?;
        let cleaned = clean(&configured);
        // Not cleaned: `..` behind a link leads elsewhere.
        as_written = Some(configured);
        (cleaned, walk)
    } else {
        let found = search(host, program, who)?;
        remarks.push(Remark::Searched {
            program: program.to_owned(),
            path: found.0.clone(),
        });
        found
    };
    if !may_execute(host, &walk, who) {
        return Err(Refusal::NotExecutable(configured, who));
    }
    if who.uid == 0 || walk.is_set_id_root() {
        let offences = walk.offences(host);
        if !offences.is_empty() && policy.security {
            return Err(Refusal::Unsafe(configured, offences));
        }
        if !offences.is_empty() {
            remarks.push(Remark::Unsafe(configured.clone(), offences));
        }
    }
    let mut argv: Vec<OsString> = command.argv.iter().map(Into::into).collect();
    if let Some(first) = argv.first_mut() {
        *first = configured.into_os_string();
    }
    let program = match as_written {
        Some(path) if policy.keep_links => path,
        Some(_) | None => walk.resolved,
    };
    let script = Prepared { program, argv, who };
    Ok(Examined { script, remarks })
}

/// The command's own user, else `script_user`, else the account `keepalived_script`, else, unless security is
/// enabled, the daemon's.
fn user(
    host: &impl Host,
    command: &Command,
    policy: &ScriptPolicy,
    remarks: &mut Vec<Remark>,
) -> Result<Credentials, Refusal> {
    if let Some(configured) = command.user.as_ref().or(policy.default_user.as_ref()) {
        return resolve(host, configured);
    }
    match host.user(DEFAULT_ACCOUNT) {
        Some(found) => Ok(found),
        None if policy.security => Err(Refusal::NoDefaultUser),
        None => {
            remarks.push(Remark::NoDefaultUser);
            Ok(host.own())
        }
    }
}

/// The account that a configuration names, on this machine.
///
/// # Errors
/// When there is no such user or group.
pub fn account(configured: &RunAs) -> Result<Credentials, Refusal> {
    resolve(&System, configured)
}

fn resolve(host: &impl Host, configured: &RunAs) -> Result<Credentials, Refusal> {
    let no_user = || Refusal::NoUser(configured.user.clone());
    let user = host.user(&configured.user).ok_or_else(no_user)?;
    match &configured.group {
        None => Ok(user),
        Some(name) => {
            let gid = host.group(name).ok_or_else(|| Refusal::NoGroup(name.clone()))?;
            Ok(Credentials { gid, ..user })
        }
    }
}

/// `</path`: the shell opens the file and so tests that it can be read (fact 13.8).
fn redirection(command: &Command, who: Credentials) -> Option<Prepared> {
    let path = command.program().strip_prefix('<')?;
    if !path.starts_with('/') {
        return None;
    }
    let words = std::iter::once(path).chain(command.argv.iter().skip(1).map(String::as_str));
    let quoted: Vec<String> = words
        .map(|word| format!("'{}'", word.replace('\'', r"'\''")))
        .collect();
    Some(Prepared {
        program: "/bin/sh".into(),
        argv: vec![
            "/bin/sh".into(),
            "-c".into(),
            format!("<{}", quoted.join(" ")).into(),
        ],
        who,
    })
}

/// The first in PATH that `who` may execute. Relative directories of PATH are never searched.
fn search(host: &impl Host, program: &str, who: Credentials) -> Result<(PathBuf, Walk), Refusal> {
    let mut forbidden = None;
    for directory in host
        .search_path()
        .iter()
        .filter(|directory| directory.is_absolute())
    {
        let path = directory.join(program);
        let Ok(walk) = walk::walk(host, &path) else {
            continue;
        };
        if may_execute(host, &walk, who) {
            return Ok((path, walk));
        }
        forbidden.get_or_insert(path);
    }
    Err(forbidden.map_or_else(
        || Refusal::NotInPath(program.to_owned()),
        |path| Refusal::NotExecutable(path, who),
    ))
}

/// Mode bits say no where an access list may say yes: then the kernel decides, if it can be asked.
fn may_execute(host: &impl Host, walk: &Walk, who: Credentials) -> bool {
    walk.executable_by(who) || host.may_execute(&walk.resolved, who).unwrap_or(false)
}

fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                cleaned.pop();
            }
            Component::CurDir => {}
            Component::RootDir | Component::Normal(_) | Component::Prefix(_) => cleaned.push(component),
        }
    }
    cleaned
}

/// Why a command is not run. The text is keepalived's; [`Refusal::help`] is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no word in it.
    Empty,
    /// No such user.
    NoUser(String),
    /// No such group.
    NoGroup(String),
    /// `enable_script_security`, and neither `script_user` nor the account `keepalived_script`.
    NoDefaultUser,
    /// A bare name that PATH does not have.
    NotInPath(String),
    /// A path that leads nowhere.
    Missing {
        /// As configured.
        path: PathBuf,
        /// The component that cannot be reached.
        at: PathBuf,
        /// Why not.
        error: Errno,
    },
    /// It does not lead to a regular file.
    WrongType {
        /// As configured.
        path: PathBuf,
        /// The component that is neither a directory on the way nor a file at the end.
        at: PathBuf,
    },
    /// This user may not execute it.
    NotExecutable(PathBuf, Credentials),
    /// Root would run what others can change.
    Unsafe(PathBuf, Vec<Offence>),
}

impl Refusal {
    fn lost(configured: &Path, lost: Lost) -> Self {
        match lost {
            Lost::Missing(at, error) => Self::Missing {
                path: configured.to_owned(),
                at,
                error: error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw),
            },
            Lost::WrongType(at) => Self::WrongType {
                path: configured.to_owned(),
                at,
            },
        }
    }

    /// Whether keepalived says "due to insecure" of it and not "since not found/accessible".
    pub const fn is_insecure(&self) -> bool {
        match self {
            Self::WrongType { .. } | Self::Unsafe(..) => true,
            Self::Empty
            | Self::NoUser(_)
            | Self::NoGroup(_)
            | Self::NoDefaultUser
            | Self::NotInPath(_)
            | Self::Missing { .. }
            | Self::NotExecutable(..) => false,
        }
    }

    /// What would be right.
    pub fn help(&self) -> String {
        match self {
            Self::Empty => "name a program".into(),
            Self::NoUser(_) | Self::NoGroup(_) => "create the account, or name another one".into(),
            Self::NoDefaultUser => format!(
                "with enable_script_security scripts need a user: set script_user in global_defs, or create the account {DEFAULT_ACCOUNT}"
            ),
            Self::NotInPath(_) => "give the absolute path of the program".into(),
            Self::Missing { at, error, .. } => format!("'{}': {}", at.display(), error.desc()),
            Self::WrongType { at, .. } => format!("'{}' is not a regular file", at.display()),
            Self::NotExecutable(path, who) => format!(
                "uid {} must be able to search every directory of '{path}' and to execute it: chmod a+x '{path}'",
                who.uid,
                path = path.display()
            ),
            Self::Unsafe(_, offences) => remedies(offences),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("No script specified"),
            Self::NoUser(name) => write!(f, "Script user '{name}' does not exist"),
            Self::NoGroup(name) => write!(f, "Script group '{name}' does not exist"),
            Self::NoDefaultUser => write!(f, "Script user '{DEFAULT_ACCOUNT}' does not exist"),
            Self::NotInPath(program) => write!(f, "Cannot find script {program} in path - disabling"),
            Self::Missing { path, error, .. } => {
                write!(
                    f,
                    "Script {} cannot be accessed - {}",
                    path.display(),
                    error.desc()
                )
            }
            Self::WrongType { path, .. } => {
                write!(f, "Wrong file type found in script path '{}'.", path.display())
            }
            Self::NotExecutable(path, who) => write!(
                f,
                "WARNING - script '{}' is not executable for uid:gid {}:{} - disabling.",
                path.display(),
                who.uid,
                who.gid
            ),
            Self::Unsafe(path, _) => {
                write!(
                    f,
                    "Unsafe permissions found for script '{}' - disabling.",
                    path.display()
                )
            }
        }
    }
}

/// What has to be said about a command that is run all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// A bare name was replaced by what PATH has.
    Searched {
        /// As configured.
        program: String,
        /// What will be run.
        path: PathBuf,
    },
    /// The account of scripts is missing: they run as the daemon's user.
    NoDefaultUser,
    /// Root runs what others can change, because `enable_script_security` is not set.
    Unsafe(PathBuf, Vec<Offence>),
}

impl Remark {
    /// Whether keepalived counts the script as insecure.
    pub const fn is_insecure(&self) -> bool {
        match self {
            Self::Unsafe(..) => true,
            Self::Searched { .. } | Self::NoDefaultUser => false,
        }
    }

    /// What would be right.
    pub fn help(&self) -> String {
        match self {
            Self::Searched { path, .. } => format!("write '{}'", path.display()),
            Self::NoDefaultUser => {
                format!("set script_user in global_defs, or create the account {DEFAULT_ACCOUNT}")
            }
            Self::Unsafe(_, offences) => remedies(offences),
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Searched { program, path } => write!(
                f,
                "WARNING - script `{program}` resolved by path search to `{}`. Please specify full path.",
                path.display()
            ),
            Self::NoDefaultUser => write!(f, "Script user '{DEFAULT_ACCOUNT}' does not exist"),
            Self::Unsafe(path, _) => {
                write!(f, "Unsafe permissions found for script '{}'.", path.display())
            }
        }
    }
}

fn remedies(offences: &[Offence]) -> String {
    let each: Vec<String> = offences.iter().map(ToString::to_string).collect();
    each.join("; ")
}

#[cfg(test)]
mod tests;
