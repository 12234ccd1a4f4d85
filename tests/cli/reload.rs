//! Reloads of a daemon that has nothing to run, as an operator sees them: what is taken, what is refused, what is kept.

use super::{Dir, signal, terminate, wait_for};
use nix::sys::signal::Signal;
use std::fs;
use std::process::{Child, Command};

/// A daemon that runs in the foreground and writes its log to a file of `dir`.
struct Running<'a> {
    dir: &'a Dir,
    child: Child,
}

impl<'a> Running<'a> {
    /// The program is the last word of `command`, unless it has none.
    fn start(dir: &'a Dir, mut command: Command, config: &str) -> Self {
        let log = fs::File::create(dir.0.join("log")).expect("a log");
        let mut running = Self {
            dir,
            child: command
                .args(dir.daemon(config))
                .args(["--dont-fork", "--log-console"])
                .stderr(log)
                .spawn()
                .expect("the program starts"),
        };
        running.wait_for_lines("Startup complete", 1);
        running
    }

    fn own(&self) -> String {
        self.child.id().to_string()
    }

    /// The log's lines with these words in them.
    fn lines(&self, words: &str) -> Vec<String> {
        let log = self.dir.read("log");
        let lines = log.lines().filter(|line| line.contains(words));
        lines.map(ToOwned::to_owned).collect()
    }

    fn wait_for_lines(&mut self, words: &str, count: usize) {
        let Self { dir, child } = self;
        wait_for(words, || {
            let log = dir.read("log");
            assert!(child.try_wait().expect("a child").is_none(), "{log}");
            let found = log.lines().filter(|line| line.contains(words)).count();
            (found >= count).then_some(())
        });
    }

    fn reload(&self) {
        signal(Signal::SIGHUP, &self.own());
    }

    /// Which of the files that data dumps go to is written.
    fn dumps_to(&self, files: &[&str]) -> String {
        for file in files {
            let _ = fs::remove_file(self.dir.0.join(file));
        }
        signal(Signal::SIGUSR1, &self.own());
        wait_for("a dump", || {
            let written = files.iter().find(|file| !self.dir.read(file).is_empty())?;
            Some((*written).to_owned())
        })
    }

    fn stop(mut self) {
        terminate(&self.own());
        assert_eq!(
            self.child.wait().expect("an end").code(),
            Some(0),
            "{}",
            self.dir.read("log")
        );
    }
}

/// A test that fails leaves no daemon behind.
impl Drop for Running<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_steadfast"))
}

/// The program without the capability of raw sockets, whoever runs the tests.
fn without_raw_sockets() -> Command {
    if !nix::unistd::Uid::effective().is_root() {
        return program();
    }
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-net_raw", "--inh-caps=-net_raw"]);
    command.arg(env!("CARGO_BIN_EXE_steadfast"));
    command
}

/// A reload is done as a whole or not at all.
#[test]
fn a_reload_that_needs_what_is_not_allowed_changes_nothing() {
    let dir = Dir::new("reload-refused");
    let config = |dumps: &str, more: &str| {
        let dumps = dir.path(dumps);
        let text =
            format!("global_defs {{\nrouter_id lab\ndynamic_interfaces\nstate_dump_file {dumps}\n}}\n{more}");
        dir.write("own.conf", &text)
    };
    let mut daemon = Running::start(&dir, without_raw_sockets(), &config("old", ""));
    let dumps = ["old_parent", "new_parent"];
    config(
        "new",
        "vrrp_instance VI_1 {\ninterface steadfast0\nvirtual_router_id 51\nvirtual_ipaddress {\n192.0.2.9\n}\n}\n",
    );
    daemon.reload();
    daemon.wait_for_lines("the running one is kept", 1);
    assert!(
        daemon.lines("CAP_NET_RAW is missing").len() == 1,
        "{}",
        dir.read("log")
    );
    assert_eq!(daemon.dumps_to(&dumps), "old_parent");
    assert!(daemon.lines("Reload complete").is_empty());
    config("new", "");
    daemon.reload();
    daemon.wait_for_lines("Reload complete", 1);
    assert_eq!(daemon.dumps_to(&dumps), "new_parent");
    daemon.stop();
}
