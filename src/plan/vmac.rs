//! Virtual MACs, ipvlans and VRFs of a virtual router: what does not go together (facts 1.2, 1.12, 9).

use super::Builder;
use crate::conf::config::{Instance, RouterSettings, Spanned};
use crate::conf::diag::{Class, Diagnostic, Place, Topic};
use crate::net::{Family, IfIndex, IfName, LinkKind, LinkLayer};

/// What keeps a router in FAULT: see `print`.
pub(crate) const FAULT_IPVLAN: &str = "an IPv4 ipvlan needs an address";

/// What the checks are about.
pub(super) struct Router<'a> {
    pub(super) written: &'a Instance,
    pub(super) family: Family,
    pub(super) strict: bool,
}

/// Without an interface only multicast would be left to say no (fact 1.11).
pub(super) fn without_interface(builder: &mut Builder<'_>, written: &Instance) {
    let settings = &written.settings;
    let first = [
        settings.use_vmac.as_ref().map(|vmac| &vmac.place),
        settings.use_ipvlan.as_ref().map(|ipvlan| &ipvlan.place),
    ];
    if written.unicast.is_some()
        && let Some(place) = first.into_iter().flatten().next()
    {
        let message = "Cannot use VMAC/ipvlan with unicast and no interface - clearing use_vmac";
        say(builder, written, place, Topic::VmacUnicast, message);
    }
}

/// `vrf` names no VRF, which has been said.
pub(super) struct NoVrf;

/// The VRF that a router without interface is in.
pub(super) fn vrf(builder: &mut Builder<'_>, written: &Instance) -> Result<Option<IfIndex>, NoVrf> {
    let Some(vrf) = &written.settings.vrf else {
        return Ok(None);
    };
    if let Some(found) = builder.host.vrf(&vrf.value) {
        return Ok(Some(found.index));
    }
    let message = format!("VRF interface {} not found", vrf.value);
    say(builder, written, &vrf.place, Topic::InterfaceMissing, &message);
    Err(NoVrf)
}

/// A virtual MAC needs an interface that has MACs (fact 1.12).
fn on_ethernet(builder: &mut Builder<'_>, written: &Instance, place: &Place, fault: &mut Option<String>) {
    let Some(interface) = written.interface.as_ref() else {
        return;
    };
    let found = IfName::new(&interface.value).and_then(|name| builder.host.interface(&name));
    if found.is_none_or(|found| found.made.layer == LinkLayer::Ethernet) {
        return;
    }
    let message = format!(
        "({}) {} is not an Ethernet interface, and cannot have a VMAC or ipvlan - disabling",
        written.name.value, interface.value
    );
    builder.late_about(Topic::VmacUnicast, place, message.clone());
    *fault = Some(message);
}

/// The settings that are left, and what keeps the router in FAULT.
pub(super) fn check(
    builder: &mut Builder<'_>,
    router: &Router<'_>,
    settings: &mut RouterSettings,
    fault: &mut Option<String>,
) {
    let written = router.written;
    if let (Some(vrf), Some(_)) = (&settings.vrf, &written.interface) {
        let message = "Cannot specify VRF interface and interface - ignoring";
        say(builder, written, &vrf.place, Topic::Other, message);
        settings.vrf = None;
    }
    if written.interface.is_none() {
        (settings.use_vmac, settings.use_ipvlan) = (None, None);
    }
    let places = [
        settings.use_vmac.as_ref().map(|vmac| vmac.place.clone()),
        settings.use_ipvlan.as_ref().map(|ipvlan| ipvlan.place.clone()),
    ];
    if let Some(place) = places.into_iter().flatten().next() {
        on_ethernet(builder, written, &place, fault);
    }
    name(builder, router, settings);
    if let Some(vmac) = &mut settings.use_vmac
        && router.strict
        && vmac.value.mac.is_some()
    {
        let message = "cannot specify MAC address with strict mode - clearing";
        say(builder, written, &vmac.place, Topic::VersionStrict, message);
        vmac.value.mac = None;
    }
    if let Some(ipvlan) = &settings.use_ipvlan
        && router.family == Family::V4
        && ipvlan.value.address.is_none()
    {
        let message =
            "IPv4 ipvlan requires a source ip address to be configured. setting instance to fault state";
        say(builder, written, &ipvlan.place, Topic::Other, message);
        *fault = Some(FAULT_IPVLAN.to_owned());
    }
    transmit_base(builder, written, router.strict, settings);
    if let Some(keyword) = &settings.promote_secondaries
        && (settings.use_vmac.is_some() || settings.use_ipvlan.is_some())
    {
        let message = "promote_secondaries is automatically set for vmacs - ignoring";
        let message = format!("({}) {message}", written.name.value);
        builder.late_about(Topic::VmacUnicast, &keyword.place, message);
        settings.promote_secondaries = None;
    }
    if let Some(keyword) = &settings.vmac_xmit_base
        && settings.use_vmac.is_none()
        && settings.use_ipvlan.is_none()
    {
        let message = format!(
            "({}) vmac_xmit_base is only valid with a vmac",
            written.name.value
        );
        builder.late_about(Topic::VmacUnicast, &keyword.place, message);
        settings.vmac_xmit_base = None;
    }
}

/// `vmac_xmit_base`: cleared in strict mode, needed with unicast (fact 9.8).
pub(super) fn transmit_base(
    builder: &mut Builder<'_>,
    written: &Instance,
    strict: bool,
    settings: &mut RouterSettings,
) {
    if let Some(keyword) = &settings.vmac_xmit_base
        && strict
    {
        let message = "xmit_base is incompatible with strict mode - resetting";
        say(builder, written, &keyword.place, Topic::VersionStrict, message);
        settings.vmac_xmit_base = None;
    }
    if let Some(vmac) = &settings.use_vmac
        && written.unicast.is_some()
        && settings.vmac_xmit_base.is_none()
    {
        let message = "unicast with use_vmac requires vmac_xmit_base - setting";
        say(builder, written, &vmac.place, Topic::VmacUnicast, message);
        settings.vmac_xmit_base = Some(Spanned {
            value: (),
            place: vmac.place.clone(),
        });
    }
}

/// A name that another router has, or an interface of another kind, is not used (fact 9.3).
fn name(builder: &mut Builder<'_>, router: &Router<'_>, settings: &mut RouterSettings) {
    let written = router.written;
    let vmac = settings
        .use_vmac
        .as_mut()
        .map(|vmac| (&mut vmac.value.name, true));
    let ipvlan = settings
        .use_ipvlan
        .as_mut()
        .map(|ipvlan| (&mut ipvlan.value.name, false));
    for (slot, macvlan) in [vmac, ipvlan].into_iter().flatten() {
        let Some(name) = slot.clone() else { continue };
        if let Some((other, place)) = same_name(builder, written, &name.value) {
            let message = format!(
                "({}) VRRP instance {other} is already using {} - ignoring name",
                written.name.value, name.value
            );
            let diagnostic = Diagnostic::new(Class::General, Some(name.place.clone()), message)
                .with_related(place, "first used here");
            builder.diagnostics.push(diagnostic);
            *slot = None;
            continue;
        }
        let there = IfName::new(&name.value).and_then(|name| builder.host.interface(&name));
        // One of the right kind is adopted, put right or made anew.
        let adopted = there.is_none_or(|there| match there.made.kind {
            LinkKind::Macvlan { private } => macvlan && private,
            LinkKind::Ipvlan { l2 } => !macvlan && l2.is_some(),
            LinkKind::Other | LinkKind::Vrf { .. } => false,
        });
        if !adopted {
            let kind = if macvlan {
                "a private macvlan; ignoring vmac"
            } else {
                "an l2 ipvlan; ignoring ipvlan"
            };
            let message = format!(
                "interface {} already exists and is not {kind} if_name",
                name.value
            );
            say(builder, written, &name.place, Topic::VmacUnicast, &message);
            *slot = None;
        }
    }
}

/// The router before this one whose interface has this name.
fn same_name(builder: &Builder<'_>, written: &Instance, name: &str) -> Option<(String, Place)> {
    let before = builder.config.instances.iter();
    before
        .take_while(|other| other.name != written.name)
        .find_map(|other| {
            let vmac = other
                .settings
                .use_vmac
                .iter()
                .filter_map(|vmac| vmac.value.name.as_ref());
            let ipvlan = other
                .settings
                .use_ipvlan
                .iter()
                .filter_map(|ipvlan| ipvlan.value.name.as_ref());
            let same = vmac.chain(ipvlan).find(|used| used.value == name)?;
            Some((other.name.value.clone(), same.place.clone()))
        })
}

fn say(builder: &mut Builder<'_>, written: &Instance, place: &Place, topic: Topic, message: &str) {
    let message = format!("({}) {message}", written.name.value);
    let diagnostic = Diagnostic::new(Class::General, Some(place.clone()), message);
    builder.diagnostics.push(diagnostic.about(topic));
}
