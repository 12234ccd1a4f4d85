//! Tracked files and processes, and what virtual routers were made of, in the effective configuration.

use super::global::extra_garp;
use super::{MASK, Printer, word};
use crate::conf::config::{RouterSettings, UseIpvlan, UseVmac, VmacAddress};
use crate::net::IpvlanMode;
use crate::plan::later::LaterInstance;
use crate::track::config::{FileConfig, InitFile, ParamMatch, ProcessConfig};
use crate::vrrp::config::{
    HmacConfig, HmacKey, HmacMode, OldChecksum, PacketConfig, PeerTtl, Replay, Tracked, TrackedObjects,
};
use std::net::IpAddr;
use std::time::Duration;

/// What an instance says besides what its router is told.
#[derive(Clone, Copy)]
pub(super) struct Further<'a> {
    pub(super) settings: Option<&'a RouterSettings>,
    pub(super) later: Option<&'a LaterInstance>,
}

impl Printer {
    /// `track_file`; it must stand above what tracks it.
    pub(super) fn track_file(&mut self, file: &FileConfig) {
        let FileConfig {
            name,
            path,
            weight,
            reverse,
            init,
        } = file;
        self.block(&format!("track_file {}", word(name)), |out| {
            out.set("file", word(&path.display().to_string()));
            out.set("weight", with_reverse(*weight, *reverse));
            if let Some(InitFile { value, overwrite }) = init {
                let overwrite = if *overwrite { " overwrite" } else { "" };
                out.set("init_file", format!("{value}{overwrite}"));
            }
        });
    }

    /// `vrrp_track_process`; it must stand above what tracks it.
    pub(super) fn track_process(&mut self, process: &ProcessConfig) {
        let ProcessConfig {
            name,
            program,
            parameters,
            param_match,
            full_command,
            weight,
            reverse,
            quorum,
            quorum_max,
            terminate_delay,
            fork_delay,
        } = process;
        self.block(&format!("vrrp_track_process {}", word(name)), |out| {
            let words: Vec<String> = [program]
                .into_iter()
                .chain(parameters)
                .map(|text| word(text))
                .collect();
            out.set("process", words.join(" "));
            match param_match {
                None => {}
                Some(ParamMatch::Exact) => out.line("param_match"),
                Some(ParamMatch::Initial) => out.set("param_match", "initial"),
                Some(ParamMatch::Partial) => out.set("param_match", "partial"),
            }
            out.set("weight", with_reverse(*weight, *reverse));
            out.set("quorum", quorum);
            out.some("quorum_max", quorum_max.as_ref());
            let delay = |delay: &Duration| (!delay.is_zero()).then_some(*delay);
            out.time("terminate_delay", delay(terminate_delay));
            out.time("fork_delay", delay(fork_delay));
            out.flag("full_command", *full_command);
        });
    }

    /// The entries of `track_file`, `track_process` and `track_bfd`.
    pub(super) fn objects(&mut self, objects: &TrackedObjects) {
        let TrackedObjects {
            files,
            processes,
            sessions,
        } = objects;
        for (keyword, entries) in [
            ("track_file", files),
            ("track_process", processes),
            ("track_bfd", sessions),
        ] {
            if entries.is_empty() {
                continue;
            }
            self.block(keyword, |out| {
                for Tracked {
                    name,
                    weight,
                    reverse,
                } in entries
                {
                    let reverse = if *reverse { "reverse" } else { "noreverse" };
                    out.line(&format!("{} weight {weight} {reverse}", word(name)));
                }
            });
        }
    }

    pub(super) fn further(&mut self, further: Further<'_>, packets: &PacketConfig) {
        let Further { settings, later } = further;
        if let Some(settings) = settings {
            self.settings(settings, packets);
        }
        if let Some(LaterInstance { linkbeat_use_polling }) = later {
            self.flag("linkbeat_use_polling", *linkbeat_use_polling);
        }
    }

    fn settings(&mut self, settings: &RouterSettings, packets: &PacketConfig) {
        let RouterSettings {
            use_vmac,
            use_vmac_addr,
            vmac_xmit_base,
            use_ipvlan,
            vrf,
            lvs_sync_daemon_interface,
            track_src_ip,
            promote_secondaries,
            v3_checksum_as_v2,
            accept,
            skip_check_adv_addr,
            strict_mode,
            debug,
            garp_extra_if,
            timer_expired_backup,
            owner_ignore_adverts,
            kernel_rx_buf_size,
            // Those of the router by now.
            peer_ttls: _,
            old_unicast_checksum: _,
            auth_hmac: _,
            track_files: _,
            track_processes: _,
            track_bfds: _,
        } = settings;
        let PacketConfig {
            hmac,
            old_checksum,
            // With the peers.
            peer_ttls: _,
            // As written: what is not is that of `global_defs`.
            v3_checksum_as_v2: _,
            old_checksum_group: _,
            rx_buffer: _,
        } = packets;
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
        match old_checksum {
            OldChecksum::Auto => {}
            OldChecksum::Always => self.line("old_unicast_checksum"),
            OldChecksum::Never => self.set("old_unicast_checksum", "never"),
        }
        let daemon = lvs_sync_daemon_interface.as_ref();
        self.text(
            "lvs_sync_daemon_interface",
            daemon.map(|name| name.value.as_str()),
        );
        self.flag("track_src_ip", track_src_ip.is_some());
        self.flag("promote_secondaries", promote_secondaries.is_some());
        self.maybe("v3_checksum_as_v2", *v3_checksum_as_v2);
        if let Some(accept) = accept {
            self.line(if accept.value { "accept" } else { "no_accept" });
        }
        self.maybe("skip_check_adv_addr", *skip_check_adv_addr);
        self.some("debug", debug.as_ref());
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
        if let Some(hmac) = hmac {
            self.auth_hmac(hmac);
        }
    }

    fn auth_hmac(&mut self, hmac: &HmacConfig) {
        let HmacConfig {
            keys,
            active,
            mode,
            replay,
        } = hmac;
        let show_secrets = self.show_secrets;
        self.block("auth_hmac", |out| {
            for HmacKey { id, octets } in keys {
                let value = if show_secrets {
                    let digits: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
                    format!("hex:{}", digits.concat())
                } else {
                    MASK.to_owned()
                };
                out.set("key", format!("{id} {}", word(&value)));
            }
            out.set("active_key", active);
            match replay {
                Replay::Time { window } => {
                    out.set("anti_replay", "time");
                    out.set("time_window", window.as_secs());
                }
                Replay::Monotonic => out.set("anti_replay", "monotonic"),
            }
            out.set(
                "mode",
                match mode {
                    HmacMode::Enforce => "enforce",
                    HmacMode::Permissive => "permissive",
                    HmacMode::ReceiveOnly => "receive-only",
                },
            );
        });
    }
}

fn with_reverse(weight: i16, reverse: bool) -> String {
    format!("{weight}{}", if reverse { " reverse" } else { "" })
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
pub(super) fn peer_line(peer: IpAddr, limits: &[PeerTtl]) -> String {
    match limits.iter().find(|limit| limit.peer == peer) {
        None => peer.to_string(),
        Some(PeerTtl { least, most, .. }) => format!("{peer} min_ttl {least} max_ttl {most}"),
    }
}
