//! The scenarios of failover: who is master when, and what a master holds.

use crate::scenarios::{
    CHAOS, Scenario, auth, bfd, chaos, drift, elect, failover, families, garp, interop, net, operator,
    preempt, shapes, test, track, vectors, vmac,
};

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
        "drift-fallback",
        "what others remove of a MASTER makes it fall back and rise again, as keepalived does",
        drift::master::fallback,
    ),
    test(
        "drift-repair",
        "with drift_repair it is put back within a second and the MASTER stays, a few times within a minute",
        drift::master::repair,
    ),
    test(
        "drift-beside",
        "what others do to a MASTER by hand has the outcomes of the table in docs/drift.md, keepalived's column too",
        drift::beside::master,
    ),
    test(
        "drift-vmac",
        "others remove the link of a virtual MAC, which has the outcome of that table",
        drift::vmac::removed,
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
        "vectors",
        "adverts and announcements equal keepalived's, byte for byte",
        vectors::compare,
    ),
];
