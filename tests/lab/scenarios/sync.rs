//! Connections that outlive their director: the kernels of a pair tell each other of them.

use std::fs;
use std::net::SocketAddr;

use nix::sys::signal::Signal;

use super::conf::{GLOBAL, Instance, PATIENT_CHECK, vip, virtual_server};
use super::expect::{self, SOON};
use crate::site::{self, Daemon, Director, Node, Talk, Transport, answer, mac};
use crate::timeline::{Stamp, note, wait_for};

const PORT: u16 = 7000;

/// A lasting conversation goes on when its director is lost: the backup has had the services all along, and its kernel has
/// heard of the connection from the kernel of the master.
/// LVS facts: 18.2, 18.6
pub fn connection() {
    let (site, mut d1, mut d2) = site::pair(2);
    let service = SocketAddr::new(vip(), PORT);
    for server in &site.servers {
        server.serve(vip());
        answer(server, PORT, &[]);
    }
    let servers = expect::addresses(&site);
    let lvs = virtual_server(vip(), PORT, &servers, PATIENT_CHECK, "");
    // Nobody takes over while the master is only late.
    let instance = |priority| Instance {
        priority,
        interval: 1000,
        ..Instance::default()
    };
    let global = with("lvs_sync_daemon eth0 inst VI_1");
    d1.run_with(&format!("{global}{}{lvs}", instance(150)));
    d2.run_with(&format!("{global}{}{lvs}", instance(100)));
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

/// [`GLOBAL`] with more lines.
fn with(lines: &str) -> String {
    GLOBAL.replacen('{', &format!("{{\n    {lines}"), 1)
}

/// Two nodes that are alike and have nobody to talk to: keepalived's, and ours.
fn both() -> [Director; 2] {
    [("oracle", Daemon::Keepalived), ("subject", Daemon::under_test())].map(|(name, daemon)| {
        let node = Node::new(name);
        node.ip("link set lo up\nlink add eth0 type dummy\nlink set eth0 multicast on\naddress add 192.0.2.1/24 dev eth0\n");
        let mut director = Director::new(node);
        director.daemon = daemon;
        director
    })
}

/// What a command shows, a line each.
fn shown(node: &Node, option: &str) -> Vec<String> {
    let text = node.run(&["ipvsadm", "--list", option]);
    text.lines().map(|line| line.trim().to_owned()).collect()
}

/// Waits until both kernels have the same daemons, of these roles.
fn daemons(directors: &[Director; 2], moment: &str, roles: &[&str]) {
    let mut last = None;
    wait_for(format!("the daemons {moment}"), 2 * SOON, || {
        let now = directors.each_ref().map(|director| shown(director, "--daemon"));
        if last.as_ref() != Some(&now) {
            note("lab", format!("{moment}: {now:?}"));
            last = Some(now.clone());
        }
        let [theirs, ours] = now;
        let found: Vec<_> = theirs.iter().filter_map(|line| line.split(' ').next()).collect();
        (found == roles && theirs == ours).then_some(())
    });
}

/// Both hear signals when this returns.
#[track_caller]
fn run(directors: &mut [Director; 2], conf: &str) {
    let since = Stamp::now();
    for director in directors.iter_mut() {
        director.run_with(conf);
    }
    expect::said(directors, "Startup complete", since);
}

/// Both have read it, and nobody reads any more, when this returns.
#[track_caller]
fn reload(directors: &[Director; 2], conf: &str) {
    let since = Stamp::now();
    for director in directors {
        director.configure(conf);
        director.signal(Signal::SIGHUP);
    }
    expect::said(directors, "Reload complete", since);
}

/// The daemons of the kernel beside keepalived's: without an instance, both; with one, in every state of it; with other
/// settings; and none when the director has ended, even one that leaves its services.
/// LVS facts: 18.1, 18.2, 18.3, 18.4
pub fn daemons_beside() {
    let mut directors = both();
    let instance = Instance::default();
    let server = "192.0.2.2".parse().expect("an address");
    let lvs = virtual_server(vip(), PORT, &[server], "", "");
    let link = |directors: &[Director; 2], state: &str| {
        for director in directors {
            director.ip(&format!("link set eth0 {state}\n"));
        }
    };
    link(&directors, "up");
    for director in &mut directors {
        let foreign = "ipvsadm --start-daemon master --mcast-interface eth0 --syncid 7";
        director.run(&foreign.split(' ').collect::<Vec<_>>());
        director.options = &["--dont-release-ipvs"];
    }
    run(
        &mut directors,
        &format!("{}{lvs}", with("lvs_sync_daemon eth0 id 4")),
    );
    daemons(&directors, "in place of another", &["master", "backup"]);
    let all = "id 9 maxlen 1400 port 9000 ttl 3 group 224.0.0.99";
    reload(
        &directors,
        &format!("{}{lvs}", with(&format!("lvs_sync_daemon eth0 {all}"))),
    );
    daemons(&directors, "with all settings", &["master", "backup"]);
    reload(
        &directors,
        &format!("{}{lvs}", with("lvs_sync_daemon eth0 group ff05::99")),
    );
    daemons(&directors, "with a group of IPv6", &["master", "backup"]);
    end(&mut directors);

    link(&directors, "down");
    run(
        &mut directors,
        &format!("{}{instance}{lvs}", with("lvs_sync_daemon eth0 inst VI_1")),
    );
    daemons(&directors, "in FAULT", &["backup"]);
    link(&directors, "up");
    daemons(&directors, "in MASTER", &["master"]);
    link(&directors, "down");
    daemons(&directors, "in FAULT again", &["backup"]);
    link(&directors, "up");
    daemons(&directors, "in MASTER again", &["master"]);
    let other = with(&format!("lvs_sync_daemon eth0 inst VI_1 {all}"));
    reload(&directors, &format!("{other}{instance}{lvs}"));
    daemons(&directors, "in MASTER with all settings", &["master"]);
    end(&mut directors);

    // Without virtual servers nobody tells the kernel of daemons but for an instance.
    for (lines, roles) in [("eth0", &[][..]), ("eth0 inst VI_1", &["master"])] {
        let global = with(&format!("lvs_sync_daemon {lines}"));
        run(&mut directors, &format!("{global}{instance}"));
        for director in &directors {
            director.wait_holds(vip(), 2 * SOON);
        }
        daemons(&directors, lines, roles);
        end(&mut directors);
    }
}

/// No daemon outlives its director.
fn end(directors: &mut [Director; 2]) {
    for director in directors {
        assert_eq!(director.stop(), Some(0), "exit code");
        assert_eq!(shown(director, "--daemon"), [""; 0], "left by {}", director.name);
    }
}

/// The kernel's timeouts beside keepalived's: what is given, what a reload gives instead, and what was before.
/// LVS facts: 16.1, 17.5, 18.5
pub fn timeouts() {
    let mut directors = both();
    let lvs = virtual_server(vip(), PORT, &["192.0.2.2".parse().expect("an address")], "", "");
    for director in &directors {
        director.run(&["ipvsadm", "--set", "800", "110", "200"]);
    }
    let are = |directors: &[Director; 2], moment: &str, wanted: &str| {
        wait_for(format!("the timeouts {moment}"), 2 * SOON, || {
            let found = directors.each_ref().map(|director| shown(director, "--timeout"));
            found
                .iter()
                .all(|lines| *lines == [format!("Timeout (tcp tcpfin udp): {wanted}")])
                .then_some(())
        });
    };
    for director in &mut directors {
        director.options = &["--check", "--dont-release-ipvs"];
    }
    run(
        &mut directors,
        &format!("{}{lvs}", with("lvs_timeouts tcp 100 udp 7")),
    );
    are(&directors, "at the start", "100 110 7");
    reload(
        &directors,
        &format!("{}{lvs}", with("lvs_timeouts tcpfin 11 udp 0")),
    );
    are(&directors, "after a reload", "800 11 200");
    reload(&directors, &format!("{GLOBAL}{lvs}"));
    are(&directors, "when nothing is said", "800 110 200");
    reload(&directors, &format!("{}{lvs}", with("lvs_timeouts udp 33")));
    are(&directors, "when it is said again", "800 110 33");
    for director in &mut directors {
        assert_eq!(director.stop(), Some(0), "exit code");
    }
    are(&directors, "after the end", "800 110 200");
}

/// The table beside keepalived's where it is emptied at the start, and where a stop empties it or removes services alone.
/// LVS facts: 4.1, 17.3, 17.4
pub fn flush() {
    const FOREIGN: &str = "-A -t 203.0.113.9:80 -s wlc";
    let mut directors = both();
    let server = "192.0.2.2".parse().expect("an address");
    let lvs = virtual_server(vip(), PORT, &[server], "", "");
    let ours = [
        "-A -t 192.0.2.100:7000 -s rr",
        "-a -t 192.0.2.100:7000 -r 192.0.2.2:7000 -g -w 1",
    ];
    let table = |director: &Director| -> Vec<String> {
        let text = director.run(&["ipvsadm", "--save", "--numeric"]);
        let mut lines: Vec<_> = text.lines().map(|line| line.trim_end().to_owned()).collect();
        lines.sort();
        lines
    };
    let has = |director: &Director, wanted: &[&str]| {
        wait_for(format!("{wanted:?} on {}", director.name), 2 * SOON, || {
            (table(director) == wanted).then_some(())
        });
    };
    let foreign = |director: &Director| {
        director.run(&["ipvsadm", "-C"]);
        let words = ["ipvsadm"].into_iter().chain(FOREIGN.split(' '));
        director.run(&words.collect::<Vec<_>>());
    };
    let beside = [ours[0], FOREIGN, ours[1]];
    // What is there while it runs, and what it leaves.
    for (line, options, while_it_runs, left) in [
        ("lvs_flush", &["--check"][..], &ours[..], &[][..]),
        ("lvs_flush_on_stop", &["--check"], &beside, &[]),
        ("lvs_flush_on_stop VS", &["--check"], &beside, &[FOREIGN]),
        (
            "lvs_flush_on_stop",
            &["--check", "--dont-release-ipvs"],
            &beside,
            &beside,
        ),
    ] {
        for director in &mut directors {
            foreign(director);
            director.options = options;
            let since = Stamp::now();
            director.run_with(&format!("{}{lvs}", with(line)));
            // A table of before may be as it shall be.
            director.log.wait("Startup complete", since, 2 * SOON);
            has(director, while_it_runs);
            assert_eq!(director.stop(), Some(0), "exit code");
            assert_eq!(table(director), left, "{line}: left by {}", director.name);
        }
    }
}
