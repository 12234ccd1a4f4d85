//! Network namespaces by name (`-s NAMESPACE`, `net_namespace`, `net_namespace_ipvs`).

use nix::sched::{CloneFlags, setns};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    Namespace::named(name)?.enter()
}

/// A network namespace, which is there as long as this is.
#[derive(Clone, Debug)]
pub struct Namespace(Arc<File>);

impl Namespace {
    /// That of the calling thread.
    ///
    /// # Errors
    /// Without `/proc`.
    pub fn current() -> io::Result<Self> {
        Self::of("/proc/thread-self/ns/net".as_ref())
    }

    /// The one of this name.
    ///
    /// # Errors
    /// `NotFound` when there is no such namespace.
    pub fn named(name: &str) -> io::Result<Self> {
        let path = path_of(name).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "not a name of a network namespace")
        })?;
        Self::of(&path)
    }

    fn of(path: &Path) -> io::Result<Self> {
        Ok(Self(Arc::new(File::open(path)?)))
    }

    /// Moves the calling thread there.
    fn enter(&self) -> io::Result<()> {
        Ok(setns(&*self.0, CloneFlags::CLONE_NEWNET)?)
    }

    /// What `make` makes there, on a thread of its own: the caller stays where it is.
    ///
    /// # Errors
    /// When it cannot be entered.
    pub fn within<T: Send>(&self, make: impl FnOnce() -> T + Send) -> io::Result<T> {
        std::thread::scope(|scope| {
            let made = scope.spawn(|| {
                self.enter()?;
                Ok(make())
            });
            made.join()
                .unwrap_or_else(|_| Err(io::Error::other("the thread has died")))
        })
    }
}

/// The network namespace that something belongs to.
#[derive(Clone, Debug, Default)]
pub enum Home {
    /// That of whoever makes it.
    #[default]
    Here,
    /// One that is there.
    Held(Namespace),
    /// The one that has this name when it is made.
    Named(String),
}

impl Home {
    /// What `make` makes there; the caller stays where it is.
    ///
    /// # Errors
    /// When the namespace is not there, or cannot be entered.
    pub fn within<T: Send>(&self, make: impl FnOnce() -> T + Send) -> io::Result<T> {
        match self {
            Self::Here => Ok(make()),
            Self::Held(namespace) => namespace.within(make),
            Self::Named(name) => Namespace::named(name)
                .and_then(|namespace| namespace.within(make))
                .map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}"))),
        }
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

    #[test]
    fn a_home_is_looked_for_when_something_is_made_there() {
        let own = std::thread::current().id();
        let maker = |home: Home| home.within(|| std::thread::current().id());
        assert_eq!(maker(Home::Here).unwrap(), own);
        let error = maker(Home::Named("no-such-namespace-here".into())).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(
            error.to_string().starts_with("no-such-namespace-here: "),
            "{error}"
        );
    }
}
