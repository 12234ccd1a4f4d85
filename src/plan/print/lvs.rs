//! Virtual servers, their groups and real servers of the effective configuration.

use super::{MASK, Printer, seconds, word};
use crate::check::CheckConfig;
use crate::check::config::{
    GroupEntry, RealServerConfig, ServerGroupConfig, Target, UrlConfig, VirtualServerConfig,
};
use crate::conf::config::Ssl;
use crate::ipvs::model::{Granularity, Persistence, ServiceFlags, ServiceKey};
use crate::net::Family;
use crate::plan::check::CONNECT_TIMEOUT;
use crate::plan::later::{LaterLvs, LaterRealServer, LaterServer};
use std::time::Duration;

impl Printer {
    /// All of it.
    pub(super) fn lvs(&mut self, check: &CheckConfig, later: &LaterLvs) {
        let CheckConfig {
            groups,
            ssl,
            services,
            // They follow from `global_defs`.
            notices: _,
            expiry: _,
            repair: _,
        } = check;
        let LaterLvs { servers } = later;
        if let Some(ssl) = ssl {
            self.ssl(ssl);
        }
        for ServerGroupConfig { name, entries } in groups {
            self.block(&format!("virtual_server_group {}", word(name)), |out| {
                for entry in entries {
                    out.line(&group_entry(entry));
                }
            });
        }
        let nothing = LaterServer::default();
        for server in services {
            self.server(server, servers.get(&server.target.id()).unwrap_or(&nothing));
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
                let text = if out.show_secrets { &password.0 } else { MASK };
                out.set("password", word(text));
            }
            for (keyword, file) in [("ca", ca), ("certificate", certificate), ("key", key)] {
                if let Some(file) = file {
                    out.set(keyword, word(file));
                }
            }
        });
    }

    fn server(&mut self, server: &VirtualServerConfig, later: &LaterServer) {
        let name = match &server.target {
            Target::Service(ServiceKey::Address { address, .. }) => {
                format!("{} {}", address.ip(), address.port())
            }
            Target::Service(ServiceKey::FwMark { mark, .. }) => format!("fwmark {mark}"),
            Target::Group(group) => format!("group {}", word(&group.name)),
        };
        self.block(&format!("virtual_server {name}"), |out| {
            // That of an address goes without saying.
            let address = matches!(server.target, Target::Service(ServiceKey::Address { .. }));
            if let Some(family) = server.target.family().filter(|_| !address) {
                out.set("ip_family", family_word(family));
            }
            if let Some(protocol) = server.target.protocol() {
                out.set("protocol", protocol.word().to_uppercase());
            }
            out.server_body(server, later);
        });
    }

    fn server_body(&mut self, server: &VirtualServerConfig, later: &LaterServer) {
        let VirtualServerConfig {
            target: _,
            scheduler,
            flags,
            persistence,
            forward,
            connect_timeout,
            delay_loop,
            alpha,
            omega,
            quorum,
            hysteresis,
            quorum_up,
            quorum_down,
            smtp_alert,
            ha_suspend,
            while_master,
            sorry_server,
            real_servers,
        } = server;
        let LaterServer {
            snmp_name,
            real_servers: later_servers,
        } = later;
        self.set("lvs_sched", &scheduler.0);
        self.set("lvs_method", forward);
        for (flag, keyword) in [
            (ServiceFlags::ONE_PACKET, "ops"),
            (ServiceFlags::SCHED1, "flag-1"),
            (ServiceFlags::SCHED2, "flag-2"),
            (ServiceFlags::SCHED3, "flag-3"),
        ] {
            self.flag(keyword, flags.0 & flag != 0);
        }
        if let Some(persistence) = persistence {
            self.persistence(persistence);
        }
        self.set("delay_loop", seconds(*delay_loop));
        // Each checker's is with it.
        if *connect_timeout != CONNECT_TIMEOUT {
            self.set("connect_timeout", seconds(*connect_timeout));
        }
        self.flag("alpha", *alpha);
        self.flag("omega", *omega);
        self.flag("ha_suspend", *ha_suspend);
        if let Some(instance) = while_master {
            self.set("while_master", word(instance));
        }
        self.boolean("smtp_alert", *smtp_alert);
        if let Some(name) = snmp_name {
            self.set("snmp_name", word(name));
        }
        // A quorum of 0 comes of weights of 0 and cannot be written.
        if *quorum > 0 {
            self.set("quorum", quorum);
            self.set("hysteresis", hysteresis);
        }
        self.command("quorum_up", quorum_up.as_ref());
        self.command("quorum_down", quorum_down.as_ref());
        // Only a name for SNI that is not the Host header can have come from here (fact 3.8).
        let mut urls = real_servers.iter().flat_map(urls);
        if let Some(name) = urls.find_map(|url| url.sni.as_ref().filter(|_| url.sni != url.host)) {
            self.set("virtualhost", word(name));
        }
        if let Some(sorry) = sorry_server {
            self.set(
                "sorry_server",
                format!("{} {}", sorry.address.ip(), sorry.address.port()),
            );
            self.flag("sorry_server_inhibit", sorry.inhibit);
            self.set("sorry_server_lvs_method", sorry.forward);
        }
        let nothing = LaterRealServer::default();
        for real in real_servers {
            let later = later_servers.get(&real.address).unwrap_or(&nothing);
            self.real_server(real, later, *delay_loop);
        }
    }

    fn persistence(&mut self, persistence: &Persistence) {
        self.set("persistence_timeout", seconds(persistence.timeout));
        if persistence.granularity != Granularity::Address {
            self.set("persistence_granularity", persistence.granularity);
        }
        if let Some(engine) = &persistence.engine {
            self.set("persistence_engine", word(engine));
        }
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
        let LaterRealServer { snmp_name } = later;
        // A check of port 0 can only come of a server without a port.
        let portless = address.port() == 0 || asks_port_0(real);
        let port = if portless {
            String::new()
        } else {
            format!(" {}", address.port())
        };
        self.block(&format!("real_server {}{port}", address.ip()), |out| {
            out.set("lvs_method", forward);
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
            out.command("notify_up", notify_up.as_deref());
            out.command("notify_down", notify_down.as_deref());
            for checker in checkers {
                out.checker(checker, virtualhost.as_deref(), server_delay);
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
