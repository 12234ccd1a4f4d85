//! Virtual servers, their groups and real servers of the effective configuration.

use super::{MASK, Printer, seconds, word};
use crate::check::config::{RealServerConfig, SorryServerConfig, UrlConfig, VirtualServerConfig};
use crate::conf::config::{GroupEntry, Ssl, Tunnel, TunnelChecksum, TunnelKind};
use crate::ipvs::model::{ForwardMethod, Persistence, Scheduler, ServiceFlags, ServiceKey};
use crate::net::Family;
use crate::plan::later::{
    LaterGroupServer, LaterLvs, LaterRealServer, LaterServer, LaterServerGroup, ServerSettings,
};
use crate::script::config::Command;
use std::net::Ipv4Addr;
use std::time::Duration;

/// What a virtual server has besides its name, of one that is served or of one on a group.
struct Settings<'a> {
    scheduler: &'a Scheduler,
    flags: ServiceFlags,
    persistence: Option<&'a Persistence>,
    forward: ForwardMethod,
    delay_loop: Duration,
    alpha: bool,
    omega: bool,
    quorum: u32,
    hysteresis: u32,
    quorum_up: Option<&'a Command>,
    quorum_down: Option<&'a Command>,
    smtp_alert: bool,
    ha_suspend: bool,
    sorry_server: Option<&'a SorryServerConfig>,
    real_servers: &'a [RealServerConfig],
}

impl Printer {
    /// All of it.
    pub(super) fn lvs(&mut self, services: &[VirtualServerConfig], later: &LaterLvs) {
        let LaterLvs {
            ssl,
            groups,
            group_servers,
            servers,
        } = later;
        if let Some(ssl) = ssl {
            self.ssl(ssl);
        }
        for LaterServerGroup { name, entries } in groups {
            self.block(&format!("virtual_server_group {}", word(name)), |out| {
                for entry in entries {
                    out.line(&group_entry(entry));
                }
            });
        }
        let nothing = LaterServer::default();
        for server in services {
            self.server(server, servers.get(&server.key).unwrap_or(&nothing));
        }
        for server in group_servers {
            self.group_server(server);
        }
    }

    fn ssl(&mut self, ssl: &Ssl) {
        let Ssl {
            password,
            ca,
            certificate,
            key,
        } = ssl;
        self.block("SSL", |out| {
            if let Some(password) = password {
                let text = if out.show_secrets {
                    String::from_utf8_lossy(&password.0).into_owned()
                } else {
                    MASK.to_owned()
                };
                out.set("password", word(&text));
            }
            for (keyword, file) in [("ca", ca), ("certificate", certificate), ("key", key)] {
                if let Some(file) = file {
                    out.set(keyword, word(file));
                }
            }
        });
    }

    fn server(&mut self, server: &VirtualServerConfig, later: &LaterServer) {
        let VirtualServerConfig {
            key,
            scheduler,
            flags,
            persistence,
            forward,
            delay_loop,
            alpha,
            omega,
            quorum,
            hysteresis,
            quorum_up,
            quorum_down,
            smtp_alert,
            ha_suspend,
            sorry_server,
            real_servers,
        } = server;
        let settings = Settings {
            scheduler,
            flags: *flags,
            persistence: persistence.as_ref(),
            forward: *forward,
            delay_loop: *delay_loop,
            alpha: *alpha,
            omega: *omega,
            quorum: *quorum,
            hysteresis: *hysteresis,
            quorum_up: quorum_up.as_ref(),
            quorum_down: quorum_down.as_ref(),
            smtp_alert: *smtp_alert,
            ha_suspend: *ha_suspend,
            sorry_server: sorry_server.as_ref(),
            real_servers,
        };
        let name = match key {
            ServiceKey::Address { address, .. } => format!("{} {}", address.ip(), address.port()),
            ServiceKey::FwMark { mark, .. } => format!("fwmark {mark}"),
        };
        self.block(&format!("virtual_server {name}"), |out| {
            match key {
                ServiceKey::Address { protocol, .. } => out.set("protocol", protocol.word().to_uppercase()),
                ServiceKey::FwMark { family, .. } => out.set("ip_family", family_word(*family)),
            }
            out.server_body(&settings, Some(key.family()), later);
        });
    }

    fn group_server(&mut self, server: &LaterGroupServer) {
        let LaterGroupServer {
            group,
            // Follows from the order.
            number: _,
            family,
            protocol,
            settings,
            later,
        } = server;
        let ServerSettings {
            scheduler,
            flags,
            persistence,
            forward,
            delay_loop,
            alpha,
            omega,
            quorum,
            hysteresis,
            quorum_up,
            quorum_down,
            smtp_alert,
            ha_suspend,
            sorry_server,
            real_servers,
        } = settings;
        let settings = Settings {
            scheduler,
            flags: *flags,
            persistence: persistence.as_ref(),
            forward: *forward,
            delay_loop: *delay_loop,
            alpha: *alpha,
            omega: *omega,
            quorum: *quorum,
            hysteresis: *hysteresis,
            quorum_up: quorum_up.as_ref(),
            quorum_down: quorum_down.as_ref(),
            smtp_alert: *smtp_alert,
            ha_suspend: *ha_suspend,
            sorry_server: sorry_server.as_ref(),
            real_servers,
        };
        self.block(&format!("virtual_server group {}", word(group)), |out| {
            if let Some(family) = family {
                out.set("ip_family", family_word(*family));
            }
            if let Some(protocol) = protocol {
                out.set("protocol", protocol.word().to_uppercase());
            }
            out.server_body(&settings, *family, later);
        });
    }

    fn server_body(&mut self, settings: &Settings<'_>, family: Option<Family>, later: &LaterServer) {
        let LaterServer {
            snmp_name,
            tunnel,
            sorry_tunnel,
            granularity,
            real_servers: later_servers,
        } = later;
        let real_servers = settings.real_servers;
        self.set("lvs_sched", &settings.scheduler.0);
        self.method("lvs_method", settings.forward, *tunnel);
        for (flag, keyword) in [
            (ServiceFlags::ONE_PACKET, "ops"),
            (ServiceFlags::SCHED1, "flag-1"),
            (ServiceFlags::SCHED2, "flag-2"),
            (ServiceFlags::SCHED3, "flag-3"),
        ] {
            self.flag(keyword, settings.flags.0 & flag != 0);
        }
        if let Some(persistence) = settings.persistence {
            self.persistence(persistence, family, *granularity);
        }
        self.set("delay_loop", seconds(settings.delay_loop));
        self.flag("alpha", settings.alpha);
        self.flag("omega", settings.omega);
        self.flag("ha_suspend", settings.ha_suspend);
        self.boolean("smtp_alert", settings.smtp_alert);
        if let Some(name) = snmp_name {
            self.set("snmp_name", word(name));
        }
        // A quorum of 0 comes of weights of 0 and cannot be written.
        if settings.quorum > 0 {
            self.set("quorum", settings.quorum);
            self.set("hysteresis", settings.hysteresis);
        }
        self.command("quorum_up", settings.quorum_up);
        self.command("quorum_down", settings.quorum_down);
        // Only a name for SNI that is not the Host header can have come from here (fact 3.8).
        let mut urls = real_servers.iter().flat_map(urls);
        if let Some(name) = urls.find_map(|url| url.sni.as_ref().filter(|_| url.sni != url.host)) {
            self.set("virtualhost", word(name));
        }
        if let Some(sorry) = settings.sorry_server {
            self.set(
                "sorry_server",
                format!("{} {}", sorry.address.ip(), sorry.address.port()),
            );
            self.flag("sorry_server_inhibit", sorry.inhibit);
            self.method("sorry_server_lvs_method", sorry.forward, *sorry_tunnel);
        }
        let nothing = LaterRealServer::default();
        for real in real_servers {
            let later = later_servers.get(&real.address).unwrap_or(&nothing);
            self.real_server(real, later, settings.delay_loop);
        }
    }

    fn persistence(&mut self, persistence: &Persistence, family: Option<Family>, mask: Option<Ipv4Addr>) {
        self.set("persistence_timeout", seconds(persistence.timeout));
        match (mask, family) {
            (Some(mask), _) => self.set("persistence_granularity", mask),
            (None, Some(Family::V4)) => {
                let host_bits = u32::MAX.checked_shr(u32::from(persistence.prefix)).unwrap_or(0);
                self.set("persistence_granularity", Ipv4Addr::from_bits(!host_bits));
            }
            (None, Some(Family::V6)) => self.set("persistence_granularity", persistence.prefix),
            // What is of both families has the whole address: every other value settles one.
            (None, None) => {}
        }
        if let Some(engine) = &persistence.engine {
            self.set("persistence_engine", word(engine));
        }
    }

    fn method(&mut self, keyword: &str, forward: ForwardMethod, tunnel: Tunnel) {
        let Tunnel { kind, checksum } = tunnel;
        let mut line = forward.word().to_owned();
        if forward == ForwardMethod::Tun {
            match kind {
                TunnelKind::Ipip => {}
                TunnelKind::Gue(port) => line.push_str(&format!(" type gue port {port}")),
                TunnelKind::Gre => line.push_str(" type gre"),
            }
            line.push_str(match checksum {
                TunnelChecksum::None => "",
                TunnelChecksum::Full => " csum",
                TunnelChecksum::Remote => " remcsum",
            });
        }
        self.set(keyword, line);
    }

    fn real_server(&mut self, real: &RealServerConfig, later: &LaterRealServer, server_delay: Duration) {
        let RealServerConfig {
            address,
            forward,
            weight,
            inhibit_on_failure,
            upper,
            lower,
            notify_up,
            notify_down,
            smtp_alert,
            virtualhost,
            checkers,
        } = real;
        let LaterRealServer {
            snmp_name,
            tunnel,
            urls,
        } = later;
        // A check of port 0 can only come of a server without a port.
        let portless = address.port() == 0 || asks_port_0(real);
        let port = if portless {
            String::new()
        } else {
            format!(" {}", address.port())
        };
        self.block(&format!("real_server {}{port}", address.ip()), |out| {
            out.method("lvs_method", *forward, *tunnel);
            out.set("weight", weight);
            out.boolean("inhibit_on_failure", *inhibit_on_failure);
            out.set("uthreshold", upper);
            out.set("lthreshold", lower);
            out.boolean("smtp_alert", *smtp_alert);
            if let Some(name) = snmp_name {
                out.set("snmp_name", word(name));
            }
            if let Some(host) = virtualhost {
                out.set("virtualhost", word(host));
            }
            out.command("notify_up", notify_up.as_ref());
            out.command("notify_down", notify_down.as_ref());
            for (number, checker) in checkers.iter().enumerate() {
                let urls = |position| urls.get(&(number, position));
                out.checker(checker, virtualhost.as_deref(), server_delay, urls);
            }
        });
    }
}

const fn family_word(family: Family) -> &'static str {
    match family {
        Family::V4 => "inet",
        Family::V6 => "inet6",
    }
}

fn group_entry(entry: &GroupEntry) -> String {
    match entry {
        GroupEntry::Addresses { first, last, port } if first == last => format!("{first} {port}"),
        GroupEntry::Addresses { first, last, port } => format!("{first}-{last} {port}"),
        GroupEntry::FwMark { mark, family } => {
            let family = family.map_or_else(String::new, |family| format!(" {}", family_word(family)));
            format!("fwmark {mark}{family}")
        }
    }
}

fn urls(real: &RealServerConfig) -> impl Iterator<Item = &UrlConfig> {
    real.checkers.iter().flat_map(|checker| checker.probe.urls())
}

/// Whether a checker of it has no port to ask.
fn asks_port_0(real: &RealServerConfig) -> bool {
    let mut connections = real
        .checkers
        .iter()
        .filter_map(|checker| checker.probe.connection());
    connections.any(|connection| connection.destination.port() == 0)
}
