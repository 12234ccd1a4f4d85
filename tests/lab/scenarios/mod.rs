//! The scenarios: what must happen on a real network, one file a scenario or a small family.

mod auth;
mod bfd;
mod chaos;
pub mod conf;
mod daemon;
mod demo;
mod drift;
mod dumps;
mod elect;
mod expect;
mod failover;
mod families;
mod filter;
mod garp;
mod genhash;
mod health;
mod hitless;
mod http;
mod interop;
mod ipvs;
mod kept;
mod killed;
mod life;
mod marks;
mod mastership;
mod namespace;
mod net;
mod notify;
mod operator;
mod outlet;
mod preempt;
mod probes;
mod refusals;
mod reloads;
mod restart;
mod run;
mod settings;
mod shapes;
mod start;
mod stranger;
mod sync;
mod tables;
mod tell;
mod track;
mod traffic;
mod vectors;
mod vmac;
mod watchdog;
mod web;

use crate::bench;
use std::path::Path;

pub struct Scenario {
    pub name: &'static str,
    pub about: &'static str,
    /// Whether it is a test, rather than a service of the lab.
    pub in_tests: bool,
    /// Whether it needs IPVS; without, a privileged host's own kernel will do.
    pub ipvs: bool,
    pub run: fn(),
}

pub const ALL: &[Scenario] = &[
    test(
        "failover-host",
        "the master's host is lost: takeover on time, the client's requests move",
        failover::host,
    ),
    test(
        "failover-daemon",
        "the master's daemon is killed, its address left over, and it comes back",
        failover::daemon,
    ),
    test(
        "failover-term",
        "the master is stopped: it hands over with priority 0",
        failover::term,
    ),
    test(
        "one-way",
        "loss in one direction makes two masters, who agree again when it ends",
        failover::one_way,
    ),
    test(
        "preempt",
        "a higher priority takes over after its master-down time",
        preempt::preempt,
    ),
    test(
        "nopreempt",
        "with nopreempt it waits for the master's end",
        preempt::nopreempt,
    ),
    test(
        "preempt-delay",
        "with preempt_delay it waits that long first",
        preempt::delay,
    ),
    test(
        "track-script",
        "a weighted script lowers the priority, one without weight means fault",
        track::script,
    ),
    test(
        "track-file",
        "the number in a file moves the priority or means fault, of an instance and of a group",
        track::file,
    ),
    test(
        "track-process",
        "a process that runs raises the priority, one that does not means fault",
        track::process,
    ),
    test(
        "track-interface",
        "a tracked interface or the own one loses its carrier",
        track::interface,
    ),
    test(
        "sync-group",
        "two instances of a group move together",
        track::sync_group,
    ),
    test(
        "health",
        "each checker takes a real server out and back; dynamic weights",
        health::checkers,
    ),
    test(
        "health-pool",
        "sorry server, quorum, inhibition, alpha, marks, and their scripts",
        health::pool,
    ),
    test(
        "ipvs-schedulers",
        "the table of IPVS equals keepalived's: each scheduler with each flag",
        tables::schedulers,
    ),
    test(
        "ipvs-methods",
        "and so for each way to the servers, tunnels of every type and both families",
        tables::methods,
    ),
    test(
        "ipvs-persistence",
        "for persistence in every form",
        tables::persistence,
    ),
    test(
        "ipvs-pools",
        "for pools with all kinds of quorum, inhibition, sorry server and weight",
        tables::pools,
    ),
    test(
        "ipvs-services",
        "for services of every kind, groups, and mistakes that are put right",
        tables::services,
    ),
    test(
        "ipvs-granularity",
        "the granularity of a group's services, which keepalived 2.2.7 loses",
        tables::granularity_of_groups,
    ),
    test(
        "ipvs-refusals",
        "what the kernel refuses is said in keepalived's words, once, and tried again",
        refusals::refusals,
    ),
    test(
        "ipvs-missing",
        "a daemon that needs IPVS ends where the kernel has none",
        refusals::missing,
    ),
    test(
        "ipvs-changes",
        "and it still does when servers fail and recover",
        ipvs::changes,
    ),
    test(
        "ipvs-survives",
        "and over reloads and crashes; the services of others are left alone",
        ipvs::survives,
    ),
    test(
        "drift-ipvs",
        "what others remove of the table of IPVS is there again within a second, what is theirs is left",
        drift::ipvs,
    ),
    test(
        "drift-fallback",
        "what others remove of a MASTER makes it fall back and rise again, as keepalived does",
        drift::fallback,
    ),
    test(
        "drift-repair",
        "with drift_repair it is put back within a second and the MASTER stays, a few times within a minute",
        drift::repair,
    ),
    test(
        "life",
        "log, FIFOs, scripts, mails and the table when servers and quorums come and go, as keepalived's",
        life::acts,
    ),
    test(
        "life-start",
        "the same at a start that tells of servers, with mails of servers only",
        life::start,
    ),
    test(
        "kept",
        "what makes a checker the same at a reload, as keepalived has it",
        kept::beside_keepalived,
    ),
    test(
        "ha-suspend",
        "checks run while the virtual address is here, as keepalived's",
        life::suspend,
    ),
    test(
        "while-master",
        "IPVS has a virtual server only on the director whose instance is MASTER",
        mastership::follows,
    ),
    test(
        "traffic-nat",
        "through NAT: who answers new and lasting conversations while servers fail and are drained",
        traffic::nat,
    ),
    test("traffic-dr", "the same by direct routing", traffic::direct),
    test(
        "traffic-tun",
        "the same through tunnels: IPIP, its kin of IPv6 and of both, GUE, GRE",
        traffic::tunnel,
    ),
    test(
        "connection-sync",
        "a conversation goes on through the backup, whose kernel has heard of the connection",
        sync::connection,
    ),
    test(
        "sync-daemons",
        "the kernel's sync daemons are keepalived's, in every state of their instance and after every reload",
        sync::daemons_beside,
    ),
    test(
        "lvs-timeouts",
        "the kernel's timeouts are set as keepalived sets them, and as before when it ends",
        sync::timeouts,
    ),
    test(
        "ssl-get",
        "SSL_GET accepts the servers that keepalived's does: old suites and versions, certificates of clients",
        web::tls,
    ),
    test(
        "ssl-block",
        "an SSL block that is of no use ends a start, as keepalived's, and refuses a reload",
        web::ssl_block,
    ),
    test(
        "lvs-flush",
        "the table is emptied at the start and at the end where keepalived empties it",
        sync::flush,
    ),
    test(
        "lvs-killed",
        "a daemon that is killed leaves the table and its connections, and the next start takes them over",
        killed::table,
    ),
    test(
        "restart-killed",
        "a master that is killed and comes back in time is noticed by no connection and no backup",
        restart::killed,
    ),
    test(
        "restart-handover-none",
        "nor is one that is told to leave everything",
        restart::handover_none,
    ),
    test(
        "restart-refused",
        "what keeps the next start from going on as master",
        restart::refused,
    ),
    test(
        "ipvs-namespace",
        "IPVS is in a network namespace of its own: traffic goes through it, checks through the daemon's",
        namespace::named,
    ),
    test(
        "ipvs-namespace-start",
        "and where the daemon was started, while the daemon has gone into another one",
        namespace::of_the_start,
    ),
    test(
        "group-removed",
        "a group that a reload removes: the log says what keepalived's says",
        ipvs::group_removed,
    ),
    test(
        "http-requests",
        "HTTP_GET asks with keepalived's bytes",
        http::requests,
    ),
    Scenario {
        ipvs: false,
        ..test(
            "genhash",
            "genhash asks and prints what keepalived's does, over HTTP and HTTPS",
            genhash::beside_keepalived,
        )
    },
    test(
        "script-overdue",
        "a script that runs too long is killed with its grandchildren, as keepalived's",
        health::overdue,
    ),
    test(
        "bfd-check",
        "a real server comes and goes with its BFD session, as keepalived's",
        bfd::check,
    ),
    test(
        "checkers",
        "each checker beside keepalived's: verdicts, attempts, words",
        probes::beside_keepalived,
    ),
    test(
        "ipv6",
        "a pair with IPv6 addresses that balances over IPv6",
        families::ipv6,
    ),
    test(
        "unicast",
        "a pair that speaks to its peers' addresses only",
        families::unicast,
    ),
    test(
        "vmac",
        "virtual MACs of both families: the station stays, whoever is master",
        vmac::pair,
    ),
    test(
        "vmac-interop",
        "the same with keepalived as the other half",
        vmac::interop,
    ),
    test(
        "vmac-care",
        "links are put right, made again, removed; the kernel's settings are restored",
        vmac::care,
    ),
    test(
        "vmac-kinds",
        "adverts by the interface below, ipvlans, virtual MACs on other interfaces",
        vmac::kinds,
    ),
    test(
        "vmac-leftover",
        "a virtual MAC that a crash has left is taken over",
        vmac::leftover,
    ),
    test(
        "notify",
        "scripts of instances and groups get exactly keepalived's words",
        notify::scripts,
    ),
    test(
        "ah-backup",
        "with AH, keepalived is master and it is backup; they change places and back",
        auth::ah_backup,
    ),
    test(
        "ah-master",
        "with AH, it is master and keepalived is backup; they change places and back",
        auth::ah_master,
    ),
    test(
        "auth-hmac",
        "two directors with auth_hmac get a new key; a wrong one is not believed",
        auth::hmac_pair,
    ),
    test(
        "peer-ttl",
        "a unicast peer counts within its min_ttl and max_ttl",
        auth::peer_ttl,
    ),
    test(
        "tell",
        "scripts, FIFOs and mails tell what keepalived tells, act by act",
        tell::compare,
    ),
    test(
        "fifo",
        "readers of a FIFO come and go; a full one holds up nothing",
        outlet::fifo,
    ),
    test(
        "life-scripts",
        "the scripts of the start and the end, and their limits",
        outlet::life,
    ),
    test(
        "script-security",
        "scripts that others could change are named, with the remedy, and not run",
        outlet::unsafe_scripts,
    ),
    test(
        "upkeep",
        "the directory of pid files, the file creation mask, the mark of a reload",
        outlet::upkeep,
    ),
    test(
        "interop-backup",
        "keepalived is master, the daemon its backup, in every dialect",
        interop::backup,
    ),
    test(
        "interop-master",
        "the daemon is master, keepalived its backup, in every dialect",
        interop::master,
    ),
    test(
        CHAOS,
        "random kills, stops, pauses and cuts of a mixed pair: one master each after every round (make soak)",
        chaos::mixed,
    ),
    test(
        "sync-three",
        "a group of three on three segments: the fault of one is everybody's",
        shapes::three,
    ),
    test(
        "crowd",
        "250 routers on an interface are all taken over",
        shapes::crowd,
    ),
    test(
        "interface-kinds",
        "VLAN, bond and dummy interfaces carry a router, with keepalived as the other half",
        shapes::kinds,
    ),
    test(
        "unicast-routed",
        "unicast peers with a router between them, one of them keepalived",
        shapes::routed,
    ),
    test(
        "reload",
        "a reload, with and without changes, leaves the master master",
        operator::reload,
    ),
    test(
        "config-test",
        "-t gives keepalived's exit codes",
        operator::config_test,
    ),
    test(
        "paused",
        "a paused master listens before it speaks",
        operator::paused,
    ),
    test(
        "sigstop",
        "a master stopped for five seconds hears all before it says a word",
        elect::sigstop,
    ),
    test(
        "link-flap",
        "the master's link flaps for ten seconds: one master, nothing lost or kept",
        elect::link_flap,
    ),
    test(
        "duplicate-vrid",
        "strangers with our VRID: what is counted, what is remarked, who wins",
        elect::duplicate_vrid,
    ),
    Scenario {
        ipvs: false,
        ..test(
            "garp-schedule",
            "addresses are announced when, how often and in the order that keepalived does it",
            garp::schedule,
        )
    },
    test(
        "startup-delay",
        "with vrrp_startup_delay nobody is master before it has run out",
        elect::startup_delay,
    ),
    test(
        "vip-deleted",
        "the operator deletes the virtual address: step down, new election",
        operator::vip_deleted,
    ),
    Scenario {
        ipvs: false,
        ..test(
            "net-tables",
            "addresses, routes and rules equal keepalived's, for many configurations",
            net::tables,
        )
    },
    Scenario {
        ipvs: false,
        ..test(
            "net-drift",
            "others remove addresses, routes and rules; static entries; interfaces that come back",
            net::drift,
        )
    },
    Scenario {
        ipvs: false,
        ..test(
            "net-flushed",
            "all addresses of a master flushed; its interface deleted and made again",
            net::flushed,
        )
    },
    Scenario {
        ipvs: false,
        ..test(
            "net-overrun",
            "messages of the kernel are lost: what is gone is put again",
            net::overrun,
        )
    },
    Scenario {
        ipvs: false,
        ..test(
            "net-order",
            "in which order addresses, routes and rules come and go",
            net::order,
        )
    },
    Scenario {
        ipvs: false,
        ..test(
            "net-late",
            "a route whose interface is down when its router becomes MASTER comes with it",
            net::late,
        )
    },
    Scenario {
        ipvs: false,
        ..test(
            "net-others",
            "a static entry that was there before is left; a virtual address becomes static",
            net::others,
        )
    },
    Scenario {
        ipvs: false,
        ..test(
            "net-duplicate",
            "a virtual address that another host has too is named, and held once it is free",
            net::duplicate,
        )
    },
    test(
        "start-once",
        "a second start says so and leaves the first alone; pid files",
        start::once,
    ),
    test(
        "start-exit-codes",
        "a start that cannot be gives keepalived's exit code",
        start::exit_codes,
    ),
    test(
        "start-background",
        "without -n the starter returns and the daemon goes on",
        start::background,
    ),
    test(
        "start-privileges",
        "a missing capability is named, with what it is needed for",
        start::privileges,
    ),
    test(
        "start-manager",
        "the service manager hears of start, reload and stop",
        start::service_manager,
    ),
    test(
        "start-halves",
        "-P and -C run one half, -V and -I leave what it made",
        start::halves,
    ),
    test(
        "start-dump",
        "-d dumps to the log; -t -d prints a configuration that is one",
        start::dump_conf,
    ),
    test(
        "plane-panic",
        "the VRRP plane panics: priority 0, nothing left, exit code 70",
        daemon::plane_panic,
    ),
    test(
        "broken-reloads",
        "more than a thousand broken files, one after another, are refused, and nothing else happens",
        reloads::broken,
    ),
    // Not a test: on a machine that is busy with other things the guest's one processor has no time for the traffic.
    tool(
        "reload-traffic",
        "200 reloads of everything else lose a client nothing, and the backup never becomes master",
        hitless::under_traffic,
    ),
    test(
        "watchdog",
        "the watchdog is fed while all planes turn, and a plane that stands still is named",
        watchdog::starved,
    ),
    test(
        "reload-check",
        "reload_check_config: a file with any mistake is refused, and what is wrong is written down",
        reloads::check_config,
    ),
    test(
        "reload-time",
        "reload_time_file: both daemons reload at the time that the file holds",
        reloads::time_file,
    ),
    test(
        "reload-users",
        "a script that stands before script_user is run as that user after a reload, too",
        reloads::script_users,
    ),
    test(
        "bad-reload",
        "a reload of a file that cannot be run changes nothing",
        daemon::bad_reload,
    ),
    test(
        "stop-busy",
        "a stop does not wait for checks in flight",
        daemon::stop_busy,
    ),
    test(
        "dumps",
        "dumps for their owner only, without secrets, and through no link",
        dumps::files,
    ),
    test(
        "dump-labels",
        "every label of a dump is keepalived's",
        dumps::labels,
    ),
    test(
        "dump-statistics",
        "the counters agree with the wire, and can be cleared",
        dumps::statistics,
    ),
    Scenario {
        ipvs: false,
        ..test(
            "dump-settings-vrrp",
            "what is dumped of many VRRP files equals keepalived's, field by field",
            settings::vrrp,
        )
    },
    test(
        "dump-settings-lvs",
        "what is dumped of many files of virtual servers equals keepalived's, field by field",
        settings::lvs,
    ),
    Scenario {
        ipvs: false,
        ..test(
            "bfd-keepalived",
            "BFD with keepalived over IPv4 and IPv6: up, lost in time, up again",
            bfd::keepalived,
        )
    },
    Scenario {
        ipvs: false,
        ..test("bfd-bird", "BFD with BIRD, single hop and multihop", bfd::bird)
    },
    Scenario {
        ipvs: false,
        ..test(
            "bfd-track",
            "a BFD session moves a priority, and decides about FAULT",
            bfd::track,
        )
    },
    test(
        "priorities",
        "threads run with the priorities, processors, names and memory of the file, scripts as usual",
        run::priorities,
    ),
    test(
        "vectors",
        "adverts and announcements equal keepalived's, byte for byte",
        vectors::compare,
    ),
    test(
        "marks-or-addresses",
        "a group is told by its mark, or by its addresses where the kernel marks nothing",
        marks::or_addresses,
    ),
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

/// The scenario that takes as long as one likes.
pub const CHAOS: &str = "chaos";

/// What a guest needs of the host.
pub fn bring(scenario: &str, shared: &Path) {
    if scenario == CHAOS {
        chaos::bring(shared);
    }
}

pub fn named(name: &str) -> Option<&'static Scenario> {
    ALL.iter().find(|scenario| scenario.name == name)
}

/// What needs more of a kernel than that of user-mode Linux has: for root, on the host's.
const fn on_host(name: &'static str, about: &'static str, run: fn()) -> Scenario {
    Scenario {
        name,
        about,
        in_tests: false,
        ipvs: false,
        run,
    }
}

const fn test(name: &'static str, about: &'static str, run: fn()) -> Scenario {
    Scenario {
        name,
        about,
        in_tests: true,
        ipvs: true,
        run,
    }
}

const fn tool(name: &'static str, about: &'static str, run: fn()) -> Scenario {
    Scenario {
        name,
        about,
        in_tests: false,
        ipvs: true,
        run,
    }
}
