//! Of what each kind of checker asks.

use super::*;
use crate::check::config::service::Written;

impl HttpConfig {
    pub(super) fn absorb(&self, new: &Self) -> Changes {
        let Self {
            connection,
            tls,
            protocol,
            urls,
            fast_recovery,
        } = self;
        let Self {
            connection: new_connection,
            tls: new_tls,
            protocol: new_protocol,
            urls: new_urls,
            fast_recovery: new_fast_recovery,
        } = new;
        let mut changes = connection.absorb(new_connection);
        match (tls, new_tls) {
            (None, None) => {}
            (Some(old), Some(new)) => {
                let TlsConfig { sni, compliant } = old;
                let TlsConfig {
                    sni: new_sni,
                    compliant: new_compliant,
                } = new;
                changes.live("enable_sni", sni, new_sni);
                changes.live("tls_compliant", compliant, new_compliant);
            }
            (old, new) => changes.live("SSL_GET", &old.is_some(), &new.is_some()),
        }
        changes.live("http_protocol", protocol, new_protocol);
        changes.list("url", urls, new_urls);
        changes.live("fast_recovery", fast_recovery, new_fast_recovery);
        changes
    }
}

impl MiscConfig {
    pub(super) fn absorb(&self, new: &Self) -> Changes {
        let Self {
            command,
            timeout,
            dynamic,
        } = self;
        let Self {
            command: new_command,
            timeout: new_timeout,
            dynamic: new_dynamic,
        } = new;
        let mut changes = Changes::default();
        changes.live("misc_path", command, new_command);
        changes.live("misc_timeout", timeout, new_timeout);
        changes.live("misc_dynamic", dynamic, new_dynamic);
        changes
    }
}

impl SmtpConfig {
    pub(super) fn absorb(&self, new: &Self) -> Changes {
        let Self {
            connection,
            helo_name,
        } = self;
        let Self {
            connection: new_connection,
            helo_name: new_helo_name,
        } = new;
        let mut changes = connection.absorb(new_connection);
        changes.live("helo_name", helo_name, new_helo_name);
        changes
    }
}

impl DnsConfig {
    pub(super) fn absorb(&self, new: &Self) -> Changes {
        let Self {
            connection,
            kind,
            name,
        } = self;
        let Self {
            connection: new_connection,
            kind: new_kind,
            name: new_name,
        } = new;
        let mut changes = connection.absorb(new_connection);
        changes.live("type", &kind.word().to_owned(), &new_kind.word().to_owned());
        changes.live("name", name, new_name);
        changes
    }
}

impl UdpConfig {
    pub(super) fn absorb(&self, new: &Self) -> Changes {
        let Self {
            connection,
            payload,
            reply,
            min_reply_length,
            max_reply_length,
        } = self;
        let Self {
            connection: new_connection,
            payload: new_payload,
            reply: new_reply,
            min_reply_length: new_min_reply_length,
            max_reply_length: new_max_reply_length,
        } = new;
        let mut changes = connection.absorb(new_connection);
        changes.hidden("payload", payload, new_payload, Effect::Live);
        changes.hidden("require_reply", reply, new_reply, Effect::Live);
        changes.live("min_reply_length", min_reply_length, new_min_reply_length);
        changes.live("max_reply_length", max_reply_length, new_max_reply_length);
        changes
    }
}

impl FileCheckConfig {
    pub(super) fn absorb(&self, new: &Self) -> Changes {
        let Self {
            track_file,
            weight,
            reverse,
        } = self;
        let Self {
            track_file: new_track_file,
            weight: new_weight,
            reverse: new_reverse,
        } = new;
        let mut changes = Changes::default();
        changes.live("track_file", track_file, new_track_file);
        changes.live("weight", weight, new_weight);
        changes.live("reverse", reverse, new_reverse);
        changes
    }
}

/// Of the checkers that keepalived does not have: by what is written of them, which leaves nothing out
/// ([`ServiceSettings::written`]).
impl ServiceSettings {
    pub(super) fn absorb(&self, new: &Self) -> Changes {
        let mut changes = Changes::default();
        let (old, new) = (self.written(), new.written());
        let mut keywords: Vec<&'static str> = old.iter().chain(&new).map(|(keyword, _)| *keyword).collect();
        keywords.sort_unstable();
        keywords.dedup();
        for keyword in keywords {
            let of = |all: &[(&'static str, Written<'_>)]| -> Vec<String> {
                let own = all.iter().filter(|(other, _)| *other == keyword);
                own.map(|(_, written)| written.show()).collect()
            };
            changes.live(keyword, &of(&old), &of(&new));
            let secrets = |all: &[(&'static str, Written<'_>)]| -> Vec<String> {
                let own = all.iter().filter(|(other, _)| *other == keyword);
                own.filter_map(|(_, written)| match written {
                    Written::Secret(secret) | Written::SecretPair(_, secret) => Some(secret.0.clone()),
                    Written::Flag
                    | Written::Word(_)
                    | Written::Number(_)
                    | Written::Pair(..)
                    | Written::Ranges(_) => None,
                })
                .collect()
            };
            if of(&old) == of(&new) {
                changes.hidden(keyword, &secrets(&old), &secrets(&new), Effect::Live);
            }
        }
        changes
    }
}

impl Show for Written<'_> {
    fn show(&self) -> String {
        match self {
            Self::Flag => "on".to_owned(),
            Self::Word(word) => (*word).to_owned(),
            Self::Number(number) => number.to_string(),
            Self::Secret(_) => "********".to_owned(),
            Self::Pair(first, second) => format!("{first} {second}"),
            Self::SecretPair(first, _) => format!("{first} ********"),
            Self::Ranges(all) => ranges(all),
        }
    }
}

impl Show for HttpProtocol {
    fn show(&self) -> String {
        match self {
            Self::V10 => "1.0",
            Self::V10Close => "1.0C",
            Self::V11 => "1.1",
        }
        .to_owned()
    }
}

impl Show for UrlConfig {
    fn show(&self) -> String {
        let Self {
            path,
            host,
            sni,
            status,
            digest,
            regex,
            tls_compliant,
        } = self;
        let mut text = format!("{path} status_code {}", ranges(status));
        if let Some(host) = host {
            text = format!("{text} virtualhost {host}");
        }
        if let Some(sni) = sni {
            text = format!("{text} sni {sni}");
        }
        if digest.is_some() {
            text += " digest";
        }
        if regex.is_some() {
            text += " regex";
        }
        if *tls_compliant {
            text += " tls_compliant";
        }
        text
    }
}
