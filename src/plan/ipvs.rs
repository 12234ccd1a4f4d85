//! The kernel's IPVS as a whole (LVS facts 18).
//!
//! keepalived speaks to IPVS in the process of the checkers, which runs for virtual servers only, and, for the daemon
//! that an instance decides, in that of VRRP. So without virtual servers nothing but that comes of these settings.

use super::check::FIRST_MARK;
use super::{Builder, Plan};
use crate::conf::config::{FirewallSettings, Spanned, SyncDaemon as Written};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::ipvs::config::{IpvsConfig, MarkConfig, SyncConfig, SyncDaemon, Timeouts};
use std::time::Duration;

/// `nftables_ipvs_priority` that nobody set.
const MARK_PRIORITY: i32 = -1;

/// What there shall be; `plan` has its virtual routers and virtual servers already.
pub(super) fn build(builder: &mut Builder<'_>, plan: &Plan) -> IpvsConfig {
    let written = &builder.config.global.shown.ipvs;
    let serves = !plan.check.services.is_empty();
    let seconds = |timeout: Option<Duration>| {
        let seconds = timeout.filter(|_| serves).unwrap_or_default().as_secs();
        u32::try_from(seconds).unwrap_or(u32::MAX)
    };
    IpvsConfig {
        timeouts: Timeouts {
            tcp: seconds(written.tcp_timeout),
            tcpfin: seconds(written.tcpfin_timeout),
            udp: seconds(written.udp_timeout),
        },
        sync: sync(builder, plan, serves),
        flush: written.flush && serves,
        flush_on_stop: written.flush_on_stop,
        marks: marks(&builder.config.global.shown.firewall).filter(|_| serves),
        repair: plan.global.inherited.drift_repair.is_some(),
    }
}

/// `nftables_ipvs`
fn marks(written: &FirewallSettings) -> Option<MarkConfig> {
    Some(MarkConfig {
        table: written.nftables_ipvs.clone()?,
        priority: written.nftables_ipvs_priority.unwrap_or(MARK_PRIORITY),
        counters: written.nftables_counters,
        start: written.nftables_ipvs_start_fwmark.unwrap_or(FIRST_MARK),
    })
}

/// An instance that decides must be there (fact 18.2). Without any, `-C` or not, keepalived looks for none.
fn sync(builder: &mut Builder<'_>, plan: &Plan, serves: bool) -> Option<SyncConfig> {
    let written = written(builder)?;
    let Written {
        interface,
        inst,
        id,
        maxlen,
        port,
        ttl,
        group,
    } = &written.value;
    let vrid = match inst {
        None => serves.then_some(0)?,
        Some(name) => {
            let router = plan.vrrp.routers.iter().find(|router| router.name == *name);
            let Some(router) = router else {
                if !builder.config.instances.is_empty() {
                    let message = format!(
                        "Unable to find vrrp instance {name} for lvs_syncd - clearing lvs_syncd config"
                    );
                    let found = Diagnostic::new(Class::Unheeded, Some(written.place.clone()), message);
                    builder.diagnostics.push(found.about(Topic::Other));
                }
                return None;
            };
            router.vrid.get()
        }
    };
    Some(SyncConfig {
        follow: inst.clone(),
        daemon: SyncDaemon {
            interface: interface.clone(),
            id: id.unwrap_or(vrid),
            maxlen: *maxlen,
            port: *port,
            ttl: *ttl,
            group: *group,
        },
    })
}

/// `lvs_sync_daemon`, or its older form in the first instance that has it.
fn written(builder: &Builder<'_>) -> Option<Spanned<Written>> {
    let global = builder.config.global.shown.ipvs.sync_daemon.clone();
    global.or_else(|| {
        let mut instances = builder.config.instances.iter();
        instances.find_map(|instance| {
            let Spanned { value, place } = instance.settings.lvs_sync_daemon_interface.clone()?;
            let value = Written {
                interface: value,
                inst: Some(instance.name.value.clone()),
                ..Written::default()
            };
            Some(Spanned { value, place })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::{ReadOptions, read_str};
    use crate::net::{IfIndex, IfName, InterfaceStatus, LinkTraits};
    use crate::plan::{Host, build};
    use std::path::Path;

    const ROUTER: &str =
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n192.0.2.9\n}\n";
    const SERVER: &str = "virtual_server 192.0.2.9 80 {\nprotocol TCP\nlvs_sched rr\nlvs_method DR\nreal_server 192.0.2.3 80 {\n}\n}\n";

    fn plan(text: &str) -> (IpvsConfig, Vec<Diagnostic>) {
        let reading = read_str(Path::new("t.conf"), text, &ReadOptions::default());
        let host = Host {
            interfaces: vec![InterfaceStatus {
                name: IfName::new("eth0").unwrap(),
                index: IfIndex(2),
                mac: None,
                mtu: 1500,
                up: true,
                multicast: true,
                noarp: false,
                loopback: false,
                addresses: Vec::new(),
                made: LinkTraits::default(),
            }],
            ..Host::default()
        };
        let (plan, said) = build(&reading.config, &host);
        (plan.ipvs, said)
    }

    fn global(lines: &str) -> String {
        format!("global_defs {{\n{lines}\n}}\n")
    }

    /// Who starts a daemon in keepalived: the checkers' process without an instance, VRRP's with one.
    /// LVS facts: 18.1, 18.2
    #[test]
    fn a_daemon_needs_its_instance_or_virtual_servers() {
        let router = format!("{ROUTER}}}\n");
        let daemon = |text: &str| {
            let sync = plan(text).0.sync;
            sync.map(|sync| (sync.follow, sync.daemon.id))
        };
        let alone = global("lvs_sync_daemon eth0");
        assert_eq!(daemon(&alone), None);
        assert_eq!(daemon(&format!("{alone}{router}")), None);
        assert_eq!(daemon(&format!("{alone}{SERVER}")), Some((None, 0)));
        let follows = global("lvs_sync_daemon eth0 inst A");
        let a = Some("A".to_owned());
        assert_eq!(daemon(&format!("{follows}{SERVER}")), None);
        assert_eq!(daemon(&format!("{follows}{router}")), Some((a.clone(), 51)));
        let numbered = global("lvs_sync_daemon eth0 inst A id 7");
        assert_eq!(daemon(&format!("{numbered}{router}")), Some((a.clone(), 7)));
        let older = format!("{ROUTER}lvs_sync_daemon_interface eth0\n}}\n");
        assert_eq!(daemon(&older), Some((a, 51)));
        assert_eq!(daemon(&format!("{alone}{older}{SERVER}")), Some((None, 0)));
    }

    /// LVS facts: 18.2
    #[test]
    fn an_instance_that_is_not_there_is_named() {
        let follows = global("lvs_sync_daemon eth0 inst NO");
        let named = |text: &str| {
            let (config, said) = plan(text);
            assert_eq!(config.sync, None);
            said.iter().any(|found| {
                found.message == "Unable to find vrrp instance NO for lvs_syncd - clearing lvs_syncd config"
            })
        };
        assert!(named(&format!("{follows}{ROUTER}}}\n{SERVER}")));
        assert!(!named(&format!("{follows}{SERVER}")), "nobody looks");
    }

    #[test]
    fn a_table_is_emptied_for_virtual_servers_only() {
        let global = global("lvs_flush");
        assert!(!plan(&global).0.flush);
        assert!(plan(&format!("{global}{SERVER}")).0.flush);
    }

    #[test]
    fn timeouts_need_virtual_servers() {
        let global = global("lvs_timeouts tcp 100 udp 0");
        assert_eq!(plan(&global).0, IpvsConfig::default());
        let wanted = Timeouts {
            tcp: 100,
            tcpfin: 0,
            udp: 0,
        };
        assert_eq!(plan(&format!("{global}{SERVER}")).0.timeouts, wanted);
    }
}
