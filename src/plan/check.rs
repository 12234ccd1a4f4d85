//! The check half of the plan: virtual servers with everything inherited resolved (LVS facts 2 and 3).

mod checker;
mod group;
mod real;
mod sorry;
mod target;
mod web;

use super::Builder;
use super::later::{LaterLvs, LaterServer};
use crate::check::CheckConfig;
use crate::check::config::{RealServerConfig, ServerGroupConfig, Target, VirtualServerConfig};
use crate::conf::config::{CheckerKind, Config, Regex, ServerGroup, Spanned, VirtualServer};
use crate::conf::diag::{Class, Diagnostic, Place, Topic};
use crate::ipvs::model::{ForwardMethod, Persistence, Protocol, Scheduler, ServerId, ServiceFlags};
use crate::script::config::Command;
use crate::track::config::FileConfig;
use crate::vrrp::VrrpConfig;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use target::Aim;

/// `delay_loop` that nobody set.
const DELAY_LOOP: Duration = Duration::from_secs(60);
/// `connect_timeout` that nobody set.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// `nftables_ipvs_start_fwmark` that nobody set.
pub(super) const FIRST_MARK: u32 = 1000;
/// Persistence that a port of 0 implies.
const PERSISTENCE: Duration = Duration::from_secs(360);

/// The virtual servers; what nothing comes of yet goes to `later`. They may follow the routers of `vrrp`; `files` are the
/// tracked ones that are of use.
pub(super) fn build(
    builder: &mut Builder<'_>,
    vrrp: &VrrpConfig,
    files: &[FileConfig],
    later: &mut LaterLvs,
) -> CheckConfig {
    let config = builder.config;
    let groups = groups(builder);
    let routers = vrrp.routers.iter();
    let followed = Followed {
        instances: routers.map(|router| router.name.as_str()).collect(),
        sessions: config.bfd.iter().map(|bfd| bfd.name.value.as_str()).collect(),
        files: files
            .iter()
            .map(|file| (file.name.as_str(), (file.weight, file.reverse)))
            .collect(),
    };
    let mut out = CheckConfig {
        groups: groups.iter().map(|group| group_config(group)).collect(),
        ssl: config.ssl.clone(),
        ..CheckConfig::default()
    };
    let groups = groups
        .into_iter()
        .map(|group| (group.name.value.as_str(), group))
        .collect();
    let mut ids: HashMap<ServerId, Place> = HashMap::new();
    // How many virtual servers there are of each group.
    let mut numbers: HashMap<Arc<str>, u32> = HashMap::new();
    for written in &config.servers {
        let Some((server, more)) = server(builder, written, &groups, &followed, &numbers) else {
            continue;
        };
        if let Target::Group(group) = &server.target {
            numbers.insert(Arc::clone(&group.name), group.number.saturating_add(1));
        }
        let id = server.target.id();
        let place = written.name.place.clone();
        if let Some(first) = ids.get(&id) {
            let message = format!("virtual server {id} is configured twice - using the first");
            let found = Diagnostic::new(Class::Note, Some(place), message);
            builder.diagnostics.push(
                found
                    .about(Topic::DuplicateDefinition)
                    .with_related(first.clone(), "the first"),
            );
            continue;
        }
        if more != LaterServer::default() {
            later.servers.insert(id.clone(), more);
        }
        ids.insert(id, place);
        out.services.push(server);
    }
    let firewall = &config.global.shown.firewall;
    if firewall.nftables_ipvs.is_some() {
        out.hand_out_marks(firewall.nftables_ipvs_start_fwmark.unwrap_or(FIRST_MARK), None);
    }
    out
}

/// The patterns of urls: what is to be compiled for [`super::Host::refused_regexes`].
pub fn regexes(config: &Config) -> Vec<Regex> {
    let real_servers = config.servers.iter().flat_map(|server| &server.real_servers);
    let checkers = real_servers.flat_map(|real| &real.checkers);
    let urls = checkers.flat_map(|checker| match &checker.kind {
        CheckerKind::Http(settings) => settings.urls.as_slice(),
        _ => &[],
    });
    urls.filter_map(|url| url.regex.as_ref().map(|regex| regex.value.clone()))
        .collect()
}

fn group_config(written: &ServerGroup) -> ServerGroupConfig {
    ServerGroupConfig {
        name: written.name.value.as_str().into(),
        entries: written.entries.iter().map(|entry| entry.value.clone()).collect(),
    }
}

/// The groups in the order of the file; of two with one name the first is used.
fn groups<'a>(builder: &mut Builder<'a>) -> Vec<&'a ServerGroup> {
    let mut places: HashMap<&str, &Place> = HashMap::new();
    let mut out = Vec::new();
    for group in &builder.config.server_groups {
        let name = group.name.value.as_str();
        if let Some(first) = places.get(name).copied() {
            let message = format!("virtual_server_group {name} is configured twice - using the first");
            let found = Diagnostic::new(Class::Note, Some(group.name.place.clone()), message);
            builder.diagnostics.push(
                found
                    .about(Topic::DuplicateDefinition)
                    .with_related(first.clone(), "the first"),
            );
            continue;
        }
        places.insert(name, &group.name.place);
        out.push(group);
    }
    out
}

/// What virtual servers and checkers may follow, by name.
struct Followed<'a> {
    /// `vrrp_instance`
    instances: HashSet<&'a str>,
    /// `bfd_instance`
    sessions: HashSet<&'a str>,
    /// `track_file`, with its weight and whether that is reversed.
    files: HashMap<&'a str, (i16, bool)>,
}

fn server<'a>(
    builder: &mut Builder<'a>,
    written: &'a VirtualServer,
    groups: &HashMap<&str, &'a ServerGroup>,
    followed: &Followed<'_>,
    numbers: &HashMap<Arc<str>, u32>,
) -> Option<(VirtualServerConfig, LaterServer)> {
    let target = Aim::of(builder, written, groups, numbers)?;
    let place = &written.name.place;
    let method = method(builder, written, &target);
    let scheduler = scheduler(builder, written, &target);
    let mut later = LaterServer {
        snmp_name: written.snmp_name.clone(),
        ..LaterServer::default()
    };
    let ha_suspend = ha_suspend(builder, written, &target);
    let while_master = while_master(builder, written, &target, followed);
    let flags = flags(builder, written, &target);
    let persistence = persistence(builder, written, &target);
    let around = real::Around {
        server: written,
        target: &target,
        method,
        followed,
    };
    let real_servers = real::all(builder, &around, &mut later);
    if real_servers.is_empty() {
        no_real_servers(builder, &target.to_string(), place);
        return None;
    }
    let (quorum, hysteresis) = quorum(builder, written, &target, &real_servers);
    let sorry_server = sorry::build(builder, &around, &real_servers);
    let config = VirtualServerConfig {
        target: target.settle(builder, written),
        scheduler,
        flags,
        persistence,
        forward: method,
        connect_timeout: written.checks.connect_timeout.unwrap_or(CONNECT_TIMEOUT),
        delay_loop: written.checks.delay_loop.unwrap_or(DELAY_LOOP),
        alpha: written.checks.alpha.unwrap_or(false),
        omega: written.omega,
        quorum,
        hysteresis,
        quorum_up: builder.check_notify(written.quorum_up.as_ref()),
        quorum_down: builder.check_notify(written.quorum_down.as_ref()),
        smtp_alert: written
            .smtp_alert
            .or_else(|| builder.smtp_alert())
            .unwrap_or(false),
        ha_suspend,
        while_master,
        sorry_server,
        real_servers,
    };
    Some((config, later))
}

fn no_real_servers(builder: &mut Builder<'_>, name: &str, place: &Place) {
    let message = format!("Virtual server {name} has no real servers - ignoring");
    builder.say(Class::General, Topic::LvsNoRealServer, place, message);
}

/// What is to be said of a default: where the setting was misread, it only follows from that.
fn default_taken(
    builder: &mut Builder<'_>,
    written: &VirtualServer,
    misread: Option<&Place>,
    message: String,
) {
    let class = match misread {
        Some(_) => Class::Note,
        None => Class::General,
    };
    let place = misread.unwrap_or(&written.name.place);
    builder.say(class, Topic::LvsDefaults, place, message);
}

/// `lvs_method`, NAT when a server needs one and there is none (fact 2.4).
fn method(builder: &mut Builder<'_>, written: &VirtualServer, target: &Aim<'_>) -> ForwardMethod {
    if let Some(method) = written.method {
        return method;
    }
    let reals = written.real_servers.iter().map(|real| real.method);
    let sorry = written.sorry_server.iter().map(|sorry| sorry.method);
    if reals.chain(sorry).any(|method| method.is_none()) {
        let message = format!("Virtual server {target}: no forwarding method set, setting default NAT");
        default_taken(builder, written, written.misread.method.as_ref(), message);
    }
    ForwardMethod::Nat
}

fn scheduler(builder: &mut Builder<'_>, written: &VirtualServer, target: &Aim<'_>) -> Scheduler {
    written.scheduler.clone().unwrap_or_else(|| {
        let message = format!("Virtual server {target}: no scheduler set, setting default 'wlc'");
        default_taken(builder, written, written.misread.scheduler.as_ref(), message);
        Scheduler("wlc".to_owned())
    })
}

/// No address stands for a mark (fact 7.2).
fn ha_suspend(builder: &mut Builder<'_>, written: &VirtualServer, target: &Aim<'_>) -> bool {
    let Some(place) = &written.ha_suspend else {
        return false;
    };
    if !target.has_mark() {
        return true;
    }
    let message =
        format!("Virtual server {target}: cannot use ha_suspend with fwmarks - clearing ha_suspend");
    builder.say(Class::General, Topic::Other, place, message);
    false
}

/// An instance that does not run is never MASTER: rather than never, it serves always.
fn while_master(
    builder: &mut Builder<'_>,
    written: &VirtualServer,
    target: &Aim<'_>,
    followed: &Followed<'_>,
) -> Option<String> {
    let instance = written.while_master.as_ref()?;
    let name = &instance.value;
    if followed.instances.contains(name.as_str()) {
        return Some(name.clone());
    }
    let message =
        format!("Virtual server {target}: while_master of {name}, but no such vrrp_instance runs - ignoring");
    let found = Diagnostic::new(Class::General, Some(instance.place.clone()), message);
    let help = "without the instance the virtual server is always there; `-C` runs none";
    builder
        .diagnostics
        .push(found.about(Topic::Other).with_help(help));
    None
}

/// One-packet scheduling needs UDP or a mark (fact 2.5).
fn flags(builder: &mut Builder<'_>, written: &VirtualServer, target: &Aim<'_>) -> ServiceFlags {
    let mut flags = written.flags;
    if let Some(place) = &written.ops {
        match target.protocol() {
            Some(Protocol::Tcp | Protocol::Sctp) => {
                let message =
                    format!("Virtual server {target}: one packet scheduling requires UDP - resetting");
                builder.say(Class::General, Topic::Other, place, message);
            }
            Some(Protocol::Udp) | None => flags.0 |= ServiceFlags::ONE_PACKET,
        }
    }
    flags
}

/// Facts 2.3, 2.7, 2.8.
fn persistence(builder: &mut Builder<'_>, written: &VirtualServer, target: &Aim<'_>) -> Option<Persistence> {
    let timeout = match written.persistence_timeout {
        Some(timeout) => timeout,
        None if target.has_every_port() => {
            let message =
                format!("Virtual server {target}: zero port only valid for persistent services - setting");
            let found = Diagnostic::new(Class::General, Some(written.name.place.clone()), message);
            let help = "`persistence_timeout 360`, or a port";
            builder
                .diagnostics
                .push(found.about(Topic::LvsDefaults).with_help(help));
            PERSISTENCE
        }
        None => return None,
    };
    let granularity = written.persistence_granularity.unwrap_or_default();
    Some(Persistence {
        timeout,
        // A value has settled the family, unless a group has.
        granularity: target
            .family()
            .map_or(granularity, |family| granularity.of(family)),
        engine: written.persistence_engine.clone(),
    })
}

/// Fact 2.16.
fn quorum(
    builder: &mut Builder<'_>,
    written: &VirtualServer,
    target: &Aim<'_>,
    reals: &[RealServerConfig],
) -> (u32, u32) {
    let name = &written.name.place;
    let total = reals
        .iter()
        .fold(0_u32, |sum, real| sum.saturating_add(real.weight));
    let mut quorum = written.quorum.as_ref().map_or(1, |quorum| quorum.value);
    if quorum > total {
        let message = format!(
            "Warning - quorum {quorum} for {target} exceeds total weight of real servers {total}, reducing quorum to {total}"
        );
        let place = written.quorum.as_ref().map_or(name, |quorum| &quorum.place);
        builder.say(Class::Warning, Topic::LvsQuorum, place, message);
        quorum = total;
    }
    let mut hysteresis = written.hysteresis.as_ref().map_or(0, |value| value.value);
    if hysteresis >= quorum {
        let fitting = quorum.saturating_sub(1);
        if hysteresis != fitting {
            let message = format!(
                "Virtual server {target}: hysteresis {hysteresis} >= quorum {quorum}; setting hysteresis to {fitting}"
            );
            let place = written.hysteresis.as_ref().map_or(name, |value| &value.place);
            builder.say(Class::General, Topic::LvsQuorum, place, message);
        }
        hysteresis = fitting;
    }
    (quorum, hysteresis)
}

impl Builder<'_> {
    /// One diagnostic of `topic` at `place`.
    fn say(&mut self, class: Class, topic: Topic, place: &Place, message: String) {
        self.diagnostics
            .push(Diagnostic::new(class, Some(place.clone()), message).about(topic));
    }

    /// Mails of the check half, where a server does not say.
    fn smtp_alert(&self) -> Option<bool> {
        let mail = &self.config.global.mail;
        mail.alert_checker.or(mail.alert)
    }

    /// A notify script of the check half.
    fn check_notify(&mut self, command: Option<&Spanned<Command>>) -> Option<Command> {
        let command = self.notify(command, "");
        self.check_scripts |= command.is_some();
        command
    }
}

#[cfg(test)]
mod tests;
