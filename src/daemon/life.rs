//! `startup_script` and `shutdown_script`: the operator's own steps before the planes begin and after they have ended.

use super::signal::{Signal, Signals};
use crate::conf::config::{LifeScripts, Spanned};
use crate::script::Scripts;
use crate::script::config::{Command, ScriptOutcome};
use std::time::Duration;
use tracing::{info, warn};

/// How long either may take, unless configured.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Runs the script of the start and waits for it. `false`: the daemon is told to stop meanwhile, and the script was ended.
pub(super) async fn startup(life: &LifeScripts, scripts: &Scripts, signals: &mut Signals) -> bool {
    let script = run("startup", life.startup.as_ref(), life.startup_timeout, scripts);
    let stop = async {
        // There is nothing yet that could be reloaded or shown.
        while signals.next().await != Signal::Stop {}
    };
    tokio::select! {
        biased;
        () = stop => {
            info!("Stopping");
            false
        }
        () = script => true,
    }
}

/// Runs the script of the end and waits for it.
pub(super) async fn shutdown(life: &LifeScripts, scripts: &Scripts) {
    run("shutdown", life.shutdown.as_ref(), life.shutdown_timeout, scripts).await;
}

async fn run(which: &str, command: Option<&Spanned<Command>>, timeout: Option<Duration>, scripts: &Scripts) {
    let Some(Spanned { value: command, .. }) = command else {
        return;
    };
    info!("Running {which} script {}", command.program());
    let limit = timeout.unwrap_or(TIMEOUT);
    match scripts.run(command, limit).await {
        ScriptOutcome::Exited(0) => info!("{which} script succeeded"),
        ScriptOutcome::Exited(status) => warn!("{which} script failed, status {status}"),
        ScriptOutcome::Signalled(signal) => warn!("{which} script was killed by signal {signal}"),
        ScriptOutcome::TimedOut => warn!(
            "{which} script took longer than {} s and was ended",
            limit.as_secs()
        ),
        ScriptOutcome::NotStarted => warn!("{which} script could not be started"),
    }
}
