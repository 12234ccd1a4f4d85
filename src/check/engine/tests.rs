//! The engine on virtual time, against keepalived's own log and against models.

mod crowd;
mod figures;
mod firsts;
mod followers;
mod inherit;
pub(crate) mod kinds;
mod mastership;
mod models;
mod notices;
mod overdue;
mod reloads;
mod scenarios;
mod suspend;

use super::*;
use crate::check::config::*;
use crate::check::event::{Notification, ProbeOrder, Reason};
use crate::ipvs::model::{
    ForwardMethod, Protocol, Scheduler, ServerId, ServiceFlags, ServiceKey, Table, Wanted,
};
use crate::script::config::Command;
use std::collections::BTreeMap;
use std::net::SocketAddr;

pub(crate) fn command(text: &str) -> Command {
    Command {
        argv: text.split(' ').map(Into::into).collect(),
        user: None,
    }
}

pub(crate) fn connection(to: &str) -> Connection {
    Connection {
        destination: to.parse().unwrap(),
        source: None,
        interface: None,
        mark: 0,
        timeout: Duration::from_secs(5),
    }
}

pub(crate) fn tcp(to: &str) -> CheckerConfig {
    CheckerConfig {
        probe: ProbeConfig::Tcp(connection(to)).into(),
        alpha: false,
        delay_loop: Duration::from_secs(2),
        retry: 1,
        delay_before_retry: Duration::from_secs(1),
        warmup: Duration::ZERO,
        log_all_failures: false,
    }
}

pub(crate) fn http(to: &str, paths: &[&str]) -> CheckerConfig {
    let url = |path: &&str| UrlConfig {
        path: (*path).into(),
        host: None,
        sni: None,
        status: vec![(200, 200)],
        digest: None,
        regex: None,
        tls_compliant: false,
    };
    let http = HttpConfig {
        connection: connection(to),
        tls: None,
        protocol: HttpProtocol::V10,
        urls: paths.iter().map(url).collect(),
        fast_recovery: false,
    };
    CheckerConfig {
        probe: ProbeConfig::Http(http).into(),
        ..tcp(to)
    }
}

pub(crate) fn misc(dynamic: bool) -> CheckerConfig {
    let script = MiscConfig {
        command: command("/usr/bin/check it"),
        timeout: Duration::from_secs(1),
        dynamic,
    };
    CheckerConfig {
        probe: ProbeConfig::Misc(script).into(),
        ..tcp("192.0.2.1:1")
    }
}

pub(crate) fn real_server(address: &str, checkers: Vec<CheckerConfig>) -> RealServerConfig {
    RealServerConfig {
        address: address.parse().unwrap(),
        forward: ForwardMethod::Nat,
        weight: 1,
        inhibit_on_failure: false,
        upper: 0,
        lower: 0,
        notify_up: Some(command(&format!("up {address}")).into()),
        notify_down: Some(command(&format!("down {address}")).into()),
        smtp_alert: false,
        virtualhost: None,
        checkers,
    }
}

pub(crate) fn service(address: &str, real_servers: Vec<RealServerConfig>) -> VirtualServerConfig {
    VirtualServerConfig {
        target: Target::Service(ServiceKey::Address {
            protocol: Protocol::Tcp,
            address: address.parse().unwrap(),
        }),
        scheduler: Scheduler("wlc".into()),
        flags: ServiceFlags::default(),
        persistence: None,
        forward: ForwardMethod::Nat,
        connect_timeout: Duration::from_secs(5),
        delay_loop: Duration::from_secs(2),
        alpha: false,
        omega: false,
        quorum: 1,
        hysteresis: 0,
        quorum_up: Some(command("quorum up")),
        quorum_down: Some(command("quorum down")),
        smtp_alert: false,
        ha_suspend: false,
        while_master: None,
        sorry_server: None,
        real_servers,
    }
}

pub(crate) fn sorry(address: &str, inhibit: bool) -> Option<SorryServerConfig> {
    Some(SorryServerConfig {
        address: address.parse().unwrap(),
        forward: ForwardMethod::Nat,
        inhibit,
    })
}

pub(crate) fn config(services: Vec<VirtualServerConfig>) -> CheckConfig {
    CheckConfig {
        services,
        ..CheckConfig::default()
    }
}

/// An engine, its back-ends and everything that it did.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) now: Instant,
    /// How each back-end answers: by the address that is asked, or the script's program, and the url.
    answers: BTreeMap<(String, usize), ProbeOutcome>,
    in_flight: Vec<ProbeOrder>,
    /// Log lines of keepalived's and scripts, each with the second it came in.
    pub(crate) diary: Vec<String>,
    /// Every probe: tenths of seconds and the url.
    pub(crate) asked: Vec<(u64, usize)>,
    /// Lines of FIFOs are in the diary too.
    fifo: bool,
    /// What the kernel would hold, if no two virtual servers want the same service.
    pub(crate) table: Table,
    wanted: BTreeMap<ServerId, Arc<Wanted>>,
}

impl World {
    pub(crate) fn new(config: CheckConfig) -> Self {
        let now = Instant::from_micros(0);
        let mut world = Self {
            fifo: config.notices.fifo,
            engine: Engine::new(now, config, 1),
            now,
            answers: BTreeMap::new(),
            in_flight: Vec::new(),
            diary: Vec::new(),
            asked: Vec::new(),
            table: Table::default(),
            wanted: BTreeMap::new(),
        };
        world.drain();
        world
    }

    pub(crate) fn answer(&mut self, whom: &str, url: usize, outcome: ProbeOutcome) {
        self.answers.insert((whom.into(), url), outcome);
    }

    /// Lets time pass; every probe is answered at once.
    pub(crate) fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(due) = self.engine.next_deadline().filter(|due| *due <= end) {
            assert!(due >= self.now, "a deadline in the past");
            self.now = due;
            self.engine.handle_timeout(due);
            self.drain();
            while let Some(order) = self.in_flight.pop() {
                let outcome = self.answers.get(&(whom(&order), order.url)).cloned();
                self.asked.push((self.now.as_micros() / 100_000, order.url));
                self.reply(&order, outcome.unwrap_or(ProbeOutcome::OK));
            }
        }
        self.now = end;
    }

    pub(crate) fn seconds(&mut self, seconds: u64) {
        self.run_for(Duration::from_secs(seconds));
    }

    pub(crate) fn reply(&mut self, order: &ProbeOrder, outcome: ProbeOutcome) {
        let event = Event::Outcome {
            checker: order.checker,
            url: order.url,
            outcome,
        };
        self.engine.handle(self.now, event);
        self.drain();
    }

    pub(crate) fn drain(&mut self) {
        while let Some(action) = self.engine.poll_action() {
            match action {
                Action::Start(order) => self.in_flight.insert(0, order),
                Action::Want { server, wanted } => {
                    let old = self.wanted.remove(&server);
                    for key in old.iter().flat_map(|old| old.services.iter()) {
                        self.table.services.remove(key);
                    }
                    if let Some(wanted) = wanted {
                        let entries = wanted.services.iter().map(|key| (*key, wanted.entry(key)));
                        self.table.services.extend(entries);
                        self.wanted.insert(server, wanted);
                    }
                }
                Action::Clear(services) => {
                    for key in &*services {
                        self.table.services.remove(key);
                    }
                }
                Action::Notify(told) => {
                    let run = told
                        .script()
                        .map(|command| format!("run {}", command.argv.join(" ")));
                    self.diary.extend(run);
                    self.diary.extend(
                        told.line()
                            .filter(|_| self.fifo)
                            .map(|line| line.trim_end().to_owned()),
                    );
                    if let Notification::Mail(letter) = &told {
                        self.diary.push(format!("mail {}: {}", letter.title, letter.body));
                    }
                }
                Action::Tell(line) if line.is_detail() => {}
                Action::Tell(line) => self.diary.push(line.to_string()),
            }
        }
    }

    /// What has been said and run since the last look.
    pub(crate) fn news(&mut self) -> Vec<String> {
        std::mem::take(&mut self.diary)
    }

    /// The first service's destinations: the last number of the address, and the weight.
    pub(crate) fn pool(&self) -> Vec<(String, u32)> {
        let entry = self.table.services.values().next().unwrap();
        let name = |address: &SocketAddr| {
            address
                .ip()
                .to_string()
                .split('.')
                .next_back()
                .unwrap()
                .to_owned()
        };
        entry
            .destinations
            .iter()
            .map(|(address, server)| (name(address), server.weight))
            .collect()
    }
}

fn whom(order: &ProbeOrder) -> String {
    match &*order.probe {
        ProbeConfig::Misc(misc) => misc.command.program().into(),
        probe => probe.connection().unwrap().destination.to_string(),
    }
}

pub(crate) fn refused() -> ProbeOutcome {
    ProbeOutcome::Failure(Reason::Refused)
}

pub(crate) fn status(code: u16) -> ProbeOutcome {
    ProbeOutcome::Failure(Reason::Status(code))
}

pub(crate) fn exit(code: u8) -> ProbeOutcome {
    ProbeOutcome::of_script(true, crate::script::config::ScriptOutcome::Exited(code))
}
