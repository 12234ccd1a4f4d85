//! Pid files: who runs, and that only one does (facts cli 8).
//!
//! One process stands for keepalived's four, so every pid file that those would have holds our pid. A second start is told
//! from a stale file by the lock that we (and keepalived since 2.3.2) hold on it, and, for an older keepalived, which
//! holds none, by the process that the file names. One that was killed and has not ended yet is waited for. No link is ever followed at a file's own name.

use super::holder::{Fate, Vigil};
use crate::cli::Options;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, Flock, FlockArg, fcntl};
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The run-state directory.
const RUN: &str = "/run";
/// A pid file that vanishes between opening and locking is opened again so often.
const ATTEMPTS: u32 = 10;

/// Why there are no pid files.
#[derive(Debug, thiserror::Error)]
pub enum PidFileError {
    /// Somebody runs already: say so and exit 0 (fact 8.4).
    #[error("daemon is already running")]
    Running {
        /// The file that says so.
        path: PathBuf,
        /// Whom it names, if anybody.
        pid: Option<i32>,
    },
    /// The file or its directory cannot be made. Fatal, unlike keepalived's (QUIRK of fact 8.3).
    #[error("cannot use pid file {}: {source}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What decides the names of the pid files (fact 8.1).
#[derive(Clone, Copy, Debug, Default)]
pub struct Naming<'a> {
    /// `net_namespace` or `-s`.
    pub namespace: Option<&'a str>,
    /// `instance`
    pub instance: Option<&'a str>,
    /// `use_pid_dir`
    pub use_pid_dir: bool,
}

/// The pid files of a daemon with these halves, the main one first.
pub fn paths(options: &Options, naming: Naming<'_>) -> Vec<PathBuf> {
    paths_below(Path::new(RUN), options, naming)
}

fn paths_below(run: &Path, options: &Options, naming: Naming<'_>) -> Vec<PathBuf> {
    let own_dir = naming.namespace.is_some() || naming.instance.is_some() || naming.use_pid_dir;
    let dir = if own_dir {
        run.join("keepalived")
    } else {
        run.to_owned()
    };
    let suffix = naming
        .instance
        .map_or_else(String::new, |name| format!("_{name}"));
    let file = |given: &Option<PathBuf>, name: &str| {
        given
            .clone()
            .unwrap_or_else(|| dir.join(format!("{name}{suffix}.pid")))
    };
    let mut paths = vec![file(&options.pid_file, "keepalived")];
    let halves = [
        (options.vrrp, &options.vrrp_pid_file, "vrrp"),
        (options.check, &options.checkers_pid_file, "checkers"),
        (options.bfd, &options.bfd_pid_file, "bfd"),
    ];
    for (_, given, name) in halves.into_iter().filter(|(runs, ..)| *runs) {
        let path = file(given, name);
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}

/// The pid files of this daemon, locked. They are removed when this is dropped.
#[derive(Debug)]
pub struct PidFiles {
    files: Vec<PidFile>,
    /// A directory that was made for them: removed when it is empty.
    dir: Option<PathBuf>,
}

#[derive(Debug)]
struct PidFile {
    path: PathBuf,
    file: Flock<File>,
}

impl PidFiles {
    /// The one that `reload_file` is named after.
    pub fn main(&self) -> Option<&Path> {
        self.files.first().map(|file| file.path.as_path())
    }

    /// Makes and locks the files. Their content comes later: a daemon locks before it forks, so that its starter
    /// learns of a second start, and writes when it has its final pid. The locks survive the fork.
    pub fn lock(paths: &[PathBuf]) -> Result<Self, PidFileError> {
        let mut locked = Self {
            files: Vec::new(),
            dir: None,
        };
        for path in paths {
            if let Some(dir) = path
                .parent()
                .filter(|dir| dir.file_name().is_some_and(|name| name == "keepalived"))
            {
                let made = make_dir(dir).map_err(|source| PidFileError::Unusable {
                    path: path.clone(),
                    source,
                })?;
                if made || dir == Path::new(RUN).join("keepalived") {
                    locked.dir = Some(dir.to_owned());
                }
            }
            let file = open_locked(path)?;
            locked.files.push(PidFile {
                path: path.clone(),
                file,
            });
        }
        Ok(locked)
    }

    /// Writes the pid of this process into all of them.
    pub fn write(&mut self) -> Result<(), PidFileError> {
        for PidFile { path, file } in &mut self.files {
            write_pid(file).map_err(|source| PidFileError::Unusable {
                path: path.clone(),
                source,
            })?;
        }
        Ok(())
    }
}

impl Drop for PidFiles {
    fn drop(&mut self) {
        for PidFile { path, file } in &self.files {
            // Only ours: somebody may have put another file there.
            if is_at(file, path) {
                let _ = std::fs::remove_file(path);
            }
        }
        if let Some(dir) = &self.dir {
            // Fails, as it should, while another daemon has files there.
            let _ = std::fs::remove_dir(dir);
        }
    }
}

/// Whether it was made: false when it was there.
fn make_dir(dir: &Path) -> io::Result<bool> {
    match std::fs::DirBuilder::new().mode(0o755).create(dir) {
        Ok(()) => std::fs::set_permissions(dir, Permissions::from_mode(0o755)).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Waits for whoever held it and is about to end, and for nobody else.
fn open_locked(path: &Path) -> Result<Flock<File>, PidFileError> {
    let vigil = Vigil::begin();
    loop {
        match try_locked(path) {
            Err(PidFileError::Running { pid, .. }) if vigil.goes_on(pid) => {}
            locked => return locked,
        }
    }
}

fn try_locked(path: &Path) -> Result<Flock<File>, PidFileError> {
    let unusable = |source| PidFileError::Unusable {
        path: path.to_owned(),
        source,
    };
    let running = |pid| PidFileError::Running {
        path: path.to_owned(),
        pid,
    };
    for _ in 0..ATTEMPTS {
        let file = open(path).map_err(unusable)?;
        let mut file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(file) => file,
            Err((mut file, Errno::EWOULDBLOCK)) => return Err(running(read_pid(&mut file))),
            Err((_, errno)) => return Err(unusable(errno.into())),
        };
        // A record lock too, since either kind may be what the other daemon looks at.
        match fcntl(&*file, FcntlArg::F_OFD_SETLK(&whole_file())) {
            Ok(_) => {}
            Err(Errno::EAGAIN | Errno::EACCES) => return Err(running(read_pid(&mut file))),
            Err(errno) => return Err(unusable(errno.into())),
        }
        // Its owner may have removed it between our opening and locking.
        if !is_at(&file, path) {
            continue;
        }
        // It may have let go of this file, and not of its other ones yet.
        let not_gone = |pid: &i32| is_keepalived(*pid) || Fate::of(*pid) == Fate::Dies;
        if let Some(pid) = read_pid(&mut file).filter(not_gone) {
            return Err(running(Some(pid)));
        }
        return Ok(file);
    }
    Err(unusable(io::Error::other("it keeps vanishing")))
}

/// Opens or makes the file; a link, a pipe or a device in its place is refused.
fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o644)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("not a regular file"))
    }
}

fn whole_file() -> libc::flock {
    libc::flock {
        l_type: libc::c_short::try_from(libc::F_WRLCK).unwrap_or_default(),
        l_whence: libc::c_short::try_from(libc::SEEK_SET).unwrap_or_default(),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

/// Whether `path` still names `file`.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::symlink_metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

fn read_pid(file: &mut File) -> Option<i32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok().filter(|&pid| pid > 0)
}

/// Whether another process with this pid lives and is a keepalived, or us. A pid file that outlived its daemon may
/// name any process by now; one that cannot be looked at is taken for a daemon.
fn is_keepalived(pid: i32) -> bool {
    if u32::try_from(pid) == Ok(std::process::id()) {
        return false;
    }
    let exe = match std::fs::read_link(format!("/proc/{pid}/exe")) {
        Ok(exe) => exe,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return false,
        Err(_) => return true,
    };
    // The kernel marks a binary that an upgrade replaced.
    let name = exe
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let name = name.strip_suffix(" (deleted)").unwrap_or(&name);
    matches!(name, "keepalived" | "steadfast") || std::env::current_exe().is_ok_and(|own| own == exe)
}

fn write_pid(file: &mut File) -> io::Result<()> {
    // The mode is independent of the umask (fact 8.2).
    file.set_permissions(Permissions::from_mode(0o644))?;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(format!("{}\n", std::process::id()).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::clock;
    use crate::sys::testing::TempDir;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    fn names(line: &str, naming: Naming<'_>) -> Vec<String> {
        let args = format!("steadfast {line}");
        let options = crate::cli::parse(args.split_whitespace().map(Into::into))
            .unwrap()
            .options;
        paths(&options, naming)
            .iter()
            .map(|path| path.display().to_string())
            .collect()
    }

    #[test]
    fn the_names_are_keepaliveds() {
        let plain = Naming::default();
        assert_eq!(
            names("", plain),
            [
                "/run/keepalived.pid",
                "/run/vrrp.pid",
                "/run/checkers.pid",
                "/run/bfd.pid"
            ]
        );
        assert_eq!(names("-P -B", plain), ["/run/keepalived.pid", "/run/vrrp.pid"]);
        assert_eq!(names("-C -B -c /x -p /y", plain), ["/y", "/x"]);
        assert_eq!(names("-p /x -r /x -c /x -b /z", plain), ["/x", "/z"]);
        let named = Naming {
            instance: Some("blue"),
            ..plain
        };
        assert_eq!(
            names("-PB", named),
            [
                "/run/keepalived/keepalived_blue.pid",
                "/run/keepalived/vrrp_blue.pid"
            ]
        );
        let spaced = Naming {
            namespace: Some("ns"),
            ..plain
        };
        assert_eq!(
            names("-PB", spaced),
            ["/run/keepalived/keepalived.pid", "/run/keepalived/vrrp.pid"]
        );
        let own_dir = Naming {
            use_pid_dir: true,
            ..plain
        };
        assert_eq!(names("-PB", own_dir), names("-PB", spaced));
    }

    #[test]
    fn content_mode_and_removal() {
        let dir = TempDir::new();
        let run = dir.path("keepalived");
        let paths = [run.join("a.pid"), run.join("b.pid")];
        let mut files = PidFiles::lock(&paths).unwrap();
        files.write().unwrap();
        for path in &paths {
            assert_eq!(
                std::fs::read_to_string(path).unwrap(),
                format!("{}\n", std::process::id())
            );
            assert_eq!(
                std::fs::metadata(path).unwrap().permissions().mode() & 0o7777,
                0o644
            );
        }
        assert_eq!(
            std::fs::metadata(&run).unwrap().permissions().mode() & 0o7777,
            0o755
        );
        drop(files);
        assert!(!run.exists());
        assert!(dir.dir().exists());
    }

    #[test]
    fn a_file_that_somebody_else_put_there_stays() {
        let dir = TempDir::new();
        let path = dir.path("a.pid");
        let files = PidFiles::lock(std::slice::from_ref(&path)).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "other").unwrap();
        drop(files);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "other");
    }

    #[test]
    fn the_lock_tells_of_a_running_daemon() {
        let dir = TempDir::new();
        let paths = [dir.path("a.pid")];
        let mut first = PidFiles::lock(&paths).unwrap();
        first.write().unwrap();
        let own = i32::try_from(std::process::id()).unwrap();
        match PidFiles::lock(&paths) {
            Err(PidFileError::Running { pid, .. }) => assert_eq!(pid, Some(own)),
            other => panic!("{other:?}"),
        }
        assert!(paths[0].exists(), "the second start leaves the file");
        drop(first);
        PidFiles::lock(&paths).unwrap();
    }

    /// A service manager starts the next one while the last one is still being taken apart.
    #[test]
    fn who_was_killed_is_waited_for_and_who_lives_is_not() {
        let dir = TempDir::new();
        let path = dir.path("a.pid");
        let lock = || PidFiles::lock(std::slice::from_ref(&path));
        let mut child = Command::new("/bin/sleep").arg("60").spawn().unwrap();
        let held = lock().unwrap();
        std::fs::write(&path, format!("{}\n", child.id())).unwrap();
        let began = clock::now();
        assert!(matches!(lock(), Err(PidFileError::Running { .. })), "it lives");
        let took = clock::now().since(began);
        // It is not in a hurry, but does not wait for its end.
        assert!(took < Duration::from_millis(1500), "{took:?}");

        child.kill().unwrap();
        let (asked, begins) = std::sync::mpsc::channel();
        let next = std::thread::scope(|scope| {
            let next = scope.spawn(|| {
                asked.send(()).unwrap();
                lock().map(drop)
            });
            begins.recv().unwrap();
            // The last that it does. Longer than anybody is looked at without a reason.
            std::thread::park_timeout(Duration::from_millis(200));
            drop(held);
            next.join().unwrap()
        });
        child.wait().unwrap();
        assert!(next.is_ok(), "{next:?}");
    }

    /// A keepalived older than 2.3.2 holds no lock.
    #[test]
    fn a_living_keepalived_without_a_lock_is_respected_and_any_other_process_is_not() {
        let dir = TempDir::new();
        let (fake, path) = (dir.path("keepalived"), dir.path("a.pid"));
        std::fs::copy("/bin/sleep", &fake).unwrap();
        std::fs::set_permissions(&fake, Permissions::from_mode(0o755)).unwrap();
        let mut keepalived = Command::new(&fake)
            .arg("60")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut sleep = Command::new("/bin/sleep").arg("60").spawn().unwrap();
        let verdict = |content: String| {
            std::fs::write(&path, content).unwrap();
            PidFiles::lock(std::slice::from_ref(&path)).map(drop)
        };
        let running = verdict(format!("{}\n", keepalived.id()));
        let stale = verdict(format!("{}\n", sleep.id()));
        for child in [&mut keepalived, &mut sleep] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert!(
            matches!(running, Err(PidFileError::Running { pid: Some(_), .. })),
            "{running:?}"
        );
        assert!(stale.is_ok(), "{stale:?}");
        assert!(
            verdict(format!("{}\n", keepalived.id())).is_ok(),
            "it is dead now"
        );
        for content in ["", "nonsense", "-5", "0", "99999999999999999999"] {
            assert!(verdict(content.to_owned()).is_ok(), "{content}");
        }
    }

    #[test]
    fn links_and_oddities_are_refused_untouched() {
        let dir = TempDir::new();
        let (target, link) = (dir.path("precious"), dir.path("a.pid"));
        std::fs::write(&target, "precious").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        for path in [
            link,
            dir.dir().to_owned(),
            PathBuf::from("/dev/null"),
            dir.path("no/such.pid"),
        ] {
            let locked = PidFiles::lock(std::slice::from_ref(&path));
            assert!(
                matches!(locked, Err(PidFileError::Unusable { .. })),
                "{}",
                path.display()
            );
        }
        assert_eq!(std::fs::read_to_string(target).unwrap(), "precious");
    }
}
