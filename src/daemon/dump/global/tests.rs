//! Every setting at once, against the dump of keepalived 2.2.7 for the same file.

use super::*;
use crate::conf::{ReadOptions, read_str};
use crate::plan::{Host, build};
use crate::script::Scripts;
use std::path::Path;

const FILE: &str = r#"net_namespace_ipvs
global_defs {
  router_id R
  process_names
  notification_email { 
    a@b.c
    "A B <d@e.f>"
  }
  notification_email_from x@y.z
  smtp_server 127.0.0.1 2525
  smtp_helo_name hh
  smtp_connect_timeout 20
  smtp_alert on
  smtp_alert_vrrp off
  no_email_faults
  checker_log_all_failures
  reload_check_config /tmp/x.log
  reload_time_file /tmp/rt
  reload_repeat
  reload_file /tmp/rf
  data_use_instance
  startup_script "/usr/bin/true a"
  startup_script_timeout 5
  shutdown_script "/usr/bin/true b"
  shutdown_script_timeout 6
  dynamic_interfaces allow_if_changes
  lvs_timeouts tcp 100 tcpfin 20 udp 30
  default_interface eth1
  disable_local_igmp
  lvs_sync_daemon eth0 VI id 11 maxlen 1400 port 8850 ttl 9 group 224.0.0.81
  lvs_flush
  lvs_flush_on_stop VS
  vrrp_notify_fifo /tmp/vf root
  vrrp_notify_fifo_script "/usr/bin/true v"
  notify_fifo /tmp/gf
  lvs_notify_fifo /tmp/lf
  fifo_write_vrrp_states_on_reload
  vrrp_notify_priority_changes
  vrrp_garp_extra_if all 7
  nftables kt
  nftables_priority -5
  nftables_counters
  nftables_ifindex
  nftables_ipvs ki
  nftables_ipvs_priority 3
  nftables_ipvs_start_fwmark 77
  vrrp_skip_check_adv_addr
  max_auto_priority 20
  min_auto_priority_delay 2000
  vrrp_priority -5
  vrrp_no_swap
  vrrp_rt_priority 10
  vrrp_cpu_affinity 0 1
  vrrp_rlimit_rttime 5000
  checker_priority 3
  enable_snmp_vrrp
  enable_traps
  snmp_socket unix:/tmp/s
  enable_dbus
  dbus_service_name org.a.b
  vrrp_netlink_cmd_rcv_bufs 4096
  vrrp_netlink_cmd_rcv_bufs_force on
  rs_init_notifies
  no_checker_emails
  vrrp_rx_bufs_policy MTU
  vrrp_rx_bufs_multiplier 4
  umask IRUSR|IWUSR
  vrrp_startup_delay 0.5
  log_unknown_vrids
  vmac_prefix vm
  vmac_addr_prefix va
  vrrp_process_name vpn
  state_dump_file state.txt
  stats_dump_file /s
  json_dump_file /j
  json_version 2
  iproute_etc_dir /etc/rt
}
instance one
"#;

/// keepalived's lines, but for: the version of a library that we do not link, `allow_if_changes`, accounts (nobody has
/// looked at the scripts here), what applies where it shows 4294967295, and what came after 2.2.7.
const WANTED: &str = "\
------< Global definitions >------
 Network namespace = (default)
 Network namespace ipvs = (default)
 Instance name = one
 VRRP process name = vpn
 LVS process name = keepalived_lvs
 BFD process name = keepalived_bfd
 Replace symlinks in script paths
 Router ID = R
 Smtp server = 127.0.0.1
 Smtp server port = 2525
 Smtp HELO name = hh
 Smtp server connection timeout = 20
 Email notification from = x@y.z
 Email notification to:
   a@b.c
   A B <d@e.f>
 Default smtp_alert = on
 Default smtp_alert_vrrp = off
 Default smtp_alert_checker = unset
 Checkers log all failures = true
 Test config before reload, log to /tmp/x.log
 Reload time file = /tmp/rt (repeat)
 No reload scheduled
 Reload_file = /tmp/rf
 keep script symlinks = false
 Use instance name in data dumps
 Startup script = '/usr/bin/true' 'a', timeout 5
 Shutdown script = '/usr/bin/true' 'b' timeout 6
 Dynamic interfaces = true
 Send emails for fault transitions = off
 LVS TCP timeout = 100
 LVS TCP FIN timeout = 20
 LVS TCP timeout = 30
 Disable local IGMP = yes
 Use VRRPv2 checksum for VRRPv3 IPv4 = no
 LVS syncd vrrp name = VI
 LVS syncd interface = eth0
 LVS syncd syncid = 11
 LVS syncd maxlen = 1400
 LVS mcast group 224.0.0.81
 LVS syncd mcast port = 8850
 LVS syncd mcast ttl = 9
 LVS flush = true
 LVS flush on stop = VS
 Global notify fifo = /tmp/gf
 VRRP notify fifo = /tmp/vf
 VRRP notify fifo script = '/usr/bin/true' 'v'
 LVS notify fifo = /tmp/lf
 FIFO write vrrp states on reload = true
 VRRP notify priority changes = true
 VRRP IPv4 mcast group = 224.0.0.18
 VRRP IPv6 mcast group = ff02::12
 Gratuitous ARP delay = 5
 Gratuitous ARP repeat = 5
 Gratuitous ARP refresh timer = 0
 Gratuitous ARP refresh repeat = 1
 Gratuitous ARP lower priority delay = 5
 Gratuitous ARP lower priority repeat = 5
 Num adverts before down = 3
 Gratuitous ARP for each secondary i/f = 7s
 Send advert after receive lower priority advert = true
 Send advert after receive higher priority advert = false
 Gratuitous ARP interval = 0.000000
 Gratuitous NA interval = 0.000000
 VRRP default protocol version = 2
 nftables table name = kt
 nftables base chain priority = -5
 nftables force use ifindex for link local IPv6
 ipvs nftables table name = ki
 ipvs nftables base chain priority = 3
 ipvs nftables start fwmark = 77
 nftables with counters
 VRRP check unicast_src = false
 VRRP skip check advert addresses = true
 VRRP strict mode = false
 Max auto priority = 20
 Min auto priority delay = 2000 usecs
 VRRP process priority = -5
 VRRP don't swap = true
 VRRP realtime priority = 10
 VRRP CPU Affinity = 0 1
 VRRP realtime limit = 5000
 Checker process priority = 3
 Checker don't swap = false
 Checker realtime priority = 0
 Checker realtime limit = 10000
 BFD process priority = 0
 BFD don't swap = false
 BFD realtime priority = 0
 BFD realtime limit = 10000
 SNMP vrrp enabled
 SNMP checker disabled
 SNMP RFCv2 disabled
 SNMP RFCv3 disabled
 SNMP traps enabled
 SNMP socket = unix:/tmp/s
 SNMP VS stats update interval = 5.000000
 SNMP RS stats update interval = 5.000000
 DBus enabled
 DBus service name = org.a.b
 Script security disabled
 vrrp_netlink_cmd_rcv_bufs = 4096
 vrrp_netlink_cmd_rcv_bufs_force = 1
 vrrp_netlink_monitor_rcv_bufs = 0
 vrrp_netlink_monitor_rcv_bufs_force = 0
 process_monitor_rcv_bufs = 0
 process_monitor_rcv_bufs_force = 0
 lvs_netlink_cmd_rcv_bufs = 0
 lvs_netlink_cmd_rcv_bufs_force = 0
 lvs_netlink_monitor_rcv_bufs = 0
 lvs_netlink_monitor_rcv_bufs_force = 0
 rs_init_notifies = 1
 no_checker_emails = 1
 rx_bufs_policy = MTU
 rx_bufs_multiples = 4
 umask = 0600
 vrrp_startup_delay = 0.5
 log_unknown_vrids
 VMAC prefix = vm
 VMAC address prefix = va
 json_version 2
 iproute usr directory (none)
 iproute etc directory /etc/rt
 state dump file state.txt
 stats dump file /s
 json dump file /j
";

#[test]
fn every_setting_is_shown_as_keepalived_does() {
    let reading = read_str(Path::new("t.conf"), FILE, &ReadOptions::default());
    let (plan, _) = build(&reading.config, &Host::default());
    let facts = Facts {
        plan: &plan,
        hostname: "host",
        umask: 0o600,
        interfaces: &[],
        namespace: None,
        scripts: &Scripts::default(),
        reload_due: None,
    };
    let text = section(&facts, Kind::Parent);
    for (ours, wanted) in text.lines().zip(WANTED.lines()) {
        assert_eq!(ours, wanted);
    }
    assert_eq!(text.lines().count(), WANTED.lines().count());
}
