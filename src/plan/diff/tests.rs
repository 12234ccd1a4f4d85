use super::*;
use crate::conf::{ReadOptions, read_str};
use crate::plan::build;
use crate::plan::tests::host;
use std::fmt::Write as _;
use std::path::Path;

fn plan(text: &str) -> Plan {
    let options = ReadOptions {
        test: true,
        ..ReadOptions::default()
    };
    let reading = read_str(Path::new("t.conf"), text, &options);
    let (plan, said) = build(&reading.config, &host(&["eth0", "eth1"]));
    assert!(!crate::plan::is_fatal(&said), "{said:?}");
    assert_eq!(reading.diagnostics, []);
    plan
}

/// What becomes of `BASE` when `old` in it is `new`.
fn edited(old: &str, new: &str) -> PlanDiff {
    assert!(BASE.contains(old), "{old}");
    diff(&plan(BASE), &plan(&BASE.replacen(old, new, 1)))
}

/// The fates of objects, in few words.
fn fates(diff: &PlanDiff) -> Vec<String> {
    let fate = |object: &ObjectDiff| {
        let fate = match &object.fate {
            Fate::Comes(_) => "+",
            Fate::Goes(_) => "-",
            Fate::Changes(_) => "~",
            Fate::BeginsAnew { .. } => "!",
        };
        format!("{fate} {} {}", object.kind.word(), object.name)
    };
    diff.objects.iter().map(fate).collect()
}

const BASE: &str = "global_defs {
router_id A
lvs_sync_daemon eth0 VI_1 id 5
lvs_timeouts tcp 900
nftables one
reload_repeat
}
vrrp_script S {
script /usr/bin/true
interval 2
rise 2
}
bfd_instance B {
neighbor_ip 192.0.2.3
min_rx 100
}
vrrp_sync_group G {
group {
VI_1
VI_2
}
}
vrrp_instance VI_1 {
interface eth0
state BACKUP
virtual_router_id 51
priority 100
advert_int 1
preempt_delay 5
garp_master_delay 3
authentication {
auth_type PASS
auth_pass oldword
}
virtual_ipaddress {
10.0.0.1/24
10.0.0.2/24
}
virtual_routes {
10.1.0.0/16 via 192.0.2.254
}
notify_master /usr/bin/true
}
vrrp_instance VI_2 {
interface eth1
virtual_router_id 52
advert_int 1
unicast_src_ip 192.0.2.1
unicast_peer {
192.0.2.2
}
virtual_ipaddress {
10.0.0.9/24
}
}
vrrp_instance VI_3 {
interface eth1
version 3
virtual_router_id 53
advert_int 2
virtual_ipaddress {
10.0.0.30/24
}
track_interface {
eth0 weight 10
}
track_script {
S
}
}
virtual_server_group web {
10.0.0.1 80
10.0.0.2 80
}
virtual_server group web {
lvs_sched rr
lvs_method NAT
protocol TCP
delay_loop 5
quorum 1
real_server 10.2.0.1 8080 {
weight 1
TCP_CHECK {
connect_timeout 3
}
}
real_server 10.2.0.2 8080 {
weight 2
}
}
";

/// Setting, what it is in `BASE`, what it becomes, and the class that `docs/reload.md` has for it.
const CASES: &[(&str, &str, &str, Effect)] = &[
    (
        "vrrp_instance",
        "vrrp_instance VI_3 {",
        "vrrp_instance VI_9 {",
        Effect::Live,
    ),
    ("priority", "priority 100", "priority 90", Effect::Live),
    ("state", "state BACKUP", "state MASTER", Effect::Live),
    (
        "preempt_delay",
        "preempt_delay 5",
        "preempt_delay 6",
        Effect::Live,
    ),
    (
        "garp_master_delay",
        "garp_master_delay 3",
        "garp_master_delay 4",
        Effect::Live,
    ),
    (
        "virtual_ipaddress",
        "10.0.0.9/24\n",
        "10.0.0.9/24\n10.0.0.10/24\n",
        Effect::Live,
    ),
    (
        "another prefix, label or interface of an address",
        "10.0.0.9/24",
        "10.0.0.9/25",
        Effect::Flaps,
    ),
    (
        "virtual_routes",
        "10.1.0.0/16 via 192.0.2.254\n",
        "",
        Effect::Live,
    ),
    (
        "another form of a route",
        "via 192.0.2.254",
        "via 192.0.2.253",
        Effect::Flaps,
    ),
    (
        "unicast_peer",
        "192.0.2.2\n",
        "192.0.2.2\n192.0.2.4\n",
        Effect::Live,
    ),
    ("track_interface", "weight 10", "weight 11", Effect::Live),
    ("track_script", "track_script {\nS\n}\n", "", Effect::Live),
    (
        "notify_master",
        "notify_master /usr/bin/true",
        "notify_master /usr/bin/false",
        Effect::Live,
    ),
    (
        "advert_int",
        "advert_int 1\n",
        "advert_int 3\n",
        Effect::PeerMustFollow,
    ),
    (
        "advert_int of version 3",
        "advert_int 2\n",
        "advert_int 3\n",
        Effect::Live,
    ),
    (
        "authentication",
        "auth_pass oldword",
        "auth_pass newword",
        Effect::PeerMustFollow,
    ),
    ("version", "version 3\n", "version 2\n", Effect::PeerMustFollow),
    (
        "virtual_router_id",
        "virtual_router_id 51",
        "virtual_router_id 61",
        Effect::Flaps,
    ),
    (
        "interface",
        "interface eth0\nstate",
        "interface eth1\nstate",
        Effect::Flaps,
    ),
    (
        "unicast_src_ip",
        "unicast_src_ip 192.0.2.1",
        "unicast_src_ip 192.0.2.7",
        Effect::Flaps,
    ),
    ("group", "VI_1\nVI_2\n", "VI_1\nVI_2\nVI_3\n", Effect::Live),
    ("interval", "interval 2", "interval 3", Effect::Live),
    ("rise", "rise 2", "rise 3", Effect::Live),
    ("min_rx", "min_rx 100", "min_rx 200", Effect::Live),
    (
        "neighbor_ip",
        "neighbor_ip 192.0.2.3",
        "neighbor_ip 192.0.2.5",
        Effect::Flaps,
    ),
    ("router_id", "router_id A", "router_id Z", Effect::Live),
    (
        "lvs_timeouts",
        "lvs_timeouts tcp 900",
        "lvs_timeouts tcp 901",
        Effect::Live,
    ),
    ("lvs_sync_daemon", "id 5", "id 6", Effect::Flaps),
    ("nftables", "nftables one", "nftables two", Effect::Restart),
    (
        "net_namespace",
        "global_defs {\n",
        "net_namespace blue\nglobal_defs {\n",
        Effect::Restart,
    ),
    (
        "instance",
        "global_defs {\n",
        "instance one\nglobal_defs {\n",
        Effect::Restart,
    ),
    ("reload_repeat", "reload_repeat\n", "", Effect::Live),
    ("lvs_sched", "lvs_sched rr", "lvs_sched wrr", Effect::Live),
    ("quorum", "quorum 1", "quorum 2", Effect::Live),
    ("weight", "weight 2\n", "weight 3\n", Effect::Live),
    (
        "lvs_method",
        "weight 2\n",
        "weight 2\nlvs_method TUN\n",
        Effect::Flaps,
    ),
    (
        "connect_timeout",
        "connect_timeout 3",
        "connect_timeout 4",
        Effect::Live,
    ),
    (
        "virtual_server_group",
        "10.0.0.2 80\n",
        "10.0.0.2 80\n10.0.0.3 80\n",
        Effect::Live,
    ),
    (
        "the name of a vrrp_sync_group",
        "vrrp_sync_group G {",
        "vrrp_sync_group H {",
        Effect::Live,
    ),
    (
        "the name of a virtual_server_group",
        "group web {",
        "group shop {",
        Effect::Live,
    ),
];

#[test]
fn every_setting_has_the_class_of_the_documentation() {
    let page = include_str!("../../../docs/reload.md");
    let rows: Vec<&str> = page
        .lines()
        .filter(|line| {
            line.starts_with("| `") || line.starts_with("| the ") || line.starts_with("| another ")
        })
        .collect();
    let mut missing = String::new();
    for (setting, old, new, effect) in CASES {
        let found = if *setting == "the name of a virtual_server_group" {
            diff(
                &plan(BASE),
                &plan(&BASE.replace(old, new).replace("_group web", "_group shop")),
            )
        } else {
            edited(old, new)
        };
        if found.effect() != Some(*effect) || found.objects.len() > 4 {
            let _ = writeln!(missing, "{setting}: not {}: {}", effect.word(), found.text());
        }
        let name = match setting.split_once(" of version") {
            Some((keyword, rest)) => format!("`{keyword}` of version{rest}"),
            None if setting.contains(' ') => (*setting).to_owned(),
            None => format!("`{setting}`"),
        };
        let row = format!("| {name} | {} |", effect.word());
        if !rows.iter().any(|line| line.starts_with(&row)) {
            let _ = writeln!(missing, "{row}");
        }
    }
    assert!(
        missing.is_empty(),
        "docs/reload.md and the plans differ:\n{missing}"
    );
    assert_eq!(
        rows.len(),
        CASES.len(),
        "docs/reload.md has rows that nothing shows"
    );
}

#[test]
fn the_same_configuration_changes_nothing() {
    let base = plan(BASE);
    let found = diff(&base, &base);
    assert!(found.is_empty() && found.is_hitless(), "{}", found.text());
    // global_defs, 3 instances, group, script, session, group, virtual server, 2 real servers, a checker.
    assert_eq!(found.untouched, 12);
    assert_eq!(found.effect(), None);
    assert_eq!(found.text(), "Nothing changes; 12 objects untouched\n");
}

#[test]
fn another_order_of_objects_is_no_change() {
    let at = BASE.find("vrrp_instance VI_3").unwrap();
    let end = BASE.find("virtual_server_group").unwrap();
    let (third, rest) = (&BASE[at..end], format!("{}{}", &BASE[..at], &BASE[end..]));
    let first = rest.find("vrrp_instance VI_1").unwrap();
    let turned = format!("{}{third}{}", &rest[..first], &rest[first..]);
    assert_ne!(turned, BASE);
    let found = diff(&plan(BASE), &plan(&turned));
    assert!(found.is_empty(), "{}", found.text());
}

#[test]
fn a_renamed_instance_goes_on_and_its_group_is_the_same() {
    let renamed = BASE.replace("VI_2", "VI_B");
    let found = diff(&plan(BASE), &plan(&renamed));
    assert_eq!(fates(&found), ["~ vrrp_instance VI_B"], "{}", found.text());
    assert!(found.is_hitless());
    assert!(
        found.text().contains("~ vrrp_instance: VI_2 -> VI_B"),
        "{}",
        found.text()
    );
    // A group, too.
    let found = edited("vrrp_sync_group G {", "vrrp_sync_group H {");
    assert_eq!(fates(&found), ["~ vrrp_sync_group H"]);
    assert!(found.is_hitless());
}

#[test]
fn the_same_name_with_another_key_begins_anew_and_says_why() {
    let found = edited("virtual_router_id 51", "virtual_router_id 61");
    assert_eq!(fates(&found), ["! vrrp_instance VI_1"]);
    let text = found.text();
    assert!(
        text.contains("! VI_1: begins anew (virtual_router_id: 51 -> 61)"),
        "{text}"
    );
    let warnings: Vec<String> = found.warnings().collect();
    assert_eq!(
        warnings,
        ["vrrp_instance VI_1: begins anew (virtual_router_id: 51 -> 61)"]
    );
}

/// Who is refused a reload reads in one line why, however much there is.
#[test]
fn what_is_in_the_way_is_named_and_the_rest_counted() {
    let many = |change: bool| {
        let mut text = String::new();
        for n in 1..=9 {
            let vrid = if change && n <= 7 { n + 100 } else { n };
            let priority = if change { 90 } else { 100 };
            let _ = writeln!(
                text,
                "vrrp_instance VI_{n} {{\ninterface eth1\nversion 3\nvirtual_router_id {vrid}\npriority {priority}\n\
                 virtual_ipaddress {{\n10.0.{n}.1/24\n}}\n}}"
            );
        }
        plan(&text)
    };
    let found = diff(&many(false), &many(true));
    let named: Vec<String> = (1..=5)
        .map(|n| {
            format!(
                "vrrp_instance VI_{n}: begins anew (virtual_router_id: {n} -> {})",
                n + 100
            )
        })
        .collect();
    assert_eq!(found.obstacles(), format!("{}; and 2 more", named.join("; ")));
    // What only peers must follow is not in the way.
    let found = edited("auth_pass oldword", "auth_pass newword");
    assert!(found.is_hitless() && found.warnings().count() == 1);
    assert_eq!(found.obstacles(), "");
    let refused = edited("global_defs {\n", "instance one\nglobal_defs {\n");
    assert!(
        refused.obstacles().contains("instance"),
        "{}",
        refused.obstacles()
    );
}

#[test]
fn an_address_that_moves_is_named_as_such_on_both_sides() {
    let moved = BASE.replacen("10.0.0.1/24\n", "", 1).replacen(
        "10.0.0.9/24\n",
        "10.0.0.9/24\n10.0.0.1/24 dev eth0\n",
        1,
    );
    let found = diff(&plan(BASE), &plan(&moved));
    let text = found.text();
    assert!(
        text.contains("- virtual_ipaddress: 10.0.0.1/24 dev eth0 scope global (moves to VI_2)"),
        "{text}"
    );
    assert!(
        text.contains("! virtual_ipaddress: 10.0.0.1/24 dev eth0 scope global (moves here from VI_1)"),
        "{text}"
    );
    assert_eq!(found.effect(), Some(Effect::Flaps));
    // To one that comes, from one that goes.
    let other = BASE.replacen(
        "vrrp_instance VI_3 {\ninterface eth1\nversion 3\nvirtual_router_id 53",
        "vrrp_instance VI_4 {\ninterface eth1\nversion 3\nvirtual_router_id 54",
        1,
    );
    let found = diff(&plan(BASE), &plan(&other));
    assert_eq!(fates(&found), ["- vrrp_instance VI_3", "+ vrrp_instance VI_4"]);
    assert_eq!(found.effect(), Some(Effect::Flaps), "{}", found.text());
}

#[test]
fn what_comes_and_goes_is_no_flap() {
    let without = &BASE[..BASE.find("virtual_server_group").unwrap()];
    let found = diff(&plan(BASE), &plan(without));
    assert!(
        fates(&found).contains(&"- virtual_server [web]:0".to_owned()),
        "{}",
        found.text()
    );
    assert!(found.is_hitless(), "{}", found.text());
    assert!(diff(&plan(without), &plan(BASE)).is_hitless());
}

#[test]
fn secrets_are_never_shown() {
    let found = edited("auth_pass oldword", "auth_pass newword");
    for text in [
        found.text(),
        found.brief(),
        found.json().to_string(),
        format!("{found:?}"),
    ] {
        assert!(!text.contains("oldword") && !text.contains("newword"), "{text}");
    }
    assert!(
        found
            .text()
            .contains("authentication: another value (the peer must follow"),
        "{}",
        found.text()
    );
}

#[test]
fn the_document_has_a_version_and_every_change() {
    let document = edited("10.0.0.9/24\n", "10.0.0.8/24\n").json();
    assert_eq!(document["schema"], 1);
    assert_eq!(document["hitless"], true);
    assert_eq!(document["effect"], "live");
    assert_eq!(document["summary"]["change"], 1);
    let object = &document["objects"][0];
    assert_eq!(
        (&object["kind"], &object["fate"]),
        (&"vrrp_instance".into(), &"changes".into())
    );
    assert_eq!(
        object["changes"][0]["removed"],
        "10.0.0.9/24 dev eth1 scope global"
    );
    assert_eq!(object["changes"][1]["added"], "10.0.0.8/24 dev eth1 scope global");
    let refused = edited("global_defs {\n", "instance one\nglobal_defs {\n").json();
    assert!(refused["refused"].as_str().unwrap().contains("instance"));
}

/// Who serves is no matter of the quorum's number alone.
#[test]
fn a_sorry_server_that_takes_over_is_an_interruption() {
    let with = |weights: [u32; 2], sorry: &str| {
        let mut text =
            format!("virtual_server 192.0.2.9 80 {{\nlvs_sched rr\nlvs_method NAT\nprotocol TCP\n{sorry}\n");
        for (n, weight) in weights.iter().enumerate() {
            let _ = writeln!(text, "real_server 10.0.0.{n} 80 {{\nweight {weight}\n}}");
        }
        plan(&(text + "}\n"))
    };
    let sorry = "sorry_server 10.0.0.9 80";
    let said = |old: &Plan, new: &Plan| {
        let found = diff(old, new);
        let effect = found.effect();
        let lines = found.text();
        let line = lines.lines().find(|line| line.contains("sorry_server:"));
        (effect, line.unwrap_or_default().trim().to_owned())
    };
    let (some, none) = (with([1, 0], sorry), with([0, 0], sorry));
    assert_eq!(
        said(&some, &none),
        (
            Some(Effect::Flaps),
            "! sorry_server: in reserve -> serves (all its servers together are below the quorum)".to_owned()
        )
    );
    assert_eq!(
        said(&none, &some),
        (
            Some(Effect::Live),
            "~ sorry_server: serves -> in reserve (its servers serve again)".to_owned()
        )
    );
    // Without one nothing is done.
    let nobody = (Some(Effect::Live), String::new());
    assert_eq!(said(&with([1, 0], ""), &with([0, 0], "")), nobody);
    assert_eq!(said(&some, &with([1, 1], sorry)), nobody);
    // Between the limits of a hysteresis it is as it was, which no configuration says.
    let patient = |weight| with([weight, 0], "quorum 3\nhysteresis 2\nsorry_server 10.0.0.9 80");
    assert_eq!(said(&patient(4), &patient(3)).1, "");
}

/// Two links with one MAC cannot be on one interface: the router is in FAULT until the old one is gone.
#[test]
fn a_virtual_mac_under_another_name_is_an_interruption() {
    let with = |link: &str| {
        plan(&format!(
            "vrrp_instance V {{\ninterface eth1\nversion 3\nvirtual_router_id 9\n{link}\nvirtual_ipaddress {{\n10.0.9.1/24 dev eth0\n}}\n}}\n"
        ))
    };
    let effect = |old: &str, new: &str| diff(&with(old), &with(new)).effect();
    assert_eq!(effect("use_vmac one", "use_vmac two"), Some(Effect::Flaps));
    assert_eq!(effect("use_vmac one", "use_vmac one"), None);
    assert_eq!(effect("use_ipvlan one", "use_ipvlan two"), Some(Effect::Live));
}

/// Ten thousand real servers, of which one has another weight: one object changes, and no other is named.
#[test]
fn one_of_ten_thousand() {
    let many = |weight: u32| {
        let mut text =
            "virtual_server 192.0.2.9 80 {\nlvs_sched rr\nlvs_method NAT\nprotocol TCP\n".to_owned();
        for n in 0..10_000_u32 {
            let weight = if n == 7_777 { weight } else { 1 };
            let _ = writeln!(
                text,
                "real_server 10.{}.{}.1 80 {{\nweight {weight}\nTCP_CHECK {{\nconnect_timeout 3\n}}\n}}",
                n / 250,
                n % 250,
            );
        }
        plan(&(text + "}\n"))
    };
    let (old, new) = (many(1), many(2));
    let found = diff(&old, &new);
    assert_eq!(
        fates(&found),
        ["~ real_server [10.31.27.1]:tcp:80 of [192.0.2.9]:tcp:80"]
    );
    // global_defs, the virtual server, the other servers, all checkers.
    assert_eq!(found.untouched, 1 + 1 + 9_999 + 10_000);
}
