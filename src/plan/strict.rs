//! What strict mode and address owners forbid (facts 1.6, 1.15, 1.16, 1.18, 1.19).

use super::Builder;
use crate::conf::config::{Instance, RouterSettings, Spanned};
use crate::conf::diag::{Class, Diagnostic, Place, Topic};
use crate::vrrp::Priority;
use crate::vrrp::config::{ElectionRules, GarpConfig, InitialState, Version};
use std::time::Duration;

/// Adverts that may be missed, where nothing else is said.
const DOWN_TIMER_ADVERTS: u8 = 3;

/// What adverts bring about.
pub(super) struct Manners {
    pub(super) garp: GarpConfig,
    pub(super) lower_prio_no_advert: bool,
    pub(super) higher_prio_send_advert: bool,
    pub(super) down_timer_adverts: u8,
}

fn say(builder: &mut Builder<'_>, written: &Instance, place: Option<&Place>, topic: Topic, message: &str) {
    let place = place.unwrap_or(&written.name.place).clone();
    let message = format!("({}) {message}", written.name.value);
    let diagnostic = Diagnostic::new(Class::General, Some(place), message);
    builder.late.push(diagnostic.about(topic));
}

/// Whether `strict_mode`, or `vrrp_strict` where it is not given.
pub(super) fn is_strict(builder: &Builder<'_>, written: &Instance) -> bool {
    let global = builder.config.global.shown.vrrp.strict;
    written.settings.strict_mode.or(global).unwrap_or(false)
}

/// `state`, which strict mode wants to be that of the priority (fact 1.6).
pub(super) fn initial(
    builder: &mut Builder<'_>,
    written: &Instance,
    priority: Priority,
    strict: bool,
) -> InitialState {
    let fitting = if priority.is_owner() {
        InitialState::Master
    } else {
        InitialState::Backup
    };
    let Some(state) = &written.state else {
        return fitting;
    };
    if strict && state.value != fitting {
        let message = "State MASTER must match being address owner";
        say(builder, written, Some(&state.place), Topic::AddressOwner, message);
        return fitting;
    }
    state.value
}

/// Garps and adverts after adverts of others, and how many adverts may be missed (fact 1.18).
pub(super) fn manners(
    builder: &mut Builder<'_>,
    written: &Instance,
    garp: GarpConfig,
    strict: bool,
) -> Manners {
    let global = &builder.config.global;
    let value = |own: &Option<Spanned<bool>>, global| own.as_ref().map_or(global, |own| own.value);
    let adverts = written.down_timer_adverts.as_ref().map(|adverts| adverts.value);
    let mut out = Manners {
        garp,
        lower_prio_no_advert: value(&written.lower_prio_no_advert, global.lower_prio_no_advert),
        higher_prio_send_advert: value(&written.higher_prio_send_advert, global.higher_prio_send_advert),
        down_timer_adverts: adverts
            .or(global.down_timer_adverts)
            .unwrap_or(DOWN_TIMER_ADVERTS),
    };
    if !strict {
        return out;
    }
    if out.down_timer_adverts != DOWN_TIMER_ADVERTS {
        let place = written.down_timer_adverts.as_ref().map(|adverts| &adverts.place);
        let message = "down_timer_adverts is incompatible with strict mode - resetting";
        say(builder, written, place, Topic::VersionStrict, message);
        out.down_timer_adverts = DOWN_TIMER_ADVERTS;
    }
    let [repeat, delay] = &written.garp_lower_prio;
    for (place, given, message) in [
        (
            repeat,
            written.garp.lower_prio_repeat.is_some_and(|repeat| repeat > 0),
            "Strict mode requires no repeat garps. resetting",
        ),
        (
            delay,
            written
                .garp
                .lower_prio_delay
                .is_some_and(|delay| !delay.is_zero()),
            "Strict mode requires no repeat garp delay. resetting",
        ),
    ] {
        if given {
            say(builder, written, place.as_ref(), Topic::Garp, message);
        }
    }
    out.garp.lower_prio_repeat = 0;
    out.garp.lower_prio_delay = Duration::ZERO;
    if let Some(keyword) = written
        .lower_prio_no_advert
        .as_ref()
        .filter(|keyword| !keyword.value)
    {
        let message = "Strict mode requires no lower priority advert. resetting";
        say(
            builder,
            written,
            Some(&keyword.place),
            Topic::VersionStrict,
            message,
        );
    }
    if let Some(keyword) = written
        .higher_prio_send_advert
        .as_ref()
        .filter(|keyword| keyword.value)
    {
        let message = "strict mode requires higher_prio_send_advert to be clear. resetting";
        say(
            builder,
            written,
            Some(&keyword.place),
            Topic::VersionStrict,
            message,
        );
    }
    out.lower_prio_no_advert = true;
    out.higher_prio_send_advert = false;
    out
}

/// `accept`, `owner_ignore_adverts` and `timer_expired_backup` (facts 1.15, 1.16, 1.19).
pub(super) fn settings(
    builder: &mut Builder<'_>,
    written: &Instance,
    (strict, version, priority, nopreempt): (bool, Version, Priority, bool),
    settings: &mut RouterSettings,
) {
    if let Some(accept) = settings.accept.as_ref().filter(|accept| accept.value)
        && strict
        && version == Version::V2
        && !priority.is_owner()
    {
        let message = "warning - accept mode for VRRP version 2 does not comply with RFC3768 - resetting";
        say(
            builder,
            written,
            Some(&accept.place),
            Topic::VersionStrict,
            message,
        );
        settings.accept = None;
    }
    if let Some(keyword) = &settings.timer_expired_backup
        && !nopreempt
    {
        let message = "timer_expired_backup requires nopreempt - resetting";
        say(
            builder,
            written,
            Some(&keyword.place),
            Topic::PreemptState,
            message,
        );
        settings.timer_expired_backup = None;
    }
    match &mut settings.owner_ignore_adverts {
        Some(keyword) if keyword.value && !priority.is_owner() => {
            let message = "owner_ignore_adverts requires priority 255 - resetting";
            say(
                builder,
                written,
                Some(&keyword.place),
                Topic::AddressOwner,
                message,
            );
            settings.owner_ignore_adverts = None;
        }
        Some(keyword) if !keyword.value && priority.is_owner() => {
            let message = "strict_mode with priority 255 requires owner_ignore_adverts";
            say(
                builder,
                written,
                Some(&keyword.place),
                Topic::AddressOwner,
                message,
            );
            keyword.value = true;
        }
        Some(_) | None => {}
    }
}

/// What is left of them, with the defaults (fact 1.19: strict owners do not listen).
pub(super) fn rules(
    builder: &Builder<'_>,
    settings: &RouterSettings,
    strict: bool,
    priority: Priority,
) -> ElectionRules {
    let defaults = &builder.config.global.shown.vrrp;
    let ignores = settings.owner_ignore_adverts.as_ref().map(|own| own.value);
    let ignores = ignores.unwrap_or_else(|| strict || defaults.owner_ignore_adverts.unwrap_or(false));
    let skips = settings.skip_check_adv_addr.or(defaults.skip_check_adv_addr);
    ElectionRules {
        strict,
        owner_ignores_adverts: priority.is_owner() && ignores,
        skip_check_adv_addr: skips.unwrap_or(false),
        track_src_ip: settings.track_src_ip.is_some(),
        timer_expired_backup: settings
            .timer_expired_backup
            .as_ref()
            .map(|peer| Priority(peer.value)),
    }
}
