//! Datagrams to the local syslog, as the C library's `syslog(3)` writes them (RFC 3164 without a host name).
//!
//! Own code because the `syslog` crate takes UTC for local time in a program with threads and has one identity for
//! each connection. A syslog that restarts is found again with the next line; what was lost is said then.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

/// A stuck syslog holds up the writer for so long at most.
const PATIENCE: Duration = Duration::from_secs(1);
/// The longest datagram, in octets: what the usual receivers take.
const LONGEST: usize = 8192;

/// A connection that is made when it is needed.
#[derive(Debug)]
pub(super) struct Syslog {
    path: PathBuf,
    facility: u8,
    socket: Option<UnixDatagram>,
    lost: u64,
}

impl Syslog {
    pub(super) const fn new(path: PathBuf, facility: u8) -> Self {
        Self {
            path,
            facility,
            socket: None,
            lost: 0,
        }
    }

    /// Sends a line; when that fails twice the line is lost and counted.
    pub(super) fn send(&mut self, severity: u8, time: &str, tag: &str, text: &str) {
        if self.lost > 0 {
            let said = format!("{} log lines were lost while there was no syslog", self.lost);
            if self.try_send(&self.datagram(4, time, tag, &said)) {
                self.lost = 0;
            }
        }
        if !self.try_send(&self.datagram(severity, time, tag, text)) {
            self.lost = self.lost.saturating_add(1);
        }
    }

    fn datagram(&self, severity: u8, time: &str, tag: &str, text: &str) -> Vec<u8> {
        let priority = u16::from(self.facility) * 8 + u16::from(severity);
        let mut datagram = format!("<{priority}>{time} {tag}[{}]: {text}", std::process::id());
        let longest = LONGEST.min(datagram.len());
        let end = (0..=longest).rev().find(|&at| datagram.is_char_boundary(at));
        datagram.truncate(end.unwrap_or(0));
        datagram.into_bytes()
    }

    fn try_send(&mut self, datagram: &[u8]) -> bool {
        // Twice: a socket whose peer has gone away fails once.
        for _ in 0..2 {
            let Some(socket) = self.socket.take().or_else(|| self.connect()) else {
                return false;
            };
            if socket.send(datagram).is_ok() {
                self.socket = Some(socket);
                return true;
            }
        }
        false
    }

    fn connect(&self) -> Option<UnixDatagram> {
        let socket = UnixDatagram::unbound().ok()?;
        socket.set_write_timeout(Some(PATIENCE)).ok()?;
        socket.connect(&self.path).ok()?;
        Some(socket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::TempDir;

    fn receive(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 10_000];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn the_form_and_the_return_after_a_restart() {
        let dir = TempDir::new();
        let path = dir.path("log");
        let pid = std::process::id();
        let mut syslog = Syslog::new(path.clone(), 18);
        syslog.send(6, "Nov 21 12:00:00", "Keepalived", "nobody hears this");

        let server = UnixDatagram::bind(&path).unwrap();
        syslog.send(
            6,
            "Nov 21 12:00:01",
            "Keepalived_vrrp",
            "(VI_1) Entering MASTER STATE",
        );
        assert_eq!(
            receive(&server),
            format!(
                "<148>Nov 21 12:00:01 Keepalived_vrrp[{pid}]: 1 log lines were lost while there was no syslog"
            )
        );
        assert_eq!(
            receive(&server),
            format!("<150>Nov 21 12:00:01 Keepalived_vrrp[{pid}]: (VI_1) Entering MASTER STATE")
        );

        drop(server);
        std::fs::remove_file(&path).unwrap();
        let server = UnixDatagram::bind(&path).unwrap();
        syslog.send(3, "T", "K", &"é".repeat(5000));
        let text = receive(&server);
        assert!(text.starts_with("<147>T K[") && text.ends_with('é') && text.len() <= LONGEST);
    }
}
