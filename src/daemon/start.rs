//! From the command line to a running daemon: namespace, file, pid files, background, log, privileges, planes.
//!
//! The order matters: everything that can be found wrong is found before the process goes into the background, so
//! that whoever started it sees the exit status; and the process forks before it has a second thread.

use super::control::{Begin, Control};
use super::core_pattern::CorePattern;
use super::exit::Exit;
use super::load::{Judgement, Loaded, load_and_enter};
use super::pidfile::{self, Naming, PidFileError, PidFiles};
use super::signal::Signals;
use super::{life, limits, log, version};
use crate::cli::Options;
use crate::plan::Plan;
use crate::sys::caps::{self, Capability};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};
use std::ffi::OsString;
use tokio::runtime::{Builder, Runtime};
use tracing::{error, info, warn};

/// keepalived's file creation mask: dumps are for the owner only (fact 19.7).
const DEFAULT_UMASK: u32 = 0o177;

/// What stands between the command line and the planes.
enum Outcome {
    /// Go on: the configuration can be run, the pid files are ours.
    Ready(Box<Loaded>, PidFiles),
    /// Say why not, and end.
    Refused(Refusal),
}

/// Why the daemon does not start.
struct Refusal {
    /// What was read, if it came to that.
    loaded: Option<Box<Loaded>>,
    reason: String,
    exit: Exit,
}

impl Outcome {
    fn loaded(&self) -> Option<&Loaded> {
        match self {
            Self::Ready(loaded, _) => Some(loaded),
            Self::Refused(refusal) => refusal.loaded.as_deref(),
        }
    }
}

/// Starts the daemon and returns when it has ended.
pub(super) fn run(mut options: Options, command_line: &[OsString]) -> Exit {
    take_umask(&options, None);
    // A reload shall find the same file from the background, whose directory is the root.
    if let Ok(absolute) = std::path::absolute(&options.config) {
        options.config = absolute;
    }
    let outcome = match prepare(&options) {
        Outcome::Ready(loaded, files) if !options.dont_fork => match nix::unistd::daemon(false, false) {
            Ok(()) => Outcome::Ready(loaded, files),
            Err(error) => Outcome::Refused(Refusal {
                loaded: Some(loaded),
                reason: format!("Cannot go into the background: {error}"),
                exit: Exit::Fatal,
            }),
        },
        other => other,
    };
    let Ok(guard) = log::start(&log::Settings::from(&options)) else {
        crate::cli::print("", "The log cannot be started\n");
        return Exit::Fatal;
    };
    announce(&options, outcome.loaded(), command_line, &guard);
    let exit = match outcome {
        Outcome::Ready(loaded, files) => serve(options, *loaded, files),
        Outcome::Refused(Refusal { reason, exit, .. }) => {
            error!("{reason}");
            exit
        }
    };
    info!("Stopped {}", version::own_name());
    exit
}

/// Reads the configuration, judges it and the privileges, and takes the pid files.
fn prepare(options: &Options) -> Outcome {
    let refused = |loaded, reason: String, exit| Outcome::Refused(Refusal { loaded, reason, exit });
    let loaded = match load_and_enter(options) {
        Ok(loaded) => Box::new(loaded),
        Err(error) => return refused(None, error.to_string(), Exit::Fatal),
    };
    match loaded.judge() {
        Judgement::Runnable => {}
        Judgement::NoFile => {
            let reason = "There is no usable configuration file".into();
            return refused(Some(loaded), reason, Exit::NoConfig);
        }
        Judgement::Unusable => {
            return refused(
                Some(loaded),
                "The configuration cannot be run".into(),
                Exit::Config,
            );
        }
    }
    if loaded.kit.is_err() {
        let reason = "Error Initialize SSL, ctx Instance".into();
        return refused(Some(loaded), reason, Exit::Fatal);
    }
    if let Err(missing) = privileged(&loaded.plan) {
        return refused(Some(loaded), missing, Exit::Permission);
    }
    let naming = Naming {
        namespace: loaded.namespace.as_deref(),
        instance: loaded.plan.global.instance.as_deref(),
        use_pid_dir: loaded.plan.global.upkeep.use_pid_dir,
    };
    match PidFiles::lock(&pidfile::paths(options, naming)) {
        Ok(files) => Outcome::Ready(loaded, files),
        Err(error @ PidFileError::Running { .. }) => refused(Some(loaded), error.to_string(), Exit::Normal),
        Err(error @ PidFileError::Unusable { .. }) => refused(Some(loaded), error.to_string(), Exit::Fatal),
    }
}

/// The file creation mask, which counts from now on: `-u`, otherwise `umask`, otherwise keepalived's (fact 19.7).
pub(super) fn take_umask(options: &Options, configured: Option<u16>) -> u32 {
    let mask = options
        .umask
        .or_else(|| configured.map(u32::from))
        .unwrap_or(DEFAULT_UMASK);
    umask(Mode::from_bits_truncate(mask));
    mask
}

/// The first lines of the log.
fn announce(options: &Options, loaded: Option<&Loaded>, command_line: &[OsString], log: &log::Guard) {
    if let Some(loaded) = loaded {
        let instance = loaded.plan.global.instance.as_deref();
        log.name(loaded.namespace.as_deref(), instance);
    }
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
    if let Some(loaded) = loaded {
        loaded.log();
    }
}

/// Runs the control plane. The pid files go when it has ended.
fn serve(options: Options, loaded: Loaded, mut files: PidFiles) -> Exit {
    take_umask(&options, loaded.plan.global.upkeep.umask);
    if let Err(error) = limits::raise() {
        warn!("The limit of open files cannot be raised: {error}");
    }
    if (options.core_dump || options.core_dump_pattern.is_some())
        && let Err(error) = allow_core_dumps()
    {
        warn!("Core dumps cannot be allowed: {error}");
    }
    // Restored when this function ends.
    let _core_pattern = options.core_dump_pattern.as_deref().and_then(|pattern| {
        CorePattern::set(pattern)
            .map_err(|error| warn!("The name of core dumps cannot be set: {error}"))
            .ok()
    });
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            error!("The control plane cannot start: {error}");
            return Exit::Fatal;
        }
    };
    run_to_end(runtime, async {
        let mut signals = match Signals::new(options.ignore_sigint) {
            Ok(signals) => signals,
            Err(error) => {
                error!("Signals cannot be received: {error}");
                return Exit::Fatal;
            }
        };
        // Only now: whoever reads a pid may send a signal at once.
        if let Err(error) = files.write() {
            error!("{error}");
            return Exit::Fatal;
        }
        if !life::startup(&loaded.plan.global.life, &loaded.scripts, &mut signals).await {
            return Exit::Normal;
        }
        let dump = options.dump_conf;
        match Control::start(Begin {
            options,
            loaded,
            pid_file: files.main().map(ToOwned::to_owned),
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

/// Runs `main` and does not wait for what it has left behind: a name that a silent resolver is still asked for.
fn run_to_end<T>(runtime: Runtime, main: impl Future<Output = T>) -> T {
    let end = runtime.block_on(main);
    runtime.shutdown_background();
    end
}

/// Whether this plan can be run with the capabilities of the process. If not: every one that is missing and what it is
/// for, a line each.
pub(super) fn privileged(plan: &Plan) -> Result<(), String> {
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
    // Without /proc nothing is known; what is really missing shows at the first use.
    let missing = caps::missing(&wanted).unwrap_or_default();
    let lines: Vec<String> = needs
        .iter()
        .filter(|(capability, _)| missing.contains(capability))
        .map(|(capability, purpose)| format!("{capability} is missing: it is needed to {purpose}"))
        .collect();
    if lines.is_empty() {
        Ok(())
    } else {
        Err(lines.join("\n"))
    }
}

/// `-m`: lifts the limit of core dumps as far as it goes.
fn allow_core_dumps() -> nix::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_CORE)?;
    setrlimit(Resource::RLIMIT_CORE, hard, hard)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn the_end_waits_for_nothing_that_was_left_behind() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let (answer, silent) = mpsc::channel::<()>();
        let (begun, begins) = mpsc::channel();
        let (say, said) = mpsc::channel();
        std::thread::spawn(move || {
            let end = run_to_end(runtime, async {
                tokio::task::spawn_blocking(move || {
                    begun.send(()).unwrap();
                    silent.recv()
                });
                // Only what has begun could be waited for.
                begins.recv().unwrap();
                7
            });
            say.send(end).unwrap();
        });
        let end = said.recv_timeout(std::time::Duration::from_secs(20));
        drop(answer);
        assert_eq!(end, Ok(7));
    }
}
