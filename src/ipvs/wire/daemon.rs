//! The kernel's IPVS as a whole in generic netlink: timeouts, the daemons that synchronize connections, flushing.

use super::{Attribute, Message, address, command, nested, number32, parse_all, terminated, text, value};
use crate::ipvs::config::{Role, SyncDaemon, Timeouts};
use crate::net::Family;
use std::net::IpAddr;

/// Attributes of a message.
const DAEMON: u16 = 3;
const TIMEOUT_TCP: u16 = 4;
const TIMEOUT_TCP_FIN: u16 = 5;
const TIMEOUT_UDP: u16 = 6;

/// Attributes of a daemon.
mod attr {
    pub(super) const STATE: u16 = 1;
    pub(super) const MCAST_IFN: u16 = 2;
    pub(super) const SYNC_ID: u16 = 3;
    pub(super) const SYNC_MAXLEN: u16 = 4;
    pub(super) const MCAST_GROUP: u16 = 5;
    pub(super) const MCAST_GROUP6: u16 = 6;
    pub(super) const MCAST_PORT: u16 = 7;
    pub(super) const MCAST_TTL: u16 = 8;
}

impl Message {
    /// The request to start a daemon.
    pub fn start_daemon(role: Role, daemon: &SyncDaemon) -> Self {
        let SyncDaemon {
            interface,
            id,
            maxlen,
            port,
            ttl,
            group,
        } = daemon;
        let mut attributes = vec![
            state(role),
            Attribute::new(attr::MCAST_IFN, terminated(interface)),
            Attribute::new(attr::SYNC_ID, u32::from(*id).to_ne_bytes().into()),
        ];
        let maxlen = maxlen.map(|maxlen| Attribute::new(attr::SYNC_MAXLEN, maxlen.to_ne_bytes().into()));
        let group = group.map(|group| match group {
            IpAddr::V4(group) => Attribute::new(attr::MCAST_GROUP, group.octets().into()),
            IpAddr::V6(group) => Attribute::new(attr::MCAST_GROUP6, group.octets().into()),
        });
        // In the host's order, unlike the ports of services.
        let port = port.map(|port| Attribute::new(attr::MCAST_PORT, port.to_ne_bytes().into()));
        let ttl = ttl.map(|ttl| Attribute::new(attr::MCAST_TTL, vec![ttl]));
        attributes.extend([maxlen, group, port, ttl].into_iter().flatten());
        Self {
            command: command::NEW_DAEMON,
            attributes: vec![nested(DAEMON, &attributes)],
        }
    }

    /// The request to stop a daemon.
    pub fn stop_daemon(role: Role) -> Self {
        Self {
            command: command::DEL_DAEMON,
            attributes: vec![nested(DAEMON, &[state(role)])],
        }
    }

    /// The request for the daemons that run.
    pub const fn daemons() -> Self {
        Self {
            command: command::GET_DAEMON,
            attributes: Vec::new(),
        }
    }

    /// The daemon that this message tells of.
    pub fn daemon(&self) -> Option<(Role, SyncDaemon)> {
        let all = parse_all(value(&self.attributes, DAEMON)?).ok()?;
        let role = match number32(&all, attr::STATE)? {
            1 => Role::Master,
            2 => Role::Backup,
            _ => return None,
        };
        let short = |kind| Some(u16::from_ne_bytes(*value(&all, kind)?.first_chunk()?));
        let group = value(&all, attr::MCAST_GROUP).and_then(|octets| address(Family::V4, octets));
        let group6 = value(&all, attr::MCAST_GROUP6).and_then(|octets| address(Family::V6, octets));
        let daemon = SyncDaemon {
            interface: text(&all, attr::MCAST_IFN)?,
            id: u8::try_from(number32(&all, attr::SYNC_ID)?).ok()?,
            maxlen: short(attr::SYNC_MAXLEN),
            port: short(attr::MCAST_PORT),
            ttl: value(&all, attr::MCAST_TTL).and_then(|octets| octets.first().copied()),
            group: group.or(group6),
        };
        Some((role, daemon))
    }

    /// The request for the timeouts.
    pub const fn timeouts() -> Self {
        Self {
            command: command::GET_CONFIG,
            attributes: Vec::new(),
        }
    }

    /// The request to change the timeouts; the kernel leaves one alone that is 0.
    pub fn set_timeouts(timeouts: Timeouts) -> Self {
        let Timeouts { tcp, tcpfin, udp } = timeouts;
        let all = [(TIMEOUT_TCP, tcp), (TIMEOUT_TCP_FIN, tcpfin), (TIMEOUT_UDP, udp)];
        Self {
            command: command::SET_CONFIG,
            attributes: all
                .into_iter()
                .map(|(kind, seconds)| Attribute::new(kind, seconds.to_ne_bytes().into()))
                .collect(),
        }
    }

    /// The timeouts that this message tells; a kernel without a protocol tells nothing of it.
    pub fn timeouts_told(&self) -> Timeouts {
        let of = |kind| number32(&self.attributes, kind).unwrap_or(0);
        Timeouts {
            tcp: of(TIMEOUT_TCP),
            tcpfin: of(TIMEOUT_TCP_FIN),
            udp: of(TIMEOUT_UDP),
        }
    }

    /// The request to empty the table.
    pub const fn flush() -> Self {
        Self {
            command: command::FLUSH,
            attributes: Vec::new(),
        }
    }
}

fn state(role: Role) -> Attribute {
    let number: u32 = match role {
        Role::Master => 1,
        Role::Backup => 2,
    };
    Attribute::new(attr::STATE, number.to_ne_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlink_packet_core::Emitable;

    fn octets(message: &Message) -> Vec<u8> {
        let mut buffer = vec![0; message.buffer_len()];
        message.emit(&mut buffer);
        buffer
    }

    /// An attribute as the kernel has it on a host of this byte order.
    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len() + 4).unwrap();
        let mut out = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
        out.extend(value);
        out.resize(out.len().next_multiple_of(4), 0);
        out
    }

    /// LVS facts: 18.4
    #[test]
    fn a_daemon_is_told_what_was_given_and_nothing_else() {
        let mut daemon = SyncDaemon {
            interface: "eth0".into(),
            id: 51,
            maxlen: None,
            port: None,
            ttl: None,
            group: None,
        };
        let least = [
            attribute(1, &1_u32.to_ne_bytes()),
            attribute(2, b"eth0\0"),
            attribute(3, &51_u32.to_ne_bytes()),
        ]
        .concat();
        let start = Message::start_daemon(Role::Master, &daemon);
        assert_eq!(start.command, 9);
        assert_eq!(octets(&start), attribute(0x8003, &least));

        daemon.maxlen = Some(1400);
        daemon.port = Some(9000);
        daemon.ttl = Some(3);
        daemon.group = Some([224, 0, 0, 99].into());
        let all = [
            attribute(1, &2_u32.to_ne_bytes()),
            least[8..].to_vec(),
            attribute(4, &1400_u16.to_ne_bytes()),
            attribute(5, &[224, 0, 0, 99]),
            attribute(7, &9000_u16.to_ne_bytes()),
            attribute(8, &[3]),
        ]
        .concat();
        let start = Message::start_daemon(Role::Backup, &daemon);
        assert_eq!(octets(&start), attribute(0x8003, &all));
        daemon.group = Some("ff05::99".parse().unwrap());
        let start = octets(&Message::start_daemon(Role::Backup, &daemon));
        let group = attribute(6, &"ff05::99".parse::<std::net::Ipv6Addr>().unwrap().octets());
        assert!(start.windows(group.len()).any(|window| window == group));

        let told = Message::start_daemon(Role::Master, &daemon).daemon();
        assert_eq!(
            told,
            Some((Role::Master, daemon)),
            "the kernel tells of it in the same form"
        );

        let stop = Message::stop_daemon(Role::Master);
        assert_eq!(stop.command, 10);
        assert_eq!(
            octets(&stop),
            attribute(0x8003, &attribute(1, &1_u32.to_ne_bytes()))
        );
    }

    #[test]
    fn timeouts_are_told_and_read() {
        let timeouts = Timeouts {
            tcp: 900,
            tcpfin: 120,
            udp: 300,
        };
        let set = Message::set_timeouts(timeouts);
        assert_eq!((set.command, Message::timeouts().command), (12, 13));
        assert_eq!(set.timeouts_told(), timeouts);
        let told = Message {
            command: 12,
            attributes: Vec::new(),
        };
        assert_eq!(told.timeouts_told(), Timeouts::default());
        assert_eq!(Message::flush().command, 17);
    }
}
