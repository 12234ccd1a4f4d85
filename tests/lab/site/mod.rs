//! A site: directors, real servers and a client around one switch.
//!
//! Every node has `eth0` on the first segment and, if there are more, `eth1` and `eth2` on the others. Station and network
//! addresses follow from the node's number, so captures compare byte for byte from run to run.

mod client;
mod director;
mod genl;
mod ipvs;
mod load;
mod log;
mod mail;
mod node;
mod server;
mod switch;
mod talk;
mod tap;

use std::net::IpAddr;

pub use client::{Client, Probe};
pub use director::{CONFIG, Daemon, Director, PID_FILES};
pub use genl::Kernel;
pub use ipvs::Table;
pub use load::{Load, Wish, echo};
pub use log::Log;
pub use mail::Relay;
pub use node::{Node, enter};
pub use server::{Mode, Server};
pub use switch::{Switch, port};
pub use talk::{Talk, Transport, answer};
pub use tap::{Tap, Write};

use crate::wire::{Capture, Mac};

/// How many there are of what.
#[derive(Clone, Copy)]
pub struct Plan {
    pub directors: u8,
    pub servers: u8,
    pub segments: u8,
}

pub struct Site {
    pub switch: Switch,
    pub wire: Capture,
    pub client: Client,
    pub directors: Vec<Director>,
    pub servers: Vec<Server>,
}

const CLIENT: u8 = 9;
const SERVERS: u8 = 10;

/// One director with some real servers.
pub fn single(servers: u8) -> (Site, Director) {
    let mut site = Site::new(Plan {
        directors: 1,
        servers,
        segments: 1,
    });
    let director = site.directors.pop().expect("a director");
    (site, director)
}

/// The usual pair of directors with some real servers.
pub fn pair(servers: u8) -> (Site, Director, Director) {
    pair_on(servers, 1)
}

/// A pair of directors with an interface on each of `segments` segments.
pub fn pair_on(servers: u8, segments: u8) -> (Site, Director, Director) {
    let mut site = Site::new(Plan {
        directors: 2,
        servers,
        segments,
    });
    let second = site.directors.pop().expect("a director");
    let first = site.directors.pop().expect("a director");
    (site, first, second)
}

impl Site {
    pub fn new(plan: Plan) -> Self {
        let switch = Switch::new();
        let named = |name: &str, first: u8, count: u8| -> Vec<(Node, u8)> {
            (1..=count)
                .map(|number| (Node::new(&format!("{name}{number}")), first + number))
                .collect()
        };
        let client = Node::new("client");
        let directors = named("d", 0, plan.directors);
        let servers = named("r", SERVERS, plan.servers);
        let all = directors
            .iter()
            .chain(&servers)
            .map(|(node, number)| (node, *number));
        let all: Vec<(&Node, u8)> = all.chain([(&client, CLIENT)]).collect();
        switch.join(&all, plan.segments);
        let client = Client::new(client);
        let directors = directors
            .into_iter()
            .map(|(node, _)| Director::new(node))
            .collect();
        let servers = servers.into_iter().map(|(node, _)| Server::new(node)).collect();
        let wire = switch.capture();
        Self {
            switch,
            wire,
            client,
            directors,
            servers,
        }
    }

    /// A director's host is lost: nothing of it is heard any more.
    ///
    /// The daemon goes first, so that every advert that was captured has also been heard.
    pub fn lose(&self, director: &mut Director) {
        director.kill();
        self.switch.cut(&director.name);
    }
}

/// The station address of node `number` on `segment`.
pub fn mac(segment: u8, number: u8) -> Mac {
    Mac([2, 0, 0, 0, segment, number])
}

/// The IPv4 address of host `number` on `segment`.
pub fn v4(segment: u8, number: u8) -> IpAddr {
    match segment {
        0 => [192, 0, 2, number].into(),
        2 => [203, 0, 113, number].into(),
        1 => [198, 51, 100, number].into(),
        _ => [198, 18, segment, number].into(),
    }
}

/// The IPv6 address of host `number` on `segment`, which ends in the same digits.
pub fn v6(segment: u8, number: u8) -> IpAddr {
    let digits =
        u16::from_str_radix(&number.to_string(), 16).expect("decimal digits are hexadecimal ones too");
    [0x2001, 0xdb8, u16::from(segment), 0, 0, 0, 0, digits].into()
}
