//! Files that a configuration names: can they be watched, what do they hold?

use crate::conf::config::{Config, Secret};
use crate::plan::{self, KeyFile, PathFault};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// More than this is no key of `auth_hmac`.
const MAX_KEY_FILE: u64 = 4_096;
/// What group and others may do to read or change a file.
const SHARED: u32 = 0o066;

/// The files of `track_file` that have no directory.
pub(super) fn track_files(config: &Config) -> HashMap<PathBuf, PathFault> {
    let files = plan::track_files(config).into_iter();
    files
        .filter_map(|path| {
            let why = directory(&path).err()?;
            Some((path, PathFault::Missing(why.to_string())))
        })
        .collect()
}

fn directory(path: &Path) -> io::Result<()> {
    let parent = match path.parent() {
        Some(parent) if parent == Path::new("") => Path::new("."),
        Some(parent) => parent,
        None => return Err(io::Error::from(io::ErrorKind::IsADirectory)),
    };
    if parent.metadata()?.is_dir() {
        Ok(())
    } else {
        Err(io::Error::from(io::ErrorKind::NotADirectory))
    }
}

/// The files of keys, read.
pub(super) fn key_files(config: &Config) -> HashMap<PathBuf, Result<KeyFile, String>> {
    let files = plan::key_files(config).into_iter();
    files
        .map(|path| {
            let read = key_file(&path).map_err(|error| error.to_string());
            (path, read)
        })
        .collect()
}

fn key_file(path: &Path) -> io::Result<KeyFile> {
    // A pipe would be waited for.
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("no regular file"));
    }
    let file = File::open(path)?;
    let shared = file.metadata()?.mode() & SHARED != 0;
    let mut content = Vec::new();
    file.take(MAX_KEY_FILE).read_to_end(&mut content)?;
    Ok(KeyFile {
        content: Secret(content),
        shared,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::TempDir;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_to_be_tracked_needs_only_its_directory() {
        let dir = TempDir::new();
        assert!(directory(&dir.path("new")).is_ok());
        assert!(directory(Path::new("here")).is_ok());
        assert!(directory(&dir.path("none/new")).is_err());
        let file = dir.file("file", "");
        assert!(directory(&file.join("new")).is_err());
    }

    #[test]
    fn a_key_that_others_may_read_is_told_apart() {
        let dir = TempDir::new();
        let path = dir.file("key", "secret\n");
        for (mode, shared) in [(0o600, false), (0o640, true), (0o604, true)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let key = key_file(&path).unwrap();
            assert_eq!(
                (key.content.0.as_slice(), key.shared),
                (b"secret\n".as_slice(), shared)
            );
        }
        assert!(key_file(&dir.path("none")).is_err());
        assert!(key_file(Path::new("/")).is_err());
    }
}
