//! Lines of the section "Global definitions" on processes, management and buffers (fact cli 6.5).

use super::Sheet;
use crate::conf::config::{
    BufferSettings, Global, LaterGlobal, ManagementSettings, ProcessSettings, ProcessesSettings, RxBufs,
};
use crate::daemon::pace::{LATENESS, RTTIME};
use std::time::Duration;

/// Where keepalived looks for the AgentX master.
const AGENTX: &str = "default (unix:/var/agentx/master)";
/// How old SNMP's statistics of virtual servers may be, unless configured.
const SNMP_AGE: Duration = Duration::from_secs(5);

/// Names of processes, as far as they were given.
pub(super) fn names(sheet: &mut Sheet, processes: &ProcessesSettings) {
    // `process_names` gives all of them but the parent's.
    let given = |name: &str| processes.process_names.then(|| name.to_owned());
    let children = [
        ("VRRP", &processes.vrrp, "keepalived_vrrp"),
        ("LVS", &processes.checker, "keepalived_lvs"),
        ("BFD", &processes.bfd, "keepalived_bfd"),
    ];
    if let Some(name) = &processes.process_name {
        sheet.item("Parent process name", name);
    }
    for (which, process, default) in children {
        if let Some(name) = process.process_name.clone().or_else(|| given(default)) {
            sheet.item(&format!("{which} process name"), name);
        }
    }
}

/// What processes get from the scheduler.
pub(super) fn priorities(sheet: &mut Sheet, processes: &ProcessesSettings) {
    match processes.max_auto_priority {
        None | Some(-1 | 0) => sheet.item("Max auto priority", "Disabled"),
        Some(priority) => sheet.item("Max auto priority", priority),
    }
    let lateness = processes.min_auto_priority_delay.unwrap_or(LATENESS);
    sheet.item(
        "Min auto priority delay",
        format_args!("{} usecs", lateness.as_micros()),
    );
    for (which, process) in [
        ("VRRP", &processes.vrrp),
        ("Checker", &processes.checker),
        ("BFD", &processes.bfd),
    ] {
        let ProcessSettings {
            process_name: _,
            priority,
            no_swap,
            rt_priority,
            cpu_affinity,
            rlimit_rttime,
        } = process;
        sheet.item(&format!("{which} process priority"), priority.unwrap_or(0));
        sheet.item(&format!("{which} don't swap"), no_swap);
        sheet.item(&format!("{which} realtime priority"), rt_priority.unwrap_or(0));
        if !cpu_affinity.is_empty() {
            let list: Vec<String> = cpu_affinity.iter().map(ToString::to_string).collect();
            sheet.item(&format!("{which} CPU Affinity"), list.join(" "));
        }
        let limit = rlimit_rttime.unwrap_or(RTTIME).as_micros();
        sheet.item(&format!("{which} realtime limit"), limit);
    }
}

/// SNMP and D-Bus.
pub(super) fn management(sheet: &mut Sheet, management: &ManagementSettings) {
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
    let word = |on: &bool| if *on { "enabled" } else { "disabled" };
    for (label, on) in [
        ("SNMP vrrp", enable_snmp_vrrp),
        ("SNMP checker", enable_snmp_checker),
        ("SNMP RFCv2", enable_snmp_rfcv2),
        ("SNMP RFCv3", enable_snmp_rfcv3),
        ("SNMP traps", enable_traps),
    ] {
        sheet.line(1, format_args!("{label} {}", word(on)));
    }
    sheet.item("SNMP socket", snmp_socket.as_deref().unwrap_or(AGENTX));
    let fixed = |age: Duration| format!("{}.{:06}", age.as_secs(), age.subsec_micros());
    let of_services = snmp_vs_stats_update_interval.unwrap_or(SNMP_AGE);
    sheet.item("SNMP VS stats update interval", fixed(of_services));
    let of_servers = snmp_rs_stats_update_interval.unwrap_or(of_services);
    sheet.item("SNMP RS stats update interval", fixed(of_servers));
    sheet.line(1, format_args!("DBus {}", word(enable_dbus)));
    sheet.item("DBus service name", dbus_service_name.as_deref().unwrap_or(""));
    if let Some(name) = dbus_no_interface_name {
        sheet.item("DBus no interface name", name);
    }
}

/// Buffers, and two switches that keepalived shows among them.
pub(super) fn buffers(sheet: &mut Sheet, global: &Global, later: &LaterGlobal) {
    let shown = &global.shown;
    let BufferSettings {
        vrrp_netlink_cmd,
        vrrp_netlink_monitor,
        lvs_netlink_cmd,
        lvs_netlink_monitor,
    } = &later.buffers;
    for (name, buffer) in [
        ("vrrp_netlink_cmd", vrrp_netlink_cmd),
        ("vrrp_netlink_monitor", vrrp_netlink_monitor),
        ("process_monitor", &shown.process_monitor),
        ("lvs_netlink_cmd", lvs_netlink_cmd),
        ("lvs_netlink_monitor", lvs_netlink_monitor),
    ] {
        sheet.item(&format!("{name}_rcv_bufs"), buffer.size.unwrap_or(0));
        let force = buffer.force.unwrap_or(false);
        sheet.item(&format!("{name}_rcv_bufs_force"), u8::from(force));
    }
    sheet.item("rs_init_notifies", u8::from(global.inherited.rs_init_notifies));
    sheet.item("no_checker_emails", u8::from(global.mail.no_checker_emails));
    match shown.vrrp.rx_bufs_policy {
        None => {}
        Some(RxBufs::Mtu) => sheet.item("rx_bufs_policy", "MTU"),
        Some(RxBufs::Advert) => sheet.item("rx_bufs_policy", "ADVERT"),
        Some(RxBufs::Bytes(size)) => sheet.item("rx_bufs_size", size),
    }
    sheet.item("rx_bufs_multiples", shown.vrrp.rx_bufs_multiplier.unwrap_or(3));
}
