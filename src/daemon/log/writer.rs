//! The log's own thread: takes lines from the queue and writes them to standard error and syslog.
//!
//! It alone may wait for either. While it does, the queue fills and the planes drop lines; afterwards it says how many.

use super::syslog::Syslog;
use super::{Ident, Line, Settings, Shared};
use crate::sys::wall;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc as done;
use tokio::sync::mpsc;

/// Lines taken from the queue at once.
const BATCH: usize = 64;

/// Starts the thread. `written` is told when it has ended.
pub(super) fn spawn(
    settings: &Settings,
    lines: mpsc::Receiver<Line>,
    shared: Arc<Shared>,
    written: done::Sender<()>,
) -> std::io::Result<()> {
    // With an I/O driver, so that whoever sends a line wakes this thread through an eventfd and not a mutex.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let writer = Writer {
        console: settings.console,
        syslog: settings
            .syslog
            .map(|facility| Syslog::new(settings.socket.clone(), facility)),
        shared,
    };
    std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || {
            runtime.block_on(writer.run(lines));
            // Nobody listens any more when the guard's patience has ended.
            let _ = written.send(());
        })?;
    Ok(())
}

struct Writer {
    console: bool,
    syslog: Option<Syslog>,
    shared: Arc<Shared>,
}

impl Writer {
    async fn run(mut self, mut lines: mpsc::Receiver<Line>) {
        let shared = Arc::clone(&self.shared);
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let more = tokio::select! {
                biased;
                taken = lines.recv_many(&mut batch, BATCH) => taken > 0,
                () = shared.stop.notified() => false,
            };
            self.write(batch.drain(..));
            if !more {
                break;
            }
        }
        lines.close();
        while let Ok(line) = lines.try_recv() {
            self.write([line]);
        }
    }

    fn write(&mut self, lines: impl IntoIterator<Item = Line>) {
        for line in lines {
            self.write_line(&line);
        }
        match self.shared.dropped.swap(0, Ordering::Relaxed) {
            0 => {}
            count => self.write_line(&Line {
                at: wall::now(),
                ident: Ident::Parent,
                severity: 4,
                text: format!(
                    "{count} log lines were dropped because the log could not be written fast enough"
                ),
            }),
        }
    }

    fn write_line(&mut self, line: &Line) {
        let local = line.at.local();
        for text in line.text.lines() {
            let text = printable(text);
            if self.console {
                // One write a line; a closed standard error is nobody's business any more.
                let _ = std::io::stderr().write_all(format!("{}: {text}\n", local.full()).as_bytes());
            }
            if let Some(syslog) = &mut self.syslog {
                let suffix = self.shared.suffix.get().map_or("", String::as_str);
                let tag = format!("{}{suffix}", line.ident.word());
                syslog.send(line.severity, &local.syslog(), &tag, &text);
            }
        }
    }
}

/// Control characters, which text from the network may hold, cannot forge lines or move a terminal's cursor.
fn printable(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\t' {
            clean.extend(c.escape_default());
        } else {
            clean.push(c);
        }
    }
    clean
}
