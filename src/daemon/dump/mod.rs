//! Data dumps in keepalived's labelled layout, for people and exporters (facts cli 6 and 7, VRRP 20).
//!
//! [`global`], [`vrrp`] and [`stats`] make text of values and do nothing else; [`file`] puts it where tools look for it. The
//! labels and their order are those of 2.4.3. A line whose feature this program does not have, or whose value it does
//! not know, is left out rather than made up. Secrets are masked.

pub mod file;
pub mod global;
pub mod stats;
#[cfg(test)]
mod tests;
pub mod vrrp;

use crate::net::InterfaceStatus;
use crate::plan::Plan;
use crate::sys::wall::Wall;
use crate::vrrp::status::VrrpStatus;
use std::collections::BTreeSet;
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
}

/// What is only known of a running engine. Without it a dump shows the configuration alone (`-d`).
#[derive(Clone, Copy, Debug)]
pub struct Live<'a> {
    /// The engine.
    pub status: &'a VrrpStatus,
    /// The wall clock at [`VrrpStatus::now`].
    pub wall: Wall,
    /// The names of the track scripts that are running, where known.
    pub running: Option<&'a BTreeSet<String>>,
}

/// SIGUSR1: writes the files of the parts that run; what cannot be written is said in the log.
pub fn write_data(facts: &Facts<'_>, live: Option<&Live<'_>>, lvs: Option<&str>) {
    write(file::PARENT_DATA, &parent_file(facts), facts.umask);
    if let Some(live) = live {
        write(file::DATA, &vrrp_file(facts, live), facts.umask);
    }
    if let Some(lvs) = lvs {
        write(file::CHECK_DATA, &check_file(facts, lvs), facts.umask);
    }
}

/// SIGUSR2: writes the statistics; what cannot be written is said in the log.
pub fn write_stats(status: &VrrpStatus, umask: u32) {
    write(file::STATS, &stats::text(status), umask);
}

fn write(name: &str, text: &str, umask: u32) {
    let dir = file::directory();
    if let Err(error) = file::write(&dir, name, text, umask) {
        error!("Cannot write {}: {error}", dir.join(name).display());
    }
}

/// `keepalived.data`
pub fn vrrp_file(facts: &Facts<'_>, live: &Live<'_>) -> String {
    global::section(facts) + &vrrp::sections(facts, Some(live))
}

/// `keepalived_parent.data`
pub fn parent_file(facts: &Facts<'_>) -> String {
    global::section(facts)
}

/// `keepalived_check.data`; `lvs` is what the check plane says of itself.
pub fn check_file(facts: &Facts<'_>, lvs: &str) -> String {
    global::section(facts) + lvs
}

/// `-d`: the configuration, one line of the log each; `lvs` is what the check plane says of itself.
pub fn configuration(facts: &Facts<'_>, lvs: Option<&str>) -> String {
    global::section(facts) + &vrrp::sections(facts, None) + lvs.unwrap_or_default()
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
