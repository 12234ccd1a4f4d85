//! Addresses, routes and rules in keepalived's text form (fact VRRP 16.8), and the sections of those that are static.

use super::Sheet;
use crate::net::{AddressOptions, AddressSpec, Lifetime, Words};
use crate::vrrp::VrrpConfig;

/// Sections of what is static.
pub(super) fn statics(sheet: &mut Sheet, config: &VrrpConfig) {
    let statics = &config.statics;
    section(
        sheet,
        "Static Addresses",
        statics.addresses.iter().map(|spec| address(spec, false)),
    );
    section(
        sheet,
        "Static Routes",
        statics.routes.iter().map(ToString::to_string),
    );
    section(
        sheet,
        "Static Rules",
        statics.rules.iter().map(ToString::to_string),
    );
    if !config.track_groups.is_empty() {
        sheet.heading("Static Track groups");
    }
    for group in &config.track_groups {
        sheet.item("Static Track Group", &group.name);
        sheet.list("VRRP member instances :", &group.members);
    }
}

fn section(sheet: &mut Sheet, heading: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        sheet.heading(heading);
    }
    lines.for_each(|line| sheet.line(5, line));
}

/// An address; `set` when the kernel has it.
pub(super) fn address(spec: &AddressSpec, held: bool) -> String {
    let AddressOptions {
        peer,
        home,
        dad,
        mngtmpaddr,
        noprefixroute,
        autojoin,
        preferred,
        watched,
        track_group,
        use_vmac,
    } = &spec.options;
    let mut out = Words(spec.to_string());
    if let Some(peer) = peer {
        out.push(format_args!("peer {peer}/{}", spec.cidr.prefix));
    }
    out.flag("home", *home);
    out.flag("-nodad", *dad);
    out.flag("mngtmpaddr", *mngtmpaddr);
    out.flag("noprefixroute", *noprefixroute);
    out.flag("autojoin", *autojoin);
    match preferred {
        None => {}
        Some(Lifetime::Forever) => out.push("preferred_lft forever"),
        Some(Lifetime::Seconds(0)) => out.push("deprecated"),
        Some(Lifetime::Seconds(seconds)) => out.push(format_args!("preferred_lft {seconds}")),
    }
    out.flag("use_vmac", *use_vmac);
    out.flag("no_track", !watched);
    out.some("track_group", track_group.as_ref());
    out.flag("set", held);
    out.0
}

#[cfg(test)]
mod tests;
