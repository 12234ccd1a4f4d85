//! The file that every keyword is put into, and what is made of it.

use std::collections::BTreeMap;
use std::path::Path;
use steadfast::conf::diag::Diagnostic;
use steadfast::conf::{self, ReadOptions};
use steadfast::net::{Cidr, IfIndex, IfName, InterfaceAddress, InterfaceStatus, LinkKind, LinkTraits};
use steadfast::plan::{self, Host, Plan};

/// A file with a place (`<Block>`) in every block that a keyword may stand in.
pub(crate) const SITE: &str = r#"
<Root>
global_defs {
    script_user nobody
    <GlobalDefs>
}
garp_group {
    gna_interval 3
    <GarpGroup>
}
track_group T {
    <TrackGroup>
}
track_group U {
    group {
        A
    }
}
static_ipaddress {
    198.51.100.200 <AddressEntry>
}
static_routes {
    198.51.100.0/24 dev eth0 <RouteEntry>
    192.0.2.0/25 via 192.0.2.7 <RouteEntry>
}
static_rules {
    iif eth0 table 200 preference 70 <RuleEntry>
}
vrrp_track_process P {
    process /usr/sbin/sshd
    <TrackProcess>
}
vrrp_track_process Q {
    <TrackProcess>
}
track_file F {
    file /run/f
    <TrackFile>
}
track_file H {
    <TrackFile>
}
bfd_instance N {
    neighbor_ip 192.0.2.2
    <BfdInstance>
}
SSL {
    <Ssl>
}
vrrp_script S {
    script "/usr/bin/true"
    <VrrpScript>
}
vrrp_script R {
    script "/usr/bin/true"
    weight 5 reverse
}
vrrp_instance A {
    interface eth0
    virtual_router_id 1
    virtual_ipaddress {
        192.0.2.9/24 <AddressEntry>
    }
    virtual_routes {
        203.0.113.0/24 dev eth0 <RouteEntry>
        2001:db8:1::/64 dev eth0 <RouteEntry>
        <RouteEntry>
    }
    virtual_rules {
        from 203.0.113.0/24 table 100 preference 50 <RuleEntry>
        from 2001:db8:1::/64 table 100 preference 50 <RuleEntry>
        preference 60 <RuleEntry>
        from 198.51.100.0/24 table 100 <RuleEntry>
    }
    track_interface {
        eth1
    }
    track_script {
        S weight 5
    }
    <Instance>
}
vrrp_instance B {
    interface eth1
    virtual_router_id 2
    virtual_ipaddress {
        192.0.2.10/24
    }
    authentication {
        auth_type PASS
        auth_pass one
        <Authentication>
    }
    track_script {
        S weight 5
    }
}
vrrp_instance C {
    interface eth1
    virtual_router_id 3
    priority 100
    virtual_ipaddress {
        fe80::9/64 <AddressEntry>
    }
    <Instance>
}
vrrp_instance D {
    interface eth1
    virtual_router_id 4
    unicast_peer {
        192.0.2.77
    }
    track_interface {
        eth0 <TrackEntry>
    }
    track_script {
        S
        R <TrackEntry>
    }
    <Instance>
}
vrrp_instance E {
    interface eth2
    virtual_router_id 5
    <Instance>
    virtual_ipaddress {
        192.0.2.11
    }
    auth_hmac {
        key 1 0123456789abcdef0123456789abcdef
        active_key 1
        <AuthHmac>
    }
}
vrrp_instance I {
    virtual_router_id 6
    unicast_src_ip 192.0.2.1
    unicast_peer {
        192.0.2.78
    }
    <Instance>
    virtual_ipaddress {
        192.0.2.12
    }
}
vrrp_sync_group G {
    group {
        A
        B
    }
    <SyncGroup>
}
vrrp_sync_group K {
    <SyncGroup>
}
virtual_server 192.0.2.80 80 {
    protocol TCP
    lb_kind NAT
    lb_algo sh
    <VirtualServer>
    real_server 198.51.100.1 80 {
        weight 5
        <RealServer>
        TCP_CHECK {
            <TcpCheck>
        }
        HTTP_GET {
            <HttpGet>
            url {
                path /
                <HttpUrl>
            }
        }
        SSL_GET {
            <SslGet>
            url {
                path /
                <SslUrl>
            }
        }
        MISC_CHECK {
            misc_path "/usr/bin/true"
            <MiscCheck>
        }
        UDP_CHECK {
            <UdpCheck>
        }
        SMTP_CHECK {
            <SmtpCheck>
            host {
                <SmtpHost>
            }
        }
        DNS_CHECK {
            <DnsCheck>
        }
        PING_CHECK {
            <PingCheck>
        }
        FILE_CHECK {
            <FileCheck>
        }
        BFD_CHECK {
            <BfdCheck>
        }
        FTP_CHECK {
            <FtpCheck>
        }
        LDAP_CHECK {
            <LdapCheck>
        }
        NNTP_CHECK {
            <NntpCheck>
        }
        POP3_CHECK {
            <Pop3Check>
        }
        IMAP_CHECK {
            <ImapCheck>
        }
        MYSQL_CHECK {
            <MysqlCheck>
        }
        PGSQL_CHECK {
            <PgsqlCheck>
        }
        REDIS_CHECK {
            <RedisCheck>
        }
        WEB_CHECK {
            <WebCheck>
        }
        GRPC_CHECK {
            <GrpcCheck>
        }
        WEBSOCKET_CHECK {
            <WebSocketCheck>
        }
        RADIUS_CHECK {
            secret S
            <RadiusCheck>
        }
        SIP_CHECK {
            <SipCheck>
        }
    }
}
virtual_server fwmark 7 {
    lb_kind TUN
    lb_algo mh
    persistence_timeout 60
    sorry_server 198.51.100.9
    <VirtualServer>
    real_server 198.51.100.2 {
    }
}
"#;

/// The file with `line` in the place of `block` that is the `nth`.
pub(crate) fn site(block: &str, nth: usize, line: &str) -> String {
    site_with(&[(block, nth, line)])
}

/// The file with every line in its place, in their order.
pub(crate) fn site_with(lines: &[(&str, usize, &str)]) -> String {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut out = String::new();
    for row in SITE.lines() {
        let place = row
            .trim_end()
            .strip_suffix('>')
            .and_then(|row| row.rsplit_once('<'));
        let Some((before, block)) = place else {
            out.push_str(row);
            out.push('\n');
            continue;
        };
        let here = seen.entry(block).or_default();
        let texts = lines
            .iter()
            .filter(|(name, nth, _)| (*name, *nth) == (block, *here));
        let texts: Vec<&str> = texts.map(|(_, _, text)| *text).collect();
        if block.ends_with("Entry") && !texts.is_empty() {
            // A few options of an entry share its line.
            for some in texts.chunks(4) {
                out.push_str(before);
                out.push_str(&some.join(" "));
                out.push('\n');
            }
        } else {
            out.push_str(before);
            out.push_str(&texts.join("\n"));
            out.push('\n');
        }
        *here += 1;
    }
    for (block, nth, _) in lines {
        assert!(*nth < places(block), "no place for {block}");
    }
    out
}

pub(crate) fn places(block: &str) -> usize {
    SITE.matches(&format!("<{block}>")).count()
}

pub(crate) fn host() -> Host {
    let names = ["lo", "eth0", "eth1", "eth2", "red"];
    let interfaces = (1..).zip(names).map(|(index, name)| InterfaceStatus {
        name: IfName::new(name).unwrap(),
        index: IfIndex(index),
        mac: None,
        mtu: 1500,
        up: true,
        multicast: true,
        noarp: false,
        loopback: name == "lo",
        addresses: vec![InterfaceAddress {
            cidr: Cidr::new("192.0.2.1".parse().unwrap(), 24).unwrap(),
            tentative: false,
        }],
        made: LinkTraits {
            kind: match name {
                "red" => LinkKind::Vrf { table: 10 },
                _ => LinkKind::Other,
            },
            ..LinkTraits::default()
        },
    });
    Host {
        interfaces: interfaces.collect(),
        ..Host::default()
    }
}

pub(crate) fn load(text: &str) -> (Plan, Vec<Diagnostic>) {
    let options = ReadOptions {
        test: true,
        ..ReadOptions::default()
    };
    let reading = conf::read_str(Path::new("site.conf"), text, &options);
    let (plan, more) = plan::build(&reading.config, &host());
    (plan, reading.diagnostics.into_iter().chain(more).collect())
}
