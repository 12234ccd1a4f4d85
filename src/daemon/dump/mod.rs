//! Data dumps in keepalived's labelled layout, for people and exporters (facts cli 6 and 7, VRRP 20).
//!
//! [`global`], [`vrrp`], [`stats`] and [`json`] make text of values and do nothing else; [`file`] puts it where tools look for it. The
//! labels and their order are those of 2.4.3. A line whose feature this program does not have, or whose value it does
//! not know, is left out rather than made up. Secrets are masked.

mod bfd;
pub mod file;
pub mod global;
pub mod health;
mod interface;
pub mod json;
mod later;
mod link;
mod lvs;
mod net;
mod process;
pub mod stats;
#[cfg(test)]
mod tests;
pub mod vrrp;

use crate::bfd::status::BfdStatus;
use crate::check;
use crate::check::dump::Around;
use crate::check::status::CheckStatus;
use crate::daemon::pulse::Standing;
use crate::daemon::vrrp_plane::PlaneNumbers;
use crate::net::InterfaceStatus;
use crate::plan::Plan;
use crate::script::Scripts;
use crate::script::config::Command;
use crate::sys::child::Credentials;
use crate::sys::wall::{self, Wall};
use crate::track::process::count::Tally;
use crate::vrrp::status::VrrpStatus;
use file::{Kind, Naming};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::time::Duration;
use tracing::error;

/// What does not change while a plan is in force.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The host's name: the router ID unless configured.
    pub hostname: &'a str,
    /// The creation mask of files.
    pub umask: u32,
    /// The interfaces.
    pub interfaces: &'a [InterfaceStatus],
    /// The network namespace: `-s`, otherwise `net_namespace`.
    pub namespace: Option<&'a str>,
    /// As whom scripts are run.
    pub scripts: &'a Scripts,
    /// When a reload is due by itself.
    pub reload_due: Option<Wall>,
}

/// What is only known of a running engine. Without it a dump shows the configuration alone (`-d`).
#[derive(Clone, Copy, Debug)]
pub struct Live<'a> {
    /// The engine.
    pub status: &'a VrrpStatus,
    /// The wall clock at [`VrrpStatus::now`].
    pub wall: Wall,
    /// The names of the track scripts that are running.
    pub running: &'a BTreeSet<String>,
    /// The tracked processes that are counted.
    pub processes: &'a BTreeMap<String, Tally>,
    /// What the plane measures of itself.
    pub numbers: PlaneNumbers,
}

/// SIGUSR1: writes the files of the parts that run; what cannot be written is said in the log.
pub fn write_data(
    facts: &Facts<'_>,
    live: Option<&Live<'_>>,
    checks: Option<&CheckStatus>,
    bfd: Option<&BfdStatus>,
) {
    write(Kind::Parent, &parent_file(facts), facts);
    if let Some(live) = live {
        write(Kind::Vrrp, &vrrp_file(facts, live), facts);
    }
    if let Some(checks) = checks {
        write(Kind::Check, &check_file(facts, checks), facts);
    }
    if let Some(bfd) = bfd {
        write(Kind::Bfd, &bfd_file(facts, bfd), facts);
    }
}

/// SIGUSR2: writes the statistics; what cannot be written is said in the log.
pub fn write_stats(facts: &Facts<'_>, status: &VrrpStatus) {
    write(Kind::Stats, &stats::text(status), facts);
}

/// SIGRTMIN+2: writes the JSON dump; what cannot be written is said in the log.
pub fn write_json(
    facts: &Facts<'_>,
    live: Option<&Live<'_>>,
    checks: Option<&CheckStatus>,
    ipvs: &json::Ipvs,
    planes: &[Standing],
) {
    if let Some(text) = json::text(facts, live, checks, ipvs, planes) {
        write(Kind::Json, &text, facts);
    }
}

fn write(kind: Kind, text: &str, facts: &Facts<'_>) {
    let global = &facts.plan.global;
    let naming = Naming {
        dumps: &global.dumps,
        namespace: facts.namespace,
        instance: global.instance.as_deref(),
    };
    let path = naming.path(&file::directory(), kind);
    if let Err(error) = file::write(&path, text, facts.umask) {
        error!("Cannot write {}: {error}", path.display());
    }
}

/// `keepalived.data`
pub fn vrrp_file(facts: &Facts<'_>, live: &Live<'_>) -> String {
    global::section(facts, Kind::Vrrp) + &vrrp::sections(facts, Some(live))
}

/// `keepalived_parent.data`
pub fn parent_file(facts: &Facts<'_>) -> String {
    global::section(facts, Kind::Parent)
}

/// `keepalived_check.data`
pub fn check_file(facts: &Facts<'_>, checks: &CheckStatus) -> String {
    global::section(facts, Kind::Check) + &servers(facts, checks)
}

/// `keepalived_bfd.data` (fact VRRP 24.11)
pub fn bfd_file(facts: &Facts<'_>, status: &BfdStatus) -> String {
    global::section(facts, Kind::Bfd) + &bfd::sections(status, wall::now())
}

/// `-d`: the configuration, one line of the log each.
pub fn configuration(facts: &Facts<'_>, checks: Option<&CheckStatus>) -> String {
    let servers = checks.map(|checks| servers(facts, checks));
    global::section(facts, Kind::Vrrp) + &vrrp::sections(facts, None) + &servers.unwrap_or_default()
}

/// The sections of virtual servers and checkers.
fn servers(facts: &Facts<'_>, checks: &CheckStatus) -> String {
    let wall = wall::now();
    check::dump::text(
        checks,
        &Around {
            account: &|command| account(facts, command),
            moment: &|moment| wall.at(checks.now, moment).to_string(),
            ssl: &lvs::ssl(facts),
            groups: &facts.plan.check.groups,
            service: &|key| lvs::service(facts, key),
            server: &|key, address| lvs::server(facts, key, address),
        },
    )
}

/// `uid:gid` of the account that `command` is run as, as numbers.
fn account(facts: &Facts<'_>, command: &Command) -> Option<String> {
    let Credentials { uid, gid } = facts.scripts.get(command)?.who;
    Some(format!("{uid}:{gid}"))
}

/// A text under construction: headings, items, fields, sub-fields (fact cli 6.3).
#[derive(Debug, Default)]
struct Sheet(String);

impl Sheet {
    fn heading(&mut self, name: &str) {
        self.0.push_str(&format!("------< {name} >------\n"));
    }

    /// An item of a section, or any field of the global section: one blank.
    fn item(&mut self, label: &str, value: impl Display) {
        self.line(1, format_args!("{label} = {value}"));
    }

    /// A field of an item: three blanks.
    fn field(&mut self, label: &str, value: impl Display) {
        self.line(3, format_args!("{label} = {value}"));
    }

    fn line(&mut self, indent: usize, text: impl Display) {
        self.0.push_str(&" ".repeat(indent));
        self.0.push_str(&text.to_string());
        self.0.push('\n');
    }

    /// A labelled list with five blanks before its members; nothing when it is empty.
    fn list<T: Display>(&mut self, label: &str, members: impl IntoIterator<Item = T>) {
        let mut members = members.into_iter().peekable();
        if members.peek().is_some() {
            self.line(3, label);
        }
        members.for_each(|member| self.line(5, member));
    }
}

/// Seconds with as many decimals as it takes: `7.5`.
fn seconds(duration: Duration) -> String {
    let text = format!("{}.{:06}", duration.as_secs(), duration.subsec_micros());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

const fn yes_no(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

const fn enabled(value: bool) -> &'static str {
    if value { "enabled" } else { "disabled" }
}

/// `weight -5 reverse`
fn weight(weight: i16, reverse: bool) -> String {
    format!("weight {weight}{}", if reverse { " reverse" } else { "" })
}
