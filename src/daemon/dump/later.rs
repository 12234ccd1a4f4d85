//! Of routers and groups what is shown as written, with what it is when nothing is written, and the sections of what is
//! tracked (fact cli 6.8).

use super::{Facts, Live, Sheet, seconds, weight, yes_no};
use crate::conf::config::RouterSettings;
use crate::net::Family;
use crate::track::config::{FileConfig, ParamMatch, ProcessConfig};
use crate::track::process::count::Tally;
use crate::vrrp::config::{HmacMode, OldChecksum, Replay, RouterConfig, Tracked, TrackedObjects, Version};
use std::net::IpAddr;

/// What an instance says besides what its router is told.
#[derive(Clone, Copy)]
pub(super) struct More<'a> {
    config: &'a RouterConfig,
    settings: Option<&'a RouterSettings>,
}

impl<'a> More<'a> {
    pub(super) fn of(facts: &'a Facts<'a>, config: &'a RouterConfig) -> Self {
        Self {
            config,
            settings: facts.plan.shown.get(&config.name),
        }
    }

    fn get<T>(&self, of: impl FnOnce(&'a RouterSettings) -> Option<T>) -> Option<T> {
        self.settings.and_then(of)
    }

    pub(super) fn skip_check_adv_addr(&self) -> bool {
        self.config.election.skip_check_adv_addr
    }

    pub(super) fn strict(&self) -> bool {
        self.config.election.strict
    }

    /// In strict mode only an owner's addresses take packets, unless it says so.
    pub(super) fn accept(&self) -> bool {
        self.get(|own| own.accept.as_ref()).map_or_else(
            || !self.strict() || self.config.priority.is_owner(),
            |own| own.value,
        )
    }

    pub(super) fn promote_secondaries(&self) -> bool {
        self.get(|own| own.promote_secondaries.as_ref()).is_some()
    }

    /// `min_ttl 0 max_ttl 255`
    pub(super) fn peer(&self, peer: &IpAddr) -> String {
        let mut limits = self.config.packets.peer_ttls.iter();
        let limit = limits.find(|limit| limit.peer == *peer);
        let (least, most) = limit.map_or((0, 255), |limit| (limit.least, limit.most));
        format!("{peer} min_ttl {least} max_ttl {most}")
    }

    pub(super) fn checksum_compatibility(&self) -> &'static str {
        match self.config.packets.old_checksum {
            OldChecksum::Auto => "no",
            OldChecksum::Always => "config",
            OldChecksum::Never => "never",
        }
    }

    /// Lines between the interface and the source address.
    pub(super) fn about_adverts(&self, sheet: &mut Sheet) {
        if let Some(vrf) = self.get(|own| own.vrf.as_ref()) {
            sheet.field("VRF", &vrf.value);
        }
        if self.config.dont_track_primary {
            sheet.line(3, "VRRP interface tracking disabled");
        }
        if self.skip_check_adv_addr() {
            sheet.line(3, "Skip checking advert IP addresses");
        }
        if self.strict() {
            sheet.line(3, "Enforcing strict VRRP compliance");
        }
    }

    /// An address owner that does not listen.
    pub(super) fn owner(&self, sheet: &mut Sheet) {
        if self.config.election.owner_ignores_adverts {
            sheet.line(3, "Address owner ignores received adverts");
        }
    }

    /// Lines after authentication.
    pub(super) fn about_packets(&self, sheet: &mut Sheet) {
        let packets = &self.config.packets;
        if let Some(hmac) = &packets.hmac {
            sheet.field("Authentication extension", "HMAC-SHA256-128");
            let keys = hmac.keys.len();
            sheet.line(5, format_args!("Keys = {keys}, active key id = {}", hmac.active));
            let mode = match hmac.mode {
                HmacMode::Enforce => "enforce",
                HmacMode::Permissive => "permissive",
                HmacMode::ReceiveOnly => "receive-only",
            };
            sheet.line(5, format_args!("Mode = {mode}"));
            match hmac.replay {
                Replay::Time { window } => sheet.line(
                    5,
                    format_args!("Anti replay = time, window = {} sec", window.as_secs()),
                ),
                Replay::Monotonic => sheet.line(5, "Anti replay = monotonic"),
            }
        }
        if packets.v3_checksum_as_v2 && self.config.version == Version::V3 && self.config.family == Family::V4
        {
            sheet.line(3, "VRRPv3 uses VRRPv2 checksum");
        }
        if let Some(size) = self.get(|own| own.kernel_rx_buf_size) {
            sheet.field("Kernel rx buffer size", size);
        }
        if let Some(level) = self.get(|own| own.debug) {
            sheet.field("Debug level", level);
        }
    }

    /// The names of the processes that it tracks.
    pub(super) fn processes(&self) -> Vec<String> {
        let tracked = self.config.objects.processes.iter();
        tracked.map(|tracked| tracked.name.clone()).collect()
    }

    /// What it tracks besides interfaces and scripts.
    pub(super) fn tracked(&self, sheet: &mut Sheet) {
        tracked(sheet, &self.config.objects);
    }
}

/// `weight …` of an entry.
fn effect(tracked: &Tracked) -> String {
    weight(tracked.weight, tracked.reverse)
}

fn tracked(sheet: &mut Sheet, objects: &TrackedObjects) {
    let named = |tracked: &Tracked| format!("{}, {}", tracked.name, effect(tracked));
    sheet.list("Tracked files :", objects.files.iter().map(named));
    sheet.list("Tracked processes :", objects.processes.iter().map(named));
    let sessions = objects.sessions.iter();
    let sessions = sessions.map(|tracked| format!("{}: {}", tracked.name, effect(tracked)));
    sheet.list("Tracked BFDs :", sessions);
}

/// What a sync group says besides its members.
pub(super) fn group(sheet: &mut Sheet, facts: &Facts<'_>, name: &str) {
    let told = facts.plan.notify.groups.get(name);
    let alert = told.is_some_and(|told| told.smtp_alert);
    sheet.field("Using smtp notification", yes_no(alert));
    if told.is_some_and(|told| told.priority_changes) {
        sheet.field("Notify priority changes", "yes");
    }
}

/// What a sync group tracks besides interfaces and scripts.
pub(super) fn tracked_by_group(sheet: &mut Sheet, facts: &Facts<'_>, name: &str) {
    let mut groups = facts.plan.vrrp.groups.iter();
    if let Some(group) = groups.find(|group| group.name == name) {
        tracked(sheet, &group.objects);
    }
}

/// Sections of tracked files, processes and BFD sessions.
pub(super) fn sections(sheet: &mut Sheet, facts: &Facts<'_>, live: Option<&Live<'_>>) {
    let plan = facts.plan;
    if !plan.track_files.is_empty() {
        sheet.heading("VRRP Track files");
    }
    for file in &plan.track_files {
        track_file(sheet, facts, file);
    }
    if !plan.track_processes.is_empty() {
        sheet.heading("VRRP Track processes");
    }
    for process in &plan.track_processes {
        let tally = live.and_then(|live| live.processes.get(&process.name));
        track_process(sheet, facts, process, tally);
    }
    let sessions = || plan.bfd.sessions.iter().filter(|session| session.vrrp);
    if sessions().next().is_some() {
        sheet.heading("VRRP Track BFDs");
    }
    for session in sessions() {
        sheet.item("VRRP Track BFD", &session.name);
        sheet.field("Weight", signed(session.weight, session.reverse));
        sheet.line(3, "Tracking VRRP instances :");
        tracking(sheet, facts, |objects| &objects.sessions, &session.name);
    }
}

/// `-5 reverse`
fn signed(weight: i16, reverse: bool) -> String {
    format!("{weight}{}", if reverse { " reverse" } else { "" })
}

fn track_file(sheet: &mut Sheet, facts: &Facts<'_>, file: &FileConfig) {
    sheet.item("Track file", &file.name);
    sheet.field("File", file.path.display());
    sheet.field("Weight", signed(file.weight, file.reverse));
    tracking(sheet, facts, |objects| &objects.files, &file.name);
}

fn track_process(sheet: &mut Sheet, facts: &Facts<'_>, process: &ProcessConfig, tally: Option<&Tally>) {
    sheet.item("VRRP Track process", &process.name);
    sheet.field("Process", &process.program);
    if !process.parameters.is_empty() {
        sheet.field("Parameters", process.parameters.join(" "));
    }
    sheet.field("Param match", param_match(process));
    sheet.field("Min processes", process.quorum);
    if let Some(most) = process.quorum_max {
        sheet.field("Max processes", most);
    }
    if let Some(tally) = tally {
        sheet.field("Current processes", tally.current);
        sheet.field("Have quorum", tally.have_quorum);
    }
    sheet.field("Weight", signed(process.weight, process.reverse));
    sheet.field("Terminate delay", seconds(process.terminate_delay));
    sheet.field("Fork delay", seconds(process.fork_delay));
    sheet.field("Full command", process.full_command);
    tracking(sheet, facts, |objects| &objects.processes, &process.name);
}

/// How parameters are compared.
pub(super) fn param_match(process: &ProcessConfig) -> &'static str {
    match process.param_match {
        None => "none",
        Some(ParamMatch::Exact) => "exact",
        Some(ParamMatch::Initial) => "initial",
        Some(ParamMatch::Partial) => "partial",
    }
}

/// The instances that track what is called `name`, by themselves or with their group.
fn tracking(sheet: &mut Sheet, facts: &Facts<'_>, of: impl Fn(&TrackedObjects) -> &Vec<Tracked>, name: &str) {
    let mut out = Vec::new();
    let mut add = |instance: &str, objects: &TrackedObjects| {
        let ours = of(objects).iter().filter(|tracked| tracked.name == name);
        out.extend(ours.map(|tracked| format!("{instance}, {}", effect(tracked))));
    };
    for router in &facts.plan.vrrp.routers {
        add(&router.name, &router.objects);
    }
    for group in &facts.plan.vrrp.groups {
        group
            .members
            .iter()
            .for_each(|member| add(member, &group.objects));
    }
    sheet.list("Tracking instances :", out);
}
