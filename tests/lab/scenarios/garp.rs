//! When addresses are announced, beside keepalived with the same settings: bursts, their repetitions, refreshes, answers
//! to lower priorities, the pace, further interfaces, and all of it again after the link's return.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::conf::{GLOBAL, Instance};
use super::expect::{EARLY, LATE, SOON, STALL};
use super::stranger::{Forged, Stranger};
use crate::site::{self, Daemon, Director, Site, port, v4};
use crate::timeline::{Stamp, ms, note, stalled, wait_for};
use crate::wire::Content;

/// Frames of a burst follow each other within this time, even if the guest stands still meanwhile; bursts do not, even if
/// one was late and the next was not.
const GAP: Duration = Duration::from_millis(2500);
/// The bursts of a part are so far from each other, and may be late by this much.
const APART: u64 = 5;
const TOLERANCE: Duration = LATE.saturating_add(STALL);
/// The same where there is a pace, whose bursts take their time, and after a lower priority: not the 5 s that are usual.
const FAR_APART: u64 = 8;
/// Between two frames under a pace.
const PACE: Duration = Duration::from_millis(200);

/// What is announced together, and how.
struct Part {
    name: &'static str,
    /// Added to ten times the director's number.
    vrid: u8,
    interface: &'static str,
    /// Lines of the instance.
    settings: &'static str,
    /// `N` stands for the director's number.
    addresses: &'static [&'static str],
    excluded: &'static [&'static str],
}

const FIRST: Part = Part {
    name: "FIRST",
    vrid: 1,
    interface: "eth0",
    settings: "garp_master_delay 5\n    garp_master_repeat 3\n    garp_master_refresh 10\n    \
               garp_master_refresh_repeat 2",
    addresses: &["192.0.2.N01/24", "192.0.2.N02/24"],
    excluded: &["192.0.2.N03/24", "2001:db8::N04/64"],
};
const SIX: Part = Part {
    name: "SIX",
    vrid: 2,
    settings: "garp_master_delay 5\n    garp_master_repeat 2",
    addresses: &["fe80::N05", "2001:db8::N06/64"],
    excluded: &["2001:db8::N07/64"],
    ..FIRST
};
const LOWER: Part = Part {
    name: "LOWER",
    vrid: 3,
    settings: "garp_master_delay 5\n    garp_master_repeat 1\n    garp_lower_prio_delay 8\n    \
               garp_lower_prio_repeat 3",
    addresses: &["192.0.2.N11/24"],
    excluded: &["192.0.2.N12/24"],
    ..FIRST
};
/// Its interface has a pace.
const PACED: Part = Part {
    name: "PACED",
    vrid: 4,
    interface: "eth1",
    settings: "garp_master_delay 8\n    garp_master_repeat 2",
    addresses: &["198.51.100.N21/24", "198.51.100.N22/24", "198.51.100.N23/24"],
    excluded: &["2001:db8:1::N24/64"],
};
const EXTRA: Part = Part {
    name: "EXTRA",
    vrid: 5,
    settings: "garp_master_delay 5\n    garp_master_repeat 1\n    garp_extra_if all 10",
    addresses: &[
        "192.0.2.N31/24",
        "203.0.113.N32/24 dev eth2",
        "203.0.113.N33/24 dev eth2",
    ],
    excluded: &["2001:db8:2::N34/64 dev eth2"],
    ..FIRST
};

/// Frames that came close after each other: whose turn it was, by its place among the addresses.
#[derive(Clone, Debug)]
struct Burst {
    began: Stamp,
    ended: Stamp,
    frames: Vec<usize>,
    /// The times between two frames of one family.
    apart: Vec<Duration>,
}

impl Part {
    fn named(&self, own: u8, words: &[&str]) -> Vec<String> {
        let own = own.to_string();
        words.iter().map(|words| words.replacen('N', &own, 1)).collect()
    }

    /// In the order of the configuration.
    fn list(&self, own: u8) -> Vec<IpAddr> {
        let words = [self.addresses, self.excluded].concat();
        let address = |words: &String| {
            let address = words.split(['/', ' ']).next().expect("an address");
            address.parse().expect("an address")
        };
        self.named(own, &words).iter().map(address).collect()
    }

    fn text(&self, own: u8) -> String {
        let excluded = self.named(own, self.excluded).join("\n        ");
        let addresses = self.named(own, self.addresses);
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        let more = format!(
            "{}\n    virtual_ipaddress_excluded {{\n        {excluded}\n    }}",
            self.settings
        );
        Instance {
            name: self.name,
            vrid: 10 * own + self.vrid,
            interface: self.interface,
            addresses: &addresses,
            more: &more,
            ..Instance::default()
        }
        .to_string()
    }

    /// What director `own` has announced after `since`.
    fn bursts(&self, site: &Site, own: u8, since: Stamp) -> Vec<Burst> {
        let list = self.list(own);
        let mut frames: Vec<(Stamp, usize)> = Vec::new();
        for segment in 0..3 {
            for seen in site.wire.from(&port(&format!("d{own}"), segment)) {
                if let Content::Announcement { address, .. } = seen.content
                    && let Some(at) = list.iter().position(|known| *known == address)
                    && seen.at > since
                {
                    frames.push((seen.at, at));
                }
            }
        }
        frames.sort();
        let mut bursts: Vec<Burst> = Vec::new();
        let mut last: [Option<Stamp>; 2] = [None; 2];
        for (at, whose) in frames {
            let apart = last[usize::from(list[whose].is_ipv6())]
                .replace(at)
                .map(|last| at - last);
            match bursts.last_mut() {
                Some(burst) if at - burst.ended < GAP => {
                    burst.ended = at;
                    burst.frames.push(whose);
                    burst.apart.extend(apart);
                }
                _ => bursts.push(Burst {
                    began: at,
                    ended: at,
                    frames: vec![whose],
                    apart: Vec::new(),
                }),
            }
        }
        bursts
    }

    /// The first bursts after `since`, waiting for the last of them to end.
    #[track_caller]
    fn wait(&self, site: &Site, own: u8, since: Stamp, count: usize, limit: Duration) -> Vec<Burst> {
        wait_for(
            format!("{count} bursts of {} from d{own}", self.name),
            limit,
            || {
                let mut bursts = self.bursts(site, own, since);
                let over = bursts.get(count - 1)?.ended.elapsed() > GAP + EARLY;
                bursts.truncate(count);
                over.then_some(bursts)
            },
        )
    }

    /// Both directors have announced the same in the same order, at the times that `due` tells, in seconds from the first burst.
    #[track_caller]
    fn compare(&self, site: &Site, since: Stamp, due: &[u64]) -> [Vec<Burst>; 2] {
        let limit = Duration::from_secs(*due.last().expect("a burst")) + 3 * SOON;
        let both = [1, 2].map(|own| self.wait(site, own, since, due.len(), limit));
        let [ours, theirs] = &both;
        for (at, due) in due.iter().map(|due| Duration::from_secs(*due)).enumerate() {
            let (ours_at, theirs_at) = (ours[at].began - ours[0].began, theirs[at].began - theirs[0].began);
            note(
                "lab",
                format!(
                    "{}, burst {}: d1 after {}, d2 after {}, due after {}; frames {:?}",
                    self.name,
                    at + 1,
                    ms(ours_at),
                    ms(theirs_at),
                    ms(due),
                    theirs[at].frames
                ),
            );
            assert_eq!(
                ours[at].frames,
                theirs[at].frames,
                "{}: burst {}",
                self.name,
                at + 1
            );
            // 2.2.7 counts the time to the first refresh from the first burst, 2.4.3 from the second.
            let early = Duration::from_secs(if at >= 2 { APART } else { 0 });
            let ours_early = match Daemon::under_test() {
                Daemon::Steadfast => Duration::ZERO,
                Daemon::Keepalived => early,
            };
            for (who, took, due) in [("d1", ours_at, due - ours_early), ("d2", theirs_at, due - early)] {
                // The first burst itself may have been late.
                assert!(
                    took + TOLERANCE >= due && took <= due + TOLERANCE,
                    "{}: burst {} of {who} after {took:?} instead of {due:?}",
                    self.name,
                    at + 1
                );
            }
        }
        both
    }
}

/// A unicast router announces its own address when it leaves FAULT.
fn peer(own: u8) -> String {
    let source = v4(0, own);
    let address = format!("192.0.2.{own}41/24");
    Instance {
        name: "PEER",
        vrid: 10 * own + 6,
        addresses: &[&address],
        more: &format!(
            "garp_master_delay 2\n    garp_master_repeat 1\n    unicast_src_ip {source}\n    unicast_peer {{\n        \
             192.0.2.9\n    }}"
        ),
        ..Instance::default()
    }
    .to_string()
}

fn configuration(own: u8) -> String {
    let parts: String = [FIRST, SIX, LOWER, PACED, EXTRA]
        .iter()
        .map(|part| part.text(own))
        .collect();
    let group = "garp_group {\n    garp_interval 0.2\n    gna_interval 0.2\n    interface eth1\n}\n";
    format!("{GLOBAL}{group}{parts}{}", peer(own))
}

/// The daemon under test and keepalived announce the same, in the same order, at the same times.
/// Facts: 2.16, 4.2, 11.3, 11.4, 11.5, 11.6
pub fn schedule() {
    let (site, mut d1, mut d2) = site::pair_on(0, 3);
    d2.daemon = Daemon::Keepalived;
    let began = Stamp::now();
    d1.run_with(&configuration(1));
    d2.run_with(&configuration(2));
    SIX.compare(&site, began, &[0, APART]);
    LOWER.compare(&site, began, &[0, APART]);
    EXTRA.compare(&site, began, &[0, APART, 3 * APART, 5 * APART]);
    FIRST.compare(&site, began, &[0, APART, 3 * APART, 5 * APART]);
    paced(&site, began);

    note("client", "a lower priority for either");
    let stranger = Stranger::at(&site.client);
    let told = Stamp::now();
    for own in [1, 2] {
        stranger.say(&Forged {
            source: Ipv4Addr::new(192, 0, 2, 9),
            // 2.2.7 believes no other list of addresses.
            address: Ipv4Addr::new(192, 0, 2, 100 * own + 11),
            vrid: 10 * own + LOWER.vrid,
            version: 3,
            priority: 50,
            auth: 0,
        });
    }
    LOWER.compare(&site, told, &[0, FAR_APART]);

    returned(&site, &d1, &d2);
}

/// Under a pace, each address has its turns in order, in all rounds; 2.2.7 leaves repetitions out that 2.4.3 counts.
#[track_caller]
fn paced(site: &Site, since: Stamp) {
    for own in [1, 2] {
        let bursts = PACED.wait(site, own, since, 2, 3 * SOON);
        let second = bursts[1].began - bursts[0].began;
        let due = Duration::from_secs(FAR_APART);
        assert!(
            second + TOLERANCE >= due && second <= due + TOLERANCE,
            "d{own}: {second:?}"
        );
        for burst in bursts {
            note("lab", format!("PACED, d{own}: frames {:?}", burst.frames));
            let close = burst.apart.iter().filter(|apart| **apart < PACE / 2).count();
            // After one that was held up on its way, because the guest stood still, the next may be in time.
            let before = Stamp(burst.began.0 - PACE);
            let held_up = stalled(before, burst.ended) > Duration::ZERO;
            assert!(
                close <= usize::from(held_up),
                "d{own}: frames under a pace {:?} after each other",
                burst.apart
            );
            let (mut v4, mut v6): (Vec<usize>, Vec<usize>) = burst
                .frames
                .iter()
                .partition(|whose| **whose < PACED.addresses.len());
            if own == 2 || Daemon::under_test() == Daemon::Keepalived {
                for list in [&mut v4, &mut v6] {
                    list.sort_unstable();
                    list.dedup();
                }
                assert_eq!((v4, v6), (vec![0, 1, 2], vec![3]), "d{own}");
            } else {
                assert_eq!((v4, v6), (vec![0, 1, 2, 0, 1, 2], vec![3, 3]), "d{own}");
            }
        }
    }
}

/// A director that loses its link and finds it again begins with the first burst.
#[track_caller]
fn returned(site: &Site, d1: &Director, d2: &Director) {
    let lost = Stamp::now();
    for director in [d1, d2] {
        site.switch.unplug(&director.name);
        director.wait_state("FIRST", "FAULT", lost, SOON);
        director.wait_state("PEER", "FAULT", lost, SOON);
    }
    let back = Stamp::now();
    for director in [d1, d2] {
        site.switch.replug(&director.name);
        director.wait_state("FIRST", "MASTER", back, 2 * SOON);
    }
    FIRST.compare(site, back, &[0, APART, 3 * APART]);
    SIX.compare(site, back, &[0, APART]);
    let own = [1, 2].map(|own| {
        let director = format!("d{own}");
        site.wire.announcements(&director, v4(0, own), lost).len()
    });
    assert_eq!(
        own,
        [1, 1],
        "announcements of the own address of a unicast router"
    );
}
