//! The guard against others that remove and change what is ours.

use super::*;
use crate::ipvs::keeper::guard::MOST;

const FAST: Duration = Duration::from_millis(5);

impl Site {
    fn drop_server(&mut self, service: u8, server: u8) {
        let entry = self.table.services.get_mut(&key(service)).unwrap();
        entry.destinations.remove(&address(server)).unwrap();
    }

    fn weigh(&mut self, service: u8, server: u8, weight: u32) {
        let entry = self.table.services.get_mut(&key(service)).unwrap();
        entry.destinations.get_mut(&address(server)).unwrap().weight = weight;
    }

    fn is(&self, n: u8, weights: &[u32]) -> bool {
        self.table.services.get(&key(n)) == Some(&entry(weights))
    }
}

fn address(n: u8) -> SocketAddr {
    format!("198.51.100.{n}:80").parse().unwrap()
}

/// Waits until the guard has begun so many looks more.
fn looks(kernel: &Imitation, more: usize) {
    let now = kernel.with(|site| site.looks);
    wait_for(kernel, |site| site.looks >= now + more);
}

/// LVS facts: 2.22
#[test]
fn what_others_remove_is_put_back_and_what_is_theirs_left() {
    let kernel = Imitation::default();
    let keeper = kernel.guarded(FAST);
    want(&keeper, key(1), Some(entry(&[1, 2])));
    want(&keeper, key(2), Some(entry(&[3])));
    settle(&keeper);
    kernel.with(|site| {
        site.table.services.insert(key(9), entry(&[7]));
        let foreign = entry(&[1, 1, 1]).destinations[&address(2)];
        let ours = site.table.services.get_mut(&key(1)).unwrap();
        ours.destinations.insert(address(77), foreign);
    });
    looks(&kernel, 3);
    // A server, a service, everything.
    kernel.with(|site| site.drop_server(1, 0));
    wait_for(&kernel, |site| {
        site.table.services[&key(1)].destinations.len() == 3
    });
    kernel.with(|site| drop(site.table.services.remove(&key(2))));
    wait_for(&kernel, |site| site.is(2, &[3]));
    kernel.with(|site| {
        assert!(
            site.table.services[&key(1)]
                .destinations
                .contains_key(&address(77))
        );
        assert!(
            site.seen
                .iter()
                .all(|op| !matches!(op, Op::DeleteDestination(..)))
        );
        assert_eq!(site.table.services[&key(9)], entry(&[7]));
    });
    assert_eq!(keeper.put_back().counts(), [1, 1, 0]);
    kernel.with(|site| site.table = Table::default());
    wait_for(&kernel, |site| site.is(1, &[1, 2]) && site.is(2, &[3]));
    // Nothing is put back that is not wanted any more.
    want(&keeper, key(1), None);
    want(&keeper, key(2), None);
    keeper.finish();
    kernel.with(|site| assert_eq!(site.table, Table::default()));
}

/// A server that others have added is theirs, also when a refusal has the service looked up anew.
#[test]
fn a_server_of_others_survives_that_its_service_is_looked_up() {
    let kernel = Imitation::default();
    let keeper = kernel.guarded(FAST);
    want(&keeper, key(1), Some(entry(&[1])));
    settle(&keeper);
    kernel.with(|site| {
        let foreign = site.table.services[&key(1)].destinations[&address(0)];
        let ours = site.table.services.get_mut(&key(1)).unwrap();
        ours.destinations.insert(address(77), foreign);
    });
    looks(&kernel, 3);
    kernel.with(|site| site.refuse = 1);
    want(&keeper, key(1), Some(entry(&[4])));
    wait_for(&kernel, |site| {
        site.table.services[&key(1)].destinations[&address(0)].weight == 4
    });
    kernel.with(|site| {
        assert!(
            site.table.services[&key(1)]
                .destinations
                .contains_key(&address(77))
        );
    });
    keeper.finish();
}

/// An operator drains by hand: that stays until we want something else of the server.
#[test]
fn what_others_change_stays_until_something_else_is_wanted() {
    let kernel = Imitation::default();
    let keeper = kernel.guarded(FAST);
    want(&keeper, key(1), Some(entry(&[1, 1])));
    settle(&keeper);
    kernel.with(|site| site.weigh(1, 0, 0));
    looks(&kernel, 4);
    // Another server is changed, and one is removed and put back.
    want(&keeper, key(1), Some(entry(&[1, 5])));
    settle(&keeper);
    kernel.with(|site| site.drop_server(1, 1));
    wait_for(&kernel, |site| site.is(1, &[0, 5]));
    want(&keeper, key(1), Some(entry(&[2, 5])));
    settle(&keeper);
    kernel.with(|site| assert!(site.is(1, &[2, 5])));
    // Also where it is what somebody has made of it already.
    kernel.with(|site| site.weigh(1, 0, 0));
    looks(&kernel, 3);
    want(&keeper, key(1), Some(entry(&[0, 5])));
    settle(&keeper);
    want(&keeper, key(1), Some(entry(&[2, 5])));
    settle(&keeper);
    looks(&kernel, 3);
    keeper.finish();
    kernel.with(|site| assert!(site.is(1, &[2, 5]), "{site:?}"));
}

#[test]
fn to_repair_what_others_change_is_put_back() {
    let kernel = Imitation::default();
    let keeper = kernel.guarded(FAST);
    keeper.repair(true);
    want(&keeper, key(1), Some(entry(&[1, 1])));
    settle(&keeper);
    kernel.with(|site| site.weigh(1, 0, 0));
    wait_for(&kernel, |site| site.is(1, &[1, 1]));
    kernel.with(|site| {
        let ours = site.table.services.get_mut(&key(1)).unwrap();
        ours.service.scheduler = Scheduler("wlc".into());
    });
    wait_for(&kernel, |site| site.is(1, &[1, 1]));
    looks(&kernel, 2);
    assert_eq!(keeper.put_back().counts(), [0, 0, 2]);
    keeper.repair(false);
    settle(&keeper);
    kernel.with(|site| site.weigh(1, 0, 0));
    looks(&kernel, 4);
    kernel.with(|site| assert!(site.is(1, &[0, 1])));
    keeper.finish();
}

/// A kernel may say what it has in another way than it was told: that is no reason to write forever.
#[test]
fn a_change_that_cannot_be_put_back_is_tried_a_few_times() {
    let kernel = Imitation::default();
    let keeper = kernel.guarded(FAST);
    keeper.repair(true);
    want(&keeper, key(1), Some(entry(&[1])));
    settle(&keeper);
    kernel.with(|site| {
        site.seen.clear();
        site.weigh(1, 0, 9);
        site.deaf = true;
    });
    wait_for(&kernel, |site| site.seen.len() == 3);
    looks(&kernel, 5);
    kernel.with(|site| assert_eq!(site.seen.len(), 3));
    keeper.finish();
}

/// A table that changes while it is read may be read with holes: they are looked at twice.
#[test]
fn a_hole_in_what_was_read_is_no_loss() {
    let kernel = Imitation::default();
    let keeper = kernel.guarded(FAST);
    want(&keeper, key(1), Some(entry(&[1])));
    settle(&keeper);
    kernel.with(|site| {
        site.seen.clear();
        site.holes = true;
    });
    wait_for(&kernel, |site| !site.holes);
    looks(&kernel, 3);
    kernel.with(|site| assert_eq!(site.seen, []));
    assert_eq!(keeper.put_back().counts(), [0, 0, 0]);
    keeper.finish();
}

#[test]
fn a_look_that_breaks_off_is_taken_up_again() {
    let kernel = Imitation::default();
    let keeper = kernel.guarded(FAST);
    want(&keeper, key(1), Some(entry(&[1])));
    settle(&keeper);
    kernel.with(|site| {
        site.break_off = 2;
        site.table = Table::default();
    });
    wait_for(&kernel, |site| site.is(1, &[1]));
    keeper.finish();
}

/// What the kernel refuses to have back is tried again later, as any refusal.
#[test]
fn a_refusal_of_what_is_put_back_is_tried_again() {
    let kernel = Imitation::default();
    let keeper = kernel.guarded(FAST);
    want(&keeper, key(1), Some(entry(&[1])));
    settle(&keeper);
    kernel.with(|site| {
        site.refuse = 1;
        site.table = Table::default();
    });
    wait_for(&kernel, |site| site.is(1, &[1]));
    keeper.finish();
}

/// A look reads some destinations, the next one others; nothing is looked at while nothing is wanted.
#[test]
fn destinations_are_read_in_turn_and_only_while_something_is_wanted() {
    let kernel = Imitation::default();
    let keeper = kernel.guarded(FAST);
    settle(&keeper);
    std::thread::park_timeout(FAST * 4);
    kernel.with(|site| assert_eq!(site.looks, 0));
    let many = ServiceEntry {
        destinations: (0..600_u16)
            .map(|n| {
                let one = entry(&[1]).destinations[&address(0)];
                (SocketAddr::from(([10, 0, 0, 1], n + 1)), one)
            })
            .collect(),
        ..entry(&[])
    };
    for n in 1..=6 {
        want(&keeper, key(n), Some(many.clone()));
    }
    settle(&keeper);
    kernel.with(|site| {
        site.read.clear();
        site.looks = 0;
    });
    wait_for(&kernel, |site| site.read.len() >= 12);
    kernel.with(|site| {
        let most = MOST / many.destinations.len() + 1;
        // One look may have been under way when counting began.
        assert!(
            site.read.len() <= (site.looks + 1) * most,
            "{} in {}",
            site.read.len(),
            site.looks
        );
        let six: BTreeSet<_> = site.read[..6].iter().collect();
        assert_eq!(six.len(), 6, "each in its turn: {:?}", site.read);
    });
    for n in 1..=6 {
        want(&keeper, key(n), None);
    }
    settle(&keeper);
    let at_the_end = kernel.with(|site| site.looks);
    std::thread::park_timeout(FAST * 4);
    kernel.with(|site| assert_eq!(site.looks, at_the_end));
    keeper.finish();
}

#[test]
fn marks_that_others_remove_are_set_again() {
    let (kernel, marks) = (Imitation::default(), Marks::default());
    let keeper = marks.marking(kernel.guarded(FAST));
    let mark = rule("10.0.0.1", "10.0.0.9", 7);
    keeper.want(group(0), Some(wanted_by_mark(&[mark])));
    settle(&keeper);
    marks.0.lock().unwrap().rules.clear();
    wait_for(&kernel, |_| marks.rules() == [mark]);
    keeper.want(group(0), None);
    settle(&keeper);
    keeper.finish();
    assert_eq!(marks.rules(), [], "not after they were taken back");
}
