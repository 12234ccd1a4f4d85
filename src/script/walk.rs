//! The walk along a path: every component, with every symbolic link on the way, to the file itself.
//!
//! Owns path resolution and two judgements on what it passes: could somebody other than root change what root would
//! execute (facts 13.3, 13.5), and may a user execute it by its mode bits. keepalived 2.4.3 refuses a link in the
//! position of a directory, so that on systems where `/bin` is a link `/bin/x` cannot be used (fact 13.4); we follow it
//! and judge the link and all that it leads through, as 2.2.7 in effect did.

use super::host::{FileKind, FileStatus, Host};
use crate::sys::child::Credentials;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Links followed before a path counts as a loop: the kernel's number.
const MAX_LINKS: usize = 40;

/// Where a path leads, and through what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Walk {
    /// The path without links.
    pub(super) resolved: PathBuf,
    /// The file at its end.
    pub(super) file: FileStatus,
    /// The root directory, every directory and every link passed, in order, and the file last.
    pub(super) passed: Vec<(PathBuf, FileStatus)>,
}

/// Why a path leads nowhere.
#[derive(Debug)]
pub(super) enum Lost {
    /// This component cannot be reached.
    Missing(PathBuf, io::Error),
    /// This component is no directory though more follows, or the end is no regular file.
    WrongType(PathBuf),
}

/// Follows the absolute `path`.
pub(super) fn walk(host: &impl Host, path: &Path) -> Result<Walk, Lost> {
    let mut here = PathBuf::from("/");
    let mut left = steps(path);
    let mut links = 0;
    let root = look(host, &here)?;
    let mut passed = vec![(here.clone(), root)];
    while let Some(step) = left.pop_front() {
        if step == ".." {
            here.pop();
            continue;
        }
        let next = here.join(&step);
        let status = look(host, &next)?;
        passed.push((next.clone(), status));
        match status.kind {
            FileKind::Link => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(Lost::Missing(next, io::Error::from_raw_os_error(libc::ELOOP)));
                }
                let target = host
                    .read_link(&next)
                    .map_err(|error| Lost::Missing(next, error))?;
                if target.is_absolute() {
                    here = PathBuf::from("/");
                }
                let mut detour = steps(&target);
                detour.append(&mut left);
                left = detour;
            }
            FileKind::Directory => here = next,
            FileKind::File if left.is_empty() => {
                return Ok(Walk {
                    resolved: next,
                    file: status,
                    passed,
                });
            }
            FileKind::File | FileKind::Other => return Err(Lost::WrongType(next)),
        }
    }
    Err(Lost::WrongType(here))
}

fn look(host: &impl Host, path: &Path) -> Result<FileStatus, Lost> {
    host.status(path)
        .map_err(|error| Lost::Missing(path.to_owned(), error))
}

fn steps(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}

impl Walk {
    /// Whether `who` may search every directory and execute the file, by mode bits. Root needs one execute bit.
    pub(super) fn executable_by(&self, who: Credentials) -> bool {
        self.passed.iter().all(|(_, status)| match status.kind {
            FileKind::Link => true,
            FileKind::Directory => who.uid == 0 || executable(status, who),
            FileKind::File | FileKind::Other if who.uid == 0 => status.mode & 0o111 != 0,
            FileKind::File | FileKind::Other => executable(status, who),
        })
    }

    /// Whether executing the file makes one root without being it.
    pub(super) const fn is_set_id_root(&self) -> bool {
        (self.file.mode & 0o4000 != 0 && self.file.uid == 0)
            || (self.file.mode & 0o2000 != 0 && self.file.gid == 0)
    }

    /// Everything on the way that somebody other than root could change.
    pub(super) fn offences(&self, host: &impl Host) -> Vec<Offence> {
        let mut found: Vec<Offence> = Vec::new();
        for (path, status) in &self.passed {
            let faults = faults(status);
            if faults != Faults::default() && found.iter().all(|offence| offence.path != *path) {
                found.push(Offence {
                    path: path.clone(),
                    status: *status,
                    owner: host.user_name(status.uid),
                    faults,
                });
            }
        }
        found
    }
}

const fn executable(status: &FileStatus, who: Credentials) -> bool {
    let bit = if status.uid == who.uid {
        0o100
    } else if status.gid == who.gid {
        0o010
    } else {
        0o001
    };
    status.mode & bit != 0
}

/// What is wrong with a component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Faults {
    owner: bool,
    group: bool,
    others: bool,
}

const fn faults(status: &FileStatus) -> Faults {
    // A link's mode means nothing, and in a sticky directory nobody replaces what root owns.
    let writable = match status.kind {
        FileKind::Link => false,
        FileKind::Directory => status.mode & 0o1000 == 0,
        FileKind::File | FileKind::Other => true,
    };
    Faults {
        owner: status.uid != 0,
        group: writable && status.mode & 0o020 != 0 && status.gid != 0,
        others: writable && status.mode & 0o002 != 0,
    }
}

/// A component of a path that somebody other than root could change. Its text names owner, mode, and the command that
/// puts it right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offence {
    /// The component.
    pub path: PathBuf,
    /// Its status.
    pub status: FileStatus,
    /// The owner's name.
    owner: Option<String>,
    faults: Faults,
}

impl fmt::Display for Offence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        let FileStatus { uid, gid, mode, .. } = self.status;
        let owner = self.owner.as_deref().unwrap_or("unknown");
        write!(
            f,
            "'{path}' has owner {owner} ({uid}), group {gid}, mode {mode:04o}: "
        )?;
        let mut remedies = Vec::new();
        if self.faults.owner {
            let dereference = if self.status.kind == FileKind::Link {
                "-h "
            } else {
                ""
            };
            remedies.push(format!("chown {dereference}root '{path}'"));
        }
        match (self.faults.group, self.faults.others) {
            (true, true) => remedies.push(format!("chmod go-w '{path}'")),
            (true, false) => remedies.push(format!("chmod g-w '{path}'")),
            (false, true) => remedies.push(format!("chmod o-w '{path}'")),
            (false, false) => {}
        }
        f.write_str(&remedies.join(" && "))
    }
}
