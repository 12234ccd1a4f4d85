//! A server that runs as long as it is held.

use crate::site::Site;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
}

impl Server {
    pub(crate) fn start(site: &Site, port: u16, program: &str, arguments: &str) -> Self {
        let log = std::fs::File::create(format!("{}/log", site.dir())).unwrap();
        let mut command: Command = site.command(program);
        command
            .args(arguments.split_ascii_whitespace())
            .current_dir(site.dir())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}; scripts/setup services"));
        Self { child, port }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // With all that it has started: they have its sockets too.
        let Ok(id) = i32::try_from(self.child.id()) else {
            return;
        };
        let group = Pid::from_raw(id);
        let _ = killpg(group, Signal::SIGKILL);
        let _ = self.child.wait();
        for _ in 0..200 {
            if killpg(group, None).is_err() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
