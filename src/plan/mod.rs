//! The plan: one immutable value that says everything the daemon shall do, built and checked before anything is touched.
//!
//! [`build`] makes it of a configuration as written and of what must be known of the host. Pure: whoever calls looks at
//! the host ([`commands`] says which scripts to examine).

mod bfd;
mod check;
pub mod diff;
mod global;
mod hmac;
mod instance;
mod ipvs;
pub mod later;
mod links;
mod net;
mod outlet;
mod packets;
pub mod print;
mod scripts;
mod strict;
mod sync;
mod track;
mod trackers;
mod vips;
mod vmac;
mod vrrp;

pub use check::regexes;
pub use global::mail_server;
pub use hmac::{KeyFile, key_files};
pub use scripts::{accounts, commands, policy};
pub use trackers::track_files;

use crate::bfd::BfdConfig;
use crate::check::CheckConfig;
use crate::check::config::Regex;
use crate::conf::config::{Config, Global, Instance, RouterSettings};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::ipvs::config::IpvsConfig;
use crate::net::{IfName, InterfaceStatus, LinkKind};
use crate::notify::config::NotifyConfig;
use crate::script::config::{Command, RunAs, ScriptPolicy};
use crate::track::config::{FileConfig, ProcessConfig, ReceiveBuffer, TrackScriptConfig};
use crate::vrrp::VrrpConfig;
use crate::vrrp::config::LinkConfig;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

/// Everything the daemon shall do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Settings of the whole daemon.
    pub global: Global,
    /// The VRRP plane's part.
    pub vrrp: VrrpConfig,
    /// The scripts that VRRP tracks.
    pub track_scripts: Vec<TrackScriptConfig>,
    /// The files that are watched.
    pub track_files: Vec<FileConfig>,
    /// The processes that are counted.
    pub track_processes: Vec<ProcessConfig>,
    /// How many of their events may wait.
    pub process_buffer: ReceiveBuffer,
    /// Who is told what.
    pub notify: NotifyConfig,
    /// The check plane's part.
    pub check: CheckConfig,
    /// What there is of IPVS beside virtual servers.
    pub ipvs: IpvsConfig,
    /// The BFD plane's part.
    pub bfd: BfdConfig,
    /// By the name of the instance: what its router was made of, as written and after its checks. Shown, and not acted
    /// on once more. What the router's own configuration says in full is not here.
    pub shown: BTreeMap<String, RouterSettings>,
    /// What nothing comes of yet.
    pub later: later::Later,
}

impl Plan {
    /// Groups keep the firewall marks that they have in `running`.
    pub fn keep_marks(&mut self, running: &Self) {
        if let Some(marks) = &self.ipvs.marks {
            self.check.hand_out_marks(marks.start, Some(&running.check));
        }
    }
}

/// What a plan must know of the host it is for.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// The interfaces of the network namespace.
    pub interfaces: Vec<InterfaceStatus>,
    /// The commands of [`commands`] that may not be run. One that is not here may.
    pub refused: HashMap<Command, ScriptRefusal>,
    /// Why, in words, and what would help.
    pub reasons: HashMap<Command, String>,
    /// Those of [`accounts`] that do not exist.
    pub unknown_accounts: Vec<RunAs>,
    /// [`mail_server`] has no address.
    pub mail_server_unknown: bool,
    /// What is wrong with those of [`track_files`]; one that is not here can be watched.
    pub track_files: HashMap<PathBuf, PathFault>,
    /// Those of [`regexes`] that cannot be compiled, and why.
    pub refused_regexes: HashMap<Regex, String>,
    /// Those of [`key_files`], or why they cannot be read.
    pub key_files: HashMap<PathBuf, Result<KeyFile, String>>,
}

impl Host {
    fn interface(&self, name: &IfName) -> Option<&InterfaceStatus> {
        self.interfaces.iter().find(|interface| interface.name == *name)
    }

    /// The VRF of that name.
    fn vrf(&self, name: &str) -> Option<&InterfaceStatus> {
        let found = self.interface(&IfName::new(name)?)?;
        matches!(found.made.kind, LinkKind::Vrf { .. }).then_some(found)
    }
}

/// Why a file cannot be tracked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathFault {
    /// It has no directory that is there, and why in words.
    Missing(String),
}

/// Why a command may not be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScriptRefusal {
    /// There is no such file, or its user may not execute it.
    NotFound,
    /// Its own user or group, or that of `script_user`, does not exist.
    NoUser,
    /// `enable_script_security` without `script_user`, and there is no account `keepalived_script`.
    NoDefaultUser,
    /// `enable_script_security`, and somebody else could have changed it.
    Unsafe,
}

/// Builds the plan of `config` for `host`. What cannot be used is left out and said.
pub fn build(config: &Config, host: &Host) -> (Plan, Vec<Diagnostic>) {
    let mut builder = Builder {
        config,
        host,
        diagnostics: Vec::new(),
        policy: policy(config),
        instances: Builder::index(config.instances.iter().map(|written| written.name.value.as_str())),
        scripts: Builder::index(config.scripts.iter().map(|written| written.name.value.as_str())),
        runnable: HashMap::new(),
        disabled: HashSet::new(),
        life_scripts: false,
        vrrp_scripts: false,
        check_scripts: false,
        interface_missing: false,
        stops: Vec::new(),
        late: Vec::new(),
        links: Vec::new(),
    };
    for account in &host.unknown_accounts {
        let user = config
            .global
            .script_user
            .iter()
            .find(|user| user.value == *account);
        let place = user.map(|user| user.place.clone());
        let message = "Error setting global script uid/gid";
        builder
            .diagnostics
            .push(Diagnostic::new(Class::General, place, message).about(Topic::ScriptUser));
    }
    let global = vrrp::global(config, &builder.policy);
    let mut plan = Plan {
        global,
        ..Plan::default()
    };
    plan.bfd = bfd::build(config);
    net::build(&mut builder, &mut plan);
    vrrp::build(&mut builder, &mut plan);
    net::only_routers(&mut plan);
    plan.later.global = global::build(&mut builder, &mut plan.global);
    plan.notify.fifos = outlet::fifos(&plan.global.fifos);
    plan.notify.mail = outlet::mail(&plan.global);
    builder.settle();
    plan.check = check::build(&mut builder, &plan.vrrp, &plan.track_files, &mut plan.later.lvs);
    plan.check.notices = outlet::health(&plan);
    plan.ipvs = ipvs::build(&mut builder, &plan);
    plan.check.expiry = plan.global.inherited.expiry;
    plan.check.repair = plan.global.inherited.drift_repair.is_some();
    builder.finish();
    (plan, builder.diagnostics)
}

/// The exit status of `-t` (grammar 11.3): 2 when an argument is missing, 6 for scripts and includes, 5 for every
/// other mistake, 4 for a missing interface alone, 0.
pub fn exit_code(diagnostics: &[Diagnostic]) -> u8 {
    let any = |class| diagnostics.iter().any(|diagnostic| diagnostic.class == class);
    if any(Class::MissingParameter) {
        return 2;
    }
    match diagnostics.iter().map(|diagnostic| diagnostic.class).max() {
        None | Some(Class::Note | Class::Unheeded) => 0,
        Some(Class::FileNotFound | Class::BadInterface) => 4,
        Some(Class::Security | Class::IncludeFailed) => 6,
        Some(
            Class::Fatal
            | Class::MultipleFiles
            | Class::UnknownKeyword
            | Class::UnexpectedOpen
            | Class::MissingOpen
            | Class::UnexpectedClose
            | Class::MissingClose
            | Class::UnmatchedQuote
            | Class::MissingParameter
            | Class::InvalidNumber
            | Class::General
            | Class::Warning
            | Class::Deprecated,
        ) => 5,
    }
}

/// Whether a daemon may not start with these, and ends with status 2 (grammar 11.4, 11.5).
pub fn is_fatal(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| {
        matches!(
            diagnostic.class,
            Class::Fatal | Class::BadInterface | Class::MissingParameter
        )
    })
}

/// What building goes on with.
struct Builder<'a> {
    config: &'a Config,
    host: &'a Host,
    diagnostics: Vec<Diagnostic>,
    policy: ScriptPolicy,
    /// Where the `vrrp_instance` of a name stands in the configuration.
    instances: HashMap<&'a str, usize>,
    /// Where the first `vrrp_script` of a name stands in the configuration.
    scripts: HashMap<&'a str, usize>,
    /// Where a track script that can be run stands in the plan.
    runnable: HashMap<&'a str, usize>,
    /// Track scripts that are known and never run.
    disabled: HashSet<&'a str>,
    /// A script of the daemon's own start or end will be run.
    life_scripts: bool,
    /// A script of the VRRP half will be run.
    vrrp_scripts: bool,
    /// A script of the check half will be run.
    check_scripts: bool,
    /// An interface that must exist does not.
    interface_missing: bool,
    /// Virtual routers that cannot be: keepalived ends at the first.
    stops: Vec<Diagnostic>,
    /// What keepalived looks at only when it has come so far: all interfaces are there, and no router stopped it.
    late: Vec<Diagnostic>,
    /// The links of the routers so far.
    links: Vec<LinkConfig>,
}

impl<'a> Builder<'a> {
    /// The first place of every name.
    fn index(names: impl Iterator<Item = &'a str>) -> HashMap<&'a str, usize> {
        let mut out = HashMap::new();
        for (at, name) in names.enumerate() {
            out.entry(name).or_insert(at);
        }
        out
    }

    /// The `vrrp_instance` of a name.
    fn written(&self, name: &str) -> Option<&'a Instance> {
        self.instances
            .get(name)
            .and_then(|at| self.config.instances.get(*at))
    }

    fn report(&mut self, class: Class, place: &crate::conf::diag::Place, message: impl Into<String>) {
        self.diagnostics
            .push(Diagnostic::new(class, Some(place.clone()), message));
    }

    /// What becomes of a part whose `command` is refused, and why it is.
    fn refuse(
        &mut self,
        class: Class,
        topic: Topic,
        place: &crate::conf::diag::Place,
        message: String,
        command: &Command,
    ) {
        let mut diagnostic = Diagnostic::new(class, Some(place.clone()), message).about(topic);
        diagnostic.help = self.host.reasons.get(command).cloned();
        self.diagnostics.push(diagnostic);
    }

    /// An interface by name; `None` when there is none, which is reported as `message` says.
    fn interface(
        &mut self,
        name: &crate::conf::config::Spanned<String>,
        message: impl FnOnce(&str) -> String,
    ) -> Option<IfName> {
        let Some(interface) = IfName::new(&name.value) else {
            let (topic, message) = if name.value.len() > IfName::MAX {
                let message = format!("'{}' is too long for the name of an interface", name.value);
                (Topic::NameTooLong, message)
            } else {
                (Topic::InterfaceMissing, message(&name.value))
            };
            let diagnostic = Diagnostic::new(Class::General, Some(name.place.clone()), message)
                .about(topic)
                .with_help("at most 15 characters, none of them a blank, a colon or a slash");
            self.diagnostics.push(diagnostic);
            self.interface_missing = true;
            return None;
        };
        let ours = self.links.iter().any(|link| link.name == interface);
        if ours || self.host.interface(&interface).is_some() {
            return Some(interface);
        }
        let dynamic = self.config.global.dynamic_interfaces;
        // It may come later: no more than a remark.
        let class = if dynamic { Class::Note } else { Class::General };
        let diagnostic = Diagnostic::new(class, Some(name.place.clone()), message(&name.value))
            .about(Topic::InterfaceMissing);
        self.diagnostics.push(diagnostic);
        if dynamic {
            return Some(interface);
        }
        self.interface_missing = true;
        None
    }

    /// A general mistake that is found only when everything was read.
    fn late_about(&mut self, topic: Topic, place: &crate::conf::diag::Place, message: String) {
        let diagnostic = Diagnostic::new(Class::General, Some(place.clone()), message);
        self.late.push(diagnostic.about(topic));
    }

    /// What keepalived would not have come to is said all the same, but does not count.
    fn settle(&mut self) {
        let stopped = self.interface_missing || !self.stops.is_empty();
        let late = std::mem::take(&mut self.late);
        let ends = |found: &Diagnostic| found.class == Class::Fatal && found.topic != Topic::VridDuplicate;
        let ended = late.iter().any(ends);
        for (at, mut stop) in std::mem::take(&mut self.stops).into_iter().enumerate() {
            if at > 0 || self.interface_missing {
                stop.class = Class::Unheeded;
            }
            self.diagnostics.push(stop);
        }
        for mut diagnostic in late {
            let reached = match diagnostic.topic {
                // These are looked at before routers, after interfaces.
                Topic::ScriptNotFound | Topic::SecurityViolation | Topic::SyncGroup => {
                    !self.interface_missing
                }
                // And this after all.
                Topic::VridDuplicate => !stopped && !ended,
                _ => !stopped,
            };
            if !reached && diagnostic.class != Class::Note {
                diagnostic.class = Class::Unheeded;
            }
            self.diagnostics.push(diagnostic);
        }
        self.vrrp_scripts &= !self.interface_missing;
    }

    fn finish(&mut self) {
        if self.interface_missing {
            let message = "Non-existent interface specified in configuration";
            self.diagnostics
                .push(Diagnostic::new(Class::BadInterface, None, message));
        }
        if self.policy.security {
            return;
        }
        for (used, message) in [
            (
                self.life_scripts,
                "SECURITY VIOLATION - start/shutdown scripts are being executed but script_security not enabled.",
            ),
            (
                self.vrrp_scripts,
                "SECURITY VIOLATION - scripts are being executed but script_security not enabled.",
            ),
            (
                self.check_scripts,
                "SECURITY VIOLATION - check scripts are being executed but script_security not enabled.",
            ),
        ] {
            if used {
                let diagnostic = Diagnostic::new(Class::Security, None, message)
                    .with_help("enable_script_security in global_defs");
                self.diagnostics.push(diagnostic);
            }
        }
    }
}

#[cfg(test)]
mod tests;
