//! `vrrp_script`, `vrrp_sync_group` and `vrrp_instance` of the effective configuration.

use super::router::{Further, peer_line};
use super::{MASK, Printer, argv, net, seconds, word};
use crate::net::{AddressSpec, Family, IfName};
use crate::notify::config::NotifyScripts;
use crate::plan::instance::FAULT_NO_PEER;
use crate::track::config::TrackScriptConfig;
use crate::vrrp::config::{
    Auth, InitialState, Notices, PeerTtl, RouterConfig, SyncGroupConfig, TrackedInterface, TrackedScript,
    Transport,
};
use std::net::IpAddr;

impl Printer {
    pub(super) fn track_script(&mut self, script: &TrackScriptConfig, init_fail: bool) {
        let TrackScriptConfig {
            name,
            command,
            interval,
            timeout,
            weight,
            reverse,
            rise,
            fall,
        } = script;
        self.block(&format!("vrrp_script {}", word(name)), |out| {
            out.set("script", argv(command));
            out.user(command);
            out.set("interval", seconds(*interval));
            out.set("timeout", seconds(*timeout));
            out.set(
                "weight",
                format!("{weight}{}", if *reverse { " reverse" } else { "" }),
            );
            out.set("rise", rise);
            out.set("fall", fall);
            out.flag("init_fail", init_fail);
        });
    }

    fn notify(&mut self, scripts: Option<&NotifyScripts>, priority_changes: bool) {
        let none = NotifyScripts::default();
        let NotifyScripts {
            master,
            backup,
            fault,
            stop,
            deleted,
            any,
            master_rx_lower_pri,
            smtp_alert,
            priority_changes: _,
        } = scripts.unwrap_or(&none);
        self.boolean("smtp_alert", *smtp_alert);
        self.boolean("notify_priority_changes", priority_changes);
        for (keyword, command) in [
            ("notify_master", master),
            ("notify_backup", backup),
            ("notify_fault", fault),
            ("notify_stop", stop),
            ("notify_deleted", deleted),
            ("notify", any),
            ("notify_master_rx_lower_pri", master_rx_lower_pri),
        ] {
            self.command(keyword, command.as_ref());
        }
    }

    fn trackers(
        &mut self,
        interfaces: &[TrackedInterface],
        scripts: &[TrackedScript],
        defined: &[TrackScriptConfig],
    ) {
        if !interfaces.is_empty() {
            self.block("track_interface", |out| {
                for tracked in interfaces {
                    let reverse = if tracked.reverse { " reverse" } else { "" };
                    out.line(&format!(
                        "{} weight {}{reverse}",
                        tracked.interface, tracked.weight
                    ));
                }
            });
        }
        if !scripts.is_empty() {
            self.block("track_script", |out| {
                for tracked in scripts {
                    let default = defined
                        .iter()
                        .any(|script| script.name == tracked.script && script.reverse);
                    let reverse = match (tracked.reverse, default) {
                        (true, _) => " reverse",
                        (false, true) => " noreverse",
                        (false, false) => "",
                    };
                    out.line(&format!(
                        "{} weight {}{reverse}",
                        word(&tracked.script),
                        tracked.weight
                    ));
                }
            });
        }
    }

    pub(super) fn group(
        &mut self,
        group: &SyncGroupConfig,
        scripts: Option<&NotifyScripts>,
        defined: &[TrackScriptConfig],
    ) {
        let SyncGroupConfig {
            name,
            members,
            track_interfaces,
            track_scripts,
            objects,
        } = group;
        self.block(&format!("vrrp_sync_group {}", word(name)), |out| {
            out.block("group", |out| {
                for member in members {
                    out.line(&word(member));
                }
            });
            // Weights that are not allowed are gone already.
            out.line("sync_group_tracking_weight");
            out.trackers(track_interfaces, track_scripts, defined);
            out.objects(objects);
            out.notify(scripts, scripts.is_some_and(|scripts| scripts.priority_changes));
        });
    }

    pub(super) fn router(
        &mut self,
        router: &RouterConfig,
        scripts: Option<&NotifyScripts>,
        further: Further<'_>,
        defined: &[TrackScriptConfig],
    ) {
        let RouterConfig {
            packets,
            name,
            vrid,
            family,
            version,
            interface,
            initial,
            priority,
            advert_int,
            down_timer_adverts,
            drift_repair,
            nopreempt,
            preempt_delay,
            auth,
            source,
            transport,
            garp,
            lower_prio_no_advert,
            higher_prio_send_advert,
            vips,
            excluded,
            routes,
            rules,
            track_interfaces,
            track_scripts,
            objects,
            dont_track_primary,
            notices,
            check_unicast_src,
            config_fault,
            // Their keywords are with the settings below.
            link: _,
            no_accept: _,
            election: _,
        } = router;
        self.block(&format!("vrrp_instance {}", word(name)), |out| {
            out.set(
                "state",
                match initial {
                    InitialState::Master => "MASTER",
                    InitialState::Backup => "BACKUP",
                },
            );
            // With `vrf` it is the one that holds the source.
            if further.settings.is_none_or(|settings| settings.vrf.is_none()) {
                out.set("interface", interface);
            }
            // Before `native_ipv6`, after which version 2 counts no more.
            out.set("version", version.number());
            out.flag("native_ipv6", *family == Family::V6);
            out.set("virtual_router_id", vrid);
            out.set("priority", priority);
            out.set("advert_int", seconds(*advert_int));
            out.set("down_timer_adverts", down_timer_adverts);
            match drift_repair {
                own if *own == out.drift_repair => {}
                Some(repairs) => out.set("drift_repair", repairs),
                None => out.set("drift_repair", "off"),
            }
            out.flag("nopreempt", *nopreempt);
            if !preempt_delay.is_zero() {
                out.set("preempt_delay", seconds(*preempt_delay));
            }
            out.auth(auth);
            out.transport(transport, *source, config_fault.as_deref(), &packets.peer_ttls);
            out.garp("garp", garp);
            out.boolean("lower_prio_no_advert", *lower_prio_no_advert);
            out.boolean("higher_prio_send_advert", *higher_prio_send_advert);
            out.flag("dont_track_primary", *dont_track_primary);
            out.flag("check_unicast_src", *check_unicast_src && !out.check_unicast_src);
            out.trackers(track_interfaces, track_scripts, defined);
            out.objects(objects);
            out.flag("no_virtual_ipaddress", vips.is_empty());
            out.addresses("virtual_ipaddress", vips, interface);
            out.addresses("virtual_ipaddress_excluded", excluded, interface);
            out.lines("virtual_routes", routes.iter().map(net::route));
            out.lines("virtual_rules", rules.iter().map(net::rule));
            let Notices {
                deleted,
                priority_changes,
            } = notices;
            out.flag(
                "notify_deleted",
                *deleted && scripts.is_none_or(|scripts| scripts.deleted.is_none()),
            );
            out.notify(scripts, *priority_changes);
            out.further(further, packets);
        });
    }

    fn auth(&mut self, auth: &Auth) {
        let (kind, secret) = match auth {
            Auth::Pass(secret) => ("PASS", secret),
            Auth::Ah(secret) => ("AH", secret),
            Auth::None => return,
        };
        let secret = if self.show_secrets {
            let used: Vec<u8> = secret.iter().copied().take_while(|octet| *octet != 0).collect();
            word(&String::from_utf8_lossy(&used))
        } else {
            MASK.to_owned()
        };
        self.block("authentication", |out| {
            out.set("auth_type", kind);
            out.set("auth_pass", secret);
        });
    }

    fn transport(
        &mut self,
        transport: &Transport,
        source: Option<IpAddr>,
        fault: Option<&str>,
        limits: &[PeerTtl],
    ) {
        match transport {
            Transport::Multicast { group } => {
                self.set("mcast_dst_ip", group);
                if let Some(source) = source {
                    self.set("mcast_src_ip", source);
                }
                if fault == Some(FAULT_NO_PEER) {
                    self.line("unicast_fault_no_peer");
                    self.block("unicast_peer", |_| {});
                }
            }
            Transport::Unicast { peers, ttl } => {
                if let Some(source) = source {
                    self.set("unicast_src_ip", source);
                }
                self.set("unicast_ttl", ttl);
                self.block("unicast_peer", |out| {
                    for peer in peers {
                        out.line(&peer_line(*peer, limits));
                    }
                });
            }
        }
    }

    fn addresses(&mut self, keyword: &str, addresses: &[AddressSpec], own: &IfName) {
        let line = |spec: &AddressSpec| {
            // It goes to the link by itself.
            let interface = self.links.get(&spec.interface).unwrap_or(&spec.interface);
            let spec = AddressSpec {
                interface: interface.clone(),
                ..spec.clone()
            };
            net::address(&spec, Some(own))
        };
        let lines: Vec<String> = addresses.iter().map(line).collect();
        self.lines(keyword, lines.into_iter());
    }
}
