//! `vrrp_instance`.

use super::{Cx, address, global, route, rule, sync, track};
use crate::conf::config::{AuthType, Config, GarpSettings, Instance, NotifySettings, Secret, Spanned};
use crate::conf::diag::{Class, Place};
use crate::conf::keyword::Block;
use crate::conf::number;
use crate::conf::tree::Statement;
use crate::net::Family;
use crate::vrrp::config::InitialState;
use std::net::IpAddr;

/// The octets of a password that count.
const MAX_PASSWORD: usize = 8;

/// A `vrrp_instance` block; of two with one name the second is skipped (fact 1.29).
pub(super) fn lower(cx: &mut Cx<'_>, config: &mut Config, statement: &Statement, body: &[Statement]) {
    let [_, word] = statement.words.as_slice() else {
        // No name, or more than one: said by the audit.
        return;
    };
    if !cx.first(Block::Instance, &word.text) {
        let message = format!("vrrp instance {} already defined", word.text);
        cx.word_error(statement, word, message);
        return;
    }
    let mut instance = Instance::named(Cx::spanned(statement, word, word.text.clone()));
    let known = config.scripts.len();
    for statement in body {
        keyword(cx, &mut instance, statement, known);
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
            native_ipv6: false,
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
            notify: NotifySettings::default(),
        }
    }
}

fn keyword(cx: &mut Cx<'_>, instance: &mut Instance, statement: &Statement, known: usize) {
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
        "virtual_router_id" => set(&mut instance.vrid, cx.unsigned(block, statement), place()),
        "priority" => set(&mut instance.priority, cx.unsigned(block, statement), place()),
        "version" => set(
            &mut instance.version,
            global::version(cx, block, statement),
            place(),
        ),
        "advert_int" => set(&mut instance.advert_int, cx.seconds(block, statement), place()),
        "native_ipv6" => instance.native_ipv6 = true,
        "authentication" => authentication(cx, instance, inner),
        "preempt" => instance.nopreempt = None,
        "nopreempt" => instance.nopreempt = Some(statement.place()),
        "preempt_delay" => set(&mut instance.preempt_delay, cx.seconds(block, statement), place()),
        "mcast_src_ip" => instance.source = cx.address(statement).or_else(|| instance.source.take()),
        "unicast_src_ip" => {
            instance.source = cx.address(statement).or_else(|| instance.source.take());
            instance.unicast = Some(statement.place());
        }
        "unicast_peer" => {
            instance.unicast = Some(statement.place());
            for line in inner {
                peer(cx, instance, line);
            }
        }
        "mcast_dst_ip" => mcast_dst(cx, instance, statement),
        "unicast_ttl" => set(&mut instance.unicast_ttl, cx.unsigned(block, statement), place()),
        "unicast_fault_no_peer" => instance.unicast_fault_no_peer = true,
        "check_unicast_src" => instance.check_unicast_src = true,
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
        "track_interface" => instance.track_interfaces.extend(track::lines(cx, inner, known)),
        "track_script" => instance.track_scripts.extend(track::lines(cx, inner, known)),
        "dont_track_primary" => instance.dont_track_primary = true,
        "lower_prio_no_advert" => {
            instance.lower_prio_no_advert = cx.boolean(statement).or(instance.lower_prio_no_advert);
        }
        "higher_prio_send_advert" => {
            instance.higher_prio_send_advert = cx.boolean(statement).or(instance.higher_prio_send_advert);
        }
        "down_timer_adverts" => {
            instance.down_timer_adverts = cx.unsigned(block, statement).or(instance.down_timer_adverts);
        }
        name => match name.strip_prefix("garp_") {
            Some(garp) => global::garp(cx, &mut instance.garp, block, statement, garp),
            None => sync::notify(cx, &mut instance.notify, statement, &instance.name.value),
        },
    }
}

/// The last value that could be read wins.
fn set<T>(slot: &mut Option<Spanned<T>>, value: Option<T>, place: Place) {
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
            cx.choice_error(statement, word, message, &["MASTER", "BACKUP"]);
            InitialState::Backup
        }
    };
    let master = instance
        .state
        .as_ref()
        .is_some_and(|state| state.value == InitialState::Master);
    if master && value == InitialState::Backup {
        let message = format!("({name}) state previously set as MASTER - ignoring BACKUP");
        cx.word_error(statement, word, message);
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
                    cx.choice_error(statement, word, message, &["PASS", "AH"]);
                }
            },
            "auth_pass" => {
                let mut secret = word.text.as_bytes().to_vec();
                instance.auth_pass_cut = secret.len() > MAX_PASSWORD;
                if instance.auth_pass_cut {
                    let message = format!("({name}) Truncating auth_pass to {MAX_PASSWORD} characters");
                    cx.report(Class::General, statement.place_of(word), message);
                    secret.truncate(MAX_PASSWORD);
                }
                instance.auth_pass = Some(Cx::spanned(statement, word, Secret(secret)));
            }
            _ => {}
        }
    }
}

/// ADDRESS [min_ttl TTL] [max_ttl TTL]
fn peer(cx: &mut Cx<'_>, instance: &mut Instance, line: &Statement) {
    let Some(word) = line.words.first() else { return };
    let name = &instance.name.value;
    let Ok(address) = word.text.parse::<IpAddr>() else {
        let message = format!("({name}) malformed unicast peer address {}", word.text);
        cx.word_error(line, word, message);
        return;
    };
    if instance.peers.iter().any(|peer| peer.value == address) {
        cx.word_error(
            line,
            word,
            format!("({name}) duplicate unicast peer {address} - ignoring"),
        );
        return;
    }
    instance.peers.push(Cx::spanned(line, word, address));
    let mut options = line.args().iter();
    while let Some(option) = options.next() {
        match option.text.as_str() {
            "min_ttl" | "max_ttl" => {
                let place = line.place_of(option);
                match options
                    .next()
                    .map(|value| number::int(&value.text, 0, 255, false))
                {
                    Some(Ok(_)) => {
                        // A limit turns the check of the source on; the limit itself is not looked at yet.
                        instance.check_unicast_src = true;
                        let message = format!("accepted, no effect yet: {}", option.text);
                        cx.report(Class::Unheeded, place, message);
                    }
                    Some(Err(error)) => {
                        cx.report(Class::InvalidNumber, place, format!("{}: {error}", option.text));
                    }
                    None => cx.report(Class::General, place, format!("{} has no value", option.text)),
                }
            }
            other => cx.word_error(
                line,
                option,
                format!("({name}) unknown unicast_peer option {other}"),
            ),
        }
    }
}

fn mcast_dst(cx: &mut Cx<'_>, instance: &mut Instance, statement: &Statement) {
    let Some(address) = cx.address(statement) else {
        return;
    };
    let fits = match address.value {
        IpAddr::V4(group) => group.is_multicast(),
        IpAddr::V6(group) => group.is_multicast() && group.segments()[0] & 0xf == 2,
    };
    if fits {
        instance.mcast_dst = Some(address);
    } else {
        let family = Family::of(&address.value);
        let message = format!(
            "({}) {} is no {family} multicast address for adverts - ignoring",
            instance.name.value, address.value
        );
        cx.report(Class::General, address.place, message);
    }
}
