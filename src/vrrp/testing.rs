//! What the tests of this room build on: configurations, interfaces, packets, and an engine whose actions are text.

use super::advert::{Addresses, AdvertV2, AdvertV3, Advertisement, Centiseconds, Seconds};
use super::config::*;
use super::event::{Action, Carrier, Completion, Datagram, Event};
use super::{Engine, Priority, RouterId, Vrid, ah, hmac};
use crate::clock::Instant;
use crate::net::*;
use crate::script::config::ScriptOutcome;
use std::net::IpAddr;
use std::time::Duration;

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(super) fn name(text: &str) -> IfName {
    IfName::new(text).unwrap()
}

pub(super) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(super) fn spec(address: &str, interface: &str) -> AddressSpec {
    AddressSpec::new(Cidr::host(ip(address)), name(interface))
}

/// Version 2, priority 100, 1 s, multicast on eth0, one address, as little gratuitous ARP as possible.
pub(super) fn router(instance: &str, vrid: u8) -> RouterConfig {
    RouterConfig {
        name: instance.into(),
        vrid: Vrid::new(vrid).unwrap(),
        family: Family::V4,
        version: Version::V2,
        interface: name("eth0"),
        initial: InitialState::Backup,
        priority: Priority(100),
        advert_int: Duration::from_secs(1),
        down_timer_adverts: 3,
        nopreempt: false,
        preempt_delay: Duration::ZERO,
        auth: Auth::None,
        source: None,
        transport: Transport::Multicast {
            group: ip("224.0.0.18"),
        },
        garp: GarpConfig {
            delay: Duration::ZERO,
            repeat: 1,
            lower_prio_repeat: 0,
            ..GarpConfig::default()
        },
        drift_repair: None,
        lower_prio_no_advert: false,
        higher_prio_send_advert: false,
        vips: vec![spec(&format!("10.0.0.{}", 100 + u16::from(vrid)), "eth0")],
        excluded: Vec::new(),
        routes: Vec::new(),
        rules: Vec::new(),
        track_interfaces: Vec::new(),
        track_scripts: Vec::new(),
        objects: Default::default(),
        dont_track_primary: false,
        election: ElectionRules::default(),
        notices: Notices::default(),
        check_unicast_src: false,
        packets: PacketConfig::default(),
        config_fault: None,
        link: None,
        no_accept: false,
    }
}

pub(super) fn version_3(mut router: RouterConfig, interval_ms: u64) -> RouterConfig {
    router.version = Version::V3;
    router.advert_int = ms(interval_ms);
    router
}

pub(super) fn one(router: RouterConfig) -> VrrpConfig {
    VrrpConfig {
        routers: vec![router],
        ..VrrpConfig::default()
    }
}

pub(super) fn group(group: &str, members: &[&str]) -> SyncGroupConfig {
    SyncGroupConfig {
        name: group.into(),
        members: members.iter().map(|m| (*m).into()).collect(),
        track_interfaces: Vec::new(),
        track_scripts: Vec::new(),
        objects: Default::default(),
    }
}

/// An interface that is up; addresses are with their own host prefix.
pub(super) fn interface(interface: &str, index: u32, addresses: &[&str]) -> InterfaceStatus {
    InterfaceStatus {
        name: name(interface),
        index: IfIndex(index),
        mac: Some(Mac([2, 0, 0, 0, 0, u8::try_from(index).unwrap()])),
        mtu: 1500,
        up: true,
        multicast: true,
        noarp: false,
        loopback: false,
        addresses: addresses
            .iter()
            .map(|a| InterfaceAddress {
                cidr: Cidr::host(ip(a)),
                tentative: false,
            })
            .collect(),
        made: LinkTraits::default(),
    }
}

/// The advert that another director with `config` would send from `source`.
pub(super) fn advert(config: &RouterConfig, priority: u8, source: &str) -> Datagram {
    let addresses = Addresses::new(config.family, config.vips.iter().map(|v| v.cidr.addr));
    let (vrid, priority) = (config.vrid, Priority(priority));
    let advert = match config.version {
        Version::V2 => Advertisement::V2(AdvertV2 {
            vrid,
            priority,
            interval: Seconds::nearest(config.advert_int),
            auth: config.auth,
            addresses,
        }),
        Version::V3 => Advertisement::V3(AdvertV3 {
            vrid,
            priority,
            interval: Centiseconds::nearest(config.advert_int),
            addresses,
        }),
    };
    let destination = match &config.transport {
        Transport::Multicast { group } => *group,
        Transport::Unicast { .. } => config.source.unwrap_or_else(|| ip("10.0.0.1")),
    };
    let payload = advert.emit(ip(source), destination);
    Datagram {
        interface: IfIndex(1),
        source: ip(source),
        destination,
        ttl: Some(255),
        claimed_len: payload.len(),
        id: 1,
        carrier: Carrier::Plain,
        payload,
    }
}

/// `plain` as a peer with the configuration's AH or trailer sends it, with that number and at that time.
pub(super) fn sealed(config: &RouterConfig, plain: &Datagram, number: u32, wall: Duration) -> Datagram {
    let mut out = plain.clone();
    if let (Auth::Ah(key), IpAddr::V4(source), IpAddr::V4(destination)) =
        (&config.auth, plain.source, plain.destination)
    {
        let ip = ah::IpHeader {
            source,
            destination,
            ttl: 255,
            id: plain.id,
            payload_len: 0,
        };
        out.payload = ah::seal(key, ip, number, &plain.payload);
        out.carrier = Carrier::Ah;
    }
    if let Some(extension) = &config.packets.hmac {
        let about = hmac::About {
            family: config.family,
            version: config.version,
            vrid: config.vrid,
            source: plain.source,
        };
        let sequence = hmac::Sequence::at(wall);
        out.payload
            .extend(hmac::trailer(extension, about, &plain.payload, sequence));
    }
    out.claimed_len = out.payload.len();
    out
}

/// An engine on eth0 (index 1, 10.0.0.1, fe80::1) and eth1 (index 2, 10.1.0.1), with a clock.
pub(super) struct Bench {
    pub(super) engine: Engine,
    pub(super) now: Instant,
    /// Answers orders at once.
    pub(super) obedient: bool,
}

impl Bench {
    /// Not started.
    pub(super) fn idle(config: VrrpConfig) -> Self {
        let mut engine = Engine::new(config);
        let now = Instant::from_micros(1_000_000_000);
        engine.handle(
            now,
            Event::Interface(interface("eth0", 1, &["10.0.0.1", "fe80::1"])),
        );
        engine.handle(now, Event::Interface(interface("eth1", 2, &["10.1.0.1"])));
        Self {
            engine,
            now,
            obedient: true,
        }
    }

    /// Started; its first actions are dropped.
    pub(super) fn new(config: VrrpConfig) -> Self {
        let mut bench = Self::idle(config);
        bench.start();
        bench
    }

    /// Started and waited until all is quiet: MASTER, unless something is wrong.
    pub(super) fn master(config: VrrpConfig) -> Self {
        let mut bench = Self::new(config);
        bench.pass(Duration::from_secs(20));
        bench
    }

    pub(super) fn start(&mut self) -> Vec<String> {
        self.engine.start(self.now);
        self.drain()
    }

    pub(super) fn handle(&mut self, event: Event) -> Vec<String> {
        self.engine.handle(self.now, event);
        self.drain()
    }

    pub(super) fn hear(&mut self, datagram: Datagram) -> Vec<String> {
        self.handle(Event::Datagram(datagram))
    }

    pub(super) fn script(&mut self, script: &str, status: u8) -> Vec<String> {
        self.handle(Event::Script {
            name: script.into(),
            outcome: ScriptOutcome::Exited(status),
        })
    }

    /// Takes eth0 or another interface down or up.
    pub(super) fn link(&mut self, mut status: InterfaceStatus, up: bool) -> Vec<String> {
        status.up = up;
        self.handle(Event::Interface(status))
    }

    /// Lets time pass, deadline by deadline; each action is headed by the time since now.
    pub(super) fn pass(&mut self, time: Duration) -> Vec<String> {
        let (start, end) = (self.now, self.now + time);
        let mut all = Vec::new();
        while let Some(at) = self.engine.next_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.engine.handle_timeout(self.now);
            let since = self.now.since(start).as_micros();
            all.extend(self.drain().into_iter().map(|line| format!("+{since} {line}")));
        }
        self.now = end;
        all
    }

    pub(super) fn state(&self, instance: &str) -> &'static str {
        self.of(instance).state.word()
    }

    pub(super) fn of(&self, instance: &str) -> super::status::RouterStatus {
        let status = self.engine.status(self.now);
        status
            .routers
            .into_iter()
            .find(|r| r.config.name == instance)
            .unwrap()
    }

    /// Time until the router's deadline, in microseconds.
    pub(super) fn timer(&self, instance: &str) -> u128 {
        self.of(instance).deadline.unwrap().since(self.now).as_micros()
    }

    pub(super) fn drain(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(action) = self.engine.poll_action() {
            lines.push(text(&action));
            let answer = |router: RouterId, generation: u64| Completion {
                router,
                generation,
                failed: vec![],
            };
            match action {
                Action::Hold(order) if self.obedient => {
                    self.engine
                        .handle(self.now, Event::Held(answer(order.router, order.generation)));
                }
                Action::Release(order) if self.obedient => {
                    self.engine
                        .handle(self.now, Event::Released(answer(order.router, order.generation)));
                }
                _ => {}
            }
        }
        lines
    }
}

/// One line for each action: `send 51/100 → 224.0.0.18`, `hold#1 …`, `release#2 …`, `announce …`, `notify …`, `log …`.
pub(super) fn text(action: &Action) -> String {
    let list = |specs: &[AddressSpec]| {
        specs
            .iter()
            .map(|s| s.cidr.addr.to_string())
            .collect::<Vec<_>>()
            .join(" ")
    };
    match action {
        Action::Send(t) => format!("send {}/{} to {}", t.payload[1], t.payload[2], t.destination),
        Action::Hold(o) => format!("hold#{} {}", o.generation, list(&o.goods.addresses)),
        Action::Release(o) => format!("release#{} {}", o.generation, list(&o.goods.addresses)),
        Action::Announce(a) => {
            let targets: Vec<_> = a.targets.iter().map(|t| t.address.to_string()).collect();
            format!("announce {}", targets.join(" "))
        }
        Action::Notify(n) => format!("notify {:?} {} {}", n.subject, n.state.word(), n.priority),
        Action::Tell(line) => format!("log {line}"),
    }
}
