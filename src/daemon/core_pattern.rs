//! `-M`: the name that the kernel gives to core dumps, for as long as the daemon runs. It is one for the whole host.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where the kernel keeps it.
const PATH: &str = "/proc/sys/kernel/core_pattern";

/// The pattern in force; the one before comes back when this goes.
#[derive(Debug)]
pub(super) struct CorePattern {
    path: PathBuf,
    before: Vec<u8>,
}

impl CorePattern {
    /// Puts `pattern` in force.
    ///
    /// # Errors
    /// When the kernel does not let this process.
    pub(super) fn set(pattern: &str) -> io::Result<Self> {
        Self::set_in(Path::new(PATH), pattern)
    }

    fn set_in(path: &Path, pattern: &str) -> io::Result<Self> {
        let before = fs::read(path)?;
        fs::write(path, pattern)?;
        Ok(Self {
            path: path.to_owned(),
            before,
        })
    }
}

impl Drop for CorePattern {
    fn drop(&mut self) {
        if let Err(error) = fs::write(&self.path, &self.before) {
            tracing::warn!(target: "daemon", "{} cannot be restored: {error}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::TempDir;

    #[test]
    fn the_one_before_comes_back() {
        let dir = TempDir::new();
        let path = dir.dir().join("core_pattern");
        fs::write(&path, "|/usr/lib/collector %p\n").unwrap();
        let set = CorePattern::set_in(&path, "core.%p").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "core.%p");
        drop(set);
        assert_eq!(fs::read_to_string(&path).unwrap(), "|/usr/lib/collector %p\n");
        assert!(CorePattern::set_in(&dir.dir().join("missing"), "x").is_err());
    }
}
