//! The virtual addresses of a router: which are advertised, which are only held (facts 1.3, 1.13, 1.14, 1.24).

use super::Builder;
use super::links::Placing;
use crate::conf::config::{AddressLine, Instance, Spanned};
use crate::conf::diag::{Class, Diagnostic, Place, Topic};
use crate::net::{AddressSpec, Family};
use crate::vrrp::ah::AH_LEN;
use crate::vrrp::config::Version;
use crate::vrrp::hmac::TRAILER_LEN;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;

/// Addresses that one advert can name.
const MAX_VIPS: usize = 255;

/// What an advert is like.
pub(super) struct Packet {
    pub(super) family: Family,
    pub(super) version: Version,
    pub(super) strict: bool,
    /// It ends with the trailer of `auth_hmac`.
    pub(super) hmac: bool,
    /// It is in IPsec AH.
    pub(super) ah: bool,
    pub(super) multicast: bool,
}

/// The addresses in adverts and the others (facts 1.3, 1.14, 1.24).
pub(super) fn vips(
    builder: &mut Builder<'_>,
    written: &Instance,
    packet: &Packet,
    place: &Placing<'_>,
) -> (Vec<AddressSpec>, Vec<AddressSpec>) {
    let name = &written.name.value;
    let mut seen: HashMap<_, Place> = HashMap::new();
    let mut vips = Vec::new();
    let mut excluded = Vec::new();
    for (lines, own) in [(&written.vips, true), (&written.excluded, false)] {
        for line in lines {
            if own && line.value.cidr.family() != packet.family {
                let message = format!(
                    "({name}): address family must match VRRP instance [{}] - ignoring",
                    line.value.cidr
                );
                let diagnostic = Diagnostic::new(Class::General, Some(line.place.clone()), message);
                builder
                    .diagnostics
                    .push(diagnostic.about(Topic::AddressFamilyMismatch));
                continue;
            }
            let Some(spec) = address(builder, line, place) else {
                continue;
            };
            match seen.entry((spec.cidr.addr, spec.interface.clone())) {
                Entry::Vacant(first) => drop(first.insert(line.place.clone())),
                Entry::Occupied(first) => {
                    let message = format!(
                        "({name}) VIP {} duplicates a VIP {} - ignoring",
                        spec.cidr, spec.cidr
                    );
                    let diagnostic = Diagnostic::new(Class::General, Some(line.place.clone()), message)
                        .about(Topic::VipDuplicate)
                        .with_related(first.get().clone(), "first listed here");
                    builder.diagnostics.push(diagnostic);
                    continue;
                }
            }
            if own { vips.push(spec) } else { excluded.push(spec) }
        }
    }
    let room = builder.host.interface(place.base).map_or(MAX_VIPS, |i| {
        room_for_vips(usize::try_from(i.mtu).unwrap_or(usize::MAX), packet)
    });
    if vips.len() > room {
        let message = format!(
            "({name}) Number of VIPs ({}) exceeds maximum/space available in packet (max {room} addresses) \
             - excess moved to eVIPs",
            vips.len()
        );
        builder.late_about(Topic::NoVip, &written.name.place, message);
        let mut more = vips.split_off(room);
        more.append(&mut excluded);
        excluded = more;
    }
    if vips.is_empty() && (!written.no_virtual_ipaddress || packet.strict) {
        let (class, word) = match packet.version {
            Version::V2 if !packet.strict => (Class::Warning, "sensible"),
            Version::V2 | Version::V3 => (Class::Fatal, "required"),
        };
        let message = format!("({name}) No VIP specified; at least one is {word}");
        let diagnostic =
            Diagnostic::new(class, Some(written.name.place.clone()), message).about(Topic::NoVip);
        builder.late.push(diagnostic);
    }
    link_local_first(builder, written, packet, vips.first());
    (vips, excluded)
}

/// The first address of an IPv6 router should be link-local (fact 1.13).
fn link_local_first(
    builder: &mut Builder<'_>,
    written: &Instance,
    packet: &Packet,
    first: Option<&AddressSpec>,
) {
    let Some(first) = first else { return };
    let IpAddr::V6(address) = first.cidr.addr else {
        return;
    };
    if packet.multicast && !address.is_unicast_link_local() {
        let (class, word) = if packet.strict {
            (Class::General, "must")
        } else {
            (Class::Note, "should")
        };
        let message = format!(
            "({}) the first IPv6 VIP address {word} be link local",
            written.name.value
        );
        let line = written.vips.iter().find(|line| line.value.cidr == first.cidr);
        let place = line.map_or(&written.name.place, |line| &line.place).clone();
        builder.late.push(Diagnostic::new(class, Some(place), message));
    }
}

/// The addresses that fit into an advert (fact 1.14). One that is fragmented would be no advert to keepalived, and one
/// longer than the MTU cannot leave at all.
fn room_for_vips(mtu: usize, packet: &Packet) -> usize {
    /// keepalived counts it although the MTU does not.
    const ETHERNET: usize = 14;
    const VRRP: usize = 8;
    let (ip, address) = match packet.family {
        Family::V4 => (20, 4),
        Family::V6 => (40, 16),
    };
    let authentication = match (packet.version, packet.family) {
        (Version::V2, Family::V4) => 8,
        (Version::V2, Family::V6) | (Version::V3, _) => 0,
    };
    let trailer = if packet.hmac { TRAILER_LEN } else { 0 };
    let ah = if packet.ah { AH_LEN } else { 0 };
    (mtu.saturating_sub(ETHERNET + ip + ah + VRRP + authentication + trailer) / address).min(MAX_VIPS)
}

fn address(
    builder: &mut Builder<'_>,
    line: &Spanned<AddressLine>,
    place: &Placing<'_>,
) -> Option<AddressSpec> {
    let AddressLine {
        cidr,
        dev,
        scope,
        label,
        broadcast,
        options,
    } = &line.value;
    let dev = match dev {
        None => None,
        Some(dev) => Some(builder.interface(dev, |interface| {
            format!("WARNING - interface {interface} for ip address {cidr} doesn't exist")
        })?),
    };
    Some(AddressSpec {
        cidr: *cidr,
        interface: place.of(builder, cidr.family(), dev, options.use_vmac),
        scope: *scope,
        label: label.clone(),
        broadcast: *broadcast,
        options: options.clone(),
    })
}
