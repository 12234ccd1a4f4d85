//! The plane on real threads, with made-up back-ends and an imitated kernel.

use super::*;
use crate::check::engine::tests::{config, exit, misc, real_server, refused, service, tcp};
use crate::ipvs::diff::Op;
use crate::ipvs::io::{Refusal, TalkError};
use crate::ipvs::keeper::Kernel;
use crate::ipvs::model::{Destination, ServiceKey, Table, VirtualService};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use tokio::sync::{Semaphore, oneshot};

#[derive(Clone, Debug, Default)]
struct Imitation(Arc<Mutex<Table>>, Arc<AtomicUsize>);

impl Kernel for Imitation {
    fn read(&mut self, owned: &BTreeSet<ServiceKey>) -> Result<Table, TalkError> {
        let services = self.0.lock().unwrap().services.clone();
        Ok(Table {
            services: services
                .into_iter()
                .filter(|(key, _)| owned.contains(key))
                .collect(),
        })
    }

    fn services(&mut self) -> Result<BTreeMap<ServiceKey, VirtualService>, TalkError> {
        let table = self.0.lock().unwrap();
        let all = table.services.iter();
        Ok(all.map(|(key, entry)| (*key, entry.service.clone())).collect())
    }

    fn destinations(&mut self, key: &ServiceKey) -> Result<BTreeMap<SocketAddr, Destination>, TalkError> {
        let table = self.0.lock().unwrap();
        let entry = table.services.get(key);
        Ok(entry.map(|entry| entry.destinations.clone()).unwrap_or_default())
    }

    fn carry_out(&mut self, ops: &[Op]) -> Result<Vec<Refusal>, TalkError> {
        for op in ops {
            if matches!(op, Op::DeleteService(_)) {
                self.1.fetch_add(1, Ordering::Relaxed);
            }
            self.0.lock().unwrap().apply(op).unwrap();
        }
        Ok(Vec::new())
    }

    fn flush(&mut self) -> Result<(), TalkError> {
        self.0.lock().unwrap().services.clear();
        Ok(())
    }
}

impl Imitation {
    /// How many services were removed.
    fn removals(&self) -> usize {
        self.1.load(Ordering::Relaxed)
    }

    fn addresses(&self) -> Vec<String> {
        let table = self.0.lock().unwrap();
        table
            .services
            .values()
            .flat_map(|entry| entry.destinations.keys().map(ToString::to_string))
            .collect()
    }
}

fn options(kernel: &Imitation, asker: Asker) -> Options {
    let kernel = kernel.clone();
    Options {
        kernel: Box::new(move || Ok(Box::new(kernel.clone()))),
        seed: 1,
        ..Options::new(asker)
    }
}

fn three() -> CheckConfig {
    let server = |n: u8| {
        let address = format!("192.0.2.{n}:80");
        let mut rs = real_server(&address, vec![tcp(&address)]);
        rs.checkers[0].delay_loop = Duration::from_millis(50);
        rs
    };
    config(vec![service("10.0.0.1:80", (1..=3).map(server).collect())])
}

fn target(order: &ProbeOrder) -> String {
    let connection = order.probe.connection();
    connection.map_or_else(String::new, |connection| connection.destination.to_string())
}

fn next(plane: &mut CheckPlane) -> CheckNotice {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let next = async { tokio::time::timeout(Duration::from_secs(30), plane.notices.recv()).await };
    runtime.block_on(next).expect("in time").expect("a notice")
}

fn scripts(plane: &mut CheckPlane, count: usize) -> Vec<String> {
    let script = |notice| match notice {
        CheckNotice::Notify(told) => told.script().expect("a script").argv.join(" "),
        other => panic!("{other:?}"),
    };
    (0..count).map(|_| script(next(plane))).collect()
}

#[test]
fn a_failing_server_leaves_the_table_before_its_script_runs_and_a_panic_is_a_failure() {
    let kernel = Imitation::default();
    let asker = asker(|order| {
        let whom = target(order);
        async move {
            match whom.as_str() {
                "192.0.2.1:80" => ProbeOutcome::OK.into(),
                "192.0.2.2:80" => refused().into(),
                _ => panic!("a mistake in a probe"),
            }
        }
    });
    let mut plane = CheckPlane::spawn(three(), options(&kernel, asker)).unwrap();
    assert_eq!(scripts(&mut plane, 1), ["quorum up"]);
    assert_eq!(kernel.addresses().len(), 3);
    let mut downs = scripts(&mut plane, 2);
    assert_eq!(kernel.addresses(), ["192.0.2.1:80"]);
    downs.sort();
    assert_eq!(downs, ["down 192.0.2.2:80", "down 192.0.2.3:80"]);
    assert!(plane.counters.panics.load(Ordering::Relaxed) >= 1);

    let (reply, answer) = oneshot::channel();
    plane.commands.blocking_send(CheckCommand::Status(reply)).unwrap();
    let status = answer.blocking_recv().unwrap();
    let checkers = status.virtual_servers.iter().flat_map(|vs| &vs.real_servers);
    let failed = checkers
        .flat_map(|rs| &rs.checkers)
        .filter(|checker| !checker.is_up());
    assert_eq!(failed.count(), 2);

    plane
        .commands
        .blocking_send(CheckCommand::Reload {
            number: 0,
            config: Box::default(),
        })
        .unwrap();
    assert_eq!(scripts(&mut plane, 2), ["down 192.0.2.1:80", "quorum down"]);
    assert_eq!(*kernel.0.lock().unwrap(), Table::default());

    plane
        .commands
        .blocking_send(CheckCommand::Stop {
            release: true,
            flush: FlushOnStop::No,
        })
        .unwrap();
    assert!(matches!(next(&mut plane), CheckNotice::Stopped));
    assert!(plane.join());
}

#[test]
fn stopping_removes_only_when_told_to() {
    for (release, left) in [(true, 0), (false, 3)] {
        let kernel = Imitation::default();
        // Probes that never end do not hold up the end.
        let asker = asker(|_| std::future::pending());
        let mut plane = CheckPlane::spawn(three(), options(&kernel, asker)).unwrap();
        assert_eq!(scripts(&mut plane, 1), ["quorum up"]);
        plane
            .commands
            .blocking_send(CheckCommand::Stop {
                release,
                flush: FlushOnStop::No,
            })
            .unwrap();
        assert!(matches!(next(&mut plane), CheckNotice::Stopped));
        assert!(plane.join());
        assert_eq!(kernel.addresses().len(), left);
    }
}

#[test]
fn without_ipvs_the_plane_ends_with_exit_status_1() {
    let mut options = options(
        &Imitation::default(),
        asker(|_| async { ProbeOutcome::OK.into() }),
    );
    options.kernel = Box::new(|| Err(OpenError::NoIpvs("No such file or directory".into())));
    let mut plane = CheckPlane::spawn(three(), options).unwrap();
    assert!(matches!(next(&mut plane), CheckNotice::Failed));
    assert!(plane.join());
}

#[test]
fn only_so_many_probes_run_at_a_time() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (run, top) = (Arc::clone(&running), Arc::clone(&most));
    let asker = asker(move |_| {
        let (run, top) = (Arc::clone(&run), Arc::clone(&top));
        async move {
            top.fetch_max(run.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            run.fetch_sub(1, Ordering::SeqCst);
            exit(1).into()
        }
    });
    let kernel = Imitation::default();
    let mut options = options(&kernel, asker);
    options.most_scripts = 4;
    let server = |n: u8| real_server(&format!("192.0.2.{n}:80"), vec![misc(false)]);
    let mut all = config(vec![service("10.0.0.1:80", (1..=20).map(server).collect())]);
    all.services[0].quorum_up = None;
    all.services[0].quorum_down = None;
    let mut plane = CheckPlane::spawn(all, options).unwrap();
    assert_eq!(scripts(&mut plane, 20).len(), 20, "every one is asked in the end");
    assert_eq!(most.load(Ordering::SeqCst), 4);
    plane
        .commands
        .blocking_send(CheckCommand::Stop {
            release: true,
            flush: FlushOnStop::No,
        })
        .unwrap();
    assert!(matches!(next(&mut plane), CheckNotice::Stopped));
    assert!(plane.join());
}

#[test]
fn dead_back_ends_and_hanging_scripts_hold_up_nobody() {
    // 2,000 back-ends that never answer, 600 scripts that hang, and one back-end that lives.
    const LIVE: &str = "192.0.2.1:80";
    let (say, asked) = std::sync::mpsc::channel();
    let asker = asker(move |order| {
        let live = target(order) == LIVE;
        let say = say.clone();
        async move {
            if !live {
                std::future::pending::<()>().await;
            }
            say.send(()).unwrap();
            ProbeOutcome::OK.into()
        }
    });
    let server = |n: u16| {
        let address = format!("198.18.{}.{}:80", n / 256, n % 256);
        let checker = if n < 2000 { tcp(&address) } else { misc(false) };
        real_server(&address, vec![checker])
    };
    let mut live = real_server(LIVE, vec![tcp(LIVE)]);
    live.checkers[0].delay_loop = Duration::from_millis(100);
    // Its first check comes after the others have begun.
    live.checkers[0].warmup = Duration::ZERO;
    let servers = (0..2600).map(server).chain([live]).collect();
    let mut all = config(vec![service("10.0.0.1:80", servers)]);
    for rs in &mut all.services[0].real_servers {
        rs.checkers[0].warmup = Duration::ZERO;
    }
    let kernel = Imitation::default();
    let mut options = options(&kernel, asker);
    options.most_connections = options.most_connections.max(2001);
    let mut plane = CheckPlane::spawn(all, options).unwrap();
    // The dead ones are given up after 10 s, the scripts after 18 s.
    let limit = now() + Duration::from_secs(8);
    for _ in 0..10 {
        let left = limit.since(now());
        asked.recv_timeout(left).expect("the live one does not wait");
    }
    plane
        .commands
        .blocking_send(CheckCommand::Stop {
            release: true,
            flush: FlushOnStop::No,
        })
        .unwrap();
    while !matches!(next(&mut plane), CheckNotice::Stopped) {}
    assert!(plane.join());
}

#[test]
fn a_probe_is_given_up_only_after_its_own_limits() {
    let limits = |checker: crate::check::config::CheckerConfig| checker.probe.limit();
    assert_eq!(limits(tcp("192.0.2.1:80")), Duration::from_secs(10));
    assert_eq!(
        limits(crate::check::engine::tests::http("192.0.2.1:80", &["/"])),
        Duration::from_secs(60)
    );
    assert_eq!(limits(misc(true)), Duration::from_secs(18));
}

/// A reload that follows another MASTER takes nothing away in between, and the end of who tells of them changes nothing.
#[test]
fn the_table_follows_the_vrrp_plane() {
    let kernel = Imitation::default();
    let all = |instance: &str| {
        let mut all = three();
        all.services[0].while_master = Some(instance.into());
        all
    };
    let asker = asker(|_| async { ProbeOutcome::OK.into() });
    let (tell, masters) = watch::channel(Masters::default());
    let options = Options {
        masters,
        ..options(&kernel, asker)
    };
    let mut plane = CheckPlane::spawn(all("A"), options).unwrap();
    // Notices come when the table is as it was wanted by then.
    assert_eq!(scripts(&mut plane, 1), ["quorum up"]);
    assert_eq!(kernel.addresses(), [""; 0]);
    let masters = |number, names: [&str; 2]| Masters::new(number, names.map(ToOwned::to_owned).into());
    let reload = |number, instance| CheckCommand::Reload {
        number,
        config: Box::new(all(instance)),
    };
    let send = |command| plane.commands.blocking_send(command).unwrap();
    let wait = |count: usize| {
        for _ in 0..1000 {
            if kernel.addresses().len() == count {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        panic!("{:?}", kernel.addresses());
    };
    tell.send_replace(masters(0, ["A", "B"]));
    wait(3);
    let removed = kernel.removals();
    for instance in ["B", "A", "B"] {
        send(reload(0, instance));
    }
    let present = || {
        let (reply, answer) = oneshot::channel();
        send(CheckCommand::Status(reply));
        !answer.blocking_recv().unwrap().virtual_servers[0].absent
    };
    // All reloads are done by now.
    assert!(present());
    tell.send_replace(masters(0, ["B", "C"]));
    assert!(present());
    // The instance has another name, which the VRRP plane tells first, or last; then it misses a configuration.
    tell.send_replace(masters(1, ["C", "D"]));
    assert!(present());
    send(reload(1, "D"));
    assert!(present());
    send(reload(2, "E"));
    assert!(present());
    tell.send_replace(masters(2, ["E", "F"]));
    assert!(present());
    send(reload(3, "G"));
    send(reload(4, "H"));
    assert!(present());
    tell.send_replace(masters(4, ["G", "H"]));
    assert!(present());
    send(reload(5, "B"));
    assert_eq!((present(), kernel.removals()), (true, removed));
    tell.send_replace(masters(5, ["A", "C"]));
    wait(0);
    assert_eq!(kernel.removals(), removed + 1);
    tell.send_replace(masters(5, ["B", "D"]));
    wait(3);
    drop(tell);
    assert!(present());
    send(CheckCommand::Stop {
        release: true,
        flush: FlushOnStop::No,
    });
    assert!(plane.join());
    assert_eq!(kernel.addresses(), [""; 0]);
}

/// There may be ten thousand, whose back-ends do not answer.
#[test]
fn a_probe_s_task_is_small() {
    let asker = asker(|_| std::future::pending());
    let order = ProbeOrder {
        checker: CheckerId(1),
        probe: tcp("192.0.2.1:80").probe,
        url: 0,
        number: 1,
        names: crate::check::telling::Names {
            rs: "".into(),
            vs: "".into(),
        },
    };
    let size = size_of_val(&probe(asker, order));
    assert!(size <= 400, "{size}");
}

/// Control gives memory back when it hears that.
#[test]
fn a_flood_of_probes_that_is_over_is_told() {
    const ALL: u16 = 1200;
    let gate = Arc::new(Semaphore::new(0));
    let open = Arc::clone(&gate);
    let (say, begun) = std::sync::mpsc::channel();
    let asker = asker(move |_| {
        let (say, open) = (say.clone(), Arc::clone(&open));
        async move {
            // Later ones are told to nobody.
            let _ = say.send(());
            drop(open.acquire().await);
            ProbeOutcome::OK.into()
        }
    });
    let server = |n: u16| {
        let address = format!("198.18.{}.{}:80", n / 256, n % 256);
        let mut rs = real_server(&address, vec![tcp(&address)]);
        rs.checkers[0].warmup = Duration::ZERO;
        rs
    };
    let mut all = config(vec![service("10.0.0.1:80", (0..ALL).map(server).collect())]);
    all.services[0].quorum_up = None;
    let mut options = options(&Imitation::default(), asker);
    options.most_connections = ALL.into();
    let mut plane = CheckPlane::spawn(all, options).unwrap();
    for _ in 0..ALL {
        begun.recv_timeout(Duration::from_secs(30)).expect("in time");
    }
    assert!(plane.notices.try_recv().is_err());
    gate.add_permits(ALL.into());
    assert!(matches!(next(&mut plane), CheckNotice::Eased));
}

/// Who waits for its turn is told after a while, by that name, and when its turn has come; the plane and the keeper turn.
#[test]
fn probes_that_wait_for_their_turn_are_seen() {
    let gate = Arc::new(Semaphore::new(0));
    let open = Arc::clone(&gate);
    let asker = asker(move |_| {
        let open = Arc::clone(&open);
        async move {
            drop(open.acquire().await);
            ProbeOutcome::OK.into()
        }
    });
    let kernel = Imitation::default();
    let mut options = options(&kernel, asker);
    options.most_connections = 1;
    let mut all = three();
    for rs in &mut all.services[0].real_servers {
        rs.checkers[0].warmup = Duration::ZERO;
    }
    let plane = CheckPlane::spawn(all, options).unwrap();
    let send = |command| plane.commands.blocking_send(command).unwrap();
    let status = || {
        let (reply, answer) = oneshot::channel();
        send(CheckCommand::Status(reply));
        answer.blocking_recv().unwrap()
    };
    let waiting = || {
        let status = status();
        let servers = status.virtual_servers.iter().flat_map(|vs| &vs.real_servers);
        let checkers = servers.flat_map(|rs| &rs.checkers);
        let waits = checkers.filter(|it| it.is_asking() && it.limit().is_none());
        (waits.count(), status.punctuality.checks)
    };
    let until = |holds: &dyn Fn() -> bool| {
        let began = now();
        while !holds() {
            assert!(now().since(began) < Duration::from_secs(30));
            std::thread::park_timeout(Duration::from_millis(10));
        }
    };
    until(&|| waiting() == (2, 3));
    gate.add_permits(100);
    until(&|| waiting().1 > 10);
    for pulse in [&plane.pulse, &plane.keeper_pulse] {
        pulse.ask();
    }
    plane.pulse.hand_on();
    send(CheckCommand::Beat);
    until(&|| !plane.pulse.owes());
    until(&|| !plane.keeper_pulse.owes());
    // A reload forgets who waits for nothing any more, and the others have their turn.
    send(CheckCommand::Reload {
        number: 0,
        config: Box::default(),
    });
    assert_eq!(waiting().0, 0);
    send(CheckCommand::Stop {
        release: true,
        flush: FlushOnStop::No,
    });
    assert!(plane.join());
}
