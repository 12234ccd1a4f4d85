//! One `vrrp_instance`: its defaults and what its values mean together (facts 1).

use super::track::{drop_weights, track_interfaces, track_scripts};
use super::vrrp::resolve_garp;
use super::{Builder, sync};
use crate::conf::config::{AddressLine, AuthType, Global, Instance, Spanned};
use crate::conf::diag::{Class, Place};
use crate::net::{AddressSpec, Family, IfName};
use crate::track::config::TrackScriptConfig;
use crate::vrrp::config::{Auth, InitialState, RouterConfig, Transport, Version};
use crate::vrrp::{Priority, Vrid};
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// The groups of RFC 5798.
const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);
/// Addresses that one advert can name.
const MAX_VIPS: usize = 255;
/// Steps of version 3's interval.
const CENTISECOND_MICROS: u64 = 10_000;

/// What keeps a router in FAULT: these texts are printed back by `conf::print`.
pub(crate) const FAULT_NO_PEER: &str = "a unicast keyword is given, but no peer";
/// The same for IPsec AH.
pub(crate) const FAULT_AH: &str = "auth_type AH is not possible yet";

/// The router of `written`; `None` when it cannot run, which has been said.
pub(super) fn build(
    builder: &mut Builder<'_>,
    written: &Instance,
    global: &Global,
    scripts: &[TrackScriptConfig],
) -> Option<RouterConfig> {
    let name = written.name.value.clone();
    let vrid = written.vrid.as_ref().and_then(|vrid| Vrid::new(vrid.value));
    if vrid.is_none() {
        let message = format!("({name}) the virtual router id must be set");
        builder.report(Class::Fatal, &written.name.place, message);
    }
    let interface = interface(builder, written);
    let (vrid, interface) = (vrid?, interface?);
    let family = family(written);
    let source = source(builder, written, family);
    let version = version(builder, written, family, global);
    let priority = match &written.priority {
        Some(priority) => Priority(priority.value),
        None if sync::wants_master(written.state.as_ref().map(|state| state.value)) => Priority::OWNER,
        None => Priority::DEFAULT,
    };
    let initial = match &written.state {
        Some(state) => state.value,
        None if priority.is_owner() => InitialState::Master,
        None => InitialState::Backup,
    };
    let ah = written
        .auth_type
        .as_ref()
        .filter(|kind| kind.value == AuthType::Ah);
    let initial = match ah {
        Some(kind) if initial == InitialState::Master && !priority.is_owner() && version == Version::V2 => {
            let message =
                format!("({name}) Initial state master is incompatible with AH authentication - clearing");
            builder.report(Class::General, &kind.place, message);
            InitialState::Backup
        }
        Some(_) | None => initial,
    };
    let mut config_fault = None;
    let auth = auth(builder, written, family, version, &mut config_fault);
    let transport = transport(builder, written, family, &mut config_fault);
    if matches!(transport, Transport::Multicast { .. })
        && builder
            .host
            .interface(&interface)
            .is_some_and(|found| !found.multicast)
    {
        let message = format!(
            "({name}) interface {interface} does not support multicast, specify unicast peers - disabling"
        );
        builder.report(Class::General, &written.name.place, message.clone());
        config_fault = Some(message);
    }
    let (nopreempt, preempt_delay) = preempt(builder, written, initial, priority);
    let (vips, excluded) = vips(builder, written, family, version, &interface);
    let mut tracked_interfaces =
        track_interfaces(builder, &name, &written.track_interfaces, Some(&interface));
    let mut tracked_scripts = track_scripts(builder, &name, &written.track_scripts, scripts);
    if priority.is_owner() {
        drop_weights(builder, written, &mut tracked_interfaces, &mut tracked_scripts);
    }
    Some(RouterConfig {
        vrid,
        family,
        version,
        initial,
        priority,
        advert_int: advert_int(builder, written, version),
        down_timer_adverts: written
            .down_timer_adverts
            .or(builder.config.global.down_timer_adverts)
            .unwrap_or(3),
        nopreempt,
        preempt_delay,
        auth,
        source,
        transport,
        garp: resolve_garp(&global.garp, &written.garp),
        lower_prio_no_advert: written
            .lower_prio_no_advert
            .unwrap_or(builder.config.global.lower_prio_no_advert),
        higher_prio_send_advert: written
            .higher_prio_send_advert
            .unwrap_or(builder.config.global.higher_prio_send_advert),
        vips,
        excluded,
        track_interfaces: tracked_interfaces,
        track_scripts: tracked_scripts,
        dont_track_primary: written.dont_track_primary,
        check_unicast_src: written.check_unicast_src || builder.config.global.check_unicast_src,
        config_fault,
        interface,
        name,
    })
}

/// `interface`, or the one that holds the unicast source (facts 1.2, 1.11).
fn interface(builder: &mut Builder<'_>, written: &Instance) -> Option<IfName> {
    let name = &written.name.value;
    if let Some(interface) = &written.interface {
        let found = builder.interface(interface, |interface| {
            format!("WARNING - interface {interface} for vrrp_instance {name} doesn't exist")
        })?;
        if builder
            .host
            .interface(&found)
            .is_some_and(|status| status.loopback)
        {
            let message = format!("({name}) cannot use loopback interface {found} for vrrp - ignoring");
            builder.report(Class::General, &interface.place, message);
            builder.report(
                Class::Fatal,
                &written.name.place,
                format!("({name}) Unknown interface!"),
            );
            return None;
        }
        return Some(found);
    }
    if written.unicast.is_some()
        && let Some(source) = &written.source
    {
        let holds = |address: &crate::net::InterfaceAddress| address.cidr.addr == source.value;
        if let Some(found) = builder
            .host
            .interfaces
            .iter()
            .find(|found| found.addresses.iter().any(holds))
        {
            return Some(found.name.clone());
        }
        let message = format!(
            "({name}) no interface has the unicast source address {}",
            source.value
        );
        builder.report(Class::Fatal, &source.place, message);
        return None;
    }
    builder.report(
        Class::Fatal,
        &written.name.place,
        format!("({name}) Unknown interface!"),
    );
    None
}

/// Of the first thing that fixes it (fact 1.3).
fn family(written: &Instance) -> Family {
    if written.native_ipv6 {
        return Family::V6;
    }
    let source = written.source.iter().map(|source| (&source.place, source.value));
    let group = written.mcast_dst.iter().map(|group| (&group.place, group.value));
    let peers = written.peers.iter().map(|peer| (&peer.place, peer.value));
    let vips = written.vips.iter().map(|vip| (&vip.place, vip.value.cidr.addr));
    // Lines of one file stand in their order; across files the order here decides.
    let key = |place: &Place| (place.line, place.column);
    let all: Vec<(&Place, IpAddr)> = source.chain(group).chain(peers).chain(vips).collect();
    let one_file = all.windows(2).all(|pair| match pair {
        [(a, _), (b, _)] => a.file == b.file,
        _ => true,
    });
    let first = if one_file {
        all.iter().min_by_key(|(place, _)| key(place))
    } else {
        all.first()
    };
    first.map_or(Family::V4, |(_, address)| Family::of(address))
}

fn source(builder: &mut Builder<'_>, written: &Instance, family: Family) -> Option<IpAddr> {
    let source = written.source.as_ref()?;
    if Family::of(&source.value) == family {
        return Some(source.value);
    }
    let message = format!(
        "({}): address family of source {} must match VRRP instance - ignoring",
        written.name.value, source.value
    );
    builder.report(Class::General, &source.place, message);
    None
}

/// Explicit, otherwise 3 for IPv6, otherwise `vrrp_version` (fact 1.4).
fn version(builder: &mut Builder<'_>, written: &Instance, family: Family, global: &Global) -> Version {
    match (&written.version, family) {
        (Some(version), Family::V6) if version.value == Version::V2 => {
            let message = format!(
                "({}) version 2 is not possible with IPv6, using 3",
                written.name.value
            );
            builder.report(Class::General, &version.place, message);
            Version::V3
        }
        (Some(version), _) => version.value,
        (None, Family::V6) => Version::V3,
        (None, Family::V4) => global.vrrp_version.unwrap_or(Version::V2),
    }
}

/// Facts 1.7: when the password counts.
fn auth(
    builder: &mut Builder<'_>,
    written: &Instance,
    family: Family,
    version: Version,
    fault: &mut Option<String>,
) -> Auth {
    let name = &written.name.value;
    let Some(kind) = &written.auth_type else {
        return Auth::None;
    };
    if version == Version::V3 {
        let message = format!("({name}) VRRP version 3 does not support authentication. Ignoring.");
        builder.report(Class::General, &kind.place, message);
        return Auth::None;
    }
    let secret = written
        .auth_pass
        .as_ref()
        .filter(|secret| !secret.value.0.is_empty());
    let Some(secret) = secret else {
        let message = format!("({name}) Authentication specified but no password given. Ignoring");
        builder.report(Class::General, &kind.place, message);
        return Auth::None;
    };
    match (kind.value, family) {
        (AuthType::Pass, _) => {
            let mut padded = [0; 8];
            for (to, from) in padded.iter_mut().zip(&secret.value.0) {
                *to = *from;
            }
            Auth::Pass(padded)
        }
        (AuthType::Ah, Family::V4) => {
            // Adverts without AH would be dropped by the peers: two masters.
            let message =
                format!("({name}) accepted, no effect yet: auth_type AH - the instance stays in FAULT");
            builder.report(Class::Unheeded, &kind.place, message);
            *fault = Some(FAULT_AH.to_owned());
            Auth::None
        }
        (AuthType::Ah, Family::V6) => {
            let message = format!("({name}) Cannot use AH authentication with IPv6 - ignoring");
            builder.report(Class::General, &kind.place, message);
            Auth::None
        }
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
                "({name}): address family of peer {} must match VRRP instance - ignoring",
                peer.value
            );
            builder.report(Class::General, &peer.place, message);
        }
    }
    if !peers.is_empty() {
        let default = default_unicast_ttl(family);
        let ttl = written.unicast_ttl.as_ref().map_or(default, |ttl| ttl.value);
        return Transport::Unicast { peers, ttl };
    }
    if let Some(ttl) = &written.unicast_ttl {
        let message = format!("({name}): Cannot use unicast_ttl without unicast peers - resetting");
        builder.report(Class::General, &ttl.place, message);
    }
    if let Some(place) = &written.unicast {
        if written.unicast_fault_no_peer {
            *fault = Some(FAULT_NO_PEER.to_owned());
        } else {
            let message = format!(
                "({name}) A unicast keyword has been specified without any unicast peers. Defaulting to multicast. \
                 This usage is deprecated - please update your configuration."
            );
            builder.report(Class::Deprecated, place, message);
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
            let message =
                format!("({name}): address family of mcast_dst_ip must match VRRP instance - ignoring");
            builder.report(Class::General, &group.place, message);
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
    initial: InitialState,
    priority: Priority,
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
        builder.report(Class::General, place, message);
        nopreempt = false;
    }
    let Some(delay) = &written.preempt_delay else {
        return (nopreempt, Duration::ZERO);
    };
    let message = if delay.value.is_zero() {
        return (nopreempt, Duration::ZERO);
    } else if master {
        format!("({name}) Warning - preempt delay will not work with initial state MASTER - clearing")
    } else if nopreempt {
        format!("({name}) preempt_delay is incompatible with nopreempt mode - resetting")
    } else {
        return (nopreempt, delay.value);
    };
    builder.report(Class::General, &delay.place, message);
    (nopreempt, Duration::ZERO)
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
        builder.report(Class::General, &wanted.place, message);
    }
    Duration::from_micros(rounded)
}

/// The addresses in adverts and the others (facts 1.3, 1.14, 1.24).
fn vips(
    builder: &mut Builder<'_>,
    written: &Instance,
    family: Family,
    version: Version,
    interface: &IfName,
) -> (Vec<AddressSpec>, Vec<AddressSpec>) {
    let name = &written.name.value;
    let mut seen = HashSet::new();
    let mut vips = Vec::new();
    let mut excluded = Vec::new();
    for (lines, own) in [(&written.vips, true), (&written.excluded, false)] {
        for line in lines {
            if own && line.value.cidr.family() != family {
                let message = format!(
                    "({name}): address family must match VRRP instance [{}] - ignoring",
                    line.value.cidr
                );
                builder.report(Class::General, &line.place, message);
                continue;
            }
            let Some(spec) = address(builder, line, interface) else {
                continue;
            };
            if !seen.insert((spec.cidr.addr, spec.interface.clone())) {
                let message = format!(
                    "({name}) VIP {} duplicates a VIP {} - ignoring",
                    spec.cidr, spec.cidr
                );
                builder.report(Class::General, &line.place, message);
                continue;
            }
            if own { vips.push(spec) } else { excluded.push(spec) }
        }
    }
    let room = builder.host.interface(interface).map_or(MAX_VIPS, |i| {
        room_for_vips(usize::try_from(i.mtu).unwrap_or(usize::MAX), family, version)
    });
    if vips.len() > room {
        let message = format!(
            "({name}) Number of VIPs ({}) exceeds maximum/space available in packet (max {room} addresses) \
             - excess moved to eVIPs",
            vips.len()
        );
        builder.report(Class::General, &written.name.place, message);
        let mut more = vips.split_off(room);
        more.append(&mut excluded);
        excluded = more;
    }
    if vips.is_empty() && !written.no_virtual_ipaddress {
        let (class, word) = match version {
            Version::V2 => (Class::Warning, "sensible"),
            Version::V3 => (Class::Fatal, "required"),
        };
        let message = format!("({name}) No VIP specified; at least one is {word}");
        builder.report(class, &written.name.place, message);
    }
    (vips, excluded)
}

/// The addresses that fit into an advert (fact 1.14). One that is fragmented would be no advert to keepalived, and one
/// longer than the MTU cannot leave at all.
fn room_for_vips(mtu: usize, family: Family, version: Version) -> usize {
    /// keepalived counts it although the MTU does not.
    const ETHERNET: usize = 14;
    const VRRP: usize = 8;
    let (ip, address) = match family {
        Family::V4 => (20, 4),
        Family::V6 => (40, 16),
    };
    let authentication = match version {
        Version::V2 => 8,
        Version::V3 => 0,
    };
    (mtu.saturating_sub(ETHERNET + ip + VRRP + authentication) / address).min(MAX_VIPS)
}

fn address(builder: &mut Builder<'_>, line: &Spanned<AddressLine>, own: &IfName) -> Option<AddressSpec> {
    let AddressLine {
        cidr,
        dev,
        scope,
        label,
        broadcast,
        options: _,
    } = &line.value;
    let interface = match dev {
        None => own.clone(),
        Some(dev) => builder.interface(dev, |interface| {
            format!("WARNING - interface {interface} for ip address {cidr} doesn't exist")
        })?,
    };
    Some(AddressSpec {
        cidr: *cidr,
        interface,
        scope: *scope,
        label: label.clone(),
        broadcast: *broadcast,
    })
}
