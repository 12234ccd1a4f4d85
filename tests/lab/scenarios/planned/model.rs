//! A configuration as a value that edits change, and what of it stands under a name: of what comes and goes the difference
//! says the name only.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;

use super::said::{address, host, route, rule};

#[derive(Clone)]
pub struct State {
    /// Of `global_defs`.
    pub globals: Vec<String>,
    /// A remark, which means nothing.
    pub remark: String,
    pub scripts: Vec<String>,
    pub groups: Vec<String>,
    pub statics: Goods,
    /// `bfd_instance`s.
    pub sessions: Vec<Session>,
    pub routers: Vec<Router>,
    /// `virtual_server_group`s.
    pub pools: Vec<Pool>,
    pub services: Vec<Service>,
}

/// Nobody answers it: it is down, and says so.
#[derive(Clone)]
pub struct Session {
    pub name: String,
    pub neighbor: String,
    pub multiplier: u8,
}

#[derive(Clone)]
pub struct Pool {
    pub name: String,
    pub entries: Vec<String>,
}

/// Each as the configuration has it.
#[derive(Clone, Default)]
pub struct Goods {
    pub addresses: Vec<String>,
    pub routes: Vec<String>,
    pub rules: Vec<String>,
}

#[derive(Clone)]
pub struct Router {
    pub name: String,
    pub vrid: u8,
    pub version: u8,
    pub priority: u8,
    pub interval: String,
    pub goods: Goods,
    pub excluded: Vec<String>,
    /// Its virtual MAC's link.
    pub vmac: Option<String>,
    /// Nobody: it is multicast.
    pub peers: Vec<String>,
    /// Further lines.
    pub more: Vec<String>,
}

/// What a virtual server stands for.
#[derive(Clone)]
pub enum Target {
    /// 192.0.2.100 and the port.
    Address,
    Mark(u32),
    Group(String),
}

#[derive(Clone)]
pub struct Service {
    pub target: Target,
    /// Of its servers too.
    pub port: u16,
    pub scheduler: String,
    pub more: Vec<String>,
    pub servers: Vec<Server>,
    /// The host of its sorry server.
    pub sorry: Option<u8>,
}

#[derive(Clone)]
pub struct Server {
    pub host: u8,
    pub weight: u32,
    pub method: String,
    pub more: Vec<String>,
}

impl Router {
    pub fn new(name: &str, vrid: u8, priority: u8, addresses: &[&str]) -> Self {
        Self {
            name: name.into(),
            vrid,
            version: 3,
            priority,
            interval: "0.2".into(),
            goods: Goods {
                addresses: addresses.iter().map(ToString::to_string).collect(),
                ..Goods::default()
            },
            excluded: Vec::new(),
            vmac: None,
            peers: Vec::new(),
            more: Vec::new(),
        }
    }

    /// All that it holds, in the words of the tap.
    pub fn held(&self) -> Vec<String> {
        let addresses = self.goods.addresses.iter().chain(&self.excluded);
        let device = self.vmac.as_deref().unwrap_or("eth0");
        let held = addresses.map(|one| address(one, device));
        let routes = self.goods.routes.iter().map(|one| route(one));
        let rules = self.goods.rules.iter().map(|one| rule(one));
        held.chain(routes).chain(rules).collect()
    }

    pub fn is_v6(&self) -> bool {
        self.goods.addresses.iter().any(|one| host(one).is_ipv6())
    }

    /// Where its adverts go.
    pub fn destinations(&self) -> BTreeSet<IpAddr> {
        let group = if self.is_v6() { "ff02::12" } else { "224.0.0.18" };
        if self.peers.is_empty() {
            BTreeSet::from([host(group)])
        } else {
            self.peers.iter().map(|one| host(one)).collect()
        }
    }

    fn text(&self) -> String {
        let Self {
            name,
            vrid,
            version,
            priority,
            interval,
            ..
        } = self;
        let mut text = format!(
            "vrrp_instance {name} {{
    state BACKUP
    interface eth0
    virtual_router_id {vrid}
    version {version}
    priority {priority}
    advert_int {interval}
"
        );
        if let Some(link) = &self.vmac {
            let _ = writeln!(text, "    use_vmac {link}");
        }
        block(&mut text, "unicast_peer", &self.peers);
        lines(&mut text, &self.more);
        block(&mut text, "virtual_ipaddress", &self.goods.addresses);
        block(&mut text, "virtual_ipaddress_excluded", &self.excluded);
        block(&mut text, "virtual_routes", &self.goods.routes);
        block(&mut text, "virtual_rules", &self.goods.rules);
        text + "}\n"
    }
}

impl Service {
    pub fn new(port: u16, servers: &[Server]) -> Self {
        Self {
            target: Target::Address,
            port,
            scheduler: "rr".into(),
            more: Vec::new(),
            servers: servers.to_vec(),
            sorry: None,
        }
    }

    /// keepalived's name.
    pub fn name(&self) -> String {
        match &self.target {
            Target::Address => format!("[192.0.2.100]:tcp:{}", self.port),
            Target::Mark(mark) => format!("FWM {mark}"),
            Target::Group(name) => format!("[{name}]:0"),
        }
    }

    /// The names of its servers, with their weights.
    pub fn reals(&self) -> Vec<(String, u32)> {
        let name = |server: &Server| format!("{} of {}", self.end(server.host), self.name());
        self.servers
            .iter()
            .map(|server| (name(server), server.weight))
            .collect()
    }

    /// What the kernel has of it beside its servers.
    pub fn settings(&self) -> (&str, Vec<&String>) {
        let persistent = self.more.iter().filter(|line| line.starts_with("persistence"));
        (&self.scheduler, persistent.collect())
    }

    /// A server, in keepalived's words.
    fn end(&self, host: u8) -> String {
        match self.target {
            Target::Mark(_) => format!("[192.0.2.{host}]:none:0"),
            Target::Address | Target::Group(_) => format!("[192.0.2.{host}]:tcp:{}", self.port),
        }
    }

    /// The sorry server, in keepalived's words.
    pub fn sorry(&self) -> Option<String> {
        self.sorry.map(|host| self.end(host))
    }

    fn text(&self) -> String {
        let Self { port, scheduler, .. } = self;
        let target = match &self.target {
            Target::Address => format!("192.0.2.100 {port} {{\n    protocol TCP"),
            Target::Mark(mark) => format!("fwmark {mark} {{"),
            Target::Group(name) => format!("group {name} {{\n    protocol TCP"),
        };
        let mut text = format!("virtual_server {target}\n    lvs_method DR\n    lvs_sched {scheduler}\n");
        lines(&mut text, &self.more);
        if let Some(host) = self.sorry {
            let _ = writeln!(text, "    sorry_server 192.0.2.{host} {port}");
        }
        for server in &self.servers {
            let Server {
                host, weight, method, ..
            } = server;
            let port = match self.target {
                Target::Mark(_) => String::new(),
                Target::Address | Target::Group(_) => port.to_string(),
            };
            let _ = write!(
                text,
                "    real_server 192.0.2.{host} {port} {{\n    weight {weight}\n    lvs_method {method}\n"
            );
            lines(&mut text, &server.more);
            text += "    }\n";
        }
        text + "}\n"
    }
}

impl Session {
    pub fn new(name: &str, neighbor: &str) -> Self {
        Self {
            name: name.into(),
            neighbor: neighbor.into(),
            multiplier: 5,
        }
    }

    fn text(&self) -> String {
        let Self {
            name,
            neighbor,
            multiplier,
        } = self;
        format!("bfd_instance {name} {{\n    neighbor_ip {neighbor}\n    multiplier {multiplier}\n}}\n")
    }
}

impl Server {
    pub fn new(host: u8) -> Self {
        Self {
            host,
            weight: 1,
            method: "DR".into(),
            more: Vec::new(),
        }
    }

    /// One that a script says to be well.
    pub fn checked(host: u8) -> Self {
        let check = "MISC_CHECK {\n            misc_path \"/bin/true\"\n        }";
        Self {
            more: vec![check.into()],
            ..Self::new(host)
        }
    }
}

impl State {
    pub fn text(&self) -> String {
        let mut text = format!("# {}\nglobal_defs {{\n", self.remark);
        lines(&mut text, &self.globals);
        text += "}\n";
        lines(&mut text, &self.scripts);
        block(&mut text, "static_ipaddress", &self.statics.addresses);
        block(&mut text, "static_routes", &self.statics.routes);
        block(&mut text, "static_rules", &self.statics.rules);
        lines(&mut text, &self.groups);
        text.extend(self.sessions.iter().map(Session::text));
        text.extend(self.routers.iter().map(Router::text));
        for Pool { name, entries } in &self.pools {
            block(&mut text, &format!("virtual_server_group {name}"), entries);
        }
        text.extend(self.services.iter().map(Service::text));
        text
    }

    pub fn router(&self, name: &str) -> &Router {
        let mut routers = self.routers.iter();
        routers
            .find(|router| router.name == name)
            .unwrap_or_else(|| panic!("no {name}"))
    }

    pub fn service(&self, name: &str) -> &Service {
        let mut services = self.services.iter();
        services
            .find(|service| service.name() == name)
            .unwrap_or_else(|| panic!("no {name}"))
    }

    /// What a virtual server is in the kernel, by its name.
    pub fn keys(&self, name: &str) -> Vec<String> {
        let Target::Group(group) = &self.service(name).target else {
            return vec![name.to_owned()];
        };
        let mut pools = self.pools.iter();
        let pool = pools.find(|pool| pool.name == *group).expect("a group");
        pool.entries.iter().map(|entry| key(entry)).collect()
    }

    /// The same of a server of it: as many as there are services.
    pub fn ends(&self, real: &str) -> Vec<String> {
        let (end, service) = real.split_once(" of ").expect("a server's name");
        let keys = self.keys(service).into_iter();
        keys.map(|key| format!("{} of {key}", end_of(end, &key)))
            .collect()
    }

    /// The weight of a server by its name.
    pub fn weight(&self, real: &str) -> u32 {
        let mut reals = self.services.iter().flat_map(Service::reals);
        let found = reals.find(|(name, _)| name == real);
        found.unwrap_or_else(|| panic!("no {real}")).1
    }
}

/// An entry of a group, in the words of the tap.
pub fn key(entry: &str) -> String {
    let words: Vec<&str> = entry.split([' ', ',']).collect();
    match words.as_slice() {
        ["fwmark", mark] => format!("FWM {mark}"),
        [address, port] => format!("[{address}]:tcp:{port}"),
        _ => panic!("no entry: {entry}"),
    }
}

/// What a server is under a service: that has no protocol where it is a mark, and is reached at the service's port.
pub fn end_of(end: &str, key: &str) -> String {
    let address = end.split_once("]:").expect("an end").0;
    let rest = key.split_once("]:").map_or("none:0", |(_, rest)| rest);
    format!("{address}]:{rest}")
}

fn lines(text: &mut String, lines: &[String]) {
    for line in lines {
        let _ = writeln!(text, "    {line}");
    }
}

fn block(text: &mut String, name: &str, entries: &[String]) {
    if !entries.is_empty() {
        let _ = writeln!(
            text,
            "    {name} {{\n        {}\n    }}",
            entries.join("\n        ")
        );
    }
}
