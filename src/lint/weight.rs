//! Weights of trackers: what they can do to a priority, and whether that can ever change who is master.

use super::view::{Router, list};
use super::{Code, Finding, Node};
use crate::conf::config::TrackLine;
use crate::conf::diag::Place;
use crate::vrrp::Priority;
use crate::vrrp::config::Tracked;

/// With more trackers than this, no claim is made of all their states together.
const MOST_TRACKERS: usize = 10;
/// An address owner's priority, which no weight changes.
const OWNER: i32 = 255;

/// Something with a weight that a router follows.
struct Tracker<'a> {
    /// As `script chk_web`.
    what: String,
    weight: i16,
    /// What it adds while it is well.
    good: i32,
    /// What it adds while it is not.
    bad: i32,
    place: &'a Place,
}

pub(super) fn look(node: &Node, found: &mut Vec<Finding>) {
    for router in node.routers() {
        ignored(&router, found);
        let trackers = trackers(&router);
        if router.does.priority.is_owner() || trackers.is_empty() {
            continue;
        }
        clamped(&router, &trackers, found);
        cancelled(&router, &trackers, found);
        held_by_nopreempt(&router, &trackers, found);
    }
    uneven(node, found);
}

/// Of the routers that are one, on several directors.
pub(super) fn look_between(nodes: &[&Node], found: &mut Vec<Finding>) {
    let teams = super::pair::teams(nodes);
    for team in &teams {
        for (at, router) in team.iter().enumerate() {
            let peers: Vec<Router<'_>> = team
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != at)
                .map(|(_, peer)| *peer)
                // Those that do not hear each other are told so.
                .filter(|peer| (peer.does.vrid, peer.does.family) == (router.does.vrid, router.does.family))
                .collect();
            never_decides(router, &peers, found);
            for peer in &peers {
                left_by_peer(router, peer, found);
            }
        }
    }
}

/// The weighted trackers that count for a router: those of its group, and its own that the group has not.
fn trackers<'a>(router: &Router<'a>) -> Vec<Tracker<'a>> {
    let mut out: Vec<Tracker<'a>> = Vec::new();
    let mut add = |kind: &str, name: &str, weight: i16, reverse: bool, lines: &'a [TrackLine]| {
        if weight == 0 {
            return;
        }
        let what = format!("{kind} {name}");
        let place = lines
            .iter()
            .find(|line| line.name.value == name)
            .map_or_else(|| router.place(), |line| &line.name.place);
        let (good, bad) = (weigh(weight, !reverse), weigh(weight, reverse));
        match out.iter_mut().find(|tracker| tracker.what == what) {
            // A group and its member that follow one interface both count.
            Some(known) => (known.good, known.bad) = (known.good + good, known.bad + bad),
            None => out.push(Tracker {
                what,
                weight,
                good,
                bad,
                place,
            }),
        }
    };
    let mut outweighed: Vec<&str> = Vec::new();
    if let Some((group, written)) = router.group {
        for tracked in &group.track_interfaces {
            let name = tracked.interface.as_str();
            add(
                "interface",
                name,
                tracked.weight,
                tracked.reverse,
                &written.track_interfaces,
            );
        }
        for tracked in &group.track_scripts {
            add(
                "script",
                &tracked.script,
                tracked.weight,
                tracked.reverse,
                &written.track_scripts,
            );
            if tracked.weight != 0 {
                outweighed.push(&tracked.script);
            }
        }
    }
    for tracked in &router.does.track_interfaces {
        let name = tracked.interface.as_str();
        add(
            "interface",
            name,
            tracked.weight,
            tracked.reverse,
            &router.written.track_interfaces,
        );
    }
    for tracked in &router.does.track_scripts {
        if !outweighed.contains(&tracked.script.as_str()) {
            let lines = &router.written.track_scripts;
            add("script", &tracked.script, tracked.weight, tracked.reverse, lines);
        }
    }
    for (kind, tracked, lines) in further(router) {
        if kind != "file" {
            add(kind, &tracked.name, tracked.weight, tracked.reverse, lines);
        }
    }
    out
}

/// Entries of `track_process`, `track_bfd` and `track_file` that count for a router and have a weight, with the lines
/// that they are from.
fn further<'a>(router: &Router<'a>) -> Vec<(&'static str, &'a Tracked, &'a [TrackLine])> {
    let own = &router.written.settings;
    let mut all = Vec::new();
    if let Some((group, written)) = router.group {
        let lines = &written.settings;
        all.push(("process", &group.objects.processes, &lines.track_processes));
        all.push(("bfd", &group.objects.sessions, &lines.track_bfds));
        all.push(("file", &group.objects.files, &lines.track_files));
    }
    let does = &router.does.objects;
    all.push(("process", &does.processes, &own.track_processes));
    all.push(("bfd", &does.sessions, &own.track_bfds));
    all.push(("file", &does.files, &own.track_files));
    let each = all
        .into_iter()
        .flat_map(|(kind, entries, lines)| entries.iter().map(move |entry| (kind, entry, lines.as_slice())));
    each.filter(|(_, tracked, _)| tracked.weight != 0).collect()
}

/// Whether a file has a part in its priority: its number may be any.
fn follows_a_file(router: &Router<'_>) -> bool {
    further(router).iter().any(|(kind, ..)| *kind == "file")
}

/// What a weight adds: a positive one while well, a negative one while not.
fn weigh(weight: i16, well: bool) -> i32 {
    if (weight > 0) == well {
        i32::from(weight)
    } else {
        0
    }
}

/// Fact 2.18.
fn effective(priority: Priority, sum: i32) -> i32 {
    if priority.is_owner() {
        OWNER
    } else {
        (i32::from(priority.0) + sum).clamp(1, 254)
    }
}

/// The effective priority while everything is well.
fn at_best(router: &Router<'_>, trackers: &[Tracker<'_>]) -> i32 {
    effective(
        router.does.priority,
        trackers.iter().map(|tracker| tracker.good).sum(),
    )
}

/// Weights that keepalived drops, with what is asked for instead (facts 1.25, 1.26).
fn ignored(router: &Router<'_>, found: &mut Vec<Finding>) {
    let weighted = weighted_lines(router);
    let Some((first, _)) = weighted.first() else {
        return;
    };
    let names: Vec<&str> = weighted
        .iter()
        .map(|(line, _)| line.name.value.as_str())
        .collect();
    let names = list(&names);
    let name = router.name();
    if router.does.priority.is_owner() {
        let message = format!("{name}: priority 255 is never changed, so the weights of {names} do nothing");
        found.push(
            Finding::new(Code::WeightOnOwner, router.about(), &first.name.place, message)
                .effect("the addresses stay here whatever fails")
                .fix("write a priority of 254 or less, or no weight: then a failure is a FAULT")
                .also(router.priority_place(), "the priority of an address owner"),
        );
    } else if let Some((_, group)) = router.group
        && !group.tracking_weight
    {
        let message = format!(
            "{name}: it is in the sync group {}, so the weights of {names} do nothing",
            group.name.value
        );
        found.push(
            Finding::new(Code::WeightIgnoredInSyncGroup, router.about(), &first.name.place, message)
                .effect("the addresses stay here when they fail")
                .fix(
                    "track them in the vrrp_sync_group, or write no weight: then a failure is a FAULT of the whole \
                     group; `sync_group_tracking_weight` in the group permits weights, the same in all members",
                )
                .also(&group.name.place, "the group"),
        );
    }
}

/// The written lines that give a weight, and the weight.
fn weighted_lines<'a>(router: &Router<'a>) -> Vec<(&'a TrackLine, i16)> {
    let scripts = router.written.track_scripts.iter().map(|line| {
        let script = || {
            let mut all = router.node.config.scripts.iter();
            all.find(|script| script.name.value == line.name.value)
        };
        (
            line,
            line.weight
                .unwrap_or_else(|| script().map_or(0, |script| script.weight)),
        )
    });
    let interfaces = router.written.track_interfaces.iter();
    interfaces
        .map(|line| (line, line.weight.unwrap_or(0)))
        .chain(scripts)
        .filter(|(_, weight)| *weight != 0)
        .collect()
}

/// Above 254 the difference to the others is lost.
fn clamped(router: &Router<'_>, trackers: &[Tracker<'_>], found: &mut Vec<Finding>) {
    let most: i32 = trackers.iter().map(|tracker| tracker.good.max(tracker.bad)).sum();
    let (base, name) = (router.priority(), router.name());
    if base + most <= 254 {
        return;
    }
    let names: Vec<&str> = trackers.iter().map(|tracker| tracker.what.as_str()).collect();
    let message = format!(
        "{name}: priority {base} and the weights of {} make {}, but 254 is the most",
        list(&names),
        base + most
    );
    found.push(
        Finding::new(Code::WeightClamped, router.about(), router.priority_place(), message)
            .effect(format!(
                "{} of it is lost: a failure that takes less than that changes nothing, and directors that reach 254 are equal",
                base + most - 254
            ))
            .fix(if most < 200 {
                format!("lower the priority to {} or less", 254 - most)
            } else {
                "write smaller weights".to_owned()
            }),
    );
}

/// One and the same adds as much while well as while not.
fn cancelled(router: &Router<'_>, trackers: &[Tracker<'_>], found: &mut Vec<Finding>) {
    for tracker in trackers.iter().filter(|tracker| tracker.good == tracker.bad) {
        let message = format!(
            "{}: the weights of {} cancel each other: the priority is the same whether it fails or not",
            router.name(),
            tracker.what
        );
        found.push(
            Finding::new(Code::WeightsCancel, router.about(), tracker.place, message)
                .effect("the tracker does nothing")
                .fix("track it once, in the group or in the instance"),
        );
    }
}

/// A backup with `nopreempt` accepts a master of any priority (fact 3.3).
fn held_by_nopreempt(router: &Router<'_>, trackers: &[Tracker<'_>], found: &mut Vec<Finding>) {
    let (Some(place), Some(first)) = (router.nopreempt_place(), trackers.first()) else {
        return;
    };
    let message = format!(
        "{}: nopreempt, and a failure of {} only lowers the priority",
        router.name(),
        first.what
    );
    found.push(
        Finding::new(Code::NopreemptWithWeight, router.about(), place, message)
            .effect(
                "a backup with nopreempt leaves any master alone, whatever its priority: the addresses stay on the \
                 director that fails",
            )
            .fix(format!(
                "write no weight for {}: then a failure is a FAULT, which gives the addresses away; or remove nopreempt",
                first.what
            ))
            .also(first.place, "changes the priority only"),
    );
}

/// The same where both files are known: `router` fails, and `peer` does not take over.
fn left_by_peer(router: &Router<'_>, peer: &Router<'_>, found: &mut Vec<Finding>) {
    let trackers = trackers(router);
    let (Some(place), Some(first)) = (peer.nopreempt_place(), trackers.first()) else {
        return;
    };
    if router.does.priority.is_owner() {
        return;
    }
    let message = format!(
        "{}: a failure of {} only lowers the priority, and {} has nopreempt",
        router.name(),
        first.what,
        peer.node.name
    );
    found.push(
        Finding::new(Code::NopreemptWithWeight, router.about(), first.place, message)
            .label("changes the priority only")
            .effect(format!(
                "{} leaves any master alone, whatever its priority: the addresses stay on the director that fails",
                peer.node.name
            ))
            .fix(format!(
                "write no weight for {}: then a failure is a FAULT, which gives the addresses away; or remove nopreempt there",
                first.what
            ))
            .also(place, "waits for the master to go silent"),
    );
}

/// Members that go separate ways cannot stay together (fact 15).
fn uneven(node: &Node, found: &mut Vec<Finding>) {
    let routers = node.routers();
    for group in node.config.groups.iter().filter(|group| group.tracking_weight) {
        let members = routers
            .iter()
            .filter(|router| router.group.is_some_and(|(_, own)| own.name == group.name));
        let mut sets = members
            .filter(|member| !member.does.priority.is_owner())
            .map(|member| {
                let mut set: Vec<(String, i32)> = trackers(member)
                    .into_iter()
                    .map(|tracker| (tracker.what, tracker.good - tracker.bad))
                    .collect();
                set.sort();
                (member, set)
            });
        let Some((first, wanted)) = sets.next() else {
            continue;
        };
        let Some((other, _)) = sets.find(|(_, set)| *set != wanted) else {
            continue;
        };
        let message = format!(
            "{}: the weights in {} and {} are not the same",
            group.name.value,
            first.name(),
            other.name()
        );
        found.push(
            Finding::new(
                Code::SyncGroupUnevenWeights,
                format!("vrrp_sync_group {}", group.name.value),
                &group.name.place,
                message,
            )
            .effect("a failure can make one member lose the election that the other wins: the group goes back and forth")
            .fix("track the same with the same weights in every member, or track it in the vrrp_sync_group")
            .also(first.place(), "one member")
            .also(other.place(), "the other"),
        );
    }
}

/// Every sum that trackers can reach.
fn sums(trackers: &[&Tracker<'_>]) -> Vec<i32> {
    let mut out = vec![0];
    for tracker in trackers {
        out = out
            .iter()
            .flat_map(|sum| [sum + tracker.good, sum + tracker.bad])
            .collect();
        out.sort_unstable();
        out.dedup();
    }
    out
}

/// Whether `tracker` can make `router` fall below some peer, or rise to it, in any state of everything else.
fn can_decide(
    router: &Router<'_>,
    tracker: &Tracker<'_>,
    others: &[&Tracker<'_>],
    peers: &[Vec<i32>],
) -> bool {
    let priority = router.does.priority;
    sums(others).into_iter().any(|rest| {
        let (one, two) = (
            effective(priority, rest + tracker.good),
            effective(priority, rest + tracker.bad),
        );
        let (low, high) = (one.min(two), one.max(two));
        peers.iter().flatten().any(|peer| low < *peer && *peer <= high)
    })
}

/// A weight that no peer's priority is within reach of.
fn never_decides(router: &Router<'_>, peers: &[Router<'_>], found: &mut Vec<Finding>) {
    let own = trackers(router);
    if router.does.priority.is_owner() || own.is_empty() || own.len() > MOST_TRACKERS {
        return;
    }
    if follows_a_file(router) || peers.iter().any(follows_a_file) {
        return;
    }
    let theirs: Vec<Vec<Tracker<'_>>> = peers.iter().map(trackers).collect();
    if theirs.iter().any(|trackers| trackers.len() > MOST_TRACKERS) {
        return;
    }
    let best = at_best(router, &own);
    let ranked = peers
        .iter()
        .zip(&theirs)
        .map(|(peer, trackers)| (peer, at_best(peer, trackers)));
    // Whoever is master while all is well is meant to lose it by a failure.
    let Some((next, rank)) = ranked
        .max_by_key(|(_, rank)| *rank)
        .filter(|(_, rank)| *rank < best)
    else {
        return;
    };
    let reach: Vec<Vec<i32>> = peers
        .iter()
        .zip(&theirs)
        .map(|(peer, trackers)| {
            let all: Vec<&Tracker<'_>> = trackers.iter().collect();
            let each = sums(&all).into_iter();
            each.map(|sum| effective(peer.does.priority, sum)).collect()
        })
        .collect();
    for (at, tracker) in own.iter().enumerate() {
        let others: Vec<&Tracker<'_>> = own
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != at)
            .map(|(_, tracker)| tracker)
            .collect();
        if tracker.good <= tracker.bad || can_decide(router, tracker, &others, &reach) {
            continue;
        }
        let failed = best_without(router, &own, at, tracker.bad);
        let all: i32 = own.iter().map(|tracker| tracker.good.min(tracker.bad)).sum();
        found.push(powerless(
            router,
            tracker,
            next,
            (best, failed, rank),
            own.len(),
            effective(router.does.priority, all),
        ));
    }
}

/// The priority while all is well but tracker `at`, which adds `value`.
fn best_without(router: &Router<'_>, own: &[Tracker<'_>], at: usize, value: i32) -> i32 {
    let rest: i32 = own
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != at)
        .map(|(_, tracker)| tracker.good)
        .sum();
    effective(router.does.priority, rest + value)
}

fn powerless(
    router: &Router<'_>,
    tracker: &Tracker<'_>,
    next: &Router<'_>,
    (best, failed, rank): (i32, i32, i32),
    count: usize,
    worst: i32,
) -> Finding {
    let peer = &next.node.name;
    let message = if failed == rank {
        format!(
            "{}: a failure of {} leaves priority {failed} of {best}, which is not below the {rank} of {peer}",
            router.name(),
            tracker.what
        )
    } else {
        format!(
            "{}: a failure of {} leaves priority {failed} of {best}, still above the {rank} of {peer}",
            router.name(),
            tracker.what
        )
    };
    let together = if count > 1 {
        format!(" (all {count} trackers together leave {worst})")
    } else {
        String::new()
    };
    // What the peer has of the same tracker goes with it when both files change.
    let same = trackers(next)
        .iter()
        .find(|other| other.what == tracker.what)
        .map_or(0, |other| other.good);
    let without = (best - tracker.good, rank - same);
    let needed = without.0 - without.1 + 1;
    let fix = if needed > 0 && without.1 > 1 && needed <= 253 {
        format!(
            "write weight -{needed} for {} in every file (a failure then leaves {}, below {}), or no weight: then a failure is a FAULT",
            tracker.what,
            without.0 - needed,
            without.1
        )
    } else {
        format!("write no weight for {}: then a failure is a FAULT", tracker.what)
    };
    Finding::new(Code::WeightNeverDecides, router.about(), tracker.place, message)
        .label(format!("weight {}", tracker.weight))
        .effect(format!(
            "it can never move the addresses to another director{together}"
        ))
        .fix(fix)
        .also(router.priority_place(), "the priority here")
        .also(next.priority_place(), "the priority there")
}
