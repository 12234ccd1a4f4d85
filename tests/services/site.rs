//! A directory with certificates for a server, and checkers that ask it.

use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use steadfast::check::CheckerId;
use steadfast::check::event::{ProbeOrder, ProbeOutcome};
use steadfast::check::probe::{Kit, Prober};
use steadfast::check::telling::Names;
use steadfast::conf;
use steadfast::plan::{self, Host};

pub(crate) struct Site {
    dir: String,
    user: Option<&'static str>,
}

impl Site {
    pub(crate) fn new() -> Self {
        let dir = std::env::temp_dir().join(format!("services-{}-{}", std::process::id(), port()));
        std::fs::create_dir(&dir).unwrap();
        let site = Self {
            dir: dir.to_str().unwrap().to_owned(),
            user: None,
        };
        site.certificates();
        site
    }

    /// The same for a server that does not run as root: its own user has it then.
    pub(crate) fn for_user(user: &'static str) -> Self {
        let mut site = Self::new();
        if is_root() {
            site.user = Some(user);
            run(&format!("chown -R {user} {}", site.dir));
        }
        site
    }

    pub(crate) fn dir(&self) -> &str {
        &self.dir
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = Path::new(&self.dir).join(name);
        std::fs::write(&path, text).unwrap();
        let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&self.dir).unwrap());
        if is_root() {
            chown(&path, Some(owner), None).unwrap();
        }
    }

    /// Runs a program as the user whose directory it is.
    pub(crate) fn command(&self, program: &str) -> Command {
        let Some(user) = self.user else {
            let mut command = Command::new(program);
            command.env("PATH", PATH);
            return command;
        };
        let mut command = Command::new("setpriv");
        command.args([
            format!("--reuid={user}"),
            format!("--regid={user}"),
            "--clear-groups".into(),
            program.into(),
        ]);
        command
    }

    pub(crate) fn run_as_user(&self, line: &str) {
        let mut words = line.split_ascii_whitespace();
        let mut command = self.command(words.next().unwrap());
        finish(command.args(words).current_dir(&self.dir), line);
    }

    /// An authority, and what it signs: for `db.example` at 127.0.0.1, and for us.
    fn certificates(&self) {
        let dir = &self.dir;
        self.write("names", "subjectAltName=DNS:db.example,IP:127.0.0.1\n");
        let new = "openssl req -newkey rsa:2048 -nodes";
        run(&format!(
            "{new} -x509 -days 9 -subj /CN=authority -keyout {dir}/ca.key -out {dir}/ca.pem"
        ));
        for who in ["server", "client"] {
            run(&format!(
                "{new} -subj /CN={who} -keyout {dir}/{who}.key -out {dir}/{who}.csr"
            ));
            run(&format!(
                "openssl x509 -req -days 9 -in {dir}/{who}.csr -CA {dir}/ca.pem -CAkey {dir}/ca.key -CAcreateserial \
                 -extfile {dir}/names -out {dir}/{who}.pem"
            ));
        }
        std::fs::set_permissions(format!("{dir}/server.key"), PermissionsExt::from_mode(0o600)).unwrap();
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(format!("{}/log", self.dir)).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let _ = std::io::Write::write_all(
                &mut std::io::stderr(),
                lines[lines.len().saturating_sub(20)..].join("\n").as_bytes(),
            );
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// A port that nobody has.
pub(crate) fn port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// The last of the versions in `directory` that has `tail`.
pub(crate) fn newest(directory: &str, tail: &str) -> String {
    let versions = std::fs::read_dir(directory)
        .unwrap_or_else(|error| panic!("{directory}: {error}; scripts/setup services"));
    let mut paths: Vec<_> = versions.map(|entry| entry.unwrap().path().join(tail)).collect();
    paths.sort();
    paths.pop().unwrap().to_str().unwrap().to_owned()
}

pub(crate) fn run(line: &str) {
    let mut words = line.split_ascii_whitespace();
    let mut command = Command::new(words.next().unwrap());
    finish(command.args(words).env("PATH", PATH), line);
}

fn finish(command: &mut Command, line: &str) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{line}: {error}; scripts/setup services"));
    assert!(
        output.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Reads a configuration with this checker, and asks as the daemon asks.
pub(crate) fn probe(keyword: &str, port: u16, body: &str) -> Result<(), String> {
    let text = format!(
        "virtual_server 192.0.2.1 80 {{\nprotocol TCP\nlb_kind DR\nreal_server 127.0.0.1 {port} {{\n\
         {keyword} {{\n{body}\n}}\n}}\n}}\n"
    );
    let path = std::env::temp_dir().join(format!("services-{}-{port}.conf", std::process::id()));
    std::fs::write(&path, text).unwrap();
    let options = conf::ReadOptions {
        config_id: "test".into(),
        all_config: true,
        test: true,
        alone: true,
        random_seed: 1,
    };
    let reading = conf::read(&path, &options);
    std::fs::remove_file(&path).unwrap();
    assert!(reading.diagnostics.is_empty(), "{:?}", reading.diagnostics);
    let (plan, _) = plan::build(&reading.config, &Host::default());
    let probe = plan.check.services[0].real_servers[0].checkers[0].probe.clone();
    let order = ProbeOrder {
        checker: CheckerId(1),
        probe,
        url: 0,
        number: 1,
        names: Names {
            rs: "".into(),
            vs: "".into(),
        },
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let prober = Prober::new(Arc::default(), Arc::new(Kit::of(&plan.check).unwrap()));
    match runtime.block_on(prober.ask(&order)).outcome {
        ProbeOutcome::Success { .. } => Ok(()),
        ProbeOutcome::Failure(reason) => Err(reason.to_string()),
    }
}

/// A user without rights: ourselves, unless that is root.
pub(crate) struct Harmless {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

pub(crate) fn harmless() -> Harmless {
    let user = if is_root() {
        nix::unistd::User::from_name("nobody")
    } else {
        nix::unistd::User::from_uid(nix::unistd::geteuid())
    };
    let user = user.unwrap().unwrap();
    let group = nix::unistd::Group::from_gid(user.gid).unwrap();
    Harmless {
        name: user.name,
        group: group.unwrap().name,
        uid: user.uid.as_raw(),
        gid: user.gid.as_raw(),
    }
}

/// A password as servers keep it.
pub(crate) fn crypt(password: &str) -> String {
    let line = format!("openssl passwd -6 {password}");
    let output = Command::new("openssl").args(["passwd", "-6", password]).output();
    let output = output.unwrap_or_else(|error| panic!("{line}: {error}; scripts/setup services"));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
