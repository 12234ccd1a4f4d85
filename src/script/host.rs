//! What an examination of scripts asks of the host: files without following links, accounts, PATH.
//!
//! [`Host`] is the seam: [`super::safety`] and [`super::walk`] decide on its answers and touch nothing themselves.
//! [`System`] answers for the machine we run on. Looking an account up may ask a directory service, so examinations
//! happen when a configuration is loaded, never on a plane.

use crate::sys::child::{self, Credentials};
use nix::unistd::{AccessFlags, Gid, Group, Uid, User, access};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What kind of thing a name in a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A device, a socket, a FIFO.
    Other,
}

/// What examinations need of a file's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStatus {
    /// Kind.
    pub kind: FileKind,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits with set-id and sticky: 0 to 07777.
    pub mode: u32,
}

/// The host, as far as scripts are concerned.
pub trait Host {
    /// The status of `path` itself: a link is not followed.
    fn status(&self, path: &Path) -> io::Result<FileStatus>;
    /// What the link `path` says.
    fn read_link(&self, path: &Path) -> io::Result<PathBuf>;
    /// A user with its own group, by name or number.
    fn user(&self, name: &str) -> Option<Credentials>;
    /// A group, by name or number.
    fn group(&self, name: &str) -> Option<u32>;
    /// The name of a user.
    fn user_name(&self, uid: u32) -> Option<String>;
    /// The daemon's own user and group.
    fn own(&self) -> Credentials;
    /// The directories of PATH.
    fn search_path(&self) -> Vec<PathBuf>;
    /// Where relative paths begin.
    fn working_directory(&self) -> PathBuf;
    /// The kernel's word on whether `who` may execute `path`; `None`: it cannot be asked.
    fn may_execute(&self, path: &Path, who: Credentials) -> Option<bool>;
}

/// The machine we run on.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Host for System {
    fn status(&self, path: &Path) -> io::Result<FileStatus> {
        let found = std::fs::symlink_metadata(path)?;
        let kind = match found.file_type() {
            kind if kind.is_file() => FileKind::File,
            kind if kind.is_dir() => FileKind::Directory,
            kind if kind.is_symlink() => FileKind::Link,
            _ => FileKind::Other,
        };
        Ok(FileStatus {
            kind,
            uid: found.uid(),
            gid: found.gid(),
            mode: found.mode() & 0o7777,
        })
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::read_link(path)
    }

    fn user(&self, name: &str) -> Option<Credentials> {
        let by_number = || User::from_uid(Uid::from_raw(name.parse().ok()?)).ok().flatten();
        let found = User::from_name(name).ok().flatten().or_else(by_number)?;
        Some(Credentials {
            uid: found.uid.as_raw(),
            gid: found.gid.as_raw(),
        })
    }

    fn group(&self, name: &str) -> Option<u32> {
        let by_number = || Group::from_gid(Gid::from_raw(name.parse().ok()?)).ok().flatten();
        let found = Group::from_name(name).ok().flatten().or_else(by_number)?;
        Some(found.gid.as_raw())
    }

    fn user_name(&self, uid: u32) -> Option<String> {
        Some(User::from_uid(Uid::from_raw(uid)).ok()??.name)
    }

    fn own(&self) -> Credentials {
        Credentials::own()
    }

    fn search_path(&self) -> Vec<PathBuf> {
        const DEFAULT: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let path = std::env::var_os("PATH").unwrap_or_else(|| DEFAULT.into());
        std::env::split_paths(&path).collect()
    }

    fn working_directory(&self) -> PathBuf {
        std::env::current_dir().unwrap_or_else(|_| "/".into())
    }

    fn may_execute(&self, path: &Path, who: Credentials) -> Option<bool> {
        if who == Credentials::own() {
            return Some(access(path, AccessFlags::X_OK).is_ok());
        }
        child::may_execute(path, who).ok()
    }
}
