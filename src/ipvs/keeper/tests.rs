//! The keeper against an imitation of the kernel that can refuse and break off.

use super::*;
use crate::ipvs::diff::Misfit;
use crate::ipvs::model::{
    Destination, ForwardMethod, Protocol, Scheduler, ServiceFlags, Tunnel, VirtualService, Wanted,
};
use nix::errno::Errno;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};

mod guard;
mod together;

/// The imitation's table and its moods.
#[derive(Debug, Default)]
struct Site {
    table: Table,
    /// Every operation that came, in order.
    seen: Vec<Op>,
    /// This many operations are refused from now on.
    refuse: usize,
    /// This many dialogues break off from now on.
    break_off: usize,
    /// So many times the table cannot be emptied.
    clings: usize,
    /// How many times all services were read.
    looks: usize,
    /// Whose destinations were read.
    read: Vec<ServiceKey>,
    /// The next reading of all services has holes.
    holes: bool,
    /// Edits are taken and change nothing.
    deaf: bool,
}

#[derive(Clone, Debug, Default)]
struct Imitation(Arc<Mutex<Site>>);

impl Imitation {
    fn with<T>(&self, look: impl FnOnce(&mut Site) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    /// A keeper whose guard does not look.
    fn keeper(&self) -> Keeper {
        self.guarded(Duration::from_secs(3600))
    }

    fn guarded(&self, pace: Duration) -> Keeper {
        let this = self.clone();
        let open: Opener = Box::new(move || Ok(Box::new(this.clone())));
        Keeper::guarding(pace, open, |error| panic!("{error}")).unwrap()
    }
}

impl Kernel for Imitation {
    fn read(&mut self, owned: &BTreeSet<ServiceKey>) -> Result<Table, TalkError> {
        self.with(|site| {
            let services = site
                .table
                .services
                .clone()
                .into_iter()
                .filter(|(key, _)| owned.contains(key));
            Ok(Table {
                services: services.collect(),
            })
        })
    }

    fn services(&mut self) -> Result<BTreeMap<ServiceKey, VirtualService>, TalkError> {
        self.with(|site| {
            site.looks += 1;
            if site.break_off > 0 {
                site.break_off -= 1;
                return Err(TalkError::Receive(Errno::ENOBUFS));
            }
            if std::mem::take(&mut site.holes) {
                return Ok(BTreeMap::new());
            }
            let all = site.table.services.iter();
            Ok(all.map(|(key, entry)| (*key, entry.service.clone())).collect())
        })
    }

    fn destinations(&mut self, key: &ServiceKey) -> Result<BTreeMap<SocketAddr, Destination>, TalkError> {
        self.with(|site| {
            site.read.push(*key);
            let entry = site.table.services.get(key);
            Ok(entry.map(|entry| entry.destinations.clone()).unwrap_or_default())
        })
    }

    fn carry_out(&mut self, ops: &[Op]) -> Result<Vec<Refusal>, TalkError> {
        self.with(|site| {
            let mut refusals = Vec::new();
            for op in ops {
                if site.break_off > 0 {
                    site.break_off -= 1;
                    return Err(TalkError::Receive(Errno::ENOBUFS));
                }
                site.seen.push(op.clone());
                if site.refuse > 0 {
                    site.refuse -= 1;
                    refusals.push(Refusal {
                        op: op.clone(),
                        errno: Errno::ENOMEM,
                    });
                    continue;
                }
                if site.deaf && matches!(op, Op::EditService(..) | Op::EditDestination(..)) {
                    continue;
                }
                let is_there = site.table.services.contains_key(op.service());
                if let Err(misfit) = site.table.apply(op) {
                    let errno = match misfit {
                        Misfit::Exists => Errno::EEXIST,
                        Misfit::Missing if is_there => Errno::ENOENT,
                        Misfit::Missing => Errno::ESRCH,
                    };
                    refusals.push(Refusal {
                        op: op.clone(),
                        errno,
                    });
                }
            }
            Ok(refusals)
        })
    }

    fn flush(&mut self) -> Result<(), TalkError> {
        self.with(|site| {
            if site.clings > 0 {
                site.clings -= 1;
                return Err(TalkError::Receive(Errno::ENOBUFS));
            }
            site.table.services.clear();
            Ok(())
        })
    }
}

fn key(n: u8) -> ServiceKey {
    ServiceKey::Address {
        protocol: Protocol::Tcp,
        address: format!("192.0.2.{n}:80").parse().unwrap(),
    }
}

fn entry(weights: &[u32]) -> ServiceEntry {
    let server = |(n, weight): (usize, &u32)| {
        let server = Destination {
            forward: ForwardMethod::Nat,
            weight: *weight,
            upper: 0,
            lower: 0,
        };
        (format!("198.51.100.{n}:80").parse().unwrap(), server)
    };
    ServiceEntry {
        service: VirtualService {
            scheduler: Scheduler("rr".into()),
            flags: ServiceFlags::default(),
            persistence: None,
        },
        destinations: weights.iter().enumerate().map(server).collect(),
    }
}

/// Wants a service for the virtual server of that name.
fn want(keeper: &Keeper, key: ServiceKey, entry: Option<ServiceEntry>) {
    keeper.want(
        ServerId::Service(key),
        entry.map(|entry| wanted(&[key], entry).into()),
    );
}

fn wanted(services: &[ServiceKey], entry: ServiceEntry) -> Wanted {
    Wanted {
        services: services.into(),
        settings: entry.service,
        servers: entry.destinations.into_iter().collect(),
        marks: [].into(),
    }
}

fn group(number: u32) -> ServerId {
    ServerId::Group {
        name: "web".into(),
        number,
    }
}

/// Waits until everything wanted so far was tried.
fn settle(keeper: &Keeper) {
    let done: Receiver<()> = {
        let (done, waiting) = channel();
        assert!(keeper.after(move || done.send(()).unwrap()));
        waiting
    };
    done.recv_timeout(Duration::from_secs(20)).unwrap();
}

fn wait_for(imitation: &Imitation, what: impl Fn(&Site) -> bool) {
    for _ in 0..1000 {
        if imitation.with(|site| what(site)) {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    panic!("{:?}", imitation.0);
}

#[test]
fn what_is_there_is_adopted_and_what_is_foreign_left() {
    let kernel = Imitation::default();
    kernel.with(|site| {
        site.table.services.insert(key(1), entry(&[1, 1]));
        site.table.services.insert(key(2), entry(&[5]));
        site.table.services.insert(key(9), entry(&[7]));
    });
    let keeper = kernel.keeper();
    want(&keeper, key(1), Some(entry(&[1, 3])));
    want(&keeper, key(2), Some(entry(&[5])));
    settle(&keeper);
    kernel.with(|site| {
        assert_eq!(site.seen.len(), 1, "{:?}", site.seen);
        assert!(matches!(site.seen[0], Op::EditDestination(..)));
    });
    want(&keeper, key(1), None);
    keeper.finish();
    kernel.with(|site| {
        let left: Vec<_> = site.table.services.keys().copied().collect();
        assert_eq!(left, [key(2), key(9)]);
        assert_eq!(site.table.services[&key(9)], entry(&[7]));
    });
}

#[test]
fn a_refusal_is_tried_again() {
    let kernel = Imitation::default();
    kernel.with(|site| site.refuse = 3);
    let keeper = kernel.keeper();
    want(&keeper, key(1), Some(entry(&[1, 1])));
    settle(&keeper);
    kernel.with(|site| assert!(site.seen.len() >= 3, "all three were tried: {:?}", site.seen));
    wait_for(&kernel, |site| {
        site.table.services.get(&key(1)) == Some(&entry(&[1, 1]))
    });
    kernel.with(|site| assert_eq!(site.seen.len(), 6, "and again, once: {:?}", site.seen));

    // A removal, too.
    kernel.with(|site| site.refuse = 3);
    want(&keeper, key(1), None);
    wait_for(&kernel, |site| site.table.services.is_empty());
    keeper.finish();
}

#[test]
fn a_dialogue_that_breaks_off_is_taken_up_from_what_the_kernel_has() {
    let kernel = Imitation::default();
    let keeper = kernel.keeper();
    want(&keeper, key(1), Some(entry(&[1])));
    settle(&keeper);
    kernel.with(|site| {
        site.break_off = 1;
        site.table = Table::default();
    });
    want(&keeper, key(2), Some(entry(&[2])));
    wait_for(&kernel, |site| site.table.services.contains_key(&key(2)));
    // Service 1 was not in question; it is looked up when it next is.
    want(&keeper, key(1), Some(entry(&[4])));
    wait_for(&kernel, |site| {
        site.table.services.get(&key(1)) == Some(&entry(&[4]))
    });
    keeper.finish();
}

#[test]
fn what_comes_after_sees_the_table_as_wanted() {
    let kernel = Imitation::default();
    let keeper = kernel.keeper();
    let (see, seen) = channel();
    for n in 0..50 {
        want(&keeper, key(n), Some(entry(&[1])));
        let (see, kernel) = (see.clone(), kernel.clone());
        let look = move || {
            see.send(kernel.with(|site| site.table.services.contains_key(&key(n))))
                .unwrap()
        };
        assert!(keeper.after(look));
    }
    keeper.finish();
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), [true; 50]);
}

/// What is cleared and wanted by nobody goes; what somebody wants, or what is foreign, stays.
#[test]
fn what_an_earlier_run_has_left_goes() {
    let kernel = Imitation::default();
    kernel.with(|site| {
        for n in [1, 2, 9] {
            site.table.services.insert(key(n), entry(&[1, 1]));
        }
    });
    let keeper = kernel.keeper();
    want(&keeper, key(2), Some(entry(&[1, 1])));
    keeper.clear([key(1), key(2), key(3)].into());
    settle(&keeper);
    kernel.with(|site| {
        let left: Vec<_> = site.table.services.keys().copied().collect();
        assert_eq!(left, [key(2), key(9)]);
        assert!(
            site.seen.iter().all(|op| *op.service() == key(1)),
            "nothing else is touched: {:?}",
            site.seen
        );
    });
    keeper.finish();
}

/// LVS facts: 2.18
#[test]
fn without_ipvs_it_says_so_once_and_ends() {
    let (failed, failures) = channel();
    let open: Opener = Box::new(|| Err(OpenError::NoIpvs("No such file or directory".into())));
    let keeper = Keeper::spawn(open, move |error| failed.send(error.to_string()).unwrap()).unwrap();
    want(&keeper, key(1), Some(entry(&[1])));
    let error = failures.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(
        error.starts_with("Can't initialize ipvs: No such file or directory"),
        "{error}"
    );
    keeper.finish();
    assert!(failures.try_recv().is_err());
}

/// LVS facts: 2.18
#[test]
fn nothing_wanted_means_nothing_opened() {
    let open: Opener = Box::new(|| panic!("opened"));
    let keeper = Keeper::spawn(open, |error| panic!("{error}")).unwrap();
    settle(&keeper);
    keeper.finish();
}

/// LVS facts: 2.22
#[test]
fn a_shared_service_is_there_once_and_goes_with_the_last_who_wants_it() {
    let kernel = Imitation::default();
    let keeper = kernel.keeper();
    keeper.want(group(0), Some(wanted(&[key(1), key(2)], entry(&[1, 0])).into()));
    keeper.want(
        group(1),
        Some(wanted(&[key(2), key(3)], entry(&[1, 5, 1])).into()),
    );
    settle(&keeper);
    kernel.with(|site| {
        assert_eq!(site.table.services.len(), 3);
        assert_eq!(site.table.services[&key(1)], entry(&[1, 0]));
        assert_eq!(
            site.table.services[&key(2)],
            entry(&[1, 5, 1]),
            "everybody's servers"
        );
        assert_eq!(site.table.services[&key(3)], entry(&[1, 5, 1]));
    });
    keeper.want(group(1), None);
    settle(&keeper);
    kernel.with(|site| {
        assert_eq!(site.table.services[&key(2)], entry(&[1, 0]));
        assert!(!site.table.services.contains_key(&key(3)));
        site.seen.clear();
    });
    keeper.want(group(0), None);
    keeper.finish();
    kernel.with(|site| assert_eq!(site.table, Table::default()));
}

/// A group that loses one entry and gets another keeps the services between (LVS fact 16.10).
///
/// LVS facts: 16.10
#[test]
fn entries_of_a_group_come_with_all_servers_and_go_alone() {
    let kernel = Imitation::default();
    let keeper = kernel.keeper();
    keeper.want(group(0), Some(wanted(&[key(1), key(2)], entry(&[1, 2])).into()));
    settle(&keeper);
    kernel.with(|site| site.seen.clear());
    keeper.want(group(0), Some(wanted(&[key(2), key(3)], entry(&[1, 2])).into()));
    settle(&keeper);
    kernel.with(|site| {
        assert!(
            site.seen.iter().all(|op| *op.service() != key(2)),
            "{:?}",
            site.seen
        );
        let left: Vec<_> = site.table.services.keys().copied().collect();
        assert_eq!(left, [key(2), key(3)]);
        assert_eq!(site.table.services[&key(3)], entry(&[1, 2]));
    });
    keeper.finish();
}

/// LVS facts: 2.12, 2.25
#[test]
fn the_port_of_a_server_is_its_own_for_nat_only() {
    let kernel = Imitation::default();
    let keeper = kernel.keeper();
    let mark = ServiceKey::FwMark {
        family: crate::net::Family::V4,
        mark: 7,
    };
    let mut all = wanted(&[key(1), mark], entry(&[1]));
    let server = |forward, text: &str| {
        let mut server = all.servers[0].1;
        server.forward = forward;
        (text.parse::<SocketAddr>().unwrap(), server)
    };
    all.servers = vec![
        server(ForwardMethod::Nat, "198.51.100.1:0"),
        server(ForwardMethod::Nat, "198.51.100.1:8080"),
        server(ForwardMethod::Dr, "198.51.100.2:9"),
        server(ForwardMethod::Tun(Tunnel::default()), "198.51.100.3:0"),
    ];
    keeper.want(group(0), Some(all.into()));
    settle(&keeper);
    kernel.with(|site| {
        let ports = |key| {
            site.table.services[&key]
                .destinations
                .keys()
                .map(SocketAddr::port)
                .collect::<Vec<_>>()
        };
        assert_eq!(ports(key(1)), [0, 8080, 80, 80]);
        assert_eq!(ports(mark), [0, 8080, 0, 0]);
    });
    keeper.finish();
}

#[test]
fn a_table_that_is_emptied_gets_what_is_wanted_and_nothing_else() {
    let kernel = Imitation::default();
    kernel.with(|site| {
        site.table.services.insert(key(1), entry(&[5]));
        site.table.services.insert(key(9), entry(&[7]));
    });
    let keeper = kernel.keeper();
    keeper.flush();
    want(&keeper, key(1), Some(entry(&[1])));
    settle(&keeper);
    kernel.with(|site| {
        let services: Vec<_> = site.table.services.clone().into_iter().collect();
        assert_eq!(services, [(key(1), entry(&[1]))]);
        site.table.services.insert(key(9), entry(&[7]));
        site.seen.clear();
    });
    // At the end nobody wants anything more.
    keeper.empty_for_good();
    keeper.finish();
    kernel.with(|site| {
        assert!(site.table.services.is_empty());
        assert_eq!(site.seen, []);
    });
}

/// A table with a service of somebody else, which could not be emptied so often.
fn clinging(times: usize) -> Imitation {
    let kernel = Imitation::default();
    kernel.with(|site| {
        site.table.services.insert(key(9), entry(&[7]));
        site.clings = times;
    });
    kernel
}

#[test]
fn a_table_that_cannot_be_emptied_is_emptied_over_a_new_dialogue() {
    let kernel = clinging(1);
    let keeper = kernel.keeper();
    keeper.flush();
    want(&keeper, key(1), Some(entry(&[1])));
    settle(&keeper);
    kernel.with(|site| {
        let services: Vec<_> = site.table.services.keys().copied().collect();
        assert_eq!(services, [key(1)]);
        site.table.services.insert(key(9), entry(&[7]));
        site.clings = 1;
    });
    keeper.empty_for_good();
    keeper.finish();
    kernel.with(|site| assert!(site.table.services.is_empty()));
}

/// What is ours goes at once, and the rest later.
#[test]
fn a_table_that_cannot_be_emptied_at_all_is_emptied_later() {
    let kernel = clinging(0);
    let keeper = kernel.keeper();
    want(&keeper, key(1), Some(entry(&[1])));
    settle(&keeper);
    kernel.with(|site| site.clings = 4);
    keeper.empty_for_good();
    settle(&keeper);
    let left = |site: &Site| site.table.services.keys().copied().collect::<Vec<_>>();
    kernel.with(|site| assert_eq!(left(site), [key(9)]));
    wait_for(&kernel, |site| left(site).is_empty());
    keeper.finish();
}

/// Nothing is left to be tried again when the table was emptied for good.
#[test]
fn who_has_emptied_the_table_rests() {
    let kernel = Imitation::default();
    let this = kernel.clone();
    let mut worker = Worker::new(
        Arc::default(),
        Box::new(move || Ok(Box::new(this.clone()))),
        Box::new(|error| panic!("{error}")),
        Guard::new(Duration::from_secs(3600)),
    );
    let wants = |n| {
        let wanted = wanted(&[key(n)], entry(&[1]));
        Queue {
            wants: [(ServerId::Service(key(n)), Some(wanted.into()))].into(),
            ..Queue::default()
        }
    };
    let end = || Queue {
        flush: true,
        forget: true,
        ..Queue::default()
    };
    for clings in [0, 1, 2] {
        kernel.with(|site| (site.refuse, site.clings) = (2, clings));
        assert!(worker.round(wants(1)));
        assert!(worker.retry.is_some());
        assert!(worker.round(end()));
        assert_eq!(worker.retry.is_some(), clings == 2, "{clings}");
        assert!(worker.round(Queue::default()));
        assert_eq!(worker.retry, None, "{clings}");
    }
    kernel.with(|site| assert_eq!(site.table, Table::default()));
    // What is wanted meanwhile is not taken away by another try.
    kernel.with(|site| {
        site.table.services.insert(key(9), entry(&[7]));
        site.clings = 4;
    });
    let flush = Queue {
        flush: true,
        ..Queue::default()
    };
    assert!(worker.round(flush) && worker.retry.is_some());
    assert!(worker.round(wants(1)) && worker.retry.is_none());
    assert!(worker.round(Queue::default()));
    kernel.with(|site| assert_eq!(site.table.services.len(), 2));
}

/// Whatever is changed first, or nothing can be: what somebody else has emptied is filled again, as a whole.
#[test]
fn a_table_that_somebody_has_emptied_is_made_anew() {
    let other = {
        let mut other = entry(&[1, 1]);
        other.service.scheduler = Scheduler("wlc".into());
        other
    };
    for new in [
        entry(&[1]),
        entry(&[1, 1, 1]),
        entry(&[1, 2]),
        // A service that is other, all of its servers as they were.
        other,
    ] {
        let kernel = Imitation::default();
        let keeper = kernel.keeper();
        for n in [1, 2] {
            want(&keeper, key(n), Some(entry(&[1, 1])));
        }
        settle(&keeper);
        kernel.with(|site| site.table = Table::default());
        want(&keeper, key(1), Some(new.clone()));
        wait_for(&kernel, |site| {
            let is = |n| site.table.services.get(&key(n));
            is(1) == Some(&new) && is(2) == Some(&entry(&[1, 1]))
        });
        // Of what goes nothing is made.
        kernel.with(|site| {
            site.table = Table::default();
            site.seen.clear();
        });
        want(&keeper, key(1), None);
        settle(&keeper);
        kernel.with(|site| assert!(site.seen.iter().all(|op| *op.service() == key(1))));
        keeper.finish();
    }
}

/// LVS facts: 17.4
#[test]
fn services_may_go_without_their_servers_being_removed_first() {
    let kernel = Imitation::default();
    kernel.with(|site| drop(site.table.services.insert(key(9), entry(&[7]))));
    let keeper = kernel.keeper();
    want(&keeper, key(1), Some(entry(&[1, 2, 3])));
    settle(&keeper);
    kernel.with(|site| site.seen.clear());
    keeper.services_only();
    want(&keeper, key(1), None);
    keeper.finish();
    kernel.with(|site| {
        assert_eq!(site.seen, [Op::DeleteService(key(1))]);
        assert!(site.table.services.contains_key(&key(9)));
    });
}

/// An imitation of what gives packets marks.
#[derive(Clone, Debug, Default)]
struct Marks(Arc<Mutex<MarkSite>>);

#[derive(Debug, Default)]
struct MarkSite {
    rules: Vec<MarkRule>,
    /// So many attempts are refused from now on.
    refuse: usize,
    /// Who hears of each attempt: the rules, and whether they were taken.
    told: Option<Sender<(Vec<MarkRule>, bool)>>,
}

impl Marks {
    fn keeper(&self, kernel: &Imitation) -> Keeper {
        self.marking(kernel.keeper())
    }

    fn marking(&self, keeper: Keeper) -> Keeper {
        keeper.mark_with(Box::new(self.clone()));
        keeper
    }

    fn rules(&self) -> Vec<MarkRule> {
        self.0.lock().unwrap().rules.clone()
    }

    fn refuse(&self, times: usize) {
        self.0.lock().unwrap().refuse = times;
    }
}

impl Marker for Marks {
    fn set(&mut self, rules: &[MarkRule]) -> io::Result<()> {
        let mut site = self.0.lock().unwrap();
        let refused = site.refuse > 0;
        if let Some(told) = &site.told {
            told.send((rules.to_vec(), !refused)).unwrap();
        }
        if refused {
            site.refuse -= 1;
            return Err(io::Error::from_raw_os_error(95));
        }
        site.rules = rules.to_vec();
        Ok(())
    }

    fn is_there(&mut self) -> io::Result<bool> {
        Ok(!self.0.lock().unwrap().rules.is_empty())
    }

    fn name(&self) -> String {
        "imitated marks".into()
    }
}

fn rule(first: &str, last: &str, mark: u32) -> MarkRule {
    MarkRule {
        protocol: Protocol::Tcp,
        first: first.parse().unwrap(),
        last: last.parse().unwrap(),
        port: 80,
        mark,
    }
}

/// What a group wants that is told by a mark.
fn wanted_by_mark(rules: &[MarkRule]) -> Arc<Wanted> {
    let services: BTreeSet<ServiceKey> = rules.iter().map(MarkRule::service).collect();
    Arc::new(Wanted {
        marks: rules.into(),
        ..wanted(&Vec::from_iter(services), entry(&[1]))
    })
}

fn keys(kernel: &Imitation) -> Vec<String> {
    kernel.with(|site| site.table.services.keys().map(ToString::to_string).collect())
}

/// LVS facts: 2.26, 17.5
#[test]
fn marks_come_with_their_service_and_go_with_it() {
    let (kernel, marks) = (Imitation::default(), Marks::default());
    let keeper = marks.keeper(&kernel);
    let (first, second) = (
        rule("10.0.0.1", "10.0.0.9", 1001),
        rule("10.0.1.1", "10.0.1.1", 1000),
    );
    keeper.want(group(0), Some(wanted_by_mark(&[first])));
    keeper.want(group(1), Some(wanted_by_mark(&[second])));
    keeper.want(group(2), Some(wanted_by_mark(&[second])));
    settle(&keeper);
    assert_eq!(keys(&kernel), ["FWM 1000", "FWM 1001"]);
    assert_eq!(marks.rules(), [second, first], "each once, the older first");
    let wider = rule("10.0.0.1", "10.0.0.20", 1001);
    keeper.want(group(0), Some(wanted_by_mark(&[wider])));
    keeper.want(group(1), None);
    settle(&keeper);
    assert_eq!(marks.rules(), [second, wider], "another wants it still");
    keeper.want(group(2), None);
    keeper.want(group(0), None);
    keeper.finish();
    assert_eq!(keys(&kernel), [""; 0]);
    assert_eq!(marks.rules(), []);
}

#[test]
fn marks_go_when_the_table_is_emptied() {
    let (kernel, marks) = (Imitation::default(), Marks::default());
    let keeper = marks.keeper(&kernel);
    keeper.want(group(0), Some(wanted_by_mark(&[rule("10.0.0.1", "10.0.0.9", 7)])));
    settle(&keeper);
    keeper.empty_for_good();
    keeper.finish();
    assert_eq!(marks.rules(), []);
}

#[test]
fn refused_marks_are_set_later_and_the_old_ones_stay_until_then() {
    let (kernel, marks) = (Imitation::default(), Marks::default());
    let keeper = marks.keeper(&kernel);
    let (narrow, wide) = (rule("10.0.0.1", "10.0.0.1", 7), rule("10.0.0.1", "10.0.0.9", 7));
    keeper.want(group(0), Some(wanted_by_mark(&[narrow])));
    settle(&keeper);
    let (told, attempts) = channel();
    marks.0.lock().unwrap().told = Some(told);
    marks.refuse(1);
    keeper.want(group(0), Some(wanted_by_mark(&[wide])));
    for taken in [false, true] {
        let attempt = attempts.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(attempt, (vec![wide], taken));
    }
    settle(&keeper);
    assert_eq!(keys(&kernel), ["FWM 7"], "never by address");
    keeper.finish();
}

/// A kernel that cannot mark has all services, as without marks.
#[test]
fn where_nothing_can_be_marked_addresses_are_services() {
    let (kernel, marks) = (Imitation::default(), Marks::default());
    marks.refuse(usize::MAX);
    let keeper = marks.keeper(&kernel);
    let rules = [
        rule("10.0.0.1", "10.0.0.3", 7),
        rule("2001:db8::", "2001:db9::", 7),
    ];
    keeper.want(group(0), Some(wanted_by_mark(&rules)));
    settle(&keeper);
    let three = ["[10.0.0.1]:tcp:80", "[10.0.0.2]:tcp:80", "[10.0.0.3]:tcp:80"];
    assert_eq!(keys(&kernel), three, "but for a range that no memory holds");
    keeper.want(group(1), Some(wanted_by_mark(&[rule("10.0.0.4", "10.0.0.4", 8)])));
    settle(&keeper);
    assert_eq!(keys(&kernel).len(), 4);
    keeper.want(group(0), None);
    keeper.want(group(1), None);
    keeper.finish();
    assert_eq!(keys(&kernel), [""; 0]);
}

/// LVS facts: 2.19
#[test]
fn a_table_that_cannot_be_emptied_is_told_as_keepalived_tells_it() {
    assert_eq!(
        not_emptied(&TalkError::Refused(Errno::EPERM)),
        "IPVS cmd IP_VS_SO_SET_FLUSH(1157) error: Operation not permitted(1)"
    );
}
