//! A node: a host of the site, that is a network namespace and a mount namespace with its own /run, /tmp and /etc/keepalived.
//!
//! A thread keeps the namespaces; work for the node is done on threads that enter them, and so are commands, which
//! inherit the namespaces of the thread that starts them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use nix::ifaddrs::getifaddrs;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::socket::SockaddrStorage;
use nix::unistd::{Pid, gettid};

use crate::sh;

pub struct Node {
    pub name: String,
    /// The thread that keeps the namespaces.
    keeper: Pid,
    /// Lets that thread end with the node.
    _life: Sender<()>,
}

/// How a command ended, and what it said.
#[derive(Debug)]
pub struct Attempt {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Node {
    pub fn new(name: &str) -> Self {
        let (life, end) = channel::<()>();
        let (ready, keeper) = channel();
        thread::spawn(move || keep(&ready, &end));
        Self {
            name: name.into(),
            keeper: keeper.recv().expect("a node"),
            _life: life,
        }
    }

    /// A task whose namespaces are this node's.
    pub fn pid(&self) -> u32 {
        self.keeper.as_raw() as u32
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

    /// Starts a command in this node, its output piped.
    pub fn spawn(&self, words: &[&str]) -> Child {
        let (program, arguments) = words.split_first().expect("a program");
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        self.within(|| command.spawn())
            .unwrap_or_else(|error| panic!("{program}: {error}"))
    }

    /// Runs a command that may fail, for so many seconds at most; a longer one ends with status 124.
    pub fn attempt(&self, seconds: u32, words: &[&str]) -> Attempt {
        let mut command = Command::new("timeout");
        command.arg(seconds.to_string()).args(words).stdin(Stdio::null());
        let output = self.within(|| command.output()).expect("timeout");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Attempt {
            status: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    #[track_caller]
    pub fn run<S: AsRef<OsStr> + Sync>(&self, words: &[S]) -> String {
        self.within(|| sh::run(words))
    }

    /// Many `ip` commands at once, one a line.
    #[track_caller]
    pub fn ip(&self, lines: &str) {
        self.within(|| sh::feed(&["ip", "-batch", "-"], lines));
    }

    /// Does `work` on a thread that is in this node; what it opens and starts stays there.
    #[track_caller]
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                enter(self.pid());
                work()
            });
            inside
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Whether an interface holds this address.
    pub fn holds(&self, address: IpAddr) -> bool {
        self.addresses().contains(&address)
    }

    pub fn addresses(&self) -> Vec<IpAddr> {
        let held = self.within(|| {
            getifaddrs()
                .expect("interface addresses")
                .filter_map(|held| held.address)
                .collect()
        });
        let ip = |held: &SockaddrStorage| {
            let v4 = held.as_sockaddr_in().map(|held| IpAddr::V4(held.ip()));
            v4.or_else(|| held.as_sockaddr_in6().map(|held| IpAddr::V6(held.ip())))
        };
        let held: Vec<SockaddrStorage> = held;
        held.iter().filter_map(ip).collect()
    }
}

/// Moves the calling thread into the namespaces of `task`, for good.
pub fn enter(task: u32) {
    let network = File::open(format!("/proc/{task}/ns/net")).expect("a node's network");
    let mounts = File::open(format!("/proc/{task}/ns/mnt")).expect("a node's mounts");
    unshare(CloneFlags::CLONE_FS).expect("a root of one's own");
    setns(network, CloneFlags::CLONE_NEWNET).expect("entering a node's network");
    setns(mounts, CloneFlags::CLONE_NEWNS).expect("entering a node's mounts");
}

/// Makes the namespaces and keeps them until `end`.
fn keep(ready: &Sender<Pid>, end: &Receiver<()>) {
    let none = None::<&str>;
    unshare(CloneFlags::CLONE_FS | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET).expect("namespaces");
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).expect("private mounts");
    mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::empty(), none).expect("sysfs");
    fs::create_dir_all("/etc/keepalived").expect("/etc/keepalived");
    for (place, mode) in [
        ("/run", "mode=0755"),
        ("/tmp", "mode=1777"),
        ("/etc/keepalived", "mode=0755"),
    ] {
        mount(Some("tmpfs"), place, Some("tmpfs"), MsFlags::empty(), Some(mode)).expect(place);
    }
    for scope in ["all", "default"] {
        for setting in ["accept_dad", "accept_ra", "router_solicitations"] {
            fs::write(format!("/proc/sys/net/ipv6/conf/{scope}/{setting}"), "0").expect(setting);
        }
    }
    ready.send(gettid()).expect("the node's owner");
    // Ends with an error when the node is dropped.
    let _ = end.recv();
}
