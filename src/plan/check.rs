//! The check half of the plan: virtual servers with everything inherited resolved (LVS facts 2 and 3).

use super::{Builder, ScriptRefusal, scripts};
use crate::check::CheckConfig;
use crate::check::config::{
    CheckerConfig, Connection, HttpConfig, HttpProtocol, MiscConfig, ProbeConfig, RealServerConfig,
    SorryServerConfig, TlsConfig, UrlConfig, VirtualServerConfig,
};
use crate::conf::config::{
    CheckSettings, Checker, CheckerKind, HttpSettings, RealServer, ServerName, SorryServer, Spanned,
    VirtualServer,
};
use crate::conf::diag::Class;
use crate::ipvs::model::{
    ForwardMethod, Persistence, Protocol, Scheduler, ServiceFlags, ServiceKey, real_server_name,
};
use crate::net::{Family, IfName};
use crate::script::config::Command;
use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// `delay_loop` that nobody set.
const DELAY_LOOP: Duration = Duration::from_secs(60);
/// `connect_timeout` that nobody set.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Persistence that a port of 0 implies.
const PERSISTENCE: Duration = Duration::from_secs(360);

/// The virtual servers.
pub(super) fn build(builder: &mut Builder<'_>) -> CheckConfig {
    let mut out = CheckConfig::default();
    let mut seen = HashSet::new();
    for written in &builder.config.servers {
        let Some(server) = server(builder, written) else {
            continue;
        };
        if !seen.insert(server.key) {
            let message = format!(
                "virtual server {} is configured twice - using the first",
                server.key
            );
            builder.report(Class::Note, &written.name.place, message);
        } else {
            out.services.push(server);
        }
    }
    out
}

fn server(builder: &mut Builder<'_>, written: &VirtualServer) -> Option<VirtualServerConfig> {
    let place = &written.name.place;
    if written.real_servers.is_empty() {
        let message = format!(
            "Virtual server {} has no real servers - ignoring",
            raw_name(written)
        );
        builder.report(Class::General, place, message);
        return None;
    }
    let key = key(builder, written)?;
    let forward = written.forward.unwrap_or_else(|| {
        if !written.misread.forward {
            let message = format!("Virtual server {key}: no forwarding method set, setting default NAT");
            builder.report(Class::General, place, message);
        }
        ForwardMethod::Nat
    });
    let scheduler = written.scheduler.clone().unwrap_or_else(|| {
        if !written.misread.scheduler {
            let message = format!("Virtual server {key}: no scheduler set, setting default 'wlc'");
            builder.report(Class::General, place, message);
        }
        Scheduler("wlc".to_owned())
    });
    let flags = flags(builder, written, &key);
    let persistence = persistence(builder, written, &key);
    let mut real_servers: Vec<RealServerConfig> = Vec::with_capacity(written.real_servers.len());
    let mut addresses = HashSet::new();
    for real in &written.real_servers {
        let Some(real) = real_server(builder, written, &key, forward, real) else {
            continue;
        };
        if !addresses.insert(real.address) {
            let name = real_server_name(&key, real.address.ip(), real.address.port());
            let message = format!("VS {key}: real server {name} is duplicated - removing second rs");
            builder.report(Class::General, place, message);
        } else {
            real_servers.push(real);
        }
    }
    if real_servers.is_empty() {
        let message = format!("Virtual server {key} has no real servers - ignoring");
        builder.report(Class::General, place, message);
        return None;
    }
    let (quorum, hysteresis) = quorum(builder, written, &key, &real_servers);
    let sorry_server = sorry_server(builder, written, &key, forward, &real_servers);
    let quorum_up = builder.check_notify(written.quorum_up.as_ref());
    let quorum_down = builder.check_notify(written.quorum_down.as_ref());
    Some(VirtualServerConfig {
        key,
        scheduler,
        flags,
        persistence,
        forward,
        delay_loop: written.checks.delay_loop.unwrap_or(DELAY_LOOP),
        alpha: written.checks.alpha.unwrap_or(false),
        omega: written.omega,
        quorum,
        hysteresis,
        quorum_up,
        quorum_down,
        sorry_server,
        real_servers,
    })
}

/// The name before the protocol is settled.
fn raw_name(written: &VirtualServer) -> String {
    match written.name.value {
        ServerName::Address(address) => {
            let protocol = written
                .protocol
                .as_ref()
                .map_or("none", |protocol| protocol.value.word());
            format!("[{}]:{protocol}:{}", address.ip(), address.port())
        }
        ServerName::FwMark(mark) => format!("FWM {mark}"),
    }
}

/// Facts 2.1, 2.2, 2.13.
fn key(builder: &mut Builder<'_>, written: &VirtualServer) -> Option<ServiceKey> {
    let place = &written.name.place;
    match written.name.value {
        ServerName::Address(address) => {
            let protocol = written.protocol.as_ref().map_or_else(
                || {
                    if !written.misread.protocol {
                        let name = raw_name(written);
                        let message = format!("Virtual server {name}: no protocol set - defaulting to UDP");
                        builder.report(Class::General, place, message);
                    }
                    Protocol::Udp
                },
                |protocol| protocol.value,
            );
            Some(ServiceKey::Address { protocol, address })
        }
        ServerName::FwMark(0) => {
            builder.report(
                Class::General,
                place,
                "fwmark 0 cannot be a virtual server - ignoring",
            );
            None
        }
        ServerName::FwMark(mark) => {
            if let Some(protocol) = &written.protocol {
                let message = format!(
                    "Warning: Virtual server FWM {mark}: protocol specified for fwmark - protocol will be ignored"
                );
                builder.report(Class::Warning, &protocol.place, message);
            }
            Some(ServiceKey::FwMark {
                family: mark_family(written),
                mark,
            })
        }
    }
}

/// `ip_family`, otherwise that of the first server that is not tunnelled, otherwise of the first, otherwise IPv4.
fn mark_family(written: &VirtualServer) -> Family {
    if let Some(family) = &written.ip_family {
        return family.value;
    }
    let tunnelled = |forward: Option<ForwardMethod>| forward.or(written.forward) == Some(ForwardMethod::Tun);
    let reals = written
        .real_servers
        .iter()
        .map(|real| (real.address.value, real.forward));
    let sorry = written
        .sorry_server
        .iter()
        .map(|sorry| (sorry.address.value, sorry.forward));
    let all: Vec<(SocketAddr, Option<ForwardMethod>)> = reals.chain(sorry).collect();
    all.iter()
        .find(|(_, forward)| !tunnelled(*forward))
        .or_else(|| all.first())
        .map_or(Family::V4, |(address, _)| Family::of(&address.ip()))
}

/// One-packet scheduling needs UDP or a mark (fact 2.5).
fn flags(builder: &mut Builder<'_>, written: &VirtualServer, key: &ServiceKey) -> ServiceFlags {
    let mut flags = written.flags;
    if let Some(place) = &written.ops {
        match key {
            ServiceKey::Address {
                protocol: Protocol::Tcp | Protocol::Sctp,
                ..
            } => {
                let message = format!("Virtual server {key}: one packet scheduling requires UDP - resetting");
                builder.report(Class::General, place, message);
            }
            ServiceKey::Address {
                protocol: Protocol::Udp,
                ..
            }
            | ServiceKey::FwMark { .. } => flags.0 |= ServiceFlags::ONE_PACKET,
        }
    }
    flags
}

/// Facts 2.3, 2.7, 2.8.
fn persistence(builder: &mut Builder<'_>, written: &VirtualServer, key: &ServiceKey) -> Option<Persistence> {
    let every_port = matches!(key, ServiceKey::Address { address, .. } if address.port() == 0);
    let timeout = match written.persistence_timeout {
        Some(timeout) => timeout,
        None if every_port => {
            let message =
                format!("Virtual server {key}: zero port only valid for persistent services - setting");
            builder.report(Class::General, &written.name.place, message);
            PERSISTENCE
        }
        None => return None,
    };
    let whole = key.family().host_prefix();
    Some(Persistence {
        timeout,
        prefix: written.persistence_granularity.unwrap_or(whole).min(whole),
        engine: written.persistence_engine.clone(),
    })
}

/// Fact 2.16.
fn quorum(
    builder: &mut Builder<'_>,
    written: &VirtualServer,
    key: &ServiceKey,
    reals: &[RealServerConfig],
) -> (u32, u32) {
    let place = &written.name.place;
    let total = reals
        .iter()
        .fold(0_u32, |sum, real| sum.saturating_add(real.weight));
    let mut quorum = written.quorum.unwrap_or(1);
    if quorum > total {
        let message = format!(
            "Warning - quorum {quorum} for {key} exceeds total weight of real servers {total}, reducing quorum to {total}"
        );
        builder.report(Class::Warning, place, message);
        quorum = total;
    }
    let mut hysteresis = written.hysteresis.unwrap_or(0);
    if hysteresis >= quorum {
        let fitting = quorum.saturating_sub(1);
        if hysteresis != fitting {
            let message = format!(
                "Virtual server {key}: hysteresis {hysteresis} >= quorum {quorum}; setting hysteresis to {fitting}"
            );
            builder.report(Class::General, place, message);
        }
        hysteresis = fitting;
    }
    (quorum, hysteresis)
}

/// Where the kernel shall find a server: its own port for NAT, the service's otherwise (fact 2.12).
fn kernel_address(key: &ServiceKey, forward: ForwardMethod, written: SocketAddr) -> SocketAddr {
    let port = match (key, forward) {
        (ServiceKey::Address { address, .. }, ForwardMethod::Dr | ForwardMethod::Tun) => address.port(),
        (ServiceKey::Address { address, .. }, ForwardMethod::Nat) if written.port() == 0 => address.port(),
        (ServiceKey::FwMark { .. }, ForwardMethod::Dr | ForwardMethod::Tun) => 0,
        (ServiceKey::Address { .. } | ServiceKey::FwMark { .. }, ForwardMethod::Nat) => written.port(),
    };
    SocketAddr::new(written.ip(), port)
}

/// A server equal to a real server shares its inhibit setting (fact 2.17).
fn sorry_server(
    builder: &mut Builder<'_>,
    written: &VirtualServer,
    key: &ServiceKey,
    default: ForwardMethod,
    reals: &[RealServerConfig],
) -> Option<SorryServerConfig> {
    let SorryServer {
        address,
        forward,
        inhibit,
    } = written.sorry_server.as_ref()?;
    let place = &address.place;
    let forward = forward.unwrap_or(default);
    let address = match forward {
        // keepalived leaves a port that is not given to the kernel, which then means that of the connection.
        ForwardMethod::Nat => address.value,
        ForwardMethod::Dr | ForwardMethod::Tun => kernel_address(key, forward, address.value),
    };
    let twin = reals.iter().find(|real| real.address == address);
    if let Some(real) = twin
        && real.inhibit_on_failure != *inhibit
    {
        let name = real_server_name(key, real.address.ip(), real.address.port());
        let message = format!(
            "Virtual server {key}: real server {name} matches sorry server, but inhibit setting differs, setting on sorry server"
        );
        builder.report(Class::General, place, message);
    }
    Some(SorryServerConfig {
        address,
        forward,
        inhibit: twin.map_or(*inhibit, |real| real.inhibit_on_failure),
    })
}

fn real_server(
    builder: &mut Builder<'_>,
    server: &VirtualServer,
    key: &ServiceKey,
    default: ForwardMethod,
    written: &RealServer,
) -> Option<RealServerConfig> {
    let forward = written.forward.unwrap_or(default);
    let own = written.address.value;
    let place = &written.address.place;
    if Family::of(&own.ip()) != key.family() && forward != ForwardMethod::Tun {
        let message = format!(
            "Address family of virtual server and real server {} don't match - skipping real server.",
            own.ip()
        );
        builder.report(Class::General, place, message);
        return None;
    }
    let address = kernel_address(key, forward, own);
    if own.port() != 0 && own.port() != address.port() {
        let name = real_server_name(key, own.ip(), own.port());
        let message = match key {
            ServiceKey::Address { .. } => {
                format!("WARNING - virtual server {key} and real server {name} ports don't match - resetting")
            }
            ServiceKey::FwMark { .. } => {
                format!(
                    "WARNING - fwmark virtual server {key}, real server {name} has port specified - clearing"
                )
            }
        };
        builder.report(Class::Warning, place, message);
    }
    let mut checkers = Vec::with_capacity(written.checkers.len());
    for checker in &written.checkers {
        checkers.extend(self::checker(builder, server, written, checker));
    }
    if checkers.is_empty() && !written.checkers.is_empty() {
        let message = "the real server is left without a checker, so it counts as always up";
        builder.report(Class::Unheeded, place, message);
    }
    Some(RealServerConfig {
        address,
        forward,
        weight: written.weight.or(server.weight).unwrap_or(1),
        inhibit_on_failure: written.inhibit_on_failure.unwrap_or(server.inhibit_on_failure),
        upper: written.upper,
        lower: written.lower,
        notify_up: builder.check_notify(written.notify_up.as_ref()),
        notify_down: builder.check_notify(written.notify_down.as_ref()),
        virtualhost: written.checks.virtualhost.clone(),
        checkers,
    })
}

/// The three levels that a setting comes from.
struct Levels<'a> {
    checker: &'a CheckSettings,
    real: &'a CheckSettings,
    server: &'a CheckSettings,
}

impl Levels<'_> {
    fn get<T>(&self, pick: impl Fn(&CheckSettings) -> Option<T>) -> Option<T> {
        pick(self.checker)
            .or_else(|| pick(self.real))
            .or_else(|| pick(self.server))
    }
}

fn checker(
    builder: &mut Builder<'_>,
    server: &VirtualServer,
    real: &RealServer,
    written: &Checker,
) -> Option<CheckerConfig> {
    let levels = Levels {
        checker: &written.checks,
        real: &real.checks,
        server: &server.checks,
    };
    let delay_loop = levels.get(|checks| checks.delay_loop).unwrap_or(DELAY_LOOP);
    let (retry, delay) = match written.kind {
        CheckerKind::Tcp => (1, Duration::from_secs(1)),
        CheckerKind::Http(_) => (1, Duration::from_secs(3)),
        CheckerKind::Misc(_) => (0, Duration::from_secs(1)),
    };
    let probe = match &written.kind {
        CheckerKind::Tcp => ProbeConfig::Tcp(connection(builder, real, written, &levels)?),
        CheckerKind::Http(settings) => {
            let connection = connection(builder, real, written, &levels)?;
            ProbeConfig::Http(http(settings, connection, &levels))
        }
        CheckerKind::Misc(settings) => {
            let command = scripts::misc(settings);
            if !builder.may_check(&command, &settings.misc_path) {
                return None;
            }
            ProbeConfig::Misc(MiscConfig {
                command,
                timeout: settings
                    .misc_timeout
                    .or(server.checks.delay_loop)
                    .unwrap_or(DELAY_LOOP),
                dynamic: settings.misc_dynamic,
            })
        }
    };
    Some(CheckerConfig {
        probe,
        alpha: levels.get(|checks| checks.alpha).unwrap_or(false),
        delay_loop,
        retry: levels.get(|checks| checks.retry).unwrap_or(retry),
        delay_before_retry: levels.get(|checks| checks.delay_before_retry).unwrap_or(delay),
        warmup: levels.get(|checks| checks.warmup).unwrap_or(delay_loop),
        log_all_failures: written.log_all_failures || builder.config.global.checker_log_all_failures,
    })
}

fn connection(
    builder: &mut Builder<'_>,
    real: &RealServer,
    written: &Checker,
    levels: &Levels<'_>,
) -> Option<Connection> {
    let settings = &written.connection;
    // The port as written, not the one that the kernel gets (fact 2.12).
    let (own_ip, own_port) = (real.address.value.ip(), real.address.value.port());
    let destination = SocketAddr::new(
        settings
            .connect_ip
            .as_ref()
            .map_or(own_ip, |address| address.value),
        settings.connect_port.unwrap_or(own_port),
    );
    let interface = match &settings.bind_if {
        None => None,
        Some(name) => {
            let found = IfName::new(&name.value);
            if found.is_none() {
                let message = format!("'{}' is no name of an interface", name.value);
                builder.report(Class::General, &name.place, message);
            }
            found
        }
    };
    let link_local = matches!(destination.ip(), IpAddr::V6(address) if address.is_unicast_link_local());
    if link_local && interface.is_none() {
        let message = format!(
            "Checker link local address {} requires a bind_if - ignoring checker",
            destination.ip()
        );
        builder.report(Class::General, &written.place, message);
        return None;
    }
    let bindto = settings.bindto.as_ref().filter(|source| {
        let fits = source.value.is_ipv4() == destination.is_ipv4();
        if !fits {
            let message = format!(
                "bindto {} and {} are of two families - ignoring",
                source.value,
                destination.ip()
            );
            builder.report(Class::General, &source.place, message);
        }
        fits
    });
    if bindto.is_none() && settings.bind_port.is_some() {
        builder.report(
            Class::Note,
            &written.place,
            "bind_port without bindto has no effect",
        );
    }
    Some(Connection {
        destination,
        // A port alone is not bound (keyword table).
        source: bindto.map(|source| (Some(source.value), settings.bind_port.unwrap_or(0))),
        interface,
        mark: settings.fwmark,
        timeout: levels
            .get(|checks| checks.connect_timeout)
            .unwrap_or(CONNECT_TIMEOUT),
    })
}

fn http(settings: &HttpSettings, connection: Connection, levels: &Levels<'_>) -> HttpConfig {
    let host = levels.get(|checks| checks.virtualhost.clone());
    // The real server's name is not used for SNI (fact 3.8).
    let sni = levels
        .checker
        .virtualhost
        .clone()
        .or_else(|| levels.server.virtualhost.clone());
    let urls = settings.urls.iter().map(|url| UrlConfig {
        path: url.path.clone(),
        host: url.virtualhost.clone().or_else(|| host.clone()),
        sni: (settings.tls && settings.enable_sni)
            .then(|| url.virtualhost.clone().or_else(|| sni.clone()))
            .flatten(),
        status: if url.status_code.is_empty() {
            vec![(200, 299)]
        } else {
            url.status_code.clone()
        },
        digest: url.digest,
    });
    HttpConfig {
        connection,
        tls: settings.tls.then_some(TlsConfig {
            sni: settings.enable_sni,
            compliant: settings.tls_compliant,
        }),
        protocol: settings.http_protocol.unwrap_or(HttpProtocol::V10),
        urls: urls.collect(),
        fast_recovery: settings.fast_recovery,
    }
}

impl Builder<'_> {
    /// A notify script of the check half.
    fn check_notify(&mut self, command: Option<&Spanned<Command>>) -> Option<Command> {
        let command = self.notify(command, "");
        self.check_scripts |= command.is_some();
        command
    }

    /// Whether a MISC_CHECK's command may be run; otherwise the checker is left out and said.
    fn may_check(&mut self, command: &Command, path: &Spanned<Command>) -> bool {
        let Some(refusal) = self.host.refused.get(command) else {
            self.check_scripts = true;
            return true;
        };
        let program = command.program();
        // The server then is as if it had no such checker (fact 11.12).
        let (class, message) = match refusal {
            ScriptRefusal::NotFound => (
                Class::Unheeded,
                format!("Disabling misc script {program} since not found/accessible"),
            ),
            ScriptRefusal::NoUser => (
                Class::General,
                format!("Failed to set uid/gid for misc checker script '{program}' - removing"),
            ),
            ScriptRefusal::NoDefaultUser => (
                Class::General,
                format!("Unable to set default user for misc script '{program}' - removing"),
            ),
            ScriptRefusal::Unsafe => (
                Class::Unheeded,
                format!("Disabling misc script {program} due to insecure"),
            ),
        };
        self.refuse(class, &path.place, message, command);
        false
    }
}
