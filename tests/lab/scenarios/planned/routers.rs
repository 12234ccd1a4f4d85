//! Edits of what virtual routers have beside addresses of IPv4 on an interface: IPv6, unicast, virtual MACs, groups,
//! notifications, BFD.

use super::model::{Goods, Router, Session, State};
use super::pairs::{Edit, GLOBALS, edit};

/// What runs first.
pub fn base() -> State {
    let first = Router::new("VI_1", 51, 150, &["192.0.2.100/24", "192.0.2.101/24"]);
    let six = Router::new("VI_6", 61, 140, &["fe80::100/64", "2001:db8::100/64"]);
    let mut unicast = Router::new("VI_U", 71, 130, &["192.0.2.150/24"]);
    unicast.peers = vec!["192.0.2.41".into()];
    State {
        globals: GLOBALS.map(Into::into).to_vec(),
        remark: "the first".into(),
        scripts: Vec::new(),
        groups: Vec::new(),
        statics: Goods::default(),
        sessions: Vec::new(),
        routers: vec![first, six, unicast],
        pools: Vec::new(),
        services: Vec::new(),
    }
}

fn first(state: &mut State) -> &mut Router {
    &mut state.routers[0]
}

fn six(state: &mut State) -> &mut Router {
    &mut state.routers[1]
}

fn unicast(state: &mut State) -> &mut Router {
    &mut state.routers[2]
}

fn global(state: &mut State, line: &str) {
    state.globals.push(line.into());
}

fn group(state: &mut State, name: &str, members: &str, more: &str) {
    state.groups = vec![format!(
        "vrrp_sync_group {name} {{\n    group {{\n        {members}\n    }}\n    {more}\n}}"
    )];
}

/// All of them, in the order in which they are made.
pub const ALL: &[Edit] = &[
    edit("nothing", |_| {}),
    // IPv6.
    edit("an address of IPv6 comes", |state| {
        six(state).goods.addresses.push("2001:db8::101/64".into());
    }),
    edit("another prefix of IPv6", |state| {
        six(state).goods.addresses[2] = "2001:db8::101/80".into();
    }),
    edit("an address of IPv6 goes", |state| {
        drop(six(state).goods.addresses.pop())
    }),
    edit("a route and a rule of IPv6 come", |state| {
        let goods = &mut six(state).goods;
        goods
            .routes
            .push("2001:db8:20::/48 via 2001:db8::7 dev eth0".into());
        goods
            .rules
            .push("from 2001:db8:30::/48 table 7 preference 100".into());
    }),
    edit("a route and a rule of IPv6 go", |state| {
        six(state).goods.routes.clear();
        six(state).goods.rules.clear();
    }),
    edit("the priority of IPv6", |state| six(state).priority = 120),
    edit("an instance of IPv6 comes", |state| {
        let addresses = ["fe80::120/64", "2001:db8::120/64"];
        state.routers.push(Router::new("VI_7", 62, 100, &addresses));
    }),
    edit("its VRID", |state| state.routers[3].vrid = 63),
    edit("it goes", |state| drop(state.routers.pop())),
    // Unicast.
    edit("a peer comes", |state| {
        unicast(state).peers.push("192.0.2.42".into())
    }),
    edit("a peer goes", |state| drop(unicast(state).peers.remove(0))),
    edit("another peer", |state| {
        unicast(state).peers = vec!["192.0.2.41".into()]
    }),
    edit("how far adverts go", |state| {
        unicast(state).more.push("unicast_ttl 7".into());
    }),
    edit("multicast", |state| {
        unicast(state).peers.clear();
        unicast(state).more.clear();
    }),
    edit("unicast", |state| {
        unicast(state).peers = vec!["192.0.2.41".into(), "192.0.2.42".into()];
    }),
    edit("a unicast instance of IPv6 comes", |state| {
        let mut router = Router::new("VI_8", 72, 110, &["fe80::130/64", "2001:db8::130/64"]);
        router.peers = vec!["2001:db8::41".into()];
        state.routers.push(router);
    }),
    edit("it has another peer", |state| {
        state.routers[3].peers = vec!["2001:db8::42".into()];
    }),
    edit("it is no more", |state| drop(state.routers.pop())),
    // Virtual MACs.
    edit("a virtual MAC", |state| {
        first(state).vmac = Some("vrrp.51".into())
    }),
    edit("an address comes with it", |state| {
        first(state).goods.addresses.push("192.0.2.102/24".into());
    }),
    edit("adverts by the interface below", |state| {
        first(state).more.push("vmac_xmit_base".into());
    }),
    edit("another name of the link", |state| {
        first(state).vmac = Some("vmac51".into());
    }),
    edit("no virtual MAC", |state| {
        first(state).vmac = None;
        first(state).more.clear();
    }),
    edit("a virtual MAC of IPv6", |state| {
        six(state).vmac = Some("vrrp6.61".into());
    }),
    edit("no virtual MAC of IPv6", |state| six(state).vmac = None),
    edit("an instance with a virtual MAC comes", |state| {
        let mut router = Router::new("VI_9", 53, 100, &["192.0.2.140/24"]);
        router.vmac = Some("vrrp.53".into());
        state.routers.push(router);
    }),
    edit("the instance with a virtual MAC goes", |state| {
        drop(state.routers.pop())
    }),
    // Groups.
    edit("a group", |state| group(state, "G", "VI_1 VI_6 VI_U", "")),
    edit("a member leaves", |state| group(state, "G", "VI_1 VI_6", "")),
    edit("a member joins", |state| group(state, "G", "VI_1 VI_6 VI_U", "")),
    edit("another name of the group", |state| {
        group(state, "H", "VI_1 VI_6 VI_U", "")
    }),
    edit("a script of the group", |state| {
        group(state, "H", "VI_1 VI_6 VI_U", "notify_master /bin/true");
    }),
    edit("the group tracks an interface", |state| {
        let more = "track_interface {\n        dummy0\n    }";
        group(state, "H", "VI_1 VI_6 VI_U", more);
    }),
    edit("no group", |state| state.groups.clear()),
    // Notifications.
    edit("mail", |state| {
        global(state, "notification_email {\n        ops@example.org\n    }");
        global(state, "notification_email_from lab@example.org");
        global(state, "smtp_server 192.0.2.41");
    }),
    edit("another mail server", |state| {
        *state.globals.last_mut().expect("a line") = "smtp_server 192.0.2.42".into();
    }),
    edit("mail of an instance", |state| {
        first(state).more.push("smtp_alert".into())
    }),
    edit("no mail", |state| {
        first(state).more.clear();
        state.globals.truncate(GLOBALS.len());
    }),
    edit("a FIFO", |state| global(state, "vrrp_notify_fifo /tmp/told")),
    edit("another FIFO", |state| {
        state.globals.pop();
        global(state, "vrrp_notify_fifo /tmp/elsewhere");
    }),
    edit("no FIFO", |state| drop(state.globals.pop())),
    edit("scripts of an instance", |state| {
        let scripts = [
            "notify_backup /bin/true",
            "notify_fault /bin/true",
            "notify /bin/true",
        ];
        first(state).more.extend(scripts.map(Into::into));
    }),
    edit("another script of an instance", |state| {
        first(state).more = vec!["notify_backup \"/bin/true again\"".into()];
    }),
    edit("no script of an instance", |state| first(state).more.clear()),
    // BFD.
    edit("a session", |state| {
        state.sessions.push(Session::new("B", "192.0.2.41"))
    }),
    edit("it is tracked", |state| {
        first(state)
            .more
            .push("track_bfd {\n        B weight -20\n    }".into());
    }),
    edit("its patience", |state| state.sessions[0].multiplier = 7),
    edit("a session of IPv6", |state| {
        state.sessions.push(Session::new("C", "2001:db8::41"));
    }),
    edit("a session with another neighbor", |state| {
        state.sessions[0].neighbor = "192.0.2.42".into();
    }),
    edit("nobody tracks it", |state| first(state).more.clear()),
    edit("no sessions", |state| state.sessions.clear()),
    edit("a tracked file", |state| {
        state
            .scripts
            .push("track_file F {\n    file /tmp/number\n    init_file 3\n}".into());
        first(state)
            .more
            .push("track_file {\n        F weight 2\n    }".into());
    }),
    edit("no tracked file", |state| {
        state.scripts.clear();
        first(state).more.clear();
    }),
    // Several at once.
    edit("much at once", |state| {
        first(state).vmac = Some("vrrp.51".into());
        six(state).goods.addresses.push("2001:db8::103/64".into());
        unicast(state).peers.remove(0);
        state.sessions.push(Session::new("D", "192.0.2.41"));
        group(state, "G", "VI_1 VI_6", "");
        let mut router = Router::new("VI_9", 53, 100, &["192.0.2.140/24"]);
        router.goods.routes = vec!["10.50.0.0/16 via 192.0.2.7 dev eth0".into()];
        router.goods.rules = vec!["from 10.51.0.0/16 table 7 preference 150".into()];
        state.routers.push(router);
    }),
];
