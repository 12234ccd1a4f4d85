//! Against the dump of keepalived 2.2.7 for the same file.

use super::*;
use crate::conf::{ReadOptions, read_str};
use crate::net::{IfIndex, IfName, InterfaceStatus};
use crate::plan::{Host, Plan, build};
use std::path::Path;

fn plan(text: &str) -> Plan {
    let reading = read_str(Path::new("t.conf"), text, &ReadOptions::default());
    let interface = |(index, name): (u32, &str)| InterfaceStatus {
        name: IfName::new(name).unwrap(),
        index: IfIndex(index),
        mac: None,
        mtu: 1500,
        up: true,
        multicast: true,
        noarp: false,
        loopback: false,
        addresses: Vec::new(),
        made: crate::net::LinkTraits::default(),
    };
    let host = Host {
        interfaces: [(1, "eth0"), (2, "eth1")].map(interface).into(),
        ..Host::default()
    };
    build(&reading.config, &host).0
}

const FILE: &str = "\
track_group TG {
    group {
        VI
    }
}
static_ipaddress {
    192.0.2.50/24 dev eth0 scope link
    192.0.2.51 dev eth0 track_group TG
    2001:db8::50/64 dev eth0 home
    192.0.2.52/24 dev eth1 no_track
    192.0.2.60 peer 192.0.2.61 dev eth0
    2001:db8::51/64 dev eth0 preferred_lft 300
    2001:db8::52/64 dev eth0 -nodad autojoin
    192.0.2.101 home mngtmpaddr noprefixroute dev eth1
}
static_routes {
    10.1.0.0/16 via 192.0.2.9 dev eth0 metric 7
    10.2.0.0/16 dev eth0 scope link table 20 src 192.0.2.1
    2001:db8:77::/48 via 2001:db8::9 dev eth0
    blackhole 10.3.0.0/16
    10.4.0.0/16 nexthop via 192.0.2.9 dev eth0 weight 3 nexthop via 192.0.2.10 dev eth0 weight 4
    unreachable 10.5.0.0/16 metric 9
    10.4.0.0/16 via 192.0.2.9 dev eth0 table 33 mtu 1400 tos 8
    10.5.0.0/16 via 192.0.2.9 dev eth0 metric 9 track_group TG
    10.6.0.0/16 dev eth1 mtu lock 1300 advmss 1200 initcwnd 10 quickack 1 congctl cubic features ecn onlink
    10.7.0.0/16 dev eth1 hoplimit 9 window 5 cwnd lock 7 ssthresh 8 reordering 3 initrwnd 4 fastopen_no_cookie 1 realms 3/4
    2001:db8:78::/48 via 2001:db8::9 dev eth0 pref high expires 100 from 2001:db8::/64
    append 10.9.0.0/16 dev eth0
    add default via 192.0.2.9 dev eth0 table 40
    10.10.0.0/16 encap ip id 5 dst 1.2.3.4 src 1.2.3.5 ttl 7 tos 8 flags 9 dev eth0
    10.20.0.0/16 dev eth0 rtt 30ms rttvar 20ms rto_min 5ms
}
static_rules {
    from 10.1.0.0/16 table 20 priority 100
    to 10.2.0.0/16 table 21 priority 101
    from 2001:db8::/32 iif eth0 table 22 priority 102
    from 10.9.0.0/16 fwmark 3/7 blackhole priority 103
    from 10.7.0.0/16 goto 200 priority 106
    from 10.7.0.0/16 suppress_prefixlength 4 suppress_ifgroup 3 table 9 priority 108
    not from 10.8.0.0/16 tos 16 oif eth1 lookup 30 preference 104
    ipproto tcp sport 10-20 dport 5-6 uidrange 5-6 realms 3/4 table 9 priority 107 from 10.0.0.0/8
    from 10.7.0.0/16 tunnel-id 6 table 9 priority 108
    from 10.7.0.0/16 fwmark 9 nop priority 109
    from 10.7.0.0/16 unreachable priority 112
}
";

/// keepalived's.
const WANTED: &str = "\
------< Static Addresses >------
     192.0.2.50/24 dev eth0 scope link
     192.0.2.51 dev eth0 scope global track_group TG
     2001:db8::50/64 dev eth0 scope global home preferred_lft forever
     192.0.2.52/24 dev eth1 scope global no_track
     192.0.2.60 dev eth0 scope global peer 192.0.2.61/32
     2001:db8::51/64 dev eth0 scope global preferred_lft 300
     2001:db8::52/64 dev eth0 scope global -nodad autojoin preferred_lft forever
     192.0.2.101 dev eth1 scope global home mngtmpaddr noprefixroute
------< Static Routes >------
     prepend 10.1.0.0/16 via inet 192.0.2.9 dev eth0 proto 18 metric 7
     prepend 10.2.0.0/16 src 192.0.2.1 dev eth0 table 20 proto 18 scope 253
     prepend 2001:db8:77::/48 via inet6 2001:db8::9 dev eth0 proto 18
     add blackhole 10.3.0.0/16 proto 18 no_track
     prepend 10.4.0.0/16 proto 18 nexthop via inet 192.0.2.9 dev eth0 weight 3 nexthop via inet 192.0.2.10 dev eth0 weight 4 no_track
     add unreachable 10.5.0.0/16 proto 18 metric 9 no_track
     prepend 10.4.0.0/16 tos 8 via inet 192.0.2.9 dev eth0 table 33 proto 18 mtu 1400
     prepend 10.5.0.0/16 via inet 192.0.2.9 dev eth0 proto 18 metric 9 track_group TG
     prepend 10.6.0.0/16 dev eth1 proto 18 onlink congctl cubic features ecn mtu lock 1300 advmss 1200 initcwnd 10 quickack 1
     prepend 10.7.0.0/16 dev eth1 proto 18 realms 3/4 window 5 ssthresh 8 cwnd lock 7 reordering 3 hoplimit 9 initrwnd 4 fastopen_no_cookie 1
     prepend 2001:db8:78::/48 from 2001:db8::/64 via inet6 2001:db8::9 dev eth0 proto 18 expires 100sec pref high
     append 10.9.0.0/16 dev eth0 proto 18
     add 0.0.0.0/0 via inet 192.0.2.9 dev eth0 table 40 proto 18
     prepend 10.10.0.0/16 encap ip id 5 dst 1.2.3.4 src 1.2.3.5 tos 8 ttl 7 flags 0x9 dev eth0 proto 18
     prepend 10.20.0.0/16 dev eth0 proto 18 rtt 200ms rttvar 200ms rto_min 200ms
------< Static Rules >------
     from 10.1.0.0/16 priority 100 tos 0x0 protocol 18 lookup 20
     from all to 10.2.0.0/16 priority 101 tos 0x0 protocol 18 lookup 21
     from 2001:db8::/32 priority 102 tos 0x0 iif eth0 protocol 18 lookup 22
     from 10.9.0.0/16 priority 103 tos 0x0 fwmark 0x3/0x7 protocol 18 type blackhole
     from 10.7.0.0/16 priority 106 tos 0x0 protocol 18 goto 200
     from 10.7.0.0/16 priority 108 tos 0x0 suppress_prefixlen 4 suppress_ifgroup 3 protocol 18 lookup 9
     not from 10.8.0.0/16 priority 104 tos 0x10 oif eth1 protocol 18 lookup 30
     from 10.0.0.0/8 priority 107 tos 0x0 uidrange 5-6 protocol 18 ipproto 6 sport 10-20 dport 5-6 realms 3/4 lookup 9
     from 10.7.0.0/16 priority 108 tos 0x0 tunnel-id 6 protocol 18 lookup 9
     from 10.7.0.0/16 priority 109 tos 0x0 fwmark 0x9 protocol 18 nop
     from 10.7.0.0/16 priority 112 tos 0x0 protocol 18 type unreachable
------< Static Track groups >------
 Static Track Group = TG
   VRRP member instances :
     VI
";

#[test]
fn what_is_static_is_shown_as_keepalived_does() {
    let plan = plan(&format!(
        "{FILE}vrrp_instance VI {{\n interface eth0\n virtual_router_id 1\n virtual_ipaddress {{\n 192.0.2.100\n }}\n}}\n"
    ));
    let mut sheet = Sheet::default();
    statics(&mut sheet, &plan.vrrp);
    for (ours, wanted) in sheet.0.lines().zip(WANTED.lines()) {
        assert_eq!(ours, wanted);
    }
    assert_eq!(sheet.0.lines().count(), WANTED.lines().count());
}

#[test]
fn nothing_static_has_no_heading() {
    let mut sheet = Sheet::default();
    statics(&mut sheet, &VrrpConfig::default());
    assert_eq!(sheet.0, "");
}
