//! Who was MASTER, as JSON.

use super::Clocks;
use crate::clock::Instant;
use crate::net::{Family, IfName};
use crate::vrrp::Vrid;
use crate::vrrp::claim::{Claim, Estate, Manner};
use crate::vrrp::config::InstanceKey;
use serde_json::{Value, json};
use std::net::IpAddr;
use std::time::Duration;

/// A router that is MASTER and whose last advert left then, and was like that.
pub(super) fn write(estate: &Estate, advert_at: Instant, manner: Manner, clocks: Clocks) -> Value {
    let Estate {
        router: _,
        name,
        key,
        patience,
        advert_int: _,
        holds,
    } = estate;
    let InstanceKey {
        vrid,
        family,
        interface,
        endpoint,
        unicast,
    } = key;
    let Manner {
        ah_sequence,
        old_checksum,
    } = manner;
    let held = holds.iter().map(
        |(interface, address)| json!({ "interface": interface.as_str(), "address": address.to_string() }),
    );
    json!({
        "instance": name,
        "vrid": vrid.get(),
        "family": match family {
            Family::V4 => "ipv4",
            Family::V6 => "ipv6",
        },
        "interface": interface.as_str(),
        "endpoint": endpoint.map(|address| address.to_string()),
        "unicast": unicast,
        "state": "MASTER",
        "advert": clocks.write(advert_at),
        "master_down": u64::try_from(patience.as_micros()).unwrap_or(u64::MAX),
        "held": held.collect::<Vec<_>>(),
        "ah_sequence": ah_sequence,
        "old_checksum": old_checksum,
    })
}

/// All of them. `None` when it is not what [`write`] has written.
pub(super) fn read(body: &Value, clocks: Clocks) -> Option<Vec<Claim>> {
    let routers = body.get("routers")?.as_array()?;
    routers.iter().map(|router| claim(router, clocks)).collect()
}

fn claim(router: &Value, clocks: Clocks) -> Option<Claim> {
    let text = |name: &str| router.get(name)?.as_str();
    let number = |name: &str| router.get(name)?.as_u64();
    let endpoint = match router.get("endpoint")? {
        Value::Null => None,
        endpoint => Some(address(endpoint)?),
    };
    if text("state")? != "MASTER" {
        return None;
    }
    let held = router.get("held")?.as_array()?.iter().map(|held| {
        let interface = IfName::new(held.get("interface")?.as_str()?)?;
        Some((interface, address(held.get("address")?)?))
    });
    Some(Claim {
        key: InstanceKey {
            vrid: Vrid::new(u8::try_from(number("vrid")?).ok()?)?,
            family: match text("family")? {
                "ipv4" => Family::V4,
                "ipv6" => Family::V6,
                _ => return None,
            },
            interface: IfName::new(text("interface")?)?,
            endpoint,
            unicast: router.get("unicast")?.as_bool()?,
        },
        advert_at: clocks.read(number("advert")?)?,
        patience: Duration::from_micros(number("master_down")?),
        held: held.collect::<Option<_>>()?,
        manner: Manner {
            ah_sequence: u32::try_from(number("ah_sequence")?).ok()?,
            old_checksum: router.get("old_checksum")?.as_bool()?,
        },
    })
}

fn address(text: &Value) -> Option<IpAddr> {
    text.as_str()?.parse().ok()
}
