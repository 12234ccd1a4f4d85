//! The scenarios of load balancing: checkers, pools, and the table of IPVS.

use crate::scenarios::{
    Scenario, bfd, drift, genhash, health, http, ipvs, kept, killed, life, marks, mastership, namespace,
    probes, refusals, sync, tables, test, traffic, web,
};

pub const ALL: &[Scenario] = &[
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
        drift::table::ipvs,
    ),
    test(
        "drift-beside-ipvs",
        "what others do to the table of IPVS has the outcomes of the table in docs/drift.md, keepalived's column too",
        drift::beside_ipvs::all,
    ),
    test(
        "drift-foreign",
        "services of others survive reloads, states, failing checks, stops, a SIGKILL, a plane that dies, and the starts after",
        drift::foreign::survives,
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
        "marks-or-addresses",
        "a group is told by its mark, or by its addresses where the kernel marks nothing",
        marks::or_addresses,
    ),
];
