//! Static addresses, routes and rules, those of instances, and blocks about interfaces: do the interfaces that they name
//! exist?

use super::later::LaterNet;
use super::{Builder, Plan};
use crate::conf::config::{AddressLine, Instance, LinkDelay, Linkbeat, RouteLine, RuleLine, Spanned};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::net::{AddressSpec, IfName, Route, Rule};
use crate::vrrp::config::{self as vrrp, GarpLimit, StaticGroup};
use std::collections::HashSet;

/// The interface of static addresses that name none.
const DEFAULT_INTERFACE: &str = "eth0";

/// Everything of the top level.
pub(super) fn build(builder: &mut Builder<'_>, plan: &mut Plan) {
    let config = builder.config;
    let mut out = LaterNet::default();
    for line in &config.statics.addresses {
        plan.vrrp.statics.addresses.extend(static_address(builder, line));
    }
    for line in &config.statics.routes {
        plan.vrrp.statics.routes.extend(route(builder, line));
    }
    for line in &config.statics.rules {
        plan.vrrp.statics.rules.extend(rule(builder, line));
    }
    track_groups(builder, plan);
    plan.vrrp.garp_groups = garp_groups(builder);
    for Linkbeat { interface, method } in &config.linkbeat {
        if let Some(found) = link(builder, interface, "linkbeat interface") {
            out.linkbeat.push((found, *method));
        }
    }
    for LinkDelay { interface, down, up } in &config.link_delays {
        if let Some(found) = link(builder, interface, "up/down delay") {
            plan.vrrp.link_delays.push(vrrp::LinkDelay {
                interface: found,
                down: *down,
                up: *up,
            });
        }
    }
    plan.later.net = out;
}

/// `virtual_routes`
pub(super) fn routes(builder: &mut Builder<'_>, written: &Instance) -> Vec<Route> {
    written
        .routes
        .iter()
        .filter_map(|line| route(builder, line))
        .collect()
}

/// `virtual_rules`
pub(super) fn rules(builder: &mut Builder<'_>, written: &Instance) -> Vec<Rule> {
    written
        .rules
        .iter()
        .filter_map(|line| rule(builder, line))
        .collect()
}

fn static_address(builder: &mut Builder<'_>, line: &Spanned<AddressLine>) -> Option<AddressSpec> {
    let AddressLine {
        cidr,
        dev,
        scope,
        label,
        broadcast,
        options,
    } = &line.value;
    let interface = match dev {
        Some(dev) => builder.interface(dev, |interface| {
            format!("WARNING - interface {interface} for ip address {cidr} doesn't exist")
        })?,
        None => default_interface(builder, line)?,
    };
    Some(AddressSpec {
        cidr: *cidr,
        interface,
        scope: *scope,
        label: label.clone(),
        broadcast: *broadcast,
        options: options.clone(),
    })
}

/// `default_interface`, which must exist when it is needed.
fn default_interface(builder: &mut Builder<'_>, line: &Spanned<AddressLine>) -> Option<IfName> {
    let name = builder.config.global.shown.default_interface.as_deref();
    let found = IfName::new(name.unwrap_or(DEFAULT_INTERFACE))
        .filter(|name| builder.host.interface(name).is_some() || builder.config.global.dynamic_interfaces);
    if found.is_none() {
        let message = format!(
            "Static address {} requires either an interface or default interface must exist",
            line.value.cidr
        );
        missing(builder, line, message);
    }
    found
}

/// An interface without which the daemon does not start.
fn missing<T>(builder: &mut Builder<'_>, at: &Spanned<T>, message: String) {
    let diagnostic =
        Diagnostic::new(Class::BadInterface, Some(at.place.clone()), message).about(Topic::InterfaceMissing);
    builder.diagnostics.push(diagnostic);
}

fn route(builder: &mut Builder<'_>, line: &Spanned<RouteLine>) -> Option<Route> {
    let RouteLine {
        route,
        interfaces,
        vrf,
    } = &line.value;
    let mut good = true;
    for name in interfaces {
        let found = builder.interface(name, |interface| {
            format!("WARNING - interface {interface} for VROUTE nexthop doesn't exist")
        });
        good &= found.is_some();
    }
    if let Some(vrf) = vrf
        && builder.host.vrf(&vrf.value).is_none()
    {
        let message = format!("VRF {} not found for route", vrf.value);
        let diagnostic =
            Diagnostic::new(Class::General, Some(vrf.place.clone()), message).about(Topic::RouteRule);
        builder.diagnostics.push(diagnostic);
        good = false;
    }
    good.then(|| route.clone())
}

fn rule(builder: &mut Builder<'_>, line: &Spanned<RuleLine>) -> Option<Rule> {
    let RuleLine { rule, interfaces } = &line.value;
    let mut good = true;
    for name in interfaces {
        let found = builder.interface(name, |interface| {
            format!("WARNING - interface {interface} for rule doesn't exist")
        });
        good &= found.is_some();
    }
    good.then(|| rule.clone())
}

fn track_groups(builder: &mut Builder<'_>, plan: &mut Plan) {
    for group in &builder.config.track_groups {
        let name = &group.name.value;
        let mut members = Vec::new();
        for member in &group.members {
            if builder.written(&member.value).is_some() {
                members.push(member.value.clone());
            } else {
                let message = format!("track_group {name}: there is no vrrp_instance {}", member.value);
                builder.report(Class::Note, &member.place, message);
            }
        }
        plan.vrrp.track_groups.push(StaticGroup {
            name: name.clone(),
            members,
        });
    }
}

/// What is left of track groups when it is known which instances can be run.
pub(super) fn only_routers(plan: &mut Plan) {
    let routers: HashSet<&str> = plan
        .vrrp
        .routers
        .iter()
        .map(|router| router.name.as_str())
        .collect();
    for group in &mut plan.vrrp.track_groups {
        group.members.retain(|member| routers.contains(member.as_str()));
    }
}

fn garp_groups(builder: &mut Builder<'_>) -> Vec<GarpLimit> {
    let mut out = Vec::new();
    for group in &builder.config.garp_groups {
        let mut interfaces = Vec::new();
        for name in &group.interfaces {
            interfaces.extend(builder.interface(name, |interface| {
                format!("WARNING - interface {interface} specified for garp_group doesn't exist")
            }));
        }
        out.push(GarpLimit {
            garp_interval: group.garp_interval,
            gna_interval: group.gna_interval,
            interfaces,
        });
    }
    out
}

/// An interface that must be there from the start, unless it may come later.
fn link(builder: &mut Builder<'_>, name: &Spanned<String>, what: &str) -> Option<IfName> {
    let found = IfName::new(&name.value)
        .filter(|name| builder.host.interface(name).is_some() || builder.config.global.dynamic_interfaces);
    if found.is_none() {
        let message = format!("unknown interface {} specified for {what}", name.value);
        missing(builder, name, message);
    }
    found
}

#[cfg(test)]
mod tests;
