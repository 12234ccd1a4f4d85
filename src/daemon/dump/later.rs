//! Settings of routers and groups that nothing comes of yet, with what they are when nothing is written, and the sections of
//! what is tracked (fact cli 6.8).

use super::{Facts, Sheet, seconds, weight, yes_no};
use crate::conf::config::{
    GroupSettings, OldChecksum, ParamMatch, RouterSettings, TrackFile, TrackLine, TrackProcess,
};
use crate::vrrp::config::{RouterConfig, Version};
use std::net::IpAddr;

/// What an instance says besides what its router is told.
#[derive(Clone, Copy)]
pub(super) struct More<'a> {
    facts: &'a Facts<'a>,
    config: &'a RouterConfig,
    settings: Option<&'a RouterSettings>,
}

impl<'a> More<'a> {
    pub(super) fn of(facts: &'a Facts<'a>, config: &'a RouterConfig) -> Self {
        let later = facts.plan.later.instances.get(&config.name);
        Self {
            facts,
            config,
            settings: later.map(|later| &later.settings),
        }
    }

    fn get<T>(&self, of: impl FnOnce(&'a RouterSettings) -> Option<T>) -> Option<T> {
        self.settings.and_then(of)
    }

    pub(super) fn skip_check_adv_addr(&self) -> bool {
        let default = self.facts.plan.later.global.vrrp.skip_check_adv_addr;
        self.get(|own| own.skip_check_adv_addr)
            .or(default)
            .unwrap_or(false)
    }

    pub(super) fn strict(&self) -> bool {
        let default = self.facts.plan.later.global.vrrp.strict;
        self.get(|own| own.strict_mode).or(default).unwrap_or(false)
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
        let range = self.get(|own| own.peer_ttls.get(peer));
        let (least, most) = range.map_or((0, 255), |range| (range.least, range.most));
        format!("{peer} min_ttl {least} max_ttl {most}")
    }

    pub(super) fn checksum_compatibility(&self) -> &'static str {
        match self.get(|own| own.old_unicast_checksum) {
            None => "no",
            Some(OldChecksum::Always) => "config",
            Some(OldChecksum::Never) => "never",
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
        let default = self.facts.plan.later.global.vrrp.owner_ignore_adverts;
        let own = self.get(|own| own.owner_ignore_adverts.as_ref());
        let ignores = own.map(|own| own.value).or(default).unwrap_or(false);
        if ignores && self.config.priority.is_owner() {
            sheet.line(3, "Address owner ignores received adverts");
        }
    }

    /// Lines after authentication.
    pub(super) fn about_packets(&self, sheet: &mut Sheet) {
        if let Some(hmac) = self.get(|own| own.auth_hmac.as_ref()) {
            sheet.field("Authentication extension", "HMAC-SHA256-128");
            let keys = hmac.value.keys.len();
            let first = hmac.value.keys.first().map(|key| key.id);
            let active = hmac.value.active_key.as_ref().map(|key| key.value).or(first);
            let active = active.map_or_else(String::new, |id| format!(", active key id = {id}"));
            sheet.line(5, format_args!("Keys = {keys}{active}"));
        }
        let default = self.facts.plan.later.global.vrrp.v3_checksum_as_v2;
        let as_v2 = self.get(|own| own.v3_checksum_as_v2).unwrap_or(default);
        if as_v2 && self.config.version == Version::V3 {
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
        let lines = self.settings.map_or(&[][..], |own| &own.track_processes);
        lines.iter().map(|line| line.name.value.clone()).collect()
    }

    /// What it tracks besides interfaces and scripts.
    pub(super) fn tracked(&self, sheet: &mut Sheet) {
        if let Some(own) = self.settings {
            tracked(sheet, self.facts, own.into());
        }
    }
}

/// Lines of what is tracked.
#[derive(Clone, Copy)]
struct Lines<'a> {
    files: &'a [TrackLine],
    processes: &'a [TrackLine],
    bfds: &'a [TrackLine],
}

impl<'a> From<&'a RouterSettings> for Lines<'a> {
    fn from(settings: &'a RouterSettings) -> Self {
        Self {
            files: &settings.track_files,
            processes: &settings.track_processes,
            bfds: &settings.track_bfds,
        }
    }
}

impl<'a> From<&'a GroupSettings> for Lines<'a> {
    fn from(settings: &'a GroupSettings) -> Self {
        Self {
            files: &settings.track_files,
            processes: &settings.track_processes,
            bfds: &settings.track_bfds,
        }
    }
}

/// `weight …` of a line; what it does not say, `default` does.
fn effect(line: &TrackLine, default: (i16, bool)) -> String {
    weight(
        line.weight.unwrap_or(default.0),
        line.reverse.unwrap_or(default.1),
    )
}

fn of_file(facts: &Facts<'_>, name: &str) -> (i16, bool) {
    let mut files = facts.plan.later.tracked.files.iter();
    let found = files.find(|file| file.name.value == name);
    found.map_or((0, false), |file| (file.weight, file.reverse))
}

fn of_process(facts: &Facts<'_>, name: &str) -> (i16, bool) {
    let mut processes = facts.plan.later.tracked.processes.iter();
    let found = processes.find(|process| process.name.value == name);
    found.map_or((0, false), |process| {
        (process.weight.unwrap_or(0), process.reverse)
    })
}

fn of_bfd(facts: &Facts<'_>, name: &str) -> (i16, bool) {
    let mut sessions = facts.plan.later.net.bfd.iter();
    let found = sessions.find(|session| session.name.value == name);
    found.map_or((0, false), |session| (session.weight, session.reverse))
}

fn tracked(sheet: &mut Sheet, facts: &Facts<'_>, lines: Lines<'_>) {
    let files = lines.files.iter().map(|line| {
        let name = &line.name.value;
        format!("{name}, {}", effect(line, of_file(facts, name)))
    });
    sheet.list("Tracked files :", files);
    let processes = lines.processes.iter().map(|line| {
        let name = &line.name.value;
        format!("{name}, {}", effect(line, of_process(facts, name)))
    });
    sheet.list("Tracked processes :", processes);
    let sessions = lines.bfds.iter().map(|line| {
        let name = &line.name.value;
        format!("{name}: {}", effect(line, of_bfd(facts, name)))
    });
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
    if let Some(later) = facts.plan.later.groups.get(name) {
        tracked(sheet, facts, (&later.settings).into());
    }
}

/// Sections of tracked files, processes and BFD sessions. How they are is not known: nothing watches them yet.
pub(super) fn sections(sheet: &mut Sheet, facts: &Facts<'_>) {
    let tracked = &facts.plan.later.tracked;
    if !tracked.files.is_empty() {
        sheet.heading("VRRP Track files");
    }
    for file in &tracked.files {
        track_file(sheet, facts, file);
    }
    if !tracked.processes.is_empty() {
        sheet.heading("VRRP Track processes");
    }
    for process in &tracked.processes {
        track_process(sheet, facts, process);
    }
    let sessions = || facts.plan.later.net.bfd.iter().filter(|session| session.vrrp);
    if sessions().next().is_some() {
        sheet.heading("VRRP Track BFDs");
    }
    for session in sessions() {
        let default = (session.weight, session.reverse);
        sheet.item("VRRP Track BFD", &session.name.value);
        sheet.field("Weight", signed(default));
        sheet.line(3, "Tracking VRRP instances :");
        tracking(sheet, facts, |lines| lines.bfds, &session.name.value, default);
    }
}

/// `-5 reverse`
fn signed((weight, reverse): (i16, bool)) -> String {
    format!("{weight}{}", if reverse { " reverse" } else { "" })
}

fn track_file(sheet: &mut Sheet, facts: &Facts<'_>, file: &TrackFile) {
    let default = (file.weight, file.reverse);
    sheet.item("Track file", &file.name.value);
    if let Some(path) = &file.file {
        sheet.field("File", path.value.display());
    }
    sheet.field("Weight", signed(default));
    tracking(sheet, facts, |lines| lines.files, &file.name.value, default);
}

fn track_process(sheet: &mut Sheet, facts: &Facts<'_>, process: &TrackProcess) {
    let default = (process.weight.unwrap_or(0), process.reverse);
    sheet.item("VRRP Track process", &process.name.value);
    if let Some((program, parameters)) = process
        .process
        .as_ref()
        .and_then(|words| words.value.split_first())
    {
        sheet.field("Process", program);
        if !parameters.is_empty() {
            sheet.field("Parameters", parameters.join(" "));
        }
    }
    let matched = match process.param_match {
        None => "none",
        Some(ParamMatch::Exact) => "exact",
        Some(ParamMatch::Initial) => "initial",
        Some(ParamMatch::Partial) => "partial",
    };
    sheet.field("Param match", matched);
    sheet.field("Min processes", process.quorum.unwrap_or(1));
    if let Some(most) = process.quorum_max {
        sheet.field("Max processes", most);
    }
    sheet.field("Weight", signed(default));
    sheet.field(
        "Terminate delay",
        seconds(process.terminate_delay.unwrap_or_default()),
    );
    sheet.field("Fork delay", seconds(process.fork_delay.unwrap_or_default()));
    sheet.field("Full command", process.full_command);
    tracking(
        sheet,
        facts,
        |lines| lines.processes,
        &process.name.value,
        default,
    );
}

/// The instances that track what is called `name`, by themselves or with their group.
fn tracking(
    sheet: &mut Sheet,
    facts: &Facts<'_>,
    of: impl for<'l> Fn(Lines<'l>) -> &'l [TrackLine],
    name: &str,
    default: (i16, bool),
) {
    let later = &facts.plan.later;
    let mut out = Vec::new();
    let mut add = |instance: &str, lines: &[TrackLine]| {
        let ours = lines.iter().filter(|line| line.name.value == name);
        out.extend(ours.map(|line| format!("{instance}, {}", effect(line, default))));
    };
    for router in &facts.plan.vrrp.routers {
        if let Some(own) = later.instances.get(&router.name) {
            add(&router.name, of((&own.settings).into()));
        }
    }
    for group in &facts.plan.vrrp.groups {
        if let Some(own) = later.groups.get(&group.name) {
            let lines = of((&own.settings).into());
            group.members.iter().for_each(|member| add(member, lines));
        }
    }
    sheet.list("Tracking instances :", out);
}
