//! The IPVS table of a node, as the kernel shows it in /proc/net/ip_vs.

use std::fs::File;
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::Node;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub services: Vec<Service>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// `TCP`, `UDP`, `SCTP` or `FWM`.
    pub kind: String,
    /// Nothing for a mark.
    pub address: Option<SocketAddr>,
    pub mark: Option<u32>,
    pub scheduler: String,
    pub destinations: Vec<Destination>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    pub address: SocketAddr,
    /// `Masq`, `Route` or `Tunnel`.
    pub forwarding: String,
    pub weight: u32,
}

impl Table {
    pub fn of(node: &Node) -> Self {
        Self::parse(&shown(&format!("/proc/{}/net/ip_vs", node.pid())))
    }

    pub fn service(&self, address: SocketAddr) -> Option<&Service> {
        self.services
            .iter()
            .find(|service| service.address == Some(address))
    }

    /// The weights of the destinations of a service, by address; empty if there is no such service.
    pub fn weights(&self, address: SocketAddr) -> Vec<(IpAddr, u32)> {
        let Some(service) = self.service(address) else {
            return Vec::new();
        };
        let mut weights: Vec<_> = service
            .destinations
            .iter()
            .map(|to| (to.address.ip(), to.weight))
            .collect();
        weights.sort();
        weights
    }

    fn parse(text: &str) -> Self {
        let mut services: Vec<Service> = Vec::new();
        for line in text.lines().skip(3) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["->", address, forwarding, weight, ..] => {
                    let address = socket_address(address).expect("a destination");
                    let destination = Destination {
                        address,
                        forwarding: (*forwarding).into(),
                        weight: weight.parse().expect("a weight"),
                    };
                    services
                        .last_mut()
                        .expect("a service")
                        .destinations
                        .push(destination);
                }
                [kind, address, scheduler, ..] => services.push(Service {
                    kind: (*kind).into(),
                    address: (*kind != "FWM").then(|| socket_address(address).expect("a service")),
                    mark: (*kind == "FWM").then(|| u32::from_str_radix(address, 16).expect("a mark")),
                    scheduler: (*scheduler).into(),
                    destinations: Vec::new(),
                }),
                _ => {}
            }
        }
        Self { services }
    }
}

/// What the kernel shows, page by page. A read that goes on where the one before has ended counts the services of other
/// networks too, which are not shown, and leaves out as many: where there are others, small reads see a table with holes.
fn shown(path: &str) -> String {
    let mut file = File::open(path).expect("an IPVS table");
    let (mut text, mut page) = (Vec::new(), vec![0; 1 << 16]);
    loop {
        let length = file.read(&mut page).expect("an IPVS table");
        if length == 0 {
            return String::from_utf8(text).expect("text");
        }
        text.extend_from_slice(&page[..length]);
    }
}

/// `C0000264:0050`, or `[2001:0db8:...]:0050`.
fn socket_address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.rsplit_once(':')?;
    let address: IpAddr = match address.strip_prefix('[') {
        Some(v6) => v6.trim_end_matches(']').parse::<IpAddr>().ok()?,
        None => Ipv4Addr::from(u32::from_str_radix(address, 16).ok()?).into(),
    };
    Some(SocketAddr::new(address, u16::from_str_radix(port, 16).ok()?))
}
