//! What one `vrrp_instance` says against itself.

use super::view::{Router, seconds};
use super::{Code, Finding, Node};
use crate::check::config::Target;
use crate::ipvs::model::ServiceKey;
use crate::vrrp::config::{Transport, Version};

pub(super) fn look(node: &Node, found: &mut Vec<Finding>) {
    for router in node.routers() {
        owner_by_accident(&router, found);
        preemption(&router, found);
        authentication(&router, found);
        advert_int(&router, found);
        unicast(&router, found);
        strict(&router, found);
    }
    garp(node, found);
}

/// `state MASTER` without a priority makes an address owner (fact 1.5).
fn owner_by_accident(router: &Router<'_>, found: &mut Vec<Finding>) {
    let Some(place) = router.state_master() else {
        return;
    };
    if router.written.priority.is_some() || !router.does.priority.is_owner() {
        return;
    }
    let message = format!(
        "{}: state MASTER without a priority means priority 255, that of an address owner",
        router.name()
    );
    found.push(
        Finding::new(Code::OwnerByAccident, router.about(), place, message)
            .effect("tracked scripts and interfaces cannot lower it, and it takes the addresses at once at every start")
            .fix("write a priority, such as 150"),
    );
}

/// Settings that keepalived clears because of `state MASTER` (fact 1.15).
fn preemption(router: &Router<'_>, found: &mut Vec<Finding>) {
    let Some(state) = router.state_master() else {
        return;
    };
    let name = router.name();
    if let Some(place) = &router.written.nopreempt {
        let message = format!("{name}: nopreempt does nothing with state MASTER");
        found.push(
            Finding::new(Code::NopreemptWithStateMaster, router.about(), place, message)
                .effect("after an outage this director takes the addresses back as soon as it is up")
                .fix("write state BACKUP on every director: the priority alone decides who begins")
                .also(state, "begins as master"),
        );
    }
    if let Some(delay) = &router.written.preempt_delay
        && !delay.value.is_zero()
    {
        let message = format!("{name}: preempt_delay does nothing with state MASTER");
        found.push(
            Finding::new(
                Code::PreemptDelayWithStateMaster,
                router.about(),
                &delay.place,
                message,
            )
            .effect(format!(
                "after an outage this director takes the addresses back at once, not after {} seconds",
                seconds(delay.value)
            ))
            .fix("write state BACKUP on every director: the priority alone decides who begins")
            .also(state, "begins as master"),
        );
    }
}

/// Passwords that are cut or unused (facts 1.7, 7.1).
fn authentication(router: &Router<'_>, found: &mut Vec<Finding>) {
    let name = router.name();
    if router.does.version == Version::V3 {
        if let Some(kind) = &router.written.auth_type {
            let message =
                format!("{name}: version 3 has no authentication, so auth_type and auth_pass do nothing");
            found.push(
                Finding::new(Code::AuthWithVersion3, router.about(), &kind.place, message)
                    .effect("any host of the segment can take part in the election")
                    .fix("remove the authentication block; keep foreign hosts out with a packet filter for protocol 112"),
            );
        }
        return;
    }
    // The line with the password is not the one that is shown.
    if let Some(kind) = &router.written.auth_type
        && router.written.auth_pass_cut
    {
        let message = format!("{name}: of auth_pass only the first 8 octets count");
        found.push(
            Finding::new(Code::AuthPassTooLong, router.about(), &kind.place, message)
                .effect("it protects less than it seems to, and it travels in clear text anyway")
                .fix("write 8 octets or less, the same on every director"),
        );
    }
}

/// Version 2 counts in whole seconds (fact 1.20).
fn advert_int(router: &Router<'_>, found: &mut Vec<Finding>) {
    let Some(wanted) = &router.written.advert_int else {
        return;
    };
    let used = router.does.advert_int;
    if router.does.version != Version::V2 || wanted.value == used {
        return;
    }
    let message = format!(
        "{}: advert_int {} is {} with version 2, which knows whole seconds from 1 to 255",
        router.name(),
        seconds(wanted.value),
        seconds(used)
    );
    found.push(
        Finding::new(Code::AdvertIntRounded, router.about(), &wanted.place, message)
            .effect(format!(
                "a dead master is noticed after about {} seconds, not {}",
                seconds(used * u32::from(router.does.down_timer_adverts)),
                seconds(wanted.value * u32::from(router.does.down_timer_adverts)),
            ))
            .fix("write whole seconds, or `vrrp_version 3` in global_defs of every director"),
    );
}

/// Unicast that is none, or that talks to itself (fact 1.9).
fn unicast(router: &Router<'_>, found: &mut Vec<Finding>) {
    let name = router.name();
    if let (Some(place), Transport::Multicast { .. }) = (&router.written.unicast, &router.does.transport) {
        let (effect, label) = if router.written.unicast_fault_no_peer {
            (
                "with unicast_fault_no_peer it stays in FAULT",
                "unicast is asked for",
            )
        } else {
            ("its adverts are multicast all the same", "unicast is asked for")
        };
        let message = format!("{name}: there is no unicast peer");
        found.push(
            Finding::new(Code::UnicastWithoutPeers, router.about(), place, message)
                .label(label)
                .effect(effect)
                .fix("list the other directors in unicast_peer, or remove the unicast keywords"),
        );
    }
    let Some(source) = &router.written.source else {
        return;
    };
    if let Some(own) = router
        .written
        .peers
        .iter()
        .find(|peer| peer.value == source.value)
    {
        let message = format!("{name}: {} is its own address and a peer", own.value);
        found.push(
            Finding::new(Code::PeerIsSelf, router.about(), &own.place, message)
                .effect("it hears itself and logs adverts of equal priority from its own address")
                .fix("list only the other directors in unicast_peer")
                .also(&source.place, "its own address"),
        );
    }
}

/// Strict mode closes the addresses of all but their owner (fact 1.16), which is right for a router and not for a
/// service: one that is in this file, or whose health decides.
fn strict(router: &Router<'_>, found: &mut Vec<Finding>) {
    let settings = &router.written.settings;
    let global = router.node.config.global.shown.vrrp.strict;
    if !settings.strict_mode.or(global).unwrap_or(false) || router.does.priority.is_owner() {
        return;
    }
    let accepts = settings.accept.as_ref().is_some_and(|accept| accept.value);
    if accepts && router.does.version == Version::V3 {
        return;
    }
    let vips = || router.does.vips.iter().chain(&router.does.excluded);
    let served = router.node.services().into_iter().find_map(|service| {
        let Target::Service(ServiceKey::Address { address, .. }) = service.does.target else {
            return None;
        };
        let here = vips().any(|vip| vip.cidr.addr == address.ip());
        here.then_some(&service.written.name.place)
    });
    let checked = router.written.track_scripts.first().map(|line| &line.name.place);
    let Some(place) = served.or(checked) else {
        return;
    };
    let message = format!(
        "{}: in strict mode the addresses accept no packets, as the priority is below 255",
        router.name()
    );
    found.push(
        Finding::new(
            Code::StrictClosesVip,
            router.about(),
            router.vips_place(),
            message,
        )
        .label("closed")
        .effect(
            "clients cannot reach a service on them, not even by ping; only what is routed through passes",
        )
        .fix("remove vrrp_strict and strict_mode, or write `accept` in the instance with version 3")
        .also(place, "a service on this director"),
    );
}

/// Said once for `global_defs`, otherwise for each instance that says it.
fn garp(node: &Node, found: &mut Vec<Finding>) {
    let global = node.config.global.garp.lower_prio_repeat == Some(0);
    let mut quiet = node.routers().into_iter().filter(|router| {
        router.does.garp.lower_prio_repeat == 0
            && (global || router.written.garp.lower_prio_repeat == Some(0))
    });
    let most = if global { 1 } else { usize::MAX };
    for router in quiet.by_ref().take(most) {
        let (word, whose) = if global {
            ("vrrp_garp_lower_prio_repeat", "global_defs")
        } else {
            ("garp_lower_prio_repeat", router.name())
        };
        let message = format!("{whose}: with {word} 0 nothing is announced after a second master gave way");
        found.push(
            Finding::new(Code::GarpOff, router.about(), router.place(), message)
                .effect("after a partition has healed, hosts and switches may go on sending to the director that lost")
                .fix("remove the setting: the default announces the addresses anew"),
        );
    }
}
