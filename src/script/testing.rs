//! What tests with real children share: scripts, a place for their marks, and looking at processes.

use super::config::Command;
use super::safety::Prepared;
use crate::sys::child::Credentials;
pub(crate) use crate::sys::testing::TempDir;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing_subscriber::layer::SubscriberExt;

/// Generous: a loaded machine is no failure.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// `text` for /bin/sh, as ourselves.
pub(crate) fn sh(text: &str) -> Prepared {
    Prepared {
        program: "/bin/sh".into(),
        argv: vec!["sh".into(), "-c".into(), text.into()],
        who: Credentials::own(),
    }
}

/// The same as a configured command.
pub(crate) fn sh_command(text: &str) -> Command {
    Command {
        argv: vec!["/bin/sh".into(), "-c".into(), text.into()],
        user: None,
    }
}

impl TempDir {
    /// Waits until the file has so many lines.
    pub(crate) async fn wait_for_lines(&self, name: &str, count: usize) -> Vec<String> {
        until(&format!("{count} lines in {name}"), || {
            self.lines(name).len() >= count
        })
        .await;
        self.lines(name)
    }

    /// The process ids that scripts wrote into a file, once there are so many.
    pub(crate) async fn pids(&self, name: &str, count: usize) -> Vec<u32> {
        let lines = self.wait_for_lines(name, count).await;
        lines.iter().map(|line| line.parse().unwrap()).collect()
    }
}

/// What this thread logs while it exists.
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Log {
    pub(crate) fn capture() -> Self {
        let lines = Arc::default();
        let layer = Lines(Arc::clone(&lines));
        let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        Self { lines, _guard: guard }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

struct Lines(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Lines {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0.lock().unwrap().push(message.0);
    }
}

struct Message(String);

impl tracing::field::Visit for Message {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

/// Waits until `condition` holds; panics after [`LONG`].
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = tokio::time::Instant::now() + LONG;
    while !condition() {
        assert!(tokio::time::Instant::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whether the process exists and is no zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    // The state follows the name, which is in parentheses and may hold anything.
    stat.is_ok_and(|stat| {
        !stat
            .rsplit(") ")
            .next()
            .unwrap_or_default()
            .starts_with(['Z', 'X'])
    })
}

/// Waits until none of the processes lives.
pub(crate) async fn until_dead(pids: &[u32]) {
    until(&format!("{pids:?} dead"), || {
        !pids.iter().any(|pid| is_alive(*pid))
    })
    .await;
}
