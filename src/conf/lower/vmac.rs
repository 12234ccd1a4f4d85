//! `use_vmac` and `use_ipvlan`: their words may come in any order.

use super::Cx;
use crate::conf::config::{Instance, Spanned, UseIpvlan, UseVmac, VmacAddress};
use crate::conf::diag::Topic;
use crate::conf::token::Word;
use crate::conf::tree::Statement;
use crate::net::{IfName, IpvlanMode, Mac};
use std::net::IpAddr;

/// Octets of a MAC.
const MAC: usize = 6;

/// `[[name] IFNAME] [MAC] [netlink_notify_msg] [group GROUP]`
pub(super) fn use_vmac(cx: &mut Cx<'_>, instance: &mut Instance, statement: &Statement) {
    let owner = instance.name.value.clone();
    let place = statement.place();
    let old = instance.settings.use_vmac.take().map(|vmac| vmac.value);
    let mut vmac: UseVmac = old.unwrap_or_default();
    let mut words = statement.args().iter();
    while let Some(word) = words.next() {
        match word.text.as_str() {
            "netlink_notify_msg" => vmac.netlink_notify_msg = true,
            "group" => vmac.group = group(cx, &owner, statement, word, words.next()).or(vmac.group),
            "name" => match words.next() {
                Some(value) => name(cx, &mut vmac.name, &owner, "VMAC", statement, value),
                None => cx.word_error(statement, word, format!("({owner}) VMAC name has no value")),
            },
            text if text.contains(':') => match address(text) {
                Ok(mac) => vmac.mac = Some(mac),
                Err(why) => {
                    let message = format!("({owner}) VMAC {why} - ignoring");
                    cx.word_error_about(Topic::InvalidAddress, statement, word, message);
                }
            },
            _ => name(cx, &mut vmac.name, &owner, "VMAC", statement, word),
        }
    }
    instance.settings.use_vmac = Some(Spanned { value: vmac, place });
}

/// `[[name] IFNAME] [ADDRESS] [bridge|private|vepa] [group GROUP]`
pub(super) fn use_ipvlan(cx: &mut Cx<'_>, instance: &mut Instance, statement: &Statement) {
    let owner = instance.name.value.clone();
    if let Some(first) = &instance.settings.use_ipvlan {
        let message = format!("({owner}) use_ipvlan already specified");
        let place = first.place.clone();
        if let Some(word) = statement.words.first() {
            cx.duplicate(statement, word, message, place);
        }
        return;
    }
    let mut ipvlan = UseIpvlan::default();
    let mut words = statement.args().iter();
    while let Some(word) = words.next() {
        match word.text.as_str() {
            "bridge" => ipvlan.mode = IpvlanMode::Bridge,
            "private" => ipvlan.mode = IpvlanMode::Private,
            "vepa" => ipvlan.mode = IpvlanMode::Vepa,
            "group" => ipvlan.group = group(cx, &owner, statement, word, words.next()).or(ipvlan.group),
            "name" => match words.next() {
                Some(value) => name(cx, &mut ipvlan.name, &owner, "IPVLAN", statement, value),
                None => cx.word_error(statement, word, format!("({owner}) IPVLAN name has no value")),
            },
            text => match cidr(text) {
                Some(address) => ipvlan.address = Some(address),
                None => name(cx, &mut ipvlan.name, &owner, "IPVLAN", statement, word),
            },
        }
    }
    let place = statement.place();
    instance.settings.use_ipvlan = Some(Spanned { value: ipvlan, place });
}

/// The name of the interface; of two the first counts.
fn name(
    cx: &mut Cx<'_>,
    slot: &mut Option<Spanned<String>>,
    owner: &str,
    kind: &str,
    statement: &Statement,
    word: &Word,
) {
    if let Some(first) = slot {
        let message = format!(
            "({owner}) {kind} interface name already specified - ignoring '{}'",
            word.text
        );
        let place = first.place.clone();
        cx.duplicate(statement, word, message, place);
    } else if IfName::new(&word.text).is_none() {
        let message = format!(
            "({owner}) {kind} interface name '{}' too long or invalid characters - ignoring",
            word.text
        );
        cx.word_error_about(Topic::NameTooLong, statement, word, message);
    } else {
        *slot = Some(Cx::spanned(statement, word, word.text.clone()));
    }
}

/// A group by number, or by a name of `/etc/iproute2/group`.
fn group(
    cx: &mut Cx<'_>,
    owner: &str,
    statement: &Statement,
    word: &Word,
    value: Option<&Word>,
) -> Option<u32> {
    let Some(value) = value else {
        cx.word_error(statement, word, format!("({owner}) group has no value"));
        return None;
    };
    let found = cx.names.group(&value.text);
    if found.is_none() {
        let message = format!("({owner}) invalid interface group {}", value.text);
        cx.word_error(statement, value, message);
    }
    found
}

/// Six octets, or the five before the VRID.
fn address(text: &str) -> Result<VmacAddress, String> {
    let octets: Option<Vec<u8>> = text
        .split(':')
        .map(|octet| {
            let hex = (1..=2).contains(&octet.len()) && octet.bytes().all(|b| b.is_ascii_hexdigit());
            hex.then(|| u8::from_str_radix(octet, 16).ok()).flatten()
        })
        .collect();
    let octets = octets.unwrap_or_default();
    let address = match <[u8; MAC]>::try_from(octets.as_slice()) {
        Ok(all) => VmacAddress::Whole(Mac(all)),
        Err(_) => match <[u8; MAC - 1]>::try_from(octets.as_slice()) {
            Ok(most) => VmacAddress::BeforeVrid(most),
            Err(_) => return Err(format!("invalid MAC address {text}")),
        },
    };
    if octets.first().is_some_and(|first| first & 1 == 1) {
        return Err(format!("MAC address is multicast {text}"));
    }
    if let [0, 0, 0x5e, 0, 1 | 2, ..] = octets.as_slice() {
        return Err(format!("MAC address not allowed to be RFC5798 address ({text})"));
    }
    Ok(address)
}

/// `ADDRESS[/PREFIX]`
fn cidr(text: &str) -> Option<(IpAddr, Option<u8>)> {
    let Some((address, prefix)) = text.split_once('/') else {
        return Some((text.parse().ok()?, None));
    };
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.parse().ok().filter(|prefix| *prefix <= most)?;
    Some((address, Some(prefix)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macs_are_whole_or_end_with_the_vrid() {
        for (text, wanted) in [
            (
                "02:00:00:00:00:01",
                Some(VmacAddress::Whole(Mac([2, 0, 0, 0, 0, 1]))),
            ),
            ("2:0:0:0:a", Some(VmacAddress::BeforeVrid([2, 0, 0, 0, 10]))),
            ("02:00:00:00", None),
            ("02:00:00:00:00:01:02", None),
            ("01:00:5e:00:00:01", None),
            ("00:00:5e:00:01:05", None),
            ("00:00:5e:00:02:05", None),
            (
                "00:00:5e:00:03:05",
                Some(VmacAddress::Whole(Mac([0, 0, 0x5e, 0, 3, 5]))),
            ),
            ("0x:00:00:00:00:01", None),
            ("+2:00:00:00:00:01", None),
        ] {
            assert_eq!(address(text).ok(), wanted, "{text}");
        }
    }

    #[test]
    fn addresses_may_have_a_prefix() {
        let v4: IpAddr = "192.0.2.1".parse().unwrap();
        assert_eq!(cidr("192.0.2.1"), Some((v4, None)));
        assert_eq!(cidr("192.0.2.1/24"), Some((v4, Some(24))));
        for none in ["192.0.2.1/33", "vrrp.1", "192.0.2.1/", "/24"] {
            assert_eq!(cidr(none), None, "{none}");
        }
    }
}
