//! The edits: each changes the configuration that runs, and so makes a pair of it and the next.

use super::model::{Goods, Router, Server, Service, State};

/// Of `global_defs`: what runs first has no patience.
pub const GLOBALS: [&str; 5] = [
    "router_id lab",
    "script_user root",
    "enable_script_security",
    "vrrp_garp_master_delay 0",
    "vrrp_garp_master_repeat 1",
];

pub struct Edit {
    pub name: &'static str,
    pub make: fn(&mut State),
}

/// What runs first.
pub fn base() -> State {
    let mut first = Router::new("VI_1", 51, 150, &["192.0.2.100/24", "192.0.2.101/24"]);
    first.excluded = vec!["192.0.2.110/24".into()];
    first.goods.routes = vec!["10.20.0.0/16 via 192.0.2.7 dev eth0".into()];
    first.goods.rules = vec!["from 10.30.0.0/16 table 7 preference 100".into()];
    let mut second = Router::new("VI_2", 52, 120, &["192.0.2.120/24"]);
    second.version = 2;
    second.interval = "1".into();
    second.more = vec![secret("first")];
    State {
        globals: GLOBALS.map(Into::into).to_vec(),
        remark: "the first".into(),
        scripts: Vec::new(),
        groups: Vec::new(),
        statics: Goods::default(),
        sessions: Vec::new(),
        pools: Vec::new(),
        routers: vec![first, second],
        services: vec![
            Service::new(80, &[Server::checked(11), Server::checked(12)]),
            Service::new(81, &[Server::new(11), Server::new(12), Server::new(13)]),
        ],
    }
}

pub fn secret(word: &str) -> String {
    format!("authentication {{\n        auth_type PASS\n        auth_pass {word}\n    }}")
}

fn first(state: &mut State) -> &mut Router {
    let mut routers = state.routers.iter_mut();
    routers.find(|router| router.vrid == 51).expect("the first")
}

fn second(state: &mut State) -> &mut Router {
    let mut routers = state.routers.iter_mut();
    routers.find(|router| router.vrid == 52).expect("the second")
}

fn addresses(state: &mut State) -> &mut Vec<String> {
    &mut first(state).goods.addresses
}

fn more(state: &mut State, line: &str) {
    first(state).more.push(line.into());
}

fn global(state: &mut State, line: &str) {
    state.globals.push(line.into());
}

fn server(state: &mut State, service: usize, server: usize) -> &mut Server {
    &mut state.services[service].servers[server]
}

pub const fn edit(name: &'static str, make: fn(&mut State)) -> Edit {
    Edit { name, make }
}

/// All of them, in the order in which they are made.
pub const ALL: &[Edit] = &[
    // What means nothing.
    edit("nothing", |_| {}),
    edit("a remark", |state| state.remark = "another".into()),
    edit("the order of instances", |state| state.routers.reverse()),
    edit("the order of services", |state| state.services.reverse()),
    edit("their order as before", |state| {
        state.routers.reverse();
        state.services.reverse();
    }),
    // Of version 2 an advert comes every second: it is done with first.
    edit("the priority of another instance", |state| {
        second(state).priority = 110
    }),
    edit("the secret", |state| second(state).more = vec![secret("second")]),
    edit("no secret", |state| second(state).more.clear()),
    edit("the version", |state| second(state).version = 3),
    edit("a shorter interval", |state| {
        second(state).interval = "0.2".into()
    }),
    // Addresses.
    edit("an address comes", |state| {
        addresses(state).push("192.0.2.102/24".into())
    }),
    edit("an address goes", |state| drop(addresses(state).pop())),
    edit("two come and one goes", |state| {
        addresses(state).extend(["192.0.2.103/24".into(), "192.0.2.104/24".into()]);
        addresses(state).remove(1);
    }),
    edit("another prefix", |state| {
        addresses(state)[1] = "192.0.2.103/25".into()
    }),
    edit("a label", |state| {
        addresses(state)[2] = "192.0.2.104/24 label eth0:1".into()
    }),
    edit("an address is not watched", |state| {
        addresses(state)[0] = "192.0.2.100/24 no_track".into();
    }),
    edit("the order of addresses", |state| addresses(state).swap(0, 2)),
    edit("an address is in no advert any more", |state| {
        let address = addresses(state).pop().expect("an address");
        first(state).excluded.push(address);
    }),
    edit("an address is in the adverts", |state| {
        let address = first(state).excluded.pop().expect("an address");
        addresses(state).push(address);
    }),
    edit("an excluded address comes", |state| {
        first(state).excluded.push("192.0.2.111/24".into());
    }),
    edit("an excluded address goes", |state| {
        drop(first(state).excluded.pop())
    }),
    edit("an excluded address of IPv6 comes", |state| {
        first(state).excluded.push("2001:db8::100/64".into());
    }),
    edit("an excluded address of IPv6 goes", |state| {
        drop(first(state).excluded.pop())
    }),
    edit("an address moves to another instance", |state| {
        let address = addresses(state).remove(1);
        second(state).goods.addresses.push(address);
    }),
    // Routes and rules.
    edit("a route comes", |state| {
        let route = "10.21.0.0/16 via 192.0.2.7 dev eth0 table 9";
        first(state).goods.routes.push(route.into());
    }),
    edit("a route with a metric", |state| {
        first(state).goods.routes[1] = "10.21.0.0/16 via 192.0.2.7 dev eth0 table 9 metric 5".into();
    }),
    edit("a route goes", |state| drop(first(state).goods.routes.pop())),
    edit("a rule comes", |state| {
        first(state)
            .goods
            .rules
            .push("from 10.31.0.0/16 table 7 preference 101".into());
    }),
    edit("a rule to another table", |state| {
        first(state).goods.rules[1] = "from 10.31.0.0/16 table 8 preference 101".into();
    }),
    edit("a rule goes", |state| drop(first(state).goods.rules.pop())),
    // What is there whoever is MASTER.
    edit("a static address comes", |state| {
        state.statics.addresses.push("192.0.2.130/24 dev eth0".into());
    }),
    edit("a static route and a static rule come", |state| {
        state
            .statics
            .routes
            .push("10.40.0.0/16 via 192.0.2.7 dev eth0".into());
        state
            .statics
            .rules
            .push("from 10.41.0.0/16 table 9 preference 200".into());
    }),
    edit("all that is static goes", |state| {
        state.statics = Goods::default()
    }),
    // Adverts.
    edit("the priority", |state| first(state).priority = 140),
    edit("the interval of version 3", |state| {
        first(state).interval = "0.3".into()
    }),
    // What has no effect at once.
    edit("a script to be told", |state| {
        more(state, "notify_master /bin/true")
    }),
    edit("preempt_delay", |state| more(state, "preempt_delay 5")),
    // So rarely that none of them comes before the end.
    edit("announcements", |state| more(state, "garp_master_refresh 3600")),
    edit("the name of the daemon", |state| {
        state.globals[0] = "router_id other".into()
    }),
    edit("a tracked script", |state| {
        state
            .scripts
            .push("vrrp_script S {\n    script /bin/true\n    interval 5\n}".into());
        more(state, "track_script {\n        S weight -10\n    }");
    }),
    edit("the interval of a tracked script", |state| {
        state.scripts[0] = state.scripts[0].replace("interval 5", "interval 6");
    }),
    edit("a tracked interface", |state| {
        more(state, "track_interface {\n        dummy0 weight 10\n    }");
    }),
    edit("no trackers", |state| {
        first(state).more.retain(|line| !line.starts_with("track"));
        state.scripts.clear();
    }),
    edit("an instance is renamed", |state| {
        first(state).name = "VI_A".into()
    }),
    edit("a group", |state| {
        state
            .groups
            .push("vrrp_sync_group G {\n    group {\n        VI_A\n        VI_2\n    }\n}".into());
    }),
    edit("no group", |state| state.groups.clear()),
    // Instances.
    edit("an instance comes", |state| {
        state
            .routers
            .push(Router::new("VI_3", 53, 100, &["192.0.2.140/24"]));
    }),
    edit("its VRID", |state| state.routers[2].vrid = 54),
    edit("it goes", |state| drop(state.routers.pop())),
    // IPVS.
    edit("a weight", |state| server(state, 0, 0).weight = 5),
    edit("weights of two services", |state| {
        server(state, 0, 1).weight = 3;
        server(state, 1, 2).weight = 0;
    }),
    edit("a server comes", |state| {
        state.services[0].servers.push(Server::checked(13))
    }),
    edit("a server goes", |state| drop(state.services[0].servers.remove(1))),
    edit("the scheduler", |state| {
        state.services[0].scheduler = "wrr".into()
    }),
    edit("persistence", |state| {
        state.services[0].more.push("persistence_timeout 60".into());
    }),
    edit("a threshold", |state| {
        server(state, 1, 0).more.push("uthreshold 100".into())
    }),
    edit("a method", |state| server(state, 1, 0).method = "TUN".into()),
    edit("a service comes", |state| {
        state
            .services
            .push(Service::new(82, &[Server::new(11), Server::new(12)]));
    }),
    edit("a service goes", |state| drop(state.services.pop())),
    edit("a sorry server that is not needed", |state| {
        state.services[0].more.push("sorry_server 192.0.2.19 80".into());
    }),
    edit("scripts and patience of services", |state| {
        state.services[0]
            .more
            .extend(["delay_loop 7".into(), "quorum 2".into()]);
        server(state, 0, 0).more.push("notify_up /bin/true".into());
    }),
    edit("a checker asks otherwise", |state| {
        let check = &mut server(state, 0, 0).more[0];
        *check = check.replace("/bin/true", "/bin/true again");
    }),
    edit("timeouts of IPVS", |state| {
        global(state, "lvs_timeouts tcp 800 tcpfin 100 udp 200");
    }),
    // Several at once.
    edit("much at once", |state| {
        first(state).priority = 130;
        addresses(state).push("192.0.2.105/24".into());
        second(state).goods.addresses.pop();
        server(state, 0, 0).weight = 7;
        state.services[1].servers.pop();
        more(state, "notify_backup /bin/true");
    }),
];
