//! `vrrp_instance`: what is acted on. The rest of its keywords is `router`'s, `unicast`'s and `auth_hmac`'s.

use super::{Cx, address, auth_hmac, global, repair, route, router, rule, sync, track, unicast};
use crate::conf::config::{
    AuthType, Config, GarpSettings, Instance, LaterInstance, NotifySettings, RouterSettings, Secret, Spanned,
};
use crate::conf::diag::{Class, Diagnostic, Place, Topic};
use crate::conf::keyword::Block;
use crate::conf::number;
use crate::conf::tree::Statement;
use crate::vrrp::Priority;
use crate::vrrp::config::{InitialState, Version};

/// The octets of a password that count.
const MAX_PASSWORD: usize = 8;

/// A `vrrp_instance` block; of two with one name the second is skipped (fact 1.29).
pub(super) fn lower(cx: &mut Cx<'_>, config: &mut Config, statement: &Statement, body: &[Statement]) {
    let [_, word] = statement.words.as_slice() else {
        // No name, or more than one: said by the audit.
        return;
    };
    if let Some(first) = cx.first(Block::Instance, statement, word) {
        let message = format!("vrrp instance {} already defined", word.text);
        cx.duplicate(statement, word, message, first);
        return;
    }
    let mut instance = Instance::named(Cx::spanned(statement, word, word.text.clone()));
    for statement in body {
        keyword(cx, &mut instance, statement);
    }
    config.instances.push(instance);
}

impl Instance {
    fn named(name: Spanned<String>) -> Self {
        Self {
            name,
            state: None,
            interface: None,
            vrid: None,
            priority: None,
            version: None,
            advert_int: None,
            native_ipv6: None,
            auth_type: None,
            auth_pass: None,
            auth_pass_cut: false,
            nopreempt: None,
            preempt_delay: None,
            garp: GarpSettings::default(),
            source: None,
            unicast: None,
            peers: Vec::new(),
            mcast_dst: None,
            unicast_ttl: None,
            unicast_fault_no_peer: false,
            check_unicast_src: false,
            vips: Vec::new(),
            excluded: Vec::new(),
            routes: Vec::new(),
            rules: Vec::new(),
            no_virtual_ipaddress: false,
            track_interfaces: Vec::new(),
            track_scripts: Vec::new(),
            dont_track_primary: false,
            lower_prio_no_advert: None,
            higher_prio_send_advert: None,
            down_timer_adverts: None,
            drift_repair: None,
            garp_lower_prio: [None, None],
            notify: NotifySettings::default(),
            settings: RouterSettings::default(),
            later: LaterInstance::default(),
        }
    }
}

fn keyword(cx: &mut Cx<'_>, instance: &mut Instance, statement: &Statement) {
    let block = Block::Instance;
    let inner = statement.body.as_deref().unwrap_or_default();
    let place = || {
        statement
            .arg()
            .map_or_else(|| statement.place(), |word| statement.place_of(word))
    };
    match statement.keyword() {
        "state" => state(cx, instance, statement),
        "interface" => {
            if let Some(word) = statement.arg() {
                instance.interface = Some(Cx::spanned(statement, word, word.text.clone()));
            }
        }
        "virtual_router_id" => {
            let meant = "VRID '{}' not valid - must be between 1 & 255";
            let vrid = small(cx, instance, statement, meant);
            set(&mut instance.vrid, vrid, place());
        }
        "priority" => {
            let meant = "Priority not valid! must be between 1 & 255. Using default 100";
            let priority = small(cx, instance, statement, meant).or(Some(Priority::DEFAULT.0));
            set(&mut instance.priority, priority, place());
        }
        "version" => version(cx, instance, statement),
        "advert_int" => set(&mut instance.advert_int, cx.seconds(block, statement), place()),
        "native_ipv6" => instance.native_ipv6 = Some(statement.place()),
        "authentication" => authentication(cx, instance, inner),
        "auth_hmac" => auth_hmac::lower(cx, instance, statement, inner),
        "preempt" => instance.nopreempt = None,
        "nopreempt" => instance.nopreempt = Some(statement.place()),
        "preempt_delay" => set(&mut instance.preempt_delay, cx.seconds(block, statement), place()),
        "virtual_ipaddress" => instance.vips.extend(address::lines(cx, inner)),
        "virtual_ipaddress_excluded" => instance.excluded.extend(address::lines(cx, inner)),
        "virtual_routes" => {
            let routes = inner.iter().filter_map(|line| route::line(cx, line, None));
            instance.routes.extend(routes);
        }
        "virtual_rules" => {
            let rules = inner.iter().filter_map(|line| rule::line(cx, line, None));
            instance.rules.extend(rules);
        }
        "no_virtual_ipaddress" => instance.no_virtual_ipaddress = true,
        "dont_track_primary" => instance.dont_track_primary = true,
        "lower_prio_no_advert" => {
            let value = cx.boolean(statement);
            set(&mut instance.lower_prio_no_advert, value, place());
        }
        "higher_prio_send_advert" => {
            let value = cx.boolean(statement);
            set(&mut instance.higher_prio_send_advert, value, place());
        }
        "down_timer_adverts" => {
            let value = cx.unsigned(block, statement);
            set(&mut instance.down_timer_adverts, value, place());
        }
        "drift_repair" => set(&mut instance.drift_repair, repair::lower(cx, statement), place()),
        _ => {
            let _ = unicast::keyword(cx, instance, statement)
                || tracked(cx, instance, statement, inner)
                || router::keyword(cx, instance, statement)
                || garp(cx, instance, statement)
                || sync::notify(cx, &mut instance.notify, statement, &instance.name.value);
        }
    }
}

/// What is tracked; `false`: `statement` is none of it.
fn tracked(cx: &mut Cx<'_>, instance: &mut Instance, statement: &Statement, inner: &[Statement]) -> bool {
    let Some(kind) = track::Kind::of(statement.keyword()) else {
        return false;
    };
    let lines = match kind {
        track::Kind::Interface => &mut instance.track_interfaces,
        track::Kind::Script => &mut instance.track_scripts,
        track::Kind::File => &mut instance.settings.track_files,
        track::Kind::Process => &mut instance.settings.track_processes,
        track::Kind::Bfd => &mut instance.settings.track_bfds,
    };
    track::lines(cx, lines, &instance.name.value, kind, inner);
    true
}

/// `garp_…`; `false`: `statement` is none of them.
fn garp(cx: &mut Cx<'_>, instance: &mut Instance, statement: &Statement) -> bool {
    let Some(name) = statement.keyword().strip_prefix("garp_") else {
        return false;
    };
    let [repeat, delay] = &mut instance.garp_lower_prio;
    match name {
        "lower_prio_repeat" => *repeat = Some(statement.place()),
        "lower_prio_delay" => *delay = Some(statement.place()),
        _ => {}
    }
    global::garp(cx, &mut instance.garp, Block::Instance, statement, name);
    true
}

/// VRID or priority: what is none is said in keepalived's words, with the number in place of `{}`.
fn small(cx: &mut Cx<'_>, instance: &Instance, statement: &Statement, meant: &str) -> Option<u8> {
    let word = statement.arg()?;
    match number::int(&word.text, 1, 255, false) {
        Ok((value, _)) => u8::try_from(value).ok(),
        Err(error) => {
            let meant = meant.replace("{}", &word.text);
            let message = format!("({}) {meant}: {error}", instance.name.value);
            let diagnostic = Diagnostic::new(Class::InvalidNumber, Some(statement.place_of(word)), message);
            cx.diagnostics.push(match statement.keyword() {
                "priority" => diagnostic.about(Topic::PriorityInvalid),
                "virtual_router_id" => diagnostic.about(Topic::VridMissing),
                _ => diagnostic,
            });
            None
        }
    }
}

/// The first one counts, and `native_ipv6` is one of 3 (fact 1.4).
fn version(cx: &mut Cx<'_>, instance: &mut Instance, statement: &Statement) {
    let (Some(word), Some(version)) = (statement.arg(), global::version(cx, Block::Instance, statement))
    else {
        return;
    };
    let (known, because) = match (&instance.version, &instance.native_ipv6) {
        (Some(known), _) => (known.value, &known.place),
        (None, Some(place)) => (Version::V3, place),
        (None, None) => {
            instance.version = Some(Cx::spanned(statement, word, version));
            return;
        }
    };
    if known != version {
        let message = format!(
            "({}) vrrp_version {} conflicts with configured or deduced version {}; ignoring.",
            instance.name.value,
            version.number(),
            known.number()
        );
        let diagnostic = Diagnostic::new(Class::General, Some(statement.place_of(word)), message)
            .about(Topic::VersionStrict)
            .with_related(because.clone(), format!("version {} here", known.number()));
        cx.diagnostics.push(diagnostic);
    }
}

/// The last value that could be read wins.
pub(super) fn set<T>(slot: &mut Option<Spanned<T>>, value: Option<T>, place: Place) {
    if let Some(value) = value {
        *slot = Some(Spanned { value, place });
    }
}

fn state(cx: &mut Cx<'_>, instance: &mut Instance, statement: &Statement) {
    let Some(word) = statement.arg() else { return };
    let name = &instance.name.value;
    let value = match word.text.as_str() {
        "MASTER" => InitialState::Master,
        "BACKUP" => InitialState::Backup,
        other => {
            let message = format!("({name}) unknown state '{other}', defaulting to BACKUP");
            cx.choice_error_about(
                Topic::StateUnknown,
                statement,
                word,
                message,
                &["MASTER", "BACKUP"],
            );
            InitialState::Backup
        }
    };
    if let Some(first) = &instance.state
        && (first.value, value) == (InitialState::Master, InitialState::Backup)
    {
        let message = format!("({name}) state previously set as MASTER - ignoring BACKUP");
        let diagnostic = Diagnostic::new(Class::General, Some(statement.place_of(word)), message)
            .about(Topic::StateUnknown)
            .with_related(first.place.clone(), "MASTER here");
        cx.diagnostics.push(diagnostic);
        return;
    }
    instance.state = Some(Cx::spanned(statement, word, value));
}

fn authentication(cx: &mut Cx<'_>, instance: &mut Instance, body: &[Statement]) {
    let name = instance.name.value.clone();
    for statement in body {
        let Some(word) = statement.arg() else { continue };
        match statement.keyword() {
            "auth_type" => match word.text.as_str() {
                "PASS" => instance.auth_type = Some(Cx::spanned(statement, word, AuthType::Pass)),
                "AH" => instance.auth_type = Some(Cx::spanned(statement, word, AuthType::Ah)),
                other => {
                    let message = format!("({name}) unknown authentication type '{other}'");
                    cx.choice_error_about(Topic::AuthTypeUnknown, statement, word, message, &["PASS", "AH"]);
                }
            },
            "auth_pass" => {
                let mut secret = word.text.as_bytes().to_vec();
                instance.auth_pass_cut = secret.len() > MAX_PASSWORD;
                if instance.auth_pass_cut {
                    let message = format!("({name}) Truncating auth_pass to {MAX_PASSWORD} characters");
                    cx.word_error_about(Topic::AuthTruncated, statement, word, message);
                    secret.truncate(MAX_PASSWORD);
                }
                instance.auth_pass = Some(Cx::spanned(statement, word, Secret(secret)));
            }
            _ => {}
        }
    }
}
