//! Twenty thousand checkers in one engine, on virtual time.

use super::*;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

const SERVICES: usize = 200;
const SERVERS: usize = 100;
const LOOP: Duration = Duration::from_secs(60);

fn crowd() -> CheckConfig {
    let services = (0..SERVICES).map(|service_number| {
        let servers = (0..SERVERS).map(|n| {
            let address = format!("10.1.{service_number}.{n}:80");
            let checker = CheckerConfig {
                delay_loop: LOOP,
                warmup: LOOP,
                ..tcp(&address)
            };
            RealServerConfig {
                notify_up: None,
                notify_down: None,
                ..real_server(&address, vec![checker])
            }
        });
        service(&format!("10.0.{service_number}.1:80"), servers.collect())
    });
    config(services.collect())
}

/// How long the n-th probe takes: most answer fast, every tenth not within its five seconds.
fn latency(n: usize) -> Duration {
    if n.is_multiple_of(10) {
        Duration::from_secs(5)
    } else {
        Duration::from_millis(20)
    }
}

/// Every checker comes in its time, their starts are spread, and no more are on their way than their answers take.
///
/// LVS facts: 4.2
#[test]
fn twenty_thousand_checkers_come_in_their_times() {
    let total = SERVICES * SERVERS;
    let mut engine = Engine::new(Instant::from_micros(0), crowd(), 7);
    while engine.poll_action().is_some() {}
    let mut flight: BinaryHeap<Reverse<(Instant, CheckerId)>> = BinaryHeap::new();
    let mut starts: BTreeMap<CheckerId, Vec<Instant>> = BTreeMap::new();
    let mut in_second: BTreeMap<u64, usize> = BTreeMap::new();
    let (mut most, mut asked, mut actions) = (0, 0_usize, 0_usize);
    let end = Instant::from_micros(190_000_000);
    loop {
        let due = engine.next_deadline();
        let answer = flight.peek().map(|Reverse((at, _))| *at);
        let Some(now) = due.into_iter().chain(answer).min().filter(|at| *at < end) else {
            break;
        };
        if answer == Some(now)
            && let Some(Reverse((_, checker))) = flight.pop()
        {
            let event = Event::Outcome {
                checker,
                url: 0,
                outcome: ProbeOutcome::OK,
            };
            engine.handle(now, event);
        } else {
            engine.handle_timeout(now);
        }
        while let Some(action) = engine.poll_action() {
            actions += 1;
            if let Action::Start(order) = action {
                flight.push(Reverse((now + latency(asked), order.checker)));
                starts.entry(order.checker).or_default().push(now);
                *in_second.entry(now.as_micros() / 1_000_000).or_default() += 1;
                asked += 1;
            }
        }
        most = most.max(flight.len());
    }
    assert_eq!(starts.len(), total, "each was asked");
    for times in starts.values() {
        assert!(times.len() >= 2, "{times:?}");
        for pair in times.windows(2) {
            let gap = pair[1].since(pair[0]);
            assert!(gap >= LOOP && gap <= LOOP + Duration::from_secs(5), "{gap:?}");
        }
    }
    // 333 a second on average, each on its way for half a second on average.
    let busiest = in_second.values().max().copied().unwrap_or_default();
    assert!(busiest < 500, "{busiest} in one second");
    assert!(most < 333, "{most} at a time");
    // A good answer says a line at first and nothing later: nothing grows with the number of all.
    assert!(actions <= asked + total, "{actions} actions for {asked} probes");
}

/// There are tens of thousands: what is seldom set is behind a pointer, and what all have is there once.
#[test]
fn a_server_with_its_checker_is_small() {
    assert!(size_of::<RealServer>() <= 184, "{}", size_of::<RealServer>());
    assert!(size_of::<Checker>() <= 208, "{}", size_of::<Checker>());
    assert!(size_of::<ProbeConfig>() <= 128, "{}", size_of::<ProbeConfig>());
}
