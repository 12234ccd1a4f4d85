//! Any octets that reach a BFD session, at any time: no panic, and what is accepted is read as it would be written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::time::Duration;
use steadfast::bfd::config::{BfdConfig, SessionConfig};
use steadfast::bfd::event::Datagram;
use steadfast::bfd::packet::ControlPacket;
use steadfast::bfd::{Action, Engine, Event};
use steadfast::clock::Instant;

fuzz_target!(|input: &[u8]| {
    if let Ok(packet) = ControlPacket::read(input) {
        // What follows the packet within its length is not read.
        let mut packet_alone = input[..24].to_vec();
        packet_alone[3] = 24;
        assert_eq!(packet.bytes(), packet_alone[..]);
    }
    let session = SessionConfig {
        name: "fuzz".into(),
        neighbor: [192, 0, 2, 2].into(),
        source: None,
        min_rx: Duration::from_millis(10),
        min_tx: Duration::from_millis(20),
        idle_tx: Duration::from_secs(1),
        multiplier: 3,
        passive: input.len() % 2 == 0,
        ttl: 255,
        max_hops: None,
        multihop: false,
        weight: 0,
        reverse: false,
        vrrp: true,
        checker: true,
    };
    let port = session.port();
    let mut now = Instant::from_micros(1);
    let mut engine = Engine::new(now, BfdConfig { sessions: vec![session.clone()] }, 1);
    let mut last = false;
    // Each record: how it is meant, how long after the one before, and the packet.
    for record in input.chunks(27) {
        let [kind, wait_high, wait_low, packet @ ..] = record else {
            break;
        };
        now += Duration::from_millis(u16::from_be_bytes([*wait_high, *wait_low]).into());
        for _ in 0..64 {
            if engine.next_deadline().is_none_or(|at| at > now) {
                break;
            }
            engine.handle_timeout(now);
        }
        let mut payload = packet.to_vec();
        // Most of them good enough to reach the state machine.
        if kind % 8 != 0 && payload.len() == 24 {
            payload[0] = 0x20 | (payload[0] % 9);
            payload[3] = 24;
            if kind % 2 == 0 {
                let ours = engine.status(now).sessions[0].discriminator;
                payload[8..12].copy_from_slice(&ours.to_be_bytes());
            }
        }
        if *kind == 255 {
            engine.reload(now, BfdConfig { sessions: vec![session.clone()] });
        }
        engine.handle(
            now,
            Event::Datagram(Datagram {
                port,
                source: [192, 0, 2, 2].into(),
                destination: None,
                ttl: Some(*kind),
                payload,
            }),
        );
        while let Some(action) = engine.poll_action() {
            match action {
                Action::Open(id, _) => engine.handle(now, Event::Opened(id)),
                Action::Send(_, bytes) => assert!(ControlPacket::read(&bytes).is_ok()),
                Action::Report(report) => {
                    assert!(report.up || last, "down was not up");
                    last = report.up;
                }
                Action::Close(_) | Action::Tell(_) => {}
            }
        }
    }
});
