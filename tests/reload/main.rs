//! Reloads by the thousand: generated configurations with every kind of block, random edits that make another of them, and
//! what is left after the reload compared with a cold start of the other.
//!
//! `RELOAD_SEED=n cargo test --test reload pairs` runs one history; `RELOAD_PAIRS=n` about so many pairs in place of
//! 20,000.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is a test's verdict"
)]

mod catalogue;
#[path = "../keywords/checkers.rs"]
mod checkers;
mod coverage;
mod edits;
mod history;
mod making;
mod net;
#[path = "../sim/rng.rs"]
mod rng;
mod routers;
mod services;
mod tree;
mod untouched;
mod world;

/// Reloads in one history.
const STEPS: u64 = 10;

/// 20,000 pairs A→B: the model after the reload equals a cold start of B apart from the state that must survive, and what
/// is equal in A and B was not touched.
///
/// Facts: 18.4, 18.5
/// LVS facts: 16.6
#[test]
fn pairs_end_as_a_cold_start_and_touch_only_what_changed() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    if let Some(seed) = number("RELOAD_SEED") {
        return history::run(seed, STEPS);
    }
    let seeds = number("RELOAD_PAIRS").unwrap_or(20_000).div_ceil(STEPS);
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let workers = u64::try_from(workers).unwrap();
    std::thread::scope(|scope| {
        for worker in 0..workers {
            let mine = (worker..seeds).step_by(usize::try_from(workers).unwrap());
            scope.spawn(move || {
                for seed in mine {
                    let told = std::panic::catch_unwind(|| history::run(seed, STEPS));
                    assert!(told.is_ok(), "RELOAD_SEED={seed} fails, see above");
                }
            });
        }
    });
}

/// A→B→A a thousand times: the engines hold as much afterwards as in the beginning.
#[test]
fn a_thousand_times_there_and_back_leaves_nothing_behind() {
    for seed in 0..12 {
        history::there_and_back(seed, 1_000);
    }
}
