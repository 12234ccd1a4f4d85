//! A node: a host of the site, that is a network namespace and a mount namespace with its own /run, /tmp and /etc/keepalived.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use nix::sched::{CloneFlags, setns};

use crate::sh;

/// What makes a node's mounts and settings before anything runs in it.
const SETTLE: &str = "
    set -e
    mount -t sysfs sysfs /sys
    mkdir -p /etc/keepalived
    for place in /run /tmp /etc/keepalived; do mount -t tmpfs -o mode=0755 tmpfs $place; done
    for scope in all default; do
        echo 0 >/proc/sys/net/ipv6/conf/$scope/accept_dad
        echo 0 >/proc/sys/net/ipv6/conf/$scope/accept_ra
        echo 0 >/proc/sys/net/ipv6/conf/$scope/router_solicitations
    done
    ip link set lo up
    echo settled
    exec sleep infinity
";

pub struct Node {
    pub name: String,
    /// Keeps the namespaces; its death does not end what else runs in them.
    holder: Child,
}

impl Node {
    pub fn new(name: &str) -> Self {
        let mut command = Command::new("unshare");
        command.args(["--net", "--mount", "--propagation", "private", "sh", "-c", SETTLE]);
        let mut holder = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a node");
        let mut line = String::new();
        BufReader::new(holder.stdout.take().expect("a pipe"))
            .read_line(&mut line)
            .expect("a node");
        assert_eq!(line, "settled\n", "{name} is not ready");
        Self {
            name: name.into(),
            holder,
        }
    }

    /// The process whose namespaces are this node's.
    pub fn pid(&self) -> u32 {
        self.holder.id()
    }

    /// Where a file of this node is found from outside.
    pub fn path(&self, path: &str) -> PathBuf {
        format!("/proc/{}/root{path}", self.pid()).into()
    }

    pub fn write(&self, path: &str, text: &str) {
        fs::write(self.path(path), text).expect(path);
    }

    /// Writes a shell script that root may run.
    pub fn script(&self, path: &str, text: &str) {
        self.write(path, &format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(0o755)).expect(path);
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_default()
    }

    /// A command in this node, not yet started.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args([
            "--net",
            "--mount",
            "--target",
            &self.pid().to_string(),
            "--",
            program,
        ]);
        command
    }

    #[track_caller]
    pub fn run<S: AsRef<OsStr>>(&self, words: &[S]) -> String {
        let pid = self.pid().to_string();
        let mut whole: Vec<&OsStr> = ["nsenter", "--net", "--mount", "--target", &pid, "--"]
            .map(OsStr::new)
            .into();
        whole.extend(words.iter().map(AsRef::as_ref));
        sh::run(&whole)
    }

    /// Many `ip` commands at once, one a line.
    #[track_caller]
    pub fn ip(&self, lines: &str) {
        let pid = self.pid().to_string();
        sh::feed(
            &["nsenter", "--net", "--target", &pid, "--", "ip", "-batch", "-"],
            lines,
        );
    }

    /// Runs `work` on a thread that is in this node's network; what it opens stays there.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                self.enter();
                work()
            });
            inside.join().expect("work within a node")
        })
    }

    /// Moves the calling thread into this node's network, for good.
    pub fn enter(&self) {
        enter(self.pid());
    }

    /// Whether an interface holds this address.
    pub fn holds(&self, address: IpAddr) -> bool {
        self.addresses().contains(&address)
    }

    pub fn addresses(&self) -> Vec<IpAddr> {
        let text = self.run(&["ip", "-o", "address", "show"]);
        text.lines()
            .filter_map(|line| line.split_whitespace().nth(3)?.split('/').next()?.parse().ok())
            .collect()
    }
}

/// Moves the calling thread into the network of process `pid`.
pub fn enter(pid: u32) {
    let network = File::open(format!("/proc/{pid}/ns/net")).expect("a node's network");
    setns(network, CloneFlags::CLONE_NEWNET).expect("entering a node's network");
}
