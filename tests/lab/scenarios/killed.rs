//! The daemon is killed while connections go through the director: what stays in the kernel's table, and what the next
//! start makes of it.

use std::net::SocketAddr;

use super::conf::{GLOBAL, PATIENT_CHECK, vip, virtual_server};
use super::expect::{self, SOON};
use super::ipvs;
use crate::site::{self, Director, Node, Talk, Transport, answer};
use crate::timeline::{note, wait_for};

const PORT: u16 = 7000;
/// Of a virtual server that the configuration has no longer when the daemon comes back.
const FORGOTTEN: u16 = 7001;
/// Of one that it has from then on.
const NEW: u16 = 7002;

/// The kernel goes on alone, the next start takes over what is there and cuts no connection; a service that the
/// configuration has no longer stays until `lvs_flush` is set.
/// LVS facts: 17.6
pub fn table() {
    let (site, mut director) = site::single(2);
    director.options = &["--check"];
    director.ip(&format!("address add {}/32 dev eth0\n", vip()));
    for server in &site.servers {
        server.serve(vip());
        answer(server, PORT, &[]);
    }
    let servers = expect::addresses(&site);
    let service = |port| virtual_server(vip(), port, &servers, PATIENT_CHECK, "");
    let checked = |port| service(port).replace("TCP_CHECK {", "TCP_CHECK {\n            connect_port 80");
    let all = [(servers[0], 1), (servers[1], 1)];
    let [kept, forgotten, new] = [PORT, FORGOTTEN, NEW].map(|port| SocketAddr::new(vip(), port));

    director.run_with(&format!("{GLOBAL}{}{}", checked(PORT), checked(FORGOTTEN)));
    for service in [kept, forgotten] {
        expect::weights(&director, service, &all);
    }
    let mut talks: Vec<(Talk, String)> = (0..4).map(|_| converse(&site.client, kept)).collect();

    director.kill();
    for service in [kept, forgotten] {
        assert_eq!(
            director.ipvs().weights(service),
            all,
            "left by a daemon that was killed"
        );
    }
    go_on(&mut talks, "without a daemon");
    talks.push(converse(&site.client, kept));

    director.configure(&format!("{GLOBAL}{}{}", checked(NEW), checked(PORT)));
    director.start();
    expect::weights(&director, new, &all);
    ipvs::settled(&director);
    for service in [kept, forgotten] {
        assert_eq!(director.ipvs().weights(service), all, "after the next start");
    }
    go_on(&mut talks, "after the next start");
    // Were it made anew, it would begin to count anew. The kernel adds up what it shows every two seconds.
    wait_for("every connection in the kernel's count", SOON, || {
        (connections(&director, kept) == 5).then_some(())
    });

    director.kill();
    let flushing = GLOBAL.replacen('{', "{\n    lvs_flush", 1);
    director.configure(&format!("{flushing}{}", checked(PORT)));
    director.start();
    wait_for("the table to be emptied", SOON, || {
        let table = director.ipvs();
        let others = [new, forgotten].map(|service| table.service(service).is_some());
        (others == [false; 2]).then_some(())
    });
    expect::weights(&director, kept, &all);
    assert_eq!(director.stop(), Some(0), "exit code");
    assert_eq!(director.ipvs().services, [], "left by a stop");
}

/// A new conversation, and with whom.
fn converse(client: &Node, service: SocketAddr) -> (Talk, String) {
    let mut talk = Talk::open(client, Transport::Tcp, service).expect("a conversation");
    let server = talk.say().expect("an answer");
    (talk, server)
}

#[track_caller]
fn go_on(talks: &mut [(Talk, String)], moment: &str) {
    for (talk, server) in &mut *talks {
        assert_eq!(talk.say().as_ref(), Ok(&*server), "{moment}");
    }
    note("client", format!("{} conversations go on {moment}", talks.len()));
}

/// How many connections the kernel has counted for a service.
fn connections(director: &Director, service: SocketAddr) -> u64 {
    let service = service.to_string();
    let text = director.run(&["ipvsadm", "-l", "-n", "--stats", "--exact", "-t", &service]);
    let line = text.lines().find(|line| line.starts_with("TCP"));
    let count = line.and_then(|line| line.split_whitespace().nth(2));
    count.and_then(|count| count.parse().ok()).expect(&text)
}
