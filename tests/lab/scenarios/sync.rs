//! Connections that outlive their director: the kernels of a pair tell each other of them.

use std::fs;
use std::net::SocketAddr;

use super::conf::{GLOBAL, Instance, TCP_CHECK, vip, virtual_server};
use super::expect::{self, SOON};
use crate::site::{self, Director, Talk, Transport, answer, mac};
use crate::timeline::{note, wait_for};

const PORT: u16 = 7000;

/// A lasting conversation goes on when its director is lost: the backup has had the services all along, and its kernel has
/// heard of the connection. The kernels' threads are started by hand.
/// LVS facts: 18.6
pub fn connection() {
    let (site, mut d1, mut d2) = site::pair(2);
    let service = SocketAddr::new(vip(), PORT);
    for server in &site.servers {
        server.serve(vip());
        answer(server, PORT, &[]);
    }
    for director in [&d1, &d2] {
        for state in ["master", "backup"] {
            let words = [
                "ipvsadm",
                "--start-daemon",
                state,
                "--mcast-interface",
                "eth0",
                "--syncid",
                "51",
            ];
            director.run(&words);
        }
    }
    let servers = expect::addresses(&site);
    let lvs = virtual_server(vip(), PORT, &servers, TCP_CHECK, "");
    let instance = |priority| Instance {
        priority,
        ..Instance::default()
    };
    d1.run_with(&format!("{GLOBAL}{}{lvs}", instance(150)));
    d2.run_with(&format!("{GLOBAL}{}{lvs}", instance(100)));
    expect::settled(&site.wire, &d1, &d2, &instance(150), vip());
    for director in [&d1, &d2] {
        expect::weights(director, service, &[(servers[0], 1), (servers[1], 1)]);
    }
    site.client.resolve(vip());

    let mut talk = Talk::open(&site.client, Transport::Tcp, service).expect("a conversation");
    let server = talk.say().expect("an answer");
    wait_for("d2 to hear of the connection", 2 * SOON, || {
        // A connection is told of when it has had some packets.
        assert_eq!(talk.say().as_ref(), Ok(&server));
        knows(&d2).then_some(())
    });
    site.lose(&mut d1);
    expect::takeover(&site.wire, "d1", "d2", instance(100).down_time(), vip());
    site.client.wait_neighbour(vip(), mac(0, 2), SOON);
    assert_eq!(talk.say().as_ref(), Ok(&server), "through d2");
    note("client", format!("goes on with {server} through d2"));
}

/// Whether a director's kernel has a connection of the service.
fn knows(director: &Director) -> bool {
    let table = fs::read_to_string(format!("/proc/{}/net/ip_vs_conn", director.pid()));
    let port = format!("{PORT:04X}");
    table.expect("connections").lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.first() == Some(&"TCP") && words.get(4) == Some(&port.as_str())
    })
}
