//! Entering a named network namespace (`-s NAMESPACE`, `net_namespace`).

use nix::sched::{CloneFlags, setns};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Where `ip netns` keeps its names.
const NAMES: &str = "/var/run/netns";

/// The file that stands for the namespace `name`; `None` when the name cannot be one.
pub fn path_of(name: &str) -> Option<PathBuf> {
    let plain = !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0']);
    plain.then(|| Path::new(NAMES).join(name))
}

/// Moves the calling thread, and the threads it will make, into the namespace `name`.
///
/// Call it before other threads exist: Linux keeps a network namespace for each thread.
///
/// # Errors
/// `NotFound` when there is no such namespace, `PermissionDenied` without `CAP_SYS_ADMIN`.
pub fn enter(name: &str) -> io::Result<()> {
    let path = path_of(name)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a name of a network namespace"))?;
    setns(File::open(path)?, CloneFlags::CLONE_NEWNET)?;
    Ok(())
}

/// The network namespace that the program was started in.
#[derive(Debug)]
pub struct Origin(File);

impl Origin {
    /// That of the calling thread.
    ///
    /// # Errors
    /// Without `/proc`.
    pub fn current() -> io::Result<Self> {
        File::open("/proc/thread-self/ns/net").map(Self)
    }

    /// What `make` makes there, on a thread of its own: the caller stays where it is.
    ///
    /// # Errors
    /// When it cannot be entered.
    pub fn within<T: Send>(&self, make: impl FnOnce() -> T + Send) -> io::Result<T> {
        std::thread::scope(|scope| {
            let made = scope.spawn(|| {
                setns(&self.0, CloneFlags::CLONE_NEWNET)?;
                Ok(make())
            });
            made.join()
                .unwrap_or_else(|_| Err(io::Error::other("the thread has died")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_the_directory() {
        assert_eq!(path_of("blue"), Some(PathBuf::from("/var/run/netns/blue")));
        for name in ["", ".", "..", "../../etc/passwd", "a/b", "a\0b"] {
            assert_eq!(path_of(name), None, "{name:?}");
        }
        assert_eq!(
            enter("no-such-namespace-here").unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }
}
