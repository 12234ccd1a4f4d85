//! The driver of the VRRP engine: waits for the earliest of packet, report, command and deadline, lets the engine
//! decide, and carries out what it decided.
//!
//! Nothing here resolves, spawns, reads files, waits for a log or needs the RTNL lock. Who is late listens first: the
//! receive queues are emptied before an overdue deadline is served, so that a master that was paused never speaks before
//! it has heard who took over.

mod act;
mod asking;

use self::act::is_expected;
use self::asking::Asking;
use super::metrics::PlaneMetrics;
use super::register::{Register, Seats};
use crate::clock::Instant;
use crate::daemon::kernel_worker::{Report, Request, START, Wanted};
use crate::daemon::last_will::LastWill;
use crate::daemon::pace::Pace;
use crate::daemon::plane::{BfdReport, MasterNews, VrrpCommand, VrrpNotice};
#[cfg(debug_assertions)]
use crate::daemon::pulse;
use crate::daemon::pulse::Pulse;
use crate::net::{Family, IfIndex};
use crate::sys::timer::DeadlineTimer;
use crate::sys::{clock, wall};
use crate::vrrp::claim::Claim;
use crate::vrrp::endpoint::{Endpoint, EndpointKind};
use crate::vrrp::engine::Engine;
use crate::vrrp::event::{Datagram, Transmit};
use crate::vrrp::io::{Announcer, Receiver as PacketReceiver, Sender as PacketSender, Sockets, socket};
use crate::vrrp::{Event, VrrpConfig};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender};

/// A deadline served later than this is overdue: the plane was held up, and listens before it acts.
const OVERDUE: Duration = Duration::from_millis(1);
/// How long a stop may take that nobody has ordered.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// How long the end waits for the kernel worker.
const LEAVE_WITHIN: Duration = Duration::from_secs(3);
/// From a full request queue to the next attempt.
const REQUEST_AGAIN: Duration = Duration::from_millis(1);
/// Reports taken at once, before packets and deadlines get their turn again.
const MOST_REPORTS: usize = 16;

/// What a driver is made of.
pub(super) struct Parts {
    pub(super) config: VrrpConfig,
    /// What trackers have reported already.
    pub(super) first: Vec<Event>,
    pub(super) requests: Sender<Request>,
    pub(super) reports: Receiver<Report>,
    pub(super) commands: Receiver<VrrpCommand>,
    pub(super) bfd_reports: Receiver<BfdReport>,
    pub(super) notices: Sender<VrrpNotice>,
    pub(super) metrics: Arc<PlaneMetrics>,
    pub(super) pace: Arc<Pace>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) worker_pulse: Arc<Pulse>,
    pub(super) will: Arc<LastWill>,
    /// Of the configuration.
    pub(super) number: u64,
    pub(super) masters: MasterNews,
    pub(super) register: Arc<Register>,
    /// Who was MASTER in an earlier run.
    pub(super) claims: Vec<Claim>,
}

/// Drives the engine.
pub(super) struct Driver {
    engine: Engine,
    sockets: Vec<Open>,
    announcer: Announcer,
    timer: DeadlineTimer,
    requests: Sender<Request>,
    /// Requests that wait until all actions of a round are carried out, or for room in the worker's queue.
    outbox: VecDeque<Request>,
    reports: Receiver<Report>,
    commands: Receiver<VrrpCommand>,
    bfd_reports: Receiver<BfdReport>,
    /// How the BFD sessions are: a new configuration may track one that the old one did not.
    sessions: BTreeMap<String, bool>,
    notices: Sender<VrrpNotice>,
    metrics: Arc<PlaneMetrics>,
    pace: Arc<Pace>,
    pulse: Arc<Pulse>,
    /// The kernel worker's.
    worker_pulse: Arc<Pulse>,
    will: Arc<LastWill>,
    /// Who wants to know which routers are MASTER.
    masters: MasterNews,
    /// The number of the configuration that the engine runs.
    number: u64,
    /// It is a new one: nobody was told yet who is MASTER by its names.
    renamed: bool,
    /// Who wants to know when the last advert of each left.
    seats: Seats,
    /// The interfaces that forward IPv6.
    forwarding: BTreeSet<IfIndex>,
    /// A new configuration whose sockets are being opened.
    reload: Option<Reload>,
    asking: Asking,
    epoch: u64,
    stop_by: Option<Instant>,
    /// The stop leaves nothing behind.
    release: bool,
    inbox: Vec<Datagram>,
}

/// An endpoint with its sockets.
struct Open {
    endpoint: Endpoint,
    index: IfIndex,
    /// Of its interface when they were opened.
    mtu: u32,
    receiver: PacketReceiver,
    sender: PacketSender,
    /// The failures were logged; until a packet leaves again, no more are.
    complained: bool,
}

struct Reload {
    epoch: u64,
    number: u64,
    config: Box<VrrpConfig>,
    endpoints: Vec<Endpoint>,
}

/// What woke the driver beside packets.
#[derive(Default)]
struct Woken {
    reports: Vec<Report>,
    command: Option<VrrpCommand>,
    sessions: Vec<BfdReport>,
}

impl Driver {
    /// Must be made on the plane's thread, in its runtime.
    pub(super) fn new(parts: Parts) -> io::Result<Self> {
        let mut engine = Engine::new(parts.config);
        for event in parts.first {
            engine.handle(clock::now(), event);
        }
        engine.resume(clock::now(), parts.claims);
        Ok(Self {
            seats: Seats::new(parts.register, engine.estates()),
            engine,
            sockets: Vec::new(),
            announcer: Announcer::open()?,
            timer: DeadlineTimer::new()?,
            requests: parts.requests,
            outbox: VecDeque::new(),
            reports: parts.reports,
            commands: parts.commands,
            bfd_reports: parts.bfd_reports,
            sessions: BTreeMap::new(),
            notices: parts.notices,
            metrics: parts.metrics,
            pace: parts.pace,
            pulse: parts.pulse,
            worker_pulse: parts.worker_pulse,
            will: parts.will,
            masters: parts.masters,
            number: parts.number,
            renamed: false,
            forwarding: BTreeSet::new(),
            reload: None,
            asking: Asking::default(),
            epoch: START,
            stop_by: None,
            release: true,
            inbox: Vec::new(),
        })
    }

    /// Runs until it is told to stop.
    pub(super) async fn run(mut self) -> io::Result<()> {
        // Declared after `self`, so dropped before it.
        let mut last_words = LastWords(Some(Arc::clone(&self.will)));
        loop {
            let next = self.next_wake();
            self.timer.set(next)?;
            let woken = self.wait().await?;
            // Measured before the packets: what they say may lift the deadline that was missed.
            let late = self.lateness();
            self.hear_packets();
            for BfdReport { name, up } in woken.sessions {
                self.sessions.insert(name.clone(), up);
                self.tell_engine(Event::Bfd { name, up });
            }
            let busy = !woken.reports.is_empty();
            for report in woken.reports {
                self.take_report(report)?;
            }
            if let Some(command) = woken.command {
                self.obey(command);
            }
            self.serve_deadlines(late)?;
            self.send_requests()?;
            if !busy {
                self.send_announcements();
            }
            if self.stopped() {
                self.leave().await?;
                last_words.0 = None;
                return Ok(());
            }
        }
    }

    /// The earliest moment at which something is to be done.
    fn next_wake(&self) -> Option<Instant> {
        let again = (!self.outbox.is_empty()).then(|| clock::now() + REQUEST_AGAIN);
        let repeats = self.announcer.has_repeats().then(clock::now);
        [
            self.engine.next_deadline(),
            self.announcer.retry_at().or(repeats),
            self.stop_by,
            again,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Waits for packets (into the inbox), a report, a command or the timer.
    async fn wait(&mut self) -> io::Result<Woken> {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Woken>> {
        let mut woken = Woken::default();
        let mut ready = false;
        for open in &mut self.sockets {
            if let Poll::Ready(taken) = open.receiver.poll_take(cx, &mut self.inbox) {
                if taken.is_err() {
                    self.metrics.receive_failed();
                }
                ready = true;
            }
        }
        match self.reports.poll_recv_many(cx, &mut woken.reports, MOST_REPORTS) {
            Poll::Ready(0) => return Poll::Ready(Err(io::Error::other("the kernel worker has ended"))),
            Poll::Ready(_) => ready = true,
            Poll::Pending => {}
        }
        if self.stop_by.is_none() {
            match self.commands.poll_recv(cx) {
                Poll::Ready(command) => {
                    // Nobody is left to command: hand over and end.
                    woken.command = Some(command.unwrap_or(VrrpCommand::Stop {
                        release: true,
                        within: STOP_WITHIN,
                    }));
                    ready = true;
                }
                Poll::Pending => {}
            }
        }
        while let Poll::Ready(Some(report)) = self.bfd_reports.poll_recv(cx) {
            woken.sessions.push(report);
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

    /// Takes everything that waits, without waiting itself.
    fn look_around(&mut self) -> io::Result<()> {
        self.empty_sockets();
        while let Ok(report) = self.reports.try_recv() {
            self.take_report(report)?;
        }
        Ok(())
    }

    fn empty_sockets(&mut self) {
        for open in &mut self.sockets {
            if open.receiver.take(&mut self.inbox).is_err() {
                self.metrics.receive_failed();
            }
        }
        self.hear_packets();
    }

    fn hear_packets(&mut self) {
        let mut inbox = std::mem::take(&mut self.inbox);
        for datagram in inbox.drain(..) {
            self.metrics.received();
            self.tell_engine(Event::Datagram(datagram));
        }
        self.inbox = inbox;
    }

    fn tell_engine(&mut self, event: Event) {
        let now = self.now();
        self.engine.handle(now, event);
        self.carry_out();
    }

    /// The time, of which the engine is told what the wall clock makes of it.
    fn now(&mut self) -> Instant {
        let now = clock::now();
        self.engine.wall_clock(now, wall::now().0);
        now
    }

    /// How long the engine's deadline has been over.
    fn lateness(&self) -> Option<Duration> {
        let now = clock::now();
        let deadline = self.engine.next_deadline().filter(|deadline| *deadline <= now)?;
        Some(now.since(deadline))
    }

    /// Serves the engine's deadline if it is over, and full queues of the interfaces. `known` is the lateness when the
    /// driver woke.
    fn serve_deadlines(&mut self, known: Option<Duration>) -> io::Result<()> {
        let late = self.lateness();
        if late.is_some_and(|late| late > OVERDUE) {
            self.look_around()?;
        }
        if self.lateness().is_some() {
            let now = self.now();
            self.engine.handle_timeout(now);
            self.carry_out();
        }
        if let Some(late) = known.max(late) {
            self.metrics.deadline_served(late);
            self.pace.served(late);
        }
        if self.announcer.retry_at().is_some_and(|at| at <= clock::now()) {
            self.send_announcements();
        }
        Ok(())
    }

    fn take_report(&mut self, report: Report) -> io::Result<()> {
        match report {
            Report::Event(event) => {
                if let Event::InterfaceGone(name) = &event {
                    self.close(|open| open.endpoint.interface == *name);
                }
                self.tell_engine(event);
            }
            Report::Answers(answers) => {
                self.asking.note(&answers);
                let now = self.now();
                for answer in answers {
                    self.engine.handle(now, answer);
                }
                self.carry_out();
            }
            Report::Interface { status, forwards_v6 } => {
                if forwards_v6 {
                    self.forwarding.insert(status.index);
                } else {
                    self.forwarding.remove(&status.index);
                }
                self.tell_engine(Event::Interface(status));
            }
            Report::Opened {
                endpoint,
                index,
                mtu,
                sockets,
            } => self.opened(endpoint, (index, mtu), sockets)?,
            Report::Reached { refused } => self.asking.answer(refused),
            Report::Ready { epoch: START } => {
                // What has come since the sockets were opened may speak against a claim.
                self.empty_sockets();
                let now = self.now();
                self.engine.start(now);
                self.renamed = true;
                self.carry_out();
            }
            Report::Ready { epoch } => self.reloaded(epoch),
        }
        Ok(())
    }

    fn opened(
        &mut self,
        endpoint: Endpoint,
        (index, mtu): (IfIndex, u32),
        sockets: Sockets,
    ) -> io::Result<()> {
        self.close(|open| open.endpoint.same_socket(&endpoint));
        let (receive, sender) = sockets.into_parts();
        self.sockets.push(Open {
            receiver: PacketReceiver::new(receive, endpoint.family, index)?,
            endpoint,
            index,
            mtu,
            sender,
            complained: false,
        });
        Ok(())
    }

    /// Gives sockets to the worker, for closing leaves groups and needs the lock.
    fn close(&mut self, unwanted: impl Fn(&Open) -> bool) {
        for open in self.sockets.extract_if(.., |open| unwanted(open)) {
            self.outbox.push_back(Request::Close(Sockets {
                receive: open.receiver.into_socket(),
                send: open.sender.into_socket(),
            }));
        }
    }

    /// The sockets of a configuration are open: the engine may have it.
    fn reloaded(&mut self, epoch: u64) {
        let Some(reload) = self.reload.take_if(|reload| reload.epoch == epoch) else {
            // A newer configuration came while these sockets were being opened: it is waited for.
            return;
        };
        let Reload {
            number,
            config,
            endpoints,
            ..
        } = reload;
        for open in &mut self.sockets {
            if let Some(endpoint) = endpoints.iter().find(|e| e.same_socket(&open.endpoint)) {
                open.become_for(endpoint);
            }
        }
        let now = self.now();
        self.engine.reload(now, *config);
        self.seats.arrange(self.engine.estates());
        (self.number, self.renamed) = (number, true);
        self.carry_out();
        for (name, up) in self.sessions.clone() {
            self.tell_engine(Event::Bfd { name, up });
        }
        // Closed last: the routers that are no more have said goodbye.
        self.close(|open| !endpoints.iter().any(|e| e.same_socket(&open.endpoint)));
        self.outbox.push_back(Request::Settle);
        self.outbox.extend(self.asking.begin());
    }

    fn obey(&mut self, command: VrrpCommand) {
        match command {
            VrrpCommand::Reload { number, config } => {
                self.epoch += 1;
                self.asking.forget();
                let wanted = Wanted::of(&config);
                let endpoints = wanted.endpoints.clone();
                self.outbox.push_back(Request::Prepare {
                    wanted: Box::new(wanted),
                    epoch: self.epoch,
                });
                self.reload = Some(Reload {
                    epoch: self.epoch,
                    number,
                    config,
                    endpoints,
                });
            }
            VrrpCommand::Script { name, outcome } => self.tell_engine(Event::Script { name, outcome }),
            VrrpCommand::Tracked(events) => {
                for event in events {
                    self.tell_engine(event);
                }
            }
            VrrpCommand::Status(reply) => {
                // Who asked may be gone.
                let _ = reply.send(self.engine.status(clock::now()));
            }
            VrrpCommand::Settled(reply) => {
                self.asking.hear(reply);
                // Otherwise it is another configuration that they ask about.
                if self.reload.is_none() {
                    self.outbox.extend(self.asking.begin());
                }
            }
            VrrpCommand::ClearCounters => {
                self.engine.clear_counters();
                self.metrics.clear_lateness();
            }
            VrrpCommand::Beat => {
                self.pulse.turned();
                if self.worker_pulse.hand_on() {
                    let beat = Request::Beat(Arc::clone(&self.worker_pulse));
                    self.outbox.push_back(beat);
                }
            }
            #[cfg(debug_assertions)]
            VrrpCommand::Hang(time) => pulse::stand_still(time),
            #[cfg(debug_assertions)]
            VrrpCommand::Panic => panic!("told to"),
            VrrpCommand::Stop { release, within } => {
                let now = self.now();
                self.stop_by = Some(now + within);
                self.release = release;
                self.engine.stop(now, release);
                self.carry_out();
            }
        }
    }

    /// Whether everything was handed over, or there is no more time for it.
    fn stopped(&self) -> bool {
        let Some(limit) = self.stop_by else {
            return false;
        };
        let done = self.engine.is_stopped() && self.outbox.is_empty();
        if !done && clock::now() >= limit {
            tracing::error!(target: "vrrp", "addresses were not removed in time");
            return true;
        }
        done
    }

    /// Ends the worker in good order: it is told so, and heard out, lest it believes that this thread has died.
    async fn leave(&mut self) -> io::Result<()> {
        self.outbox.push_back(Request::End {
            release: self.release,
        });
        self.timer.set(Some(clock::now() + LEAVE_WITHIN))?;
        let Self {
            timer,
            outbox,
            requests,
            reports,
            ..
        } = self;
        let ended = async {
            for request in outbox.drain(..) {
                let room = loop {
                    tokio::select! {
                        room = requests.reserve() => break room,
                        Some(_) = reports.recv() => {}
                    }
                };
                match room {
                    Ok(room) => room.send(request),
                    Err(_) => return,
                }
            }
            while reports.recv().await.is_some() {}
        };
        tokio::select! {
            () = ended => Ok(()),
            expired = poll_fn(|cx| timer.poll_expired(cx)) => expired,
        }
    }
}

/// Carries out the last will when the driver ends in another way than by a stop, before its sockets are closed: that
/// needs a lock, and the goodbyes must not wait for it.
struct LastWords(Option<Arc<LastWill>>);

impl Drop for LastWords {
    fn drop(&mut self) {
        if let Some(will) = self.0.take() {
            will.carry_out();
        }
    }
}

impl Open {
    /// Lets in what `endpoint`, which has the same sockets, is to hear, into a buffer as large as it wants. One that
    /// wants none keeps the buffer that is there.
    fn become_for(&mut self, endpoint: &Endpoint) {
        if self.endpoint.vrids != endpoint.vrids
            && let Err(error) = socket::refilter(self.receiver.socket(), endpoint)
        {
            tracing::error!(
                target: "vrrp",
                "VRRP on {}: cannot change the packet filter: {error}",
                endpoint.interface,
            );
        }
        if self.endpoint.rx_buffer != endpoint.rx_buffer
            && let Err(error) = socket::size_buffer(self.receiver.socket(), endpoint, self.mtu)
        {
            tracing::error!(
                target: "vrrp",
                "VRRP on {}: cannot size the receive buffer: {error}",
                endpoint.interface,
            );
        }
        self.endpoint = endpoint.clone();
    }

    /// Whether this failure to send is worth a word: until a packet leaves again, only the first is.
    fn complains(&mut self, packet: &Transmit, error: &io::Error) -> bool {
        let news = !self.complained && !is_expected(packet, error);
        self.complained |= news;
        news
    }

    /// Whether `packet` leaves by this socket.
    fn carries(&self, packet: &Transmit) -> bool {
        let kind = match self.endpoint.kind {
            EndpointKind::Multicast { group } => group == packet.destination,
            EndpointKind::Unicast { source } => {
                !packet.destination.is_multicast() && source.is_none_or(|source| source == packet.source)
            }
        };
        kind && self.endpoint.carrier == packet.carrier
            && self.index == packet.interface
            && self.endpoint.family == Family::of(&packet.destination)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::IfName;
    use crate::vrrp::config::RxBuffer;
    use crate::vrrp::event::Carrier;
    use socket2::{Domain, Socket, Type};

    /// Facts: 5.11
    #[test]
    fn a_reload_sizes_the_receive_buffer_of_a_socket_that_stays() {
        let runtime = runtime();
        let _within = runtime.enter();
        let of = |octets, mtus| Endpoint {
            rx_buffer: RxBuffer { octets, mtus },
            ..endpoint()
        };
        let mut open = open(of(0, 0));
        let size = |open: &Open| open.receiver.socket().recv_buffer_size().unwrap();
        // The kernel doubles what it is told.
        open.become_for(&of(20_000, 0));
        assert_eq!(size(&open), 40_000);
        open.become_for(&of(0, 3));
        assert_eq!(size(&open), 54_000);
        open.become_for(&of(0, 0));
        assert_eq!(size(&open), 54_000);
    }

    /// Which failures to send are told: not those of priority 0 by a dead link; of the others, the first in a row.
    /// Facts: 5.9
    #[test]
    fn failures_to_send_are_told() {
        let runtime = runtime();
        let _within = runtime.enter();
        let mut open = open(endpoint());
        let packet = |priority: u8| Transmit {
            router: crate::vrrp::RouterId(0),
            interface: IfIndex(1),
            source: [10, 0, 0, 1].into(),
            destination: [224, 0, 0, 18].into(),
            ttl: 255,
            id: 1,
            carrier: Carrier::Plain,
            old_checksum: false,
            payload: vec![0x21, 51, priority, 0, 0, 1, 0, 0],
            goodbye: None,
        };
        let error = io::Error::from_raw_os_error;
        let down = [
            libc::ENETUNREACH,
            libc::ENETDOWN,
            libc::EADDRNOTAVAIL,
            libc::ENODEV,
        ];
        for code in down {
            assert!(!open.complains(&packet(0), &error(code)), "priority 0, {code}");
        }
        for (priority, code) in [(0, libc::EPERM), (0, libc::ENOBUFS), (100, libc::ENETUNREACH)] {
            open.complained = false;
            assert!(
                open.complains(&packet(priority), &error(code)),
                "{priority}, {code}"
            );
            assert!(!open.complains(&packet(priority), &error(code)), "once is enough");
        }
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .unwrap()
    }

    fn endpoint() -> Endpoint {
        Endpoint {
            family: Family::V4,
            interface: IfName::new("eth0").unwrap(),
            carrier: Carrier::Plain,
            kind: EndpointKind::Unicast { source: None },
            vrids: Vec::new(),
            rx_buffer: RxBuffer { octets: 0, mtus: 0 },
        }
    }

    /// `endpoint` with sockets that need no privileges; within a runtime.
    fn open(endpoint: Endpoint) -> Open {
        let socket = || Socket::new(Domain::IPV4, Type::DGRAM.nonblocking(), None).unwrap();
        Open {
            endpoint,
            index: IfIndex(1),
            mtu: 9_000,
            receiver: PacketReceiver::new(socket(), Family::V4, IfIndex(1)).unwrap(),
            sender: PacketSender::new(socket()),
            complained: false,
        }
    }
}
