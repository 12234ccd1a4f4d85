//! Edits of what IPVS has beside services by their addresses: groups, marks, quorums, daemons.

use super::model::{Goods, Pool, Router, Server, Service, State, Target};
use super::pairs::{Edit, GLOBALS, edit};

/// What runs first.
pub fn base() -> State {
    let addresses = ["192.0.2.100/24", "192.0.2.101/24", "192.0.2.102/24"];
    let mut web = Service::new(80, &[Server::new(11), Server::new(12)]);
    web.target = Target::Group("web".into());
    let mut marked = Service::new(80, &[Server::new(11), Server::checked(12)]);
    marked.target = Target::Mark(7);
    let mut pool = Service::new(81, &[Server::new(11), Server::checked(12), Server::new(13)]);
    pool.sorry = Some(19);
    State {
        globals: GLOBALS.map(Into::into).to_vec(),
        remark: "the first".into(),
        scripts: Vec::new(),
        groups: Vec::new(),
        statics: Goods::default(),
        sessions: Vec::new(),
        routers: vec![Router::new("VI_1", 51, 150, &addresses)],
        pools: vec![Pool {
            name: "web".into(),
            entries: vec!["192.0.2.100 80".into(), "192.0.2.101 80".into()],
        }],
        services: vec![web, marked, pool],
    }
}

fn entries(state: &mut State) -> &mut Vec<String> {
    &mut state.pools[0].entries
}

fn more(state: &mut State, line: &str) {
    state.services[2].more.push(line.into());
}

fn weigh(state: &mut State, service: usize, weights: &[u32]) {
    let servers = &mut state.services[service].servers;
    for (server, weight) in servers.iter_mut().zip(weights) {
        server.weight = *weight;
    }
}

fn synchronized(state: &mut State, line: &str) {
    state.globals.truncate(GLOBALS.len());
    state.globals.push(format!("lvs_sync_daemon {line}"));
}

/// All of them, in the order in which they are made.
pub const ALL: &[Edit] = &[
    edit("nothing", |_| {}),
    // Groups.
    edit("a service joins the group", |state| {
        entries(state).push("192.0.2.102 80".into());
    }),
    edit("the order of a group", |state| entries(state).swap(0, 2)),
    edit("a service leaves the group", |state| {
        drop(entries(state).remove(1))
    }),
    edit("another service joins the group", |state| {
        entries(state).push("192.0.2.103 80".into());
    }),
    edit("a server comes to all of a group", |state| {
        state.services[0].servers.push(Server::checked(13));
    }),
    edit("a weight in all of a group", |state| weigh(state, 0, &[4])),
    edit("the scheduler of a group", |state| {
        state.services[0].scheduler = "wlc".into();
    }),
    edit("a server of all of a group goes", |state| {
        drop(state.services[0].servers.remove(1));
    }),
    edit("the other service leaves the group", |state| {
        drop(entries(state).pop())
    }),
    edit("a group has another name", |state| {
        state.pools[0].name = "shop".into();
        state.services[0].target = Target::Group("shop".into());
    }),
    edit("another group comes", |state| {
        let mut other = Service::new(80, &[Server::new(14)]);
        other.target = Target::Group("other".into());
        state.services.push(other);
        state.pools.push(Pool {
            name: "other".into(),
            entries: vec!["192.0.2.101 80".into(), "192.0.2.104 80".into()],
        });
    }),
    edit("a service moves to another group", |state| {
        let entry = entries(state).remove(0);
        state.pools[1].entries.push(entry);
    }),
    edit("a group goes", |state| {
        state.services.pop();
        state.pools.pop();
    }),
    // Marks.
    edit("a weight of a mark", |state| weigh(state, 1, &[5, 6])),
    edit("persistence of a mark", |state| {
        state.services[1].more.push("persistence_timeout 60".into());
    }),
    edit("a server of a mark goes", |state| {
        drop(state.services[1].servers.remove(0));
    }),
    edit("another mark", |state| state.services[1].target = Target::Mark(8)),
    // Quorums.
    edit("a quorum that is there", |state| more(state, "quorum 3")),
    edit("a weight, and the quorum with it", |state| {
        weigh(state, 2, &[1, 0])
    }),
    edit("no weight at all", |state| weigh(state, 2, &[0, 0, 0])),
    edit("a server comes while the sorry server serves", |state| {
        let mut server = Server::new(15);
        server.weight = 0;
        state.services[2].servers.push(server);
    }),
    edit("another sorry server", |state| state.services[2].sorry = Some(18)),
    edit("the sorry server goes while it serves", |state| {
        state.services[2].sorry = None;
    }),
    edit("the sorry server comes and serves", |state| {
        state.services[2].sorry = Some(19);
    }),
    edit("some weight", |state| weigh(state, 2, &[1, 2, 3, 1])),
    edit("one weight", |state| weigh(state, 2, &[0, 0, 0, 1])),
    edit("the last weight goes with its server", |state| {
        drop(state.services[2].servers.pop());
    }),
    edit("a weight comes with a server", |state| {
        state.services[2].servers.push(Server::new(16));
    }),
    edit("quorum_down and hysteresis", |state| {
        more(state, "quorum_down /bin/true");
        more(state, "hysteresis 0");
    }),
    // The kernel's daemons.
    edit("the kernel tells of connections", |state| {
        synchronized(state, "eth0 id 5");
    }),
    edit("while an instance is MASTER", |state| {
        synchronized(state, "eth0 id 5 inst VI_1");
    }),
    edit("by another number", |state| {
        synchronized(state, "eth0 id 6 inst VI_1");
    }),
    edit("whoever is MASTER", |state| synchronized(state, "eth0 id 6")),
    edit("the kernel tells of nothing", |state| {
        state.globals.truncate(GLOBALS.len());
    }),
    edit("much at once", |state| {
        entries(state).push("192.0.2.102 80".into());
        weigh(state, 0, &[9, 8]);
        weigh(state, 2, &[4]);
        synchronized(state, "eth0 id 7");
        state.routers[0].priority = 140;
    }),
];
