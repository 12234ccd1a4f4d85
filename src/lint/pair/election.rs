//! Who is master: priorities that are equal or against `state`, and `nopreempt` on the wrong side.

use super::super::view::{Router, seconds};
use super::super::{Code, Finding};

/// `crowd`: there are more than two directors.
pub(super) fn look(one: &Router<'_>, other: &Router<'_>, crowd: bool, found: &mut Vec<Finding>) {
    if one.does.family != other.does.family || one.does.vrid != other.does.vrid {
        return;
    }
    if one.priority() == other.priority() {
        equal(one, other, crowd, found);
        return;
    }
    let (high, low) = if one.priority() > other.priority() {
        (one, other)
    } else {
        (other, one)
    };
    contradicted(high, low, found);
    nopreempt(high, low, found);
    after_boot(high, low, found);
}

/// Equal priorities on purpose are those of two directors that both have `nopreempt`. Of three, two would take over
/// from the third at the same moment.
fn equal(one: &Router<'_>, other: &Router<'_>, crowd: bool, found: &mut Vec<Finding>) {
    let (priority, name, peer) = (one.priority(), one.name(), &other.node.name);
    if one.does.priority.is_owner() {
        let message = format!("{name}: priority 255 here and in {peer}: two owners of the addresses");
        found.push(
            Finding::new(Code::TwoOwners, one.about(), one.priority_place(), message)
                .label("here")
                .effect(
                    "both are master after every start, until one has noticed that the other does not yield",
                )
                .fix("write priority 150 on the director that shall be master and 100 on the other")
                .also(other.priority_place(), "there"),
        );
        return;
    }
    if one.does.nopreempt && other.does.nopreempt && !crowd {
        return;
    }
    let both = match (one.state_master(), other.state_master()) {
        (Some(_), Some(_)) => ", and both say state MASTER",
        _ => "",
    };
    let message = format!("{name}: priority {priority} here and in {peer}{both}");
    let effect = if crowd {
        "when the master fails both take over at the same moment, until the one with the lower address yields"
    } else {
        "which one is master is left to chance; when both start at once both are master until the one with the lower \
         address yields"
    };
    let fix = if priority < 254 {
        format!(
            "write priority {} here or {} there",
            priority + 1,
            (priority - 1).max(1)
        )
    } else {
        format!("write priority {} there", priority - 1)
    };
    let fix = if crowd {
        fix
    } else {
        format!("{fix}; if neither shall be preferred, nopreempt and state BACKUP in both")
    };
    found.push(
        Finding::new(Code::EqualPriorities, one.about(), one.priority_place(), message)
            .label("here")
            .effect(effect)
            .fix(fix)
            .also(other.priority_place(), "there"),
    );
}

/// `state` decides nothing: the priority does (fact 2.3).
fn contradicted(high: &Router<'_>, low: &Router<'_>, found: &mut Vec<Finding>) {
    let Some(state) = low.state_master() else {
        return;
    };
    if high.state_master().is_some() {
        return;
    }
    let message = format!(
        "{}: state MASTER with priority {}, below the {} of {}",
        low.name(),
        low.priority(),
        high.priority(),
        high.node.name
    );
    found.push(
        Finding::new(Code::StateContradictsPriority, low.about(), state, message)
            .label("shall begin as master")
            .effect(format!(
                "{} is master: state does not count beside the priority",
                high.node.name
            ))
            .fix(format!(
                "write a priority above {} here, or state BACKUP",
                high.priority()
            ))
            .also(high.priority_place(), "wins"),
    );
}

/// It belongs on the director that comes back: the one of higher priority.
fn nopreempt(high: &Router<'_>, low: &Router<'_>, found: &mut Vec<Finding>) {
    // Written, but without effect: that has been said where it stands.
    if high.written.nopreempt.is_some() || high.does.priority.is_owner() {
        return;
    }
    let Some(place) = low.nopreempt_place() else {
        return;
    };
    let message = format!(
        "{}: nopreempt here, but not in {}, which has the higher priority",
        low.name(),
        high.node.name
    );
    found.push(
        Finding::new(Code::NopreemptOnLowerOnly, low.about(), place, message)
            .label("waits for nobody of lower priority")
            .effect(format!(
                "{} takes the addresses back as soon as it is up",
                high.node.name
            ))
            .fix("write nopreempt there too, with state BACKUP")
            .also(high.priority_place(), "takes over from a lower priority"),
    );
}

/// `nopreempt` leaves a master alone that is heard. Frames often come seconds after the link is up.
fn after_boot(high: &Router<'_>, low: &Router<'_>, found: &mut Vec<Finding>) {
    let global = &high.node.config.global.shown.vrrp;
    let delayed = [global.startup_delay, global.delay_after_boot];
    let Some(place) = high.nopreempt_place() else {
        return;
    };
    if delayed.into_iter().flatten().any(|delay| !delay.is_zero()) {
        return;
    }
    let message = format!(
        "{}: nopreempt with the higher priority, and no vrrp_startup_delay",
        high.name()
    );
    let silence = high.does.advert_int * u32::from(high.does.down_timer_adverts);
    found.push(
        Finding::new(Code::NopreemptAfterBoot, high.about(), place, message)
            .effect(format!(
                "a director that hears nothing for about {} seconds after its start, as behind a switch port that is \
                 not forwarding yet, becomes master all the same, and the master of lower priority yields",
                seconds(silence)
            ))
            .fix("write `vrrp_startup_delay 30` in global_defs, or as long as the network needs")
            .also(high.priority_place(), "wins once it speaks")
            .also(low.priority_place(), "yields then"),
    );
}
