//! From the command line to a running daemon: namespace, file, pid files, background, log, privileges, planes.
//!
//! The order matters: everything that can be found wrong is found before the process goes into the background, so
//! that whoever started it sees the exit status; and the process forks before it has a second thread.

use super::control::{Begin, Control};
use super::exit::Exit;
use super::load::{Judgement, Loaded, load};
use super::pidfile::{self, Naming, PidFileError, PidFiles};
use super::signal::Signals;
use super::{log, version};
use crate::cli::Options;
use crate::plan::Plan;
use crate::sys::caps::{self, Capability};
use crate::sys::netns;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};
use std::ffi::OsString;
use tracing::{error, info, warn};

/// keepalived's file creation mask: dumps are for the owner only (fact 19.7).
const DEFAULT_UMASK: u32 = 0o177;

/// What stands between the command line and the planes.
enum Outcome {
    /// Go on: the configuration can be run, the pid files are ours.
    Ready(PidFiles),
    /// Say this and end.
    Refused(String, Exit),
}

/// Starts the daemon and returns when it has ended.
pub(super) fn run(options: Options, command_line: &[OsString]) -> Exit {
    let mask = options.umask.unwrap_or(DEFAULT_UMASK);
    umask(Mode::from_bits_truncate(mask));
    let entered = options.namespace.as_deref().map_or(Ok(()), netns::enter);
    let loaded = load(&options);
    let outcome = match entered {
        Ok(()) => prepare(&options, &loaded),
        Err(error) => {
            let name = options.namespace.as_deref().unwrap_or_default();
            Outcome::Refused(
                format!("Unable to enter network namespace {name}: {error}"),
                Exit::Fatal,
            )
        }
    };
    let outcome = match outcome {
        Outcome::Ready(files) if !options.dont_fork => match nix::unistd::daemon(false, false) {
            Ok(()) => Outcome::Ready(files),
            Err(error) => Outcome::Refused(format!("Cannot go into the background: {error}"), Exit::Fatal),
        },
        other => other,
    };
    let Ok(guard) = log::start(&log::Settings::from(&options)) else {
        crate::cli::print("", "The log cannot be started\n");
        return Exit::Fatal;
    };
    guard.name(
        options.namespace.as_deref(),
        loaded.plan.global.instance.as_deref(),
    );
    announce(&options, &loaded, command_line);
    let exit = match outcome {
        Outcome::Ready(mut files) => match files.write() {
            Ok(()) => serve(options, loaded, mask),
            Err(error) => {
                error!("{error}");
                Exit::Fatal
            }
        },
        Outcome::Refused(reason, exit) => {
            error!("{reason}");
            exit
        }
    };
    info!("Stopped {}", version::own_name());
    exit
}

/// Judges the configuration and takes the pid files.
fn prepare(options: &Options, loaded: &Loaded) -> Outcome {
    match loaded.judge() {
        Judgement::Runnable => {}
        Judgement::NoFile => {
            return Outcome::Refused("There is no usable configuration file".into(), Exit::NoConfig);
        }
        Judgement::Unusable => {
            return Outcome::Refused("The configuration cannot be run".into(), Exit::Config);
        }
    }
    let naming = Naming {
        namespace: options.namespace.as_deref(),
        instance: loaded.plan.global.instance.as_deref(),
        use_pid_dir: false,
    };
    match PidFiles::lock(&pidfile::paths(options, naming)) {
        Ok(files) => Outcome::Ready(files),
        Err(error @ PidFileError::Running { .. }) => Outcome::Refused(error.to_string(), Exit::Normal),
        Err(error @ PidFileError::Unusable { .. }) => Outcome::Refused(error.to_string(), Exit::Fatal),
    }
}

/// The first lines of the log.
fn announce(options: &Options, loaded: &Loaded, command_line: &[OsString]) {
    let words: Vec<String> = command_line
        .iter()
        .map(|word| format!("'{}'", word.to_string_lossy()))
        .collect();
    info!("Starting {}", version::own_name());
    info!("Running on {}", version::kernel());
    info!("Command line: {}", words.join(" "));
    info!("Configuration file {}", options.config.display());
    for option in options.without_effect() {
        warn!("Option {option} is accepted, no effect yet");
    }
    loaded.log();
}

fn serve(options: Options, loaded: Loaded, umask: u32) -> Exit {
    if let Err(exit) = privileged(&loaded.plan) {
        return exit;
    }
    if (options.core_dump || options.core_dump_pattern.is_some())
        && let Err(error) = allow_core_dumps()
    {
        warn!("Core dumps cannot be allowed: {error}");
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            error!("The control plane cannot start: {error}");
            return Exit::Fatal;
        }
    };
    runtime.block_on(async {
        let signals = match Signals::new(options.ignore_sigint) {
            Ok(signals) => signals,
            Err(error) => {
                error!("Signals cannot be received: {error}");
                return Exit::Fatal;
            }
        };
        let dump = options.dump_conf;
        match Control::start(Begin {
            options,
            loaded,
            umask,
        }) {
            Ok(control) => {
                if dump {
                    control.dump_to_log().await;
                }
                control.run(signals).await
            }
            Err(exit) => exit,
        }
    })
}

/// Names every capability that this plan needs and the process lacks, and what it is for.
fn privileged(plan: &Plan) -> Result<(), Exit> {
    let mut needs = Vec::new();
    if !plan.vrrp.routers.is_empty() {
        needs.push((
            Capability::NetRaw,
            "send and receive VRRP adverts and announce addresses",
        ));
        needs.push((Capability::NetAdmin, "add and remove virtual addresses"));
    }
    if !plan.check.services.is_empty() {
        needs.push((Capability::NetAdmin, "program IPVS"));
    }
    let wanted: Vec<Capability> = needs.iter().map(|(capability, _)| *capability).collect();
    let missing = match caps::missing(&wanted) {
        Ok(missing) => missing,
        Err(error) => {
            // Without /proc nothing is known; what is really missing shows at the first use.
            warn!("The capabilities of this process cannot be read: {error}");
            return Ok(());
        }
    };
    needs.retain(|(capability, _)| missing.contains(capability));
    for (capability, purpose) in &needs {
        error!("{capability} is missing: it is needed to {purpose}");
    }
    if needs.is_empty() {
        Ok(())
    } else {
        Err(Exit::Permission)
    }
}

/// `-m`: lifts the limit of core dumps as far as it goes.
fn allow_core_dumps() -> nix::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_CORE)?;
    setrlimit(Resource::RLIMIT_CORE, hard, hard)
}
