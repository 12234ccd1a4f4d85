//! The layouts below were held against what keepalived 2.2.7 wrote for the same settings, with 2.4.3's labels.

use super::*;
use crate::clock::Instant;
use crate::conf::config::Global;
use crate::daemon::vrrp_plane::PlaneNumbers;
use crate::net::{AddressSpec, Cidr, Family, IfIndex, IfName, InterfaceAddress, Mac};
use crate::notify::config::{NotifyConfig, NotifyScripts};
use crate::script::config::{Command, RunAs, ScriptPolicy};
use crate::script::safety::Prepared;
use crate::track::config::{ParamMatch, ProcessConfig, TrackScriptConfig};
use crate::vrrp::config::*;
use crate::vrrp::status::{Counters, GroupStatus, RouterStatus, ScriptStatus, StateName};
use crate::vrrp::{Priority, RouterId, Vrid, VrrpConfig};

fn name(name: &str) -> IfName {
    IfName::new(name).unwrap()
}

fn vip(addr: &str, prefix: u8) -> AddressSpec {
    AddressSpec::new(Cidr::new(addr.parse().unwrap(), prefix).unwrap(), name("veth1"))
}

fn command(words: &str) -> Command {
    Command {
        argv: words.split(' ').map(str::to_owned).collect(),
        user: None,
    }
}

fn backup() -> RouterConfig {
    RouterConfig {
        name: "VB".into(),
        vrid: Vrid::new(51).unwrap(),
        family: Family::V4,
        version: Version::V2,
        interface: name("veth1"),
        initial: InitialState::Backup,
        priority: Priority(50),
        advert_int: Duration::from_secs(1),
        down_timer_adverts: 3,
        nopreempt: false,
        preempt_delay: Duration::from_millis(7500),
        auth: Auth::Pass(*b"qwaszx\0\0"),
        source: None,
        transport: Transport::Multicast {
            group: "224.0.0.18".parse().unwrap(),
        },
        garp: GarpConfig {
            repeat: 2,
            lower_prio_repeat: 2,
            ..GarpConfig::default()
        },
        drift_repair: None,
        lower_prio_no_advert: false,
        higher_prio_send_advert: false,
        vips: vec![vip("10.9.0.10", 24)],
        excluded: Vec::new(),
        routes: Vec::new(),
        rules: Vec::new(),
        track_interfaces: Vec::new(),
        track_scripts: Vec::new(),
        objects: Default::default(),
        dont_track_primary: false,
        notices: Notices::default(),
        check_unicast_src: false,
        packets: PacketConfig::default(),
        config_fault: None,
        link: None,
        no_accept: false,
        election: ElectionRules::default(),
    }
}

fn fault() -> RouterConfig {
    RouterConfig {
        name: "VF".into(),
        vrid: Vrid::new(99).unwrap(),
        version: Version::V3,
        family: Family::V6,
        advert_int: Duration::from_millis(500),
        priority: Priority(100),
        nopreempt: true,
        preempt_delay: Duration::ZERO,
        auth: Auth::None,
        source: Some("fe80::9".parse().unwrap()),
        transport: Transport::Unicast {
            peers: vec!["fe80::1".parse().unwrap()],
            ttl: 255,
        },
        lower_prio_no_advert: true,
        higher_prio_send_advert: true,
        vips: vec![vip("fe80::52", 128), vip("fd00::52", 64)],
        excluded: vec![vip("10.9.9.1", 32)],
        routes: Vec::new(),
        rules: Vec::new(),
        track_interfaces: vec![TrackedInterface {
            interface: name("veth9"),
            weight: -5,
            reverse: true,
        }],
        track_scripts: vec![TrackedScript {
            script: "bad".into(),
            weight: 0,
            reverse: false,
        }],
        dont_track_primary: true,
        check_unicast_src: true,
        ..backup()
    }
}

fn plan() -> Plan {
    Plan {
        global: Global {
            router_id: Some("R2".into()),
            scripts: ScriptPolicy {
                default_user: Some(RunAs {
                    user: "daemon".into(),
                    group: None,
                }),
                security: true,
                ..ScriptPolicy::default()
            },
            ..Global::default()
        },
        vrrp: VrrpConfig {
            log_unknown_vrids: false,
            routers: vec![backup(), fault()],
            groups: vec![SyncGroupConfig {
                name: "G1".into(),
                members: vec!["VB".into()],
                track_interfaces: Vec::new(),
                track_scripts: vec![TrackedScript {
                    script: "bad".into(),
                    weight: 7,
                    reverse: true,
                }],
                objects: Default::default(),
            }],
            scripts: Vec::new(),
            statics: crate::net::Goods::default(),
            track_groups: Vec::new(),
            promote_secondaries: Vec::new(),
            links: Vec::new(),
            firewall: FirewallConfig::default(),
            states_on_reload: false,
            start_delay: StartDelay::default(),
            garp_groups: Vec::new(),
            link_delays: Vec::new(),
        },
        track_scripts: vec![TrackScriptConfig {
            name: "bad".into(),
            command: command("/usr/bin/false a"),
            interval: Duration::from_millis(500),
            timeout: Duration::from_secs(3),
            weight: -10,
            reverse: false,
            rise: 1,
            fall: 2,
        }],
        notify: NotifyConfig {
            instances: [(
                "VB".to_owned(),
                NotifyScripts {
                    master: Some(command("/bin/true m")),
                    any: Some(command("/bin/true all")),
                    ..NotifyScripts::default()
                },
            )]
            .into(),
            ..NotifyConfig::default()
        },
        ..Plan::default()
    }
}

fn interfaces() -> Vec<InterfaceStatus> {
    let address = |addr: &str| InterfaceAddress {
        cidr: Cidr::new(addr.parse().unwrap(), 24).unwrap(),
        tentative: false,
    };
    vec![InterfaceStatus {
        name: name("veth1"),
        index: IfIndex(2),
        mac: Some(Mac([0x36, 0x2c, 0x20, 0x5b, 0xd5, 0x8e])),
        mtu: 1500,
        up: true,
        multicast: true,
        noarp: false,
        loopback: false,
        addresses: vec![
            address("10.9.0.2"),
            address("10.8.0.3"),
            address("fd00::2"),
            address("fe80::9"),
        ],
        made: crate::net::LinkTraits::default(),
    }]
}

fn status() -> VrrpStatus {
    let now = Instant::from_micros(100_000_000);
    let router = |config: RouterConfig, state| RouterStatus {
        announced: Vec::new(),
        id: RouterId(1),
        effective_priority: config.priority,
        source: config.source,
        config,
        state,
        faults: Vec::new(),
        master: None,
        interval: Duration::from_secs(1),
        last_transition: None,
        last_advert_sent: None,
        deadline: None,
        holding: false,
        counters: Counters::default(),
    };
    let heard = RouterStatus {
        source: Some("10.9.0.2".parse().unwrap()),
        master: Some(("10.9.0.1".parse().unwrap(), Priority(150))),
        last_transition: Some(Instant::from_micros(90_000_000)),
        deadline: Some(Instant::from_micros(103_500_000)),
        counters: Counters {
            advert_rcvd: 1,
            advert_sent: 2,
            become_master: 3,
            release_master: 4,
            packet_len_err: 5,
            ip_ttl_err: 6,
            invalid_type_rcvd: 7,
            advert_interval_err: 8,
            addr_list_err: 9,
            invalid_authtype: 10,
            authtype_mismatch: 11,
            auth_failure: 12,
            auth_ext_missing: 15,
            auth_ext_malformed: 16,
            auth_ext_unknown_key: 17,
            auth_ext_invalid_hmac: 18,
            auth_ext_stale: 19,
            auth_ext_replay: 20,
            pri_zero_rcvd: 13,
            pri_zero_sent: 14,
            checksum_err: 15,
            version_err: 16,
            interval_mismatch: 17,
            unknown_peer: 18,
        },
        ..router(backup(), StateName::Backup)
    };
    let down = RouterStatus {
        faults: vec!["script bad".into()],
        ..router(fault(), StateName::Fault)
    };
    VrrpStatus {
        now,
        unknown_vrid: 0,
        routers: vec![heard, down],
        groups: vec![GroupStatus {
            name: "G1".into(),
            state: StateName::Backup,
            members: vec!["VB".into()],
        }],
        scripts: vec![ScriptStatus {
            name: "bad".into(),
            result: 0,
            good: Some(false),
        }],
    }
}

fn dumps<T>(scene: impl FnOnce(&Facts<'_>, &Live<'_>) -> T) -> T {
    let (plan, interfaces, status, running) = (plan(), interfaces(), status(), ["bad".to_owned()].into());
    let mut scripts = Scripts::default();
    for words in ["/bin/true m", "/bin/true all", "/usr/bin/false a"] {
        let script = Prepared {
            program: "/bin/true".into(),
            argv: Vec::new(),
            who: Credentials { uid: 1, gid: 2 },
        };
        scripts.insert(command(words), script);
    }
    let facts = Facts {
        plan: &plan,
        hostname: "host",
        umask: 0o177,
        interfaces: &interfaces,
        namespace: None,
        scripts: &scripts,
        reload_due: None,
    };
    let wall = Wall(Duration::from_secs(1_795_262_448));
    scene(
        &facts,
        &Live {
            status: &status,
            wall,
            running: &running,
            processes: &[(
                "P".to_owned(),
                Tally {
                    current: 2,
                    have_quorum: true,
                    gaining: false,
                    losing: true,
                },
            )]
            .into(),
            numbers: PlaneNumbers {
                lateness_last: Duration::from_micros(40),
                lateness_max: Duration::from_micros(900),
                deadlines: 7,
                ..PlaneNumbers::default()
            },
        },
    )
}

#[test]
fn the_global_section() {
    let want = "\
------< Global definitions >------
 Network namespace = (default)
 Network namespace ipvs = (main namespace)
 Replace symlinks in script paths
 Router ID = R2
 Default smtp_alert = unset
 Default smtp_alert_vrrp = unset
 Default smtp_alert_checker = unset
 Checkers log all failures = false
 No test config before reload
 keep script symlinks = false
 Dynamic interfaces = false
 Disable local IGMP = no
 Use VRRPv2 checksum for VRRPv3 IPv4 = no
 LVS flush = false
 LVS flush on stop = disabled
 FIFO write vrrp states on reload = false
 VRRP notify priority changes = false
 VRRP IPv4 mcast group = 224.0.0.18
 VRRP IPv6 mcast group = ff02::12
 Gratuitous ARP delay = 5
 Gratuitous ARP repeat = 5
 Gratuitous ARP refresh timer = 0
 Gratuitous ARP refresh repeat = 1
 Gratuitous ARP lower priority delay = 5
 Gratuitous ARP lower priority repeat = 5
 Num adverts before down = 3
 Gratuitous ARP for each secondary VMAC = 0s
 Send advert after receive lower priority advert = true
 Send advert after receive higher priority advert = false
 Gratuitous ARP interval = 0.000000
 Gratuitous NA interval = 0.000000
 VRRP default protocol version = 2
 nftables without counters
 VRRP check unicast_src = false
 VRRP skip check advert addresses = false
 VRRP strict mode = false
 Max auto priority = Disabled
 Min auto priority delay = 1000000 usecs
 VRRP process priority = 0
 VRRP don't swap = false
 VRRP realtime priority = 0
 VRRP realtime limit = 10000
 Checker process priority = 0
 Checker don't swap = false
 Checker realtime priority = 0
 Checker realtime limit = 10000
 BFD process priority = 0
 BFD don't swap = false
 BFD realtime priority = 0
 BFD realtime limit = 10000
 SNMP vrrp disabled
 SNMP checker disabled
 SNMP RFCv2 disabled
 SNMP RFCv3 disabled
 SNMP traps disabled
 SNMP socket = default (unix:/var/agentx/master)
 SNMP VS stats update interval = 5.000000
 SNMP RS stats update interval = 5.000000
 DBus disabled
 DBus service name =\x20
 Script security enabled
 Default script uid:gid 1:2
 vrrp_netlink_cmd_rcv_bufs = 0
 vrrp_netlink_cmd_rcv_bufs_force = 0
 vrrp_netlink_monitor_rcv_bufs = 0
 vrrp_netlink_monitor_rcv_bufs_force = 0
 process_monitor_rcv_bufs = 0
 process_monitor_rcv_bufs_force = 0
 lvs_netlink_cmd_rcv_bufs = 0
 lvs_netlink_cmd_rcv_bufs_force = 0
 lvs_netlink_monitor_rcv_bufs = 0
 lvs_netlink_monitor_rcv_bufs_force = 0
 rs_init_notifies = 0
 no_checker_emails = 0
 rx_bufs_multiples = 3
 umask = 0177
 json_version 1
 iproute usr directory (none)
 iproute etc directory (none)
";
    dumps(|facts, _| {
        assert_eq!(parent_file(facts), want);
        let nothing = CheckStatus {
            now: Instant::from_micros(0),
            virtual_servers: Vec::new(),
            punctuality: Default::default(),
        };
        assert_eq!(check_file(facts, &nothing), want);
    });
}

#[test]
fn a_running_pair_of_instances() {
    let wall = |micros| status().now - Duration::from_micros(100_000_000) + Duration::from_micros(micros);
    let at = |micros| Wall(Duration::from_secs(1_795_262_448)).at(status().now, wall(micros));
    let want = format!(
        "\
------< VRRP Topology >------
 VRRP Instance = VB
   VRRP Version = 2
   Sync group = G1
   State = BACKUP
   Master router = 10.9.0.1
   Master priority = 150
   Flags: none
   Wantstate = BACKUP
   Number of config faults = 0
   Number of tracker faults = 0
   Number of track scripts init = 0
   Last transition = {}
   Read timeout = {}
   Master down timer = 3804687 usecs
   Interface = veth1
   Using src_ip = 10.9.0.2
   Multicast address 224.0.0.18
   Gratuitous ARP delay = 5
   Gratuitous ARP repeat = 2
   Gratuitous ARP refresh = 0
   Gratuitous ARP refresh repeat = 1
   Gratuitous ARP lower priority delay = 5
   Gratuitous ARP lower priority repeat = 2
   Down timer adverts = 3
   Send advert after receive lower priority advert = true
   Send advert after receive higher priority advert = false
   Virtual Router ID = 51
   Priority = 50
   Effective priority = 50
   Total priority = 50
   Advert interval = 1 sec
   Accept = enabled
   Preempt = enabled
   Preempt delay = 7.5 secs
   Promote_secondaries = disabled
   Authentication type = SIMPLE_PASSWORD
   Password = ********
   Virtual IP (1):
     10.9.0.10/24 dev veth1 scope global
   Using smtp notification = no
   Notify deleted = Fault
   Master state transition script = '/bin/true' 'm', uid:gid 1:2
   Generic state transition script = '/bin/true' 'all', uid:gid 1:2
   Notify priority changes = false
 VRRP Instance = VF
   VRRP Version = 3
   Using Native IPv6
   State = FAULT
   Flags:
     Using unicast
   Wantstate = FAULT
   Number of config faults = 0
   Number of tracker faults = 1
   Faults :
     script bad
   Number of track scripts init = 0
   Last transition = {}
   Read timeout = DISABLED
   Master down timer = 3609375 usecs
   Interface = veth1
   VRRP interface tracking disabled
   Using src_ip = fe80::9 (from configuration)
   Gratuitous ARP delay = 5
   Gratuitous ARP repeat = 2
   Gratuitous ARP refresh = 0
   Gratuitous ARP refresh repeat = 1
   Gratuitous ARP lower priority delay = 5
   Gratuitous ARP lower priority repeat = 2
   Down timer adverts = 3
   Send advert after receive lower priority advert = false
   Send advert after receive higher priority advert = true
   Virtual Router ID = 99
   Priority = 100
   Effective priority = 100
   Total priority = 100
   Advert interval = 500 milli-sec
   Accept = enabled
   Preempt = disabled
   Promote_secondaries = disabled
   Virtual IP (2):
     fe80::52 dev veth1 scope global deprecated
     fd00::52/64 dev veth1 scope global preferred_lft forever
   Virtual IP Excluded :
     10.9.9.1 dev veth1 scope global
   Unicast TTL = 255
   Check unicast src : yes
   Unicast Peer :
     fe80::1 min_ttl 0 max_ttl 255
   Unicast checksum compatibility = no
   Tracked interfaces :
     veth9 weight -5 reverse
   Tracked scripts :
     bad weight 0
   Using smtp notification = no
   Notify deleted = Fault
   Notify priority changes = false
------< VRRP Sync groups >------
 VRRP Sync Group = G1, BACKUP
   Num member fault 0, num member init 0
   VRRP member instances :
     VB
   Using smtp notification = no
   Tracked scripts :
     bad weight 7 reverse
------< VRRP Scripts >------
 VRRP Script = bad
   Command = '/usr/bin/false' 'a'
   Interval = 0.5 sec
   Timeout = 3 sec
   Weight = -10
   Rise = 1
   Fall = 2
   Result = 0
   Init state = unknown
   Status = BAD
   Script uid:gid = 1:2
   VRRP instances :
   Tracking instances :
     VF, weight 0
     VB, weight 7 reverse
   State = running
------< Interfaces >------
 Name = veth1
   index = 2
   IPv4 address = 10.9.0.2
   Additional IPv4 addresses :
     10.8.0.3
   IPv6 address = fe80::9
   MAC = 36:2c:20:5b:d5:8e
   State = UP, RUNNING
   MTU = 1500
   Tracking VRRP instances :
     VB, weight 0
",
        at(90_000_000),
        at(103_500_000),
        Wall(Duration::ZERO)
    );
    let text = dumps(vrrp_file);
    let (_, vrrp) = text.split_at(text.find("------< VRRP Topology").unwrap());
    assert_eq!(vrrp, want);
    assert!(text.starts_with("------< Global definitions >------\n"));
}

/// What only a running engine knows is not in the dump of the configuration.
#[test]
fn the_configuration_alone() {
    let text = dumps(|facts, _| configuration(facts, None));
    let lines: Vec<_> = text.lines().collect();
    for label in [
        "   State =",
        "   Last transition",
        "   Effective priority",
        "   Result",
        "   Num member",
    ] {
        let of_interface = |line: &str| line == "   State = UP, RUNNING";
        assert!(
            !lines
                .iter()
                .any(|line| line.starts_with(label) && !of_interface(line)),
            "{label}"
        );
    }
    assert!(lines.contains(&"   Wantstate = BACKUP"));
    assert!(lines.contains(&"   Priority = 50"));
    assert!(
        !lines.iter().any(|line| line.contains("qwaszx")),
        "the password is nowhere"
    );
}

#[test]
fn held_addresses_are_marked() {
    let mut status = status();
    status.routers[0].state = StateName::Master;
    status.routers[0].holding = true;
    status.routers[0].last_advert_sent = Some(status.now);
    let text = dumps(|facts, live| {
        vrrp_file(
            facts,
            &Live {
                status: &status,
                ..*live
            },
        )
    });
    assert!(text.contains("     10.9.0.10/24 dev veth1 scope global set\n"));
    assert!(text.contains("   Last advert sent = 1795262448.000000\n"));
    assert!(!text.contains("Master router"));
}

#[test]
fn nothing_configured_has_no_headings() {
    let plan = Plan::default();
    let facts = Facts {
        plan: &plan,
        hostname: "host",
        umask: 0o22,
        interfaces: &[],
        namespace: None,
        scripts: &Scripts::default(),
        reload_due: None,
    };
    let text = configuration(&facts, None);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.iter().filter(|line| line.starts_with("------<")).count(), 1);
    assert!(lines.contains(&" Router ID = host") && lines.contains(&" umask = 022"));
}

#[test]
fn statistics() {
    let want = "\
VRRP Instance: VB
  Advertisements:
    Received: 1
    Sent: 2
  Became master: 3
  Released master: 4
  Packet Errors:
    Length: 5
    TTL: 6
    Invalid Type: 7
    Advertisement Interval: 8
    Address List: 9
  Authentication Errors:
    Invalid Type: 10
    Type Mismatch: 11
    Failure: 12
  Authentication Extension Errors:
    Missing: 15
    Malformed: 16
    Unknown Key: 17
    Invalid HMAC: 18
    Stale: 19
    Replay: 20
  Priority Zero:
    Received: 13
    Sent: 14
VRRP Instance: VF
";
    let text = stats::text(&status());
    assert!(text.starts_with(want), "{text}");
    assert_eq!(text.lines().count(), 52);
}

/// `json_version` decides between a list and an object; passwords are masked; without instances there is nothing.
///
/// Facts: 2.1
#[test]
fn json_of_a_pair_of_instances() {
    let text = dumps(json_text).unwrap();
    assert!(text.ends_with("]\n") && text.lines().count() == 1, "{text}");
    assert!(!text.contains("qwaszx"));
    let list: serde_json::Value = serde_json::from_str(&text).unwrap();
    let (heard, down) = (&list[0]["data"], &list[1]["data"]);
    for (key, wanted) in [
        ("iname", serde_json::json!("VB")),
        ("vrid", 51.into()),
        ("state", 1.into()),
        ("wantstate", 1.into()),
        ("master_priority", 150.into()),
        ("preempt_delay", 7.into()),
        ("vips", serde_json::json!(["10.9.0.10/24 dev veth1 scope global"])),
        ("script_master", "'/bin/true' 'm'".into()),
        ("auth_type", 1.into()),
        ("auth_data", "********".into()),
    ] {
        assert_eq!(heard[key], wanted, "{key}");
    }
    assert_eq!((&down["adver_int"], &down["state"]), (&0.5.into(), &3.into()));
    assert_eq!(down["track_script"], serde_json::json!(["'/usr/bin/false' 'a'"]));
    assert_eq!(list[0]["stats"]["pri_zero_sent"], 14);

    let (mut plan, status) = (plan(), status());
    plan.global.dumps.json_version = Some(2);
    plan.track_processes = vec![ProcessConfig {
        name: "P".into(),
        program: "/opt/w".into(),
        parameters: vec!["-a".into()],
        param_match: Some(ParamMatch::Initial),
        full_command: false,
        weight: 5,
        reverse: true,
        quorum: 1,
        quorum_max: Some(3),
        terminate_delay: Duration::from_secs(4),
        fork_delay: Duration::from_secs(2),
    }];
    let object = dumps(|facts, live| {
        json_text(
            &Facts {
                plan: &plan,
                ..*facts
            },
            live,
        )
    })
    .unwrap();
    let object: serde_json::Value = serde_json::from_str(&object).unwrap();
    assert_eq!(object["vrrp"], list);
    let process = serde_json::json!([{
        "process": "/opt/w", "parameters": "-a", "param_match": "initial", "min_processes": 1, "max_processes": 3,
        "current_processes": 2, "have_quorum": true, "weight": -5, "terminate_delay": 4, "fork_delay": 2,
        "fork_delay_timer_running": false, "terminate_delay_timer_running": true, "full_command": false,
    }]);
    assert_eq!(object["track_process"], process);
    let thread = serde_json::json!({ "lateness": 40, "lateness_max": 900, "deadlines": 7 });
    assert_eq!(object["vrrp_thread"], thread);
    let turns = serde_json::json!({ "still": 0, "standstills": 0, "longest": 0 });
    let stands = serde_json::json!({ "still": 7, "standstills": 2, "longest": 9 });
    assert_eq!(
        object["threads"],
        serde_json::json!({ "vrrp": stands, "check": turns })
    );
    let labelled = dumps(|facts, live| {
        vrrp_file(
            &Facts {
                plan: &plan,
                ..*facts
            },
            live,
        )
    });
    assert!(
        labelled.contains("Current processes = 2\n   Have quorum = "),
        "{labelled}"
    );
    let nothing = VrrpStatus {
        routers: Vec::new(),
        ..status
    };
    let none = dumps(|facts, live| {
        json_text(
            facts,
            &Live {
                status: &nothing,
                ..*live
            },
        )
    });
    assert_eq!(none, None);
}

fn json_text(facts: &Facts<'_>, live: &Live<'_>) -> Option<String> {
    let vrrp = Standing {
        still: Some(Duration::from_secs(7)),
        standstills: 2,
        longest: Duration::from_secs(9),
        ..Standing::new("vrrp")
    };
    json::text(
        facts,
        Some(live),
        None,
        &Default::default(),
        &[vrrp, Standing::new("check")],
    )
}
