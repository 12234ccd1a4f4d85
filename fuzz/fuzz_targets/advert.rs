//! Any packets that reach a virtual router of any version, family and authentication, most of them a peer's that were
//! changed a little: no panic, and each packet is counted once.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;
use steadfast::clock::Instant;
use steadfast::net::{Family, IfIndex};
use steadfast::vrrp::event::{Carrier, Completion, Datagram, Transmit};
use steadfast::vrrp::io::rx::read_v4;
use steadfast::vrrp::status::{Counters, StateName};
use steadfast::vrrp::{Action, Engine, Event};
use steadfast_fuzz::plane;

/// One engine with its host's number.
struct Side {
    engine: Engine,
    sent: VecDeque<Transmit>,
}

impl Side {
    fn new(now: Instant, kind: u8, host: u8) -> Self {
        let config = plane::vrrp(&text(kind, host), plane::interface(host));
        assert_eq!(config.routers.len(), 1, "{}", text(kind, host));
        let mut engine = Engine::new(config);
        engine.handle(now, Event::Interface(plane::interface(host)));
        engine.start(now);
        let mut side = Self {
            engine,
            sent: VecDeque::new(),
        };
        side.carry_out(now);
        side
    }

    /// Lets it do what is due, as long as that has an end.
    fn pass(&mut self, now: Instant) {
        for _ in 0..64 {
            let Some(at) = self.engine.next_deadline().filter(|at| *at <= now) else {
                break;
            };
            self.engine.wall_clock(at, wall(at));
            self.engine.handle_timeout(at);
            self.carry_out(at);
        }
        self.engine.wall_clock(now, wall(now));
    }

    fn handle(&mut self, now: Instant, event: Event) {
        self.engine.wall_clock(now, wall(now));
        self.engine.handle(now, event);
        self.carry_out(now);
    }

    fn carry_out(&mut self, now: Instant) {
        while let Some(action) = self.engine.poll_action() {
            let answer = |router, generation| Completion {
                router,
                generation,
                failed: Vec::new(),
            };
            match action {
                Action::Send(packet) => {
                    self.sent.push_back(packet);
                    if self.sent.len() > 4 {
                        self.sent.pop_front();
                    }
                }
                Action::Hold(order) => {
                    let held = answer(order.router, order.generation);
                    self.engine.handle(now, Event::Held(held));
                }
                Action::Release(order) => {
                    let released = answer(order.router, order.generation);
                    self.engine.handle(now, Event::Released(released));
                }
                Action::Tell(line) => assert!(!line.to_string().is_empty()),
                _ => {}
            }
        }
    }
}

fn wall(now: Instant) -> Duration {
    now.since(Instant::default()) + Duration::from_secs(1_800_000_000)
}

/// The configuration of host 1 or 2; the second has the higher priority.
fn text(kind: u8, host: u8) -> String {
    let six = kind & 1 != 0;
    let unicast = kind & 2 != 0;
    let (us, peer, vip) = if six {
        (
            format!("fe80::{host}"),
            format!("fe80::{}", 3 - host),
            "fe80::100\n2001:db8::5",
        )
    } else {
        (
            format!("10.0.0.{host}"),
            format!("10.0.0.{}", 3 - host),
            "10.0.0.100\n10.0.0.101",
        )
    };
    let to = if unicast {
        format!("unicast_src_ip {us}\nunicast_peer {{\n{peer} min_ttl 200 max_ttl 255\n}}")
    } else {
        String::new()
    };
    let password = |word: &str| format!("authentication {{\nauth_type {word}\nauth_pass secret\n}}");
    let hmac = |mode: &str, replay: &str| {
        format!(
            "auth_hmac {{\nkey 1 fedcba9876543210fedcba9876543210\nkey 2 0123456789abcdef0123456789abcdef\n\
             active_key {host}\nmode {mode}\nanti_replay {replay}\n}}"
        )
    };
    let version = if six || kind & 4 != 0 { 3 } else { 2 };
    let auth = match (kind >> 3) % 8 {
        1 if version == 2 => password("PASS"),
        2 if version == 2 => password("AH"),
        3 => hmac("enforce", "time"),
        4 => hmac("permissive", "monotonic"),
        5 if host == 1 => hmac("permissive", "time"),
        6 if version == 3 && !six => "v3_checksum_as_v2".to_owned(),
        7 if unicast && host == 2 => "old_unicast_checksum".to_owned(),
        _ => String::new(),
    };
    let priority = 50 * host;
    format!(
        "vrrp_instance A {{\ninterface eth0\nvirtual_router_id 51\nversion {version}\npriority {priority}\n{to}\n\
         {auth}\nvirtual_ipaddress {{\n{vip}\n}}\n}}\n"
    )
}

/// What was accepted, what was refused by a check of its own counter, and lists of addresses.
fn sums(c: &Counters) -> [u64; 3] {
    let refused = c.packet_len_err
        + c.ip_ttl_err
        + c.invalid_type_rcvd
        + c.invalid_authtype
        + c.authtype_mismatch
        + c.auth_failure
        + c.auth_ext_missing
        + c.auth_ext_malformed
        + c.auth_ext_unknown_key
        + c.auth_ext_invalid_hmac
        + c.auth_ext_stale
        + c.auth_ext_replay
        + c.checksum_err
        + c.version_err
        + c.interval_mismatch
        + c.unknown_peer;
    [c.advert_rcvd, refused, c.addr_list_err]
}

/// The router hears `datagram`, and counts it once.
fn hear(side: &mut Side, now: Instant, datagram: Datagram) {
    let before = side.engine.status(now);
    side.handle(now, Event::Datagram(datagram.clone()));
    let after = side.engine.status(now);
    let unknown = after.unknown_vrid - before.unknown_vrid;
    let [a, b] = [&before, &after].map(|status| sums(&status.routers[0].counters));
    let [accepted, refused, lists] = [0, 1, 2].map(|i| b[i] - a[i]);
    let listens = matches!(before.routers[0].state, StateName::Backup | StateName::Master);
    let told = format!("{datagram:?} {:?} {:?}", before.routers[0], after.routers[0]);
    if unknown == 1 || !listens {
        assert_eq!((accepted, refused, lists), (0, 0, 0), "{told}");
    } else if accepted == 1 {
        assert!(refused == 0 && lists <= 1, "{told}");
    } else {
        assert_eq!((accepted, refused + lists), (0, 1), "{told}");
    }
    let counters = &after.routers[0].counters;
    assert!(counters.pri_zero_rcvd <= counters.advert_rcvd);
    assert_eq!(counters.advert_interval_err, 0);
}

/// A packet of the peer as it arrives.
fn arrived(packet: &Transmit) -> Datagram {
    let mut payload = packet.payload.clone();
    if Family::of(&packet.source) == Family::V6 {
        // The kernel's part.
        let sum = checksum_v6(packet.source, packet.destination, &payload);
        if let Some(place) = payload.get_mut(6..8) {
            place.copy_from_slice(&sum.to_be_bytes());
        }
    }
    Datagram {
        interface: packet.interface,
        source: packet.source,
        destination: packet.destination,
        ttl: Some(packet.ttl),
        claimed_len: payload.len(),
        id: packet.id,
        carrier: packet.carrier,
        payload,
    }
}

fn checksum_v6(source: IpAddr, destination: IpAddr, payload: &[u8]) -> u16 {
    let (IpAddr::V6(source), IpAddr::V6(destination)) = (source, destination) else {
        return 0;
    };
    let mut all = [source.octets(), destination.octets()].concat();
    all.extend([0, 0]);
    all.extend((payload.len() as u16).to_be_bytes());
    all.extend([0, 0, 0, 112]);
    all.extend(payload);
    if all.len() % 2 == 1 {
        all.push(0);
    }
    let mut sum: u32 = all
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| u32::from(u16::from_be_bytes(*pair)))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// Any addresses: those of the plane, or others.
fn address(six: bool, which: u8) -> IpAddr {
    let text = match (six, which % 5) {
        (false, 0) => "10.0.0.1",
        (false, 1) => "10.0.0.2",
        (false, 2) => "224.0.0.18",
        (false, 3) => "192.0.2.9",
        (false, _) => "255.255.255.255",
        (true, 0) => "fe80::1",
        (true, 1) => "fe80::2",
        (true, 2) => "ff02::12",
        (true, 3) => "2001:db8::9",
        (true, _) => "::",
    };
    text.parse().expect("an address")
}

fuzz_target!(|input: &[u8]| {
    let Some((kind, mut rest)) = input.split_first() else {
        return;
    };
    let six = kind & 1 != 0;
    let mut now = Instant::from_micros(1_000_000);
    let mut us = Side::new(now, *kind, 1);
    let mut peer = Side::new(now, *kind, 2);
    now += Duration::from_secs(5);
    us.pass(now);
    peer.pass(now);
    // Each record: what to do, how long after the one before, how many octets of it, and these.
    for _ in 0..64 {
        let [action, wait, length, after @ ..] = rest else {
            break;
        };
        let (octets, after) = after.split_at(usize::from(*length).min(after.len()));
        rest = after;
        now += Duration::from_millis(u64::from(*wait) * 8);
        us.pass(now);
        peer.pass(now);
        let last = peer.sent.back().map(arrived);
        match (action % 8, last) {
            (0, _) => {
                if let Some(datagram) = read_v4(octets, IfIndex(2)) {
                    hear(&mut us, now, datagram);
                }
            }
            (1, _) => {
                let [source, destination, ttl, carrier, payload @ ..] = octets else {
                    continue;
                };
                let datagram = Datagram {
                    interface: IfIndex(2),
                    source: address(six != (source / 5 % 4 == 3), *source),
                    destination: address(six != (destination / 5 % 4 == 3), *destination),
                    ttl: (ttl % 4 != 0).then_some(*ttl),
                    claimed_len: payload.len() + usize::from(carrier / 128),
                    id: 1,
                    carrier: if carrier % 2 == 0 {
                        Carrier::Plain
                    } else {
                        Carrier::Ah
                    },
                    payload: payload.to_vec(),
                };
                hear(&mut us, now, datagram);
            }
            // The peer speaks again at once, heard by nobody.
            (2, _) => {
                if let Some(theirs) = us.sent.back().map(arrived) {
                    hear(&mut peer, now, theirs);
                }
            }
            (3, Some(datagram)) => hear(&mut us, now, datagram),
            // Cut, or longer.
            (4, Some(mut datagram)) => {
                let at = octets.first().map_or(0, |o| usize::from(*o));
                if at < datagram.payload.len() {
                    datagram.payload.truncate(at);
                } else {
                    datagram.payload.extend(octets);
                }
                hear(&mut us, now, datagram);
            }
            // Changed in some places: offset, what is flipped.
            (_, Some(mut datagram)) => {
                for change in octets.as_chunks::<2>().0 {
                    if let Some(octet) = datagram.payload.get_mut(usize::from(change[0])) {
                        *octet ^= change[1];
                    }
                }
                hear(&mut us, now, datagram);
            }
            (_, None) => {}
        }
    }
});
