//! One virtual router: its state, with the data of each state inside it, and the steps between states (facts 2 to 5).
//!
//! A router decides what it hears and when its timer runs out; whether it may follow its wish is the sync group's
//! decision (`sync`), even for a group of one. So it exposes a [`Wish`] and is told to [`VirtualRouter::become_master`],
//! [`VirtualRouter::fall_back`] or [`VirtualRouter::fail`]. `hear` is what it makes of adverts, `orders` what it does with
//! addresses. It sends nothing itself: everything leaves as an [`Action`].

mod hear;
mod heir;
mod orders;
mod repair;
mod send;

use super::accept::Memory;
use super::announce::{Pacer, Schedule};
use super::claim::Heritage;
use super::config::{InitialState, RouterConfig};
use super::event::{Action, Notification, NotifyState, Occasion, Subject};
use super::priority::{Assessment, Cause, Standing};
use super::status::{Counters, RouterStatus, StateName};
use super::sync::{Member, Wish};
use super::telling::{Line, Says};
use super::timing::Timing;
use super::world::World;
use super::{Priority, RouterId};
use crate::clock::Instant;
use crate::net::{AddressSpec, Goods, IfIndex};
pub(super) use hear::Heard;
use orders::Hold;
use repair::Repairs;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

/// What a step needs from around it.
pub(super) struct Cx<'a> {
    pub(super) now: Instant,
    /// The wall clock, since 1970: for `auth_hmac` alone, which deals with its jumps.
    pub(super) wall: Duration,
    /// When the timer of a BACKUP begins: now, or the end of the start delay (fact 2.8).
    pub(super) begins: Instant,
    pub(super) world: &'a World,
    pub(super) pacer: &'a mut Pacer,
    pub(super) actions: &'a mut VecDeque<Action>,
}

/// The state, with everything that has a meaning only in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Before the first decision; also while a script of weight 0 is undecided (fact 2.7). With what an earlier run has
    /// left, as long as that may still be taken over.
    Init(Option<Box<Heritage>>),
    /// Listening.
    Backup(Backup),
    /// Ruling.
    Master(Master),
    /// Something is wrong with this router or its group: see the causes.
    Fault,
}

/// BACKUP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Backup {
    /// When the silence has lasted long enough.
    master_down_at: Instant,
    /// The timer ran out, but the sync group held the router back.
    due: bool,
    /// `preempt_delay` began with a lower-priority advert and lasts until then.
    preempt_at: Option<Instant>,
    /// Who was heard last.
    master: Option<(IpAddr, Priority)>,
    /// The interval that the timer goes by; version 3 learns the master's.
    interval: Duration,
}

/// MASTER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Master {
    /// The next advert.
    advert_at: Instant,
    /// Whether the addresses are installed.
    hold: Hold,
    /// Orders that put back what others have removed and are not answered yet: what is to be announced then.
    mended: BTreeMap<u64, Vec<AddressSpec>>,
    /// The announcements that are still owed.
    schedule: Schedule,
    /// Another address owner that has not yielded yet (fact 4.7).
    rival: Option<hear::Rival>,
}

/// How a MASTER goes to BACKUP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fall {
    /// To this better master, whose interval is version 3's from now on (fact 4.4).
    Yield {
        master: (IpAddr, Priority),
        interval: Duration,
    },
    /// Dragged along by the group: the timer starts anew.
    Dragged,
    /// An address was taken away: say so, and try again after the skew (fact 2.21).
    Robbed,
}

/// One virtual router.
#[derive(Debug)]
pub(super) struct VirtualRouter {
    pub(super) id: RouterId,
    pub(super) config: RouterConfig,
    state: State,
    causes: BTreeSet<Cause>,
    /// Base and trackers.
    effective: Priority,
    /// An owner that gave in to another owner counts as 254 (fact 4.7).
    reduced: bool,
    /// The last known source address. Kept for the last advert when it is lost (fact 2.14).
    source: Option<IpAddr>,
    /// Where the router wants to go, when it is MASTER; a BACKUP's wish is its timer.
    fall: Option<Fall>,
    /// Numbers the address orders.
    generation: u64,
    /// What was ordered to be held and not to be released since.
    claimed: Goods,
    repairs: Repairs,
    counters: Counters,
    /// Of authentication and checksums. Lives through reloads (fact 7.6).
    memory: Memory,
    /// Identification of the last advert's IP header.
    ip_id: u16,
    /// Complaints already made (fact 6.19).
    told: BTreeSet<&'static str>,
    /// What scripts were told last.
    notified: Option<NotifyState>,
    /// Whose advert counted last.
    last_sender: Option<IpAddr>,
    last_transition: Option<Instant>,
    last_advert_sent: Option<Instant>,
}

impl VirtualRouter {
    /// A router in INIT.
    pub(super) fn new(id: RouterId, config: RouterConfig) -> Self {
        Self {
            id,
            effective: config.priority,
            config,
            state: State::Init(None),
            causes: BTreeSet::new(),
            reduced: false,
            source: None,
            fall: None,
            generation: 0,
            claimed: Goods::default(),
            repairs: Repairs::default(),
            counters: Counters::default(),
            memory: Memory::default(),
            ip_id: 0,
            told: BTreeSet::new(),
            notified: None,
            last_sender: None,
            last_transition: None,
            last_advert_sent: None,
        }
    }

    /// Whether it is MASTER.
    pub(super) const fn is_master(&self) -> bool {
        matches!(self.state, State::Master(_))
    }

    /// The state's name.
    pub(super) const fn state(&self) -> StateName {
        match self.state {
            State::Init(_) => StateName::Init,
            State::Backup(_) => StateName::Backup,
            State::Master(_) => StateName::Master,
            State::Fault => StateName::Fault,
        }
    }

    /// How the sync group sees it.
    pub(super) fn member(&self) -> Member {
        let wish = match &self.state {
            State::Backup(backup) if backup.due => Wish::Master,
            State::Master(_) if self.fall.is_some() => Wish::Backup,
            State::Init(Some(_)) => Wish::Master,
            State::Init(_) | State::Backup(_) | State::Master(_) | State::Fault => Wish::Stay,
        };
        Member {
            state: self.state(),
            standing: Standing::of(&self.causes),
            wish,
        }
    }

    /// The source address in use.
    pub(super) const fn source(&self) -> Option<IpAddr> {
        self.source
    }

    /// Whether it wants to fall because somebody took an address away.
    pub(super) fn is_robbed(&self) -> bool {
        self.fall == Some(Fall::Robbed)
    }

    /// What scripts were told last.
    pub(super) const fn notified(&self) -> Option<NotifyState> {
        self.notified
    }

    /// The priority in the election.
    pub(super) const fn priority(&self) -> Priority {
        if self.reduced {
            Priority(254)
        } else {
            self.effective
        }
    }

    /// Whether this is an address owner that shall be MASTER at once.
    const fn is_born_master(&self) -> bool {
        self.config.priority.is_owner() && matches!(self.config.initial, InitialState::Master)
    }

    /// Whether nothing but its group can keep it from being MASTER at once.
    pub(super) fn rises_at_once(&self) -> bool {
        self.is_born_master() && self.causes.is_empty()
    }

    /// The next moment at which [`Self::handle_timeout`] has something to do.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Init(heritage) => heritage.as_ref().map(|heritage| heritage.until),
            State::Fault => None,
            State::Backup(backup) => Some(backup.master_down_at),
            State::Master(master) => Some(
                master
                    .schedule
                    .deadline()
                    .map_or(master.advert_at, |at| at.min(master.advert_at)),
            ),
        }
    }

    /// Does what is due: a BACKUP's timer runs out, a MASTER sends its advert and announces.
    pub(super) fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        match &mut self.state {
            State::Init(_) | State::Fault => {}
            State::Backup(backup) => {
                if backup.master_down_at <= cx.now {
                    // Should the group hold the router back, it waits once more (fact 15.2).
                    backup.due = true;
                    self.restart_timer(cx.now);
                    self.say(cx, Says::AdvertTimeout);
                }
            }
            State::Master(master) => {
                let rounds = master.schedule.due(cx.now, &self.config.garp);
                let extra = master.schedule.extra_due(cx.now, &self.config.garp);
                let scheduled = master.advert_at;
                if scheduled <= cx.now {
                    self.send_advert(cx);
                    self.watch_rival(cx);
                    // In step with the schedule rather than with the driver's lateness.
                    let next = scheduled + self.config.advert_int;
                    if next > cx.now
                        && let State::Master(master) = &mut self.state
                    {
                        master.advert_at = next;
                    }
                }
                if rounds > 0 {
                    self.announce_all(cx, rounds);
                }
                if let Some(extra) = self.config.garp.extra.filter(|_| extra) {
                    self.announce_extra(cx, extra);
                }
            }
        }
    }

    /// A MASTER that was held up for so long that a peer must have taken over wants to fall back, before it hears or says
    /// anything (fact 2.20). Only with `timer_expired_backup`.
    pub(super) fn notice_lateness(&mut self, cx: &mut Cx<'_>) -> bool {
        let (State::Master(master), Some(peer)) = (&self.state, self.config.election.timer_expired_backup)
        else {
            return false;
        };
        let late = cx.now.since(master.advert_at);
        let own = self.timing(self.config.advert_int);
        let skew = Timing {
            priority: peer,
            ..own
        }
        .skew_time();
        if late <= own.interval * 2 + skew {
            return false;
        }
        self.say(cx, Says::TimerExpired(late));
        self.fall = Some(Fall::Dragged);
        true
    }

    /// The start delay ends at `now` and not at `before`: the timer moves with it.
    pub(super) fn move_start(&mut self, before: Instant, now: Instant) {
        if let State::Backup(backup) = &mut self.state {
            backup.master_down_at = now + backup.master_down_at.since(before);
        }
    }

    /// Takes in what the world means for it. A new priority moves a running timer by the difference of the skews
    /// (fact 2.18).
    pub(super) fn assessed(&mut self, cx: &mut Cx<'_>, assessment: Assessment) {
        let Assessment {
            causes,
            effective,
            source,
        } = assessment;
        self.causes = causes;
        if source.is_some() || self.config.family == crate::net::Family::V6 {
            self.source = source;
        }
        if effective != self.effective {
            self.say(
                cx,
                Says::EffectivePriority {
                    from: self.effective,
                    to: effective,
                },
            );
            self.shift_timer(|router| router.effective = effective);
            if self.config.notices.priority_changes {
                let state = match self.state {
                    State::Master(_) => NotifyState::MasterPriority,
                    State::Init(_) | State::Backup(_) | State::Fault => NotifyState::BackupPriority,
                };
                self.tell(cx, state, Occasion::Change);
            }
        }
    }

    /// Before anything is told or done: the priority is what the world makes of it.
    pub(super) fn assessed_silently(&mut self, assessment: Assessment) {
        let Assessment {
            causes,
            effective,
            source,
        } = assessment;
        (self.causes, self.effective, self.source) = (causes, effective, source);
    }

    /// To MASTER (fact 2.11). Announcements and scripts wait until the addresses are there.
    pub(super) fn become_master(&mut self, cx: &mut Cx<'_>) {
        self.reduced = false;
        self.fall = None;
        let inherited = self
            .heritage()
            .map(|heritage| (heritage.advert_at, heritage.manner()));
        if let Some((_, manner)) = inherited {
            self.memory.resume(manner);
        }
        self.memory.ah.become_master();
        if let Some((advert_at, _)) = inherited {
            let age = cx.now.since(advert_at);
            self.say(cx, Says::Resumed { age });
        }
        self.enter(
            cx,
            State::Master(Master {
                advert_at: cx.now + self.config.advert_int,
                hold: Hold::Done,
                mended: BTreeMap::new(),
                schedule: Schedule::default(),
                rival: None,
            }),
        );
        self.counters.become_master += 1;
        self.send_advert(cx);
        self.say(cx, Says::EnteringMaster);
        self.hold_all(cx);
    }

    /// From INIT or FAULT to BACKUP, with the timer that its past asks for (facts 2.3 to 2.6, 2.16). `alone`: it is
    /// in no group, or all of its group are owners.
    pub(super) fn become_backup(&mut self, cx: &mut Cx<'_>, init: bool, alone: bool) {
        let timing = self.timing(self.config.advert_int);
        let from_fault = self.state == State::Fault;
        let wait = match (self.is_born_master(), from_fault || !alone) {
            (true, false) => Duration::from_micros(1),
            (true, true) => timing.owner_wait(),
            (false, _) => timing.master_down_interval(),
        };
        if from_fault {
            self.announce_source(cx);
        }
        self.enter_backup(cx, wait, self.config.advert_int, None);
        self.say(cx, Says::EnteringBackup { init });
        self.notify(cx, NotifyState::Backup);
    }

    /// From MASTER to BACKUP (facts 2.13, 2.21). The way is the router's own wish, if it has one.
    pub(super) fn fall_back(&mut self, cx: &mut Cx<'_>, group: Fall) {
        let fall = self.fall.take().unwrap_or(group);
        let own = self.config.advert_int;
        let (wait, interval, master) = match fall {
            Fall::Yield { master, interval } => (
                self.timing(interval).master_down_interval(),
                interval,
                Some(master),
            ),
            Fall::Dragged => (self.timing(own).master_down_interval(), own, None),
            Fall::Robbed => (self.timing(own).skew_time(), own, None),
        };
        self.counters.release_master += 1;
        self.enter_backup(cx, wait, interval, master);
        self.say(cx, Says::EnteringBackup { init: false });
        if fall == Fall::Robbed {
            self.send_zero(cx);
        }
        self.release_all(cx);
        self.notify(cx, NotifyState::Backup);
    }

    /// To FAULT (facts 2.14, 2.15).
    pub(super) fn fail(&mut self, cx: &mut Cx<'_>, init: bool) {
        let was_master = matches!(self.state, State::Master(_));
        self.fall = None;
        self.enter(cx, State::Fault);
        let causes = self
            .causes
            .iter()
            .map(|cause| Says::FaultCause(cause.to_string()))
            .collect::<Vec<_>>();
        causes.into_iter().for_each(|cause| self.say(cx, cause));
        self.say(cx, Says::EnteringFault { init });
        if was_master {
            self.counters.release_master += 1;
            self.send_zero(cx);
            if !self.causes.is_empty() {
                // keepalived says it twice where the fault is its own.
                self.send_zero(cx);
            }
        }
        self.release_all(cx);
        self.notify(cx, NotifyState::Fault);
    }

    /// Hands over for good: priority 0, as MASTER.
    pub(super) fn abdicate(&mut self, cx: &mut Cx<'_>) {
        if matches!(self.state, State::Master(_)) {
            self.counters.release_master += 1;
            self.send_zero(cx);
        }
        self.fall = None;
        self.enter(cx, State::Init(None));
    }

    /// Takes over a new configuration without leaving its state. Addresses are `orders`' business.
    pub(super) fn reconfigure(&mut self, now: Instant, new: RouterConfig) {
        self.memory.reloaded();
        if self.config == new {
            return;
        }
        let garp_changed = self.config.garp != new.garp;
        self.shift_timer(|router| {
            router.config = new;
            // Who is no owner any more has nothing to give in.
            router.reduced &= router.config.priority.is_owner();
        });
        self.told.clear();
        match &mut self.state {
            State::Init(_) | State::Fault => {}
            State::Backup(backup) => backup.preempt_at = None,
            State::Master(master) => {
                master.advert_at = master.advert_at.min(now + self.config.advert_int);
                if garp_changed {
                    master.schedule.retuned(now, &self.config.garp);
                }
            }
        }
    }

    /// Tells the scripts, unless this is what they were told last (fact 12.7).
    pub(super) fn notify(&mut self, cx: &mut Cx<'_>, state: NotifyState) {
        if self.notified == Some(state) {
            return;
        }
        self.notified = Some(state);
        self.tell(cx, state, Occasion::Change);
    }

    /// A reload has ended it (fact 12.8): without `notify_deleted` it looks like a fault, unless it is one already.
    pub(super) fn notify_departure(&mut self, cx: &mut Cx<'_>) {
        if self.config.notices.deleted {
            self.tell(cx, NotifyState::Deleted, Occasion::Departure);
        } else if self.notified != Some(NotifyState::Fault) {
            self.tell(cx, NotifyState::Fault, Occasion::Departure);
        }
    }

    /// Trackers have moved the priority before anything else happened (fact 12.6).
    pub(super) fn tell_initial_priority(&self, cx: &mut Cx<'_>) {
        if self.config.notices.priority_changes && self.effective != self.config.priority {
            self.tell(cx, NotifyState::BackupPriority, Occasion::Change);
        }
    }

    pub(super) fn tell(&self, cx: &mut Cx<'_>, state: NotifyState, occasion: Occasion) {
        cx.actions.push_back(Action::Notify(Notification {
            subject: Subject::Instance(self.config.name.clone()),
            state,
            priority: self.priority().0,
            occasion,
        }));
    }

    /// Sends an advert now and lets the interval begin anew. A MASTER's only way to move its timer: what it hears
    /// does not, unless it answers (fact 4.3).
    pub(super) fn send_advert(&mut self, cx: &mut Cx<'_>) {
        let next = cx.now + self.config.advert_int;
        self.transmit(cx, self.priority());
        if let State::Master(master) = &mut self.state {
            master.advert_at = next;
        }
    }

    /// For dumps.
    pub(super) fn status(&self) -> RouterStatus {
        let (master, holding) = match &self.state {
            State::Backup(backup) => (backup.master, false),
            State::Master(master) => (None, master.hold == Hold::Done),
            State::Init(_) | State::Fault => (None, false),
        };
        RouterStatus {
            id: self.id,
            config: self.config.clone(),
            // "A pre-state shown as FAULT" (fact 2.7).
            state: match self.state() {
                StateName::Init if !self.causes.is_empty() => StateName::Fault,
                state => state,
            },
            faults: self.causes.iter().map(Cause::to_string).collect(),
            effective_priority: self.priority(),
            source: self.source,
            master,
            interval: match &self.state {
                State::Backup(backup) => backup.interval,
                State::Init(_) | State::Master(_) | State::Fault => self.config.advert_int,
            },
            last_transition: self.last_transition,
            last_advert_sent: self.last_advert_sent,
            deadline: match &self.state {
                State::Init(_) | State::Fault => None,
                State::Backup(backup) => Some(backup.master_down_at),
                State::Master(master) => Some(master.advert_at),
            },
            holding,
            announced: Vec::new(),
            counters: self.counters,
        }
    }

    /// Sets the counters to zero.
    pub(super) fn clear_counters(&mut self) {
        self.counters = Counters::default();
    }

    fn enter(&mut self, cx: &Cx<'_>, state: State) {
        self.state = state;
        self.told.clear();
        self.last_transition = Some(cx.now);
    }

    fn enter_backup(
        &mut self,
        cx: &Cx<'_>,
        wait: Duration,
        interval: Duration,
        master: Option<(IpAddr, Priority)>,
    ) {
        let master_down_at = cx.begins + wait;
        self.enter(
            cx,
            State::Backup(Backup {
                master_down_at,
                due: false,
                preempt_at: None,
                master,
                interval,
            }),
        );
    }

    fn timing(&self, interval: Duration) -> Timing {
        Timing::of(&self.config, self.priority(), interval)
    }

    /// The longest delay of its interface's changes that it can bear: by its own interval or a master's shorter one.
    pub(super) fn longest_link_delay(&self) -> Duration {
        let own = self.config.advert_int;
        let interval = match &self.state {
            State::Backup(backup) => own.min(backup.interval),
            State::Init(_) | State::Fault | State::Master(_) => own,
        };
        self.timing(interval).longest_link_delay()
    }

    /// A BACKUP's full master down interval begins.
    fn restart_timer(&mut self, now: Instant) {
        if let State::Backup(Backup { interval, .. }) = self.state {
            let wait = self.timing(interval).master_down_interval();
            if let State::Backup(backup) = &mut self.state {
                backup.master_down_at = now + wait;
            }
        }
    }

    /// Makes a change that a BACKUP's timer depends on; the silence so far keeps counting.
    fn shift_timer(&mut self, change: impl FnOnce(&mut Self)) {
        let State::Backup(Backup {
            interval,
            master_down_at,
            ..
        }) = self.state
        else {
            return change(self);
        };
        let before = self.timing(interval).master_down_interval();
        let own_before = self.config.advert_int;
        change(self);
        // What was not learned from a master follows the own interval.
        let interval = if interval == own_before {
            self.config.advert_int
        } else {
            interval
        };
        let after = self.timing(interval).master_down_interval();
        if let State::Backup(backup) = &mut self.state {
            backup.interval = interval;
            backup.master_down_at = master_down_at + after - before;
        }
    }

    fn send_zero(&mut self, cx: &mut Cx<'_>) {
        if self.transmit(cx, Priority::RELEASE) {
            self.counters.pri_zero_sent += 1;
            self.say(cx, Says::SentZero);
        }
    }

    fn index(&self, world: &World) -> Option<IfIndex> {
        world.index(self.config.wire())
    }

    pub(super) fn say(&self, cx: &mut Cx<'_>, says: Says) {
        cx.actions.push_back(Action::Tell(Line::Instance {
            instance: self.config.name.clone(),
            says,
        }));
    }
}
