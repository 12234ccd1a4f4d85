//! A director: a node that runs steadfast, or keepalived in its place.

use std::fs;
use std::net::IpAddr;
use std::ops::Deref;
use std::process::Child;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Log, Node, Table};
use crate::guest::SHARED;
use crate::timeline::{Stamp, note, wait_for};

pub const CONFIG: &str = "/etc/keepalived/keepalived.conf";
/// Where the pid files are that the options name, the main one first.
pub const PID_FILES: [&str; 3] = ["/run/one.pid", "/run/vrrp.pid", "/run/checkers.pid"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Daemon {
    Steadfast,
    Keepalived,
}

impl Daemon {
    /// What is under test: steadfast, unless keepalived takes its place to validate the scenarios themselves.
    pub fn under_test() -> Self {
        match std::env::var("LAB_DAEMON").as_deref() {
            Ok("keepalived") => Self::Keepalived,
            _ => Self::Steadfast,
        }
    }

    pub fn program(self) -> &'static str {
        match self {
            Self::Steadfast => crate::guest::STEADFAST,
            Self::Keepalived => "/usr/sbin/keepalived",
        }
    }
}

pub struct Director {
    node: Node,
    pub daemon: Daemon,
    pub log: Log,
    /// Further words of its command line.
    pub options: &'static [&'static str],
    running: Option<Child>,
    started: Stamp,
}

impl Director {
    pub fn new(node: Node) -> Self {
        Self {
            node,
            daemon: Daemon::under_test(),
            log: Log::default(),
            options: &[],
            running: None,
            started: Stamp::now(),
        }
    }

    pub fn configure(&self, text: &str) {
        self.write(CONFIG, text);
    }

    /// Starts the daemon on `text`.
    pub fn run_with(&mut self, text: &str) {
        self.configure(text);
        self.start();
    }

    pub fn start(&mut self) {
        self.start_as(&[], &[]);
    }

    /// Starts the daemon with further options, through a program that becomes it, like `env` or `setpriv`.
    pub fn start_as(&mut self, through: &[&str], options: &[&str]) {
        assert!(self.running.is_none(), "{} already runs", self.name);
        let more = [through, options].concat().join(" ");
        note(&self.name, format!("{:?} starts {more}", self.daemon));
        self.started = Stamp::now();
        let mut child = self.spawn(&[through, &self.command(), self.options, options].concat());
        self.log
            .follow(&self.node.name, child.stdout.take().expect("a pipe"));
        self.log
            .follow(&self.node.name, child.stderr.take().expect("a pipe"));
        self.running = Some(child);
    }

    /// The command that starts the daemon in the foreground.
    pub fn command(&self) -> Vec<&'static str> {
        let [main, vrrp, checkers] = PID_FILES;
        vec![
            self.daemon.program(),
            "--dont-fork",
            "--log-console",
            "--no-syslog",
            "--log-detail",
            "--use-file",
            CONFIG,
            "--pid",
            main,
            "--vrrp_pid",
            vrrp,
            "--checkers_pid",
            checkers,
        ]
    }

    /// Sends a signal to the daemon as its user would: to the process of the pid file.
    pub fn signal(&self, signal: Signal) {
        note(&self.name, format!("gets {signal}"));
        kill(self.main(), signal).expect("a running daemon");
    }

    /// Sends a signal by its number, which real-time ones have alone.
    pub fn signal_number(&self, number: i32) {
        note(&self.name, format!("gets signal {number}"));
        // The shell's own `kill`: it needs no package.
        self.run(&["sh", "-c", &format!("kill -{number} {}", self.main())]);
    }

    /// Asks the daemon to stop and waits for its end; its exit code.
    #[track_caller]
    pub fn stop(&mut self) -> Option<i32> {
        self.signal(Signal::SIGTERM);
        self.ended(Duration::from_secs(20))
    }

    /// Waits for the daemon's end; its exit code.
    #[track_caller]
    pub fn ended(&mut self, limit: Duration) -> Option<i32> {
        let child = self.running.as_mut().expect("a started daemon");
        let end = wait_for(format!("the end of {}'s daemon", self.node.name), limit, || {
            child.try_wait().expect("a child of ours")
        });
        self.running = None;
        end.code()
    }

    /// Kills every process of the daemon before any of them can react.
    pub fn kill(&mut self) {
        note(&self.name, "every process of the daemon is killed");
        self.all(Signal::SIGSTOP);
        self.all(Signal::SIGKILL);
        self.running
            .take()
            .expect("a started daemon")
            .wait()
            .expect("a child of ours");
    }

    /// Kills the daemon and starts the next one without waiting for its end, as a service manager may.
    pub fn supplant(&mut self) {
        note(&self.name, "the daemon is killed, and started at once");
        let mut old = self.running.take().expect("a started daemon");
        kill(Pid::from_raw(old.id() as i32), Signal::SIGKILL).expect("a running daemon");
        self.start();
        old.wait().expect("a child of ours");
    }

    pub fn pause(&self) {
        note(&self.name, "the daemon is paused");
        self.all(Signal::SIGSTOP);
    }

    pub fn resume(&self) {
        note(&self.name, "the daemon goes on");
        self.all(Signal::SIGCONT);
    }

    pub fn runs(&self) -> bool {
        self.running.is_some()
    }

    /// When the daemon was started last.
    pub fn started(&self) -> Stamp {
        self.started
    }

    pub fn ipvs(&self) -> Table {
        Table::of(&self.node)
    }

    /// Waits until the addresses of a master are here.
    #[track_caller]
    pub fn wait_holds(&self, address: IpAddr, limit: Duration) {
        wait_for(format!("{} on {}", address, self.name), limit, || {
            self.holds(address).then_some(())
        });
    }

    #[track_caller]
    pub fn wait_lacks(&self, address: IpAddr, limit: Duration) {
        wait_for(format!("{} off {}", address, self.name), limit, || {
            (!self.holds(address)).then_some(())
        });
    }

    /// Waits for a state of an instance (or group) in the log.
    #[track_caller]
    pub fn wait_state(&self, instance: &str, state: &str, since: Stamp, limit: Duration) -> Stamp {
        self.log
            .wait(&format!("({instance}) Entering {state} STATE"), since, limit)
    }

    /// The daemon's main process.
    pub fn main(&self) -> Pid {
        Pid::from_raw(self.running.as_ref().expect("a started daemon").id() as i32)
    }

    /// Sends a signal to the daemon's main process and all below it.
    fn all(&self, signal: Signal) {
        let mut family = vec![self.main()];
        let processes = fs::read_dir("/proc").expect("proc").flatten();
        let mut parents: Vec<(Pid, Pid)> = processes
            .filter_map(|entry| parent(&entry.file_name().to_string_lossy()))
            .collect();
        parents.sort();
        for (process, parent) in parents {
            if family.contains(&parent) {
                family.push(process);
            }
        }
        for process in family {
            let _ = kill(process, signal);
        }
    }
}

/// A process and its parent.
fn parent(process: &str) -> Option<(Pid, Pid)> {
    let id = process.parse().ok()?;
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    Some((
        Pid::from_raw(id),
        Pid::from_raw(after_name.split_whitespace().nth(1)?.parse().ok()?),
    ))
}

impl Deref for Director {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.node
    }
}

impl Drop for Director {
    /// Ends the daemon, and leaves its log for whoever looks into a failure.
    fn drop(&mut self) {
        if self.running.is_some() {
            self.all(Signal::SIGKILL);
        }
        let _ = fs::write(format!("{SHARED}/{}.log", self.node.name), self.log.text());
    }
}
