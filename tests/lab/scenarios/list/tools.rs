//! What is no test: for `make` and for those who watch, and what needs the kernel of the host.

use crate::bench;
use crate::scenarios::{Scenario, demo, filter, health, marks, on_host, tool, vectors};

pub const ALL: &[Scenario] = &[
    // Not a test: how long checks take depends on how busy the machine is.
    tool(
        "dead-rack",
        "two thousand back-ends that do not answer hold up no check of a live one",
        health::dead_rack,
    ),
    tool("demo", "the whole story, for make demo", demo::run),
    Scenario {
        ipvs: false,
        ..tool(
            bench::FAILOVER,
            "lateness of takeovers beside keepalived's, for make bench",
            bench::failover::run,
        )
    },
    Scenario {
        ipvs: false,
        ..tool(
            bench::ROUTERS,
            "memory and CPU with 200 routers beside keepalived's, for make bench",
            bench::routers::run,
        )
    },
    tool(
        bench::PAIR,
        "memory of a pair that balances beside keepalived's, for make bench",
        bench::pair::run,
    ),
    Scenario {
        ipvs: false,
        ..tool(
            bench::TAKEOVER,
            "takeover of thousands of routers beside keepalived's, for make bench",
            bench::takeover::run,
        )
    },
    Scenario {
        ipvs: false,
        ..tool(
            bench::BURDEN,
            "gaps between a burdened master's adverts beside keepalived's, for make bench",
            bench::burden::run,
        )
    },
    tool(
        bench::CHECKS,
        "CPU and adverts at 1,000 checks a second beside keepalived's, for make bench",
        bench::checks::run,
    ),
    tool(
        bench::POOL,
        "start and memory with 10,000 real servers beside keepalived's, for make bench",
        bench::pool::run,
    ),
    tool(
        bench::RELOAD,
        "adverts, time and CPU of reloads beside keepalived's, for make bench",
        bench::reload::run,
    ),
    tool(
        bench::DEATH,
        "removal of dead servers beside keepalived's, for make bench",
        bench::death::run,
    ),
    tool(
        "capture-vectors",
        "records keepalived's frames for tests/vectors",
        vectors::capture,
    ),
    on_host(
        "no-accept",
        "an address that does not accept is silent, and the filter goes with the daemon",
        filter::no_accept,
    ),
    on_host(
        "nftables",
        "the tables of nftables equal keepalived's",
        filter::ruleset,
    ),
    on_host(
        "marks",
        "what is sent to the addresses of groups gets their marks, in keepalived's tables",
        marks::tables,
    ),
];
