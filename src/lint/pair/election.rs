//! Who is master: priorities that are equal or against `state`, and `nopreempt` on the wrong side.

use super::super::view::Router;
use super::super::{Code, Finding};

pub(super) fn look(one: &Router<'_>, other: &Router<'_>, found: &mut Vec<Finding>) {
    if one.does.family != other.does.family || one.does.vrid != other.does.vrid {
        return;
    }
    if one.priority() == other.priority() {
        equal(one, other, found);
        return;
    }
    let (high, low) = if one.priority() > other.priority() {
        (one, other)
    } else {
        (other, one)
    };
    contradicted(high, low, found);
    nopreempt(high, low, found);
}

/// Equal priorities on purpose are those of directors that all have `nopreempt`.
fn equal(one: &Router<'_>, other: &Router<'_>, found: &mut Vec<Finding>) {
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
    if one.does.nopreempt && other.does.nopreempt {
        return;
    }
    let both = match (one.state_master(), other.state_master()) {
        (Some(_), Some(_)) => ", and both say state MASTER",
        _ => "",
    };
    let message = format!("{name}: priority {priority} here and in {peer}{both}");
    let fix = if priority < 254 {
        format!(
            "write priority {} here or {} there",
            priority + 1,
            (priority - 1).max(1)
        )
    } else {
        format!("write priority {} there", priority - 1)
    };
    found.push(
        Finding::new(Code::EqualPriorities, one.about(), one.priority_place(), message)
            .label("here")
            .effect("which one is master is left to chance; when both start at once both are master until the one with the lower address yields")
            .fix(format!("{fix}; if neither shall be preferred, nopreempt and state BACKUP in both"))
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
