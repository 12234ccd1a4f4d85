//! The scenarios of the daemon around both: start, reload, end, notifications, dumps.

use crate::scenarios::{
    Scenario, daemon, dumps, hitless, notify, operator, outlet, planned, reload_leaks, reloads, restart,
    resumed, run, settings, start, tell, test, watchdog,
};

pub const ALL: &[Scenario] = &[
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
        "restart-shapes",
        "families, named peers, VMACs, groups, routes and rules, authentication: all go on, with keepalived as the backup",
        resumed::shapes,
    ),
    test(
        "restart-at-once",
        "killed and started twenty times, each before the kernel has taken the last one apart",
        resumed::at_once,
    ),
    test(
        "notify",
        "scripts of instances and groups get exactly keepalived's words",
        notify::scripts,
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
        "reload",
        "a reload, with and without changes, leaves the master master",
        operator::reload,
    ),
    test(
        "plan-observed",
        "what `plan` says of an edit is what the kernel and the network see of its reload, and nothing else",
        planned::observed,
    ),
    test(
        "plan-observed-vrrp",
        "the same of IPv6, unicast, virtual MACs, sync groups, notifications and BFD",
        planned::routers,
    ),
    test(
        "plan-observed-ipvs",
        "the same of groups and marks, quorums and sorry servers, and the kernel's sync daemons",
        planned::services,
    ),
    test(
        "reload-left-overs",
        "an instance that a reload brings removes what an earlier run has left of it, and asks for nothing else",
        planned::left_overs,
    ),
    test(
        "config-test",
        "-t gives keepalived's exit codes",
        operator::config_test,
    ),
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
    test(
        "watchdog",
        "the watchdog is fed while all planes turn, and a plane that stands still is named",
        watchdog::starved,
    ),
    test(
        "reload-traffic",
        "200 reloads of everything else lose a client nothing, and the backup never becomes master",
        hitless::under_traffic,
    ),
    test(
        "reload-leaks",
        "hundreds of reloads of two rich configurations by turns leave nothing behind (make leaks: a thousand)",
        reload_leaks::there_and_back,
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
    test(
        "priorities",
        "threads run with the priorities, processors, names and memory of the file, scripts as usual",
        run::priorities,
    ),
];
