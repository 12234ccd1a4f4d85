//! The top level and `global_defs` of the effective configuration.

use super::{Printer, run_as, seconds, word};
use crate::conf::config::*;
use crate::ipvs::config::FlushOnStop;
use crate::plan::later::LaterGlobal;
use crate::vrrp::config::GarpConfig;
use std::time::Duration;

impl Printer {
    pub(super) fn global(&mut self, global: &Global, later: &LaterGlobal) {
        let Global {
            router_id,
            vrrp_version,
            scripts,
            garp,
            dynamic_interfaces,
            net_namespace,
            net_namespace_ipvs,
            instance,
            dumps,
            mail,
            life,
            fifos,
            upkeep,
            reload,
            processes,
            inherited,
            shown,
        } = global;
        let UpkeepSettings {
            child_wait_time,
            use_pid_dir,
            umask,
            reload_file,
        } = upkeep;
        self.some("child_wait_time", child_wait_time.as_ref());
        self.flag("use_pid_dir", *use_pid_dir);
        for (keyword, name) in [("net_namespace", net_namespace), ("instance", instance)] {
            self.text(keyword, name.as_deref());
        }
        self.optional("net_namespace_ipvs", net_namespace_ipvs.as_ref());
        self.root(&later.root);
        self.block("global_defs", |out| {
            out.text("router_id", router_id.as_deref());
            if let Some(version) = vrrp_version {
                out.set("vrrp_version", version.number());
            }
            if let Some(user) = &scripts.default_user {
                out.set("script_user", run_as(user));
            }
            out.flag("enable_script_security", scripts.security);
            out.flag("use_symlink_paths", scripts.keep_links);
            out.flag("dynamic_interfaces", *dynamic_interfaces);
            // The only way to a refresh of no rounds.
            out.flag("vrrp_min_garp", garp.refresh_repeat == 0);
            out.garp("vrrp_garp", garp);
            for (keyword, gap) in [
                ("vrrp_garp_interval", garp.garp_interval),
                ("vrrp_gna_interval", garp.gna_interval),
            ] {
                if !gap.is_zero() {
                    out.set(keyword, seconds(gap));
                }
            }
            out.inherited(inherited);
            out.dumps(dumps);
            if let Some(umask) = umask {
                out.set("umask", format!("0{umask:03o}"));
            }
            out.optional("reload_file", reload_file.as_ref());
            out.reload(reload);
            out.mail(mail);
            out.life(life);
            out.fifos(fifos);
            out.processes(processes);
            out.shown(shown);
            out.later(later);
        });
    }

    fn root(&mut self, root: &RootSettings) {
        let RootSettings {
            linkbeat_use_polling,
            namespace_with_ipsets,
        } = root;
        self.flag("linkbeat_use_polling", *linkbeat_use_polling);
        self.flag("namespace_with_ipsets", *namespace_with_ipsets);
    }

    fn shown(&mut self, shown: &ShownSettings) {
        let ShownSettings {
            vrrp,
            firewall,
            ipvs,
            process_monitor,
            default_interface,
            iproute_usr_dir,
            iproute_etc_dir,
        } = shown;
        self.firewall(firewall);
        self.ipvs(ipvs);
        self.vrrp_defaults(vrrp);
        self.buffer("process_monitor", process_monitor);
        self.text("iproute_usr_dir", iproute_usr_dir.as_deref());
        self.text("iproute_etc_dir", iproute_etc_dir.as_deref());
        self.text("default_interface", default_interface.as_deref());
    }

    fn later(&mut self, later: &LaterGlobal) {
        let LaterGlobal {
            root: _,
            firewall,
            management,
            buffers,
            files,
        } = later;
        self.later_firewall(firewall);
        self.management(management);
        self.buffers(buffers);
        self.files(files);
    }

    pub(super) fn garp(&mut self, prefix: &str, garp: &GarpConfig) {
        let GarpConfig {
            delay,
            repeat,
            refresh,
            refresh_repeat,
            lower_prio_delay,
            lower_prio_repeat,
            garp_interval: _,
            gna_interval: _,
            // Its keyword is with those of `shown`.
            extra: _,
        } = garp;
        self.set(&format!("{prefix}_master_delay"), seconds(*delay));
        self.set(&format!("{prefix}_master_repeat"), repeat);
        self.set(&format!("{prefix}_master_refresh"), seconds(*refresh));
        if *refresh_repeat > 0 {
            self.set(&format!("{prefix}_master_refresh_repeat"), refresh_repeat);
        }
        self.set(&format!("{prefix}_lower_prio_delay"), seconds(*lower_prio_delay));
        self.set(&format!("{prefix}_lower_prio_repeat"), lower_prio_repeat);
    }

    fn processes(&mut self, all: &ProcessesSettings) {
        let ProcessesSettings {
            process_names,
            process_name,
            vrrp,
            checker,
            bfd,
            max_auto_priority,
            min_auto_priority_delay,
        } = all;
        self.flag("process_names", *process_names);
        self.text("process_name", process_name.as_deref());
        for (prefix, process) in [("vrrp", vrrp), ("checker", checker), ("bfd", bfd)] {
            self.process(prefix, process);
        }
        self.some("max_auto_priority", max_auto_priority.as_ref());
        self.micros("min_auto_priority_delay", *min_auto_priority_delay);
    }

    fn process(&mut self, prefix: &str, process: &ProcessSettings) {
        let ProcessSettings {
            process_name,
            priority,
            no_swap,
            rt_priority,
            cpu_affinity,
            rlimit_rttime,
        } = process;
        let keyword = |setting: &str| format!("{prefix}_{setting}");
        self.text(&keyword("process_name"), process_name.as_deref());
        self.some(&keyword("priority"), priority.as_ref());
        self.flag(&keyword("no_swap"), *no_swap);
        self.some(&keyword("rt_priority"), rt_priority.as_ref());
        if !cpu_affinity.is_empty() {
            let cpus: Vec<String> = cpu_affinity.iter().map(u32::to_string).collect();
            self.set(&keyword("cpu_affinity"), cpus.join(" "));
        }
        self.micros(&keyword("rlimit_rttime"), *rlimit_rttime);
    }

    fn mail(&mut self, mail: &MailSettings) {
        let MailSettings {
            from,
            to,
            server,
            helo_name,
            connect_timeout,
            alert,
            alert_vrrp,
            alert_checker,
            no_checker_emails,
            no_email_faults,
        } = mail;
        self.text("notification_email_from", from.as_deref());
        if !to.is_empty() {
            self.block("notification_email", |out| {
                for address in to {
                    out.line(&word(address));
                }
            });
        }
        if let Some(Spanned {
            value: SmtpServer { host, port },
            ..
        }) = server
        {
            self.set("smtp_server", format!("{} {port}", word(host)));
        }
        self.text("smtp_helo_name", helo_name.as_deref());
        self.time("smtp_connect_timeout", *connect_timeout);
        self.maybe("smtp_alert", *alert);
        self.maybe("smtp_alert_vrrp", *alert_vrrp);
        self.maybe("smtp_alert_checker", *alert_checker);
        self.flag("no_checker_emails", *no_checker_emails);
        self.flag("no_email_faults", *no_email_faults);
    }

    fn life(&mut self, scripts: &LifeScripts) {
        let LifeScripts {
            startup,
            startup_timeout,
            shutdown,
            shutdown_timeout,
        } = scripts;
        self.command("startup_script", startup.as_ref().map(|command| &command.value));
        self.time("startup_script_timeout", *startup_timeout);
        self.command("shutdown_script", shutdown.as_ref().map(|command| &command.value));
        self.time("shutdown_script_timeout", *shutdown_timeout);
    }

    fn fifos(&mut self, fifos: &FifosSettings) {
        let FifosSettings {
            all,
            vrrp,
            lvs,
            notify_priority_changes,
            write_vrrp_states_on_reload,
        } = fifos;
        self.fifo("", all);
        self.fifo("vrrp_", vrrp);
        self.fifo("lvs_", lvs);
        self.maybe("vrrp_notify_priority_changes", *notify_priority_changes);
        self.flag("fifo_write_vrrp_states_on_reload", *write_vrrp_states_on_reload);
    }

    fn fifo(&mut self, prefix: &str, FifoSettings { fifo, script }: &FifoSettings) {
        if let Some(Fifo { path, owner }) = fifo {
            let owner = owner
                .as_ref()
                .map_or_else(String::new, |owner| format!(" {}", run_as(owner)));
            self.set(&format!("{prefix}notify_fifo"), format!("{}{owner}", word(path)));
        }
        let script = script.as_ref().map(|command| &command.value);
        self.command(&format!("{prefix}notify_fifo_script"), script);
    }

    fn firewall(&mut self, firewall: &FirewallSettings) {
        let FirewallSettings {
            iptables,
            nftables,
            nftables_priority,
            nftables_ifindex,
            nftables_counters,
            nftables_ipvs,
            nftables_ipvs_priority,
            nftables_ipvs_start_fwmark,
            disable_local_igmp,
        } = firewall;
        if let Some(IptablesChains { input, output }) = iptables {
            let chains: Vec<String> = [Some(input), output.as_ref()]
                .into_iter()
                .flatten()
                .map(|name| word(name))
                .collect();
            self.set("vrrp_iptables", chains.join(" "));
        }
        self.text("nftables", nftables.as_deref());
        self.some("nftables_priority", nftables_priority.as_ref());
        self.flag("nftables_ifindex", *nftables_ifindex);
        self.flag("nftables_counters", *nftables_counters);
        self.text("nftables_ipvs", nftables_ipvs.as_deref());
        self.some("nftables_ipvs_priority", nftables_ipvs_priority.as_ref());
        self.some("nftables_ipvs_start_fwmark", nftables_ipvs_start_fwmark.as_ref());
        self.flag("disable_local_igmp", *disable_local_igmp);
    }

    fn later_firewall(&mut self, firewall: &LaterFirewall) {
        let LaterFirewall { ipsets } = firewall;
        if let Some(names) = ipsets {
            let names: Vec<String> = names.iter().map(|name| word(name)).collect();
            self.line(format!("vrrp_ipsets {}", names.join(" ")).trim_end());
        }
    }

    fn ipvs(&mut self, ipvs: &IpvsSettings) {
        let IpvsSettings {
            tcp_timeout,
            tcpfin_timeout,
            udp_timeout,
            flush,
            flush_on_stop,
            sync_daemon,
        } = ipvs;
        let timeouts: Vec<String> = [
            ("tcp", tcp_timeout),
            ("tcpfin", tcpfin_timeout),
            ("udp", udp_timeout),
        ]
        .into_iter()
        .filter_map(|(option, timeout)| Some(format!("{option} {}", timeout.as_ref()?.as_secs())))
        .collect();
        if !timeouts.is_empty() {
            self.set("lvs_timeouts", timeouts.join(" "));
        }
        self.flag("lvs_flush", *flush);
        match flush_on_stop {
            FlushOnStop::No => {}
            FlushOnStop::Table => self.line("lvs_flush_on_stop"),
            FlushOnStop::Services => self.line("lvs_flush_on_stop VS"),
        }
        if let Some(daemon) = sync_daemon {
            self.set("lvs_sync_daemon", sync_daemon_words(&daemon.value));
        }
    }

    fn vrrp_defaults(&mut self, vrrp: &VrrpDefaults) {
        let VrrpDefaults {
            strict,
            skip_check_adv_addr,
            owner_ignore_adverts,
            log_unknown_vrids,
            startup_delay,
            delay_after_boot,
            garp_extra_if,
            v3_checksum_as_v2,
            vmac_prefix,
            vmac_addr_prefix,
            rx_bufs_policy,
            rx_bufs_multiplier,
        } = vrrp;
        self.maybe("vrrp_strict", *strict);
        self.maybe("vrrp_skip_check_adv_addr", *skip_check_adv_addr);
        self.maybe("vrrp_owner_ignore_adverts", *owner_ignore_adverts);
        self.flag("log_unknown_vrids", *log_unknown_vrids);
        self.time("vrrp_startup_delay", *startup_delay);
        self.time("vrrp_delay_after_boot", *delay_after_boot);
        if let Some(garp) = garp_extra_if {
            self.set("vrrp_garp_extra_if", extra_garp(garp));
        }
        self.flag("v3_checksum_as_v2", *v3_checksum_as_v2);
        self.text("vmac_prefix", vmac_prefix.as_deref());
        self.text("vmac_addr_prefix", vmac_addr_prefix.as_deref());
        match rx_bufs_policy {
            None => {}
            Some(RxBufs::Mtu) => self.set("vrrp_rx_bufs_policy", "MTU"),
            Some(RxBufs::Advert) => self.set("vrrp_rx_bufs_policy", "ADVERT"),
            Some(RxBufs::Bytes(bytes)) => self.set("vrrp_rx_bufs_policy", bytes),
        }
        self.some("vrrp_rx_bufs_multiplier", rx_bufs_multiplier.as_ref());
    }

    fn management(&mut self, management: &ManagementSettings) {
        let ManagementSettings {
            snmp_socket,
            enable_traps,
            enable_snmp_vrrp,
            enable_snmp_rfcv2,
            enable_snmp_rfcv3,
            enable_snmp_checker,
            snmp_vs_stats_update_interval,
            snmp_rs_stats_update_interval,
            enable_dbus,
            dbus_service_name,
            dbus_no_interface_name,
        } = management;
        self.text("snmp_socket", snmp_socket.as_deref());
        self.flag("enable_traps", *enable_traps);
        self.flag("enable_snmp_vrrp", *enable_snmp_vrrp);
        self.flag("enable_snmp_rfcv2", *enable_snmp_rfcv2);
        self.flag("enable_snmp_rfcv3", *enable_snmp_rfcv3);
        self.flag("enable_snmp_checker", *enable_snmp_checker);
        self.time("snmp_vs_stats_update_interval", *snmp_vs_stats_update_interval);
        self.time("snmp_rs_stats_update_interval", *snmp_rs_stats_update_interval);
        self.flag("enable_dbus", *enable_dbus);
        self.text("dbus_service_name", dbus_service_name.as_deref());
        self.text("dbus_no_interface_name", dbus_no_interface_name.as_deref());
    }

    fn buffers(&mut self, buffers: &BufferSettings) {
        let BufferSettings {
            vrrp_netlink_cmd,
            vrrp_netlink_monitor,
            lvs_netlink_cmd,
            lvs_netlink_monitor,
        } = buffers;
        for (name, buffer) in [
            ("vrrp_netlink_cmd", vrrp_netlink_cmd),
            ("vrrp_netlink_monitor", vrrp_netlink_monitor),
            ("lvs_netlink_cmd", lvs_netlink_cmd),
            ("lvs_netlink_monitor", lvs_netlink_monitor),
        ] {
            self.buffer(name, buffer);
        }
    }

    fn buffer(&mut self, name: &str, BufferSize { size, force }: &BufferSize) {
        self.some(&format!("{name}_rcv_bufs"), size.as_ref());
        self.maybe(&format!("{name}_rcv_bufs_force"), *force);
    }

    fn reload(&mut self, reload: &ReloadSettings) {
        let ReloadSettings {
            check_config,
            time_file,
            repeat,
            save_dir,
        } = reload;
        self.optional("reload_check_config", check_config.as_ref());
        self.text("reload_time_file", time_file.as_deref());
        self.flag("reload_repeat", *repeat);
        self.text("config_save_dir", save_dir.as_deref());
    }

    fn files(&mut self, files: &FileSettings) {
        let FileSettings {
            random_seed,
            tmp_config_directory,
        } = files;
        self.some("random_seed", random_seed.as_ref());
        self.text("tmp_config_directory", tmp_config_directory.as_deref());
    }
}

impl Printer {
    /// What instances and checkers say for themselves.
    fn inherited(&mut self, inherited: &Inherited) {
        let Inherited {
            mcast_group4,
            mcast_group6,
            lower_prio_no_advert,
            higher_prio_send_advert,
            down_timer_adverts,
            check_unicast_src,
            checker_log_all_failures,
            rs_init_notifies,
            expiry,
            drift_repair,
        } = inherited;
        self.some("vrrp_mcast_group4", mcast_group4.as_ref());
        self.some("vrrp_mcast_group6", mcast_group6.as_ref());
        self.flag("vrrp_lower_prio_no_advert", *lower_prio_no_advert);
        self.flag("vrrp_higher_prio_send_advert", *higher_prio_send_advert);
        self.some("vrrp_down_timer_adverts", down_timer_adverts.as_ref());
        self.flag("vrrp_check_unicast_src", *check_unicast_src);
        self.flag("checker_log_all_failures", *checker_log_all_failures);
        self.flag("rs_init_notifies", *rs_init_notifies);
        self.some("drift_repair", drift_repair.as_ref());
        self.maybe("lvs_expire_nodest_conn", expiry.connections);
        self.maybe("lvs_expire_quiescent_template", expiry.templates);
    }

    fn dumps(&mut self, dumps: &DumpSettings) {
        let DumpSettings {
            data_use_instance,
            json_version,
            state_dump_file,
            stats_dump_file,
            json_dump_file,
        } = dumps;
        self.maybe("data_use_instance", *data_use_instance);
        self.some("json_version", json_version.as_ref());
        self.text("state_dump_file", state_dump_file.as_deref());
        self.text("stats_dump_file", stats_dump_file.as_deref());
        self.text("json_dump_file", json_dump_file.as_deref());
    }
}

/// Keywords that may be missing.
impl Printer {
    /// One word.
    pub(super) fn text(&mut self, keyword: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.set(keyword, word(value));
        }
    }

    /// A number.
    pub(super) fn some(&mut self, keyword: &str, value: Option<&impl ToString>) {
        if let Some(value) = value {
            self.set(keyword, value.to_string());
        }
    }

    /// A boolean.
    pub(super) fn maybe(&mut self, keyword: &str, value: Option<bool>) {
        if let Some(value) = value {
            self.boolean(keyword, value);
        }
    }

    /// A keyword that may do without its word.
    fn optional(&mut self, keyword: &str, value: Option<&Option<String>>) {
        match value {
            None => {}
            Some(None) => self.line(keyword),
            Some(Some(value)) => self.set(keyword, word(value)),
        }
    }

    /// Seconds.
    pub(super) fn time(&mut self, keyword: &str, value: Option<Duration>) {
        if let Some(value) = value {
            self.set(keyword, seconds(value));
        }
    }

    /// Microseconds.
    fn micros(&mut self, keyword: &str, value: Option<Duration>) {
        if let Some(value) = value {
            self.set(keyword, value.as_micros());
        }
    }
}

/// `[all] SECONDS`
pub(super) fn extra_garp(garp: &ExtraGarp) -> String {
    let ExtraGarp { all, interval } = garp;
    format!("{}{}", if *all { "all " } else { "" }, interval.as_secs())
}

fn sync_daemon_words(daemon: &SyncDaemon) -> String {
    let SyncDaemon {
        interface,
        inst,
        id,
        maxlen,
        port,
        ttl,
        group,
    } = daemon;
    let mut out = word(interface);
    let mut option = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            out.push_str(&format!(" {name} {value}"));
        }
    };
    option("inst", inst.as_deref().map(word));
    option("id", id.map(|n| n.to_string()));
    option("maxlen", maxlen.map(|n| n.to_string()));
    option("port", port.map(|n| n.to_string()));
    option("ttl", ttl.map(|n| n.to_string()));
    option("group", group.map(|group| group.to_string()));
    out
}
