//! One `vrrp_instance`: its defaults and what its values mean together (facts 1).

use super::links::Placing;
use super::track::{drop_weights, track_interfaces, track_scripts};
use super::trackers::Objects;
use super::vips::{Packet, vips};
use super::vrrp::resolve_garp;
use super::{Builder, hmac, links, net, outlet, packets, strict, sync, trackers, vmac};
use crate::conf::config::{AuthType, Global, Instance, RouterSettings};
use crate::conf::diag::{Class, Diagnostic, Place, Topic};
use crate::net::{Family, IfName};
use crate::track::config::TrackScriptConfig;
use crate::vrrp::config::{Auth, InitialState, RouterConfig, TrackedObjects, Transport, Version};
use crate::vrrp::{Priority, Vrid};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// The groups of RFC 5798.
const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);
/// Steps of version 3's interval.
const CENTISECOND_MICROS: u64 = 10_000;

/// What keeps a router in FAULT: these texts are printed back by `conf::print`.
pub(crate) const FAULT_NO_PEER: &str = "a unicast keyword is given, but no peer";

/// What a router is built with.
pub(super) struct Known<'a> {
    pub(super) global: &'a Global,
    pub(super) scripts: &'a [TrackScriptConfig],
    pub(super) objects: &'a Objects,
}

/// The router of `written`, and what of it is shown; `None` when it cannot run, which has been said.
pub(super) fn build(
    builder: &mut Builder<'_>,
    written: &Instance,
    known: &Known<'_>,
) -> Option<(RouterConfig, RouterSettings)> {
    let name = written.name.value.clone();
    let vrid = written.vrid.as_ref().and_then(|vrid| Vrid::new(vrid.value));
    if vrid.is_none() {
        let message = format!("({name}) the virtual router id must be set");
        let diagnostic = Diagnostic::new(Class::Fatal, Some(written.name.place.clone()), message)
            .about(Topic::VridMissing)
            .with_help("virtual_router_id, from 1 to 255");
        builder.stops.push(diagnostic);
    }
    let interface = interface(builder, written, vrid.is_none());
    let strict = strict::is_strict(builder, written);
    let family = family(builder, written);
    let source = source(builder, written, family);
    let mut settings = written.settings.clone();
    let mut tracked_interfaces =
        track_interfaces(builder, &name, &written.track_interfaces, interface.as_ref());
    let mut tracked_scripts = track_scripts(builder, &name, &written.track_scripts, known.scripts);
    trackers::of_instance(builder, known.objects, &written.name, &mut settings);
    let (Some(vrid), Some(interface)) = (vrid, interface) else {
        // Its addresses are looked at all the same.
        let nowhere = IfName::new("none")?;
        let packet = Packet {
            family,
            version: Version::V2,
            strict: false,
            hmac: false,
            ah: false,
            multicast: false,
        };
        let late = builder.late.len();
        let place = Placing {
            written,
            settings: &RouterSettings::default(),
            base: &nowhere,
            vrid: Vrid::new(1)?,
            family,
            own: None,
        };
        vips(builder, written, &packet, &place);
        builder.late.truncate(late);
        builder.links.retain(|link| link.router != name);
        if written.interface.is_some() {
            vmac::transmit_base(builder, written, strict, &mut settings);
        } else {
            transport(builder, written, family, &mut None);
        }
        return None;
    };
    let version = version(builder, written, family, known.global, strict);
    let priority = match &written.priority {
        Some(priority) => Priority(priority.value),
        None if sync::wants_master(written.state.as_ref().map(|state| state.value)) => Priority::OWNER,
        None => Priority::DEFAULT,
    };
    let initial = strict::initial(builder, written, priority, strict);
    let mut fault = None;
    let router = vmac::Router {
        written,
        family,
        strict,
    };
    vmac::check(builder, &router, &mut settings, &mut fault);
    let advert_int = advert_int(builder, written, version);
    hmac::check(builder, written, strict, advert_int, &mut settings);
    let (auth, initial) = auth(
        builder,
        written,
        &Authenticated {
            family,
            version,
            strict,
            hmac: settings.auth_hmac.is_some(),
            initial,
            priority,
        },
    );
    let transport = transport(builder, written, family, &mut fault);
    check_multicast(builder, written, &interface, &transport, strict, &mut fault);
    let (nopreempt, preempt_delay) = preempt(builder, written, (initial, priority, strict));
    let manners = strict::manners(
        builder,
        written,
        resolve_garp(&known.global.garp, &written.garp),
        strict,
    );
    strict::settings(
        builder,
        written,
        (strict, version, priority, nopreempt),
        &mut settings,
    );
    if source.is_none()
        && let Some(keyword) = settings.track_src_ip.take_if(|_| written.source.is_none())
    {
        let message = format!("({name}) track_src_ip has no effect without a source address");
        builder.report(Class::Note, &keyword.place, message);
    }
    let mut garp = manners.garp;
    // Here 0 switches the default off.
    garp.extra = settings.garp_extra_if.or(garp.extra);
    garp.extra = garp.extra.filter(|extra| !extra.interval.is_zero());
    let election = strict::rules(builder, &settings, strict, priority);
    settings.peer_ttls.retain(|peer, _| match &transport {
        Transport::Unicast { peers, .. } => peers.contains(peer),
        Transport::Multicast { .. } => false,
    });
    let source = source.or_else(|| ipvlan_source(&settings, family));
    let mut place = Placing {
        written,
        settings: &settings,
        base: &interface,
        vrid,
        family,
        own: None,
    };
    place.own = links::own(builder, &place, source);
    let (vips, excluded) = vips(
        builder,
        written,
        &Packet {
            family,
            version,
            strict,
            hmac: settings.auth_hmac.is_some(),
            ah: matches!(auth, Auth::Ah(_)),
            multicast: matches!(transport, Transport::Multicast { .. }),
        },
        &place,
    );
    let link = place.own;
    let accept = settings.accept.as_ref().map(|accept| accept.value);
    // Strict routers that are no owner do not accept (fact 1.16).
    let no_accept = !priority.is_owner() && !accept.unwrap_or(!strict);
    if priority.is_owner() {
        drop_weights(builder, written, &mut tracked_interfaces, &mut tracked_scripts);
        trackers::drop_weights(builder, &written.name, "address owner", &mut settings);
    }
    let advert = packets::Advert {
        family,
        version,
        auth,
        vips: vips.len(),
    };
    let router = RouterConfig {
        packets: packets::packets(builder.config, &mut settings, &advert),
        vrid,
        family,
        version,
        initial,
        priority,
        advert_int,
        down_timer_adverts: manners.down_timer_adverts,
        drift_repair: written
            .drift_repair
            .as_ref()
            .map_or(builder.config.global.drift_repair, |own| own.value),
        nopreempt,
        preempt_delay,
        auth,
        source,
        transport,
        garp,
        lower_prio_no_advert: manners.lower_prio_no_advert,
        higher_prio_send_advert: manners.higher_prio_send_advert,
        vips,
        excluded,
        routes: net::routes(builder, written),
        rules: net::rules(builder, written),
        track_interfaces: tracked_interfaces,
        track_scripts: tracked_scripts,
        objects: TrackedObjects::default(),
        dont_track_primary: written.dont_track_primary,
        election,
        notices: outlet::notices(builder.config, written),
        check_unicast_src: written.check_unicast_src || builder.config.global.check_unicast_src,
        config_fault: fault,
        link,
        no_accept,
        interface,
        name,
    };
    Some((router, settings))
}

/// The address of an ipvlan is where its adverts come from.
fn ipvlan_source(settings: &RouterSettings, family: Family) -> Option<IpAddr> {
    let ipvlan = settings
        .use_ipvlan
        .as_ref()
        .filter(|_| settings.use_vmac.is_none())?;
    let (address, _) = ipvlan.value.address?;
    (Family::of(&address) == family).then_some(address)
}

/// Without multicast there must be peers; strict mode knows no peers where there is (facts 1.10, 1.12).
fn check_multicast(
    builder: &mut Builder<'_>,
    written: &Instance,
    interface: &IfName,
    transport: &Transport,
    strict: bool,
    fault: &mut Option<String>,
) {
    let name = &written.name.value;
    let multicast = builder.host.interface(interface).map(|found| found.multicast);
    match (transport, multicast) {
        (Transport::Multicast { .. }, Some(false)) => {
            let message = format!(
                "({name}) interface {interface} does not support multicast, specify unicast peers - disabling"
            );
            builder.late_about(Topic::InterfaceMissing, &written.name.place, message.clone());
            *fault = Some(message);
        }
        (Transport::Unicast { .. }, Some(true)) if strict => {
            let place = written.unicast.as_ref().unwrap_or(&written.name.place);
            let message = format!("({name}) Unicast peers are not supported in strict mode");
            let diagnostic = Diagnostic::new(Class::Fatal, Some(place.clone()), message)
                .about(Topic::VersionStrict)
                .with_help(format!(
                    "{interface} supports multicast; without strict_mode peers may be used"
                ));
            builder.late.push(diagnostic);
        }
        _ => {}
    }
}

/// `interface`, or the one that holds the unicast source (facts 1.2, 1.11).
fn interface(builder: &mut Builder<'_>, written: &Instance, stopped: bool) -> Option<IfName> {
    let name = &written.name.value;
    if let Some(interface) = &written.interface {
        let nameless = interface.value.len() > IfName::MAX;
        let missing = builder.interface_missing;
        let found = builder.interface(interface, |interface| {
            format!("WARNING - interface {interface} for vrrp_instance {name} doesn't exist")
        });
        let Some(found) = found else {
            if nameless {
                builder.interface_missing = missing;
                unknown_interface(builder, written, stopped);
            }
            return None;
        };
        if builder
            .host
            .interface(&found)
            .is_some_and(|status| status.loopback)
        {
            let message = format!("({name}) cannot use a loopback interface ({found}) for vrrp - ignoring");
            let diagnostic = Diagnostic::new(Class::General, Some(interface.place.clone()), message);
            builder
                .diagnostics
                .push(diagnostic.about(Topic::InterfaceMissing));
            unknown_interface(builder, written, stopped);
            return None;
        }
        return Some(found);
    }
    vmac::without_interface(builder, written);
    if written.unicast.is_some()
        && let Some(source) = &written.source
    {
        let vrf = match vmac::vrf(builder, written) {
            Ok(vrf) => vrf,
            Err(vmac::NoVrf) => return None,
        };
        let holds = |address: &crate::net::InterfaceAddress| address.cidr.addr == source.value;
        let inside = |found: &crate::net::InterfaceStatus| {
            vrf.is_none_or(|vrf| found.index == vrf || found.made.master == Some(vrf))
        };
        if let Some(found) = builder
            .host
            .interfaces
            .iter()
            .find(|found| !found.loopback && inside(found) && found.addresses.iter().any(holds))
        {
            return Some(found.name.clone());
        }
        let message = format!(
            "({name}) no interface has the unicast source address {}",
            source.value
        );
        // keepalived says so too, but does without an interface.
        let diagnostic = Diagnostic::new(Class::General, Some(source.place.clone()), message)
            .about(Topic::Other)
            .with_help("interface, or an address of this host: without it this virtual router is left out");
        builder.late.push(diagnostic);
        return None;
    }
    if let Some(place) = &written.unicast {
        let message = format!("({name}) unicast without interface needs unicast_src_ip");
        let diagnostic = Diagnostic::new(Class::Fatal, Some(place.clone()), message)
            .about(Topic::UnicastWithoutPeers)
            .with_help("interface, or unicast_src_ip with unicast_peer");
        builder.late.push(diagnostic);
        return None;
    }
    unknown_interface(builder, written, stopped);
    None
}

/// `stopped`: something else of it has been said already, and it is the lesser of its troubles.
fn unknown_interface(builder: &mut Builder<'_>, written: &Instance, stopped: bool) {
    if stopped && written.interface.is_some() {
        return;
    }
    let message = format!("({}) Unknown interface!", written.name.value);
    let diagnostic = Diagnostic::new(Class::Fatal, Some(written.name.place.clone()), message)
        .about(Topic::InterfaceMissing)
        .with_help("interface, or unicast_src_ip with unicast_peer");
    builder.stops.push(diagnostic);
}

/// Of the first thing that fixes it, `native_ipv6` among them (fact 1.3).
fn family(builder: &mut Builder<'_>, written: &Instance) -> Family {
    let found = first_family(written);
    let Some(native) = &written.native_ipv6 else {
        return found.map_or(Family::V4, |(family, _)| family);
    };
    if let Some((Family::V4, place)) = found
        && (place.file != native.file || place.line < native.line)
    {
        let message = format!(
            "({}) Cannot specify native_ipv6 with IPv4 addresses",
            written.name.value
        );
        let diagnostic = Diagnostic::new(Class::General, Some(native.clone()), message)
            .about(Topic::IpFamilyConflict)
            .with_related(place, "an IPv4 address");
        builder.diagnostics.push(diagnostic);
        return Family::V4;
    }
    Family::V6
}

fn first_family(written: &Instance) -> Option<(Family, Place)> {
    let source = written.source.iter().map(|source| (&source.place, source.value));
    let group = written.mcast_dst.iter().map(|group| (&group.place, group.value));
    let peers = written.peers.iter().map(|peer| (&peer.place, peer.value));
    let vips = written.vips.iter().map(|vip| (&vip.place, vip.value.cidr.addr));
    let ipvlan = written.settings.use_ipvlan.iter().filter_map(|ipvlan| {
        let (address, _) = ipvlan.value.address?;
        Some((&ipvlan.place, address))
    });
    // Lines of one file stand in their order; across files the order here decides.
    let key = |place: &Place| (place.line, place.column);
    let all: Vec<(&Place, IpAddr)> = source
        .chain(group)
        .chain(peers)
        .chain(ipvlan)
        .chain(vips)
        .collect();
    let one_file = all.windows(2).all(|pair| match pair {
        [(a, _), (b, _)] => a.file == b.file,
        _ => true,
    });
    let first = if one_file {
        all.iter().min_by_key(|(place, _)| key(place))
    } else {
        all.first()
    };
    first.map(|(place, address)| (Family::of(address), (*place).clone()))
}

fn source(builder: &mut Builder<'_>, written: &Instance, family: Family) -> Option<IpAddr> {
    let source = written.source.as_ref()?;
    if Family::of(&source.value) == family {
        return Some(source.value);
    }
    let message = format!(
        "Configuration error: VRRP instance[{}] and src address[{}] MUST be of the same family !!! Skipping...",
        written.name.value, source.value
    );
    mismatch(builder, &source.place, message);
    None
}

/// IPv4 where IPv6 is needed, or the other way round.
fn mismatch(builder: &mut Builder<'_>, place: &Place, message: String) {
    let diagnostic = Diagnostic::new(Class::General, Some(place.clone()), message);
    builder
        .diagnostics
        .push(diagnostic.about(Topic::AddressFamilyMismatch));
}

/// Explicit, otherwise 3 for IPv6, otherwise `vrrp_version` (fact 1.4). Version 2 has no IPv6 in its RFCs, and strict
/// routers none.
fn version(
    builder: &mut Builder<'_>,
    written: &Instance,
    family: Family,
    global: &Global,
    strict: bool,
) -> Version {
    match (&written.version, family) {
        (Some(version), Family::V6) if strict && version.value == Version::V2 => {
            let name = &written.name.value;
            let message = format!("({name}) strict mode requires version 3 with IPv6 - resetting");
            builder.report(Class::General, &version.place, message);
            Version::V3
        }
        (Some(version), _) => version.value,
        (None, Family::V6) => Version::V3,
        (None, Family::V4) => global.vrrp_version.unwrap_or(Version::V2),
    }
}

/// What decides whether the password counts.
struct Authenticated {
    family: Family,
    version: Version,
    strict: bool,
    hmac: bool,
    initial: InitialState,
    priority: Priority,
}

/// Facts 1.7: when the password counts, and where AH begins.
fn auth(builder: &mut Builder<'_>, written: &Instance, with: &Authenticated) -> (Auth, InitialState) {
    let name = &written.name.value;
    let Some(kind) = written.auth_type.as_ref().filter(|_| !with.hmac) else {
        return (Auth::None, with.initial);
    };
    let secret = written
        .auth_pass
        .as_ref()
        .filter(|secret| !secret.value.0.is_empty());
    let refused = if with.strict {
        Some("Strict mode does not support authentication. Ignoring.")
    } else if with.version == Version::V3 {
        Some("VRRP version 3 does not support authentication. Ignoring.")
    } else if secret.is_none() {
        Some("Authentication specified but no password given. Ignoring")
    } else if kind.value == AuthType::Ah && with.family == Family::V6 {
        Some("Cannot use AH authentication with IPv6. ignoring")
    } else {
        None
    };
    if let Some(message) = refused {
        let diagnostic = Diagnostic::new(
            Class::General,
            Some(kind.place.clone()),
            format!("({name}) {message}"),
        );
        builder.late.push(diagnostic.about(Topic::AuthUnsupported));
        return (Auth::None, with.initial);
    }
    let mut padded = [0; 8];
    for (to, from) in padded
        .iter_mut()
        .zip(secret.iter().flat_map(|secret| &secret.value.0))
    {
        *to = *from;
    }
    match kind.value {
        AuthType::Pass => {
            if with.family == Family::V6 {
                let message =
                    format!("({name}) adverts of version 2 have no password over IPv6: none is compared");
                builder.report(Class::Unheeded, &kind.place, message);
            }
            (Auth::Pass(padded), with.initial)
        }
        AuthType::Ah if with.initial == InitialState::Master && !with.priority.is_owner() => {
            // Its first advert would be a replay to those that know the last master's counter.
            let message =
                format!("({name}) Initial state master is incompatible with AH authentication - clearing");
            let diagnostic = Diagnostic::new(Class::General, Some(kind.place.clone()), message);
            builder.late.push(diagnostic.about(Topic::AuthUnsupported));
            (Auth::Ah(padded), InitialState::Backup)
        }
        AuthType::Ah => (Auth::Ah(padded), with.initial),
    }
}

/// What keepalived sends without `unicast_ttl`: 255 for IPv4; for IPv6 it leaves the kernel's default, which is 64.
const fn default_unicast_ttl(family: Family) -> u8 {
    match family {
        Family::V4 => 255,
        Family::V6 => 64,
    }
}

/// Multicast, or unicast with its peers (fact 1.9).
fn transport(
    builder: &mut Builder<'_>,
    written: &Instance,
    family: Family,
    fault: &mut Option<String>,
) -> Transport {
    let name = &written.name.value;
    let mut peers = Vec::new();
    for peer in &written.peers {
        if Family::of(&peer.value) == family {
            peers.push(peer.value);
        } else {
            let message = format!(
                "Configuration error: VRRP instance[{name}] and unicast peer address[{}] MUST be of the same \
                 family !!! Skipping...",
                peer.value
            );
            mismatch(builder, &peer.place, message);
        }
    }
    if !peers.is_empty() {
        let default = default_unicast_ttl(family);
        let ttl = written.unicast_ttl.as_ref().map_or(default, |ttl| ttl.value);
        if let Some(group) = &written.mcast_dst {
            let message = format!("({name}) multicast destination specified with unicast - ignoring");
            builder.late_about(Topic::Other, &group.place, message);
        }
        return Transport::Unicast { peers, ttl };
    }
    if let Some(ttl) = &written.unicast_ttl {
        let message = format!("({name}): Cannot use unicast_ttl without unicast peers - resetting");
        let diagnostic = Diagnostic::new(Class::General, Some(ttl.place.clone()), message);
        builder.late.push(diagnostic.about(Topic::UnicastWithoutPeers));
    }
    if let Some(place) = &written.unicast {
        if written.unicast_fault_no_peer {
            *fault = Some(FAULT_NO_PEER.to_owned());
        } else {
            let message = format!(
                "({name}) A unicast keyword has been specified without any unicast peers. Defaulting to multicast. \
                 This usage is deprecated - please update your configuration."
            );
            let diagnostic = Diagnostic::new(Class::Deprecated, Some(place.clone()), message).with_help(
                "unicast_peer with the addresses of the others, or neither unicast_peer nor unicast_src_ip",
            );
            builder.late.push(diagnostic);
        }
    }
    let config = &builder.config.global;
    let default = match family {
        Family::V4 => IpAddr::V4(config.mcast_group4.unwrap_or(GROUP_V4)),
        Family::V6 => IpAddr::V6(config.mcast_group6.unwrap_or(GROUP_V6)),
    };
    let group = match &written.mcast_dst {
        Some(group) if Family::of(&group.value) == family => group.value,
        Some(group) => {
            let message = format!(
                "({name}) mcast dest address {} MUST match VRRP instance family. Skipping...",
                group.value
            );
            mismatch(builder, &group.place, message);
            default
        }
        None => default,
    };
    Transport::Multicast { group }
}

/// Fact 1.15.
fn preempt(
    builder: &mut Builder<'_>,
    written: &Instance,
    (initial, priority, strict): (InitialState, Priority, bool),
) -> (bool, Duration) {
    let name = &written.name.value;
    let master = initial == InitialState::Master;
    let mut nopreempt = written.nopreempt.is_some();
    if let Some(place) = &written.nopreempt
        && (master || priority.is_owner())
    {
        let message = if priority.is_owner() {
            format!("({name}) nopreempt is incompatible with priority 255. resetting nopreempt")
        } else {
            format!("({name}) Warning - nopreempt will not work with initial state MASTER - clearing")
        };
        preempt_state(builder, place, message);
        nopreempt = false;
    }
    let Some(delay) = written
        .preempt_delay
        .as_ref()
        .filter(|delay| !delay.value.is_zero())
    else {
        return (nopreempt, Duration::ZERO);
    };
    let message = if strict {
        format!("({name}) preempt_delay is incompatible with strict mode - resetting")
    } else if master {
        format!("({name}) Warning - preempt delay will not work with initial state MASTER - clearing")
    } else if nopreempt {
        format!("({name}) preempt_delay is incompatible with nopreempt mode - resetting")
    } else {
        return (nopreempt, delay.value);
    };
    preempt_state(builder, &delay.place, message);
    (nopreempt, Duration::ZERO)
}

fn preempt_state(builder: &mut Builder<'_>, place: &Place, message: String) {
    builder.late_about(Topic::PreemptState, place, message);
}

/// Fact 1.20.
fn advert_int(builder: &mut Builder<'_>, written: &Instance, version: Version) -> Duration {
    let Some(wanted) = &written.advert_int else {
        return Duration::from_secs(1);
    };
    let name = &written.name.value;
    let micros = u64::try_from(wanted.value.as_micros()).unwrap_or(u64::MAX);
    let (step, most) = match version {
        Version::V2 => (1_000_000, 255),
        Version::V3 => (CENTISECOND_MICROS, 4_095),
    };
    let rounded = (micros.saturating_add(step / 2) / step)
        .clamp(1, most)
        .saturating_mul(step);
    if rounded != micros {
        let seconds = wanted.value.as_secs_f64();
        let message = match version {
            Version::V2 => {
                format!("({name}) VRRPv2 advertisement interval {seconds:.6}s must be an integer. rounding")
            }
            Version::V3 if rounded < micros && rounded == most * step => format!(
                "({name}) VRRPv3 advertisement interval {seconds:.2}s is out of range. Must be less than 40.96s. Setting to 40.95s"
            ),
            Version::V3 => format!(
                "({name}) VRRPv3 advertisement interval {seconds:.6}s must be a multiple of 10ms. rounding"
            ),
        };
        let diagnostic = Diagnostic::new(Class::General, Some(wanted.place.clone()), message);
        builder.late.push(diagnostic.about(Topic::VersionStrict));
    }
    Duration::from_micros(rounded)
}
