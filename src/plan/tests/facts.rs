//! What several values of virtual routers mean together, fact by fact: the numbers are those of the founders' notes on
//! the behaviour of VRRP, section 1.

use super::*;
use crate::vrrp::config::HmacMode;
use std::path::PathBuf;

/// A fact, lines of `vrrp_instance A` (interface and VRID are there, and an address unless one is), and what is said.
type Row<'a> = (&'a str, &'a str, &'a [&'a str]);

/// The plan of `text` on a host of which eth2 does not know multicast, tun0 is no Ethernet, and inside is in the VRF red, and
/// what counts of
/// what is said.
fn judge(text: &str) -> (Plan, Vec<String>) {
    let options = ReadOptions {
        test: true,
        ..ReadOptions::default()
    };
    let reading = read_str(Path::new("t.conf"), text, &options);
    let mut host = host(&["eth0", "eth1", "eth2", "tun0", "red", "inside"]);
    host.interfaces[2].multicast = false;
    host.interfaces[3].made.layer = LinkLayer::Other;
    host.interfaces[4].made.kind = LinkKind::Vrf { table: 10 };
    host.interfaces[5].made.master = Some(host.interfaces[4].index);
    host.interfaces[4].addresses.clear();
    host.track_files.insert(
        PathBuf::from("/gone/x"),
        PathFault::Missing("No such file or directory".to_owned()),
    );
    let key = |shared| KeyFile {
        content: Secret(b"0123456789abcdef0123456789abcdef\n".to_vec()),
        shared,
    };
    host.key_files.insert(PathBuf::from("/key"), Ok(key(false)));
    host.key_files.insert(PathBuf::from("/shared"), Ok(key(true)));
    let (plan, more) = build(&reading.config, &host);
    let said = reading.diagnostics.iter().chain(&more);
    let counted = said.filter(|found| !matches!(found.class, Class::Note | Class::Unheeded));
    let said = counted.map(|found| format!("{}: {}", found.topic, found.message));
    (plan, said.collect())
}

fn instance(lines: &str) -> String {
    let there = |keyword: &str| lines.lines().any(|line| line.starts_with(keyword));
    let add = |keyword: &str, line: &'static str| if there(keyword) { "" } else { line };
    format!(
        "vrrp_script S {{\nscript /usr/bin/true\nweight 5\n}}\n\
         track_file F {{\nfile /run/f\n}}\nvrrp_track_process P {{\nprocess sshd\nweight 7\n}}\n\
         bfd_instance N {{\nneighbor_ip 192.0.2.2\n}}\n\
         global_defs {{\nscript_user root\nenable_script_security\n}}\n\
         vrrp_instance A {{\n{}{}{lines}\n{}}}\n",
        add("interface ", "interface eth0\n"),
        add("virtual_router_id", "virtual_router_id 1\n"),
        add("virtual_ipaddress {", "virtual_ipaddress {\n192.0.2.9\n}\n"),
    )
}

fn check(rows: &[Row<'_>]) {
    for (fact, lines, wanted) in rows {
        let (plan, said) = judge(&instance(lines));
        assert_eq!(said, *wanted, "{fact}: {lines}");
        // What is left of it says nothing more.
        let printed = print::print(&plan, true);
        assert_eq!(judge(&printed).0, plan, "{fact}: {lines}\n{printed}");
    }
}

/// Facts: 1.3, 1.4, 1.5, 1.6, 1.7
#[test]
fn facts_1_3_to_1_7_family_version_priority_state_authentication() {
    check(&[
        (
            "1.3",
            "virtual_ipaddress {\n192.0.2.9\nfe80::1\n}",
            &["address-family-mismatch: (A): address family must match VRRP instance [fe80::1] - ignoring"],
        ),
        (
            "1.3",
            "virtual_ipaddress {\n192.0.2.9\n}\nvirtual_ipaddress_excluded {\nfe80::1\n}",
            &[],
        ),
        (
            "1.3",
            "mcast_src_ip fe80::7",
            &[
                "address-family-mismatch: (A): address family must match VRRP instance [192.0.2.9] - ignoring",
                "no-vip: (A) No VIP specified; at least one is required",
            ],
        ),
        (
            "1.4",
            "version 3\nversion 2",
            &["version-strict: (A) vrrp_version 2 conflicts with configured or deduced version 3; ignoring."],
        ),
        (
            "1.4",
            "strict_mode\nversion 2\nvirtual_ipaddress {\nfe80::1\n}",
            &["other: (A) strict mode requires version 3 with IPv6 - resetting"],
        ),
        ("1.4", "version 2\nvirtual_ipaddress {\nfe80::1\n}", &[]),
        (
            "1.5",
            "state MASTER\ntrack_script {\nS\n}",
            &["track-weight-ignored: (A) ignoring tracked script S with weights due to address_owner"],
        ),
        (
            "1.6",
            "strict_mode\nstate MASTER\npriority 100",
            &["address-owner: (A) State MASTER must match being address owner"],
        ),
        (
            "1.6",
            "strict_mode\nstate BACKUP\npriority 255",
            &["address-owner: (A) State MASTER must match being address owner"],
        ),
        (
            "1.7",
            "strict_mode\nauthentication {\nauth_type PASS\nauth_pass x\n}",
            &["auth-unsupported: (A) Strict mode does not support authentication. Ignoring."],
        ),
        (
            "1.7",
            "version 3\nauthentication {\nauth_type PASS\nauth_pass x\n}",
            &["auth-unsupported: (A) VRRP version 3 does not support authentication. Ignoring."],
        ),
        (
            "1.7",
            "authentication {\nauth_type PASS\n}",
            &["auth-unsupported: (A) Authentication specified but no password given. Ignoring"],
        ),
        (
            "1.7",
            "state MASTER\npriority 100\nauthentication {\nauth_type AH\nauth_pass x\n}",
            &["auth-unsupported: (A) Initial state master is incompatible with AH authentication - clearing"],
        ),
    ]);
}

/// Facts: 1.8, 8.9
#[test]
fn facts_1_8_auth_hmac() {
    const KEY: &str = "key 1 0123456789abcdef0123456789abcdef\n";
    let hmac = |lines: &str| format!("auth_hmac {{\n{lines}\n}}");
    for (lines, wanted) in [
        (hmac(&format!("{KEY}active_key 1")), &[][..]),
        (
            hmac(KEY),
            &["other: (A) auth_hmac has no active_key - disabling auth_hmac"],
        ),
        (
            hmac(&format!("{KEY}active_key 2")),
            &["other: (A) auth_hmac active_key 2 is not defined - disabling auth_hmac"],
        ),
        (
            format!(
                "{}\nauthentication {{\nauth_type PASS\nauth_pass x\n}}",
                hmac(&format!("{KEY}active_key 1"))
            ),
            &["auth-unsupported: (A) authentication and auth_hmac specified - ignoring authentication"],
        ),
        (
            format!(
                "strict_mode\n{}",
                hmac(&format!("{KEY}active_key 1\nmode permissive"))
            ),
            &["version-strict: (A) strict mode requires auth_hmac mode enforce - setting"],
        ),
        (hmac("key 1 file:/key\nactive_key 1"), &[]),
        (
            hmac("key 1 file:/shared\nactive_key 1"),
            &["security-violation: (A) auth_hmac key file /shared is readable by group or others"],
        ),
    ] {
        check(&[("1.8", &lines, wanted)]);
    }
    let mode = |mode: &str| {
        let lines = hmac(&format!("{KEY}active_key 1\nmode {mode}"));
        let (plan, _) = judge(&instance(&lines));
        plan.vrrp.routers[0].packets.hmac.as_ref().map(|hmac| hmac.mode)
    };
    assert_eq!(mode("enforce"), Some(HmacMode::Enforce));
    assert_eq!(mode("receive-only"), Some(HmacMode::ReceiveOnly));
    let (plan, _) = judge(&instance(&hmac(&format!("{KEY}active_key 1"))));
    assert!(!print::print(&plan, false).contains("30313233"));
    assert!(!format!("{plan:?}").contains("30313233") && !format!("{plan:?}").contains("48, 49, 50"));
}

/// Facts: 1.9, 1.10, 1.11, 1.12, 1.13
#[test]
fn facts_1_9_to_1_14_unicast_multicast_addresses() {
    check(&[
        (
            "1.9",
            "unicast_src_ip 192.0.2.1",
            &[
                "deprecated: (A) A unicast keyword has been specified without any unicast peers. Defaulting to multicast. This usage is deprecated - please update your configuration.",
            ],
        ),
        ("1.9", "unicast_src_ip 192.0.2.1\nunicast_fault_no_peer", &[]),
        (
            "1.9",
            "check_unicast_src",
            &[
                "deprecated: (A) A unicast keyword has been specified without any unicast peers. Defaulting to multicast. This usage is deprecated - please update your configuration.",
            ],
        ),
        (
            "1.10",
            "strict_mode\nunicast_peer {\n192.0.2.7\n}",
            &["version-strict: (A) Unicast peers are not supported in strict mode"],
        ),
        (
            "1.10",
            "strict_mode\ninterface eth2\nunicast_peer {\n192.0.2.7\n}",
            &[],
        ),
        (
            "1.12",
            "interface eth2",
            &[
                "interface-missing: (A) interface eth2 does not support multicast, specify unicast peers - disabling",
            ],
        ),
        (
            "1.12",
            "interface tun0\nuse_vmac",
            &[
                "vmac-unicast: (A) tun0 is not an Ethernet interface, and cannot have a VMAC or ipvlan - disabling",
            ],
        ),
        (
            "1.12",
            "interface tun0\nuse_ipvlan 192.0.2.7",
            &[
                "vmac-unicast: (A) tun0 is not an Ethernet interface, and cannot have a VMAC or ipvlan - disabling",
            ],
        ),
        (
            "1.13",
            "strict_mode\nvirtual_ipaddress {\n2001:db8::1\n}",
            &["other: (A) the first IPv6 VIP address must be link local"],
        ),
        ("1.13", "virtual_ipaddress {\n2001:db8::1\n}", &[]),
    ]);
    let (_, said) = judge(
        "vrrp_instance A {\nvirtual_router_id 1\nunicast_peer {\n192.0.2.7\n}\nvirtual_ipaddress {\n192.0.2.9\n}\n}\n",
    );
    assert_eq!(
        said,
        ["unicast-without-peers: (A) unicast without interface needs unicast_src_ip"],
        "1.11"
    );
}

/// Without an interface it is the one that has the source, of those in the VRF.
/// Facts: 1.11, 1.12
#[test]
fn facts_1_11_1_12_vrf_and_what_is_no_ethernet() {
    let without = |lines: &str| {
        judge(&format!(
            "vrrp_instance A {{\nvirtual_router_id 1\nunicast_src_ip 192.0.2.1\nunicast_peer {{\n192.0.2.7\n}}\n\
             {lines}\nvirtual_ipaddress {{\n192.0.2.9\n}}\n}}\n"
        ))
    };
    let on = |plan: &Plan| plan.vrrp.routers[0].interface.as_str().to_owned();
    assert_eq!(on(&without("").0), "eth0");
    let (plan, said) = without("vrf red");
    assert_eq!((on(&plan).as_str(), said.as_slice()), ("inside", &[][..]));
    assert_eq!(judge(&print::print(&plan, true)).0, plan);
    let (plan, said) = without("vrf eth1");
    assert_eq!(said, ["interface-missing: (A) VRF interface eth1 not found"]);
    assert!(plan.vrrp.routers.is_empty());
    let (plan, _) = judge(&instance("interface tun0\nuse_vmac"));
    assert!(plan.vrrp.routers[0].config_fault.is_some());
    let (plan, _) = judge(&instance("interface tun0"));
    assert!(plan.vrrp.routers[0].config_fault.is_none());
}

/// Facts: 1.15, 1.16, 1.18, 1.19, 1.20
#[test]
fn facts_1_15_to_1_20_preemption_strictness_intervals() {
    check(&[
        (
            "1.15",
            "nopreempt\npriority 255",
            &["preempt-state: (A) nopreempt is incompatible with priority 255. resetting nopreempt"],
        ),
        (
            "1.15",
            "nopreempt\nstate MASTER\npriority 100",
            &["preempt-state: (A) Warning - nopreempt will not work with initial state MASTER - clearing"],
        ),
        (
            "1.15",
            "preempt_delay 5\nstate MASTER\npriority 100",
            &[
                "preempt-state: (A) Warning - preempt delay will not work with initial state MASTER - clearing",
            ],
        ),
        (
            "1.15",
            "preempt_delay 5\nnopreempt",
            &["preempt-state: (A) preempt_delay is incompatible with nopreempt mode - resetting"],
        ),
        (
            "1.15",
            "preempt_delay 5\nstrict_mode",
            &["preempt-state: (A) preempt_delay is incompatible with strict mode - resetting"],
        ),
        (
            "1.15",
            "timer_expired_backup",
            &["preempt-state: (A) timer_expired_backup requires nopreempt - resetting"],
        ),
        ("1.15", "timer_expired_backup\nnopreempt", &[]),
        (
            "1.15",
            "strict_mode\ndown_timer_adverts 4",
            &["version-strict: (A) down_timer_adverts is incompatible with strict mode - resetting"],
        ),
        (
            "1.16",
            "strict_mode\naccept",
            &[
                "version-strict: (A) warning - accept mode for VRRP version 2 does not comply with RFC3768 - resetting",
            ],
        ),
        ("1.16", "strict_mode\naccept\nversion 3", &[]),
        (
            "1.18",
            "strict_mode\ngarp_lower_prio_repeat 2",
            &["garp: (A) Strict mode requires no repeat garps. resetting"],
        ),
        (
            "1.18",
            "strict_mode\ngarp_lower_prio_delay 2",
            &["garp: (A) Strict mode requires no repeat garp delay. resetting"],
        ),
        (
            "1.18",
            "strict_mode\ngarp_lower_prio_delay 0\ngarp_lower_prio_repeat 0",
            &[],
        ),
        (
            "1.18",
            "strict_mode\nlower_prio_no_advert off",
            &["version-strict: (A) Strict mode requires no lower priority advert. resetting"],
        ),
        (
            "1.18",
            "strict_mode\nhigher_prio_send_advert",
            &["version-strict: (A) strict mode requires higher_prio_send_advert to be clear. resetting"],
        ),
        (
            "1.18",
            "strict_mode\nuse_vmac\nvmac_xmit_base",
            &["version-strict: (A) xmit_base is incompatible with strict mode - resetting"],
        ),
        (
            "1.18",
            "strict_mode\nuse_vmac 02:00:00:00:00:01",
            &["version-strict: (A) cannot specify MAC address with strict mode - clearing"],
        ),
        (
            "1.18",
            "strict_mode\nno_virtual_ipaddress\nvirtual_ipaddress {\n}",
            &["no-vip: (A) No VIP specified; at least one is required"],
        ),
        (
            "1.19",
            "owner_ignore_adverts",
            &["address-owner: (A) owner_ignore_adverts requires priority 255 - resetting"],
        ),
        (
            "1.19",
            "owner_ignore_adverts off\npriority 255",
            &["address-owner: (A) strict_mode with priority 255 requires owner_ignore_adverts"],
        ),
        (
            "1.20",
            "advert_int 1.5",
            &["version-strict: (A) VRRPv2 advertisement interval 1.500000s must be an integer. rounding"],
        ),
        (
            "1.20",
            "advert_int 100\nversion 3",
            &[
                "version-strict: (A) VRRPv3 advertisement interval 100.00s is out of range. Must be less than 40.96s. Setting to 40.95s",
            ],
        ),
        (
            "1.20",
            "advert_int 0.015\nversion 3",
            &[
                "version-strict: (A) VRRPv3 advertisement interval 0.015000s must be a multiple of 10ms. rounding",
            ],
        ),
    ]);
    let (plan, _) = judge(&instance("strict_mode"));
    let router = &plan.vrrp.routers[0];
    assert!(router.lower_prio_no_advert && !router.higher_prio_send_advert);
    assert_eq!(
        (
            router.garp.lower_prio_repeat,
            router.garp.lower_prio_delay.as_secs()
        ),
        (0, 0)
    );
}

/// Facts: 1.22, 1.23, 1.24, 1.25
#[test]
fn facts_1_22_to_1_25_trackers() {
    check(&[
        ("1.22", "track_src_ip", &[]),
        (
            "1.23",
            "track_interface {\neth0\neth1\n}",
            &["track-own-interface: (A) Ignoring track_interface eth0 since own interface"],
        ),
        (
            "1.24",
            "virtual_ipaddress {\n}",
            &["no-vip: (A) No VIP specified; at least one is sensible"],
        ),
        (
            "1.24",
            "version 3\nvirtual_ipaddress {\n}",
            &["no-vip: (A) No VIP specified; at least one is required"],
        ),
        (
            "1.24",
            "version 3\nvirtual_ipaddress {\n}\nno_virtual_ipaddress",
            &[],
        ),
        (
            "1.25",
            "priority 255\ntrack_interface {\neth1 weight 5\n}",
            &["track-weight-ignored: (A) ignoring eth1 tracked interface due to address owner"],
        ),
        (
            "1.25",
            "priority 255\ntrack_process {\nP\n}",
            &["track-weight-ignored: (A) ignoring tracked process P with weight 7 due to address owner"],
        ),
        (
            "1.25",
            "priority 255\ntrack_bfd {\nN weight 5\n}",
            &["track-weight-ignored: (A) ignoring tracked bfd N with weight 5 due to address owner"],
        ),
        (
            "1.25",
            "priority 255\ntrack_file {\nF weight 2\n}",
            &["track-weight-ignored: (A) ignoring tracked file F with weight 2 due to address owner"],
        ),
        ("1.25", "priority 255\ntrack_file {\nF\n}", &[]),
        (
            "grammar 5.10",
            "track_script {\nnone\n}",
            &["track-object-missing: (A) track script none not found, ignoring..."],
        ),
        (
            "grammar 5.10",
            "track_file {\nnone\n}\ntrack_process {\nnone\n}\ntrack_bfd {\nnone\n}",
            &[
                "track-object-missing: (A) track file none not found, ignoring...",
                "track-object-missing: (A) track process none not found, ignoring...",
                "track-object-missing: (A) track bfd none not found, ignoring...",
            ],
        ),
    ]);
    // What is defined below what tracks it is not there, and that is said.
    let text = instance("track_script {\nS\n}");
    let (script, rest) = text.split_once("track_file F").unwrap();
    let (plan, said) = judge(&format!("track_file F{rest}{script}"));
    assert_eq!(
        said,
        ["track-object-missing: (A) track script S not found, ignoring..."]
    );
    assert!(plan.vrrp.routers[0].track_scripts.is_empty());
}

/// Facts: 1.25, 1.26, 15.5
#[test]
fn facts_1_25_and_1_26_sync_groups() {
    let second = |lines: &str| {
        format!(
            "vrrp_instance B {{\ninterface eth1\nvirtual_router_id 2\n{lines}\nvirtual_ipaddress {{\n192.0.2.10\n}}\n}}\n"
        )
    };
    let group = |lines: &str| format!("vrrp_sync_group G {{\ngroup {{\nA\nB\n}}\n{lines}\n}}\n");
    let all = "track_script {\nS\n}\ntrack_interface {\neth2 weight 5\n}\ntrack_file {\nF weight 3\n}\ntrack_process {\nP\n}";
    for (fact, first, other, lines, wanted) in [
        (
            "1.25",
            all,
            "",
            "",
            &[
                "track-weight-ignored: (A) ignoring tracked script S with weights due to SYNC group",
                "track-weight-ignored: (A) ignoring eth2 tracked interface weight due to SYNC group",
                "track-weight-ignored: (A) ignoring tracked file F with weight 3 due to SYNC group",
                "track-weight-ignored: (A) ignoring tracked process P with weight 7 due to SYNC group",
            ][..],
        ),
        ("1.25", all, "", "sync_group_tracking_weight", &[]),
        (
            "1.26",
            "priority 255",
            "priority 255",
            "track_script {\nS\n}\ntrack_file {\nF weight 3\n}",
            &[
                "track-weight-ignored: (G) Cannot have weighted track script 'S' with member having priority 255 - clearing weight",
                "track-weight-ignored: (G) Cannot have weighted track file 'F' with member having priority 255 - clearing weight",
            ],
        ),
        (
            "15.5",
            "priority 255",
            "",
            "",
            &["sync-group: (G) sync group has address owners and others. This won't work."],
        ),
        (
            "1.25",
            "track_interface {\neth2\n}",
            "",
            "track_interface {\neth2\n}",
            &[
                "track-own-interface: (A) track_interface eth2 is configured on VRRP instance and sync group. Remove vrrp instance or sync group config",
            ],
        ),
    ] {
        let text = format!("{}{}{}", instance(first), second(other), group(lines));
        let (plan, said) = judge(&text);
        assert_eq!(said, wanted, "{fact}: {text}");
        let printed = print::print(&plan, true);
        assert_eq!(judge(&printed).0, plan, "{fact}: {printed}");
    }
}

/// Facts: 1.27, 1.29, 9.3, 9.8, 9.12, 14.10
#[test]
fn facts_1_27_to_1_30_duplicates_and_names() {
    let two = |first: &str, second: &str| {
        format!(
            "vrrp_instance A {{\ninterface eth0\nvirtual_router_id 1\n{first}\nvirtual_ipaddress {{\n192.0.2.9\n}}\n}}\n\
             vrrp_instance B {{\ninterface eth0\nvirtual_router_id 1\n{second}\nvirtual_ipaddress {{\n192.0.2.10\n}}\n}}\n"
        )
    };
    let both = "vrid-duplicate: A and B both use VRID 1 with IPv4 on interface eth0";
    for (fact, text, wanted) in [
        ("1.27", two("", ""), &[both][..]),
        ("1.27", two("mcast_dst_ip 224.0.0.77", ""), &[]),
        (
            "1.27",
            two("unicast_peer {\n192.0.2.3\n}", "unicast_peer {\n192.0.2.4\n}"),
            &[],
        ),
        (
            "1.27",
            two(
                "unicast_peer {\n192.0.2.3\n}",
                "unicast_peer {\n192.0.2.4\n192.0.2.3\n}",
            ),
            &[both],
        ),
        (
            "9.3",
            two("use_vmac v1", "use_vmac v1\nmcast_dst_ip 224.0.0.77"),
            &["other: (B) VRRP instance A is already using v1 - ignoring name"],
        ),
        (
            "9.3",
            two("use_vmac eth1", "mcast_dst_ip 224.0.0.77"),
            &[
                "vmac-unicast: (A) interface eth1 already exists and is not a private macvlan; ignoring vmac if_name",
            ],
        ),
        (
            "9.8",
            two("use_vmac\nunicast_peer {\n192.0.2.3\n}", ""),
            &["vmac-unicast: (A) unicast with use_vmac requires vmac_xmit_base - setting"],
        ),
        (
            "9.12",
            two("use_ipvlan", "mcast_dst_ip 224.0.0.77"),
            &[
                "other: (A) IPv4 ipvlan requires a source ip address to be configured. setting instance to fault state",
            ],
        ),
        (
            "1.29",
            format!("{}vrrp_instance A {{\n}}\n", two("", "mcast_dst_ip 224.0.0.77")),
            &["duplicate-definition: vrrp instance A already defined"],
        ),
        (
            "14.10",
            "track_file X {\nfile /gone/x\n}\n".to_owned(),
            &[
                "track-object-empty: track_file X: realpath() error for /gone/x: No such file or directory - ignoring",
            ],
        ),
        (
            "14.10",
            "track_file X {\n}\n".to_owned(),
            &["track-object-empty: No file set for track_file X - ignoring"],
        ),
        (
            "14.11",
            "vrrp_track_process X {\n}\n".to_owned(),
            &["track-object-empty: track process 'X' process name not specified"],
        ),
    ] {
        let (plan, said) = judge(&text);
        assert_eq!(said, wanted, "{fact}: {text}");
        let printed = print::print(&plan, true);
        assert_eq!(judge(&printed).0, plan, "{fact}: {printed}");
    }
}

/// keepalived ends at the first router that cannot be; what it would not have come to is said and does not count.
/// Facts: 1.1, 1.2
#[test]
fn facts_1_1_and_1_2_the_first_router_that_cannot_be_ends_it() {
    let text = "vrrp_instance A {\ninterface eth0\nnopreempt\npriority 255\nvirtual_router_id 1\nvirtual_ipaddress {\n192.0.2.9\n}\n}\n\
                vrrp_instance B {\ninterface eth0\n}\nvrrp_instance C {\nvirtual_router_id 3\n}\n";
    let (plan, said) = judge(text);
    assert_eq!(said, ["vrid-missing: (B) the virtual router id must be set"]);
    assert_eq!(plan.vrrp.routers.len(), 1);
    let (_, said) = judge(&text.replace("interface eth0\nnopreempt", "interface eth9\nnopreempt"));
    assert_eq!(
        said,
        [
            "interface-missing: WARNING - interface eth9 for vrrp_instance A doesn't exist",
            "interface-missing: Non-existent interface specified in configuration",
        ]
    );
}

/// Facts: 1.14
#[test]
fn facts_1_14_addresses_beyond_the_room_of_an_advert_are_excluded() {
    let with = |version: u8, lines: &str, addresses: &[String]| {
        let list = addresses.join("\n");
        judge(&instance(&format!(
            "version {version}\n{lines}\nvirtual_ipaddress {{\n{list}\n}}"
        )))
    };
    let v4: Vec<_> = (0..300)
        .map(|n| format!("10.0.{}.{}", n / 250, n % 250 + 1))
        .collect();
    let v6: Vec<_> = (1..=100).map(|n| format!("fe80::{n:x}")).collect();
    let hmac = "auth_hmac {\nkey 1 0123456789abcdef0123456789abcdef\nactive_key 1\nmode permissive\n}";
    for (version, lines, addresses, room) in [
        // A count has one octet.
        (2, "", &v4, 255),
        // (1500 - 14 - 40 - 8) / 16, and with 28 octets of the trailer.
        (3, "", &v6, 89),
        (3, hmac, &v6, 88),
    ] {
        let (plan, said) = with(version, lines, addresses);
        let router = &plan.vrrp.routers[0];
        let listed = |specs: &[crate::net::AddressSpec]| -> Vec<String> {
            specs.iter().map(|spec| spec.cidr.addr.to_string()).collect()
        };
        assert_eq!(listed(&router.vips), addresses[..room]);
        assert_eq!(listed(&router.excluded), addresses[room..], "in their order");
        assert!(
            said.iter().any(|line| line.contains("excess moved to eVIPs")),
            "{said:?}"
        );
        let (plan, said) = with(version, lines, &addresses[..room]);
        assert_eq!(plan.vrrp.routers[0].vips.len(), room);
        assert_eq!(said, [""; 0]);
    }
}

/// Facts: 1.30
#[test]
fn facts_1_30_what_nobody_tracks_is_not_run() {
    let (plan, _) = judge(&instance(""));
    assert!(plan.vrrp.scripts.is_empty(), "S is tracked by nobody");
    let (plan, _) = judge(&instance("track_script {\nS\n}"));
    assert_eq!(plan.vrrp.scripts[0].name, "S");
}

/// Facts: 5.11
#[test]
fn facts_5_11_routers_of_one_socket_add_up_their_buffers() {
    let b = "vrrp_instance B {\ninterface eth0\nvirtual_router_id 2\nvirtual_ipaddress {\n10.0.0.8\n10.0.0.9\n}\n}\n";
    for (global, own, octets, mtus) in [
        ("", "", 0, 0),
        ("", "kernel_rx_buf_size 5000", 5_000, 0),
        ("vrrp_rx_bufs_policy 4000", "", 8_000, 0),
        ("vrrp_rx_bufs_policy 4000", "kernel_rx_buf_size 5000", 9_000, 0),
        ("vrrp_rx_bufs_policy MTU", "kernel_rx_buf_size 5000", 5_000, 3),
        ("vrrp_rx_bufs_policy MTU\nvrrp_rx_bufs_multiplier 2", "", 0, 4),
        // IP's header, eight octets, one address or two, eight of authentication.
        ("vrrp_rx_bufs_policy ADVERT", "", 3 * (40 + 44), 0),
        (
            "vrrp_rx_bufs_policy ADVERT\nvrrp_rx_bufs_multiplier 5",
            "",
            5 * (40 + 44),
            0,
        ),
    ] {
        let (plan, said) = judge(&format!("global_defs {{\n{global}\n}}\n{}{b}", instance(own)));
        assert_eq!(said, [""; 0]);
        let [endpoint] = &crate::vrrp::endpoint::endpoints(&plan.vrrp)[..] else {
            panic!("one socket for both");
        };
        let buffer = endpoint.rx_buffer;
        assert_eq!((buffer.octets, buffer.mtus), (octets, mtus), "{global}, {own}");
    }
}
