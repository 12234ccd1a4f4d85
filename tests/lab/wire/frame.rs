//! Frames that matter here, decoded: VRRP advertisements, gratuitous ARP, unsolicited neighbour advertisements, BFD.
//!
//! A decoder of its own, so that the daemon's mistakes are not repeated by its judge.

use std::fmt::{self, Display};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mac(pub [u8; 6]);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Advert(Advert),
    /// "This address is at this station": gratuitous ARP or unsolicited neighbour advertisement.
    Announcement {
        address: IpAddr,
        mac: Mac,
    },
    /// A BFD control packet.
    Control(Control),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control {
    pub destination: IpAddr,
    /// The sender's discriminator: of one session.
    pub session: u32,
    pub multiplier: u8,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advert {
    pub version: u8,
    pub source: IpAddr,
    pub destination: IpAddr,
    pub vrid: u8,
    pub priority: u8,
    pub interval: Duration,
    pub addresses: Vec<IpAddr>,
}

/// Decodes an Ethernet frame, if it is one of those that matter.
pub fn decode(frame: &[u8]) -> Option<Content> {
    let payload = frame.get(14..)?;
    match u16(frame, 12)? {
        0x0800 => ipv4(payload),
        0x0806 => arp(payload),
        0x86dd => ipv6(payload),
        _ => None,
    }
}

fn ipv4(packet: &[u8]) -> Option<Content> {
    let header = usize::from(packet.first()? & 0xf) * 4;
    let total = usize::from(u16(packet, 2)?);
    let next = *packet.get(9)?;
    let body = packet.get(header..total)?;
    let (source, destination) = (IpAddr::V4(v4(packet, 12)?), IpAddr::V4(v4(packet, 16)?));
    match next {
        112 => advert(body, source, destination),
        // An authentication header of keepalived's stands before the advertisement.
        51 => advert(body.get(24..)?, source, destination),
        17 => control(body, destination),
        _ => None,
    }
}

fn ipv6(packet: &[u8]) -> Option<Content> {
    let length = usize::from(u16(packet, 4)?);
    let body = packet.get(40..40 + length)?;
    let (source, destination) = (IpAddr::V6(v6(packet, 8)?), IpAddr::V6(v6(packet, 24)?));
    match packet.get(6)? {
        112 => advert(body, source, destination),
        17 => control(body, destination),
        // A neighbour advertisement that was not solicited, with the link-layer address option.
        58 if *body.first()? == 136 && body.get(4)? & 0x40 == 0 => {
            let option = body.get(24..32)?;
            (option[0] == 2).then_some(())?;
            Some(Content::Announcement {
                address: IpAddr::V6(v6(body, 8)?),
                mac: Mac(option[2..8].try_into().ok()?),
            })
        }
        _ => None,
    }
}

fn arp(packet: &[u8]) -> Option<Content> {
    let (sender, target) = (v4(packet, 14)?, v4(packet, 24)?);
    let mac = Mac(packet.get(8..14)?.try_into().ok()?);
    (sender == target).then_some(Content::Announcement {
        address: IpAddr::V4(sender),
        mac,
    })
}

fn advert(body: &[u8], source: IpAddr, destination: IpAddr) -> Option<Content> {
    let version = body.first()? >> 4;
    let interval = match version {
        2 => Duration::from_secs(u64::from(*body.get(5)?)),
        _ => Duration::from_millis(u64::from(u16(body, 4)? & 0xfff) * 10),
    };
    let count = usize::from(*body.get(3)?);
    let address = |index: usize| match source {
        IpAddr::V4(_) => v4(body, 8 + 4 * index).map(IpAddr::V4),
        IpAddr::V6(_) => v6(body, 8 + 16 * index).map(IpAddr::V6),
    };
    let addresses = (0..count).map(address).collect::<Option<_>>()?;
    let (vrid, priority) = (*body.get(1)?, *body.get(2)?);
    Some(Content::Advert(Advert {
        version,
        source,
        destination,
        vrid,
        priority,
        interval,
        addresses,
    }))
}

fn control(datagram: &[u8], destination: IpAddr) -> Option<Content> {
    (u16(datagram, 2)? == 3784).then_some(())?;
    let packet = datagram.get(8..)?;
    Some(Content::Control(Control {
        destination,
        session: u32::from_be_bytes(packet.get(4..8)?.try_into().ok()?),
        multiplier: *packet.get(2)?,
    }))
}

fn u16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn v4(bytes: &[u8], at: usize) -> Option<Ipv4Addr> {
    Some(<[u8; 4]>::try_from(bytes.get(at..at + 4)?).ok()?.into())
}

fn v6(bytes: &[u8], at: usize) -> Option<Ipv6Addr> {
    Some(<[u8; 16]>::try_from(bytes.get(at..at + 16)?).ok()?.into())
}

impl Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl Display for Advert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            version,
            vrid,
            priority,
            interval,
            source,
            destination,
            ..
        } = self;
        write!(
            f,
            "advert v{version} {source} > {destination} vrid {vrid} prio {priority} every {interval:?}"
        )
    }
}
