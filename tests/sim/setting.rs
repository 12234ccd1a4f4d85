//! What the three directors are told to do, and what follows from it by the RFCs' formulas.

use crate::rng::Rng;
use std::net::IpAddr;
use std::time::Duration;
use steadfast::net::*;
use steadfast::vrrp::config::*;
use steadfast::vrrp::timing::Timing;
use steadfast::vrrp::{Priority, Vrid};

/// Two routers on two segments for each of three directors.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) version: Version,
    pub(crate) interval: Duration,
    pub(crate) down_timer_adverts: u8,
    pub(crate) priorities: [u8; 3],
    pub(crate) nopreempt: [bool; 3],
    pub(crate) preempt_delay: [Duration; 3],
    pub(crate) unicast: bool,
    pub(crate) grouped: bool,
    pub(crate) quiet: bool,
}

/// The name of the router on segment `net`.
pub(crate) fn instance(net: usize) -> String {
    format!("VI_{net}")
}

pub(crate) fn interface(net: usize) -> IfName {
    IfName::new(&format!("eth{net}")).unwrap()
}

pub(crate) fn index(net: usize) -> IfIndex {
    IfIndex(u32::try_from(net).unwrap() + 1)
}

/// The address of `node` on segment `net`.
pub(crate) fn address(net: usize, node: usize) -> IpAddr {
    IpAddr::from([10, u8::try_from(net).unwrap(), 0, u8::try_from(node).unwrap() + 1])
}

impl Setting {
    /// No groups, no delays, no owner; distinct priorities are the caller's business.
    pub(crate) fn plain(rng: &mut Rng) -> Self {
        let version = if rng.chance(1, 2) {
            Version::V2
        } else {
            Version::V3
        };
        let interval = match version {
            Version::V2 => Duration::from_secs(1 + rng.below(2)),
            Version::V3 => Duration::from_millis([100, 250, 1_000][rng.pick(3)]),
        };
        Self {
            version,
            interval,
            down_timer_adverts: 3,
            priorities: [100; 3],
            nopreempt: [false; 3],
            preempt_delay: [Duration::ZERO; 3],
            unicast: rng.chance(1, 4),
            grouped: false,
            quiet: rng.chance(1, 4),
        }
    }

    /// Anything sensible.
    pub(crate) fn random(rng: &mut Rng) -> Self {
        let mut setting = Self::plain(rng);
        setting.grouped = rng.chance(1, 3);
        setting.down_timer_adverts = [3, 3, 3, 1, 5][rng.pick(5)];
        for node in 0..3 {
            setting.priorities[node] = [50, 100, 100, 150, 200, 254, 1][rng.pick(7)];
            match rng.below(4) {
                0 => setting.nopreempt[node] = true,
                1 => setting.preempt_delay[node] = Duration::from_millis(rng.below(8_000)),
                _ => {}
            }
        }
        if rng.chance(1, 6) {
            let owner = rng.pick(3);
            setting.priorities[owner] = 255;
            setting.nopreempt[owner] = false;
            setting.preempt_delay[owner] = Duration::ZERO;
        }
        setting
    }

    /// Scales waiting times to slow intervals.
    pub(crate) fn interval_factor(&self) -> u32 {
        u32::try_from(self.interval.as_secs()).unwrap().max(1)
    }

    /// The configuration of `node`.
    pub(crate) fn config(&self, node: usize) -> VrrpConfig {
        let routers = (0..2).map(|net| self.router(node, net)).collect();
        let group = SyncGroupConfig {
            name: "G".into(),
            members: (0..2).map(instance).collect(),
            track_interfaces: Vec::new(),
            track_scripts: Vec::new(),
            objects: Default::default(),
        };
        let groups = if self.grouped { vec![group] } else { Vec::new() };
        VrrpConfig {
            routers,
            groups,
            ..VrrpConfig::default()
        }
    }

    fn router(&self, node: usize, net: usize) -> RouterConfig {
        let priority = Priority(self.priorities[node]);
        let vip = IpAddr::from([10, u8::try_from(net).unwrap(), 0, 100]);
        let peers: Vec<_> = (0..3).filter(|n| *n != node).map(|n| address(net, n)).collect();
        RouterConfig {
            name: instance(net),
            vrid: Vrid::new(51).unwrap(),
            family: Family::V4,
            version: self.version,
            interface: interface(net),
            initial: if priority.is_owner() {
                InitialState::Master
            } else {
                InitialState::Backup
            },
            priority,
            advert_int: self.interval,
            down_timer_adverts: self.down_timer_adverts,
            drift_repair: None,
            nopreempt: self.nopreempt[node],
            preempt_delay: self.preempt_delay[node],
            auth: Auth::None,
            source: self.unicast.then(|| address(net, node)),
            transport: if self.unicast {
                Transport::Unicast { peers, ttl: 255 }
            } else {
                Transport::Multicast {
                    group: IpAddr::from([224, 0, 0, 18]),
                }
            },
            garp: GarpConfig::default(),
            lower_prio_no_advert: self.quiet,
            higher_prio_send_advert: false,
            vips: vec![AddressSpec::new(Cidr::host(vip), interface(net))],
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

    /// From the last stray packet to the day when all is as it has to be: one master down interval; an exchange of adverts
    /// between two that acted at once; and where a preempt delay has to run out first, that, begun by a first advert,
    /// and the down interval after it.
    pub(crate) fn settling(&self, greatest_delay: Duration) -> Duration {
        let down = (0..3)
            .map(|node| master_down(&self.router(node, 0)))
            .max()
            .unwrap();
        let exchange = greatest_delay * 2;
        let quiet = if self.quiet { self.interval } else { Duration::ZERO };
        let delay = self.preempt_delay.iter().max().unwrap();
        let delayed = if delay.is_zero() {
            Duration::ZERO
        } else {
            self.interval + greatest_delay + *delay + down + exchange + quiet
        };
        down + exchange + quiet + delayed
    }

    /// The greatest difference of delays that a BACKUP is not to take for silence: with `down_timer_adverts 1` there is
    /// only the skew between two adverts.
    pub(crate) fn tolerance(&self) -> Duration {
        let slack = |node| {
            let config = self.router(node, 0);
            master_down(&config) - config.advert_int
        };
        (0..3).map(slack).min().unwrap() / 2
    }

    /// Whether `node` would take mastership from `master`.
    pub(crate) fn preempts(&self, node: usize, master: usize) -> bool {
        !self.nopreempt[node] && self.priorities[node] > self.priorities[master]
    }
}

fn timing(router: &RouterConfig) -> Timing {
    Timing::of(router, router.priority, router.advert_int)
}

/// By the formulas of the RFCs, whose own tests are beside them.
pub(crate) fn master_down(router: &RouterConfig) -> Duration {
    timing(router).master_down_interval()
}

pub(crate) fn skew(router: &RouterConfig) -> Duration {
    timing(router).skew_time()
}
