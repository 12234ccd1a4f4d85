//! `reload_time_file`: the file is watched, and a reload comes due at the time that it holds (fact VRRP 18.10).
//!
//! Nothing is polled: inotify tells of the file, and the kernel when the time has come or the clock was set.

use super::appointment::Appointment;
use crate::conf::config::ReloadSettings;
use crate::sys::timer::WallTimer;
use crate::sys::wall::{self, Wall};
use crate::sys::watch::Watched;
use nix::errno::Errno;
use nix::libc::O_NONBLOCK;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent};
use std::fs::{OpenOptions, remove_file};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use tracing::{error, info, warn};

/// So much of the file is read; a time is shorter.
const LONGEST: u64 = 64;

/// When the next reload is due. Needs a tokio runtime.
#[derive(Debug, Default)]
pub(super) struct ReloadClock {
    file: Option<PathBuf>,
    repeat: bool,
    /// On the file's directory; nothing when that is not there.
    inotify: Option<Watched<Inotify>>,
    due: Option<Due>,
}

#[derive(Debug)]
struct Due {
    appointment: Appointment,
    at: Wall,
    timer: WallTimer,
}

/// What happens to the file.
enum Change {
    /// It may have another content, or be gone.
    File,
    /// Its directory is gone.
    Directory,
    None,
}

impl ReloadClock {
    /// Follows the file of `settings` from now on, and reads it.
    pub(super) fn apply(&mut self, settings: &ReloadSettings) {
        self.file = settings.time_file.as_ref().map(PathBuf::from);
        self.repeat = settings.repeat;
        self.inotify = None;
        if let Some(file) = &self.file {
            match watch(file) {
                Ok(inotify) => self.inotify = Some(inotify),
                Err(error) => {
                    let file = file.display();
                    warn!("Unable to monitor reload timer file directory of {file}: {error} - ignoring");
                }
            }
        }
        self.look();
    }

    /// When the next one is due.
    pub(super) fn due(&self) -> Option<Wall> {
        self.due.as_ref().map(|due| due.at)
    }

    /// Waits until a reload is due. The file goes then, unless `reload_repeat` keeps it. Cancel-safe.
    pub(super) async fn next(&mut self) {
        loop {
            let changes = changes(self.inotify.as_ref(), self.file.as_deref());
            let change = tokio::select! {
                change = changes => Some(change),
                () = ended(self.due.as_ref()) => None,
            };
            match change {
                Some(Change::None) => {}
                Some(Change::File) => self.look(),
                Some(Change::Directory) => {
                    self.schedule(None);
                    warn!("Directory of reload timer file has disappeared. Monitoring stopped.");
                    self.inotify = None;
                }
                None if self.has_come() => return,
                None => {}
            }
        }
    }

    /// The timer has ended: because it is time, or because somebody has set the clock.
    fn has_come(&mut self) -> bool {
        let Some(due) = &self.due else { return false };
        let appointment = due.appointment;
        if due.at > wall::now() {
            self.due = timed(appointment);
            return false;
        }
        info!("Reload scheduled for {} is due", due.at.local().numbers());
        self.due = None;
        if self.repeat {
            self.due = timed(appointment);
        } else if let Some(file) = &self.file
            && let Err(error) = remove_file(file)
            && error.kind() != io::ErrorKind::NotFound
        {
            warn!("Unable to remove reload timer file {}: {error}", file.display());
        }
        true
    }

    /// Reads the file.
    fn look(&mut self) {
        // Without its directory nobody would tell of the next change.
        let Some(file) = self.file.as_ref().filter(|_| self.inotify.is_some()) else {
            return self.schedule(None);
        };
        let appointment = match read(file) {
            Ok(line) => {
                let appointment = Appointment::read(&line);
                if appointment.is_none() {
                    warn!(
                        "Invalid reload time '{}' specified - ignoring",
                        line.escape_debug()
                    );
                }
                appointment
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    warn!("Unable to read reload timer file {}: {error}", file.display());
                }
                None
            }
        };
        // What has come due while something else was done is still to be done.
        if let Some(due) = &self.due
            && Some(due.appointment) == appointment
            && due.at <= wall::now()
        {
            return;
        }
        let due = appointment.and_then(timed);
        if due.is_none() && appointment.is_some() {
            warn!("Reload date/time is in the past - ignoring");
        }
        self.schedule(due);
    }

    /// What is due from now on; says how that differs from before.
    fn schedule(&mut self, due: Option<Due>) {
        let before = std::mem::replace(&mut self.due, due).map(|due| due.at);
        let words = |at: Wall| at.local().numbers();
        match (before, self.due()) {
            (None, Some(at)) => info!("Scheduling reload for {}", words(at)),
            (Some(at), None) => info!("Cancelling reload scheduled for {}", words(at)),
            (Some(old), Some(new)) if old != new => {
                info!("Reload time updated from {} to {}", words(old), words(new));
            }
            _ => {}
        }
    }
}

/// The next time of `appointment`; nothing when that is past.
fn timed(appointment: Appointment) -> Option<Due> {
    let at = appointment.after(wall::now())?;
    match WallTimer::new(at) {
        Ok(timer) => Some(Due {
            appointment,
            at,
            timer,
        }),
        Err(error) => {
            error!("A reload cannot be scheduled: {error}");
            None
        }
    }
}

/// Watches the directory of `file`: a file that is not there yet cannot be watched itself.
fn watch(file: &Path) -> io::Result<Watched<Inotify>> {
    if !file.is_absolute() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the path is not absolute",
        ));
    }
    let directory = file.parent().ok_or(io::ErrorKind::IsADirectory)?;
    let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
    let changes = AddWatchFlags::IN_CLOSE_WRITE
        | AddWatchFlags::IN_DELETE
        | AddWatchFlags::IN_MOVE
        | AddWatchFlags::IN_MOVE_SELF
        | AddWatchFlags::IN_DELETE_SELF
        | AddWatchFlags::IN_ONLYDIR;
    inotify.add_watch(directory, changes)?;
    Watched::new(inotify)
}

/// Waits for changes, and says what they mean for `file`. Cancel-safe.
async fn changes(inotify: Option<&Watched<Inotify>>, file: Option<&Path>) -> Change {
    let Some(inotify) = inotify else {
        return std::future::pending().await;
    };
    loop {
        let Ok(mut guard) = inotify.readable().await else {
            return std::future::pending().await;
        };
        match inotify.get().read_events() {
            Ok(events) => return meaning(&events, file),
            Err(Errno::EAGAIN) => guard.clear_ready(),
            Err(Errno::EINTR) => {}
            // It never ends by itself: like a directory that nobody can watch.
            Err(_) => return Change::Directory,
        }
    }
}

fn meaning(events: &[InotifyEvent], file: Option<&Path>) -> Change {
    let name = file.and_then(Path::file_name);
    let gone = AddWatchFlags::IN_IGNORED
        | AddWatchFlags::IN_MOVE_SELF
        | AddWatchFlags::IN_DELETE_SELF
        | AddWatchFlags::IN_UNMOUNT;
    let lost = AddWatchFlags::IN_Q_OVERFLOW;
    if events.iter().any(|event| event.mask.intersects(gone)) {
        Change::Directory
    } else if events
        .iter()
        .any(|event| event.name.as_deref() == name || event.mask.contains(lost))
    {
        Change::File
    } else {
        Change::None
    }
}

/// Waits for the time that is set, or for somebody who sets the clock. Cancel-safe.
async fn ended(due: Option<&Due>) {
    let ended = match due {
        Some(due) => due.timer.ended().await,
        None => std::future::pending().await,
    };
    if ended.is_err() {
        std::future::pending().await
    }
}

/// The first line of `file`, whole or as much of it as may be a time.
fn read(file: &Path) -> io::Result<String> {
    // A pipe that nobody writes to must not make us wait.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(O_NONBLOCK)
        .open(file)?;
    let mut text = Vec::new();
    file.take(LONGEST).read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    Ok(text.split('\n').next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::TempDir;
    use std::time::Duration;
    use tokio::time::timeout;

    /// As long as it takes on a busy host.
    const PATIENT: Duration = Duration::from_secs(30);

    fn clock(dir: &TempDir, repeat: bool) -> ReloadClock {
        let mut clock = ReloadClock::default();
        clock.apply(&settings(dir, repeat));
        clock
    }

    fn settings(dir: &TempDir, repeat: bool) -> ReloadSettings {
        ReloadSettings {
            time_file: Some(dir.path("time").display().to_string()),
            repeat,
            ..ReloadSettings::default()
        }
    }

    /// A time of the day, `seconds` from now.
    fn in_seconds(seconds: u64) -> String {
        let then = Wall(wall::now().0 + Duration::from_secs(seconds)).utc();
        format!("{:02}:{:02}:{:02}Z", then.hour, then.minute, then.second)
    }

    /// Lets `clock` see what has happened to the file, until it holds what is `wanted`.
    async fn until(clock: &mut ReloadClock, wanted: impl Fn(Option<Wall>) -> bool) {
        let seen = timeout(PATIENT, async {
            while !wanted(clock.due()) {
                let _ = timeout(Duration::from_millis(10), clock.next()).await;
            }
        });
        seen.await.unwrap();
    }

    /// Facts: 18.10
    #[tokio::test]
    async fn a_file_that_is_written_moved_changed_and_removed_is_followed() {
        let dir = TempDir::new();
        let mut clock = clock(&dir, false);
        assert_eq!(clock.due(), None);
        dir.file("time", "2030-01-01 00:00:00Z\n");
        let first = Wall(Duration::from_secs(1_893_456_000));
        until(&mut clock, |due| due == Some(first)).await;
        dir.file("other", "2030-01-01 00:00:01Z");
        std::fs::rename(dir.path("other"), dir.path("time")).unwrap();
        let second = Wall(Duration::from_secs(1_893_456_001));
        until(&mut clock, |due| due == Some(second)).await;
        dir.file("time", "soon\n");
        until(&mut clock, |due| due.is_none()).await;
        dir.file("time", "2030-01-01 00:00:00Z\n");
        until(&mut clock, |due| due == Some(first)).await;
        remove_file(dir.path("time")).unwrap();
        until(&mut clock, |due| due.is_none()).await;
        // What others do there is nothing to it.
        dir.file("time", "2030-01-01 00:00:00Z\n");
        dir.file("other", "2030-01-01 00:00:01Z");
        until(&mut clock, |due| due == Some(first)).await;
        // Nothing is scheduled by a directory that has gone.
        std::fs::rename(dir.path(""), dir.path("").with_extension("away")).unwrap();
        until(&mut clock, |due| due.is_none()).await;
        std::fs::rename(dir.path("").with_extension("away"), dir.path("")).unwrap();
    }

    /// Facts: 18.10
    #[tokio::test]
    async fn a_time_that_comes_is_taken_once_or_every_day() {
        let dir = TempDir::new();
        for (repeat, left) in [(false, false), (true, true)] {
            dir.file("time", &in_seconds(2));
            let mut clock = clock(&dir, repeat);
            let due = clock.due().unwrap();
            timeout(PATIENT, clock.next()).await.unwrap();
            assert!(wall::now() >= due, "not before it");
            assert_eq!(dir.path("time").exists(), left);
            let next = left.then(|| Wall(due.0 + Duration::from_secs(86_400)));
            until(&mut clock, |due| due == next).await;
        }
    }

    /// A reload for another reason may last that long.
    #[tokio::test]
    async fn a_time_that_comes_while_nobody_waits_is_not_lost() {
        let dir = TempDir::new();
        dir.file("time", &in_seconds(3));
        let mut clock = clock(&dir, false);
        let due = clock.due().unwrap();
        while wall::now() < due {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        clock.apply(&settings(&dir, false));
        assert_eq!(clock.due(), Some(due));
        timeout(PATIENT, clock.next()).await.unwrap();
        assert!(!dir.path("time").exists());
        assert_eq!(clock.due(), None);
    }

    #[tokio::test]
    async fn what_is_no_time_or_past_schedules_nothing() {
        let dir = TempDir::new();
        for text in ["2001-01-01 00:00:00", "", "x", "\n12:00:00"] {
            dir.file("time", text);
            assert_eq!(clock(&dir, true).due(), None, "{text:?}");
        }
        let long = format!("12:00:00{}", " ".repeat(1_000_000));
        dir.file("time", &long);
        assert_eq!(clock(&dir, true).due(), None);
        remove_file(dir.path("time")).unwrap();
        nix::unistd::mkfifo(&dir.path("time"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(clock(&dir, true).due(), None, "a pipe is not waited for");
    }
}
