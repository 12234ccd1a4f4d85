//! Checkers of the effective configuration.

use super::{MASK, Printer, argv, seconds, word};
use crate::check::config::{
    CheckerConfig, Connection, DnsConfig, FileCheckConfig, HttpConfig, HttpProtocol, MiscConfig, ProbeConfig,
    Regex, ReplyPattern, ServiceConfig, SmtpConfig, UdpConfig, UrlConfig, Written, ranges,
};
use crate::plan::later::CheckerTiming;
use std::time::Duration;

impl Printer {
    /// A checker.
    pub(super) fn checker(
        &mut self,
        checker: &CheckerConfig,
        virtualhost: Option<&str>,
        server_delay: Duration,
    ) {
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
            match &**probe {
                ProbeConfig::Tcp(connection) | ProbeConfig::Ping(connection) => out.connection(connection),
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
                ProbeConfig::Smtp(SmtpConfig {
                    connection,
                    helo_name,
                }) => {
                    out.set("helo_name", word(helo_name));
                    out.connection(connection);
                }
                ProbeConfig::Dns(DnsConfig {
                    connection,
                    kind,
                    name,
                }) => {
                    out.set("type", kind.word());
                    if let Some(name) = name {
                        out.set("name", word(name));
                    }
                    out.connection(connection);
                }
                ProbeConfig::Udp(udp) => out.udp(udp),
                ProbeConfig::File(FileCheckConfig {
                    track_file,
                    weight,
                    reverse,
                }) => {
                    out.set("track_file", word(track_file));
                    let reverse = if *reverse { " reverse" } else { "" };
                    out.set("weight", format!("{weight}{reverse}"));
                    return;
                }
                ProbeConfig::Bfd(name) => {
                    out.set("name", word(name));
                    out.boolean("alpha", *alpha);
                    return;
                }
                ProbeConfig::Service(service) => out.service(service),
            }
            out.timing(&CheckerTiming {
                alpha: *alpha,
                delay_loop: *delay_loop,
                retry: *retry,
                delay_before_retry: *delay_before_retry,
                warmup: *warmup,
                log_all_failures: *log_all_failures,
            });
        });
    }

    fn service(&mut self, config: &ServiceConfig) {
        for (keyword, written) in config.settings.written() {
            match written {
                Written::Flag => self.line(keyword),
                Written::Word(text) => self.set(keyword, word(text)),
                Written::Number(number) => self.set(keyword, number),
                Written::Secret(password) if self.show_secrets => self.set(keyword, word(&password.0)),
                Written::Secret(_) => self.set(keyword, MASK),
                Written::Pair(first, second) => {
                    self.set(keyword, format!("{} {}", word(first), word(second)));
                }
                Written::SecretPair(first, password) => {
                    let second = if self.show_secrets { &password.0 } else { MASK };
                    self.set(keyword, format!("{} {}", word(first), word(second)));
                }
                Written::Ranges(all) => self.set(keyword, ranges(all)),
            }
        }
        self.connection(&config.connection);
    }

    fn timing(&mut self, timing: &CheckerTiming) {
        let CheckerTiming {
            alpha,
            delay_loop,
            retry,
            delay_before_retry,
            warmup,
            log_all_failures,
        } = timing;
        self.set("delay_loop", seconds(*delay_loop));
        self.set("warmup", seconds(*warmup));
        self.set("retry", retry);
        self.set("delay_before_retry", seconds(*delay_before_retry));
        self.boolean("alpha", *alpha);
        self.boolean("log_all_failures", *log_all_failures);
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
            self.block("url", |out| out.url(url, virtualhost));
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

    fn url(&mut self, url: &UrlConfig, virtualhost: Option<&str>) {
        let UrlConfig {
            path,
            host,
            sni,
            status,
            digest,
            regex,
            tls_compliant,
        } = url;
        self.set("path", word(path));
        // What the real server says already is not said again, unless SNI has it too.
        if let Some(host) = host
            && (virtualhost != Some(host) || sni.as_ref() == Some(host))
        {
            self.set("virtualhost", word(host));
        }
        let codes: Vec<String> = status.iter().map(|(low, high)| format!("{low}-{high}")).collect();
        self.set("status_code", codes.join(" "));
        if let Some(digest) = digest {
            self.set("digest", hex(digest));
        }
        self.flag("tls_compliant", *tls_compliant);
        if let Some(regex) = regex {
            self.regex(regex);
        }
    }

    fn regex(&mut self, regex: &Regex) {
        let Regex {
            pattern,
            no_match,
            options,
            min_offset,
            max_offset,
            stack,
        } = regex;
        self.set("regex", word(pattern));
        self.flag("regex_no_match", *no_match);
        if !options.is_empty() {
            let options: Vec<&str> = options.iter().copied().collect();
            self.set("regex_options", options.join(" "));
        }
        if *min_offset != 0 {
            self.set("regex_min_offset", min_offset);
        }
        if let Some(offset) = max_offset {
            self.set("regex_max_offset", offset);
        }
        if let Some((start, most)) = stack {
            self.set("regex_stack", format!("{start} {most}"));
        }
    }

    fn udp(&mut self, udp: &UdpConfig) {
        let UdpConfig {
            connection,
            payload,
            reply,
            min_reply_length,
            max_reply_length,
        } = udp;
        if let Some(payload) = payload {
            self.set("payload", hex(payload));
        }
        match reply {
            Some(ReplyPattern(octets)) if octets.is_empty() => self.line("require_reply"),
            Some(ReplyPattern(octets)) => self.set("require_reply", pattern(octets)),
            None => {}
        }
        self.set("min_reply_length", min_reply_length);
        self.set("max_reply_length", max_reply_length);
        self.connection(connection);
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Octets with the bits of them that count: a half of which none do is an `x`.
fn pattern(octets: &[(u8, u8)]) -> String {
    let digit = |value: u8, mask: u8| match mask {
        0 => "x".to_owned(),
        _ => format!("{value:x}"),
    };
    octets
        .iter()
        .map(|(octet, mask)| digit(octet >> 4, mask >> 4) + &digit(octet & 0x0f, mask & 0x0f))
        .collect()
}
