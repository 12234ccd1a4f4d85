//! `virtual_server` with all below it of the effective configuration.

use super::{Printer, argv, seconds, word};
use crate::check::config::{
    CheckerConfig, Connection, HttpConfig, HttpProtocol, MiscConfig, ProbeConfig, RealServerConfig,
    UrlConfig, VirtualServerConfig,
};
use crate::ipvs::model::{ServiceFlags, ServiceKey};
use crate::net::Family;
use std::time::Duration;

impl Printer {
    pub(super) fn server(&mut self, server: &VirtualServerConfig) {
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
            sorry_server,
            real_servers,
        } = server;
        let name = match key {
            ServiceKey::Address { address, .. } => format!("{} {}", address.ip(), address.port()),
            ServiceKey::FwMark { mark, .. } => format!("fwmark {mark}"),
        };
        self.block(&format!("virtual_server {name}"), |out| {
            match key {
                ServiceKey::Address { protocol, .. } => out.set("protocol", protocol.word().to_uppercase()),
                ServiceKey::FwMark { family, .. } => out.set(
                    "ip_family",
                    match family {
                        Family::V4 => "inet",
                        Family::V6 => "inet6",
                    },
                ),
            }
            out.set("lvs_sched", &scheduler.0);
            out.set("lvs_method", forward.word());
            for (flag, keyword) in [
                (ServiceFlags::ONE_PACKET, "ops"),
                (ServiceFlags::SCHED1, "flag-1"),
                (ServiceFlags::SCHED2, "flag-2"),
                (ServiceFlags::SCHED3, "flag-3"),
            ] {
                out.flag(keyword, flags.0 & flag != 0);
            }
            if let Some(persistence) = persistence {
                out.set("persistence_timeout", seconds(persistence.timeout));
                match key.family() {
                    Family::V4 => {
                        let host_bits = u32::MAX.checked_shr(u32::from(persistence.prefix)).unwrap_or(0);
                        out.set(
                            "persistence_granularity",
                            std::net::Ipv4Addr::from_bits(!host_bits),
                        );
                    }
                    Family::V6 => out.set("persistence_granularity", persistence.prefix),
                }
                if let Some(engine) = &persistence.engine {
                    out.set("persistence_engine", word(engine));
                }
            }
            out.set("delay_loop", seconds(*delay_loop));
            out.flag("alpha", *alpha);
            out.flag("omega", *omega);
            // A quorum of 0 comes of weights of 0 and cannot be written.
            if *quorum > 0 {
                out.set("quorum", quorum);
                out.set("hysteresis", hysteresis);
            }
            out.command("quorum_up", quorum_up.as_ref());
            out.command("quorum_down", quorum_down.as_ref());
            // Only a name for SNI that is not the Host header can have come from here (fact 3.8).
            let mut urls = real_servers.iter().flat_map(urls);
            if let Some(name) = urls.find_map(|url| url.sni.as_ref().filter(|_| url.sni != url.host)) {
                out.set("virtualhost", word(name));
            }
            if let Some(sorry) = sorry_server {
                out.set(
                    "sorry_server",
                    format!("{} {}", sorry.address.ip(), sorry.address.port()),
                );
                out.flag("sorry_server_inhibit", sorry.inhibit);
                out.set("sorry_server_lvs_method", sorry.forward.word());
            }
            for real in real_servers {
                out.real_server(real, *delay_loop);
            }
        });
    }

    fn real_server(&mut self, real: &RealServerConfig, server_delay: Duration) {
        let RealServerConfig {
            address,
            forward,
            weight,
            inhibit_on_failure,
            upper,
            lower,
            notify_up,
            notify_down,
            virtualhost,
            checkers,
        } = real;
        // A check of port 0 can only come of a server without a port.
        let portless = address.port() == 0
            || checkers
                .iter()
                .filter_map(connection)
                .any(|connection| connection.destination.port() == 0);
        let port = if portless {
            String::new()
        } else {
            format!(" {}", address.port())
        };
        self.block(&format!("real_server {}{port}", address.ip()), |out| {
            out.set("lvs_method", forward.word());
            out.set("weight", weight);
            out.boolean("inhibit_on_failure", *inhibit_on_failure);
            out.set("uthreshold", upper);
            out.set("lthreshold", lower);
            if let Some(host) = virtualhost {
                out.set("virtualhost", word(host));
            }
            out.command("notify_up", notify_up.as_ref());
            out.command("notify_down", notify_down.as_ref());
            for checker in checkers {
                out.checker(checker, virtualhost.as_deref(), server_delay);
            }
        });
    }

    fn checker(&mut self, checker: &CheckerConfig, virtualhost: Option<&str>, server_delay: Duration) {
        let CheckerConfig {
            probe,
            alpha,
            delay_loop,
            retry,
            delay_before_retry,
            warmup,
            log_all_failures,
        } = checker;
        self.block(probe.keyword(), |out| {
            match probe {
                ProbeConfig::Tcp(connection) => out.connection(connection),
                ProbeConfig::Http(http) => out.http(http, virtualhost),
                ProbeConfig::Misc(MiscConfig {
                    command,
                    timeout,
                    dynamic,
                }) => {
                    out.set("misc_path", argv(command));
                    out.user(command);
                    if *timeout != server_delay {
                        out.set("misc_timeout", seconds(*timeout));
                    }
                    out.flag("misc_dynamic", *dynamic);
                }
            }
            out.set("delay_loop", seconds(*delay_loop));
            out.set("warmup", seconds(*warmup));
            out.set("retry", retry);
            out.set("delay_before_retry", seconds(*delay_before_retry));
            out.boolean("alpha", *alpha);
            out.boolean("log_all_failures", *log_all_failures);
        });
    }

    fn connection(&mut self, connection: &Connection) {
        let Connection {
            destination,
            source,
            interface,
            mark,
            timeout,
        } = connection;
        self.set("connect_ip", destination.ip());
        if destination.port() != 0 {
            self.set("connect_port", destination.port());
        }
        if let Some((address, port)) = source {
            if let Some(address) = address {
                self.set("bindto", address);
            }
            if *port != 0 {
                self.set("bind_port", port);
            }
        }
        if let Some(interface) = interface {
            self.set("bind_if", interface);
        }
        if *mark != 0 {
            self.set("fwmark", mark);
        }
        self.set("connect_timeout", seconds(*timeout));
    }

    fn http(&mut self, http: &HttpConfig, virtualhost: Option<&str>) {
        let HttpConfig {
            connection,
            tls,
            protocol,
            urls,
            fast_recovery,
        } = http;
        for url in urls {
            self.block("url", |out| {
                out.set("path", word(&url.path));
                // What the real server says already is not said again, unless SNI has it too.
                if let Some(host) = &url.host
                    && (virtualhost != Some(host) || url.sni.as_ref() == Some(host))
                {
                    out.set("virtualhost", word(host));
                }
                let codes: Vec<String> = url
                    .status
                    .iter()
                    .map(|(low, high)| format!("{low}-{high}"))
                    .collect();
                out.set("status_code", codes.join(" "));
                if let Some(digest) = url.digest {
                    let hex: String = digest.iter().map(|octet| format!("{octet:02x}")).collect();
                    out.set("digest", hex);
                }
            });
        }
        self.set(
            "http_protocol",
            match protocol {
                HttpProtocol::V10 => "1.0",
                HttpProtocol::V10Close => "1.0C",
                HttpProtocol::V11 => "1.1",
            },
        );
        if let Some(tls) = tls {
            self.boolean("enable_sni", tls.sni);
            self.boolean("tls_compliant", tls.compliant);
        }
        self.boolean("fast_recovery", *fast_recovery);
        self.connection(connection);
    }
}

fn urls(real: &RealServerConfig) -> impl Iterator<Item = &UrlConfig> {
    real.checkers.iter().flat_map(|checker| match &checker.probe {
        ProbeConfig::Http(http) => http.urls.as_slice(),
        ProbeConfig::Tcp(_) | ProbeConfig::Misc(_) => &[],
    })
}

const fn connection(checker: &CheckerConfig) -> Option<&Connection> {
    match &checker.probe {
        ProbeConfig::Tcp(connection) => Some(connection),
        ProbeConfig::Http(http) => Some(&http.connection),
        ProbeConfig::Misc(_) => None,
    }
}
