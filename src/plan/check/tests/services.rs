//! What a virtual server is to IPVS: names, defaults, flags, persistence, families and ports.

use super::*;
use crate::ipvs::model::{Granularity, ServiceFlags};
use crate::net::Family;

/// The only virtual server, and what was said of it that counts.
fn only(text: &str) -> (VirtualServerConfig, Vec<String>) {
    let (plan, said) = plan(text);
    let [vs] = plan.check.services.as_slice() else {
        panic!("{said:#?}");
    };
    let counted = said
        .into_iter()
        .filter(|found| !matches!(found.class, Class::Note | Class::Unheeded));
    (vs.clone(), counted.map(|found| found.message).collect())
}

fn tcp(lines: &str) -> (VirtualServerConfig, Vec<String>) {
    only(&server("192.0.2.9 80", &format!("protocol TCP\n{lines}"), WEB))
}

/// LVS facts: 1.2
#[test]
fn each_group_counts_for_itself() {
    let on = |group: &str, protocol: &str| {
        let name = format!("group {group}");
        server(&name, &format!("protocol {protocol}"), WEB)
    };
    let (plan, _) = plan(&format!(
        "{GROUP}virtual_server_group H {{\n192.0.2.101 80\n}}\n{}{}{}{}",
        on("G", "TCP"),
        on("H", "TCP"),
        on("G", "UDP"),
        on("H", "UDP")
    ));
    let names: Vec<String> = plan
        .check
        .services
        .iter()
        .map(|vs| vs.target.to_string())
        .collect();
    assert_eq!(names, ["[G]:0", "[H]:0", "[G]:1", "[H]:1"]);
}

/// LVS facts: 2.1, 2.2, 2.3, 2.4
#[test]
fn what_is_not_written_is_settled_and_said() {
    let (vs, said) = only("virtual_server 192.0.2.9 {\nreal_server 198.51.100.1 {\n}\n}\n");
    let name = "Virtual server [192.0.2.9]";
    assert_eq!(
        said,
        [
            format!("{name}:none:0: no protocol set - defaulting to UDP"),
            format!("{name}:udp:0: no forwarding method set, setting default NAT"),
            format!("{name}:udp:0: no scheduler set, setting default 'wlc'"),
            format!("{name}:udp:0: zero port only valid for persistent services - setting"),
        ]
    );
    assert_eq!(vs.target.to_string(), "[192.0.2.9]:udp:0");
    assert_eq!((vs.scheduler.0.as_str(), vs.forward), ("wlc", ForwardMethod::Nat));
    let persistence = vs.persistence.unwrap();
    assert_eq!(persistence.timeout, Duration::from_secs(360));
    assert_eq!(persistence.granularity, Granularity::Address);

    let (vs, said) = only(&server("fwmark 5", "protocol TCP", WEB));
    let mark = ServiceKey::FwMark {
        family: Family::V4,
        mark: 5,
    };
    assert_eq!(*vs.target.services(), [mark]);
    assert_eq!(
        (vs.persistence, said.len()),
        (None, 1),
        "a mark has no port: {said:?}"
    );
}

/// LVS facts: 2.5, 2.6, 2.9
#[test]
fn flags_look_at_the_protocol_and_at_the_scheduler_before_them() {
    const ONLY: &str = "only applies to sh scheduler - ignoring";
    for (head, lines, flags, said) in [
        ("192.0.2.9 80", "protocol UDP\nops", 0x4, None),
        (
            "192.0.2.9 80",
            "protocol TCP\nops",
            0,
            Some("requires UDP - resetting"),
        ),
        (
            "192.0.2.9 80",
            "ops\nprotocol SCTP",
            0,
            Some("requires UDP - resetting"),
        ),
        ("fwmark 5", "ops", 0x4, None),
        ("fwmark 5", "flag-1", 0x8, None),
        ("fwmark 5", "flag-2", 0x10, None),
        ("fwmark 5", "flag-3", 0x20, None),
        ("fwmark 5", "lvs_sched sh\nsh-fallback", 0x8, None),
        ("fwmark 5", "lvs_sched sh\nsh-port", 0x10, None),
        ("fwmark 5", "lvs_sched mh\nmh-fallback", 0x8, None),
        ("fwmark 5", "lvs_sched mh\nmh-port", 0x10, None),
        // Those of the other scheduler are dropped without a message.
        ("fwmark 5", "lvs_sched mh\nsh-fallback\nsh-port", 0, None),
        ("fwmark 5", "lvs_sched sh\nmh-fallback\nmh-port", 0, None),
        ("fwmark 5", "lvs_sched sh\nhashed", 0, None),
        ("fwmark 5", "sh-port\nlvs_sched sh", 0, Some(ONLY)),
        ("fwmark 5", "mh-port\nlvs_sched mh", 0, Some(ONLY)),
        ("fwmark 5", "lvs_sched wrr\nmh-fallback", 0, Some(ONLY)),
        (
            "fwmark 5",
            "lvs_sched sh\nlvs_sched rr\nsh-fallback",
            0,
            Some(ONLY),
        ),
        ("fwmark 5", "hashed", 0, Some(ONLY)),
    ] {
        // Without a scheduler before these lines.
        let lines = format!("{lines}\nlvs_method NAT");
        let text = format!("virtual_server {head} {{\n{lines}\n{WEB}\nlvs_sched rr\n}}\n");
        let (vs, found) = only(&text);
        assert_eq!(vs.flags, ServiceFlags(flags), "{lines}");
        let fits = match (said, found.as_slice()) {
            (None, []) => true,
            (Some(words), [one]) => one.ends_with(words),
            _ => false,
        };
        assert!(fits, "{lines}: {found:?}");
    }
}

/// LVS facts: 2.7, 2.8
#[test]
fn a_granularity_makes_a_service_persistent_and_an_engine_does_not() {
    let seconds = |vs: &VirtualServerConfig| vs.persistence.as_ref().map(|own| own.timeout.as_secs());
    let (vs, _) = tcp("persistence_granularity 255.255.255.0");
    assert_eq!(seconds(&vs), Some(360));
    let mask = Granularity::Mask([255, 255, 255, 0].into());
    assert_eq!(vs.persistence.unwrap().granularity, mask);
    let (vs, _) = tcp("persistence_granularity 255.255.255.0\npersistence_timeout 7");
    assert_eq!(seconds(&vs), Some(7));
    let (vs, _) = tcp("persistence_timeout");
    assert_eq!(seconds(&vs), Some(360));
    let (vs, said) = tcp("persistence_engine sip");
    assert_eq!((vs.persistence, said.len()), (None, 0));
    let six = "real_server 2001:db8::1 80 {\n}";
    let (vs, _) = only(&server(
        "2001:db8::9 80",
        "protocol TCP\npersistence_granularity 64",
        six,
    ));
    assert_eq!(vs.persistence.unwrap().granularity, Granularity::Prefix(64));

    let engine = |name: &str| {
        let (vs, said) = tcp(&format!("persistence_timeout 7\npersistence_engine {name}"));
        (vs.persistence.unwrap().engine.unwrap(), said)
    };
    let longest = "a23456789012345";
    assert_eq!(engine(longest), (longest.to_owned(), vec![]));
    let (cut, said) = engine(&format!("{longest}67"));
    assert_eq!((cut.as_str(), said.len()), (longest, 1), "{said:?}");
}

/// LVS facts: 2.13
#[test]
fn a_mark_has_the_family_that_it_is_given_or_that_of_its_servers() {
    const FOUR: &str = "real_server 198.51.100.1 {\n}";
    const SIX: &str = "real_server 2001:db8::1 {\n}";
    const FOUR_TUN: &str = "real_server 198.51.100.1 {\nlvs_method TUN\n}";
    const SIX_TUN: &str = "real_server 2001:db8::1 {\nlvs_method TUN\n}";
    const SORRY_TUN: &str = "sorry_server 2001:db8::9\nsorry_server_lvs_method TUN";
    for (lines, family) in [
        (vec![FOUR], Family::V4),
        (vec![SIX], Family::V6),
        // The first that is not behind a tunnel, wherever it stands.
        (vec![FOUR_TUN, SIX], Family::V6),
        (vec![SIX_TUN, FOUR], Family::V4),
        (vec![FOUR_TUN, "sorry_server 2001:db8::9"], Family::V6),
        // All behind tunnels: the one that they have in common, or IPv4.
        (vec![SIX_TUN], Family::V6),
        (vec![SIX_TUN, FOUR_TUN], Family::V4),
        (vec![SIX_TUN, SORRY_TUN], Family::V6),
        (vec!["ip_family inet6", FOUR_TUN], Family::V6),
        (vec!["ip_family inet", SIX_TUN], Family::V4),
    ] {
        let (vs, said) = only(&server("fwmark 5", "", &lines.join("\n")));
        assert_eq!(vs.target.services()[0].family(), family, "{lines:?}");
        assert_eq!(said, [""; 0], "{lines:?}");
    }
}

/// Whether a server may be of the other family is judged where it stands.
///
/// LVS facts: 2.13
#[test]
fn a_server_of_the_other_family_needs_a_tunnel_at_its_place() {
    let left = |lines: &str| {
        let text =
            format!("virtual_server 192.0.2.9 80 {{\nprotocol TCP\nlvs_sched rr\n{WEB}\n{lines}\n}}\n");
        let (vs, said) = only(&text);
        (
            vs.real_servers.len() - 1 + usize::from(vs.sorry_server.is_some()),
            said,
        )
    };
    const SIX: &str = "real_server 2001:db8::1 80 {\n}";
    assert_eq!(left(&format!("lvs_method TUN\n{SIX}")), (1, vec![]));
    let refused =
        "Address family of virtual server and real server 2001:db8::1 don't match - skipping real server.";
    assert_eq!(
        left(&format!("{SIX}\nlvs_method TUN")),
        (0, vec![refused.to_owned()])
    );
    let (sorry, said) = left("lvs_method NAT\nsorry_server 2001:db8::9 80");
    assert_eq!((sorry, said.len()), (0, 1), "{said:?}");
    assert_eq!(left("lvs_method TUN\nsorry_server 2001:db8::9 80"), (1, vec![]));
}

/// The kernel's port, and the one that is asked: the latter stays as it was written.
///
/// LVS facts: 2.12
#[test]
fn the_port_that_is_asked_is_the_one_that_was_written() {
    let ports = |head: &str, method: &str, real: &str| {
        let real = format!("real_server {real} {{\nTCP_CHECK {{\n}}\nTCP_CHECK {{\nconnect_port 7\n}}\n}}");
        let (vs, _) = only(&format!(
            "{GROUP}{}",
            server(head, &format!("protocol TCP\nlvs_method {method}"), &real)
        ));
        let real = &vs.real_servers[0];
        let asked: Vec<u16> = real
            .checkers
            .iter()
            .map(|checker| checker.probe.connection().unwrap().destination.port())
            .collect();
        assert_eq!(asked[1], 7);
        let name = crate::check::pool::names(&vs.target.to_string().into(), &vs.target, real).rs;
        (
            real.address.port(),
            name.rsplit(':').next().unwrap().parse::<u16>().unwrap(),
            asked[0],
        )
    };
    for (head, method, real, kernel, asked) in [
        ("192.0.2.9 80", "NAT", "198.51.100.1 8080", 8080, 8080),
        ("192.0.2.9 80", "NAT", "198.51.100.1", 80, 0),
        ("192.0.2.9 80", "DR", "198.51.100.1 8080", 80, 8080),
        ("192.0.2.9 80", "TUN", "198.51.100.1", 80, 0),
        ("fwmark 5", "NAT", "198.51.100.1 8080", 8080, 8080),
        ("fwmark 5", "NAT", "198.51.100.1", 0, 0),
        ("fwmark 5", "DR", "198.51.100.1 8080", 0, 8080),
        // Of a group it stays.
        ("group G", "DR", "198.51.100.1 8080", 8080, 8080),
        ("group G", "NAT", "198.51.100.1", 0, 0),
    ] {
        assert_eq!(
            ports(head, method, real),
            (kernel, kernel, asked),
            "{head} {method} {real}"
        );
    }
}

/// LVS facts: 2.15, 2.16, 2.17
#[test]
fn what_was_put_right_is_as_it_was_said() {
    let weighed = |lines: &str| {
        let (vs, _) = tcp(lines);
        (vs.quorum, vs.hysteresis)
    };
    assert_eq!(weighed(""), (1, 0));
    assert_eq!(weighed("quorum 7"), (1, 0));
    assert_eq!(weighed("quorum 7\nweight 5"), (5, 0));
    assert_eq!(weighed("quorum 3\nhysteresis 3\nweight 5"), (3, 2));
    assert_eq!(weighed("quorum 3\nhysteresis 2\nweight 5"), (3, 2));
    assert_eq!(weighed("quorum 7\nhysteresis 6\nweight 2"), (2, 1));
    let idle = "real_server 198.51.100.1 80 {
weight 0
}";
    let (vs, _) = only(&server("192.0.2.9 80", "protocol TCP", idle));
    assert_eq!(
        (vs.quorum, vs.hysteresis),
        (0, 0),
        "keepalived's hysteresis is 4294967295 here"
    );

    let twice =
        format!("{WEB}\nreal_server 198.51.100.1 80 {{\nweight 9\n}}\nreal_server 198.51.100.1 81 {{\n}}");
    let (vs, _) = only(&server("192.0.2.9 80", "protocol TCP", &twice));
    let held: Vec<(u16, u32)> = vs
        .real_servers
        .iter()
        .map(|real| (real.address.port(), real.weight))
        .collect();
    assert_eq!(held, [(80, 1), (81, 1)], "the second goes");

    for (lines, inhibit) in [
        ("sorry_server_inhibit", false),
        ("inhibit_on_failure", true),
        ("", false),
        ("inhibit_on_failure\nsorry_server_inhibit", true),
    ] {
        let (vs, _) = tcp(&format!("sorry_server 198.51.100.1 80\n{lines}"));
        assert_eq!(vs.sorry_server.unwrap().inhibit, inhibit, "{lines}");
    }
}
