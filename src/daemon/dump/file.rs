//! Where dumps are written, and how: a directory that anybody may write to is the usual place, so a file is made under
//! a fresh name and moved over the old one. A link that somebody planted there is replaced, never followed.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// VRRP's data.
pub const DATA: &str = "keepalived.data";
/// The health checks' data.
pub const CHECK_DATA: &str = "keepalived_check.data";
/// The global section alone.
pub const PARENT_DATA: &str = "keepalived_parent.data";
/// VRRP's counters.
pub const STATS: &str = "keepalived.stats";
/// The creation mask unless `-u` or `umask` says otherwise: nobody but the owner reads a dump (fact VRRP 19.7).
pub const DEFAULT_UMASK: u32 = 0o177;
/// So many left-over files of the same name are stepped over.
const ATTEMPTS: u32 = 100;

/// `$TMPDIR` when it is an absolute path of a directory, otherwise `/tmp` (fact cli 9.1).
pub fn directory() -> PathBuf {
    choose(std::env::var_os("TMPDIR").map(PathBuf::from))
}

fn choose(tmpdir: Option<PathBuf>) -> PathBuf {
    tmpdir
        .filter(|dir| dir.is_absolute() && dir.is_dir())
        .unwrap_or_else(|| PathBuf::from("/tmp"))
}

/// Writes `text` as `dir/name` in one step: a reader sees the old file or the whole new one.
pub fn write(dir: &Path, name: &str, text: &str, umask: u32) -> io::Result<PathBuf> {
    let path = dir.join(name);
    let (mut file, fresh) = create(dir, name)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.set_permissions(Permissions::from_mode(0o666 & !umask)))
        .and_then(|()| std::fs::rename(&fresh, &path));
    match written {
        Ok(()) => Ok(path),
        Err(error) => {
            // Half a file helps nobody; if it cannot be removed, the first error is the one to tell.
            let _ = std::fs::remove_file(&fresh);
            Err(error)
        }
    }
}

fn create(dir: &Path, name: &str) -> io::Result<(File, PathBuf)> {
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for n in 0..ATTEMPTS {
        let fresh = dir.join(format!(".{name}.{}.{n}", std::process::id()));
        let mut options = OpenOptions::new();
        // `create_new` is O_EXCL, which never follows a link either.
        options.write(true).create_new(true).mode(0o600);
        match options.open(&fresh) {
            Ok(file) => return Ok((file, fresh)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::TempDir;

    #[test]
    fn content_mode_and_nothing_left_over() {
        let dir = TempDir::new();
        for (umask, mode) in [(DEFAULT_UMASK, 0o600), (0o022, 0o644)] {
            let path = write(dir.dir(), DATA, "text\n", umask).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "text\n");
            assert_eq!(
                std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
                mode
            );
        }
        assert_eq!(dir.names(), [DATA]);
    }

    #[test]
    fn a_planted_link_is_replaced_and_its_target_untouched() {
        let dir = TempDir::new();
        let target = dir.path("precious");
        std::fs::write(&target, "precious").unwrap();
        for (name, n) in [(DATA, None), (STATS, Some(0))] {
            let planted = match n {
                None => dir.path(name),
                Some(n) => dir.path(&format!(".{name}.{}.{n}", std::process::id())),
            };
            std::os::unix::fs::symlink(&target, planted).unwrap();
            let path = write(dir.dir(), name, "dump", DEFAULT_UMASK).unwrap();
            assert!(std::fs::symlink_metadata(&path).unwrap().is_file());
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "dump");
        }
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
    }

    #[test]
    fn what_cannot_be_written_is_an_error_and_leaves_nothing() {
        let dir = TempDir::new();
        std::fs::create_dir_all(dir.path(DATA).join("full")).unwrap();
        write(dir.dir(), DATA, "dump", DEFAULT_UMASK).unwrap_err();
        assert_eq!(dir.names(), [DATA]);
        write(&dir.path("missing"), DATA, "dump", DEFAULT_UMASK).unwrap_err();
    }

    #[test]
    fn the_directory() {
        let dir = TempDir::new();
        assert_eq!(choose(Some(dir.dir().to_owned())), dir.dir());
        for other in [None, Some("relative".into()), Some(dir.path("missing"))] {
            assert_eq!(choose(other), Path::new("/tmp"));
        }
    }
}
