//! Against the dump of keepalived 2.2.7 for the same configuration, less the lines that the engine knows nothing of.

use super::*;
use crate::check::engine::tests::{World, config, http, misc, real_server, refused, service, sorry, tcp};

fn shown(world: &World) -> String {
    let around = Around {
        account: &|command| (command.program() != "up").then(|| "1:2".to_owned()),
        moment: &|moment| format!("{} µs", moment.as_micros()),
        ssl: &[],
        groups: &[],
        service: &|_| Extra::default(),
        server: &|_, _| Extra::default(),
    };
    text(&world.engine.status(world.now), &around)
}

#[test]
fn a_pool_is_dumped_as_keepalived_does() {
    let mut web2 = real_server("127.0.0.2:8080", vec![tcp("127.0.0.2:8080")]);
    web2.weight = 2;
    let mut web3 = real_server("127.0.0.3:8080", vec![http("127.0.0.3:8080", &["/a"])]);
    web3.inhibit_on_failure = true;
    web3.checkers[0].retry = 2;
    web3.notify_up = None;
    web3.notify_down = None;
    let mut vs = service("10.0.0.1:80", vec![web2, web3]);
    vs.quorum_down = None;
    vs.sorry_server = sorry("127.0.0.9:80", false);
    let mut world = World::new(config(vec![vs]));
    world.seconds(1);
    assert_eq!(
        shown(&world),
        "\
------< LVS Topology >------
 System is compiled with LVS v1.2.1
 ------< Virtual server >------
 VS VIP = 10.0.0.1, VPORT = 80
   Address family = inet
   connection timeout = 5.000000
   delay_loop = 2.000000
   lvs_sched = wlc
   Hashed = disabled
   flag-1 = disabled
   flag-2 = disabled
   flag-3 = disabled
   One packet scheduling = disabled
   protocol = TCP
   alpha is OFF
   omega is OFF
   quorum = 1, hysteresis = 0
   Quorum up notify script = 'quorum' 'up', uid:gid 1:2
   Using smtp notification = no
   default forwarding method = NAT
   sorry server = [127.0.0.9]:tcp:80
     forwarding method = NAT
     Inhibit on failure is OFF
     set = 0
     alive = 0
   VS alive = 1
   quorum_state_up = 1
   ------< Real server >------
   RIP = 127.0.0.2, RPORT = 8080, WEIGHT = 2 EFF WEIGHT = 2
   forwarding method = NAT
   Alpha is OFF
   connection limit range = 0 -> 0
   Inhibit on failure is OFF
     RS up notify script = 'up' '127.0.0.2:8080'
     RS down notify script = 'down' '127.0.0.2:8080', uid:gid 1:2
   Using smtp notification = no
   initial weight = 2
   effective weight = 2
   alive = 1
   num failed checkers = 0
   RS set = 1
   ------< Real server >------
   RIP = 127.0.0.3, RPORT = 8080, WEIGHT = 1 EFF WEIGHT = 1
   forwarding method = NAT
   Alpha is OFF
   connection limit range = 0 -> 0
   Inhibit on failure is ON
   Using smtp notification = no
   initial weight = 1
   effective weight = 1
   alive = 1
   num failed checkers = 0
   RS set = 1
------< Health checkers >------
 [10.0.0.1]:tcp:80 -> [127.0.0.2]:tcp:8080
   Enabled = yes
   Up = yes
   Has run = yes
   Current weight = 0
   Alpha = no
   Delay loop = 2000000 us
   Warmup = 0 us
   Retries = 1
   Delay before retry = 1000000 us
   Retries iterations = 0
   Default delay before retry = 1000000 us
   Log all failures = no
   Connection
     Dest = [127.0.0.2]:8080
     Timeout = 5.000000
   Keepalive method = TCP_CHECK
 [10.0.0.1]:tcp:80 -> [127.0.0.3]:tcp:8080
   Enabled = yes
   Up = yes
   Has run = yes
   Current weight = 0
   Alpha = no
   Delay loop = 2000000 us
   Warmup = 0 us
   Retries = 2
   Delay before retry = 1000000 us
   Retries iterations = 0
   Default delay before retry = 3000000 us
   Log all failures = no
   Connection
     Dest = [127.0.0.3]:8080
     Timeout = 5.000000
   Keepalive method = HTTP_GET, http protocol 1.0
   Enable SNI unset
   Fast recovery unset
   Checked url = /a
     tls_compliant unset
     HTTP Status Code(s)
       200
"
    );
}

/// LVS facts: 2.17
#[test]
fn what_has_failed_is_shown() {
    let mut rs = real_server(
        "127.0.0.5:80",
        vec![http("127.0.0.5:80", &["/a", "/b"]), misc(true)],
    );
    rs.weight = 4;
    let mut vs = service("10.0.0.2:80", vec![rs]);
    vs.sorry_server = sorry("127.0.0.5:80", true);
    let mut world = World::new(config(vec![vs]));
    world.answer("127.0.0.5:80", 0, refused());
    world.answer("/usr/bin/check", 0, crate::check::engine::tests::exit(9));
    world.run_for(Duration::from_millis(1500));
    let shown = shown(&world);
    for line in [
        "   sorry server (duplicates rs) = [127.0.0.5]:tcp:80\n",
        "     set = 1\n     alive = 1\n   VS alive = 0\n   quorum_state_up = 0\n",
        "WEIGHT = 4 EFF WEIGHT = 7\n",
        "   alive = 0\n   num failed checkers = 1\n",
        "   Up = no\n",
        "   Failed URL = /a\n",
        "   Current weight = 3\n",
        "   script = '/usr/bin/check' 'it'\n   timeout = 1\n   dynamic = YES\n   uid:gid = 1:2\n",
        "   Last ran = 1000000 µs\n   Last status = 9\n",
    ] {
        assert!(shown.contains(line), "{line} in\n{shown}");
    }
}

#[test]
fn without_services_there_is_nothing() {
    assert_eq!(shown(&World::new(config(vec![]))), "");
}

/// What IPVS has of a group is counted by entry; one of marks only has no family.
#[test]
fn groups_are_dumped_as_keepalived_does() {
    use crate::ipvs::model::MarkRule;

    let mark = |family| ServiceKey::FwMark { family, mark: 7 };
    let marks = ServerGroupConfig {
        name: "M".into(),
        entries: vec![GroupEntry::FwMark {
            mark: 7,
            family: None,
        }],
    };
    let range = |first: &str, last: &str, port| GroupEntry::Addresses {
        first: first.parse().unwrap(),
        last: last.parse().unwrap(),
        port,
    };
    let mixed = ServerGroupConfig {
        name: "G".into(),
        entries: vec![
            range("192.0.2.1", "192.0.2.1", 80),
            range("2001:db8::1", "2001:db8::2", 81),
        ],
    };
    let target = |name: &str, protocol, services: &[ServiceKey]| GroupTarget {
        name: name.into(),
        number: 0,
        family: None,
        protocol,
        services: services.into(),
        marks: [].into(),
    };
    let mut by_mark = service("10.0.0.1:80", Vec::new());
    by_mark.target = Target::Group(target("M", None, &[mark(Family::V4)]));
    let mut by_address = service("10.0.0.1:80", Vec::new());
    let given = MarkRule {
        protocol: Protocol::Udp,
        first: "192.0.2.1".parse().unwrap(),
        last: "192.0.2.1".parse().unwrap(),
        port: 80,
        mark: 1000,
    };
    by_address.target = Target::Group(GroupTarget {
        marks: [given].into(),
        ..target("G", Some(Protocol::Udp), &[given.service()])
    });
    let world = World::new(config(vec![by_mark, by_address]));
    let around = Around {
        account: &|_| None,
        moment: &|_| String::new(),
        ssl: &[],
        groups: &[marks, mixed],
        service: &|_| Extra::default(),
        server: &|_, _| Extra::default(),
    };
    let text = text(&world.engine.status(world.now), &around);
    let groups = "\
 System is compiled with LVS v1.2.1
 ------< Virtual server group >------
 Virtual Server Group = M, IPv4 = no, IPv6 = no
   FWMARK = 7
     Alive: 1 IPv4, 0 IPv6
 ------< Virtual server group >------
 Virtual Server Group = G, IPv4 = yes, IPv6 = yes
  Fwmark TCP: 0 UDP: 1000 SCTP: 0
   VIP = 192.0.2.1, VPORT = 80
     Alive: 0 tcp, 1 udp, 0 sctp
   VIP Range = 2001:db8::1-2001:db8::2, VPORT = 81
     Alive: 0 tcp, 1 udp, 0 sctp
 ------< Virtual server >------
 VS GROUP = [M]:0
   Address family = unknown
";
    assert!(text.contains(groups), "{text}");
    let named = " VS GROUP = [G]:0\n   Address family = IPv4 & IPv6\n   connection timeout = 5.000000\n";
    assert!(text.contains(named), "{text}");
}
