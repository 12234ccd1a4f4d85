//! What authentication remembers: a reload keeps the own numbers, and forgets what was received with a trailer.

use crate::vrrp::config::*;
use crate::vrrp::event::{Action, Completion, Event};
use crate::vrrp::testing::*;
use std::time::Duration;

const NOW: Duration = Duration::from_secs(1_800_000_000);

/// Handles `event`, or reloads `config`; the payloads that left.
fn sent(bench: &mut Bench, wall: Duration, act: Result<Event, &RouterConfig>) -> Vec<Vec<u8>> {
    bench.engine.wall_clock(bench.now, wall);
    match act {
        Ok(event) => bench.engine.handle(bench.now, event),
        Err(config) => bench.engine.reload(bench.now, one(config.clone())),
    }
    let mut payloads = Vec::new();
    while let Some(action) = bench.engine.poll_action() {
        match action {
            Action::Send(transmit) => payloads.push(transmit.payload),
            Action::Hold(order) => {
                let answer = Completion {
                    router: order.router,
                    generation: order.generation,
                    failed: vec![],
                };
                bench.engine.handle(bench.now, Event::Held(answer));
            }
            Action::Release(_) | Action::Announce(_) | Action::Notify(_) | Action::Tell(_) => {}
        }
    }
    payloads
}

/// The numbers of AH headers.
fn ah_numbers(payloads: &[Vec<u8>]) -> Vec<u32> {
    let number = |payload: &Vec<u8>| u32::from_be_bytes(payload[8..12].try_into().unwrap());
    payloads.iter().map(number).collect()
}

/// The numbers of trailers.
fn trailer_numbers(payloads: &[Vec<u8>]) -> Vec<u64> {
    let number = |payload: &Vec<u8>| {
        let trailer = payload.len() - 28;
        u64::from_be_bytes(payload[trailer + 4..trailer + 12].try_into().unwrap())
    };
    payloads.iter().map(number).collect()
}

/// A lower priority with a higher number is answered with the number after it, and a reload goes on from there.
/// Facts: 7.4, 7.5, 7.6
#[test]
fn a_master_goes_on_after_the_number_of_a_lower_priority() {
    let mut config = router("A", 51);
    config.auth = Auth::Ah(*b"secret\0\0");
    let mut bench = Bench::master(one(config.clone()));
    let lower = advert(&config, 50, "10.0.0.2");
    let lower = |number| Ok(Event::Datagram(sealed(&config, &lower, number, NOW)));
    assert_eq!(ah_numbers(&sent(&mut bench, NOW, lower(1_000))), [1_001]);
    let mut other = config.clone();
    other.higher_prio_send_advert = true;
    for (reloaded, number) in [(&config, 1_002), (&other, 1_003)] {
        assert_eq!(ah_numbers(&sent(&mut bench, NOW, Err(reloaded))), [number]);
    }
    // What was sent and received before the reloads is known as old.
    for old in [1_000, 1_001, 1_003] {
        assert_eq!(sent(&mut bench, NOW, lower(old)), [[0; 0]; 0]);
    }
    assert_eq!(bench.of("A").counters.auth_failure, 3);
    assert_eq!(ah_numbers(&sent(&mut bench, NOW, lower(2_000))), [2_001]);
}

/// The marks of others are gone after a reload, so that an old packet counts once more; the own number goes on, even when
/// the clock was set back.
/// Facts: 8.10
#[test]
fn a_reload_forgets_the_trailers_that_were_received() {
    let mut config = router("A", 51);
    config.packets.hmac = Some(HmacConfig {
        keys: vec![HmacKey {
            id: 7,
            octets: vec![0x5a; 32],
        }],
        active: 7,
        mode: HmacMode::Enforce,
        replay: Replay::Monotonic,
    });
    let mut bench = Bench::master(one(config.clone()));
    let lower = advert(&config, 50, "10.0.0.2");
    let lower = || Ok(Event::Datagram(sealed(&config, &lower, 0, NOW)));
    let first = trailer_numbers(&sent(&mut bench, NOW, lower()));
    assert_eq!(first.len(), 1, "it counts");
    assert_eq!(sent(&mut bench, NOW, lower()), [[0; 0]; 0], "a replay");
    assert_eq!(bench.of("A").counters.auth_ext_replay, 1);

    let earlier = NOW - Duration::from_secs(3_600);
    let own = trailer_numbers(&sent(&mut bench, earlier, Err(&config)));
    assert_eq!(own, [first[0] + 1], "the own number never goes back");
    assert_eq!(
        trailer_numbers(&sent(&mut bench, earlier, lower())),
        [first[0] + 2]
    );
    assert_eq!(
        bench.of("A").counters.auth_ext_replay,
        1,
        "the mark was forgotten"
    );
    assert_eq!(sent(&mut bench, earlier, lower()), [[0; 0]; 0], "and set again");
}
