//! How a single thread runs: its nice value, its real-time priority, its processors, its name; and memory that stays.
//!
//! Linux has all of these for each thread, so a plane can be set from another thread by its number. Knows nothing of
//! planes.

#![expect(
    unsafe_code,
    reason = "scheduling of one thread of several, which nix does not wrap"
)]

use super::caps::{self, Capability};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::mman::{MlockAllFlags, mlockall, munlockall};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use nix::unistd::{Pid, getpid, gettid};
use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;

/// A thread of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadId(Pid);

impl ThreadId {
    /// The one that calls.
    pub fn own() -> Self {
        Self(gettid())
    }

    /// The process' first, whose name is that of the process.
    pub fn main() -> Self {
        Self(getpid())
    }

    /// Whether it still runs: the number of one that has ended may be somebody else's.
    fn is_ours(self) -> io::Result<()> {
        // SAFETY: signal 0 is delivered to nobody.
        let answer = unsafe { libc::syscall(libc::SYS_tgkill, getpid().as_raw(), self.0.as_raw(), 0) };
        done(answer)
    }

    /// Its share of time: -20 (most) to 19.
    ///
    /// # Errors
    /// The kernel's; less than what it has wants CAP_SYS_NICE.
    pub fn set_nice(self, nice: i8) -> io::Result<()> {
        self.is_ours()?;
        let who = libc::id_t::try_from(self.0.as_raw()).map_err(io::Error::other)?;
        // SAFETY: changes one thread's share; the arguments are plain numbers.
        done(unsafe { libc::setpriority(libc::PRIO_PROCESS, who, nice.into()) }.into())
    }

    /// `SCHED_RR` with this priority, or no real time. Threads and processes that it makes do not inherit it.
    ///
    /// # Errors
    /// The kernel's; real time wants CAP_SYS_NICE.
    pub fn set_real_time(self, priority: Option<u8>) -> io::Result<()> {
        self.is_ours()?;
        let policy = match priority {
            Some(_) => libc::SCHED_RR | libc::SCHED_RESET_ON_FORK,
            None => libc::SCHED_OTHER,
        };
        // SAFETY: a sched_param of zeros is a valid one; the kernel reads it during the call only.
        let answer = unsafe {
            let mut param: libc::sched_param = std::mem::zeroed();
            param.sched_priority = priority.unwrap_or(0).into();
            libc::sched_setscheduler(self.0.as_raw(), policy, &raw const param)
        };
        done(answer.into())
    }

    /// The processors it may run on; none: those that the daemon was started with.
    ///
    /// # Errors
    /// The kernel's: none of them is there.
    pub fn set_processors(self, processors: &[u32]) -> io::Result<()> {
        self.is_ours()?;
        let mut set = CpuSet::new();
        for processor in processors {
            set.set(usize::try_from(*processor).map_err(io::Error::other)?)?;
        }
        if processors.is_empty() {
            set = started_with()?;
        }
        Ok(sched_setaffinity(self.0, &set)?)
    }

    /// Its name, as `ps` and `top` show it.
    ///
    /// # Errors
    /// When `/proc` is not there.
    pub fn name(self) -> io::Result<String> {
        Ok(std::fs::read_to_string(self.comm())?.trim_end().to_owned())
    }

    /// Names it; the kernel keeps 15 octets.
    ///
    /// # Errors
    /// When `/proc` is not there.
    pub fn set_name(self, name: &str) -> io::Result<()> {
        std::fs::write(self.comm(), name)
    }

    fn comm(self) -> PathBuf {
        format!("/proc/self/task/{}/comm", self.0).into()
    }
}

/// The processors that the daemon was started with: those of the first call.
pub(super) fn started_with() -> io::Result<CpuSet> {
    static STARTED_WITH: OnceLock<CpuSet> = OnceLock::new();
    if let Some(known) = STARTED_WITH.get() {
        return Ok(*known);
    }
    // Nobody but this room changes them, and it asks here before.
    let set = sched_getaffinity(Pid::from_raw(0))?;
    Ok(*STARTED_WITH.get_or_init(|| set))
}

/// Whether all of the process' memory, now and later, stays in memory.
///
/// # Errors
/// The kernel's. Without CAP_IPC_LOCK and with a limit that cannot be lifted nothing is locked: later the process would
/// die of the limit.
pub fn lock_memory(lock: bool) -> io::Result<()> {
    if !lock {
        return Ok(munlockall()?);
    }
    let (limit, _) = getrlimit(Resource::RLIMIT_MEMLOCK)?;
    if limit != RLIM_INFINITY && !caps::missing(&[Capability::IpcLock])?.is_empty() {
        // CAP_SYS_RESOURCE lifts the limit; scripts get the old one.
        setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY)?;
    }
    Ok(mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE)?)
}

/// How many microseconds a real-time thread of this process may run without a pause before SIGXCPU; `None`: as many
/// as it likes. The limit at which the kernel kills stays as it is.
///
/// # Errors
/// The kernel's.
pub fn limit_real_time(micros: Option<u64>) -> io::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_RTTIME)?;
    let soft = micros.map_or(hard, |micros| micros.min(hard));
    Ok(setrlimit(Resource::RLIMIT_RTTIME, soft, hard)?)
}

fn done(answer: libc::c_long) -> io::Result<()> {
    if answer == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::child::{Credentials, isolate};
    use std::process::Command;

    /// Field `number` (from 1) of the `stat` of a thread.
    fn stat(thread: ThreadId, number: usize) -> i64 {
        let text = std::fs::read_to_string(format!("/proc/self/task/{}/stat", thread.0)).unwrap();
        let after = text.rsplit_once(") ").unwrap().1;
        after.split(' ').nth(number - 3).unwrap().parse().unwrap()
    }

    fn allowed(status: &str) -> String {
        let line = status.lines().find(|line| line.starts_with("Cpus_allowed_list:"));
        line.unwrap().split_whitespace().nth(1).unwrap().to_owned()
    }

    fn processors(thread: ThreadId) -> String {
        allowed(&std::fs::read_to_string(format!("/proc/self/task/{}/status", thread.0)).unwrap())
    }

    /// On a thread of its own, so that nothing of it stays.
    fn apart(test: impl FnOnce() + Send + 'static) {
        std::thread::spawn(test).join().unwrap();
    }

    #[test]
    fn nice_and_name_are_of_one_thread() {
        let caller = ThreadId::own();
        let (before, name) = (stat(caller, 19), caller.name().unwrap());
        apart(move || {
            let own = ThreadId::own();
            own.set_nice(17).unwrap();
            own.set_name("nicer").unwrap();
            assert_eq!((stat(own, 19), own.name().unwrap().as_str()), (17, "nicer"));
            assert_eq!((stat(caller, 19), caller.name().unwrap()), (before, name));
        });
    }

    #[test]
    fn a_thread_that_is_no_more_is_not_touched() {
        let gone = std::thread::spawn(ThreadId::own).join().unwrap();
        let init = ThreadId(Pid::from_raw(1));
        for thread in [gone, init] {
            assert_eq!(thread.set_nice(5).unwrap_err().raw_os_error(), Some(libc::ESRCH));
        }
    }

    #[test]
    fn no_real_time_is_what_everybody_may_have() {
        apart(|| {
            let own = ThreadId::own();
            own.set_real_time(None).unwrap();
            assert_eq!((stat(own, 40), stat(own, 41)), (0, 0));
        });
    }

    /// Facts: 12.13
    #[test]
    fn processors_are_set_and_given_back_and_no_child_inherits_them() {
        apart(|| {
            let own = ThreadId::own();
            let all = processors(own);
            let some = (0..CpuSet::count()).find(|cpu| started_with().unwrap().is_set(*cpu) == Ok(true));
            let one = u32::try_from(some.unwrap()).unwrap();
            own.set_processors(&[one]).unwrap();
            assert_eq!(processors(own), one.to_string());
            let mut child = Command::new("/bin/cat");
            child.arg("/proc/self/status");
            isolate(&mut child, Credentials::own());
            let said = String::from_utf8(child.output().unwrap().stdout).unwrap();
            assert_eq!(allowed(&said), all);
            own.set_processors(&[]).unwrap();
            assert_eq!(processors(own), all);
            assert!(own.set_processors(&[1_023]).is_err());
        });
    }
}
