//! The log: events of `tracing`, written by a thread of its own in keepalived's shape (facts cli 9.2 to 9.4).
//!
//! A plane that logs never waits: its line goes into a bounded queue by a lock-free send that wakes the writer through an
//! eventfd; when the queue is full the line is dropped and counted, and the writer says later how many there were. Levels:
//! `info` and above always, `debug` with `-D`, `trace` with `-DD`. The target chooses syslog's identity: `vrrp` and `check`
//! stand for keepalived's child processes.

mod syslog;
#[cfg(test)]
mod tests;
mod writer;

use crate::cli::Options;
use crate::sys::wall::{self, Wall};
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, mpsc as done};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Lines that may wait for the writer.
const QUEUE: usize = 4096;
/// How long the end of the program waits for the writer.
const FLUSH: Duration = Duration::from_secs(1);

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Standard error.
    pub console: bool,
    /// Syslog, with this facility.
    pub syslog: Option<u8>,
    /// The socket of syslog.
    pub socket: PathBuf,
    /// `-D`: how many times.
    pub detail: u8,
}

impl From<&Options> for Settings {
    fn from(options: &Options) -> Self {
        // A configuration test says what it found itself, and nothing else (fact 3.3).
        let test = options.config_test.is_some();
        Self {
            console: options.log_console && options.dont_fork && !test,
            syslog: (!options.no_syslog && !test).then_some(options.log_facility),
            socket: "/dev/log".into(),
            detail: options.log_detail,
        }
    }
}

/// Which of keepalived's processes would have said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ident {
    Parent,
    Vrrp,
    Checkers,
    Bfd,
}

impl Ident {
    /// By the first room in an event's target; `None` for other crates.
    fn of(target: &str) -> Option<Self> {
        let room = target.strip_prefix("steadfast::").unwrap_or(target);
        match room.split("::").next().unwrap_or(room) {
            "vrrp" | "track" | "netlink" => Some(Self::Vrrp),
            "check" | "ipvs" => Some(Self::Checkers),
            "bfd" => Some(Self::Bfd),
            "steadfast" | "daemon" | "conf" | "plan" | "notify" | "script" | "control" | "cli" | "sys" => {
                Some(Self::Parent)
            }
            _ => None,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Parent => "Keepalived",
            Self::Vrrp => "Keepalived_vrrp",
            Self::Checkers => "Keepalived_healthcheckers",
            Self::Bfd => "Keepalived_bfd",
        }
    }
}

/// A line on its way.
#[derive(Clone, Debug)]
struct Line {
    at: Wall,
    ident: Ident,
    /// Syslog's, 0 to 7.
    severity: u8,
    text: String,
}

/// What the planes, the writer and the guard share.
#[derive(Debug, Default)]
struct Shared {
    /// Lines dropped since the writer last said so.
    dropped: AtomicU64,
    /// Lines dropped ever.
    dropped_total: AtomicU64,
    /// `_NAMESPACE_INSTANCE`, once known.
    suffix: OnceLock<String>,
    /// The program ends: write what there is.
    stop: Notify,
}

/// The running log. Dropped, it waits (a second at most) until all lines are written; later lines are lost.
#[derive(Debug)]
pub struct Guard {
    shared: Arc<Shared>,
    done: done::Receiver<()>,
}

impl Guard {
    /// Appends `_NAMESPACE` and `_INSTANCE` to syslog's identities from now on; the first call counts, since neither
    /// can change while the daemon runs.
    pub fn name(&self, namespace: Option<&str>, instance: Option<&str>) {
        let suffix = [namespace, instance]
            .into_iter()
            .flatten()
            .fold(String::new(), |all, part| all + "_" + part);
        let _ = self.shared.suffix.set(suffix);
    }

    /// How many lines were lost because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped_total.load(Ordering::Relaxed)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.shared.stop.notify_one();
        // An error means that the writer is stuck in a write, or gone: there is nobody to wait for.
        let _ = self.done.recv_timeout(FLUSH);
    }
}

/// Starts the writer and makes it the log of the whole program. To be called after the last fork: threads do not
/// survive it.
pub fn start(settings: &Settings) -> std::io::Result<Guard> {
    let (layer, guard) = layer(settings, QUEUE)?;
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::set_global_default(subscriber).map_err(std::io::Error::other)?;
    Ok(guard)
}

/// The layer and its writer.
fn layer(settings: &Settings, capacity: usize) -> std::io::Result<(QueueLayer, Guard)> {
    let shared = Arc::new(Shared::default());
    let (queue, lines) = mpsc::channel(capacity);
    let (written, done) = done::channel();
    writer::spawn(settings, lines, Arc::clone(&shared), written)?;
    let detail = match settings.detail {
        0 => LevelFilter::INFO,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    Ok((
        QueueLayer {
            queue,
            shared: Arc::clone(&shared),
            detail,
        },
        Guard { shared, done },
    ))
}

/// Puts events into the queue.
struct QueueLayer {
    queue: mpsc::Sender<Line>,
    shared: Arc<Shared>,
    detail: LevelFilter,
}

impl<S: Subscriber> Layer<S> for QueueLayer {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let limit = match Ident::of(metadata.target()) {
            Some(_) => self.detail,
            // Other crates are heard when something is wrong.
            None => LevelFilter::WARN,
        };
        *metadata.level() <= limit
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.detail)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let mut text = Text(String::new());
        event.record(&mut text);
        let line = Line {
            at: wall::now(),
            ident: Ident::of(metadata.target()).unwrap_or(Ident::Parent),
            severity: severity(*metadata.level()),
            text: text.0,
        };
        if self.queue.try_send(line).is_err() {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            self.shared.dropped_total.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// As keepalived, details are informational too (fact 9.3): a syslog that drops debug lines must not drop them.
fn severity(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        _ => 6,
    }
}

/// The message, then other fields as `name=value`.
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = if field.name() == "message" {
            let rest = std::mem::take(&mut self.0);
            write!(self.0, "{value:?}{rest}")
        } else {
            write!(self.0, " {}={value:?}", field.name())
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}
