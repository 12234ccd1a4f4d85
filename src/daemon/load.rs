//! From the command line to a plan: the file read, the host looked at, the plan built and judged.
//!
//! Used at start, at every reload and by `-t`. Nothing here touches the running state: a file that cannot be run
//! leaves no trace but its diagnostics.

use super::{config_command, paths, resolve};
use crate::check::probe::{Kit, TlsError, regex};
use crate::cli::Options;
use crate::conf::config::{Config, Global, refusal};
use crate::conf::diag::{self, Class, Diagnostic, Topic};
use crate::conf::{self, ReadOptions, Reading, Sources, hint};
use crate::net::InterfaceStatus;
use crate::netlink;
use crate::plan::{self, Host, Plan, ScriptRefusal};
use crate::script::config::Command;
use crate::script::host::{Host as _, System};
use crate::script::safety::{Refusal, Remark};
use crate::script::{Report, Scripts};
use crate::sys::netns::{Home, Namespace};
use crate::sys::{clock, netns};
use nix::unistd::gethostname;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tracing::{info, warn};

/// A configuration as it was read, with all that is to be said of it.
#[derive(Debug)]
pub(super) struct Loaded {
    /// What the daemon shall do; parts with mistakes are left out of it.
    pub plan: Plan,
    /// The scripts of the plan that may be run.
    pub scripts: Arc<Scripts>,
    /// What HTTP_GET and SSL_GET ask with, or why SSL_GET cannot.
    pub kit: Result<Arc<Kit>, TlsError>,
    /// Every mistake and remark, in the order of reading.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts, to show the lines.
    pub sources: Sources,
    /// The interfaces that the plan was built for.
    pub interfaces: Vec<InterfaceStatus>,
    /// Whether there was a file to read.
    found: bool,
    /// Whether it said nothing at all.
    empty: bool,
    /// The network namespace that it is for: `-s`, otherwise `net_namespace`.
    pub namespace: Option<String>,
    /// The network namespace that was left for it, at the start.
    pub origin: Option<Namespace>,
    /// The one that IPVS is in; known at the start.
    pub ipvs_home: Home,
}

/// The network namespace that a configuration is for cannot be entered.
#[derive(Debug, thiserror::Error)]
#[error("Unable to enter network namespace {name}: {source}")]
pub(super) struct NoNamespace {
    name: String,
    source: std::io::Error,
}

/// What the diagnostics mean for a daemon that is to run this (grammar 11.4 to 11.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It can be run.
    Runnable,
    /// There is no usable file.
    NoFile,
    /// A mistake forbids running it.
    Unusable,
}

impl Loaded {
    /// Tells the log all that is to be said of the configuration.
    pub(super) fn log(&self) {
        for diagnostic in &self.diagnostics {
            if diagnostic.is_warning() {
                warn!("{}", diagnostic.log_line());
            } else {
                info!("{}", diagnostic.log_line());
            }
        }
    }

    /// Whether there was a file to read.
    pub(super) fn found(&self) -> bool {
        self.found
    }

    /// Whether the daemon can run this plan.
    pub(super) fn judge(&self) -> Judgement {
        let include_failed = self
            .diagnostics
            .iter()
            .any(|found| found.class == Class::IncludeFailed);
        if !self.found || include_failed {
            Judgement::NoFile
        } else if plan::is_fatal(&self.diagnostics) {
            Judgement::Unusable
        } else {
            Judgement::Runnable
        }
    }

    /// Whether `-t` would find nothing wrong.
    pub(super) fn is_faultless(&self) -> bool {
        plan::exit_code(&self.diagnostics) == 0
    }

    /// Why a running daemon shall go on with what it has, if it shall. A reload is stricter than a start, as nobody
    /// looks: a file that is empty, or whose blocks and quotes no longer end, is likely being written or was cut off.
    /// One that was `torn` when it was started with is its owner's habit, which keepalived bears with.
    pub(super) fn objection(&self, torn: bool) -> Option<&'static str> {
        match self.judge() {
            Judgement::NoFile => Some("There is no usable configuration file"),
            Judgement::Unusable => Some("The configuration cannot be run"),
            Judgement::Runnable if self.kit.is_err() => Some("TLS of SSL_GET cannot be prepared"),
            Judgement::Runnable if self.empty => Some("The configuration is empty"),
            Judgement::Runnable if self.torn() && !torn => {
                Some("The blocks or quotes of the configuration do not match")
            }
            Judgement::Runnable => None,
        }
    }

    /// Why this cannot take the place of what runs: it changes what was settled at the start (fact 18.3).
    pub(super) fn needs_restart(&self, running: &Global) -> Option<&'static str> {
        refusal(running, &self.plan.global)
    }

    /// Whether blocks or quotes do not begin or end where they should.
    pub(super) fn torn(&self) -> bool {
        self.diagnostics.iter().any(|found| {
            matches!(
                found.class,
                Class::UnexpectedOpen
                    | Class::MissingOpen
                    | Class::UnexpectedClose
                    | Class::MissingClose
                    | Class::UnmatchedQuote
            )
        })
    }
}

/// Reads the configuration that `options` name, enters its network namespace, and plans for what is there.
///
/// To be called before other threads exist: they inherit the namespace.
///
/// # Errors
/// When the namespace cannot be entered.
pub(super) fn load_and_enter(options: &Options) -> Result<Loaded, NoNamespace> {
    let reading = read(options);
    let ipvs = &reading.config.global.net_namespace_ipvs;
    let mut ipvs_home = ipvs.clone().flatten().map_or(Home::Here, Home::Named);
    let mut origin = None;
    if let Some(name) = namespace(options, &reading.config) {
        let at_start = Namespace::current().map_err(|source| NoNamespace {
            name: name.clone(),
            source,
        })?;
        if *ipvs == Some(None) {
            ipvs_home = Home::Held(at_start.clone());
        }
        origin = Some(at_start);
        netns::enter(&name).map_err(|source| NoNamespace { name, source })?;
    }
    Ok(Loaded {
        origin,
        ipvs_home,
        ..plan_for_host(reading, options)
    })
}

/// The same for a daemon that runs: its namespace stays what it is.
pub(super) fn load(options: &Options) -> Loaded {
    plan_for_host(read(options), options)
}

fn namespace(options: &Options, config: &Config) -> Option<String> {
    options
        .namespace
        .clone()
        .or_else(|| config.global.net_namespace.clone())
}

/// Reads the file that `options` name.
pub(super) fn read(options: &Options) -> Reading {
    conf::read(
        &options.config,
        &ReadOptions {
            config_id: options
                .config_id
                .clone()
                .unwrap_or_else(|| first_label(&host_name())),
            all_config: options.all_config,
            test: options.config_test.is_some(),
            random_seed: clock::now().as_micros(),
            ..ReadOptions::default()
        },
    )
}

fn plan_for_host(reading: Reading, options: &Options) -> Loaded {
    let namespace = namespace(options, &reading.config);
    let mut diagnostics = reading.diagnostics;
    let empty = reading.config == Config::default();
    let interfaces = netlink::interfaces().unwrap_or_else(|error| {
        let message = format!("The host's interfaces cannot be read: {error}");
        diagnostics.push(Diagnostic::new(Class::Fatal, None, message));
        Vec::new()
    });
    let config = only_the_halves_that_run(reading.config, options);
    let examined = examine_scripts(&config, &mut diagnostics);
    let unknown_accounts = plan::accounts(&config)
        .into_iter()
        .filter(|account| {
            let group = account.group.as_deref();
            System.user(&account.user).is_none() || group.is_some_and(|name| System.group(name).is_none())
        })
        .collect();
    let host = Host {
        interfaces,
        refused: examined.refused,
        reasons: examined.reasons,
        unknown_accounts,
        mail_server_unknown: plan::mail_server(&config).is_some_and(resolve::has_no_address),
        track_files: paths::track_files(&config),
        key_files: paths::key_files(&config),
        refused_regexes: regex::refused(plan::regexes(&config))
            .into_iter()
            .map(|(regex, why)| (regex, why.to_string()))
            .collect(),
    };
    let (plan, found) = plan::build(&config, &host);
    diagnostics.extend(found);
    let kit = Kit::of(&plan.check).map(Arc::new);
    if let Err(error) = &kit {
        // keepalived's test of a configuration does not look.
        let found = Diagnostic::new(Class::Unheeded, None, error.to_string());
        diagnostics.push(found.about(Topic::Other));
    }
    if options.strict {
        diagnostics.extend(config_command::remarks(&config, &host.interfaces));
    }
    diag::sort(&mut diagnostics, &reading.sources);
    diag::name_once(&mut diagnostics);
    hint::add(&mut diagnostics, &reading.sources);
    Loaded {
        plan,
        scripts: Arc::new(examined.scripts),
        kit,
        diagnostics,
        sources: reading.sources,
        interfaces: host.interfaces,
        found: reading.found,
        empty,
        namespace,
        origin: None,
        ipvs_home: Home::Here,
    }
}

/// `-P`, `-C` and `-B` skip the blocks of the other parts, mistakes of the whole included.
fn only_the_halves_that_run(mut config: Config, options: &Options) -> Config {
    if !options.vrrp {
        config.instances.clear();
        config.groups.clear();
        config.scripts.clear();
        config.track_processes.clear();
    }
    if !options.bfd {
        config.bfd.clear();
    }
    if !options.check {
        config.ssl = None;
        config.server_groups.clear();
        config.servers.clear();
    }
    config
}

/// The scripts of a configuration, looked at.
struct Examined {
    /// Those that may be run.
    scripts: Scripts,
    /// The others,
    refused: HashMap<Command, ScriptRefusal>,
    /// and why in words.
    reasons: HashMap<Command, String>,
}

/// Looks at every script of the configuration: which may be run, and what is to be said of it (facts 13).
fn examine_scripts(config: &Config, diagnostics: &mut Vec<Diagnostic>) -> Examined {
    let commands = plan::commands(config);
    let (scripts, reports) = Scripts::examine(&commands, &plan::policy(config));
    let mut examined = Examined {
        scripts,
        refused: HashMap::new(),
        reasons: HashMap::new(),
    };
    let mut said = HashSet::new();
    for Report { command, verdict } in reports {
        match verdict {
            // Scripts of one program, or without a user, are remarked upon once.
            Ok(remarks) => diagnostics.extend(
                remarks
                    .iter()
                    .map(remark)
                    .filter(|remark| said.insert(remark.message.clone())),
            ),
            // Which part does without it is the plan's to say; why is known here only.
            Err(refusal) => {
                let reason = match &refusal {
                    Refusal::Missing { path, at, .. } if path == at => refusal.to_string(),
                    // The plan says the rest.
                    Refusal::Unsafe(..) => refusal.help(),
                    _ => format!("{refusal}: {}", refusal.help()),
                };
                examined.reasons.insert(command.clone(), reason);
                examined.refused.insert(command, kind(&refusal));
            }
        }
    }
    examined
}

fn remark(remark: &Remark) -> Diagnostic {
    Diagnostic::new(Class::Note, None, remark.to_string()).with_help(remark.help())
}

const fn kind(refusal: &Refusal) -> ScriptRefusal {
    match refusal {
        Refusal::Empty | Refusal::NotInPath(_) | Refusal::Missing { .. } | Refusal::NotExecutable(..) => {
            ScriptRefusal::NotFound
        }
        Refusal::NoUser(_) | Refusal::NoGroup(_) => ScriptRefusal::NoUser,
        Refusal::NoDefaultUser => ScriptRefusal::NoDefaultUser,
        Refusal::WrongType { .. } | Refusal::Unsafe(..) => ScriptRefusal::Unsafe,
    }
}

/// The host's name; empty where it cannot be had.
pub(super) fn host_name() -> String {
    gethostname()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// The identity of `@ID` lines: the host's name up to its first dot (grammar 7.2).
fn first_label(name: &str) -> String {
    name.split('.').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::CheckConfig;

    fn loaded(classes: &[Class], found: bool, empty: bool) -> Loaded {
        let diagnostic = |class: &Class| Diagnostic::new(*class, None, "wrong");
        Loaded {
            plan: Plan::default(),
            scripts: Arc::new(Scripts::default()),
            kit: Kit::of(&CheckConfig::default()).map(Arc::new),
            diagnostics: classes.iter().map(diagnostic).collect(),
            sources: Sources::default(),
            interfaces: Vec::new(),
            found,
            empty,
            namespace: None,
            origin: None,
            ipvs_home: Home::Here,
        }
    }

    #[test]
    fn options_leave_out_the_blocks_of_what_does_not_run() {
        let text = "bfd_instance N {\nneighbor_ip 192.0.2.2\n}\nvrrp_script S {\nscript /bin/true\n}\n";
        let reading = conf::read_str(std::path::Path::new("site.conf"), text, &ReadOptions::default());
        let left = |line: &str| {
            let args = format!("steadfast {line}");
            let parsed = crate::cli::parse(args.split_whitespace().map(Into::into)).unwrap();
            let config = only_the_halves_that_run(reading.config.clone(), &parsed.options);
            (config.bfd.len(), config.scripts.len())
        };
        assert_eq!(left(""), (1, 1));
        assert_eq!(left("-B"), (0, 1));
        assert_eq!(left("-C"), (1, 0));
    }

    #[test]
    fn a_reload_is_stricter_than_a_start() {
        let torn = [
            Class::UnexpectedOpen,
            Class::MissingOpen,
            Class::UnexpectedClose,
            Class::MissingClose,
            Class::UnmatchedQuote,
        ];
        for class in torn {
            let file = loaded(&[Class::Warning, class], true, false);
            assert_eq!(file.judge(), Judgement::Runnable, "{class:?}");
            assert!(file.objection(false).is_some(), "{class:?} is new");
            assert_eq!(file.objection(true), None, "{class:?} is a habit");
        }
        assert!(loaded(&[], true, true).objection(true).is_some(), "empty");
        assert_eq!(loaded(&[], true, true).judge(), Judgement::Runnable, "empty");
    }

    /// LVS facts: 16.14
    #[test]
    fn what_cannot_start_is_not_reloaded_and_small_mistakes_are() {
        for class in [Class::Fatal, Class::BadInterface, Class::MissingParameter] {
            assert!(
                loaded(&[class], true, false).objection(true).is_some(),
                "{class:?}"
            );
        }
        assert!(loaded(&[], false, true).objection(true).is_some(), "no file");
        assert!(
            loaded(&[Class::IncludeFailed], true, false)
                .objection(true)
                .is_some()
        );
        let small = [
            Class::Note,
            Class::UnknownKeyword,
            Class::InvalidNumber,
            Class::General,
        ];
        assert_eq!(loaded(&small, true, false).objection(false), None);
    }

    /// Facts: 18.3
    /// LVS facts: 16.12
    #[test]
    fn what_the_start_has_settled_needs_a_restart() {
        let file = loaded(&[], true, false);
        let mut running = Global::default();
        assert_eq!(file.needs_restart(&running), None);
        running.net_namespace = Some("blue".to_owned());
        let cannot = |what: &str| format!("Cannot change {what} at a reload - please restart keepalived");
        assert_eq!(file.needs_restart(&running), Some(&*cannot("net_namespace")));
        running = Global {
            net_namespace_ipvs: Some(None),
            ..Global::default()
        };
        let ipvs = cannot("IPVS network namespace");
        assert_eq!(file.needs_restart(&running), Some(&*ipvs));
        running = Global {
            instance: Some("one".to_owned()),
            ..Global::default()
        };
        assert_eq!(file.needs_restart(&running), Some(&*cannot("instance")));
        running = Global::default();
        running.shown.firewall.nftables_ipvs = Some("mine".to_owned());
        assert_eq!(file.needs_restart(&running), Some(&*cannot("nftables_ipvs")));
    }
}
