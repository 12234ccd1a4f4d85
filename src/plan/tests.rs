mod facts;
mod links;

use super::*;
use crate::conf::config::Secret;
use crate::conf::{ReadOptions, read_str};
use crate::net::{Cidr, IfIndex, InterfaceAddress, LinkKind, LinkLayer};
use std::path::Path;

pub(super) fn host(names: &[&str]) -> Host {
    let interfaces = (1..).zip(names).map(|(index, name)| InterfaceStatus {
        name: IfName::new(name).unwrap(),
        index: IfIndex(index),
        mac: None,
        mtu: 1500,
        up: true,
        multicast: true,
        noarp: false,
        loopback: false,
        addresses: vec![InterfaceAddress {
            cidr: Cidr::new("192.0.2.1".parse().unwrap(), 24).unwrap(),
            tentative: false,
        }],
        made: crate::net::LinkTraits::default(),
    });
    Host {
        interfaces: interfaces.collect(),
        ..Host::default()
    }
}

/// The plan of `text`, and what is said about it.
fn plan(text: &str) -> (Plan, Vec<String>) {
    let options = ReadOptions {
        test: true,
        ..ReadOptions::default()
    };
    let reading = read_str(Path::new("t.conf"), text, &options);
    let (plan, more) = build(&reading.config, &host(&["eth0", "eth1"]));
    let said = reading
        .diagnostics
        .iter()
        .chain(&more)
        .map(ToString::to_string)
        .collect();
    (plan, said)
}

#[test]
fn a_simple_instance() {
    let (plan, said) = plan(
        "vrrp_instance VI_1 {\n state BACKUP\n interface eth0\n virtual_router_id 51\n priority 150\n \
         advert_int 2\n virtual_ipaddress {\n 192.0.2.9/24 dev eth1 label eth1:1\n }\n}\n",
    );
    assert_eq!(said, Vec::<String>::new());
    let router = &plan.vrrp.routers[0];
    assert_eq!(
        (router.name.as_str(), router.vrid.get(), router.priority.0),
        ("VI_1", 51, 150)
    );
    assert_eq!(router.advert_int, std::time::Duration::from_secs(2));
    assert_eq!(
        router.vips[0].to_string(),
        "192.0.2.9/24 dev eth1 scope global label eth1:1"
    );
}

fn refused(text: &str, refusal: ScriptRefusal) -> (Plan, Vec<(Class, String)>) {
    let reading = read_str(Path::new("t.conf"), text, &ReadOptions::default());
    assert_eq!(reading.diagnostics, []);
    let mut host = host(&["eth0"]);
    host.refused = commands(&reading.config)
        .into_iter()
        .map(|command| (command, refusal))
        .collect();
    let (plan, said) = build(&reading.config, &host);
    (
        plan,
        said.into_iter()
            .map(|diagnostic| (diagnostic.class, diagnostic.message))
            .collect(),
    )
}

const SCRIPTS: &str = "vrrp_script S {\n script /x\n user joe\n}\nvrrp_instance A {\n interface eth0\n virtual_router_id 1\n \
                       track_script {\n S\n }\n notify /y\n virtual_ipaddress {\n 192.0.2.9\n }\n}\n\
                       virtual_server 192.0.2.9 80 {\n lb_algo rr\n lb_kind NAT\n protocol TCP\n \
                       real_server 192.0.2.10 80 {\n MISC_CHECK {\n misc_path /z\n }\n }\n}\n";

#[test]
fn scripts_that_may_not_be_run_are_left_out() {
    for (refusal, classes) in [
        (
            ScriptRefusal::NotFound,
            [Class::Unheeded, Class::Unheeded, Class::Unheeded, Class::General].as_slice(),
        ),
        (
            ScriptRefusal::NoUser,
            &[
                Class::Unheeded,
                Class::Unheeded,
                Class::General,
                Class::General,
                Class::General,
            ],
        ),
        (
            ScriptRefusal::NoDefaultUser,
            &[
                Class::Unheeded,
                Class::General,
                Class::General,
                Class::General,
                Class::General,
            ],
        ),
        (
            ScriptRefusal::Unsafe,
            &[Class::Unheeded, Class::Unheeded, Class::Unheeded, Class::General],
        ),
    ] {
        let (plan, said) = refused(SCRIPTS, refusal);
        let mut got: Vec<Class> = said.iter().map(|(class, _)| *class).collect();
        got.sort();
        assert_eq!(got, classes, "{refusal:?} {said:?}");
        assert!(plan.track_scripts.is_empty() && plan.vrrp.scripts.is_empty());
        assert!(plan.vrrp.routers[0].track_scripts.is_empty());
        assert!(plan.notify.instances.is_empty());
        assert!(plan.check.services[0].real_servers[0].checkers.is_empty());
    }
}

/// LVS facts: 11.12
#[test]
fn a_refused_check_is_named_and_its_server_is_as_without_it() {
    for (refusal, line) in [
        (
            ScriptRefusal::NotFound,
            "Disabling misc script /z since not found/accessible",
        ),
        (ScriptRefusal::Unsafe, "Disabling misc script /z due to insecure"),
    ] {
        let (plan, said) = refused(SCRIPTS, refusal);
        assert!(said.iter().any(|(_, said)| said == line), "{said:?}");
        assert_eq!(plan.check.services[0].real_servers.len(), 1);
        assert!(plan.check.services[0].real_servers[0].checkers.is_empty());
    }
}

/// Facts: 13.5
/// LVS facts: 13.4
#[test]
fn scripts_without_security_are_said_once_for_each_half() {
    let (plan, said) = plan(SCRIPTS);
    let violations: Vec<&String> = said
        .iter()
        .filter(|line| line.starts_with("SECURITY VIOLATION"))
        .collect();
    assert_eq!(violations.len(), 2, "{said:?}");
    let checks = "SECURITY VIOLATION - check scripts are being executed but script_security not enabled.";
    assert!(violations.iter().any(|line| line.starts_with(checks)), "{said:?}");
    assert_eq!(plan.track_scripts[0].command.user.as_ref().unwrap().user, "joe");
    assert_eq!(plan.notify.instances["A"].any.as_ref().unwrap().program(), "/y");
}

#[test]
fn commands_are_named_once_with_their_users() {
    let reading = read_str(Path::new("t.conf"), SCRIPTS, &ReadOptions::default());
    let commands = commands(&reading.config);
    let programs: Vec<&str> = commands.iter().map(Command::program).collect();
    assert_eq!(programs, ["/x", "/y", "/z"]);
    assert_eq!(commands[0].user.as_ref().unwrap().user, "joe");
}

#[test]
fn an_interface_may_come_later_only_when_it_is_said() {
    let text =
        "vrrp_instance A {\n interface eth9\n virtual_router_id 1\n virtual_ipaddress {\n 192.0.2.9\n }\n}\n";
    let (without, said) = plan(text);
    assert!(without.vrrp.routers.is_empty());
    assert_eq!(
        said,
        [
            "t.conf:2:12: WARNING - interface eth9 for vrrp_instance A doesn't exist",
            "Non-existent interface specified in configuration"
        ]
    );
    let (with, _) = plan(&format!("global_defs {{\n dynamic_interfaces\n}}\n{text}"));
    assert_eq!(with.vrrp.routers[0].interface.as_str(), "eth9");
    assert!(with.global.dynamic_interfaces);
}

#[test]
fn the_exit_status_is_that_of_the_gravest() {
    let code = |classes: &[Class]| {
        let all: Vec<Diagnostic> = classes
            .iter()
            .map(|class| Diagnostic::new(*class, None, ""))
            .collect();
        exit_code(&all)
    };
    assert_eq!(code(&[]), 0);
    assert_eq!(code(&[Class::Note]), 0);
    assert_eq!(code(&[Class::BadInterface, Class::Note]), 4);
    assert_eq!(code(&[Class::BadInterface, Class::Warning]), 5);
    assert_eq!(code(&[Class::UnknownKeyword]), 5);
    assert_eq!(code(&[Class::Fatal]), 5);
    assert_eq!(code(&[Class::Security, Class::General]), 6);
    assert_eq!(code(&[Class::IncludeFailed]), 6);
    assert_eq!(code(&[Class::MissingParameter, Class::Security]), 2);
}

#[test]
fn announcements_inherit_from_global_defs() {
    let (plan, _) = plan(
        "global_defs {\n vrrp_garp_master_delay 7\n vrrp_garp_master_repeat 3\n}\nvrrp_instance A {\n interface eth0\n \
         virtual_router_id 1\n garp_master_delay 9\n garp_master_repeat 2\n virtual_ipaddress {\n 192.0.2.9\n }\n}\n",
    );
    // As a dump of keepalived 2.2.7 has it.
    let garp = plan.vrrp.routers[0].garp;
    assert_eq!((garp.delay.as_secs(), garp.repeat), (9, 2));
    assert_eq!((garp.lower_prio_delay.as_secs(), garp.lower_prio_repeat), (7, 3));
}

#[test]
fn addresses_that_do_not_fit_into_a_packet_become_excluded() {
    let instance = |family: &str, count: u32| {
        let vips: String = (1..=count)
            .map(|n| match family {
                "6" => format!("fd00::{n:x}\n"),
                _ => format!("10.0.{}.{}\n", n / 250, n % 250 + 1),
            })
            .collect();
        format!(
            "vrrp_instance V {{\n interface eth0\n virtual_router_id 5\n virtual_ipaddress {{\n {vips} }}\n \
             virtual_ipaddress_excluded {{\n 172.16.0.1\n }}\n}}\n"
        )
    };
    // keepalived 2.2.7 says the same of both.
    for (family, count, room) in [("4", 400, 255), ("6", 201, 89)] {
        let (plan, said) = plan(&instance(family, count));
        let router = &plan.vrrp.routers[0];
        let total = usize::try_from(count).unwrap() + 1;
        assert_eq!((router.vips.len(), router.excluded.len()), (room, total - room));
        assert_eq!(router.excluded[total - room - 1].cidr.to_string(), "172.16.0.1");
        let told = format!(
            "(V) Number of VIPs ({count}) exceeds maximum/space available in packet (max {room} addresses) - excess \
             moved to eVIPs"
        );
        assert!(said.iter().any(|line| line.contains(&told)), "{said:?}");
    }
    let (fits, said) = plan(&instance("6", 89));
    assert_eq!(fits.vrrp.routers[0].vips.len(), 89, "{said:?}");
}

/// LVS facts: 15.1
#[test]
fn mails_need_somebody_to_write_to_and_a_relay() {
    let relay = "smtp_server 192.0.2.25\n";
    let somebody = "notification_email {\none@example.com\n}\n";
    for (settings, sent) in [
        (String::new(), false),
        (relay.to_owned(), false),
        (somebody.to_owned(), false),
        (format!("{somebody}{relay}"), true),
    ] {
        let (plan, _) = plan(&format!("global_defs {{\n{settings}}}\n"));
        assert_eq!(plan.notify.mail.is_some(), sent, "{settings}");
        assert_eq!(plan.check.notices.mail, sent, "{settings}");
    }
}
