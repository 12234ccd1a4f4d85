//! The effective configuration: a plan as a keepalived.conf that means the same plan again.
//!
//! Everything inherited and defaulted is spelled out. Passwords are masked unless asked for. This is here and not in
//! `conf`, since `conf` does not know what a plan is.

use super::Plan;
use super::instance::{FAULT_AH, FAULT_NO_PEER};
use crate::check::config::{
    CheckerConfig, Connection, HttpConfig, HttpProtocol, MiscConfig, ProbeConfig, RealServerConfig,
    UrlConfig, VirtualServerConfig,
};
use crate::conf::config::Global;
use crate::ipvs::model::{ServiceFlags, ServiceKey};
use crate::net::{AddressSpec, Family, IfName, Scope};
use crate::notify::config::NotifyScripts;
use crate::script::config::{Command, RunAs};
use crate::track::config::TrackScriptConfig;
use crate::vrrp::config::{
    Auth, GarpConfig, InitialState, RouterConfig, SyncGroupConfig, TrackedInterface, TrackedScript,
    Transport, Version,
};
use std::net::IpAddr;
use std::time::Duration;

/// What stands for a password.
const MASK: &str = "********";

/// `plan` in the language that it came from.
pub fn print(plan: &Plan, show_secrets: bool) -> String {
    let Plan {
        global,
        vrrp,
        track_scripts,
        notify,
        check,
    } = plan;
    let mut out = Printer {
        text: String::new(),
        depth: 0,
        show_secrets,
    };
    out.global(global, vrrp.dynamic_interfaces);
    for script in track_scripts {
        out.track_script(script);
    }
    for group in &vrrp.groups {
        out.group(group, notify.groups.get(&group.name), track_scripts);
    }
    for router in &vrrp.routers {
        out.router(router, notify.instances.get(&router.name), track_scripts);
    }
    for server in &check.services {
        out.server(server);
    }
    out.text
}

struct Printer {
    text: String,
    depth: usize,
    show_secrets: bool,
}

impl Printer {
    fn line(&mut self, line: &str) {
        for _ in 0..self.depth {
            self.text.push_str("    ");
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn set(&mut self, keyword: &str, value: impl ToString) {
        self.line(&format!("{keyword} {}", value.to_string()));
    }

    fn flag(&mut self, keyword: &str, on: bool) {
        if on {
            self.line(keyword);
        }
    }

    fn boolean(&mut self, keyword: &str, on: bool) {
        self.set(keyword, if on { "true" } else { "false" });
    }

    fn block(&mut self, header: &str, body: impl FnOnce(&mut Self)) {
        self.line(&format!("{header} {{"));
        self.depth += 1;
        body(self);
        self.depth -= 1;
        self.line("}");
        if self.depth == 0 {
            self.text.push('\n');
        }
    }

    fn global(&mut self, global: &Global, dynamic_interfaces: bool) {
        let Global {
            router_id,
            vrrp_version,
            scripts,
            garp,
            dynamic_interfaces: _,
            net_namespace,
            instance,
        } = global;
        for (keyword, name) in [("net_namespace", net_namespace), ("instance", instance)] {
            if let Some(name) = name {
                self.set(keyword, word(name));
            }
        }
        self.block("global_defs", |out| {
            if let Some(name) = router_id {
                out.set("router_id", word(name));
            }
            if let Some(version) = vrrp_version {
                out.set("vrrp_version", version.number());
            }
            if let Some(user) = &scripts.default_user {
                out.set("script_user", run_as(user));
            }
            out.flag("enable_script_security", scripts.security);
            out.flag("dynamic_interfaces", dynamic_interfaces);
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
        });
    }

    fn garp(&mut self, prefix: &str, garp: &GarpConfig) {
        let GarpConfig {
            delay,
            repeat,
            refresh,
            refresh_repeat,
            lower_prio_delay,
            lower_prio_repeat,
            garp_interval: _,
            gna_interval: _,
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

    fn track_script(&mut self, script: &TrackScriptConfig) {
        let TrackScriptConfig {
            name,
            command,
            interval,
            timeout,
            weight,
            reverse,
            rise,
            fall,
        } = script;
        self.block(&format!("vrrp_script {}", word(name)), |out| {
            out.set("script", argv(command));
            out.user(command);
            out.set("interval", seconds(*interval));
            out.set("timeout", seconds(*timeout));
            out.set(
                "weight",
                format!("{weight}{}", if *reverse { " reverse" } else { "" }),
            );
            out.set("rise", rise);
            out.set("fall", fall);
        });
    }

    fn user(&mut self, command: &Command) {
        if let Some(user) = &command.user {
            self.set("user", run_as(user));
        }
    }

    fn notify(&mut self, scripts: Option<&NotifyScripts>) {
        let Some(NotifyScripts {
            master,
            backup,
            fault,
            stop,
            any,
        }) = scripts
        else {
            return;
        };
        for (keyword, command) in [
            ("notify_master", master),
            ("notify_backup", backup),
            ("notify_fault", fault),
            ("notify_stop", stop),
            ("notify", any),
        ] {
            self.command(keyword, command.as_ref());
        }
    }

    fn command(&mut self, keyword: &str, command: Option<&Command>) {
        if let Some(command) = command {
            let user = command
                .user
                .as_ref()
                .map_or_else(String::new, |user| format!(" {}", run_as(user)));
            self.set(keyword, format!("{}{user}", argv(command)));
        }
    }

    fn trackers(
        &mut self,
        interfaces: &[TrackedInterface],
        scripts: &[TrackedScript],
        defined: &[TrackScriptConfig],
    ) {
        if !interfaces.is_empty() {
            self.block("track_interface", |out| {
                for tracked in interfaces {
                    let reverse = if tracked.reverse { " reverse" } else { "" };
                    out.line(&format!(
                        "{} weight {}{reverse}",
                        tracked.interface, tracked.weight
                    ));
                }
            });
        }
        if !scripts.is_empty() {
            self.block("track_script", |out| {
                for tracked in scripts {
                    let default = defined
                        .iter()
                        .any(|script| script.name == tracked.script && script.reverse);
                    let reverse = match (tracked.reverse, default) {
                        (true, _) => " reverse",
                        (false, true) => " noreverse",
                        (false, false) => "",
                    };
                    out.line(&format!(
                        "{} weight {}{reverse}",
                        word(&tracked.script),
                        tracked.weight
                    ));
                }
            });
        }
    }

    fn group(
        &mut self,
        group: &SyncGroupConfig,
        scripts: Option<&NotifyScripts>,
        defined: &[TrackScriptConfig],
    ) {
        let SyncGroupConfig {
            name,
            members,
            track_interfaces,
            track_scripts,
        } = group;
        self.block(&format!("vrrp_sync_group {}", word(name)), |out| {
            out.block("group", |out| {
                for member in members {
                    out.line(&word(member));
                }
            });
            // Weights that are not allowed are gone already.
            out.line("sync_group_tracking_weight");
            out.trackers(track_interfaces, track_scripts, defined);
            out.notify(scripts);
        });
    }

    fn router(
        &mut self,
        router: &RouterConfig,
        scripts: Option<&NotifyScripts>,
        defined: &[TrackScriptConfig],
    ) {
        let RouterConfig {
            name,
            vrid,
            family,
            version,
            interface,
            initial,
            priority,
            advert_int,
            down_timer_adverts,
            nopreempt,
            preempt_delay,
            auth,
            source,
            transport,
            garp,
            lower_prio_no_advert,
            higher_prio_send_advert,
            vips,
            excluded,
            track_interfaces,
            track_scripts,
            dont_track_primary,
            check_unicast_src,
            config_fault,
        } = router;
        self.block(&format!("vrrp_instance {}", word(name)), |out| {
            out.set(
                "state",
                match initial {
                    InitialState::Master => "MASTER",
                    InitialState::Backup => "BACKUP",
                },
            );
            out.set("interface", interface);
            out.flag("native_ipv6", *family == Family::V6);
            out.set("version", version.number());
            out.set("virtual_router_id", vrid);
            out.set("priority", priority);
            out.set("advert_int", seconds(*advert_int));
            out.set("down_timer_adverts", down_timer_adverts);
            out.flag("nopreempt", *nopreempt);
            if !preempt_delay.is_zero() {
                out.set("preempt_delay", seconds(*preempt_delay));
            }
            out.auth(auth, config_fault.as_deref(), *version);
            out.transport(transport, *source, config_fault.as_deref());
            out.garp("garp", garp);
            out.boolean("lower_prio_no_advert", *lower_prio_no_advert);
            out.boolean("higher_prio_send_advert", *higher_prio_send_advert);
            out.flag("dont_track_primary", *dont_track_primary);
            out.flag("check_unicast_src", *check_unicast_src);
            out.trackers(track_interfaces, track_scripts, defined);
            out.flag("no_virtual_ipaddress", vips.is_empty());
            out.addresses("virtual_ipaddress", vips, interface);
            out.addresses("virtual_ipaddress_excluded", excluded, interface);
            out.notify(scripts);
        });
    }

    fn auth(&mut self, auth: &Auth, fault: Option<&str>, version: Version) {
        let (kind, secret) = match auth {
            Auth::Pass(secret) if self.show_secrets => {
                let used: Vec<u8> = secret.iter().copied().take_while(|octet| *octet != 0).collect();
                ("PASS", word(&String::from_utf8_lossy(&used)))
            }
            Auth::Pass(_) => ("PASS", MASK.to_owned()),
            Auth::None if fault == Some(FAULT_AH) && version == Version::V2 => ("AH", MASK.to_owned()),
            Auth::None => return,
        };
        self.block("authentication", |out| {
            out.set("auth_type", kind);
            out.set("auth_pass", secret);
        });
    }

    fn transport(&mut self, transport: &Transport, source: Option<IpAddr>, fault: Option<&str>) {
        match transport {
            Transport::Multicast { group } => {
                self.set("mcast_dst_ip", group);
                if let Some(source) = source {
                    self.set("mcast_src_ip", source);
                }
                if fault == Some(FAULT_NO_PEER) {
                    self.line("unicast_fault_no_peer");
                    self.block("unicast_peer", |_| {});
                }
            }
            Transport::Unicast { peers, ttl } => {
                if let Some(source) = source {
                    self.set("unicast_src_ip", source);
                }
                self.set("unicast_ttl", ttl);
                self.block("unicast_peer", |out| {
                    for peer in peers {
                        out.line(&peer.to_string());
                    }
                });
            }
        }
    }

    fn addresses(&mut self, keyword: &str, addresses: &[AddressSpec], own: &IfName) {
        if addresses.is_empty() {
            return;
        }
        self.block(keyword, |out| {
            for address in addresses {
                out.line(&address_line(address, own));
            }
        });
    }

    fn server(&mut self, server: &VirtualServerConfig) {
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

fn address_line(address: &AddressSpec, own: &IfName) -> String {
    let AddressSpec {
        cidr,
        interface,
        scope,
        label,
        broadcast,
    } = address;
    let mut line = format!("{}/{}", cidr.addr, cidr.prefix);
    if let Some(broadcast) = broadcast {
        line.push_str(&format!(" brd {broadcast}"));
    }
    if interface != own {
        line.push_str(&format!(" dev {interface}"));
    }
    if *scope != Scope::GLOBAL {
        line.push_str(&format!(" scope {scope}"));
    }
    if let Some(label) = label {
        line.push_str(&format!(" label {}", word(label)));
    }
    line
}

/// Seconds, with as many decimals as there are.
fn seconds(time: Duration) -> String {
    match time.subsec_micros() {
        0 => time.as_secs().to_string(),
        micros => format!("{}.{micros:06}", time.as_secs())
            .trim_end_matches('0')
            .to_owned(),
    }
}

/// A word in quotes where it needs them. There is no way to write a quote.
fn word(text: &str) -> String {
    let plain = |c: char| {
        c.is_alphanumeric()
            || matches!(
                c,
                '_' | '-' | '.' | '/' | ':' | '%' | '+' | ',' | '=' | '?' | '&' | '*' | '@'
            )
    };
    if !text.is_empty() && text.chars().all(plain) && !text.starts_with('@') {
        text.to_owned()
    } else {
        format!("\"{text}\"")
    }
}

fn run_as(user: &RunAs) -> String {
    match &user.group {
        Some(group) => format!("{} {}", word(&user.user), word(group)),
        None => word(&user.user),
    }
}

/// A command line in script quoting: what a shell, a comment or a definition could take apart is an escape.
fn argv(command: &Command) -> String {
    let words: Vec<String> = command
        .argv
        .iter()
        .map(|word| {
            if word.is_empty() {
                return "''".to_owned();
            }
            let mut out = String::new();
            for c in word.chars() {
                match c {
                    '\\' | '"' | '\'' | '$' | ' ' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
                    c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
                    c => out.push(c),
                }
            }
            out
        })
        .collect();
    format!("\"{}\"", words.join(" "))
}
