//! What a child process does between fork and exec: become somebody else, and forget the daemon's privileges of
//! scheduling, signals, limits and descriptors (facts 12.13 and 13.2).
//!
//! Owns the one `pre_exec` of the house. Everything in it is a plain system call on values that were computed before
//! the fork: nothing allocates, locks or looks a name up. Which user, which program and how long are decided by
//! [`crate::script`].

#![expect(
    unsafe_code,
    reason = "code between fork and exec, and system calls that nix does not wrap"
)]

use super::sched::started_with;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd::{AccessFlags, Gid, Pid, Uid, access, getpid, getppid, setgid, setgroups, setpgid, setuid};
use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Whom a child becomes: this user, this group, and no supplementary group but this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Credentials {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

impl Credentials {
    /// The daemon's own, effective ones.
    pub fn own() -> Self {
        Self {
            uid: Uid::effective().as_raw(),
            gid: Gid::effective().as_raw(),
        }
    }
}

/// Limits that a daemon changes for itself and that its scripts must not inherit.
const LIMITS: [Resource; 4] = [
    Resource::RLIMIT_NOFILE,
    Resource::RLIMIT_CORE,
    Resource::RLIMIT_MEMLOCK,
    Resource::RLIMIT_RTTIME,
];

type Limit = Option<(Resource, rlim_t, rlim_t)>;

static INHERITED: OnceLock<[Limit; LIMITS.len()]> = OnceLock::new();

/// Remembers the limits and processors that the daemon was started with. Call it before any of them is changed; otherwise the first
/// child's moment counts.
pub fn remember_limits() {
    let _ = started_with();
    INHERITED.get_or_init(|| LIMITS.map(|what| getrlimit(what).ok().map(|(soft, hard)| (what, soft, hard))));
}

/// Arranges that `command` starts in a process group of its own, as `who`, with default signals, normal scheduling,
/// the limits and processors of [`remember_limits`], no descriptor of ours, and dies (SIGTERM) with the thread that started it.
///
/// Becoming somebody else needs CAP_SETUID and CAP_SETGID; without them the start fails with EPERM. A child that
/// stays who we are starts without them, but then keeps our supplementary groups.
pub fn isolate(command: &mut Command, who: Credentials) {
    remember_limits();
    let limits = INHERITED.get().copied().unwrap_or([None; LIMITS.len()]);
    let parent = getpid();
    let own = Credentials::own();
    let processors = started_with().ok();
    // SAFETY: the closure runs in the child between fork and exec, where only async-signal-safe work is allowed. It
    // owns plain values, and makes system calls; it allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(move || between_fork_and_exec(parent, own, who, &limits, processors.as_ref()))
    };
}

/// Asks the kernel whether `who` may execute `path` (it knows of access lists, which mode bits do not show): in a
/// child that becomes `who`, asks, and executes nothing. An error means that it could not be asked.
pub fn may_execute(path: &Path, who: Credentials) -> io::Result<bool> {
    const YES: i32 = libc::ECANCELED;
    let asked = CString::new(path.as_os_str().as_bytes())?;
    let own = Credentials::own();
    let mut command = Command::new(path);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // SAFETY: as in `isolate`; the path is a C string already. The closure never returns Ok, so nothing is executed.
    unsafe {
        command.pre_exec(move || {
            become_user(own, who)?;
            access(asked.as_c_str(), AccessFlags::X_OK)?;
            Err(io::Error::from_raw_os_error(YES))
        })
    };
    match command.spawn() {
        Ok(mut child) => child.wait().map(|_| false),
        Err(error) => match error.raw_os_error() {
            Some(YES) => Ok(true),
            Some(libc::EACCES | libc::ENOENT | libc::ENOTDIR) => Ok(false),
            _ => Err(error),
        },
    }
}

fn between_fork_and_exec(
    parent: Pid,
    own: Credentials,
    who: Credentials,
    limits: &[Limit],
    processors: Option<&CpuSet>,
) -> io::Result<()> {
    setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
    default_signals();
    normal_scheduling();
    if let Some(processors) = processors {
        // Some of them may be gone: no reason not to run.
        let _ = sched_setaffinity(Pid::from_raw(0), processors);
    }
    for (what, soft, hard) in limits.iter().flatten() {
        // A limit that may not be raised again stays as it is: no reason not to run.
        let _ = setrlimit(*what, *soft, *hard);
    }
    close_at_exec();
    become_user(own, who)?;
    // After the change of user, which would clear it.
    prctl::set_pdeathsig(Some(Signal::SIGTERM))?;
    if getppid() != parent {
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    Ok(())
}

fn become_user(own: Credentials, who: Credentials) -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(who.uid), Gid::from_raw(who.gid));
    let dropped = setgroups(&[gid]);
    if who != own {
        dropped?;
        setgid(gid)?;
        setuid(uid)?;
    }
    Ok(())
}

/// Handlers end with exec by themselves; what was ignored would stay ignored. The mask is reset by std.
fn default_signals() {
    for number in 1..=libc::SIGRTMAX() {
        // SAFETY: installs no handler, so there is no function that could be called in a wrong state. SIGKILL, SIGSTOP
        // and the C library's own two refuse.
        unsafe { libc::signal(number, libc::SIG_DFL) };
    }
}

fn normal_scheduling() {
    // SAFETY: `param` is a valid, fully initialised sched_param for the duration of the calls, which change nothing
    // but this process' scheduling. A refusal leaves the child as it is.
    unsafe {
        let param: libc::sched_param = std::mem::zeroed();
        libc::sched_setscheduler(0, libc::SCHED_OTHER, &raw const param);
        libc::setpriority(libc::PRIO_PROCESS, 0, 0);
    }
}

/// Marks every descriptor above standard error, so also those that we inherited ourselves from whoever started us.
fn close_at_exec() {
    const CLOSE_RANGE_CLOEXEC: libc::c_uint = 1 << 2;
    // SAFETY: changes a flag of descriptors of this process only, which is about to exec.
    let done = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC) };
    if done != 0 {
        // Before Linux 5.11: one by one. Ours are marked when they are made; this is for the few inherited ones.
        for fd in 3..1024 {
            // SAFETY: as above; a number that is no descriptor is refused.
            unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::TempDir;

    #[test]
    fn asks_the_kernel_whether_a_file_can_be_executed() {
        assert!(may_execute(Path::new("/bin/sh"), Credentials::own()).unwrap());
        assert!(!may_execute(Path::new("/etc/passwd"), Credentials::own()).unwrap());
        assert!(!may_execute(Path::new("/nonexistent"), Credentials::own()).unwrap());
    }

    #[test]
    fn others_are_asked_as_themselves_when_we_may() {
        let other = Credentials {
            uid: 64999,
            gid: 64999,
        };
        let dir = TempDir::new();
        let file = dir.file("own.sh", "#!/bin/sh\n");
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let answer = may_execute(&file, other);
        if Uid::effective().is_root() {
            assert!(!answer.unwrap());
        } else {
            assert_eq!(answer.unwrap_err().raw_os_error(), Some(libc::EPERM));
        }
    }
}
