mod inherit;
mod services;
mod web;

use super::*;
use crate::check::config::ProbeConfig;
use crate::conf::{ReadOptions, read_str};
use crate::ipvs::model::{MarkRule, ServiceKey};
use crate::plan::{Host, Plan, build};
use std::path::Path;

fn plan(text: &str) -> (Plan, Vec<Diagnostic>) {
    let options = ReadOptions {
        test: true,
        ..ReadOptions::default()
    };
    let reading = read_str(Path::new("t.conf"), text, &options);
    let (plan, more) = build(&reading.config, &Host::default());
    (plan, reading.diagnostics.into_iter().chain(more).collect())
}

/// `virtual_server` with the usual settings, `lines` and `servers` after them.
fn server(name: &str, lines: &str, servers: &str) -> String {
    format!("virtual_server {name} {{\nlvs_sched rr\nlvs_method NAT\n{lines}\n{servers}\n}}\n")
}

const WEB: &str = "real_server 198.51.100.1 80 {\n}";
const GROUP: &str = "virtual_server_group G {\n192.0.2.1 80\n192.0.2.2-9 81\n}\n";

/// What a configuration says, of all that counts for `-t`, and with which topic.
fn check(fact: &str, text: &str, wanted: &[(Topic, &str)]) {
    let (_, said) = plan(text);
    let counted: Vec<&Diagnostic> = said
        .iter()
        .filter(|found| !matches!(found.class, Class::Note | Class::Unheeded))
        .collect();
    let fits = counted.len() == wanted.len()
        && counted
            .iter()
            .zip(wanted)
            .all(|(found, (topic, text))| found.topic == *topic && found.message.contains(text));
    assert!(fits, "fact {fact}: {counted:#?}\n{text}");
    for found in counted {
        assert!(found.place.is_some(), "fact {fact}: {found:?}");
    }
}

/// LVS facts: 2.2, 2.3, 2.5, 2.12, 2.13, 2.14, 2.15, 2.16, 2.17, 2.23, 7.2
#[test]
fn what_is_settled_between_the_lines_of_a_virtual_server_is_said() {
    let tcp = |lines: &str, servers: &str| server("192.0.2.9 80", &format!("protocol TCP\n{lines}"), servers);
    for (fact, text, wanted) in [
        (
            "2.2",
            server("192.0.2.9 80", "", WEB),
            (
                Topic::LvsDefaults,
                "[192.0.2.9]:none:80: no protocol set - defaulting to UDP",
            ),
        ),
        (
            "2.2",
            server("fwmark 5", "protocol TCP", WEB),
            (
                Topic::LvsFwmarkProtocol,
                "FWM 5: protocol specified for fwmark - protocol will be ignored",
            ),
        ),
        (
            "2.3",
            server("192.0.2.9", "protocol TCP", WEB),
            (
                Topic::LvsDefaults,
                "[192.0.2.9]:tcp:0: zero port only valid for persistent services - setting",
            ),
        ),
        (
            "2.5",
            tcp("ops", WEB),
            (Topic::Other, "one packet scheduling requires UDP - resetting"),
        ),
        (
            "2.12",
            tcp("lvs_method DR", "real_server 198.51.100.1 81 {\n}"),
            (
                Topic::LvsPortMismatch,
                "WARNING - virtual server [192.0.2.9]:tcp:80 and real server [198.51.100.1]:tcp:81 ports don't match - resetting",
            ),
        ),
        (
            "2.12",
            server("fwmark 5", "lvs_method TUN", WEB),
            (
                Topic::LvsPortMismatch,
                "WARNING - fwmark virtual server FWM 5, real server [198.51.100.1]:none:80 has port specified - clearing",
            ),
        ),
        (
            "2.12",
            tcp("lvs_method DR\nsorry_server 198.51.100.9 81", WEB),
            (
                Topic::LvsPortMismatch,
                "and sorry server ports don't match - resetting",
            ),
        ),
        (
            "2.12",
            server(
                "fwmark 5",
                "lvs_method DR\nsorry_server 198.51.100.9 81",
                "real_server 198.51.100.1 {\n}",
            ),
            (
                Topic::LvsPortMismatch,
                "FWM 5, sorry server has port specified - clearing",
            ),
        ),
        (
            "2.13",
            tcp("", &format!("{WEB}\nreal_server 2001:db8::1 80 {{\n}}")),
            (
                Topic::AddressFamilyMismatch,
                "real server 2001:db8::1 don't match - skipping real server.",
            ),
        ),
        (
            "2.13",
            server(
                "fwmark 5",
                "",
                &format!("{WEB}\nreal_server 2001:db8::1 80 {{\n}}"),
            ),
            (
                Topic::AddressFamilyMismatch,
                "real server 2001:db8::1 don't match",
            ),
        ),
        (
            "2.13",
            server("fwmark 5", "", &format!("{WEB}\nip_family inet6")),
            (
                Topic::IpFamilyConflict,
                "specified family inet6 conflicts with server family",
            ),
        ),
        (
            "2.13",
            tcp("sorry_server 2001:db8::9 80", WEB),
            (
                Topic::AddressFamilyMismatch,
                "sorry server 2001:db8::9 don't match - skipping sorry server.",
            ),
        ),
        (
            "2.14",
            tcp("", ""),
            (
                Topic::LvsNoRealServer,
                "Virtual server [192.0.2.9]:tcp:80 has no real servers - ignoring",
            ),
        ),
        (
            "2.14",
            server("192.0.2.9 80", "", ""),
            (
                Topic::LvsNoRealServer,
                "Virtual server [192.0.2.9]:none:80 has no real servers",
            ),
        ),
        (
            "2.14",
            server("group G", "", ""),
            (Topic::LvsNoRealServer, "Virtual server [G]:0 has no real servers"),
        ),
        (
            "2.15",
            tcp("", &format!("{WEB}\n{WEB}")),
            (
                Topic::DuplicateDefinition,
                "VS [192.0.2.9]:tcp:80: real server [198.51.100.1]:tcp:80 is duplicated - removing second rs",
            ),
        ),
        (
            "2.16",
            tcp("quorum 2", WEB),
            (
                Topic::LvsQuorum,
                "Warning - quorum 2 for [192.0.2.9]:tcp:80 exceeds total weight of real servers 1, reducing quorum to 1",
            ),
        ),
        (
            "2.16",
            tcp("quorum 3\nhysteresis 3\nweight 5", WEB),
            (
                Topic::LvsQuorum,
                "hysteresis 3 >= quorum 3; setting hysteresis to 2",
            ),
        ),
        (
            "2.17",
            tcp("sorry_server 198.51.100.1 80\nsorry_server_inhibit", WEB),
            (
                Topic::Other,
                "matches sorry server, but inhibit setting differs, clearing on sorry server",
            ),
        ),
        (
            "2.17",
            tcp("sorry_server 198.51.100.1 80\ninhibit_on_failure", WEB),
            (
                Topic::Other,
                "matches sorry server, but inhibit setting differs, setting on sorry server",
            ),
        ),
        (
            "2.23",
            format!(
                "virtual_server_group V {{\n192.0.2.1 80\n2001:db8::1 80\nfwmark 5\n}}\n{}",
                tcp("", WEB)
            ),
            (
                Topic::LvsGroup,
                "V cannot have IPv4, IPv6 and fwmark without family - removing",
            ),
        ),
        (
            "7.2",
            server("fwmark 5", "ha_suspend", WEB),
            (
                Topic::Other,
                "FWM 5: cannot use ha_suspend with fwmarks - clearing ha_suspend",
            ),
        ),
    ] {
        check(fact, &text, &[wanted]);
    }
}

/// LVS facts: 2.2, 2.3, 2.12, 7.2
#[test]
fn what_is_settled_between_a_virtual_server_and_its_group_is_said() {
    let on =
        |group: &str, lines: &str, servers: &str| format!("{group}{}", server("group G", lines, servers));
    let marks = "virtual_server_group G {\nfwmark 5\nfwmark 6 inet\n}\n";
    for (fact, text, wanted) in [
        (
            "2.2",
            on(GROUP, "", WEB),
            vec![(
                Topic::LvsDefaults,
                "Virtual server [G]:0: no protocol set - defaulting to UDP",
            )],
        ),
        ("2.2", on(marks, "", WEB), vec![]),
        (
            "2.2",
            on(marks, "protocol TCP", WEB),
            vec![(Topic::LvsFwmarkProtocol, "[G]:0: protocol specified for fwmark")],
        ),
        (
            "2.3",
            on("virtual_server_group G {\n192.0.2.1\n}\n", "protocol TCP", WEB),
            vec![(Topic::LvsDefaults, "[G]:0: zero port only valid")],
        ),
        ("2.12", on(GROUP, "protocol TCP", WEB), vec![]),
        (
            "2.12",
            on(GROUP, "protocol TCP\nlvs_method DR", WEB),
            vec![(
                Topic::LvsPortMismatch,
                "virtual server [G]:0:[192.0.2.2-192.0.2.9,81] and real server [198.51.100.1]:tcp:80 ports don't match",
            )],
        ),
        (
            "2.12",
            on(marks, "lvs_method DR", WEB),
            vec![(
                Topic::LvsPortMismatch,
                "WARNING - fwmark virtual server [G]:0, real server [198.51.100.1]:none:80 has port specified - port will be ignored",
            )],
        ),
        (
            "2.12",
            on(
                marks,
                "lvs_method DR\nsorry_server 198.51.100.9 80",
                "real_server 198.51.100.1 {\n}",
            ),
            vec![(
                Topic::LvsPortMismatch,
                "fwmark virtual server [G]:0, sorry server has port specified - port will be ignored",
            )],
        ),
        (
            "7.2",
            on(marks, "ha_suspend", WEB),
            vec![(Topic::Other, "[G]:0: cannot use ha_suspend with fwmarks")],
        ),
    ] {
        check(fact, &text, &wanted);
    }
}

#[test]
fn a_virtual_server_follows_an_instance_that_runs() {
    let instance =
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress {\n192.0.2.9/24\n}\n}\n";
    let text = server("192.0.2.9 80", "protocol TCP\nwhile_master A", WEB);
    let both = format!("{text}{instance}");
    let reading = read_str(Path::new("t.conf"), &both, &ReadOptions::default());
    let (followed, _) = build(&reading.config, &crate::plan::tests::host(&["eth0"]));
    assert_eq!(followed.check.services[0].while_master.as_deref(), Some("A"));
    let says = "[192.0.2.9]:tcp:80: while_master of A, but no such vrrp_instance runs - ignoring";
    check("while_master", &text, &[(Topic::Other, says)]);
    let (alone, _) = plan(&text);
    assert_eq!(alone.check.services[0].while_master, None, "it is always there");
}

/// keepalived says these two in its log only (facts 2.23, 2.24): `-t` of 2.2.7 ends with 0.
///
/// LVS facts: 2.23, 2.24
#[test]
fn a_virtual_server_without_its_group_is_named() {
    for (text, wanted) in [
        (
            server("group G", "protocol TCP", WEB),
            "Virtual server group G specified but not configured - ignoring virtual server [G]:0",
        ),
        (
            format!(
                "{GROUP}{}",
                server("group G", "protocol TCP", "real_server 2001:db8::1 80 {\n}")
            ),
            "G: virtual server group with IPv4 doesn't match virtual server [G]:0 - ignoring",
        ),
        (
            format!(
                "virtual_server_group G {{\n192.0.2.1 80\n2001:db8::1 80\n}}\n{}",
                server("group G", "protocol TCP", WEB)
            ),
            "G: virtual server group with IPv4 & IPv6 doesn't match virtual server [G]:0 - ignoring",
        ),
    ] {
        let (plan, said) = plan(&text);
        let found = said.iter().find(|found| found.message == wanted);
        let found = found.unwrap_or_else(|| panic!("{said:#?}"));
        assert_eq!((found.class, found.topic), (Class::Unheeded, Topic::LvsGroup));
        assert_eq!(plan.check.services, []);
    }
}

/// The services of the only virtual server, shortly.
fn services(entries: &str, settings: &str, reals: &str) -> Vec<String> {
    let text = format!(
        "virtual_server_group G {{\n{entries}\n}}\n{}",
        server("group G", settings, reals)
    );
    let (plan, said) = plan(&text);
    let [server] = plan.check.services.as_slice() else {
        panic!("{said:#?}");
    };
    let services = server.target.services();
    services
        .iter()
        .map(|key| match key {
            ServiceKey::Address { .. } => key.to_string(),
            ServiceKey::FwMark { family, mark } => format!("{family:?} {mark}"),
        })
        .collect()
}

/// LVS facts: 2.21, 2.23
#[test]
fn every_address_and_mark_of_a_group_is_a_service() {
    const TUNNELLED: &str = "real_server 198.51.100.1 80 {\nlvs_method TUN\n}";
    for (entries, settings, reals, wanted) in [
        (
            "192.0.2.254-192.0.3.1 80\n192.0.2.255 80\nfwmark 7",
            "protocol TCP",
            WEB,
            &[
                "[192.0.2.254]:tcp:80",
                "[192.0.2.255]:tcp:80",
                "[192.0.3.0]:tcp:80",
                "[192.0.3.1]:tcp:80",
                "V4 7",
            ][..],
        ),
        ("fwmark 7\nfwmark 8 inet6", "", TUNNELLED, &["V6 7", "V6 8"]),
        (
            "fwmark 7\nfwmark 8",
            "ip_family inet6",
            TUNNELLED,
            &["V6 7", "V6 8"],
        ),
        (
            "192.0.2.1\n2001:db8::fffe-2001:db8::1:1 53\nfwmark 7 inet\nfwmark 7 inet6",
            "protocol UDP",
            TUNNELLED,
            &[
                "[192.0.2.1]:udp:0",
                "[2001:db8::fffe]:udp:53",
                "[2001:db8::ffff]:udp:53",
                "[2001:db8::1:0]:udp:53",
                "[2001:db8::1:1]:udp:53",
                "V4 7",
                "V6 7",
            ],
        ),
    ] {
        assert_eq!(services(entries, settings, reals), wanted, "{entries}");
    }
    assert_eq!(services("10.0.0.0/20 80", "protocol TCP", WEB).len(), 4096);
}

/// All addresses of a group have one mark, but where it has marks of its own. The marks are handed out in the order of the
/// file, and the ports of servers stay what they are (NAT) or are 0 (DR, TUN), as behind every mark (2.12).
///
/// LVS facts: 2.26
#[test]
fn with_nftables_ipvs_a_group_is_one_service_of_each_family() {
    let groups = "virtual_server_group A {\n192.0.2.1-192.0.2.9 80\n2001:db8::/64\n}\n\
                  virtual_server_group B {\n192.0.3.1 80\nfwmark 7\n}\n\
                  virtual_server_group C {\n192.0.4.1 80\n}\n";
    let tunnel = "real_server 198.51.100.1 80 {\nlvs_method TUN\n}";
    let servers = [
        server("group A", "protocol TCP", tunnel),
        server("group B", "protocol TCP", WEB),
        server("group C", "protocol UDP", WEB),
        server("group A", "protocol UDP", tunnel),
    ];
    let global = |more| {
        format!(
            "global_defs {{\nnftables_ipvs\n{more}\n}}\n{groups}{}",
            servers.concat()
        )
    };
    let keys = |plan: &Plan| {
        let targets = plan.check.services.iter().map(|server| server.target.services());
        let named = |key: &ServiceKey| format!("{key} {:?}", key.family());
        targets
            .map(|keys| keys.iter().map(named).collect::<Vec<_>>().join(", "))
            .collect::<Vec<_>>()
    };
    let (usual, _) = plan(&global(""));
    assert_eq!(
        keys(&usual),
        [
            "FWM 1000 V4, FWM 1000 V6",
            "[192.0.3.1]:tcp:80 V4, FWM 7 V4",
            "FWM 1001 V4",
            "FWM 1002 V4, FWM 1002 V6",
        ]
    );
    let rules = usual.check.services[0].target.marks();
    let shown = |rule: &MarkRule| format!("{}-{} {} {}", rule.first, rule.last, rule.port, rule.mark);
    assert_eq!(
        rules.iter().map(shown).collect::<Vec<_>>(),
        [
            "192.0.2.1-192.0.2.9 80 1000",
            "2001:db8::-2001:db8::ffff:ffff:ffff:ffff 0 1000",
        ]
    );
    let marks = usual.ipvs.marks.unwrap();
    assert_eq!(
        (marks.table.as_str(), marks.priority, marks.counters),
        ("keepalived_ipvs", -1, false)
    );
    let (other, _) = plan(&global(
        "nftables_ipvs_start_fwmark 7\nnftables_ipvs_priority -5\nnftables_counters",
    ));
    assert_eq!(keys(&other)[0], "FWM 8 V4, FWM 8 V6", "7 is somebody's");
    let marks = other.ipvs.marks.unwrap();
    assert_eq!((marks.priority, marks.counters), (-5, true));
}

/// What no memory holds is left out, with a word.
#[test]
fn a_prefix_that_is_too_large_is_named() {
    let text = format!(
        "virtual_server_group G {{\n2001:db8::/64 80\n2001:db8:1::1 80\nfwmark 0 inet6\n}}\n{}",
        server("group G", "protocol TCP", "real_server 2001:db8::5 80 {\n}")
    );
    let (plan, said) = plan(&text);
    assert_eq!(plan.check.services[0].target.services().len(), 1);
    let words = ["too large for a service of each address", "fwmark 0 is no mark"];
    for words in words {
        let found = said.iter().find(|found| found.message.contains(words));
        let found = found.unwrap_or_else(|| panic!("{said:#?}"));
        assert_eq!((found.class, found.topic), (Class::Unheeded, Topic::LvsGroup));
    }
}

/// The name of a virtual server on a group counts those before it (fact 1.2).
///
/// LVS facts: 1.2
#[test]
fn virtual_servers_of_one_group_are_numbered() {
    let text = format!(
        "{GROUP}{}{}",
        server("group G", "protocol TCP", WEB),
        server("group G", "protocol UDP", WEB)
    );
    let (plan, _) = plan(&text);
    let targets = plan.check.services.iter().map(|server| &server.target);
    let names: Vec<(String, Option<Protocol>)> = targets
        .map(|target| (target.to_string(), target.protocol()))
        .collect();
    let wanted = [("[G]:0", Protocol::Tcp), ("[G]:1", Protocol::Udp)];
    assert_eq!(
        names,
        wanted.map(|(name, protocol)| (name.to_owned(), Some(protocol)))
    );
}

/// A second place is named with the first.
#[test]
fn duplicates_have_both_places() {
    let twice = format!("{WEB}\n{WEB}");
    for (text, wanted) in [
        (server("192.0.2.9 80", "protocol TCP", &twice), "is duplicated"),
        (
            server("192.0.2.9 80", "protocol TCP", WEB).repeat(2),
            "virtual server [192.0.2.9]:tcp:80 is configured twice - using the first",
        ),
        (
            format!("{GROUP}{GROUP}"),
            "virtual_server_group G is configured twice - using the first",
        ),
    ] {
        let (_, said) = plan(&text);
        let found = said.iter().find(|found| found.message.contains(wanted));
        let found = found.unwrap_or_else(|| panic!("{said:#?}"));
        let [(first, _)] = found.related.as_slice() else {
            panic!("{found:?}");
        };
        assert!(Some(first) < found.place.as_ref(), "{found:?}");
    }
}

/// What follows from a line that was misread is a remark (fact 2.4).
#[test]
fn defaults_that_follow_from_a_mistake_are_no_second_one() {
    let (_, said) = plan(
        "virtual_server 192.0.2.9 80 {\nlvs_sched fair\nlvs_method nat\nprotocol x\nreal_server 198.51.100.1 80 {\n}\n}\n",
    );
    let count = |class| said.iter().filter(|found| found.class == class).count();
    assert_eq!((count(Class::General), count(Class::Note)), (3, 3), "{said:#?}");
    let topics = said.iter().filter(|found| found.class == Class::Note);
    assert!(topics.into_iter().all(|found| found.topic == Topic::LvsDefaults));
}

/// With no method anywhere the servers get NAT, with a message only where one needs it (fact 2.4).
///
/// LVS facts: 2.4
#[test]
fn a_method_of_their_own_is_enough() {
    let text = |method: &str| {
        format!(
            "virtual_server 192.0.2.9 80 {{\nlvs_sched rr\nprotocol TCP\nreal_server 198.51.100.1 80 {{\n{method}\n}}\n}}\n"
        )
    };
    check("2.4", &text("lvs_method DR"), &[]);
    let default = (
        Topic::LvsDefaults,
        "[192.0.2.9]:tcp:80: no forwarding method set, setting default NAT",
    );
    check("2.4", &text(""), &[default]);
}

/// A `host` of SMTP_CHECK is a checker of its own, with what the block has otherwise.
///
/// LVS facts: 9.26
#[test]
fn every_checker_inherits() {
    let (plan, said) = plan(&server(
        "192.0.2.9 53",
        "protocol UDP\ndelay_loop 7\nalpha\nconnect_timeout 2",
        "real_server 198.51.100.1 53 {\nretry 5\nDNS_CHECK {\nname a.example.com\n}\nSMTP_CHECK {\nhost {\nconnect_port 26\n}\n\
         host {\nretry 0\n}\n}\nUDP_CHECK {\nrequire_reply 0x\nwarmup 1\n}\n}",
    ));
    let checkers = &plan.check.services[0].real_servers[0].checkers;
    let seconds = Duration::from_secs;
    let seen: Vec<(bool, Duration, u32, Duration, Duration, Duration, u16)> = checkers
        .iter()
        .map(|checker| {
            let connection = checker.probe.connection().unwrap();
            (
                checker.alpha,
                checker.delay_loop,
                checker.retry,
                checker.delay_before_retry,
                checker.warmup,
                connection.timeout,
                connection.destination.port(),
            )
        })
        .collect();
    let at = |retry, delay, warmup, port| {
        (
            true,
            seconds(7),
            retry,
            seconds(delay),
            seconds(warmup),
            seconds(2),
            port,
        )
    };
    assert_eq!(
        seen,
        [at(5, 7, 7, 53), at(5, 1, 7, 26), at(0, 1, 7, 53), at(5, 1, 1, 53)],
        "{said:#?}"
    );
    let words = "The SMTP_CHECK host block is deprecated. Please define additional checkers.";
    assert!(said.iter().any(|found| found.message == words), "{said:#?}");
}

/// The checkers of 198.51.100.1:80.
fn checkers(lines: &str, checkers: &str) -> (Vec<ProbeConfig>, Vec<Diagnostic>) {
    let real = format!("real_server 198.51.100.1 80 {{\n{checkers}\n}}");
    let (plan, said) = plan(&server("192.0.2.9 80", &format!("protocol TCP\n{lines}"), &real));
    let mut service = plan.check.services.into_iter().next().unwrap();
    let real = service.real_servers.remove(0);
    let probes = real
        .checkers
        .into_iter()
        .map(|checker| checker.probe.as_ref().clone());
    (probes.collect(), said)
}

/// LVS facts: 3.10
#[test]
fn a_script_may_run_for_a_delay_loop_of_the_virtual_server() {
    let timeout = |lines: &str, misc: &str| {
        let misc = format!("delay_loop 5\nMISC_CHECK {{\nmisc_path /bin/true\n{misc}\n}}");
        match checkers(lines, &misc).0.as_slice() {
            [ProbeConfig::Misc(config)] => config.timeout.as_secs(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(timeout("delay_loop 7", "delay_loop 3"), 7);
    assert_eq!(timeout("", "delay_loop 3"), 60);
    assert_eq!(timeout("delay_loop 7", "misc_timeout 2"), 2);
}

/// LVS facts: 9.25
#[test]
fn a_mail_server_is_asked_at_the_real_server_unless_said_otherwise() {
    let destination = |lines: &str| {
        let (probes, _) = checkers("", &format!("SMTP_CHECK {{\n{lines}\n}}"));
        probes[0].connection().unwrap().destination.to_string()
    };
    assert_eq!(destination(""), "198.51.100.1:80");
    assert_eq!(destination("connect_port 25"), "198.51.100.1:25");
    assert_eq!(destination("connect_ip 198.51.100.7"), "198.51.100.7:80");
    assert_eq!(
        destination("connect_ip 198.51.100.7\nconnect_port 25"),
        "198.51.100.7:25"
    );
}

/// LVS facts: 11.9
#[test]
fn words_after_an_unquoted_path_are_dropped_and_said() {
    let command = |path: &str| {
        let (probes, said) = checkers("", &format!("MISC_CHECK {{\nmisc_path {path}\n}}"));
        let [ProbeConfig::Misc(config)] = probes.as_slice() else {
            panic!("{probes:?}")
        };
        let dropped = said.iter().any(|found| found.message.contains("is dropped"));
        (config.command.argv.clone(), dropped)
    };
    assert_eq!(command("/bin/true one two"), (vec!["/bin/true".to_owned()], true));
    let whole = ["/bin/true", "one", "two"].map(str::to_owned).to_vec();
    assert_eq!(command("\"/bin/true one two\""), (whole, false));
}

/// LVS facts: 19.3
#[test]
fn a_link_local_destination_needs_its_interface() {
    let probes = |more: &str| {
        checkers(
            "",
            &format!(
                "TCP_CHECK {{\nconnect_ip fe80::1\n{more}\n}}\nTCP_CHECK {{\n}}\nTCP_CHECK {{\nconnect_port 81\n}}"
            ),
        )
    };
    assert_eq!(probes("bind_if eth0").0.len(), 3);
    let (left, said) = probes("");
    assert_eq!(left.len(), 2);
    let message = "Checker link local address fe80::1 requires a bind_if - ignoring checker";
    assert!(said.iter().any(|found| found.message == message), "{said:#?}");
}

/// Nothing is looked up by going through a list: this many servers and entries are no matter.
#[test]
#[expect(clippy::disallowed_methods, reason = "the time it takes is what is tested")]
fn thousands_of_servers_and_entries_are_fast() {
    let reals: String = (0..8_000)
        .map(|n| format!("real_server 10.0.{}.{} 80 {{\n}}\n", n / 250, n % 250 + 1))
        .collect();
    let entries: String = (0..8_000)
        .map(|n| format!("10.1.{}.{} 80\n", n / 250, n % 250 + 1))
        .collect();
    let text = format!(
        "virtual_server_group G {{\n{entries}}}\n{}{}",
        server("group G", "protocol TCP\nlvs_method DR", &reals),
        server("192.0.2.9 80", "protocol TCP\nlvs_method DR", &reals)
    );
    let start = std::time::Instant::now();
    let (plan, _) = plan(&text);
    assert_eq!(plan.check.services[0].real_servers.len(), 8_000);
    // Going through lists takes minutes.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

/// LVS facts: 1.1, 1.4
#[test]
fn real_servers_are_named_by_address_protocol_and_port() {
    let named = |head: &str, lines: &str, real: &str| {
        let (plan, _) = plan(&server(head, lines, &format!("real_server {real} {{\n}}")));
        let vs = &plan.check.services[0];
        let names = crate::check::pool::names(&vs.target.to_string().into(), &vs.target, &vs.real_servers[0]);
        (names.vs.to_string(), names.rs.to_string())
    };
    for (head, lines, real, vs, rs) in [
        (
            "192.0.2.1 80",
            "protocol TCP",
            "192.0.2.5 80",
            "[192.0.2.1]:tcp:80",
            "[192.0.2.5]:tcp:80",
        ),
        (
            "2001:DB8:0:0:0:0:0:1 53",
            "protocol UDP",
            "2001:0db8::0005 53",
            "[2001:db8::1]:udp:53",
            "[2001:db8::5]:udp:53",
        ),
        (
            "192.0.2.1 9",
            "protocol SCTP",
            "192.0.2.5 9",
            "[192.0.2.1]:sctp:9",
            "[192.0.2.5]:sctp:9",
        ),
        ("fwmark 7", "", "192.0.2.5 8080", "FWM 7", "[192.0.2.5]:none:8080"),
    ] {
        assert_eq!(named(head, lines, real), (vs.to_owned(), rs.to_owned()));
    }
}

/// LVS facts: 3.7
#[test]
fn inhibition_weight_and_forwarding_are_inherited() {
    let (plan, _) = plan(
        "virtual_server 192.0.2.9 80 {\nprotocol TCP\nlvs_sched rr\n\
         real_server 198.51.100.1 80 {\n}\n\
         lvs_method TUN\nreal_server 198.51.100.2 80 {\n}\n\
         lvs_method DR\nweight 7\ninhibit_on_failure\n\
         real_server 198.51.100.3 80 {\nweight 3\ninhibit_on_failure off\nlvs_method NAT\n}\n\
         sorry_server 198.51.100.9 80\n}\n\
         virtual_server 192.0.2.8 80 {\nprotocol TCP\nlvs_sched rr\nreal_server 198.51.100.1 80 {\n}\n}\n",
    );
    let [vs, plain] = &plan.check.services[..] else {
        panic!()
    };
    let shown = |vs: &VirtualServerConfig| -> Vec<_> {
        let servers = vs.real_servers.iter();
        servers
            .map(|rs| (forward(rs), rs.weight, rs.inhibit_on_failure))
            .collect()
    };
    assert_eq!(
        shown(vs),
        [("DR", 7, true), ("TUN", 7, true), ("NAT", 3, false)],
        "the method that was there, or the last one; weight and inhibition wherever they stand"
    );
    let sorry = vs.sorry_server.as_ref().unwrap();
    assert_eq!(sorry.forward, ForwardMethod::Dr);
    assert_eq!(shown(plain), [("NAT", 1, false)]);
}

fn forward(server: &RealServerConfig) -> &'static str {
    match server.forward {
        ForwardMethod::Nat => "NAT",
        ForwardMethod::Dr => "DR",
        _ => "TUN",
    }
}
