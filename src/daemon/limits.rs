//! How many files may be open: as many as the host allows, since every check in flight is one (fact 19.1).
//!
//! keepalived counts what its configuration needs and raises the limit to that; a reload may need more, so here the
//! soft limit becomes the hard one, once. Scripts get the limits that the daemon was started with.

use crate::sys::child;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the limit; to be called before any other limit is changed and before the first script.
pub(super) fn raise() -> nix::Result<()> {
    child::remember_limits();
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(())
}

/// How many files may be open now. What nobody limits is taken for the kernel's usual limit of the whole host.
pub(super) fn open_files() -> usize {
    const UNLIMITED: usize = 1 << 20;
    const USUAL: usize = 1024;
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, _)) => usize::try_from(soft).unwrap_or(UNLIMITED).min(UNLIMITED),
        Err(_) => USUAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LVS facts: 4.1, 19.1
    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        raise().unwrap();
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), (hard, hard));
        assert_eq!(open_files() as u64, hard.min(1 << 20));
    }
}
