//! The VRRP engine with its driver and its worker, as far as they decide anything.

use crate::net::{Net, Write};
use crate::rng::Rng;
use crate::world::World;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;
use steadfast::clock::Instant;
use steadfast::net::InterfaceStatus;
use steadfast::plan::Plan;
use steadfast::vrrp::event::*;
use steadfast::vrrp::status::{StateName, VrrpStatus};
use steadfast::vrrp::{Engine, VrrpConfig};

/// What the worker was asked for.
enum Request {
    Hold(Order),
    Release(Order),
    Settle,
}

pub(crate) struct Routers {
    pub(crate) engine: Engine,
    pub(crate) net: Net,
    config: VrrpConfig,
    /// What waits for the kernel.
    requests: VecDeque<Request>,
    /// What the engine was told of interfaces last.
    told: BTreeMap<steadfast::net::IfName, InterfaceStatus>,
    /// The last advert.
    sent: Option<Transmit>,
    /// The kernel is busy: orders wait.
    pub(crate) slow: bool,
    /// What was told to scripts since this was emptied.
    pub(crate) notified: Vec<Notification>,
}

impl Routers {
    pub(crate) fn start(plan: &Plan, world: &World, now: Instant) -> Self {
        let mut routers = Self {
            engine: Engine::new(plan.vrrp.clone()),
            net: Net::default(),
            config: plan.vrrp.clone(),
            requests: VecDeque::new(),
            told: BTreeMap::new(),
            sent: None,
            slow: false,
            notified: Vec::new(),
        };
        for event in world.tracked() {
            routers.engine.handle(now, event);
        }
        routers.net.prepare(&plan.vrrp, true);
        routers.tell_interfaces(world, now);
        routers.engine.start(now);
        routers.carry_out(world, now);
        for event in world.sessions() {
            routers.tell(event, world, now);
        }
        routers
    }

    /// As control, the driver and the worker do it.
    pub(crate) fn reload(&mut self, plan: &Plan, world: &World, now: Instant) {
        for event in world.tracked() {
            self.tell(event, world, now);
        }
        self.net.prepare(&plan.vrrp, false);
        self.tell_interfaces(world, now);
        self.carry_out(world, now);
        self.engine.reload(now, plan.vrrp.clone());
        self.config = plan.vrrp.clone();
        self.carry_out(world, now);
        for event in world.sessions() {
            self.tell(event, world, now);
        }
        self.requests.push_back(Request::Settle);
        self.work(world, now);
    }

    /// Something happened.
    pub(crate) fn tell(&mut self, event: Event, world: &World, now: Instant) {
        self.engine.handle(now, event);
        self.carry_out(world, now);
    }

    /// The monitor tells what is new of interfaces.
    pub(crate) fn tell_interfaces(&mut self, world: &World, now: Instant) {
        let all = self.net.interfaces(world);
        let there: BTreeSet<_> = all.iter().map(|status| status.name.clone()).collect();
        let gone: Vec<_> = self
            .told
            .keys()
            .filter(|name| !there.contains(*name))
            .cloned()
            .collect();
        for name in gone {
            self.told.remove(&name);
            self.engine.handle(now, Event::InterfaceGone(name));
        }
        for status in all {
            if self.told.get(&status.name) != Some(&status) {
                self.told.insert(status.name.clone(), status.clone());
                self.engine.handle(now, Event::Interface(status));
            }
        }
    }

    pub(crate) fn carry_out(&mut self, world: &World, now: Instant) {
        loop {
            while let Some(action) = self.engine.poll_action() {
                match action {
                    Action::Send(transmit) => self.sent = Some(transmit),
                    Action::Hold(order) => self.requests.push_back(Request::Hold(order)),
                    Action::Release(order) => self.requests.push_back(Request::Release(order)),
                    Action::Notify(notification) => self.notified.push(notification),
                    Action::Announce(_) | Action::Tell(_) => {}
                }
            }
            self.engine.take_turns();
            if self.slow || self.requests.is_empty() {
                return;
            }
            self.work(world, now);
        }
    }

    /// Something waits for the kernel.
    pub(crate) fn waits(&self) -> bool {
        !self.requests.is_empty()
    }

    /// The kernel does what waits.
    pub(crate) fn work(&mut self, world: &World, now: Instant) {
        while let Some(request) = self.requests.pop_front() {
            match request {
                Request::Hold(mut order) => {
                    // What a newer release takes back is not put any more.
                    for later in &self.requests {
                        if let Request::Release(release) = later
                            && release.router == order.router
                            && release.generation > order.generation
                        {
                            order.goods.without(&release.goods);
                        }
                    }
                    let failed = self.net.hold(&order);
                    self.answer(Event::Held, order, failed, world, now);
                }
                Request::Release(order) => {
                    self.net.release(&order);
                    self.answer(Event::Released, order, Vec::new(), world, now);
                }
                Request::Settle => {
                    self.net.settle(&self.config.clone());
                    self.tell_interfaces(world, now);
                }
            }
        }
        self.carry_out(world, now);
    }

    fn answer(
        &mut self,
        event: fn(Completion) -> Event,
        order: Order,
        failed: Vec<(steadfast::net::Good, String)>,
        world: &World,
        now: Instant,
    ) {
        self.tell_interfaces(world, now);
        let answer = Completion {
            router: order.router,
            generation: order.generation,
            failed,
        };
        self.engine.handle(now, event(answer));
    }

    /// Serves deadlines until `end`, or until `done`.
    pub(crate) fn run(
        &mut self,
        world: &World,
        now: &mut Instant,
        end: Instant,
        done: impl Fn(&VrrpStatus) -> bool,
    ) {
        while let Some(next) = self.engine.next_deadline().filter(|next| *next <= end) {
            *now = (*now).max(next);
            self.engine.handle_timeout(*now);
            self.carry_out(world, *now);
            if done(&self.engine.status(*now)) {
                return;
            }
        }
        *now = (*now).max(end);
    }

    /// Runs until everybody is where it can be.
    pub(crate) fn settle(&mut self, world: &World, now: &mut Instant) {
        self.slow = false;
        self.work(world, *now);
        for event in world.scripts() {
            self.tell(event, world, *now);
        }
        let end = *now + Duration::from_secs(60);
        let rests = |status: &VrrpStatus| {
            let mut routers = status.routers.iter();
            routers.all(|router| {
                matches!(router.state, StateName::Fault)
                    || (router.state == StateName::Master && router.holding)
            })
        };
        if !rests(&self.engine.status(*now)) {
            self.run(world, now, end, rests);
        }
    }

    /// Somebody with a greater priority says what this host said last, if it is version 2 and open.
    pub(crate) fn better_master(&mut self, world: &World, now: Instant, rng: &mut Rng) {
        let Some(transmit) = &self.sent else { return };
        let mut payload = transmit.payload.clone();
        if transmit.carrier != Carrier::Plain || payload[0] >> 4 != 2 {
            return;
        }
        payload[2] = if rng.chance(1, 4) { 0 } else { 255 };
        payload[6..8].copy_from_slice(&[0, 0]);
        let sum: u32 = payload
            .chunks(2)
            .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)])))
            .sum();
        let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap_or(u16::MAX);
        payload[6..8].copy_from_slice(&sum.to_be_bytes());
        let source = match transmit.source {
            IpAddr::V4(own) => {
                let [a, b, c, _] = own.octets();
                IpAddr::from([a, b, c, 2])
            }
            IpAddr::V6(_) => return,
        };
        let destination = if transmit.destination.is_multicast() {
            transmit.destination
        } else {
            transmit.source
        };
        let datagram = Datagram {
            interface: transmit.interface,
            source,
            destination,
            ttl: Some(255),
            claimed_len: payload.len(),
            id: 7,
            carrier: Carrier::Plain,
            payload,
        };
        self.tell(Event::Datagram(datagram), world, now);
    }

    /// Which instances are MASTER.
    pub(crate) fn masters(&self) -> BTreeSet<String> {
        self.engine.masters().map(ToOwned::to_owned).collect()
    }

    pub(crate) fn take_writes(&mut self) -> Vec<Write> {
        std::mem::take(&mut self.net.writes)
    }
}
