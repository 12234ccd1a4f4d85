//! What a reload changes of `global_defs`, as far as nothing else is made of it: what is, is compared where it acts.

use super::global::{
    BufferSize, DumpSettings, FirewallSettings, Global, Inherited, ProcessSettings, ProcessesSettings,
    ReloadSettings, ShownSettings, UpkeepSettings, VrrpDefaults,
};
use super::{FifosSettings, LifeScripts, Spanned};
use crate::change::{Changes, Effect};
use crate::script::config::Command;

/// Why a reload to `new` is refused where `old` runs: it changes what was settled at the start (fact 18.3).
pub fn refusal(old: &Global, new: &Global) -> Option<&'static str> {
    if new.net_namespace != old.net_namespace {
        Some("Cannot change net_namespace at a reload - please restart keepalived")
    } else if new.net_namespace_ipvs != old.net_namespace_ipvs {
        Some("Cannot change IPVS network namespace at a reload - please restart keepalived")
    } else if new.instance != old.instance {
        Some("Cannot change instance at a reload - please restart keepalived")
    } else if new.shown.firewall.nftables_ipvs != old.shown.firewall.nftables_ipvs {
        Some("Cannot change nftables_ipvs at a reload - please restart keepalived")
    } else {
        None
    }
}

impl Global {
    /// What changes of it.
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self {
            router_id,
            // Of instances, which have it.
            vrrp_version: _,
            garp: _,
            scripts,
            dynamic_interfaces,
            net_namespace,
            net_namespace_ipvs,
            instance,
            dumps,
            // Of mails, which are compared as they are sent.
            mail: _,
            life,
            fifos,
            upkeep,
            reload,
            processes,
            inherited,
            shown,
        } = self;
        let Self {
            router_id: new_router_id,
            vrrp_version: _,
            garp: _,
            scripts: new_scripts,
            dynamic_interfaces: new_dynamic_interfaces,
            net_namespace: new_net_namespace,
            net_namespace_ipvs: new_net_namespace_ipvs,
            instance: new_instance,
            dumps: new_dumps,
            mail: _,
            life: new_life,
            fifos: new_fifos,
            upkeep: new_upkeep,
            reload: new_reload,
            processes: new_processes,
            inherited: new_inherited,
            shown: new_shown,
        } = new;
        let mut changes = Changes::default();
        changes.live("router_id", router_id, new_router_id);
        changes.extend(scripts.absorb(new_scripts));
        changes.live("dynamic_interfaces", dynamic_interfaces, new_dynamic_interfaces);
        changes.note("net_namespace", net_namespace, new_net_namespace, Effect::Restart);
        let ipvs = (namespace(net_namespace_ipvs), namespace(new_net_namespace_ipvs));
        changes.note("net_namespace_ipvs", &ipvs.0, &ipvs.1, Effect::Restart);
        changes.note("instance", instance, new_instance, Effect::Restart);
        changes.extend(dumps.absorb(new_dumps));
        changes.extend(life.absorb(new_life));
        changes.extend(fifos.absorb(new_fifos));
        changes.extend(upkeep.absorb(new_upkeep));
        changes.extend(reload.absorb(new_reload));
        changes.extend(processes.absorb(new_processes));
        inherited.absorb(new_inherited);
        changes.extend(shown.absorb(new_shown));
        changes
    }
}

/// In words.
fn namespace(of_ipvs: &Option<Option<String>>) -> String {
    match of_ipvs {
        None => "that of VRRP".to_owned(),
        Some(None) => "that of the start".to_owned(),
        Some(Some(name)) => name.clone(),
    }
}

impl DumpSettings {
    fn absorb(&self, new: &Self) -> Changes {
        let Self {
            data_use_instance,
            json_version,
            state_dump_file,
            stats_dump_file,
            json_dump_file,
        } = self;
        let Self {
            data_use_instance: new_data_use_instance,
            json_version: new_json_version,
            state_dump_file: new_state_dump_file,
            stats_dump_file: new_stats_dump_file,
            json_dump_file: new_json_dump_file,
        } = new;
        let mut changes = Changes::default();
        changes.live("data_use_instance", data_use_instance, new_data_use_instance);
        changes.live("json_version", json_version, new_json_version);
        changes.live("state_dump_file", state_dump_file, new_state_dump_file);
        changes.live("stats_dump_file", stats_dump_file, new_stats_dump_file);
        changes.live("json_dump_file", json_dump_file, new_json_dump_file);
        changes
    }
}

impl LifeScripts {
    /// At a start and at an end only: there is nothing to be done now.
    fn absorb(&self, new: &Self) -> Changes {
        let Self {
            startup,
            startup_timeout,
            shutdown,
            shutdown_timeout,
        } = self;
        let Self {
            startup: new_startup,
            startup_timeout: new_startup_timeout,
            shutdown: new_shutdown,
            shutdown_timeout: new_shutdown_timeout,
        } = new;
        let mut changes = Changes::default();
        changes.live("startup_script", &value(startup), &value(new_startup));
        changes.live("startup_script_timeout", startup_timeout, new_startup_timeout);
        changes.live("shutdown_script", &value(shutdown), &value(new_shutdown));
        changes.live("shutdown_script_timeout", shutdown_timeout, new_shutdown_timeout);
        changes
    }
}

/// Wherever it stands.
fn value(script: &Option<Spanned<Command>>) -> Option<Command> {
    script.as_ref().map(|script| script.value.clone())
}

impl FifosSettings {
    fn absorb(&self, new: &Self) -> Changes {
        let Self {
            // The FIFOs, which are compared as they are.
            all: _,
            vrrp: _,
            lvs: _,
            // Of instances and groups, which have it.
            notify_priority_changes: _,
            write_vrrp_states_on_reload,
        } = self;
        let Self {
            all: _,
            vrrp: _,
            lvs: _,
            notify_priority_changes: _,
            write_vrrp_states_on_reload: new_write_vrrp_states_on_reload,
        } = new;
        let mut changes = Changes::default();
        changes.live(
            "fifo_write_vrrp_states_on_reload",
            write_vrrp_states_on_reload,
            new_write_vrrp_states_on_reload,
        );
        changes
    }
}

impl UpkeepSettings {
    fn absorb(&self, new: &Self) -> Changes {
        let Self {
            child_wait_time,
            use_pid_dir,
            umask,
            reload_file,
        } = self;
        let Self {
            child_wait_time: new_child_wait_time,
            use_pid_dir: new_use_pid_dir,
            umask: new_umask,
            reload_file: new_reload_file,
        } = new;
        let mut changes = Changes::default();
        changes.live("child_wait_time", child_wait_time, new_child_wait_time);
        changes.note("use_pid_dir", use_pid_dir, new_use_pid_dir, Effect::Restart);
        let octal = |mask: &Option<u16>| mask.map(|mask| format!("{mask:03o}"));
        changes.live("umask", &octal(umask), &octal(new_umask));
        let path = |file: &Option<Option<String>>| {
            let named = |path: &Option<String>| path.clone().unwrap_or_else(|| "on".to_owned());
            file.as_ref().map(named)
        };
        changes.live("reload_file", &path(reload_file), &path(new_reload_file));
        changes
    }
}

impl ReloadSettings {
    fn absorb(&self, new: &Self) -> Changes {
        let Self {
            check_config,
            time_file,
            repeat,
            save_dir,
        } = self;
        let Self {
            check_config: new_check_config,
            time_file: new_time_file,
            repeat: new_repeat,
            save_dir: new_save_dir,
        } = new;
        let mut changes = Changes::default();
        let log = |check: &Option<Option<String>>| {
            let named = |path: &Option<String>| path.clone().unwrap_or_else(|| "on".to_owned());
            check.as_ref().map(named)
        };
        changes.live("reload_check_config", &log(check_config), &log(new_check_config));
        changes.live("reload_time_file", time_file, new_time_file);
        changes.live("reload_repeat", repeat, new_repeat);
        changes.live("config_save_dir", save_dir, new_save_dir);
        changes
    }
}

impl ProcessesSettings {
    fn absorb(&self, new: &Self) -> Changes {
        let Self {
            process_names,
            process_name,
            vrrp,
            checker,
            bfd,
            max_auto_priority,
            min_auto_priority_delay,
        } = self;
        let Self {
            process_names: new_process_names,
            process_name: new_process_name,
            vrrp: new_vrrp,
            checker: new_checker,
            bfd: new_bfd,
            max_auto_priority: new_max_auto_priority,
            min_auto_priority_delay: new_min_auto_priority_delay,
        } = new;
        let mut changes = Changes::default();
        changes.live("process_names", process_names, new_process_names);
        changes.live("process_name", process_name, new_process_name);
        changes.extend(vrrp.absorb(new_vrrp, VRRP));
        changes.extend(checker.absorb(new_checker, CHECKER));
        changes.extend(bfd.absorb(new_bfd, BFD));
        changes.live("max_auto_priority", max_auto_priority, new_max_auto_priority);
        changes.live(
            "min_auto_priority_delay",
            min_auto_priority_delay,
            new_min_auto_priority_delay,
        );
        changes
    }
}

/// The keywords of a plane, in the order of the fields.
type ProcessKeywords = [&'static str; 6];

const VRRP: ProcessKeywords = [
    "vrrp_process_name",
    "vrrp_priority",
    "vrrp_no_swap",
    "vrrp_rt_priority",
    "vrrp_cpu_affinity",
    "vrrp_rlimit_rttime",
];
const CHECKER: ProcessKeywords = [
    "checker_process_name",
    "checker_priority",
    "checker_no_swap",
    "checker_rt_priority",
    "checker_cpu_affinity",
    "checker_rlimit_rttime",
];
const BFD: ProcessKeywords = [
    "bfd_process_name",
    "bfd_priority",
    "bfd_no_swap",
    "bfd_rt_priority",
    "bfd_cpu_affinity",
    "bfd_rlimit_rttime",
];

impl ProcessSettings {
    fn absorb(&self, new: &Self, keywords: ProcessKeywords) -> Changes {
        let Self {
            process_name,
            priority,
            no_swap,
            rt_priority,
            cpu_affinity,
            rlimit_rttime,
        } = self;
        let Self {
            process_name: new_process_name,
            priority: new_priority,
            no_swap: new_no_swap,
            rt_priority: new_rt_priority,
            cpu_affinity: new_cpu_affinity,
            rlimit_rttime: new_rlimit_rttime,
        } = new;
        let [name, nice, swap, real_time, affinity, limit] = keywords;
        let mut changes = Changes::default();
        changes.live(name, process_name, new_process_name);
        changes.live(nice, priority, new_priority);
        changes.live(swap, no_swap, new_no_swap);
        changes.live(real_time, rt_priority, new_rt_priority);
        changes.live(affinity, cpu_affinity, new_cpu_affinity);
        changes.live(limit, rlimit_rttime, new_rlimit_rttime);
        changes
    }
}

impl Inherited {
    /// Nothing: instances, real servers and checkers have it, and are compared.
    fn absorb(&self, new: &Self) {
        let Self {
            mcast_group4: _,
            mcast_group6: _,
            lower_prio_no_advert: _,
            higher_prio_send_advert: _,
            down_timer_adverts: _,
            check_unicast_src: _,
            checker_log_all_failures: _,
            rs_init_notifies: _,
            expiry: _,
            drift_repair: _,
        } = self;
        let Self {
            mcast_group4: _,
            mcast_group6: _,
            lower_prio_no_advert: _,
            higher_prio_send_advert: _,
            down_timer_adverts: _,
            check_unicast_src: _,
            checker_log_all_failures: _,
            rs_init_notifies: _,
            expiry: _,
            drift_repair: _,
        } = new;
    }
}

impl ShownSettings {
    fn absorb(&self, new: &Self) -> Changes {
        let Self {
            vrrp,
            firewall,
            // The kernel's IPVS, which is compared as it shall be.
            ipvs: _,
            process_monitor,
            default_interface,
            iproute_usr_dir,
            iproute_etc_dir,
        } = self;
        let Self {
            vrrp: new_vrrp,
            firewall: new_firewall,
            ipvs: _,
            process_monitor: new_process_monitor,
            default_interface: new_default_interface,
            iproute_usr_dir: new_iproute_usr_dir,
            iproute_etc_dir: new_iproute_etc_dir,
        } = new;
        vrrp.absorb(new_vrrp);
        process_monitor.absorb(new_process_monitor);
        let mut changes = firewall.absorb(new_firewall);
        changes.live("default_interface", default_interface, new_default_interface);
        changes.live("iproute_usr_dir", iproute_usr_dir, new_iproute_usr_dir);
        changes.live("iproute_etc_dir", iproute_etc_dir, new_iproute_etc_dir);
        changes
    }
}

impl VrrpDefaults {
    /// Nothing: instances have it, and what concerns all is the VRRP plane's, and both are compared.
    fn absorb(&self, new: &Self) {
        let Self {
            strict: _,
            skip_check_adv_addr: _,
            owner_ignore_adverts: _,
            log_unknown_vrids: _,
            startup_delay: _,
            delay_after_boot: _,
            garp_extra_if: _,
            v3_checksum_as_v2: _,
            vmac_prefix: _,
            vmac_addr_prefix: _,
            rx_bufs_policy: _,
            rx_bufs_multiplier: _,
        } = self;
        let Self {
            strict: _,
            skip_check_adv_addr: _,
            owner_ignore_adverts: _,
            log_unknown_vrids: _,
            startup_delay: _,
            delay_after_boot: _,
            garp_extra_if: _,
            v3_checksum_as_v2: _,
            vmac_prefix: _,
            vmac_addr_prefix: _,
            rx_bufs_policy: _,
            rx_bufs_multiplier: _,
        } = new;
    }
}

impl FirewallSettings {
    /// The packet filter and the marks of IPVS are compared as they shall be. Whether there are marks at all was settled at
    /// the start.
    fn absorb(&self, new: &Self) -> Changes {
        let Self {
            iptables: _,
            nftables: _,
            nftables_priority: _,
            nftables_ifindex: _,
            nftables_counters: _,
            nftables_ipvs,
            nftables_ipvs_priority: _,
            nftables_ipvs_start_fwmark: _,
            disable_local_igmp: _,
        } = self;
        let Self {
            iptables: _,
            nftables: _,
            nftables_priority: _,
            nftables_ifindex: _,
            nftables_counters: _,
            nftables_ipvs: new_nftables_ipvs,
            nftables_ipvs_priority: _,
            nftables_ipvs_start_fwmark: _,
            disable_local_igmp: _,
        } = new;
        let mut changes = Changes::default();
        changes.note("nftables_ipvs", nftables_ipvs, new_nftables_ipvs, Effect::Restart);
        changes
    }
}

impl BufferSize {
    /// Nothing: the buffer is compared as it shall be.
    fn absorb(&self, new: &Self) {
        let Self { size: _, force: _ } = self;
        let Self { size: _, force: _ } = new;
    }
}
