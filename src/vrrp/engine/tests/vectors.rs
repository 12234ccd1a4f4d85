//! The engine against frames captured from a running keepalived 2.2.7 (`tests/vectors/`): the adverts it sends, the
//! priority-0 adverts of its stop, and the order of its announcements, octet by octet.

use crate::net::Family;
use crate::vrrp::Priority;
use crate::vrrp::config::*;
use crate::vrrp::event::{Action, Completion, Event, Transmit};
use crate::vrrp::testing::*;
use crate::vrrp::{checksum, endpoint};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn frames(case: &str, file: &str) -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(directory().join(case).join(file)).expect(case);
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    text.lines()
        .map(|line| line.as_bytes().chunks(2).map(octet).collect())
        .collect()
}

/// An IP packet out of an Ethernet frame: source, destination, TTL, and what follows the header.
fn packet(frame: &[u8]) -> (IpAddr, IpAddr, u8, Vec<u8>) {
    let ip = &frame[14..];
    if frame[12..14] == [0x08, 0x00] {
        let address = |at: usize| IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(&ip[at..at + 4]).unwrap()));
        let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
        assert_eq!((ip[0], ip[9]), (0x45, 112));
        (address(12), address(16), ip[8], ip[20..total].to_vec())
    } else {
        let address =
            |at: usize| IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(&ip[at..at + 16]).unwrap()));
        let length = usize::from(u16::from_be_bytes([ip[4], ip[5]]));
        assert_eq!(ip[6], 112);
        (address(8), address(24), ip[7], ip[40..40 + length].to_vec())
    }
}

/// The address that a gratuitous ARP or an unsolicited neighbour advertisement announces.
fn announced(frame: &[u8]) -> IpAddr {
    if frame[12..14] == [0x08, 0x06] {
        Ipv4Addr::from(<[u8; 4]>::try_from(&frame[28..32]).unwrap()).into()
    } else {
        Ipv6Addr::from(<[u8; 16]>::try_from(&frame[62..78]).unwrap()).into()
    }
}

/// Each case's configuration, as its keepalived.conf says.
fn cases() -> Vec<(&'static str, RouterConfig)> {
    let plain = |vips: &[&str]| {
        let mut config = router("VI_1", 51);
        config.priority = Priority(150);
        config.vips = vips.iter().map(|a| spec(a, "eth0")).collect();
        config.garp = GarpConfig::default();
        config
    };
    let half = |config: RouterConfig| version_3(config, 500);
    let owner = |mut config: RouterConfig| {
        config.priority = Priority::OWNER;
        config.initial = InitialState::Master;
        config
    };
    let pass = |mut config: RouterConfig, password: &[u8; 8]| {
        config.auth = Auth::Pass(*password);
        config
    };
    let unicast = |mut config: RouterConfig, source: &str, peers: &[&str]| {
        config.source = Some(ip(source));
        // Without `unicast_ttl` keepalived leaves IPv6 to the kernel's default.
        let ttl = if config.family == Family::V6 { 64 } else { 255 };
        config.transport = Transport::Unicast {
            peers: peers.iter().map(|p| ip(p)).collect(),
            ttl,
        };
        config
    };
    let ipv6 = |mut config: RouterConfig| {
        config.family = Family::V6;
        config.transport = Transport::Multicast {
            group: ip("ff02::12"),
        };
        config
    };
    let one = &["192.0.2.100"][..];
    let peers = &["192.0.2.2", "192.0.2.3"][..];
    let mut several = plain(&["192.0.2.102", "192.0.2.100", "198.51.100.7", "192.0.2.101"]);
    several.excluded = vec![spec("192.0.2.120", "eth0"), spec("2001:db8::120", "eth0")];
    let mut sourced = plain(one);
    sourced.source = Some(ip("192.0.2.4"));
    let mut long = pass(owner(plain(one)), b"correcth");
    long.advert_int = Duration::from_secs(2);
    vec![
        ("v2-addresses", several),
        ("v2-owner", owner(plain(one))),
        ("v2-pass", pass(plain(one), b"qwaszx\0\0")),
        ("v2-pass-long", long),
        ("v2-plain", plain(one)),
        ("v2-source", sourced),
        (
            "v2-unicast",
            unicast(pass(plain(one), b"qwaszx\0\0"), "192.0.2.1", peers),
        ),
        (
            "v3-addresses",
            version_3(plain(&["192.0.2.100", "192.0.2.101", "192.0.2.102"]), 1_000),
        ),
        ("v3-ipv4", half(plain(one))),
        ("v3-ipv6", half(ipv6(plain(&["fe80::100", "2001:db8::100"])))),
        (
            "v3-ipv6-unicast",
            unicast(
                half(ipv6(plain(&["2001:db8::100"]))),
                "2001:db8::1",
                &["2001:db8::2"],
            ),
        ),
        ("v3-slow", version_3(owner(plain(one)), 40_950)),
        ("v3-unicast", unicast(half(plain(one)), "192.0.2.1", peers)),
    ]
}

/// Runs `config` until its first adverts and its first burst, then stops it.
fn run(config: RouterConfig) -> (Vec<Transmit>, Vec<IpAddr>, Vec<Transmit>) {
    let mut bench = Bench::idle(one(config));
    bench.handle(Event::Interface(interface(
        "eth0",
        1,
        &["192.0.2.1", "2001:db8::1", "fe80::ff:fe00:1"],
    )));
    bench.start();
    let (mut adverts, mut addresses, mut goodbyes) = (Vec::new(), Vec::new(), Vec::new());
    while adverts.is_empty() {
        bench.now = bench.engine.next_deadline().unwrap();
        bench.engine.handle_timeout(bench.now);
        while let Some(action) = bench.engine.poll_action() {
            match action {
                Action::Send(transmit) => adverts.push(transmit),
                Action::Hold(order) => {
                    let (router, generation) = (order.router, order.generation);
                    let answer = Completion {
                        router,
                        generation,
                        failed: vec![],
                    };
                    bench.engine.handle(bench.now, Event::Held(answer));
                }
                Action::Announce(round) => addresses.extend(round.targets.iter().map(|t| t.address)),
                Action::Release(_) | Action::Notify(_) | Action::Tell(_) => {}
            }
        }
    }
    bench.engine.stop(bench.now, true);
    while let Some(action) = bench.engine.poll_action() {
        if let Action::Send(transmit) = action {
            goodbyes.push(transmit);
        }
    }
    (adverts, addresses, goodbyes)
}

/// What leaves on the wire: the kernel puts IPv6's checksum in.
fn on_the_wire(version: Version, transmit: &Transmit) -> (IpAddr, IpAddr, u8, Vec<u8>) {
    let (source, destination) = (transmit.source, transmit.destination);
    let mut payload = transmit.payload.clone();
    if source.is_ipv6() {
        let sum = checksum::of_packet(version, source, destination, &payload);
        payload[6..8].copy_from_slice(&sum.to_be_bytes());
    }
    (source, destination, transmit.ttl, payload)
}

/// Facts: 5.1, 5.2, 5.3, 5.4, 5.5, 5.6, 7.1
#[test]
fn adverts_are_keepaliveds_octet_by_octet() {
    for (case, config) in cases() {
        let version = config.version;
        let (adverts, _, goodbyes) = run(config);
        for (file, ours) in [("advert.hex", adverts), ("stop.hex", goodbyes)] {
            let theirs: Vec<_> = frames(case, file).iter().map(|frame| packet(frame)).collect();
            let ours: Vec<_> = ours
                .iter()
                .map(|transmit| on_the_wire(version, transmit))
                .collect();
            assert_eq!(ours, theirs, "{case}/{file}");
        }
    }
}

/// Facts: 11.3
#[test]
fn announcements_come_in_keepaliveds_order() {
    for (case, config) in cases() {
        let theirs: Vec<_> = frames(case, "garp.hex")
            .iter()
            .map(|frame| announced(frame))
            .collect();
        assert_eq!(run(config).1, theirs, "{case}");
    }
}

#[test]
fn a_peer_with_the_same_configuration_accepts_them() {
    for (case, config) in cases() {
        for frame in frames(case, "advert.hex") {
            let (source, destination, ttl, payload) = packet(&frame);
            let datagram = crate::vrrp::event::Datagram {
                interface: crate::net::IfIndex(1),
                source,
                destination,
                ttl: Some(ttl),
                claimed_len: payload.len(),
                id: 1,
                carrier: crate::vrrp::event::Carrier::Plain,
                payload,
            };
            let received = crate::vrrp::accept::accept(
                &config,
                &datagram,
                &mut crate::vrrp::accept::Memory::default(),
                Duration::ZERO,
            );
            let received = received.unwrap_or_else(|why| panic!("{case}: {why:?}"));
            assert_eq!(
                (received.priority, received.mismatch),
                (config.priority, None),
                "{case}"
            );
            assert_eq!(received.interval, config.advert_int, "{case}");
        }
    }
}

#[test]
fn no_captured_case_is_forgotten() {
    let mut captured: Vec<String> = std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    captured.sort();
    let ours: Vec<_> = cases().into_iter().map(|(case, _)| case.to_owned()).collect();
    assert_eq!(captured, ours);
    assert_eq!(endpoint::MULTICAST_TTL, 255);
}
