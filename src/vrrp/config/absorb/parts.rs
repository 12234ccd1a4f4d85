//! Of the parts of a router, of sync groups, links and what all routers share.

use super::*;

impl VrrpConfig {
    /// What changes of what concerns all routers.
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self {
            // Objects of their own.
            routers: _,
            groups: _,
            links: _,
            statics: _,
            track_groups: _,
            // Made of the scripts that are run, which are compared.
            scripts: _,
            firewall,
            log_unknown_vrids,
            // As written, in `global_defs`.
            states_on_reload: _,
            start_delay,
            garp_groups,
            promote_secondaries,
            link_delays,
        } = self;
        let Self {
            routers: _,
            groups: _,
            links: _,
            statics: _,
            track_groups: _,
            scripts: _,
            firewall: new_firewall,
            log_unknown_vrids: new_log_unknown_vrids,
            states_on_reload: _,
            start_delay: new_start_delay,
            garp_groups: new_garp_groups,
            promote_secondaries: new_promote_secondaries,
            link_delays: new_link_delays,
        } = new;
        let mut changes = firewall.absorb(new_firewall);
        changes.live("log_unknown_vrids", log_unknown_vrids, new_log_unknown_vrids);
        changes.extend(start_delay.absorb(new_start_delay));
        changes.list("garp_group", garp_groups, new_garp_groups);
        changes.list(
            "promote_secondaries",
            promote_secondaries,
            new_promote_secondaries,
        );
        changes.list("interface_up_down_delays", link_delays, new_link_delays);
        changes
    }
}

impl GarpConfig {
    /// What changes of it: a MASTER's schedule is retuned.
    pub(super) fn absorb(&self, new: &Self) -> Changes {
        let Self {
            delay,
            repeat,
            refresh,
            refresh_repeat,
            lower_prio_delay,
            lower_prio_repeat,
            garp_interval,
            gna_interval,
            extra,
        } = self;
        let Self {
            delay: new_delay,
            repeat: new_repeat,
            refresh: new_refresh,
            refresh_repeat: new_refresh_repeat,
            lower_prio_delay: new_lower_prio_delay,
            lower_prio_repeat: new_lower_prio_repeat,
            garp_interval: new_garp_interval,
            gna_interval: new_gna_interval,
            extra: new_extra,
        } = new;
        let mut changes = Changes::default();
        changes.live("garp_master_delay", delay, new_delay);
        changes.live("garp_master_repeat", repeat, new_repeat);
        changes.live("garp_master_refresh", refresh, new_refresh);
        changes.live("garp_master_refresh_repeat", refresh_repeat, new_refresh_repeat);
        changes.live("garp_lower_prio_delay", lower_prio_delay, new_lower_prio_delay);
        changes.live("garp_lower_prio_repeat", lower_prio_repeat, new_lower_prio_repeat);
        changes.live("vrrp_garp_interval", garp_interval, new_garp_interval);
        changes.live("vrrp_gna_interval", gna_interval, new_gna_interval);
        changes.live("garp_extra_if", extra, new_extra);
        changes
    }
}

impl TrackedObjects {
    /// What changes of it.
    pub(super) fn absorb(&self, new: &Self) -> Changes {
        let Self {
            files,
            processes,
            sessions,
        } = self;
        let Self {
            files: new_files,
            processes: new_processes,
            sessions: new_sessions,
        } = new;
        let mut changes = Changes::default();
        changes.list("track_file", files, new_files);
        changes.list("track_process", processes, new_processes);
        changes.list("track_bfd", sessions, new_sessions);
        changes
    }
}

impl ElectionRules {
    /// What changes of it.
    pub(super) fn absorb(&self, new: &Self) -> Changes {
        let Self {
            strict,
            owner_ignores_adverts,
            skip_check_adv_addr,
            track_src_ip,
            timer_expired_backup,
        } = self;
        let Self {
            strict: new_strict,
            owner_ignores_adverts: new_owner_ignores_adverts,
            skip_check_adv_addr: new_skip_check_adv_addr,
            track_src_ip: new_track_src_ip,
            timer_expired_backup: new_timer_expired_backup,
        } = new;
        let mut changes = Changes::default();
        changes.live("strict_mode", strict, new_strict);
        changes.live(
            "owner_ignore_adverts",
            owner_ignores_adverts,
            new_owner_ignores_adverts,
        );
        changes.live(
            "skip_check_adv_addr",
            skip_check_adv_addr,
            new_skip_check_adv_addr,
        );
        changes.live("track_src_ip", track_src_ip, new_track_src_ip);
        changes.live(
            "timer_expired_backup",
            timer_expired_backup,
            new_timer_expired_backup,
        );
        changes
    }
}

impl Notices {
    /// What changes of it.
    pub(super) fn absorb(&self, new: &Self) -> Changes {
        let Self {
            deleted,
            priority_changes,
        } = self;
        let Self {
            deleted: new_deleted,
            priority_changes: new_priority_changes,
        } = new;
        let mut changes = Changes::default();
        changes.live("notify_deleted", deleted, new_deleted);
        changes.live("notify_priority_changes", priority_changes, new_priority_changes);
        changes
    }
}

impl SyncGroupConfig {
    /// What changes of a group that is the same before and after: its members keep their states unless the group does not bear
    /// them together.
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self {
            name,
            members,
            track_interfaces,
            track_scripts,
            objects,
        } = self;
        let Self {
            name: new_name,
            members: new_members,
            track_interfaces: new_track_interfaces,
            track_scripts: new_track_scripts,
            objects: new_objects,
        } = new;
        let mut changes = Changes::default();
        changes.live("vrrp_sync_group", name, new_name);
        changes.list("group", members, new_members);
        changes.list("track_interface", track_interfaces, new_track_interfaces);
        changes.list("track_script", track_scripts, new_track_scripts);
        changes.extend(objects.absorb(new_objects));
        changes
    }
}

impl LinkConfig {
    /// What changes of a link that can be changed ([`Self::becomes`]).
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self {
            // It is the same.
            name: _,
            parent: _,
            // Whose it is, that router says.
            router: _,
            kind,
            family,
            both,
            link_local,
            group,
            notify_parent,
        } = self;
        let Self {
            name: _,
            parent: _,
            router: _,
            kind: new_kind,
            family: new_family,
            both: new_both,
            link_local: new_link_local,
            group: new_group,
            notify_parent: new_notify_parent,
        } = new;
        let mut changes = Changes::default();
        match (kind, new_kind) {
            (OwnLinkKind::Vmac(mac), OwnLinkKind::Vmac(new_mac)) => {
                changes.flaps(
                    "use_vmac",
                    mac,
                    new_mac,
                    "who knows the old MAC has to learn the new one",
                );
            }
            (
                OwnLinkKind::Ipvlan { mode, address },
                OwnLinkKind::Ipvlan {
                    mode: new_mode,
                    address: new_address,
                },
            ) => {
                changes.hidden("mode of use_ipvlan", mode, new_mode, Effect::Flaps);
                changes.live("use_ipvlan", address, new_address);
            }
            (OwnLinkKind::Vmac(_), OwnLinkKind::Ipvlan { .. })
            | (OwnLinkKind::Ipvlan { .. }, OwnLinkKind::Vmac(_)) => {
                changes.hidden("use_vmac", kind, new_kind, Effect::Flaps);
            }
        }
        changes.live("family", family, new_family);
        changes.live("use_vmac_addr", both, new_both);
        changes.hidden("link-local address", link_local, new_link_local, Effect::Live);
        changes.live("group", group, new_group);
        changes.live("netlink_notify_msg", notify_parent, new_notify_parent);
        changes
    }
}

impl FirewallConfig {
    /// What changes of it: the tables are as the start has made them.
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self {
            table,
            priority,
            counters,
            by_index,
            disable_local_igmp,
            instead_of_iptables,
        } = self;
        let Self {
            table: new_table,
            priority: new_priority,
            counters: new_counters,
            by_index: new_by_index,
            disable_local_igmp: new_disable_local_igmp,
            instead_of_iptables: new_instead_of_iptables,
        } = new;
        let mut changes = Changes::default();
        changes.note("nftables", table, new_table, Effect::Restart);
        changes.note("nftables_priority", priority, new_priority, Effect::Restart);
        changes.note("nftables_counters", counters, new_counters, Effect::Restart);
        changes.live("nftables_ifindex", by_index, new_by_index);
        let igmp = (disable_local_igmp, new_disable_local_igmp);
        changes.note("disable_local_igmp", igmp.0, igmp.1, Effect::Restart);
        changes.live("vrrp_iptables", instead_of_iptables, new_instead_of_iptables);
        changes
    }
}

impl StartDelay {
    /// What changes of it: one that still lasts is moved.
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self {
            after_start,
            after_boot,
        } = self;
        let Self {
            after_start: new_after_start,
            after_boot: new_after_boot,
        } = new;
        let mut changes = Changes::default();
        changes.live("vrrp_startup_delay", after_start, new_after_start);
        changes.live("vrrp_delay_after_boot", after_boot, new_after_boot);
        changes
    }
}

impl Show for ExtraGarp {
    fn show(&self) -> String {
        let Self { all, interval } = self;
        format!("{}{}", if *all { "all " } else { "" }, interval.show())
    }
}

impl Show for GarpLimit {
    fn show(&self) -> String {
        let Self {
            garp_interval,
            gna_interval,
            interfaces,
        } = self;
        format!(
            "garp_interval {} gna_interval {} interfaces {}",
            garp_interval.show(),
            gna_interval.show(),
            interfaces.show()
        )
    }
}

impl Show for LinkDelay {
    fn show(&self) -> String {
        let Self { interface, down, up } = self;
        format!("{interface} down {} up {}", down.show(), up.show())
    }
}

impl Show for StaticGroup {
    fn show(&self) -> String {
        let Self { name, members } = self;
        format!("{name} with {}", members.show())
    }
}

impl Show for TrackedInterface {
    fn show(&self) -> String {
        let Self {
            interface,
            weight,
            reverse,
        } = self;
        tracked(interface.as_str(), *weight, *reverse)
    }
}

impl Show for TrackedScript {
    fn show(&self) -> String {
        let Self {
            script,
            weight,
            reverse,
        } = self;
        tracked(script, *weight, *reverse)
    }
}

impl Show for Tracked {
    fn show(&self) -> String {
        let Self {
            name,
            weight,
            reverse,
        } = self;
        tracked(name, *weight, *reverse)
    }
}

fn tracked(name: &str, weight: i16, reverse: bool) -> String {
    let reverse = if reverse { " reverse" } else { "" };
    format!("{name} weight {weight}{reverse}")
}
