//! A configuration as a value that edits change, and what of it stands under a name: of what comes and goes the difference
//! says the name only.

use std::fmt::Write as _;

use super::said::{address, route, rule};

#[derive(Clone)]
pub struct State {
    /// Of `global_defs`.
    pub globals: Vec<String>,
    /// A remark, which means nothing.
    pub remark: String,
    pub scripts: Vec<String>,
    pub groups: Vec<String>,
    pub statics: Goods,
    pub routers: Vec<Router>,
    pub services: Vec<Service>,
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
    /// Further lines.
    pub more: Vec<String>,
}

#[derive(Clone)]
pub struct Service {
    pub port: u16,
    pub scheduler: String,
    pub more: Vec<String>,
    pub servers: Vec<Server>,
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
            more: Vec::new(),
        }
    }

    /// All that it holds, in the words of the tap.
    pub fn held(&self) -> Vec<String> {
        let addresses = self.goods.addresses.iter().chain(&self.excluded);
        let held = addresses.map(|one| address(one));
        let routes = self.goods.routes.iter().map(|one| route(one));
        let rules = self.goods.rules.iter().map(|one| rule(one));
        held.chain(routes).chain(rules).collect()
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
            port,
            scheduler: "rr".into(),
            more: Vec::new(),
            servers: servers.to_vec(),
        }
    }

    /// keepalived's name.
    pub fn name(&self) -> String {
        format!("[192.0.2.100]:tcp:{}", self.port)
    }

    /// The names of its servers, with their weights.
    pub fn reals(&self) -> Vec<(String, u32)> {
        let name =
            |server: &Server| format!("[192.0.2.{}]:tcp:{} of {}", server.host, self.port, self.name());
        self.servers
            .iter()
            .map(|server| (name(server), server.weight))
            .collect()
    }

    fn text(&self) -> String {
        let Self { port, scheduler, .. } = self;
        let mut text = format!(
            "virtual_server 192.0.2.100 {port} {{\n    protocol TCP\n    lvs_method DR\n    lvs_sched {scheduler}\n"
        );
        lines(&mut text, &self.more);
        for server in &self.servers {
            let Server {
                host, weight, method, ..
            } = server;
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
        text.extend(self.routers.iter().map(Router::text));
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

    /// The weight of a server by its name.
    pub fn weight(&self, real: &str) -> u32 {
        let mut reals = self.services.iter().flat_map(Service::reals);
        let found = reals.find(|(name, _)| name == real);
        found.unwrap_or_else(|| panic!("no {real}")).1
    }
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
