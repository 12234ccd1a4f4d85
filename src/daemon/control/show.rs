//! What control shows when it is asked: dumps, statistics, JSON, and what the planes answer for them.

use super::{Control, STATUS_LIMIT, command};
use crate::bfd::status::BfdStatus;
use crate::check::status::CheckStatus;
use crate::daemon::dump::{self, Facts, Live};
use crate::daemon::load;
use crate::daemon::plane::{BfdCommand, CheckCommand, VrrpCommand};
use crate::ipvs::io::Client;
use crate::ipvs::model::ServiceKey;
use crate::ipvs::stats::Statistics;
use crate::netlink;
use crate::plan::Plan;
use crate::sys::netns::Home;
use crate::sys::wall;
use crate::track::process::count::Tally;
use crate::vrrp::status::VrrpStatus;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tracing::{info, warn};

impl Control {
    /// `-d`: the configuration, labelled, to the log.
    pub(in crate::daemon) async fn dump_to_log(&self) {
        let checks = self.check_status().await;
        let host = load::host_name();
        for line in dump::configuration(&self.facts(&host), checks.as_ref()).lines() {
            info!("{line}");
        }
    }

    /// SIGUSR1: the data dumps.
    pub(super) async fn dump_data(&self) {
        info!("Printing data for process({}) on signal", std::process::id());
        self.with_data(dump::write_data).await;
    }

    /// What the data dump of each plane that runs would be, by the plane's name.
    pub(super) async fn planes_as_text(&self) -> Vec<(&'static str, String)> {
        self.with_data(|facts, live, checks, bfd| {
            let vrrp = live.map(|live| ("vrrp", dump::vrrp_file(facts, live)));
            let check = checks.map(|checks| ("check", dump::check_file(facts, checks)));
            let bfd = bfd.map(|bfd| ("bfd", dump::bfd_file(facts, bfd)));
            [vrrp, check, bfd].into_iter().flatten().collect()
        })
        .await
    }

    /// Asks the planes that run for all that they show, and hands it to `to`.
    async fn with_data<T>(
        &self,
        to: impl FnOnce(&Facts<'_>, Option<&Live<'_>>, Option<&CheckStatus>, Option<&BfdStatus>) -> T,
    ) -> T {
        let (status, checks) = (self.vrrp_status().await, self.check_status().await);
        let bfd = self.bfd_status().await;
        let (running, processes) = (self.tracker.running(), self.processes.tallies());
        let live = status
            .as_ref()
            .map(|status| self.live(status, &running, &processes));
        let host = load::host_name();
        // As they are now; whatever keeps them from being read, those of the last reading are better than none.
        let interfaces = tokio::task::spawn_blocking(netlink::interfaces).await;
        let interfaces = interfaces.ok().and_then(Result::ok);
        let facts = Facts {
            interfaces: interfaces.as_deref().unwrap_or(&self.interfaces),
            ..self.facts(&host)
        };
        to(&facts, live.as_ref(), checks.as_ref(), bfd.as_ref())
    }

    /// SIGUSR2: the statistics; with `clear` the counters start anew afterwards.
    pub(super) async fn dump_stats(&self, clear: bool) {
        info!(
            "Printing VRRP stats for process({}) on signal",
            std::process::id()
        );
        if let Some(status) = self.vrrp_status().await {
            dump::write_stats(&self.facts(&load::host_name()), &status);
        }
        if let (true, Some(plane)) = (clear, &self.vrrp) {
            command(&plane.commands, VrrpCommand::ClearCounters, "VRRP");
        }
        if let (true, Some(plane)) = (clear, &self.check) {
            command(&plane.commands, CheckCommand::ClearCounters, "healthcheck");
        }
    }

    /// SIGRTMIN+2: the JSON dump.
    pub(super) async fn dump_json(&self) {
        info!(
            "Printing VRRP as json for process({}) on signal",
            std::process::id()
        );
        let (status, checks) = (self.vrrp_status().await, self.check_status().await);
        let (running, processes) = (self.tracker.running(), self.processes.tallies());
        let live = status
            .as_ref()
            .map(|status| self.live(status, &running, &processes));
        let statistics = match &checks {
            // The first version has no virtual servers.
            Some(checks) if self.plan.global.dumps.json_version == Some(2) => {
                statistics(&self.ipvs_home, dump::health::services(checks)).await
            }
            _ => Statistics::new(),
        };
        let ipvs = dump::json::Ipvs {
            statistics,
            put_back: (self.check.as_ref()).map_or([0; 3], |plane| plane.put_back.counts()),
            put_back_whole: self.steward.as_ref().map(|steward| steward.put_back().counts()),
        };
        let host = load::host_name();
        let standing = self.watch.standing();
        dump::write_json(
            &self.facts(&host),
            live.as_ref(),
            checks.as_ref(),
            &ipvs,
            &standing,
        );
    }

    fn facts<'a>(&'a self, hostname: &'a str) -> Facts<'a> {
        Facts {
            plan: &self.plan,
            hostname,
            umask: self.umask,
            interfaces: &self.interfaces,
            namespace: self
                .options
                .namespace
                .as_deref()
                .or(self.plan.global.net_namespace.as_deref()),
            scripts: &self.scripts,
            reload_due: self.clock.due(),
        }
    }

    /// What is known of an engine that runs.
    fn live<'a>(
        &self,
        status: &'a VrrpStatus,
        running: &'a BTreeSet<String>,
        processes: &'a BTreeMap<String, Tally>,
    ) -> Live<'a> {
        let numbers = self.vrrp.as_ref().map(|plane| plane.metrics.numbers());
        Live {
            status,
            wall: wall::now(),
            running,
            processes,
            numbers: numbers.unwrap_or_default(),
        }
    }

    /// The running plan, virtual servers and all: control itself does not keep those. Nothing when the plane that has
    /// them does not answer.
    pub(super) async fn running(&self) -> Option<Plan> {
        let mut plan = self.plan.clone();
        if let Some(plane) = &self.check {
            plan.check.services = ask(&plane.commands, CheckCommand::Services).await?;
        }
        Some(plan)
    }

    pub(super) async fn vrrp_status(&self) -> Option<VrrpStatus> {
        ask(&self.vrrp.as_ref()?.commands, VrrpCommand::Status).await
    }

    async fn check_status(&self) -> Option<CheckStatus> {
        ask(&self.check.as_ref()?.commands, CheckCommand::Status).await
    }

    async fn bfd_status(&self) -> Option<BfdStatus> {
        ask(&self.bfd.as_ref()?.commands, BfdCommand::Status).await
    }
}

/// What a plane shows of itself; nothing when it does not answer.
async fn ask<C, S>(commands: &mpsc::Sender<C>, question: fn(oneshot::Sender<S>) -> C) -> Option<S> {
    ask_within(STATUS_LIMIT, commands, question).await
}

/// The same, for who has another patience.
pub(super) async fn ask_within<C, S>(
    limit: Duration,
    commands: &mpsc::Sender<C>,
    question: fn(oneshot::Sender<S>) -> C,
) -> Option<S> {
    let (reply, answer) = oneshot::channel();
    commands.try_send(question(reply)).ok()?;
    timeout(limit, answer).await.ok()?.ok()
}

/// What the kernel counts of these services: none of those that are not there, and nothing at all without IPVS or when the
/// kernel takes too long.
async fn statistics(home: &Home, services: BTreeSet<ServiceKey>) -> Statistics {
    if services.is_empty() {
        return Statistics::new();
    }
    let (reply, answer) = oneshot::channel();
    let home = home.clone();
    // Not awaited: it ends by itself soon after nobody waits for it.
    tokio::task::spawn_blocking(move || {
        let read = Client::open_in(&home)
            .map_err(|error| error.to_string())
            .and_then(|mut client| {
                let read = client.statistics(&services, || !reply.is_closed());
                read.map_err(|error| error.to_string())
            });
        // Too late: see above.
        let _ = reply.send(read);
    });
    match timeout(STATUS_LIMIT, answer).await {
        Ok(Ok(Ok(statistics))) => return statistics,
        Ok(Ok(Err(error))) => warn!("No statistics of IPVS: {error}"),
        Ok(Err(_)) | Err(_) => warn!("No statistics of IPVS: the kernel takes too long"),
    }
    Statistics::new()
}
