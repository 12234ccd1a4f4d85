//! Lint: what is legal and yet cannot be meant, in one configuration and between the directors of a site.
//!
//! Owns the findings, each with a stable [`Code`], what comes of it and what would be right. [`one`] looks at one
//! director, [`pair`] at two, [`all`] at a whole site. Pure: files, interfaces and scripts are looked at by who calls.
//! Nothing is said of what may well be meant: a finding that a careful operator would wave aside is a defect.

mod address;
mod code;
mod instance;
mod pair;
mod script;
mod server;
mod show;
mod view;
mod weight;

pub use code::{Code, Severity};
pub use show::{json, text};

use crate::conf::config::Config;
use crate::conf::diag::{Class, Diagnostic, Place, Topic};
use crate::net::{Cidr, IfIndex, IfName, InterfaceAddress, InterfaceStatus};
use crate::plan::{self, Host, Plan};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

/// Something that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub code: Code,
    /// The block it is about, as `vrrp_instance VI_1`.
    pub about: String,
    /// The fact.
    pub message: String,
    /// What comes of it.
    pub effect: String,
    /// What would be right.
    pub fix: String,
    /// Where it is seen.
    pub place: Option<Place>,
    /// What stands there, for a finding with several places.
    pub label: String,
    /// The other places, and what stands there.
    pub related: Vec<(Place, String)>,
}

impl Finding {
    fn new(code: Code, about: impl Into<String>, place: &Place, message: impl Into<String>) -> Self {
        Self {
            code,
            about: about.into(),
            message: message.into(),
            effect: String::new(),
            fix: String::new(),
            place: Some(place.clone()),
            label: String::new(),
            related: Vec::new(),
        }
    }

    fn effect(mut self, effect: impl Into<String>) -> Self {
        self.effect = effect.into();
        self
    }

    fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }

    fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    fn also(mut self, place: &Place, what: impl Into<String>) -> Self {
        self.related.push((place.clone(), what.into()));
        self
    }
}

/// As a remark among the messages of `-t`, whose status it leaves alone.
impl From<Finding> for Diagnostic {
    fn from(finding: Finding) -> Self {
        let help = format!("{}; {}", finding.effect, finding.fix);
        let mut remark = Self::new(Class::Note, finding.place, finding.message)
            .about(Topic::Lint(finding.code.name()))
            .with_help(help);
        remark.related = finding.related;
        remark
    }
}

/// What is known of the host that a file is for. Nothing is claimed of what is not known.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Its interfaces.
    pub interfaces: Vec<InterfaceStatus>,
    /// Scripts that would run as root and that others can change, by the program as it is written.
    pub writable: HashMap<String, Writable>,
}

/// A script that root runs and others can change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writable {
    /// The file.
    pub path: String,
    /// What is wrong with its path, and the commands that help.
    pub offences: String,
}

/// One director: its configuration, and what it would do on a host that has all that the file names.
#[derive(Clone, Debug)]
pub struct Node {
    name: String,
    config: Config,
    plan: Plan,
    host: Surroundings,
    unfit: Vec<Diagnostic>,
}

impl Node {
    /// The director with the file `name`, which says `config`.
    pub fn new(name: impl Into<String>, config: Config, host: Surroundings) -> Self {
        // Another host's file is looked at as if its interfaces and scripts were here.
        let mut there = config.clone();
        there.global.dynamic_interfaces = true;
        let (plan, diagnostics) = plan::build(&there, &nominal(&config, &host));
        let unfit = diagnostics
            .into_iter()
            .filter(|found| matches!(found.class, Class::Fatal | Class::MissingParameter))
            .collect();
        Self {
            name: name.into(),
            config,
            plan,
            host,
            unfit,
        }
    }

    /// Why a daemon could not start with it, wherever it stands: too little is left of it to be judged.
    pub fn unfit(&self) -> &[Diagnostic] {
        &self.unfit
    }
}

/// A host with an interface for every unicast source whose instance names none.
fn nominal(config: &Config, host: &Surroundings) -> Host {
    let addresses: Vec<InterfaceAddress> = config
        .instances
        .iter()
        .filter(|written| written.interface.is_none() && written.unicast.is_some())
        .filter_map(|written| written.source.as_ref())
        .map(|source| InterfaceAddress {
            cidr: Cidr::host(source.value),
            tentative: false,
        })
        .collect();
    let holders = IfName::new("of-its-source").map(|name| InterfaceStatus {
        name,
        index: IfIndex(u32::MAX),
        mac: None,
        mtu: 1500,
        up: true,
        multicast: true,
        noarp: false,
        loopback: false,
        addresses: addresses.clone(),
        made: crate::net::LinkTraits::default(),
    });
    let mut interfaces = host.interfaces.clone();
    interfaces.retain(|found| {
        let holds = |address: &InterfaceAddress| addresses.iter().any(|a| a.cidr.addr == address.cidr.addr);
        found.addresses.iter().any(holds) && !found.loopback
    });
    interfaces.extend(holders);
    Host {
        interfaces,
        ..Host::default()
    }
}

/// The findings of one director.
pub fn one(node: &Node) -> Vec<Finding> {
    of_one(node, true)
}

/// `alone`: the only file, so that it is likely this host's.
fn of_one(node: &Node, alone: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    instance::look(node, &mut found);
    weight::look(node, &mut found);
    address::look(node, alone, &mut found);
    script::look(node, &mut found);
    server::look(node, &mut found);
    found
}

/// What two directors of one site do not agree in.
pub fn pair(a: &Node, b: &Node) -> Vec<Finding> {
    between(&[a, b])
}

/// The findings of every director and of every two, as a site: what only one of two may mean is said once.
pub fn all(nodes: &[&Node]) -> Vec<Finding> {
    let mut found = Vec::new();
    let paired: HashSet<(usize, &str)> = pair::paired(nodes);
    for (at, node) in nodes.iter().enumerate() {
        found.extend(of_one(node, nodes.len() == 1).into_iter().filter(|finding| {
            // The other's file shows whether it applies, and then names both.
            let name = finding.about.strip_prefix("vrrp_instance ").unwrap_or_default();
            finding.code != Code::NopreemptWithWeight || !paired.contains(&(at, name))
        }));
    }
    found.extend(between(nodes));
    // Files that two directors share are looked at twice, and so is a script of this host.
    let mut seen = HashSet::new();
    found.retain(|finding| {
        let place = match finding.code {
            Code::ScriptWritable => None,
            _ => finding.place.as_ref().map(ToString::to_string),
        };
        seen.insert((
            finding.code,
            finding.about.clone(),
            finding.message.clone(),
            place,
        ))
    });
    // What breaks the site comes first.
    found.sort_by_key(|finding| Reverse(finding.code.severity()));
    found
}

fn between(nodes: &[&Node]) -> Vec<Finding> {
    let mut found = Vec::new();
    pair::look(nodes, &mut found);
    weight::look_between(nodes, &mut found);
    found
}
