//! One session: RFC 5880 section 6.8, with the choices of fact 24.

use super::config::SessionConfig;
use super::event::{Action, Report, SessionId};
use super::packet::{ControlPacket, Diagnostic, Discard, State};
use super::status::SessionStatus;
use super::telling::{Line, Says};
use crate::clock::Instant;
use crate::random::Random;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// From a send socket that cannot be opened to the next attempt (fact 24.8).
const RETRY: Duration = Duration::from_secs(60);
/// A transmit interval is cut by so many per mille, at least and at most (fact 24.4).
const JITTER: (u64, u64) = (100, 250);

/// What a session decides with.
pub(super) struct Cx<'a> {
    pub(super) now: Instant,
    pub(super) id: SessionId,
    pub(super) random: &'a mut Random,
    pub(super) actions: &'a mut VecDeque<Action>,
    /// Whose our discriminators are.
    pub(super) discriminators: &'a mut HashMap<u32, SessionId>,
}

/// What the other end said last.
#[derive(Clone, Copy, Debug)]
struct Remote {
    state: State,
    discriminator: u32,
    min_rx: Duration,
    min_tx: Duration,
    detect_mult: u8,
    demand: bool,
    diagnostic: Diagnostic,
}

impl Default for Remote {
    fn default() -> Self {
        Self {
            state: State::Down,
            discriminator: 0,
            // RFC 5880 6.8.1: until it is heard, any interval is slow enough.
            min_rx: Duration::from_micros(1),
            min_tx: Duration::ZERO,
            detect_mult: 0,
            demand: false,
            diagnostic: Diagnostic::None,
        }
    }
}

/// Something is asked of the other end until it answers (RFC 5880 6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Poll {
    Idle,
    Asking,
    /// What is asked has changed since: the next answer may be to the old question.
    AskingAgain,
}

pub(super) struct Session {
    pub(super) config: SessionConfig,
    state: State,
    since: Instant,
    diagnostic: Diagnostic,
    discriminator: u32,
    remote: Remote,
    poll: Poll,
    /// Intervals that count now; while a poll sequence lasts they may be older than those that are told.
    tx: Duration,
    rx: Duration,
    /// The send socket is there.
    open: bool,
    retry_at: Option<Instant>,
    /// When the next packet is due, and the interval that this comes from.
    next_tx: Option<(Instant, Duration)>,
    last_heard: Option<Instant>,
    /// The detection time is over, but the other end is not forgotten yet.
    silent: bool,
    /// Up was the last that was reported.
    told_up: bool,
    /// The other end said that it was switched off, which is no loss: so long it counts as up without being it.
    excused_until: Option<Instant>,
    sent: u64,
    received: u64,
}

impl Session {
    pub(super) fn new(config: SessionConfig, cx: &mut Cx<'_>) -> Self {
        let mut session = Self {
            state: State::Down,
            since: cx.now,
            diagnostic: Diagnostic::None,
            discriminator: 0,
            remote: Remote::default(),
            poll: Poll::Idle,
            tx: config.idle_tx,
            rx: config.min_rx,
            open: false,
            retry_at: None,
            next_tx: None,
            last_heard: None,
            silent: false,
            told_up: false,
            excused_until: None,
            sent: 0,
            received: 0,
            config,
        };
        session.renew_discriminator(cx);
        session.ask_for_socket(cx);
        session
    }

    fn ask_for_socket(&self, cx: &mut Cx<'_>) {
        cx.actions
            .push_back(Action::Open(cx.id, Box::new(self.config.clone())));
    }

    /// The send socket is there.
    pub(super) fn opened(&mut self, cx: &mut Cx<'_>) {
        self.open = true;
        self.retry_at = None;
        if self.state == State::AdminDown {
            self.enter(State::Down, Diagnostic::None, cx);
        }
        self.plan(cx);
    }

    /// It is not.
    pub(super) fn open_failed(&mut self, why: String, cx: &mut Cx<'_>) {
        self.open = false;
        self.tell(Says::NoSocket { why, retry: RETRY }, cx);
        self.retry_at = Some(cx.now + RETRY);
        if self.state != State::AdminDown {
            self.enter(State::AdminDown, Diagnostic::AdminDown, cx);
        }
        if self.told_up {
            self.report(false, cx);
        }
        self.forget_remote();
        self.plan(cx);
    }

    /// A packet that is for this session.
    pub(super) fn hear(
        &mut self,
        packet: &ControlPacket,
        ttl: Option<u8>,
        cx: &mut Cx<'_>,
    ) -> Result<(), Discard> {
        let least = self.config.least_ttl();
        if least > 0 && ttl.is_none_or(|ttl| ttl < least) {
            return Err(Discard::Ttl);
        }
        if self.state == State::AdminDown {
            return Err(Discard::AdminDown);
        }
        self.received += 1;
        self.last_heard = Some(cx.now);
        self.silent = false;
        self.remote = Remote {
            state: packet.state,
            discriminator: packet.my_discriminator,
            min_rx: micros(packet.required_min_rx),
            min_tx: micros(packet.desired_min_tx),
            detect_mult: packet.detect_mult,
            demand: packet.demand,
            diagnostic: packet.diagnostic,
        };
        if packet.final_ {
            self.answered();
        }
        self.follow(packet.state, cx);
        if packet.state == State::AdminDown && self.told_up {
            self.excused_until = Some(cx.now + self.detection_time());
        }
        if packet.poll {
            // At once, whatever the timers say; it carries the state that the packet led to.
            self.send(true, cx);
        }
        self.plan(cx);
        Ok(())
    }

    /// The table of RFC 5880 section 6.8.6.
    fn follow(&mut self, remote: State, cx: &mut Cx<'_>) {
        match (self.state, remote) {
            (State::Down, State::Down) => self.enter(State::Init, self.diagnostic, cx),
            (State::Down, State::Init) | (State::Init, State::Init | State::Up) => {
                self.enter(State::Up, Diagnostic::None, cx);
                self.report(true, cx);
            }
            (State::Up, State::Down) => {
                self.enter(State::Down, Diagnostic::NeighborDown, cx);
                self.report(false, cx);
            }
            // Somebody switched the other end off: that says nothing about the way there (fact 24.6), as long as it
            // says so.
            (State::Init | State::Up, State::AdminDown) => {
                self.enter(State::Down, Diagnostic::NeighborDown, cx);
            }
            (State::AdminDown, _)
            | (State::Down, State::AdminDown | State::Up)
            | (State::Init, State::Down)
            | (State::Up, State::Init | State::Up) => {}
        }
    }

    fn enter(&mut self, state: State, diagnostic: Diagnostic, cx: &mut Cx<'_>) {
        let was_up = self.state == State::Up;
        self.state = state;
        self.since = cx.now;
        self.diagnostic = diagnostic;
        self.tell(
            Says::Entering {
                state,
                local: self.diagnostic,
                remote: self.remote.diagnostic,
            },
            cx,
        );
        self.poll = Poll::Idle;
        if state == State::Up {
            self.change_intervals(cx);
        } else {
            self.tx = self.config.idle_tx;
            self.rx = self.config.min_rx;
        }
        if was_up {
            self.renew_discriminator(cx);
        }
        // The other end learns of it without waiting for the next turn (RFC 5880 6.8.7).
        if state != State::AdminDown && self.may_speak() {
            self.send(false, cx);
        }
    }

    /// The intervals that the configuration wants, while up: what the other end must know first waits for its answer
    /// (RFC 5880 6.8.3).
    fn change_intervals(&mut self, cx: &mut Cx<'_>) {
        let (tx, rx) = (self.desired_tx(), self.config.min_rx);
        if (tx, rx) == (self.tx, self.rx) {
            return;
        }
        self.poll = match self.poll {
            Poll::Idle => {
                self.tell(Says::Polling, cx);
                Poll::Asking
            }
            Poll::Asking | Poll::AskingAgain => Poll::AskingAgain,
        };
        // Sending more often and waiting longer harm nobody.
        self.tx = self.tx.min(tx);
        self.rx = self.rx.max(rx);
    }

    /// The other end has answered our question.
    fn answered(&mut self) {
        match self.poll {
            Poll::Idle => {}
            Poll::AskingAgain => self.poll = Poll::Asking,
            Poll::Asking => {
                self.poll = Poll::Idle;
                (self.tx, self.rx) = (self.desired_tx(), self.config.min_rx);
            }
        }
    }

    /// A new configuration for the same addresses.
    pub(super) fn reconfigure(&mut self, config: SessionConfig, cx: &mut Cx<'_>) {
        let reopen = config.ttl != self.config.ttl;
        let told = (config.vrrp, config.checker) != (self.config.vrrp, self.config.checker);
        self.config = config;
        if self.state == State::Up {
            self.change_intervals(cx);
            if told && self.told_up {
                self.report(true, cx);
            }
        } else {
            self.tx = self.config.idle_tx;
            self.rx = self.config.min_rx;
        }
        if reopen {
            self.ask_for_socket(cx);
        }
        self.plan(cx);
    }

    /// The earliest moment at which something is to be done.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let next_tx = self.next_tx.map(|(at, _)| at);
        [next_tx, self.expires(), self.retry_at, self.excused_until]
            .into_iter()
            .flatten()
            .min()
    }

    /// When the other end is lost; when it has been, when it is forgotten (fact 24.5).
    fn expires(&self) -> Option<Instant> {
        let time = self.detection_time();
        let heard = self.last_heard?;
        Some(if self.silent {
            heard + time + time
        } else {
            heard + time
        })
    }

    fn detection_time(&self) -> Duration {
        self.rx.max(self.remote.min_tx) * u32::from(self.remote.detect_mult)
    }

    /// Does what is due.
    pub(super) fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        if let Some(at) = self.expires().filter(|at| *at <= cx.now) {
            self.expired(cx.now.since(at), cx);
        }
        if self.excused_until.is_some_and(|at| at <= cx.now) {
            self.report(false, cx);
        }
        if self.retry_at.is_some_and(|at| at <= cx.now) {
            // Should there be no answer, it is asked again.
            self.retry_at = Some(cx.now + RETRY);
            self.ask_for_socket(cx);
        }
        if self.next_tx.is_some_and(|(at, _)| at <= cx.now) {
            self.next_tx = None;
            self.send(false, cx);
        }
        self.plan(cx);
    }

    fn expired(&mut self, overdue: Duration, cx: &mut Cx<'_>) {
        match self.state {
            State::Init | State::Up => {
                self.silent = true;
                let after = self.detection_time();
                self.tell(Says::Expired { after, overdue }, cx);
                self.enter(State::Down, Diagnostic::TimeExpired, cx);
                if self.told_up {
                    self.report(false, cx);
                }
            }
            State::Down | State::AdminDown => self.forget_remote(),
        }
    }

    fn forget_remote(&mut self) {
        self.remote = Remote::default();
        self.last_heard = None;
        self.silent = false;
    }

    /// Ends the session without a word, as keepalived does: whoever relies on us learns by our silence that we are gone.
    /// Of AdminDown it would think that the way to us is still good (RFC 5882 section 3.2).
    pub(super) fn stop(&mut self, cx: &mut Cx<'_>) {
        if self.told_up {
            self.report(false, cx);
        }
        cx.discriminators.remove(&self.discriminator);
        cx.actions.push_back(Action::Close(cx.id));
        self.open = false;
        (self.next_tx, self.last_heard, self.retry_at) = (None, None, None);
    }

    /// Whether packets are sent at all.
    fn may_speak(&self) -> bool {
        self.open && (self.remote.discriminator != 0 || !self.config.passive) && !self.remote.min_rx.is_zero()
    }

    /// Whether packets are sent again and again.
    fn speaks_in_turn(&self) -> bool {
        let spared = self.remote.demand
            && self.state == State::Up
            && self.remote.state == State::Up
            && self.poll == Poll::Idle;
        self.state != State::AdminDown && self.may_speak() && !spared
    }

    fn tx_interval(&self) -> Duration {
        self.tx.max(self.remote.min_rx)
    }

    fn desired_tx(&self) -> Duration {
        if self.state == State::Up {
            self.config.min_tx
        } else {
            self.config.idle_tx
        }
    }

    /// Sees to it that the next packet leaves in time.
    fn plan(&mut self, cx: &mut Cx<'_>) {
        if !self.speaks_in_turn() {
            self.next_tx = None;
            return;
        }
        let interval = self.tx_interval();
        match self.next_tx {
            Some((_, planned)) if planned <= interval => {}
            planned => {
                // The very first one does not wait.
                let wait = if self.sent == 0 {
                    Duration::ZERO
                } else {
                    shorten(interval, cx.random)
                };
                let at = cx.now + wait;
                let at = planned.map_or(at, |(before, _)| before.min(at));
                self.next_tx = Some((at, interval));
            }
        }
    }

    /// Sends a packet: an answer to a poll, or one that asks itself if there is something to ask.
    fn send(&mut self, answer: bool, cx: &mut Cx<'_>) {
        if !self.open {
            return;
        }
        self.sent += 1;
        let packet = ControlPacket {
            diagnostic: self.diagnostic,
            state: self.state,
            poll: !answer && self.poll != Poll::Idle,
            final_: answer,
            control_plane_independent: false,
            demand: false,
            detect_mult: self.config.multiplier,
            my_discriminator: self.discriminator,
            your_discriminator: self.remote.discriminator,
            desired_min_tx: wire(self.desired_tx()),
            required_min_rx: wire(self.config.min_rx),
            required_min_echo_rx: 0,
        };
        cx.actions.push_back(Action::Send(cx.id, packet.bytes()));
    }

    fn renew_discriminator(&mut self, cx: &mut Cx<'_>) {
        cx.discriminators.remove(&self.discriminator);
        loop {
            let fresh = discriminator(cx.random);
            if let std::collections::hash_map::Entry::Vacant(place) = cx.discriminators.entry(fresh) {
                place.insert(cx.id);
                self.discriminator = fresh;
                return;
            }
        }
    }

    fn report(&mut self, up: bool, cx: &mut Cx<'_>) {
        self.told_up = up;
        self.excused_until = None;
        cx.actions.push_back(Action::Report(Report {
            name: self.config.name.clone(),
            up,
            vrrp: self.config.vrrp,
            checker: self.config.checker,
        }));
    }

    fn tell(&self, says: Says, cx: &mut Cx<'_>) {
        cx.actions.push_back(Action::Tell(Line {
            session: self.config.name.clone(),
            says,
        }));
    }

    pub(super) fn status(&self) -> SessionStatus {
        SessionStatus {
            config: self.config.clone(),
            state: self.state,
            remote_state: self.remote.state,
            diagnostic: self.diagnostic,
            remote_diagnostic: self.remote.diagnostic,
            discriminator: self.discriminator,
            remote_discriminator: self.remote.discriminator,
            desired_min_tx: self.desired_tx(),
            tx_interval: self.tx_interval(),
            detection_time: self.last_heard.map(|_| self.detection_time()),
            remote_min_rx: self.remote.min_rx,
            remote_min_tx: self.remote.min_tx,
            remote_detect_mult: self.remote.detect_mult,
            remote_demand: self.remote.demand,
            polling: self.poll != Poll::Idle,
            since: self.since,
            last_heard: self.last_heard,
            sent: self.sent,
            received: self.received,
        }
    }
}

fn micros(value: u32) -> Duration {
    Duration::from_micros(value.into())
}

fn wire(interval: Duration) -> u32 {
    u32::try_from(interval.as_micros()).unwrap_or(u32::MAX)
}

/// A discriminator: anything but 0.
fn discriminator(random: &mut Random) -> u32 {
    loop {
        let [a, b, c, d, ..] = random.next().to_be_bytes();
        let found = u32::from_be_bytes([a, b, c, d]);
        if found != 0 {
            return found;
        }
    }
}

/// An interval less 10 to 25 %: sessions that began together do not stay so.
fn shorten(interval: Duration, random: &mut Random) -> Duration {
    let (least, most) = JITTER;
    let cut = least + random.below(most - least + 1);
    let micros = u64::try_from(interval.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(micros - micros / 1_000 * cut - micros % 1_000 * cut / 1_000)
}
