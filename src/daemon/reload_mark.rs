//! `reload_file`: a file that exists from the start of a reload to its end (fact 18.10).

use nix::libc::{O_NOFOLLOW, O_NONBLOCK};
use std::fs::{File, OpenOptions, remove_file};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use tracing::warn;

/// It exists while this does.
#[derive(Debug)]
pub(super) struct ReloadMark {
    path: PathBuf,
    _file: File,
}

impl ReloadMark {
    /// Makes the file. Nothing, and a line in the log, when it cannot be.
    pub(super) fn set(path: PathBuf) -> Option<Self> {
        let mut options = OpenOptions::new();
        // A pipe that nobody reads must not make us wait.
        let flags = O_NOFOLLOW | O_NONBLOCK;
        options.create(true).append(true).custom_flags(flags);
        match options.open(&path) {
            Ok(file) => Some(Self { path, _file: file }),
            Err(error) => {
                warn!("Unable to create reload file {}: {error}", path.display());
                None
            }
        }
    }
}

impl Drop for ReloadMark {
    fn drop(&mut self) {
        if let Err(error) = remove_file(&self.path) {
            warn!("Unable to remove reload file {}: {error}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::TempDir;

    /// Facts: 18.10
    #[test]
    fn it_exists_while_it_is_held_and_is_no_link() {
        let dir = TempDir::new();
        let mark = ReloadMark::set(dir.path("reload"));
        assert_eq!(dir.names(), ["reload"]);
        drop(mark);
        assert_eq!(dir.names(), [""; 0]);
        std::os::unix::fs::symlink(dir.path("target"), dir.path("reload")).unwrap();
        assert!(ReloadMark::set(dir.path("reload")).is_none());
        assert_eq!(dir.names(), ["reload"], "the link is left alone");
    }

    #[test]
    fn a_pipe_in_its_place_holds_nobody_up() {
        let dir = TempDir::new();
        let path = dir.path("reload");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let (say, said) = std::sync::mpsc::channel();
        std::thread::spawn(move || say.send(ReloadMark::set(path).is_none()));
        let none = said.recv_timeout(std::time::Duration::from_secs(20));
        assert_eq!(none, Ok(true), "refused, and at once");
    }
}
