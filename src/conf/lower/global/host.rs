//! SNMP and D-Bus, receive buffers, reloads, files: what the daemon is to its host.

use super::Cx;
use crate::conf::config::{
    BufferSettings, BufferSize, DumpSettings, FileSettings, ManagementSettings, ReloadSettings,
    UpkeepSettings,
};
use crate::conf::diag::{Class, Topic};
use crate::conf::keyword::Block;
use crate::conf::names;
use crate::conf::tree::Statement;

/// The bits that `umask` knows by name.
const UMASK_BITS: &[(&str, u16)] = &[
    ("IRUSR", 0o400),
    ("IWUSR", 0o200),
    ("IXUSR", 0o100),
    ("IRWXU", 0o700),
    ("IRGRP", 0o040),
    ("IWGRP", 0o020),
    ("IXGRP", 0o010),
    ("IRWXG", 0o070),
    ("IROTH", 0o004),
    ("IWOTH", 0o002),
    ("IXOTH", 0o001),
    ("IRWXO", 0o007),
];
const MAX_UMASK: u16 = 0o777;

/// SNMP and D-Bus. `false`: `statement` is none of these.
pub(super) fn management(cx: &mut Cx<'_>, to: &mut ManagementSettings, statement: &Statement) -> bool {
    let block = Block::GlobalDefs;
    match statement.keyword() {
        "snmp_socket" => snmp_socket(cx, to, statement),
        "enable_traps" => to.enable_traps = true,
        "enable_snmp_vrrp" | "enable_snmp_keepalived" => to.enable_snmp_vrrp = true,
        "enable_snmp_rfc" => {
            to.enable_snmp_rfcv2 = true;
            to.enable_snmp_rfcv3 = true;
        }
        "enable_snmp_rfcv2" => to.enable_snmp_rfcv2 = true,
        "enable_snmp_rfcv3" => to.enable_snmp_rfcv3 = true,
        "enable_snmp_checker" => to.enable_snmp_checker = true,
        "snmp_vs_stats_update_interval" => {
            to.snmp_vs_stats_update_interval =
                cx.seconds(block, statement).or(to.snmp_vs_stats_update_interval);
        }
        "snmp_rs_stats_update_interval" => {
            to.snmp_rs_stats_update_interval =
                cx.seconds(block, statement).or(to.snmp_rs_stats_update_interval);
        }
        "enable_dbus" => to.enable_dbus = true,
        "dbus_service_name" => match Cx::word(statement) {
            Some(name) => to.dbus_service_name = Some(name),
            None => cx.error(statement, "dbus_service_name missing - ignoring"),
        },
        "dbus_no_interface_name" => match Cx::word(statement) {
            Some(name) => to.dbus_no_interface_name = Some(name),
            None => cx.error(statement, "dbus_no_interface_name missing - ignoring"),
        },
        _ => return false,
    }
    true
}

/// Exactly one word, and the first line counts.
fn snmp_socket(cx: &mut Cx<'_>, to: &mut ManagementSettings, statement: &Statement) {
    match (statement.args(), &to.snmp_socket) {
        ([], _) => cx.error(statement, "SNMP error : snmp socket name missing"),
        ([_, more, ..], _) => {
            let message = "Too many parameters specified for snmp_socket - ignoring";
            cx.word_error_about(Topic::ExtraParameters, statement, more, message);
        }
        ([word], Some(first)) => {
            let message = format!("SNMP socket already set to {first} - ignoring");
            cx.word_error_about(Topic::DuplicateDefinition, statement, word, message);
        }
        ([word], None) => to.snmp_socket = Some(word.text.clone()),
    }
}

/// Receive buffers of netlink. `false`: `statement` is none of these.
pub(super) fn buffers(cx: &mut Cx<'_>, buffers: &mut BufferSettings, statement: &Statement) -> bool {
    let BufferSettings {
        vrrp_netlink_cmd,
        vrrp_netlink_monitor,
        lvs_netlink_cmd,
        lvs_netlink_monitor,
    } = buffers;
    buffer(cx, "vrrp_netlink_cmd", vrrp_netlink_cmd, statement)
        || buffer(cx, "vrrp_netlink_monitor", vrrp_netlink_monitor, statement)
        || buffer(cx, "lvs_netlink_cmd", lvs_netlink_cmd, statement)
        || buffer(cx, "lvs_netlink_monitor", lvs_netlink_monitor, statement)
}

/// The two keywords of the receive buffer `name`. `false`: `statement` is none of these.
pub(super) fn buffer(cx: &mut Cx<'_>, name: &str, buffer: &mut BufferSize, statement: &Statement) -> bool {
    match statement.keyword().strip_prefix(name) {
        Some("_rcv_bufs") => {
            let size: Option<u32> = cx.unsigned(Block::GlobalDefs, statement);
            // None at all is what the kernel has.
            buffer.size = size.filter(|size| *size > 0).or(buffer.size);
        }
        Some("_rcv_bufs_force") => buffer.force = cx.boolean(statement).or(buffer.force),
        _ => return false,
    }
    true
}

/// Reloads. `false`: `statement` is none of these.
pub(super) fn reload(cx: &mut Cx<'_>, reload: &mut ReloadSettings, statement: &Statement) -> bool {
    match statement.keyword() {
        "reload_check_config" => reload.check_config = Some(Cx::word(statement)),
        "reload_repeat" => reload.repeat = true,
        "reload_time_file" => one_word(cx, &mut reload.time_file, statement),
        "config_save_dir" => reload.save_dir = Cx::word(statement),
        _ => return false,
    }
    true
}

/// Files. `false`: `statement` is none of these.
pub(super) fn files(cx: &mut Cx<'_>, files: &mut FileSettings, statement: &Statement) -> bool {
    match statement.keyword() {
        "random_seed" => files.random_seed = cx.unsigned(Block::GlobalDefs, statement).or(files.random_seed),
        "tmp_config_directory" => {
            if files.tmp_config_directory.is_some() {
                let message = "tmp_config_directory already specified - ignoring";
                cx.error_about(Topic::DuplicateDefinition, statement, message);
            } else {
                files.tmp_config_directory = Cx::word(statement);
            }
        }
        _ => return false,
    }
    true
}

/// The process and its files. `false`: `statement` is none of these.
pub(super) fn upkeep(cx: &mut Cx<'_>, upkeep: &mut UpkeepSettings, statement: &Statement) -> bool {
    match statement.keyword() {
        "reload_file" => upkeep.reload_file = Some(Cx::word(statement)),
        "umask" => upkeep.umask = umask(cx, statement).or(upkeep.umask),
        _ => return false,
    }
    true
}

/// Dump files. `false`: `statement` is none of these.
pub(super) fn dumps(cx: &mut Cx<'_>, dumps: &mut DumpSettings, statement: &Statement) -> bool {
    let slot = match statement.keyword() {
        "data_use_instance" => {
            dumps.data_use_instance = cx.boolean(statement).or(dumps.data_use_instance);
            return true;
        }
        "json_version" => {
            dumps.json_version = cx.unsigned(Block::GlobalDefs, statement).or(dumps.json_version);
            return true;
        }
        "state_dump_file" => &mut dumps.state_dump_file,
        "stats_dump_file" => &mut dumps.stats_dump_file,
        "json_dump_file" => &mut dumps.json_dump_file,
        _ => return false,
    };
    match statement.arg() {
        Some(word) if word.text.is_empty() => {
            let message = format!("{} must not be empty - ignoring", statement.keyword());
            cx.word_error(statement, word, message);
        }
        Some(word) => *slot = Some(word.text.clone()),
        None => {}
    }
    true
}

/// A setting of exactly one word.
pub(super) fn one_word(cx: &mut Cx<'_>, slot: &mut Option<String>, statement: &Statement) {
    match statement.args() {
        [word] => *slot = Some(word.text.clone()),
        _ => cx.error(statement, format!("{} invalid", statement.keyword())),
    }
}

/// A number in any of C's bases, or names of bits with `|` between them.
fn umask(cx: &mut Cx<'_>, statement: &Statement) -> Option<u16> {
    let text: String = statement.args().iter().map(|word| word.text.as_str()).collect();
    let word = statement.arg()?;
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        let mask = names::c_number(&text).and_then(|mask| u16::try_from(mask).ok());
        let mask = mask.filter(|mask| *mask <= MAX_UMASK);
        if mask.is_none() {
            let message = format!("invalid umask value {text}");
            cx.report(Class::InvalidNumber, statement.place_of(word), message);
        }
        return mask;
    }
    let mut mask = 0;
    for name in text.split('|') {
        let Some((_, bit)) = UMASK_BITS.iter().find(|(known, _)| *known == name) else {
            let names: Vec<&str> = UMASK_BITS.iter().map(|(known, _)| *known).collect();
            cx.choice_error(statement, word, format!("Unknown umask bit {name}"), &names);
            return None;
        };
        mask |= bit;
    }
    Some(mask)
}
