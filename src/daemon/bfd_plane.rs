//! The BFD plane: a thread with its own runtime that drives the BFD engine, its sockets and its timer.
//!
//! What it reports goes straight to the VRRP plane and to the check plane, over queues of their own. A report that finds no
//! room waits here, the newest of a session only: what counts is how a session is, not how often it changed.

use super::pace::Pace;
use super::plane::{BfdCommand, BfdNotice, BfdReport};
use super::pulse::Pulse;
use crate::bfd::event::Datagram;
use crate::bfd::io::{Receiver, Sender};
use crate::bfd::{Action, BfdConfig, Engine, Event, SessionConfig, SessionId};
use crate::clock::Instant;
use crate::sys::clock::now;
use crate::sys::timer::DeadlineTimer;
use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc;
use tracing::{debug, error, info, warn};

/// Commands that may wait.
const COMMANDS: usize = 64;
/// From a receive socket that cannot be opened, or a full queue, to the next attempt.
const RECEIVE_AGAIN: Duration = Duration::from_secs(60);
const REPORT_AGAIN: Duration = Duration::from_millis(1);

/// A running BFD plane.
#[derive(Debug)]
pub struct BfdPlane {
    /// Its orders. When all senders are gone it ends.
    pub commands: mpsc::Sender<BfdCommand>,
    /// Closes when the plane has ended; without [`BfdNotice::Stopped`] before, it died.
    pub notices: mpsc::Receiver<BfdNotice>,
    /// How its thread runs.
    pub pace: Arc<Pace>,
    /// Whether its thread turns.
    pub pulse: Arc<Pulse>,
    thread: JoinHandle<()>,
}

impl BfdPlane {
    /// Starts the thread, in the network namespace of this one.
    ///
    /// # Errors
    /// When threads, timers or a runtime are refused. A socket that cannot be opened is no error: it is tried again.
    pub fn spawn(config: BfdConfig) -> io::Result<Self> {
        let (commands, orders) = mpsc::channel(COMMANDS);
        let (say, notices) = mpsc::channel(1);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let pace = Arc::new(Pace::default());
        let seat = Arc::clone(&pace);
        let pulse = Arc::new(Pulse::default());
        let driver = {
            let _entered = runtime.enter();
            Driver {
                engine: Engine::new(now(), config.clone(), random()),
                pace: Arc::clone(&pace),
                pulse: Arc::clone(&pulse),
                receivers: Vec::new(),
                config,
                senders: HashMap::new(),
                timer: DeadlineTimer::new()?,
                commands: orders,
                vrrp: Audience::default(),
                check: Audience::default(),
                receive_again: None,
                inbox: Vec::new(),
            }
        };
        let thread = std::thread::Builder::new().name("bfd".into()).spawn(move || {
            seat.take_seat();
            match runtime.block_on(driver.run()) {
                // Nobody listens any more: then nobody waits for it.
                Ok(()) => drop(say.try_send(BfdNotice::Stopped)),
                Err(error) => error!(target: "bfd", "the BFD plane has died: {error}"),
            }
        })?;
        Ok(Self {
            commands,
            notices,
            pace,
            pulse,
            thread,
        })
    }

    /// Waits for the end. Whether it was an orderly one.
    pub fn join(self) -> bool {
        drop(self.commands);
        self.thread.join().is_ok()
    }
}

/// A number that nobody can foresee: the standard library seeds its maps from the system.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

struct Driver {
    engine: Engine,
    pace: Arc<Pace>,
    pulse: Arc<Pulse>,
    config: BfdConfig,
    receivers: Vec<Receiver>,
    senders: HashMap<SessionId, Open>,
    timer: DeadlineTimer,
    commands: mpsc::Receiver<BfdCommand>,
    vrrp: Audience,
    check: Audience,
    /// When receive sockets that could not be opened are tried again.
    receive_again: Option<Instant>,
    inbox: Vec<Datagram>,
}

/// A session's send socket.
struct Open {
    name: String,
    sender: Sender,
    /// The failures were logged; until a packet leaves again, no more are.
    complained: bool,
}

/// A plane that hears of sessions.
#[derive(Default)]
struct Audience {
    to: Option<mpsc::Sender<BfdReport>>,
    /// How its sessions are, for a plane that comes later.
    states: BTreeMap<String, bool>,
    /// Reports that found no room.
    untold: BTreeMap<String, bool>,
}

impl Audience {
    fn hear(&mut self, name: &str, up: bool) {
        self.states.insert(name.to_owned(), up);
        self.untold.insert(name.to_owned(), up);
    }

    /// These sessions begin, or go on: one that nothing is known of is not up, which whoever follows it has to know.
    fn expect<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        for name in names {
            if !self.states.contains_key(name) {
                self.hear(name, false);
            }
        }
    }

    /// A plane that has come: it hears of all.
    fn welcome(&mut self, to: mpsc::Sender<BfdReport>) {
        self.to = Some(to);
        self.untold = self.states.clone();
        self.tell();
    }

    fn waits(&self) -> bool {
        !self.untold.is_empty() && self.to.is_some()
    }

    fn tell(&mut self) {
        let Some(to) = &self.to else {
            // Whoever comes is told of all.
            self.untold.clear();
            return;
        };
        while let Some((name, up)) = self.untold.pop_first() {
            match to.try_send(BfdReport { name, up }) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(BfdReport { name, up })) => {
                    self.untold.insert(name, up);
                    return;
                }
                Err(mpsc::error::TrySendError::Closed(_)) => {
                    self.to = None;
                    self.untold.clear();
                    return;
                }
            }
        }
    }
}

/// What woke the driver beside packets.
#[derive(Default)]
struct Woken {
    command: Option<BfdCommand>,
}

impl Driver {
    async fn run(mut self) -> io::Result<()> {
        self.open_receivers();
        self.expect();
        self.carry_out();
        loop {
            self.timer.set(self.next_wake())?;
            let woken = poll_fn(|cx| self.poll(cx)).await?;
            // Who is late listens first.
            for datagram in std::mem::take(&mut self.inbox) {
                self.engine.handle(now(), Event::Datagram(datagram));
            }
            self.carry_out();
            if let Some(command) = woken.command {
                if matches!(command, BfdCommand::Stop) {
                    self.engine.stop(now());
                    self.carry_out();
                    return Ok(());
                }
                self.obey(command);
            }
            self.serve_deadlines();
        }
    }

    fn next_wake(&self) -> Option<Instant> {
        let again = (self.vrrp.waits() || self.check.waits()).then(|| now() + REPORT_AGAIN);
        [self.engine.next_deadline(), self.receive_again, again]
            .into_iter()
            .flatten()
            .min()
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Woken>> {
        let mut woken = Woken::default();
        let mut ready = false;
        for receiver in &mut self.receivers {
            // The failure was taken from the socket by asking: it is a packet less, and asked again in the next round.
            ready |= receiver.poll_take(cx, &mut self.inbox).is_ready();
        }
        if let Poll::Ready(command) = self.commands.poll_recv(cx) {
            // Nobody is left to command.
            woken.command = Some(command.unwrap_or(BfdCommand::Stop));
            ready = true;
        }
        if let Poll::Ready(expired) = self.timer.poll_expired(cx) {
            expired?;
            ready = true;
        }
        if ready {
            Poll::Ready(Ok(woken))
        } else {
            Poll::Pending
        }
    }

    fn obey(&mut self, command: BfdCommand) {
        match command {
            BfdCommand::Reload(config) => {
                let wanted = |name: &str, by: fn(&SessionConfig) -> bool| {
                    let mut sessions = config.sessions.iter();
                    sessions.any(|session| by(session) && session.name == name)
                };
                self.engine.reload(now(), (*config).clone());
                self.carry_out();
                let (vrrp, check) = (&mut self.vrrp.states, &mut self.check.states);
                vrrp.retain(|name, _| wanted(name, |session| session.vrrp));
                check.retain(|name, _| wanted(name, |session| session.checker));
                self.config = *config;
                self.open_receivers();
                self.expect();
                self.tell();
            }
            BfdCommand::Vrrp(vrrp) => self.vrrp.welcome(vrrp),
            BfdCommand::Check(check) => self.check.welcome(check),
            BfdCommand::Status(reply) => {
                // Who asked may be gone.
                let _ = reply.send(self.engine.status(now()));
            }
            BfdCommand::Beat => self.pulse.turned(),
            // Served by whoever calls.
            BfdCommand::Stop => {}
        }
    }

    /// A checker is told of its session at once, however it is (fact 4.12); to a router none is as good as one that is down.
    fn expect(&mut self) {
        let sessions = self.config.sessions.iter();
        let followed = sessions.filter(|session| session.checker);
        self.check.expect(followed.map(|session| session.name.as_str()));
    }

    fn serve_deadlines(&mut self) {
        let at = now();
        if let Some(deadline) = self.engine.next_deadline().filter(|deadline| *deadline <= at) {
            self.pace.served(at.since(deadline));
            self.engine.handle_timeout(now());
            self.carry_out();
        }
        if self.receive_again.is_some_and(|again| again <= now()) {
            self.open_receivers();
        }
        self.tell();
    }

    /// Opens the receive sockets that the sessions need, and closes the others.
    fn open_receivers(&mut self) {
        let sessions = self.config.sessions.iter();
        let wanted: std::collections::BTreeSet<_> = sessions.map(SessionConfig::port).collect();
        self.receivers
            .retain(|receiver| wanted.contains(&receiver.port()));
        self.receive_again = None;
        for port in wanted {
            if self.receivers.iter().any(|receiver| receiver.port() == port) {
                continue;
            }
            match Receiver::open(port) {
                Ok(receiver) => self.receivers.push(receiver),
                Err(why) => {
                    self.receive_again = Some(now() + RECEIVE_AGAIN);
                    error!(
                        target: "bfd",
                        "Cannot listen on UDP port {} ({:?}): {why}; trying again in {} s",
                        port.number(), port.family, RECEIVE_AGAIN.as_secs(),
                    );
                }
            }
        }
    }

    /// Carries out all that the engine wants, in order.
    fn carry_out(&mut self) {
        while let Some(action) = self.engine.poll_action() {
            match action {
                Action::Open(id, config) => self.open(id, &config),
                Action::Close(id) => drop(self.senders.remove(&id)),
                Action::Send(id, packet) => self.send(id, &packet),
                Action::Report(report) => {
                    if report.vrrp {
                        self.vrrp.hear(&report.name, report.up);
                    }
                    if report.checker {
                        self.check.hear(&report.name, report.up);
                    }
                }
                Action::Tell(line) if line.is_detail() => debug!(target: "bfd", "{line}"),
                Action::Tell(line) => info!(target: "bfd", "{line}"),
            }
        }
        self.tell();
    }

    fn open(&mut self, id: SessionId, config: &SessionConfig) {
        // Closed first: the port is free again.
        self.senders.remove(&id);
        let [high, low, ..] = random().to_be_bytes();
        let event = match Sender::open(config, u16::from_be_bytes([high, low])) {
            Ok(sender) => {
                let open = Open {
                    name: config.name.clone(),
                    sender,
                    complained: false,
                };
                self.senders.insert(id, open);
                Event::Opened(id)
            }
            Err(why) => Event::OpenFailed(id, why.to_string()),
        };
        self.engine.handle(now(), event);
    }

    fn send(&mut self, id: SessionId, packet: &[u8]) {
        let Some(open) = self.senders.get_mut(&id) else {
            return;
        };
        match open.sender.send(packet) {
            Ok(()) => open.complained = false,
            Err(why) if open.complained => debug!(target: "bfd", "({}) send failed: {why}", open.name),
            Err(why) => {
                open.complained = true;
                warn!(target: "bfd", "({}) send failed: {why}", open.name);
            }
        }
    }

    fn tell(&mut self) {
        self.vrrp.tell();
        self.check.tell();
    }
}
