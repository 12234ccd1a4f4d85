//! What a router makes of an advert: facts 3 as BACKUP, facts 4 as MASTER.

use super::{Backup, Cx, Fall, State, VirtualRouter};
use crate::clock::Instant;
use crate::vrrp::Priority;
use crate::vrrp::accept::{AddressMismatch, ReceivedAdvert, accept};
use crate::vrrp::config::Version;
use crate::vrrp::event::{Datagram, NotifyState, Occasion};
use crate::vrrp::telling::Says;
use std::cmp::Ordering;
use std::time::Duration;

/// What an advert means for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::vrrp) enum Heard {
    /// Nothing.
    Nothing,
    /// A MASTER heard a lower priority: the whole group announces its addresses again (fact 4.2).
    Lower,
}

/// Another address owner, lower in address, that ought to yield (fact 4.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rival {
    interval: Duration,
    /// Own adverts since it was first heard, until there were two.
    adverts: u8,
    /// From then on another advert of it counts, until this moment.
    patience_until: Option<Instant>,
}

impl VirtualRouter {
    /// A packet for this router. What fails the checks leaves all timers alone.
    pub(in crate::vrrp) fn hear(&mut self, cx: &mut Cx<'_>, datagram: &Datagram) -> Heard {
        match self.state {
            // Fact 2.15: not even counted.
            State::Init(_) => {
                self.hear_as_heir(cx, datagram);
                return Heard::Nothing;
            }
            State::Fault => return Heard::Nothing,
            State::Backup(_) | State::Master(_) => {}
        }
        let advert = match accept(&self.config, datagram, &mut self.memory, cx.wall) {
            Ok(advert) => advert,
            Err(why) => {
                *why.counter(&mut self.counters) += 1;
                self.say_once(
                    cx,
                    why.name(),
                    Says::Discarded {
                        sender: datagram.source,
                        why,
                    },
                );
                return Heard::Nothing;
            }
        };
        self.counters.advert_rcvd += 1;
        if advert.priority == Priority::RELEASE {
            self.counters.pri_zero_rcvd += 1;
        }
        if self.config.election.owner_ignores_adverts {
            self.say_once(cx, "owner-ignores", Says::OwnerIgnores(advert.source));
            return Heard::Nothing;
        }
        self.remark(cx, &advert);
        match &self.state {
            State::Init(_) | State::Fault => Heard::Nothing,
            State::Backup(_) => {
                self.hear_as_backup(cx, &advert);
                Heard::Nothing
            }
            State::Master(_) => self.hear_as_master(cx, &advert),
        }
    }

    /// Differences that are told once, but accepted (facts 6.11, 6.16).
    fn remark(&mut self, cx: &mut Cx<'_>, advert: &ReceivedAdvert) {
        if let Some(ahead) = advert.skew {
            let sender = advert.source;
            self.say_once(cx, "clock-skew", Says::ClockSkew { sender, ahead });
        }
        if advert.old_checksum {
            self.say(cx, Says::OldChecksum);
        }
        let known = self.last_sender.replace(advert.source) == Some(advert.source);
        let looked_at = !(known && self.config.election.skip_check_adv_addr);
        if let Some(mismatch) = advert.mismatch.filter(|_| looked_at) {
            self.counters.addr_list_err += 1;
            let says = match mismatch {
                AddressMismatch::Count { expected, received } => Says::AddressCount { expected, received },
                AddressMismatch::Missing(address) => Says::AddressMissing {
                    vrid: self.config.vrid.get(),
                    address,
                },
            };
            self.say_once(cx, "addresses", says);
        }
        if advert.interval != self.config.advert_int {
            let (ours, theirs) = (self.config.advert_int, advert.interval);
            self.say_once(
                cx,
                "interval-differs",
                Says::IntervalDiffers {
                    sender: advert.source,
                    ours,
                    theirs,
                },
            );
        }
    }

    fn hear_as_backup(&mut self, cx: &mut Cx<'_>, advert: &ReceivedAdvert) {
        let ours = self.priority();
        let delay = self.config.preempt_delay;
        let State::Backup(Backup {
            interval, preempt_at, ..
        }) = self.state
        else {
            return;
        };
        if advert.priority == Priority::RELEASE {
            let skew = self.timing(interval).skew_time();
            if let State::Backup(backup) = &mut self.state {
                backup.master_down_at = cx.now + skew;
            }
            return self.say(cx, Says::BackupHeardZero);
        }
        let lower = advert.priority < ours;
        let delayed_until = match preempt_at {
            _ if !lower || self.config.nopreempt || delay.is_zero() => None,
            Some(at) => Some(at),
            None => {
                self.say(cx, Says::PreemptDelayStart(delay));
                Some(cx.now + delay)
            }
        };
        if preempt_at.is_some() && delayed_until.is_none() {
            self.say(cx, Says::PreemptDelayStop);
        }
        let accepted = !lower || self.config.nopreempt || delayed_until.is_some_and(|at| cx.now < at);
        if let State::Backup(backup) = &mut self.state {
            backup.preempt_at = delayed_until;
        }
        if accepted {
            self.accept_master(cx, advert);
        } else {
            self.say(cx, Says::LowerDiscarded(advert.priority, advert.source));
        }
    }

    /// Facts 3.3, 3.7, 3.8: the sender is the master; its silence is waited for from now.
    fn accept_master(&mut self, cx: &mut Cx<'_>, advert: &ReceivedAdvert) {
        let heard = (advert.source, advert.priority);
        let (old_master, old_interval) = match &mut self.state {
            State::Backup(backup) => {
                backup.due = false;
                let interval = match self.config.version {
                    Version::V2 => self.config.advert_int,
                    Version::V3 => advert.interval,
                };
                (
                    backup.master.replace(heard),
                    std::mem::replace(&mut backup.interval, interval),
                )
            }
            State::Init(_) | State::Master(_) | State::Fault => return,
        };
        if old_master != Some(heard) {
            self.reduced = false;
        }
        self.restart_timer(cx.now);
        // An owner that adopted left-overs is not MASTER after all.
        self.release_all(cx);
        if self.config.version == Version::V3 && old_interval != advert.interval {
            self.say(cx, Says::IntervalLearned(old_interval, advert.interval));
        }
        match old_master {
            Some((old, _)) if old == advert.source => return,
            Some((old, _)) => self.say(cx, Says::MasterChanged(old, advert.source)),
            None => self.say(cx, Says::MasterSet(advert.source)),
        }
        self.told.clear();
    }

    fn hear_as_master(&mut self, cx: &mut Cx<'_>, advert: &ReceivedAdvert) -> Heard {
        let ReceivedAdvert {
            source: sender,
            priority,
            interval,
            ..
        } = *advert;
        if priority == Priority::RELEASE {
            self.say(cx, Says::MasterHeardZero);
            self.send_advert(cx);
            return Heard::Nothing;
        }
        self.suspect_rival(cx, advert);
        let ours = self.priority();
        let address = self.source.map_or(Ordering::Less, |own| sender.cmp(&own));
        match priority.cmp(&ours).then(address) {
            Ordering::Less => {
                let election = !self.config.lower_prio_no_advert;
                self.say(
                    cx,
                    Says::MasterHeardLower {
                        sender,
                        priority,
                        ours,
                        election,
                    },
                );
                if election {
                    self.send_advert(cx);
                }
                self.tell(cx, NotifyState::MasterRxLowerPri, Occasion::Change);
                Heard::Lower
            }
            Ordering::Equal => {
                self.say(cx, Says::OurAddress);
                Heard::Nothing
            }
            Ordering::Greater => {
                if self.config.higher_prio_send_advert {
                    self.send_advert(cx);
                }
                self.say(
                    cx,
                    if priority > ours {
                        Says::MasterHeardHigher {
                            sender,
                            priority,
                            ours,
                        }
                    } else {
                        Says::MasterHeardEqual { sender, priority }
                    },
                );
                let interval = match self.config.version {
                    Version::V2 => self.config.advert_int,
                    Version::V3 => interval,
                };
                self.fall = Some(Fall::Yield {
                    master: (sender, priority),
                    interval,
                });
                Heard::Nothing
            }
        }
    }

    /// Fact 4.7: two address owners. The lower address yields by the common rule; the higher one gives the other time
    /// to hear it, and then gives in.
    fn suspect_rival(&mut self, cx: &mut Cx<'_>, advert: &ReceivedAdvert) {
        let both = self.priority().is_owner() && advert.priority.is_owner();
        let other = advert.source;
        if !both || self.source == Some(other) {
            return;
        }
        let yields = self.source.is_some_and(|own| own < other);
        let rival = match &mut self.state {
            State::Master(master) => &mut master.rival,
            State::Init(_) | State::Backup(_) | State::Fault => return,
        };
        match *rival {
            None => {
                if !yields {
                    *rival = Some(Rival {
                        interval: advert.interval,
                        adverts: 0,
                        patience_until: None,
                    });
                }
                self.say(cx, Says::TwoOwners(other));
            }
            Some(Rival {
                patience_until: Some(until),
                ..
            }) if cx.now <= until => {
                *rival = None;
                self.reduced = true;
                self.say(cx, Says::OwnerReduces(other));
            }
            Some(_) => {}
        }
    }

    /// A regular advert has been sent, which a rival owner must have heard.
    pub(super) fn watch_rival(&mut self, cx: &mut Cx<'_>) {
        let own_interval = self.config.advert_int;
        let State::Master(master) = &mut self.state else {
            return;
        };
        let Some(rival) = &mut master.rival else {
            return;
        };
        match rival.patience_until {
            None => {
                rival.adverts += 1;
                if rival.adverts == 2 {
                    let longer = own_interval.max(rival.interval);
                    rival.patience_until = Some(cx.now + longer * 6 / 5);
                }
            }
            Some(until) if until < cx.now => {
                master.rival = None;
                self.say(cx, Says::RogueOwnerGone);
            }
            Some(_) => {}
        }
    }

    /// Says it once until the sender or the state changes (fact 6.19).
    fn say_once(&mut self, cx: &mut Cx<'_>, name: &'static str, says: Says) {
        if self.told.insert(name) {
            self.say(cx, says);
        }
    }
}
