//! A stranger on the segment, who sends adverts that nobody has configured.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::thread::sleep;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::expect::SOON;
use crate::site::Node;
use crate::timeline::Stamp;

/// How often a stranger speaks who insists.
const FAST: Duration = Duration::from_millis(50);

/// Whoever sends adverts that nobody has configured.
pub struct Stranger {
    socket: Socket,
}

#[derive(Clone)]
pub struct Forged {
    pub source: Ipv4Addr,
    pub address: Ipv4Addr,
    pub vrid: u8,
    pub version: u8,
    pub priority: u8,
    pub auth: u8,
}

impl Stranger {
    pub fn at(node: &Node) -> Self {
        let socket = node.within(|| {
            let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(112)));
            let socket = socket.expect("a raw socket");
            socket.set_header_included_v4(true).expect("own headers");
            let own = Ipv4Addr::new(192, 0, 2, 9);
            socket.set_multicast_if_v4(&own).expect("an interface");
            socket
        });
        Self { socket }
    }

    pub fn say(&self, advert: &Forged) {
        let group = SocketAddrV4::new(GROUP, 0);
        let sent = self
            .socket
            .send_to(&advert.bytes(), &SocketAddr::V4(group).into());
        sent.expect("an advert is sent");
    }

    /// Says it [`FAST`], twenty times at least and until `enough`; how often.
    #[track_caller]
    pub fn insist(&self, advert: &Forged, mut enough: impl FnMut() -> bool) -> usize {
        let began = Stamp::now();
        let mut count = 0;
        while count < 20 || !enough() {
            assert!(began.elapsed() < 2 * SOON, "insisted {count} times in vain");
            self.say(advert);
            count += 1;
            sleep(FAST);
        }
        count
    }
}

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);

impl Forged {
    /// The datagram with its IPv4 header, whose checksum the kernel puts in.
    fn bytes(&self) -> Vec<u8> {
        let (auth, interval) = match self.version {
            2 => (self.auth, 1),
            _ => (0, 50),
        };
        let mut pdu = vec![
            (self.version << 4) | 1,
            self.vrid,
            self.priority,
            1,
            auth,
            interval,
            0,
            0,
        ];
        pdu.extend(self.address.octets());
        let mut covered = Vec::new();
        if self.version == 2 {
            pdu.extend([0; 8]);
        } else {
            covered.extend(self.source.octets());
            covered.extend(GROUP.octets());
            covered.extend([0, 112, 0, pdu.len() as u8]);
        }
        covered.extend(&pdu);
        let sum: u32 = covered
            .chunks(2)
            .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
            .sum();
        let folded = (sum & 0xffff) + (sum >> 16);
        let checksum = !((folded & 0xffff) + (folded >> 16)) as u16;
        pdu[6..8].copy_from_slice(&checksum.to_be_bytes());
        let mut datagram = vec![0x45, 0xc0, 0, 20 + pdu.len() as u8, 0, 0, 0, 0, 255, 112, 0, 0];
        datagram.extend(self.source.octets());
        datagram.extend(GROUP.octets());
        datagram.extend(pdu);
        datagram
    }
}
