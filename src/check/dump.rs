//! The labelled text of keepalived's data dump: sections "LVS Topology" and "Health checkers" (command line facts 6.6
//! and 6.7).
//!
//! Pure: a status in, text out. What only the host knows, accounts and the calendar, comes from whoever asks.

use super::checker::Checker;
use super::config::{
    Connection, GroupEntry, GroupTarget, HttpConfig, HttpProtocol, MiscConfig, ProbeConfig, Regex,
    ReplyPattern, ServerGroupConfig, ServiceConfig, Target, UdpConfig, UrlConfig, Written, ranges,
};
use super::pool::{RealServer, VirtualServer};
use super::status::CheckStatus;
use crate::clock::Instant;
use crate::ipvs::model::{
    ForwardMethod, Granularity, Protocol, ServerId, ServiceFlags, ServiceKey, Tunnel, TunnelChecksum,
    TunnelKind,
};
use crate::net::Family;
use crate::script::config::Command;
use std::fmt::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

/// What the host knows.
pub struct Around<'a> {
    /// `uid:gid` of the account that a command is run as, as numbers.
    pub account: &'a dyn Fn(&Command) -> Option<String>,
    /// A moment as people write it.
    pub moment: &'a dyn Fn(Instant) -> String,
    /// The lines of the section on TLS, when there is something to say.
    pub ssl: &'a [String],
    /// The groups, in the order of the file.
    pub groups: &'a [ServerGroupConfig],
    /// What a virtual server says besides.
    pub service: &'a dyn Fn(&ServerId) -> Extra,
    /// What a real server of it says besides.
    pub server: &'a dyn Fn(&ServerId, SocketAddr) -> Extra,
}

/// Settings that the engine is not told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extra {
    /// `snmp_name`
    pub snmp_name: Option<String>,
}

impl fmt::Debug for Around<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Around").finish_non_exhaustive()
    }
}

/// The whole text.
pub fn text(status: &CheckStatus, around: &Around<'_>) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_all(&mut out, status, around);
    out
}

fn write_all(out: &mut String, status: &CheckStatus, around: &Around<'_>) -> fmt::Result {
    if status.virtual_servers.is_empty() {
        return Ok(());
    }
    let probes = status.virtual_servers.iter().flat_map(|vs| &vs.real_servers);
    let mut probes = probes.flat_map(|rs| &rs.checkers).map(|it| &*it.config().probe);
    let asks = probes.any(|probe| matches!(probe, ProbeConfig::Http(HttpConfig { tls: Some(_), .. })));
    if asks || !around.ssl.is_empty() {
        writeln!(out, "------< SSL definitions >------")?;
    }
    if asks && around.ssl.is_empty() {
        writeln!(out, " Using autogen SSL context")?;
    }
    around.ssl.iter().try_for_each(|line| writeln!(out, " {line}"))?;
    writeln!(out, "------< LVS Topology >------")?;
    writeln!(out, " System is compiled with LVS v1.2.1")?;
    for it in around.groups {
        group(out, it, &status.virtual_servers)?;
    }
    for vs in &status.virtual_servers {
        virtual_server(out, vs, around)?;
        for rs in &vs.real_servers {
            let extra = (around.server)(&vs.config.target.id(), rs.config.address);
            real_server(out, rs, &extra, around)?;
        }
    }
    let mut servers = status.virtual_servers.iter().flat_map(|vs| &vs.real_servers);
    if servers.any(|rs| !rs.checkers.is_empty()) {
        writeln!(out, "------< Health checkers >------")?;
    }
    for vs in &status.virtual_servers {
        for rs in &vs.real_servers {
            for it in &rs.checkers {
                writeln!(out, " {} -> {}", rs.names.vs, rs.names.rs)?;
                checker(out, it, rs, !vs.suspended, around)?;
            }
        }
    }
    Ok(())
}

/// A group, and how many of its virtual servers IPVS has by each entry.
fn group(out: &mut String, group: &ServerGroupConfig, servers: &[VirtualServer]) -> fmt::Result {
    let all: Vec<(&GroupTarget, bool)> = servers
        .iter()
        .filter_map(|vs| match &vs.config.target {
            Target::Group(target) if target.name == group.name => Some((target, !vs.absent)),
            _ => None,
        })
        .collect();
    let served =
        |by: &dyn Fn(&GroupTarget) -> bool| all.iter().filter(|(it, served)| *served && by(it)).count();
    let has = |family| group.entries.iter().any(|entry| entry.family() == Some(family));
    writeln!(out, " ------< Virtual server group >------")?;
    writeln!(
        out,
        " Virtual Server Group = {}, IPv4 = {}, IPv6 = {}",
        group.name,
        yes(has(Family::V4)),
        yes(has(Family::V6))
    )?;
    let marks = || all.iter().flat_map(|(target, _)| target.marks.iter());
    if marks().next().is_some() {
        let of = |protocol| marks().find(|it| it.protocol == protocol).map_or(0, |it| it.mark);
        writeln!(
            out,
            "  Fwmark TCP: {} UDP: {} SCTP: {}",
            of(Protocol::Tcp),
            of(Protocol::Udp),
            of(Protocol::Sctp)
        )?;
    }
    group.entries.iter().try_for_each(|entry| match entry {
        GroupEntry::FwMark { mark, family } => {
            let family = match family {
                None => "",
                Some(Family::V4) => " IPv4",
                Some(Family::V6) => " IPv6",
            };
            writeln!(out, "   FWMARK = {mark}{family}")?;
            let of = |family| {
                let key = ServiceKey::FwMark { family, mark: *mark };
                served(&|target| target.services.contains(&key))
            };
            let (v4, v6) = (of(Family::V4), of(Family::V6));
            writeln!(out, "     Alive: {v4} IPv4, {v6} IPv6")
        }
        GroupEntry::Addresses { first, last, port } => {
            if first == last {
                writeln!(out, "   VIP = {first}, VPORT = {port}")?;
            } else {
                writeln!(out, "   VIP Range = {first}-{last}, VPORT = {port}")?;
            }
            let of = |protocol| served(&|target| target.protocol == Some(protocol));
            let [tcp, udp, sctp] = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp].map(of);
            writeln!(out, "     Alive: {tcp} tcp, {udp} udp, {sctp} sctp")
        }
    })
}

fn virtual_server(out: &mut String, vs: &VirtualServer, around: &Around<'_>) -> fmt::Result {
    let config = &vs.config;
    writeln!(out, " ------< Virtual server >------")?;
    match &config.target {
        Target::Service(ServiceKey::Address { address, .. }) => {
            writeln!(out, " VS VIP = {}, VPORT = {}", address.ip(), address.port())?;
        }
        Target::Service(ServiceKey::FwMark { mark, .. }) => writeln!(out, " VS FWMARK = {mark}")?,
        // `[G]:0`
        Target::Group(_) => writeln!(out, " VS GROUP = {}", config.target.id())?,
    }
    let extra = (around.service)(&config.target.id());
    if let Some(name) = &extra.snmp_name {
        writeln!(out, "   SNMP name = '{name}'")?;
    }
    let family = match config.target.family() {
        Some(Family::V4) => "inet",
        Some(Family::V6) => "inet6",
        // Of marks only.
        None if config.target.protocol().is_none() => "unknown",
        None => "IPv4 & IPv6",
    };
    writeln!(out, "   Address family = {family}")?;
    writeln!(out, "   connection timeout = {}", seconds(config.connect_timeout))?;
    writeln!(out, "   delay_loop = {}", seconds(config.delay_loop))?;
    writeln!(out, "   lvs_sched = {}", config.scheduler.0)?;
    writeln!(out, "   Hashed = disabled")?;
    scheduler_flags(out, &config.scheduler.0, config.flags)?;
    let one_packet = enabled(config.flags.0 & ServiceFlags::ONE_PACKET != 0);
    writeln!(out, "   One packet scheduling = {one_packet}")?;
    if let Some(persistence) = &config.persistence {
        writeln!(out, "   persistence timeout = {}", persistence.timeout.as_secs())?;
        if persistence.granularity != Granularity::Address {
            writeln!(out, "   persistence granularity = {}", persistence.granularity)?;
        }
    }
    let protocol = match config.target.protocol() {
        Some(Protocol::Tcp) => "TCP",
        Some(Protocol::Udp) => "UDP",
        Some(Protocol::Sctp) => "SCTP",
        None => "none",
    };
    writeln!(out, "   protocol = {protocol}")?;
    writeln!(out, "   alpha is {}", on(config.alpha))?;
    writeln!(out, "   omega is {}", on(config.omega))?;
    writeln!(
        out,
        "   quorum = {}, hysteresis = {}",
        config.quorum, config.hysteresis
    )?;
    script(
        out,
        "   Quorum up notify script",
        config.quorum_up.as_ref(),
        around,
    )?;
    script(
        out,
        "   Quorum down notify script",
        config.quorum_down.as_ref(),
        around,
    )?;
    if config.ha_suspend {
        writeln!(out, "   Using HA suspend")?;
    }
    if let Some(instance) = &config.while_master {
        writeln!(out, "   Served while MASTER = {instance}")?;
        writeln!(out, "   Served = {}", yes(!vs.absent))?;
    }
    writeln!(out, "   Using smtp notification = {}", yes(config.smtp_alert))?;
    writeln!(
        out,
        "   default forwarding method = {}",
        forwarding(config.forward)
    )?;
    if let Some(sorry) = &config.sorry_server {
        let twin = vs
            .real_servers
            .iter()
            .any(|rs| rs.config.address == sorry.address);
        let twin = if twin { "(duplicates rs) " } else { "" };
        let serves = vs.active_sorry_server().is_some();
        writeln!(out, "   sorry server {twin}= {}", vs.sorry_name(sorry))?;
        writeln!(out, "     forwarding method = {}", forwarding(sorry.forward))?;
        writeln!(out, "     Inhibit on failure is {}", on(sorry.inhibit))?;
        writeln!(out, "     set = {}", u8::from(serves || sorry.inhibit))?;
        writeln!(out, "     alive = {}", u8::from(serves))?;
    }
    writeln!(out, "   VS alive = {}", u8::from(vs.quorum_up))?;
    writeln!(out, "   quorum_state_up = {}", u8::from(vs.quorum_up))
}

fn scheduler_flags(out: &mut String, scheduler: &str, flags: ServiceFlags) -> fmt::Result {
    let labels: &[(&str, u32)] = match scheduler {
        "sh" => &[
            ("sh-port", ServiceFlags::SCHED2),
            ("sh-fallback", ServiceFlags::SCHED1),
        ],
        "mh" => &[
            ("mh-port", ServiceFlags::SCHED2),
            ("mh-fallback", ServiceFlags::SCHED1),
        ],
        _ => &[
            ("flag-1", ServiceFlags::SCHED1),
            ("flag-2", ServiceFlags::SCHED2),
            ("flag-3", ServiceFlags::SCHED3),
        ],
    };
    labels
        .iter()
        .try_for_each(|(label, flag)| writeln!(out, "   {label} = {}", enabled(flags.0 & flag != 0)))
}

fn real_server(out: &mut String, rs: &RealServer, extra: &Extra, around: &Around<'_>) -> fmt::Result {
    let config = &rs.config;
    let (address, weight, effective) = (config.address, config.weight, rs.effective_weight());
    writeln!(out, "   ------< Real server >------")?;
    writeln!(
        out,
        "   RIP = {}, RPORT = {}, WEIGHT = {weight} EFF WEIGHT = {effective}",
        address.ip(),
        address.port()
    )?;
    let method = forwarding(config.forward);
    writeln!(out, "   forwarding method = {method}")?;
    writeln!(
        out,
        "   Alpha is {}",
        on(rs.checkers.iter().any(|checker| checker.config().alpha))
    )?;
    writeln!(
        out,
        "   connection limit range = {} -> {}",
        config.lower, config.upper
    )?;
    writeln!(out, "   Inhibit on failure is {}", on(config.inhibit_on_failure))?;
    script(
        out,
        "     RS up notify script",
        config.notify_up.as_deref(),
        around,
    )?;
    script(
        out,
        "     RS down notify script",
        config.notify_down.as_deref(),
        around,
    )?;
    if let Some(host) = &config.virtualhost {
        writeln!(out, "     VirtualHost = '{host}'")?;
    }
    if let Some(name) = &extra.snmp_name {
        writeln!(out, "   SNMP name = {name}")?;
    }
    writeln!(out, "   Using smtp notification = {}", yes(config.smtp_alert))?;
    writeln!(out, "   initial weight = {weight}")?;
    writeln!(out, "   effective weight = {effective}")?;
    writeln!(out, "   alive = {}", u8::from(rs.alive))?;
    writeln!(
        out,
        "   num failed checkers = {}",
        rs.checkers.iter().filter(|checker| !checker.is_up()).count()
    )?;
    writeln!(
        out,
        "   RS set = {}",
        u8::from(rs.alive || config.inhibit_on_failure)
    )
}

fn checker(
    out: &mut String,
    it: &Checker,
    rs: &RealServer,
    enabled: bool,
    around: &Around<'_>,
) -> fmt::Result {
    let config = it.config();
    writeln!(out, "   Enabled = {}", yes(enabled))?;
    writeln!(out, "   Up = {}", yes(it.is_up()))?;
    writeln!(out, "   Has run = {}", yes(it.has_run()))?;
    writeln!(out, "   Current weight = {}", it.contribution(rs.config.weight))?;
    if let ProbeConfig::File(file) = &*config.probe {
        writeln!(out, "   Log all failures = {}", yes(config.log_all_failures))?;
        writeln!(out, "   Keepalive method = FILE_CHECK")?;
        return writeln!(out, "     Tracked file = {}", file.track_file);
    }
    writeln!(out, "   Alpha = {}", yes(config.alpha))?;
    if let ProbeConfig::Bfd(name) = &*config.probe {
        writeln!(out, "   Keepalive method = BFD_CHECK")?;
        return writeln!(out, "   Name = {name}");
    }
    writeln!(out, "   Delay loop = {} us", config.delay_loop.as_micros())?;
    writeln!(out, "   Warmup = {} us", config.warmup.as_micros())?;
    writeln!(out, "   Retries = {}", config.retry)?;
    if config.retry > 0 {
        writeln!(
            out,
            "   Delay before retry = {} us",
            config.delay_before_retry.as_micros()
        )?;
        writeln!(out, "   Retries iterations = {}", it.failures())?;
    }
    let default_delay = match &*config.probe {
        ProbeConfig::Http(_) => 3_000_000,
        // Its own delay_loop.
        ProbeConfig::Dns(_) => 0,
        ProbeConfig::Tcp(_)
        | ProbeConfig::Misc(_)
        | ProbeConfig::Smtp(_)
        | ProbeConfig::Udp(_)
        | ProbeConfig::Ping(_)
        | ProbeConfig::Service(_)
        | ProbeConfig::File(_)
        | ProbeConfig::Bfd(_) => 1_000_000,
    };
    writeln!(out, "   Default delay before retry = {default_delay} us")?;
    writeln!(out, "   Log all failures = {}", yes(config.log_all_failures))?;
    if let Some(it) = config.probe.connection() {
        connection(out, it)?;
    }
    match &*config.probe {
        ProbeConfig::Http(http) => return web(out, http, it.failed_url()),
        ProbeConfig::Misc(misc) => return misc_script(out, misc, it, around),
        ProbeConfig::Tcp(_)
        | ProbeConfig::Smtp(_)
        | ProbeConfig::Dns(_)
        | ProbeConfig::Udp(_)
        | ProbeConfig::Ping(_)
        | ProbeConfig::Service(_)
        | ProbeConfig::File(_)
        | ProbeConfig::Bfd(_) => {}
    }
    writeln!(out, "   Keepalive method = {}", config.probe.keyword())?;
    match &*config.probe {
        ProbeConfig::Smtp(smtp) => writeln!(out, "   helo = {}", smtp.helo_name),
        ProbeConfig::Dns(dns) => {
            writeln!(out, "   Type = {}", dns.kind.word())?;
            writeln!(out, "   Name = {}", dns.name.as_deref().unwrap_or_default())
        }
        ProbeConfig::Udp(it) => udp(out, it),
        ProbeConfig::Service(config) => service(out, config),
        ProbeConfig::Tcp(_)
        | ProbeConfig::Ping(_)
        | ProbeConfig::Http(_)
        | ProbeConfig::Misc(_)
        | ProbeConfig::File(_)
        | ProbeConfig::Bfd(_) => Ok(()),
    }
}

fn service(out: &mut String, config: &ServiceConfig) -> fmt::Result {
    for (keyword, written) in config.settings.written() {
        match written {
            Written::Flag => writeln!(out, "     {keyword}"),
            Written::Word(word) => writeln!(out, "     {keyword} = {word}"),
            Written::Number(number) => writeln!(out, "     {keyword} = {number}"),
            Written::Secret(password) => writeln!(out, "     {keyword} = {password:?}"),
            Written::Pair(first, second) => writeln!(out, "     {keyword} = {first} {second}"),
            Written::SecretPair(first, password) => writeln!(out, "     {keyword} = {first} {password:?}"),
            Written::Ranges(all) => writeln!(out, "     {keyword} = {}", ranges(all)),
        }?;
    }
    Ok(())
}

fn udp(out: &mut String, udp: &UdpConfig) -> fmt::Result {
    writeln!(out, "   Payload specified = {}", yes(udp.payload.is_some()))?;
    writeln!(out, "   Require reply = {}", yes(udp.reply.is_some()))?;
    let Some(ReplyPattern(octets)) = &udp.reply else {
        return Ok(());
    };
    writeln!(out, "     Min reply length = {}", udp.min_reply_length)?;
    writeln!(out, "     Max reply length = {}", udp.max_reply_length)?;
    writeln!(out, "     Reply data len = {}", octets.len())?;
    if octets.is_empty() {
        return Ok(());
    }
    let masked = octets.iter().any(|(_, mask)| *mask != 0xff);
    writeln!(out, "     Reply data mask = {}", yes(masked))
}

fn connection(out: &mut String, connection: &Connection) -> fmt::Result {
    let to = connection.destination;
    writeln!(out, "   Connection")?;
    writeln!(out, "     Dest = [{}]:{}", to.ip(), to.port())?;
    if let Some((address, port)) = connection.source {
        let address = address.map_or_else(String::new, |address| address.to_string());
        writeln!(out, "     Bind to = [{address}]:{port}")?;
    }
    if let Some(interface) = &connection.interface {
        writeln!(out, "     Bind i/f = {interface}")?;
    }
    if connection.mark != 0 {
        writeln!(out, "     Mark = {}", connection.mark)?;
    }
    writeln!(out, "     Timeout = {}", seconds(connection.timeout))
}

fn web(out: &mut String, http: &HttpConfig, failed: Option<usize>) -> fmt::Result {
    let protocol = match http.protocol {
        HttpProtocol::V10 => "1.0",
        HttpProtocol::V10Close => "1.0C",
        HttpProtocol::V11 => "1.1",
    };
    let method = if http.tls.is_some() { "SSL_GET" } else { "HTTP_GET" };
    let set = |set| if set { "set" } else { "unset" };
    writeln!(out, "   Keepalive method = {method}, http protocol {protocol}")?;
    writeln!(
        out,
        "   Enable SNI {}",
        set(http.tls.as_ref().is_some_and(|tls| tls.sni))
    )?;
    writeln!(out, "   Fast recovery {}", set(http.fast_recovery))?;
    if let Some(tls) = &http.tls {
        writeln!(out, "   tls_compliant {}", set(tls.compliant))?;
    }
    if let Some(url) = failed.and_then(|failed| http.urls.get(failed)) {
        writeln!(out, "   Failed URL = {}", url.path)?;
    }
    http.urls.iter().try_for_each(|it| url(out, it))
}

fn url(out: &mut String, url: &UrlConfig) -> fmt::Result {
    writeln!(out, "   Checked url = {}", url.path)?;
    if let Some(digest) = &url.digest {
        write!(out, "     digest = ")?;
        digest.iter().try_for_each(|octet| write!(out, "{octet:02x}"))?;
        writeln!(out)?;
    }
    let set = if url.tls_compliant { "set" } else { "unset" };
    writeln!(out, "     tls_compliant {set}")?;
    writeln!(out, "     HTTP Status Code(s)")?;
    for (first, last) in &url.status {
        if first == last {
            writeln!(out, "       {first}")?;
        } else {
            writeln!(out, "       {first}-{last}")?;
        }
    }
    if let Some(host) = &url.host {
        writeln!(out, "     Virtual host = {host}")?;
    }
    url.regex.as_ref().map_or(Ok(()), |it| regex(out, it))
}

fn regex(out: &mut String, regex: &Regex) -> fmt::Result {
    writeln!(out, "     Regex = \"{}\"", regex.pattern)?;
    if regex.no_match {
        writeln!(out, "     Regex no match")?;
    }
    if regex.min_offset != 0 || regex.max_offset.is_some() {
        write!(out, "     Regex min offset = {}", regex.min_offset)?;
        if let Some(max) = regex.max_offset {
            write!(out, ", max_offset = {max}")?;
        }
        writeln!(out)?;
    }
    if !regex.options.is_empty() {
        let options: Vec<&str> = regex.options.iter().copied().collect();
        writeln!(out, "     Regex options: {}", options.join(" "))?;
    }
    if let Some((start, most)) = regex.stack {
        writeln!(out, "     Regex stack start {start}, max {most}")?;
    }
    Ok(())
}

fn misc_script(out: &mut String, misc: &MiscConfig, it: &Checker, around: &Around<'_>) -> fmt::Result {
    writeln!(out, "   Keepalive method = MISC_CHECK")?;
    writeln!(out, "   script = {}", misc.command)?;
    writeln!(out, "   timeout = {}", misc.timeout.as_secs())?;
    writeln!(out, "   dynamic = {}", if misc.dynamic { "YES" } else { "NO" })?;
    if let Some(account) = (around.account)(&misc.command) {
        writeln!(out, "   uid:gid = {account}")?;
    }
    if let Some((at, _)) = it.last() {
        writeln!(out, "   Last ran = {}", (around.moment)(*at))?;
    }
    writeln!(out, "   Last status = {}", it.exit_status().unwrap_or(0))
}

fn script(out: &mut String, label: &str, command: Option<&Command>, around: &Around<'_>) -> fmt::Result {
    let Some(command) = command else { return Ok(()) };
    let account =
        (around.account)(command).map_or_else(String::new, |account| format!(", uid:gid {account}"));
    writeln!(out, "{label} = {command}{account}")
}

fn forwarding(method: ForwardMethod) -> String {
    let ForwardMethod::Tun(Tunnel { kind, checksum }) = method else {
        return method.word().to_owned();
    };
    let checksum = match checksum {
        TunnelChecksum::None => "no checksum",
        TunnelChecksum::Full => "checksum",
        TunnelChecksum::Remote => "remote checksum",
    };
    match kind {
        TunnelKind::Ipip => "TUN, type = IPIP".to_owned(),
        TunnelKind::Gue(port) => format!("TUN, type = GUE, port = {port}, {checksum}"),
        TunnelKind::Gre => format!("TUN, type = GRE, {checksum}"),
    }
}

fn seconds(duration: Duration) -> String {
    format!("{}.{:06}", duration.as_secs(), duration.subsec_micros())
}

const fn on(on: bool) -> &'static str {
    if on { "ON" } else { "OFF" }
}

const fn yes(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

const fn enabled(enabled: bool) -> &'static str {
    if enabled { "enabled" } else { "disabled" }
}

#[cfg(test)]
mod tests;
