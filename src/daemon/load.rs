//! From the command line to a plan: the file read, the host looked at, the plan built and judged.
//!
//! Used at start, at every reload and by `-t`. Nothing here touches the running state: a file that cannot be run
//! leaves no trace but its diagnostics.

use crate::cli::Options;
use crate::conf::config::Config;
use crate::conf::diag::{self, Class, Diagnostic};
use crate::conf::{self, ReadOptions, Sources};
use crate::net::InterfaceStatus;
use crate::netlink;
use crate::plan::{self, Host, Plan, ScriptRefusal};
use crate::script::config::Command;
use crate::script::host::{Host as _, System};
use crate::script::safety::{Refusal, Remark};
use crate::script::{Report, Scripts};
use crate::sys::clock;
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
    /// Every mistake and remark, in the order of reading.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts, to show the lines.
    pub sources: Sources,
    /// The interfaces that the plan was built for.
    pub interfaces: Vec<InterfaceStatus>,
    /// Whether there was a file to read.
    found: bool,
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
}

/// Reads the configuration that `options` name, for the host as it is now.
pub(super) fn load(options: &Options) -> Loaded {
    let reading = conf::read(
        &options.config,
        &ReadOptions {
            config_id: options
                .config_id
                .clone()
                .unwrap_or_else(|| first_label(&host_name())),
            all_config: options.all_config,
            test: options.config_test.is_some(),
            random_seed: clock::now().as_micros(),
        },
    );
    let mut diagnostics = reading.diagnostics;
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
    };
    let (plan, found) = plan::build(&config, &host);
    diagnostics.extend(found);
    diag::sort(&mut diagnostics, &reading.sources);
    Loaded {
        plan,
        scripts: Arc::new(examined.scripts),
        diagnostics,
        sources: reading.sources,
        interfaces: host.interfaces,
        found: reading.found,
    }
}

/// `-P` and `-C` skip the blocks of the other half, mistakes of the whole included.
fn only_the_halves_that_run(mut config: Config, options: &Options) -> Config {
    if !options.vrrp {
        config.instances.clear();
        config.groups.clear();
        config.scripts.clear();
    }
    if !options.check {
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
