//! What of virtual routers, sync groups and trackers nothing comes of yet, in the effective configuration.

use super::global::extra_garp;
use super::{MASK, Printer, word};
use crate::conf::config::*;
use crate::net::IpvlanMode;
use crate::plan::later::{LaterInstance, LaterTracked};
use std::net::IpAddr;
use std::path::Path;

impl Printer {
    /// What is tracked; it must stand above what tracks it.
    pub(super) fn tracked(&mut self, tracked: &LaterTracked) {
        // Scripts have their own printer.
        let LaterTracked {
            files,
            processes,
            init_fail: _,
        } = tracked;
        for file in files {
            self.track_file(file);
        }
        for process in processes {
            self.track_process(process);
        }
    }

    fn track_file(&mut self, track_file: &TrackFile) {
        let TrackFile {
            name,
            file,
            weight,
            reverse,
            init_file,
        } = track_file;
        self.block(&format!("track_file {}", word(&name.value)), |out| {
            if let Some(file) = file {
                out.set("file", path(&file.value));
            }
            out.set("weight", with_reverse(*weight, *reverse));
            if let Some(InitFile { value, overwrite }) = init_file {
                let overwrite = if *overwrite { " overwrite" } else { "" };
                out.set("init_file", format!("{value}{overwrite}"));
            }
        });
    }

    fn track_process(&mut self, track_process: &TrackProcess) {
        let TrackProcess {
            name,
            process,
            param_match,
            weight,
            reverse,
            quorum,
            quorum_max,
            terminate_delay,
            fork_delay,
            full_command,
        } = track_process;
        self.block(&format!("vrrp_track_process {}", word(&name.value)), |out| {
            if let Some(process) = process {
                let words: Vec<String> = process.value.iter().map(|text| word(text)).collect();
                out.set("process", words.join(" "));
            }
            match param_match {
                None => {}
                Some(ParamMatch::Exact) => out.line("param_match"),
                Some(ParamMatch::Initial) => out.set("param_match", "initial"),
                Some(ParamMatch::Partial) => out.set("param_match", "partial"),
            }
            if let Some(weight) = weight {
                out.set("weight", with_reverse(*weight, *reverse));
            }
            out.some("quorum", quorum.as_ref());
            out.some("quorum_max", quorum_max.as_ref());
            out.time("terminate_delay", *terminate_delay);
            out.time("fork_delay", *fork_delay);
            out.flag("full_command", *full_command);
        });
    }

    pub(super) fn later_group(&mut self, later: &GroupSettings) {
        let GroupSettings {
            track_files,
            track_processes,
            track_bfds,
        } = later;
        self.track_lines("track_file", track_files);
        self.track_lines("track_process", track_processes);
        self.track_lines("track_bfd", track_bfds);
    }

    fn track_lines(&mut self, keyword: &str, lines: &[TrackLine]) {
        if lines.is_empty() {
            return;
        }
        self.block(keyword, |out| {
            for TrackLine {
                name,
                weight,
                reverse,
                known: _,
            } in lines
            {
                let weight = weight.map_or_else(String::new, |weight| {
                    let reverse = match reverse {
                        None => "",
                        Some(true) => " reverse",
                        Some(false) => " noreverse",
                    };
                    format!(" weight {weight}{reverse}")
                });
                out.line(&format!("{}{weight}", word(&name.value)));
            }
        });
    }

    pub(super) fn later_instance(&mut self, later: &RouterSettings) {
        let RouterSettings {
            use_vmac,
            use_vmac_addr,
            vmac_xmit_base,
            use_ipvlan,
            vrf,
            // With the peers.
            peer_ttls: _,
            old_unicast_checksum,
            track_src_ip,
            promote_secondaries,
            v3_checksum_as_v2,
            accept,
            skip_check_adv_addr,
            strict_mode,
            debug,
            lvs_sync_daemon_interface,
            garp_extra_if,
            timer_expired_backup,
            owner_ignore_adverts,
            kernel_rx_buf_size,
            linkbeat_use_polling,
            auth_hmac,
            track_files,
            track_processes,
            track_bfds,
        } = later;
        self.maybe("strict_mode", *strict_mode);
        if let Some(vmac) = use_vmac {
            self.line(&vmac_line(&vmac.value));
        }
        self.flag("use_vmac_addr", *use_vmac_addr);
        self.flag("vmac_xmit_base", vmac_xmit_base.is_some());
        if let Some(ipvlan) = use_ipvlan {
            self.line(&ipvlan_line(&ipvlan.value));
        }
        self.text("vrf", vrf.as_ref().map(|vrf| vrf.value.as_str()));
        match old_unicast_checksum {
            None => {}
            Some(OldChecksum::Always) => self.line("old_unicast_checksum"),
            Some(OldChecksum::Never) => self.set("old_unicast_checksum", "never"),
        }
        self.flag("track_src_ip", track_src_ip.is_some());
        self.flag("promote_secondaries", promote_secondaries.is_some());
        self.maybe("v3_checksum_as_v2", *v3_checksum_as_v2);
        if let Some(accept) = accept {
            self.line(if accept.value { "accept" } else { "no_accept" });
        }
        self.maybe("skip_check_adv_addr", *skip_check_adv_addr);
        self.some("debug", debug.as_ref());
        let daemon = lvs_sync_daemon_interface.as_ref();
        self.text(
            "lvs_sync_daemon_interface",
            daemon.map(|name| name.value.as_str()),
        );
        if let Some(garp) = garp_extra_if {
            self.set("garp_extra_if", extra_garp(garp));
        }
        let expired = timer_expired_backup.as_ref();
        self.some("timer_expired_backup", expired.map(|priority| &priority.value));
        self.maybe(
            "owner_ignore_adverts",
            owner_ignore_adverts.as_ref().map(|keyword| keyword.value),
        );
        self.some("kernel_rx_buf_size", kernel_rx_buf_size.as_ref());
        self.flag("linkbeat_use_polling", *linkbeat_use_polling);
        if let Some(hmac) = auth_hmac {
            self.auth_hmac(&hmac.value);
        }
        self.track_lines("track_file", track_files);
        self.track_lines("track_process", track_processes);
        self.track_lines("track_bfd", track_bfds);
    }

    fn auth_hmac(&mut self, hmac: &AuthHmac) {
        let AuthHmac {
            keys,
            active_key,
            time_window,
            anti_replay,
            mode,
        } = hmac;
        let show_secrets = self.show_secrets;
        self.block("auth_hmac", |out| {
            for HmacKey { id, source } in keys {
                let value = match &source.value {
                    KeySource::Octets(_) if !show_secrets => MASK.to_owned(),
                    KeySource::Octets(Secret(octets)) => {
                        let digits: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
                        format!("hex:{}", digits.concat())
                    }
                    KeySource::File(file) => format!("file:{}", file.display()),
                };
                out.set("key", format!("{id} {}", word(&value)));
            }
            out.some("active_key", active_key.as_ref().map(|key| &key.value));
            out.some("time_window", time_window.as_ref());
            match anti_replay {
                None => {}
                Some(AntiReplay::Time) => out.set("anti_replay", "time"),
                Some(AntiReplay::Monotonic) => out.set("anti_replay", "monotonic"),
            }
            match mode {
                None => {}
                Some(HmacMode::Enforce) => out.set("mode", "enforce"),
                Some(HmacMode::Permissive) => out.set("mode", "permissive"),
                Some(HmacMode::ReceiveOnly) => out.set("mode", "receive-only"),
            }
        });
    }
}

fn with_reverse(weight: i16, reverse: bool) -> String {
    format!("{weight}{}", if reverse { " reverse" } else { "" })
}

fn path(path: &Path) -> String {
    word(&path.display().to_string())
}

fn vmac_line(vmac: &UseVmac) -> String {
    let UseVmac {
        name,
        mac,
        netlink_notify_msg,
        group,
    } = vmac;
    let mut line = "use_vmac".to_owned();
    if let Some(name) = name {
        line.push_str(&format!(" name {}", word(&name.value)));
    }
    match mac {
        None => {}
        Some(VmacAddress::Whole(mac)) => line.push_str(&format!(" {mac}")),
        Some(VmacAddress::BeforeVrid([a, b, c, d, e])) => {
            line.push_str(&format!(" {a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}"));
        }
    }
    if *netlink_notify_msg {
        line.push_str(" netlink_notify_msg");
    }
    if let Some(group) = group {
        line.push_str(&format!(" group {group}"));
    }
    line
}

fn ipvlan_line(ipvlan: &UseIpvlan) -> String {
    let UseIpvlan {
        name,
        address,
        mode,
        group,
    } = ipvlan;
    let mut line = "use_ipvlan".to_owned();
    if let Some(name) = name {
        line.push_str(&format!(" name {}", word(&name.value)));
    }
    if let Some((address, prefix)) = address {
        let prefix = prefix.map_or_else(String::new, |prefix| format!("/{prefix}"));
        line.push_str(&format!(" {address}{prefix}"));
    }
    line.push_str(match mode {
        IpvlanMode::Bridge => "",
        IpvlanMode::Private => " private",
        IpvlanMode::Vepa => " vepa",
    });
    if let Some(group) = group {
        line.push_str(&format!(" group {group}"));
    }
    line
}

/// A line of `unicast_peer`.
pub(super) fn peer_line(peer: IpAddr, later: Option<&LaterInstance>) -> String {
    let range = later.and_then(|later| later.settings.peer_ttls.get(&peer));
    match range {
        None => peer.to_string(),
        Some(TtlRange { least, most }) => format!("{peer} min_ttl {least} max_ttl {most}"),
    }
}
