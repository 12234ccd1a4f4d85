//! The other ways of speaking VRRP: over IPv6, and to named peers.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::conf::{GLOBAL, Instance, TCP_CHECK, vip, virtual_server};
use super::expect;
use crate::site::{self, mac, v6};
use crate::timeline::{Stamp, for_the_next};

/// A pair with virtual IPv6 addresses that balances over IPv6.
/// Facts: 5.7
pub fn ipv6() {
    let (site, mut d1, mut d2) = site::pair(2);
    let vip = v6(0, 100);
    let service = SocketAddr::new(vip, 80);
    site.servers.iter().for_each(|server| server.serve(vip));
    let servers: Vec<IpAddr> = (11..=12).map(|number| v6(0, number)).collect();
    let lvs = virtual_server(vip, 80, &servers, TCP_CHECK, "");
    // Without a length it is a deprecated /128, so that the kernel does not check the servers from it.
    // A backup waits longer than a busy machine stands still.
    let instance = |priority| Instance {
        priority,
        interval: 1000,
        addresses: &["fe80::100", "2001:db8::100"],
        ..Instance::default()
    };
    d1.run_with(&format!("{GLOBAL}{}{lvs}", instance(150)));
    d2.run_with(&format!("{GLOBAL}{}{lvs}", instance(100)));
    expect::settled(&site.wire, &d1, &d2, &instance(150), vip);
    expect::weights(&d1, service, &[(servers[0], 1), (servers[1], 1)]);
    expect::weights(&d2, service, &[(servers[0], 1), (servers[1], 1)]);

    let (_, advert) = site.wire.last_advert("d1");
    let group: IpAddr = [0xff02, 0, 0, 0, 0, 0, 0, 0x12].into();
    assert_eq!((advert.version, advert.destination), (3, group));
    assert!(
        advert.source.to_string().starts_with("fe80::"),
        "sent from {}",
        advert.source
    );

    let probe = site.client.probe(service);
    expect::served_by(&site.client, &probe, vip, mac(0, 1), &site.servers, Stamp::now());
    // Long enough for a check made as master to fail.
    for_the_next(Duration::from_secs(3), "the servers stay", || {
        d1.ipvs().weights(service).len() == 2
    });
    site.lose(&mut d1);
    let taken = expect::takeover(&site.wire, "d1", "d2", instance(100).down_time(), vip);
    expect::served_by(&site.client, &probe, vip, mac(0, 2), &site.servers, taken);
}

/// A pair that speaks to its peers' addresses only.
pub fn unicast() {
    let (site, mut d1, mut d2) = site::pair(0);
    let to_d2 = "unicast_src_ip 192.0.2.1\n    unicast_peer {\n        192.0.2.2\n    }";
    let to_d1 = "unicast_src_ip 192.0.2.2\n    unicast_peer {\n        192.0.2.1\n    }";
    let backup = Instance {
        interval: 1000,
        more: to_d1,
        ..Instance::default()
    };
    let master = Instance {
        priority: 150,
        more: to_d2,
        ..backup.clone()
    };
    d1.run_with(&format!("{GLOBAL}{master}"));
    d2.run_with(&format!("{GLOBAL}{backup}"));
    expect::settled(&site.wire, &d1, &d2, &master, vip());

    assert_eq!(d1.stop(), Some(0), "exit code");
    expect::takeover(&site.wire, "d1", "d2", backup.skew(), vip());
    d1.start();
    expect::settled(&site.wire, &d1, &d2, &master, vip());
    site.lose(&mut d1);
    expect::takeover(&site.wire, "d1", "d2", backup.down_time(), vip());
    for (from, to) in [("d1", site::v4(0, 2)), ("d2", site::v4(0, 1))] {
        for (_, advert) in site.wire.adverts(from) {
            assert_eq!(advert.destination, to, "{from} speaks to its peer only");
        }
    }
}
