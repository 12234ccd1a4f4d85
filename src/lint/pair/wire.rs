//! What makes adverts unheard: VRID, version, authentication, interval, and where they go.

use super::super::view::{Router, seconds};
use super::super::{Code, Finding};
use crate::conf::config::{AuthHmac, AuthType, HmacKey, HmacMode, KeySource, Spanned};
use crate::conf::diag::Place;
use crate::vrrp::config::{Transport, Version};
use std::net::IpAddr;

/// What comes of adverts that are not heard.
const TWO_MASTERS: &str = "each discards the adverts of the other: both are master";

pub(super) fn look(one: &Router<'_>, other: &Router<'_>, found: &mut Vec<Finding>) {
    if one.does.family != other.does.family {
        family(one, other, found);
        return;
    }
    vrid(one, other, found);
    if one.does.version == other.does.version {
        authentication(one, other, found);
        advert_int(one, other, found);
    } else {
        version(one, other, found);
    }
    transport(one, other, found);
}

/// A finding with a place and its words in each file.
fn differ(
    code: Code,
    (one, at, here): (&Router<'_>, &Place, String),
    (other, there_at, there): (&Router<'_>, &Place, String),
    what: &str,
) -> Finding {
    let message = format!(
        "{}: {what} is {here} here and {there} in {}",
        one.name(),
        other.node.name
    );
    Finding::new(code, one.about(), at, message)
        .label(here)
        .also(there_at, there)
}

fn family(one: &Router<'_>, other: &Router<'_>, found: &mut Vec<Finding>) {
    found.push(
        differ(
            Code::FamilyDiffers,
            (one, one.vips_place(), one.does.family.to_string()),
            (other, other.vips_place(), other.does.family.to_string()),
            "the family",
        )
        .effect("neither hears the other: both are master")
        .fix("give both the same addresses; IPv4 and IPv6 need an instance each"),
    );
}

fn vrid(one: &Router<'_>, other: &Router<'_>, found: &mut Vec<Finding>) {
    let (here, there) = (one.does.vrid, other.does.vrid);
    if here == there {
        return;
    }
    found.push(
        differ(
            Code::VridDiffers,
            (one, one.vrid_place(), here.to_string()),
            (other, other.vrid_place(), there.to_string()),
            "virtual_router_id",
        )
        .effect("neither takes the other for its peer: both are master, with the same addresses")
        .fix(format!("write virtual_router_id {here} there, or {there} here")),
    );
}

fn version(one: &Router<'_>, other: &Router<'_>, found: &mut Vec<Finding>) {
    let place = |router: &Router<'_>| {
        let written = router.written.version.as_ref();
        written.map_or_else(|| router.place().clone(), |version| version.place.clone())
    };
    found.push(
        differ(
            Code::VersionDiffers,
            (one, &place(one), one.does.version.number().to_string()),
            (other, &place(other), other.does.version.number().to_string()),
            "the VRRP version",
        )
        .effect(TWO_MASTERS)
        .fix("write the same `vrrp_version` in global_defs of both, and no `version` in the instances"),
    );
}

/// What is compared of an authentication (fact 6.7).
#[derive(PartialEq, Eq)]
enum Kind {
    None,
    Pass,
    Ah,
}

impl Kind {
    fn of(router: &Router<'_>) -> Self {
        let written = router.written;
        let secret = written
            .auth_pass
            .as_ref()
            .filter(|secret| !secret.value.0.is_empty());
        match (router.does.version, written.auth_type.as_ref(), secret) {
            (Version::V2, Some(kind), Some(_)) => match kind.value {
                AuthType::Pass => Self::Pass,
                AuthType::Ah => Self::Ah,
            },
            _ => Self::None,
        }
    }

    const fn word(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pass => "PASS",
            Self::Ah => "AH",
        }
    }
}

/// Passwords are compared and never shown.
fn authentication(one: &Router<'_>, other: &Router<'_>, found: &mut Vec<Finding>) {
    let place = |router: &Router<'_>| {
        let written = router.written.auth_type.as_ref();
        written.map_or_else(|| router.place().clone(), |kind| kind.place.clone())
    };
    if hmac(one).is_some() || hmac(other).is_some() {
        for (sends, hears) in [(one, other), (other, one)] {
            found.extend(unverified(sends, hears));
        }
        return;
    }
    let (here, there) = (Kind::of(one), Kind::of(other));
    if here != there {
        found.push(
            differ(
                Code::AuthDiffers,
                (one, &place(one), here.word().to_owned()),
                (other, &place(other), there.word().to_owned()),
                "the authentication",
            )
            .effect(TWO_MASTERS)
            .fix("write the same authentication block in both"),
        );
        return;
    }
    let secret = |router: &Router<'_>| router.written.auth_pass.as_ref().map(|pass| pass.value.0.clone());
    if here == Kind::None || secret(one) == secret(other) {
        return;
    }
    // A line with a password would be shown: the one with the type is pointed at.
    let message = format!("{}: auth_pass is not the one of {}", one.name(), other.node.name);
    found.push(
        Finding::new(Code::AuthDiffers, one.about(), &place(one), message)
            .label("this block's auth_pass")
            .effect(TWO_MASTERS)
            .fix("write the same auth_pass in both")
            .also(&place(other), "and this one's"),
    );
}

/// The `auth_hmac` of a router, if it has a key to use (facts 8).
fn hmac<'a>(router: &Router<'a>) -> Option<&'a Spanned<AuthHmac>> {
    let written = router.written.settings.auth_hmac.as_ref();
    written.filter(|hmac| signing_key(&hmac.value).is_some())
}

fn signing_key(hmac: &AuthHmac) -> Option<&HmacKey> {
    let active = hmac.active_key.as_ref()?.value;
    hmac.keys.iter().find(|key| key.id == active)
}

/// Why `hears` discards what `sends` says. Keys are compared and never shown; what is in a file is not known.
fn unverified(sends: &Router<'_>, hears: &Router<'_>) -> Option<Finding> {
    let wanted = hmac(hears)?;
    let signed = hmac(sends).filter(|hmac| hmac.value.mode != Some(HmacMode::ReceiveOnly));
    let (name, peer) = (hears.name(), &sends.node.name);
    let message = match signed.and_then(|hmac| signing_key(&hmac.value)) {
        None if matches!(wanted.value.mode, None | Some(HmacMode::Enforce)) => {
            format!("{name}: adverts must have the trailer of auth_hmac here, and those of {peer} have none")
        }
        None => return None,
        Some(key) => match wanted.value.keys.iter().find(|known| known.id == key.id) {
            None => format!(
                "{name}: {peer} signs with key {}, which is not known here",
                key.id
            ),
            Some(known) => match (&known.source.value, &key.source.value) {
                (KeySource::Octets(here), KeySource::Octets(there)) if here != there => {
                    format!("{name}: key {} is not the one of {peer}", key.id)
                }
                _ => return None,
            },
        },
    };
    let place = signed.map_or_else(|| sends.place(), |hmac| &hmac.place);
    let finding = Finding::new(Code::AuthDiffers, hears.about(), &wanted.place, message)
        .label("what is wanted")
        .effect(format!("adverts of {peer} are discarded here: both are master"))
        .fix(
            "write the same keys in both, then the same active_key; `mode permissive` while they are changed",
        )
        .also(place, "what is sent");
    Some(finding)
}

/// Version 2 drops another interval, version 3 learns it (facts 6.8, 6.11).
fn advert_int(one: &Router<'_>, other: &Router<'_>, found: &mut Vec<Finding>) {
    if one.does.advert_int == other.does.advert_int {
        return;
    }
    let (here, there) = (seconds(one.does.advert_int), seconds(other.does.advert_int));
    let (code, effect) = match one.does.version {
        Version::V2 => (Code::AdvertIntDiffers, TWO_MASTERS),
        Version::V3 => (
            Code::AdvertIntLearned,
            "version 3 adapts to the master, so how fast a failure is noticed depends on who is master",
        ),
    };
    found.push(
        differ(
            code,
            (one, one.advert_int_place(), here.clone()),
            (other, other.advert_int_place(), there.clone()),
            "advert_int",
        )
        .effect(effect)
        .fix(format!("write advert_int {here} there, or {there} here")),
    );
}

fn transport(one: &Router<'_>, other: &Router<'_>, found: &mut Vec<Finding>) {
    match (&one.does.transport, &other.does.transport) {
        (Transport::Multicast { group: here }, Transport::Multicast { group: there }) => {
            groups(one, *here, other, *there, found);
        }
        (Transport::Unicast { peers: here, .. }, Transport::Unicast { peers: there, .. }) => {
            if !same_source(one, other, found) {
                unlisted(one, other, there, found);
                unlisted(other, one, here, found);
            }
        }
        (Transport::Unicast { .. }, Transport::Multicast { .. })
        | (Transport::Multicast { .. }, Transport::Unicast { .. }) => {
            found.push(
                differ(
                    Code::TransportDiffers,
                    (one, &unicast_place(one), word(&one.does.transport).to_owned()),
                    (
                        other,
                        &unicast_place(other),
                        word(&other.does.transport).to_owned(),
                    ),
                    "the transport",
                )
                .effect(TWO_MASTERS)
                .fix("list the other director in unicast_peer in both, or in neither"),
            );
        }
    }
}

const fn word(transport: &Transport) -> &'static str {
    match transport {
        Transport::Multicast { .. } => "multicast",
        Transport::Unicast { .. } => "unicast",
    }
}

fn unicast_place(router: &Router<'_>) -> Place {
    let peer = router.written.peers.first().map(|peer| peer.place.clone());
    peer.unwrap_or_else(|| router.place().clone())
}

fn groups(one: &Router<'_>, here: IpAddr, other: &Router<'_>, there: IpAddr, found: &mut Vec<Finding>) {
    if here == there {
        return;
    }
    let place = |router: &Router<'_>| {
        let written = router.written.mcast_dst.as_ref();
        written.map_or_else(|| router.place().clone(), |group| group.place.clone())
    };
    found.push(
        differ(
            Code::McastGroupDiffers,
            (one, &place(one), here.to_string()),
            (other, &place(other), there.to_string()),
            "the multicast group",
        )
        .effect("neither hears the other: both are master")
        .fix(format!("send to {here} or to {there} in both")),
    );
}

/// One file that was copied and not changed.
fn same_source(one: &Router<'_>, other: &Router<'_>, found: &mut Vec<Finding>) -> bool {
    let (Some(here), Some(there)) = (one.does.source, other.does.source) else {
        return false;
    };
    if here != there {
        return false;
    }
    let message = format!(
        "{}: the source of adverts is {here} here and in {}",
        one.name(),
        other.node.name
    );
    found.push(
        Finding::new(Code::SourceSame, one.about(), one.source_place(), message)
            .label("here")
            .effect(
                "it is the address of one director at most: the adverts for the other do not arrive, and both are master",
            )
            .fix("write each director's own address")
            .also(other.source_place(), "there"),
    );
    true
}

/// `one` has a source that `other` sends nothing to.
fn unlisted(one: &Router<'_>, other: &Router<'_>, peers: &[IpAddr], found: &mut Vec<Finding>) {
    let Some(source) = one.does.source.filter(|source| !peers.contains(source)) else {
        return;
    };
    let message = format!(
        "{}: {source}, its source here, is no unicast_peer in {}",
        one.name(),
        other.node.name
    );
    let listed: Vec<String> = peers.iter().map(ToString::to_string).collect();
    let strict = if other.does.check_unicast_src {
        ", and discards what it hears from here"
    } else {
        ""
    };
    found.push(
        Finding::new(Code::UnicastAsymmetric, one.about(), one.source_place(), message)
            .label("its source")
            .effect(format!(
                "{} sends no adverts to {source}{strict}: this director becomes master beside it",
                other.node.name
            ))
            .fix(format!("add {source} to unicast_peer there"))
            .also(
                &unicast_place(other),
                format!("sends to {} only", listed.join(", ")),
            ),
    );
}
