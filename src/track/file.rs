//! Tracked files: the number in each, read when inotify tells that the file was written, moved or removed (facts 14.8,
//! 14.10). Nothing is polled, except for a directory that has gone away.
//!
//! Not only for virtual routers: who follows a file is told its number by name, and decides what it means.

use super::config::{FileConfig, InitFile};
use crate::sys::watch::Watched;
use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};
use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// So much of a file is read.
const LONGEST: u64 = 127;
/// How often a directory that has gone is looked for.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A file has this number now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReport {
    /// The file's name in the configuration.
    pub name: String,
    /// Its number.
    pub value: i32,
}

/// Watches files. Needs a tokio runtime.
#[derive(Debug, Default)]
pub struct FileWatcher {
    inotify: Option<Watched<Inotify>>,
    files: BTreeMap<String, Followed>,
    /// What was not asked for yet.
    reports: VecDeque<FileReport>,
    /// When directories that have gone are looked for. Kept here: who waits may be called away at any time.
    look_at: Option<Instant>,
}

#[derive(Debug)]
struct Followed {
    path: PathBuf,
    value: i32,
    /// Where it is: in the directory that its path names and, should it be a symbolic link, where that leads to.
    places: Vec<(WatchDescriptor, OsString)>,
}

impl FileWatcher {
    /// Follows exactly these from now on, and returns the number of each. A number that cannot be told, because it is
    /// out of range, is 0 for a file that is new here.
    pub fn apply(&mut self, files: &[FileConfig]) -> Vec<FileReport> {
        let mut old = std::mem::take(&mut self.files);
        self.inotify = None;
        self.reports.clear();
        if !files.is_empty() {
            let flags = InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC;
            let opened = Inotify::init(flags).map_err(io::Error::from);
            match opened.and_then(Watched::new) {
                Ok(inotify) => self.inotify = Some(inotify),
                Err(error) => tracing::error!("Cannot watch tracked files: {error}"),
            }
        }
        for file in files {
            let before = old.remove(&file.name).filter(|old| old.path == file.path);
            let mut followed = Followed {
                path: file.path.clone(),
                value: before.map_or(0, |old| old.value),
                places: Vec::new(),
            };
            // Watched first: a change between the two is seen.
            followed.watch(self.inotify.as_ref(), true);
            followed.read();
            self.files.insert(file.name.clone(), followed);
        }
        self.values()
    }

    /// The number of each file that is followed, as last read.
    pub fn values(&self) -> Vec<FileReport> {
        let files = self.files.iter();
        files
            .map(|(name, followed)| FileReport {
                name: name.clone(),
                value: followed.value,
            })
            .collect()
    }

    /// The numbers in `files` now, which are not followed for it. One that cannot be told is 0.
    pub fn look_at(files: &[FileConfig]) -> Vec<FileReport> {
        files
            .iter()
            .map(|file| FileReport {
                name: file.name.clone(),
                value: read(&file.path).unwrap_or(0),
            })
            .collect()
    }

    /// Waits for the next change of a number. Cancel-safe.
    pub async fn next(&mut self) -> FileReport {
        loop {
            if let Some(report) = self.reports.pop_front() {
                return report;
            }
            let Some(inotify) = &self.inotify else {
                return std::future::pending().await;
            };
            let lost = self.files.values().any(|followed| followed.places.is_empty());
            let again = self
                .look_at
                .filter(|_| lost)
                .unwrap_or_else(|| Instant::now() + LOOK_AGAIN);
            self.look_at = lost.then_some(again);
            tokio::select! {
                ready = inotify.readable() => match ready {
                    Ok(mut guard) => {
                        let events = inotify.get().read_events();
                        match events {
                            Ok(events) => self.look(&events),
                            Err(Errno::EAGAIN) => guard.clear_ready(),
                            Err(Errno::EINTR) => {}
                            Err(error) => {
                                drop(guard);
                                tracing::error!("Cannot watch tracked files any more: {error}");
                                self.inotify = None;
                            }
                        }
                    }
                    Err(_) => return std::future::pending().await,
                },
                () = sleep_until(again), if lost => {
                    self.look_at = None;
                    self.look_for_lost();
                }
            }
        }
    }

    /// Reads every file that `events` are about.
    fn look(&mut self, events: &[InotifyEvent]) {
        let gone = AddWatchFlags::IN_IGNORED | AddWatchFlags::IN_MOVE_SELF | AddWatchFlags::IN_UNMOUNT;
        for (name, followed) in &mut self.files {
            let concerned = events.iter().any(|event| {
                let here = |(place, file): &(WatchDescriptor, OsString)| {
                    *place == event.wd && (event.mask.intersects(gone) || event.name.as_ref() == Some(file))
                };
                event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) || followed.places.iter().any(here)
            });
            if !concerned {
                continue;
            }
            let lost: Vec<WatchDescriptor> = events
                .iter()
                .filter(|event| event.mask.intersects(gone))
                .map(|event| event.wd)
                .collect();
            if followed.places.iter().any(|(place, _)| lost.contains(place)) {
                // A directory that was moved away is still watched, under a name that nobody asked for.
                let path = followed.path.display();
                tracing::warn!("The directory of track file {name} ({path}) has gone");
            }
            followed.watch(self.inotify.as_ref(), false);
            if followed.read() {
                self.reports.push_back(FileReport {
                    name: name.clone(),
                    value: followed.value,
                });
            }
        }
    }

    fn look_for_lost(&mut self) {
        for (name, followed) in &mut self.files {
            if followed.places.is_empty() {
                followed.watch(self.inotify.as_ref(), false);
                if !followed.places.is_empty() && followed.read() {
                    self.reports.push_back(FileReport {
                        name: name.clone(),
                        value: followed.value,
                    });
                }
            }
        }
    }
}

impl Followed {
    /// Watches the directories that it is in, as they are now. Adding a watch that there is gives the same one.
    fn watch(&mut self, inotify: Option<&Watched<Inotify>>, complain: bool) {
        self.places.clear();
        let Some(inotify) = inotify else { return };
        let real = self.path.canonicalize().ok();
        for path in [Some(&self.path), real.as_ref()].into_iter().flatten() {
            let (Some(directory), Some(file)) = (directory(path), path.file_name()) else {
                continue;
            };
            let changes = AddWatchFlags::IN_CLOSE_WRITE
                | AddWatchFlags::IN_CREATE
                | AddWatchFlags::IN_DELETE
                | AddWatchFlags::IN_MOVE
                | AddWatchFlags::IN_MOVE_SELF
                | AddWatchFlags::IN_ONLYDIR;
            match inotify.get().add_watch(directory, changes) {
                Ok(watch) => self.places.push((watch, file.to_owned())),
                Err(error) if complain => {
                    tracing::error!("Cannot watch {} for track file: {error}", directory.display());
                }
                Err(_) => {}
            }
        }
    }

    /// Reads its number; whether it is another than before.
    fn read(&mut self) -> bool {
        let Some(value) = read(&self.path) else {
            return false;
        };
        std::mem::replace(&mut self.value, value) != value
    }
}

fn directory(path: &Path) -> Option<&Path> {
    let parent = path.parent()?;
    Some(if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    })
}

/// The number in a file: 0 when there is none, `None` when it is out of range.
fn read(path: &Path) -> Option<i32> {
    let mut text = Vec::new();
    // A pipe that nobody writes to must not make us wait.
    let flags = libc::O_NONBLOCK;
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let read = opened.and_then(|file| file.take(LONGEST).read_to_end(&mut text));
    if read.is_err() {
        return Some(0);
    }
    let value = number(&text);
    if value.is_none() {
        tracing::warn!("{}", out_of_range(path, &text));
    }
    value
}

/// What is said of a number beyond 32 bits: keepalived's line (LVS fact 12.1).
fn out_of_range(path: &Path, text: &[u8]) -> String {
    let written = text.trim_ascii_start().iter();
    let written: String = written
        .take_while(|octet| octet.is_ascii_graphic())
        .map(|octet| char::from(*octet))
        .collect();
    format!("Invalid number {written} read from {} - ignoring", path.display())
}

/// A number as C writes it: decimal, `0x…` or `0…`, after blanks and with a sign. Text that does not begin with one is 0;
/// one beyond 32 bits is `None`.
fn number(text: &[u8]) -> Option<i32> {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (base, digits) = match digits {
        [b'0', b'x' | b'X', rest @ ..] if rest.first().is_some_and(u8::is_ascii_hexdigit) => (16, rest),
        [b'0', rest @ ..] => (8, rest),
        _ => (10, digits),
    };
    let mut value: i64 = 0;
    for digit in digits.iter().map_while(|digit| char::from(*digit).to_digit(base)) {
        // More than 32 bits is too much, however long it is.
        value = (value * i64::from(base) + i64::from(digit)).min(1 << 40);
    }
    i32::try_from(if negative { -value } else { value }).ok()
}

/// Writes what `init_file` asks for: into a file that is not there or, with `overwrite`, into any.
///
/// # Errors
/// When it cannot be written. A file that is there already is none.
pub fn init(file: &FileConfig) -> io::Result<()> {
    let Some(InitFile { value, overwrite }) = file.init else {
        return Ok(());
    };
    let mut options = OpenOptions::new();
    options.write(true).mode(0o644);
    if overwrite {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    // Whoever may write into the directory must not choose another file for us to write.
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let mut opened: File = match options.open(&file.path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        opened => opened?,
    };
    writeln!(opened, "{value}")
}

#[cfg(test)]
mod tests;
