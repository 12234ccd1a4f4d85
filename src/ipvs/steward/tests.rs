//! The steward on its thread, before an imitation of the kernel.

use super::*;
use crate::ipvs::config::SyncConfig;
use std::sync::{Arc, Condvar, Mutex};

/// What a kernel has, what it was told, and what it refuses.
#[derive(Debug, Default)]
struct State {
    timeouts: Timeouts,
    daemons: BTreeMap<Role, SyncDaemon>,
    told: Vec<String>,
    no_device: bool,
    /// How often it was asked for its daemons.
    looks: u32,
}

impl State {
    fn tell(&mut self, heard: &Condvar, line: String) {
        self.told.push(line);
        heard.notify_all();
    }
}

#[derive(Clone, Debug, Default)]
struct Imitation(Arc<Mutex<State>>, Arc<Condvar>);

impl Whole for Imitation {
    fn timeouts(&mut self) -> Result<Timeouts, TalkError> {
        Ok(self.0.lock().unwrap().timeouts)
    }

    fn set_timeouts(&mut self, timeouts: Timeouts) -> Result<(), TalkError> {
        let mut state = self.0.lock().unwrap();
        state.timeouts = timeouts.over(state.timeouts);
        let Timeouts { tcp, tcpfin, udp } = timeouts;
        state.tell(&self.1, format!("set {tcp} {tcpfin} {udp}"));
        Ok(())
    }

    fn daemons(&mut self) -> Result<BTreeMap<Role, SyncDaemon>, TalkError> {
        let mut state = self.0.lock().unwrap();
        state.looks += 1;
        self.1.notify_all();
        Ok(state.daemons.clone())
    }

    fn start(&mut self, role: Role, daemon: &SyncDaemon) -> Result<(), TalkError> {
        let mut state = self.0.lock().unwrap();
        if state.no_device {
            state.tell(&self.1, "no device".into());
            return Err(TalkError::Refused(Errno::ENODEV));
        }
        if state.daemons.contains_key(&role) {
            return Err(TalkError::Refused(Errno::EEXIST));
        }
        state.tell(&self.1, format!("start {} {}", word(role), daemon.id));
        state.daemons.insert(role, daemon.clone());
        Ok(())
    }

    fn stop(&mut self, role: Role) -> Result<(), TalkError> {
        let mut state = self.0.lock().unwrap();
        if state.daemons.remove(&role).is_none() {
            return Err(TalkError::Refused(Errno::ESRCH));
        }
        state.tell(&self.1, format!("stop {}", word(role)));
        Ok(())
    }
}

impl Imitation {
    fn steward(&self) -> Steward {
        self.steward_of(watch::channel(Masters::default()).1)
    }

    fn steward_of(&self, masters: watch::Receiver<Masters>) -> Steward {
        let kernel = self.clone();
        let pace = Duration::from_millis(20);
        Steward::with_pace(Box::new(move || Ok(Box::new(kernel.clone()))), masters, pace).unwrap()
    }

    /// Waits for so many further looks of the guard.
    #[track_caller]
    fn is_looked_at(&self, looks: u32) {
        let limit = Duration::from_secs(20);
        let state = self.0.lock().unwrap();
        let until = state.looks + looks;
        let (state, _) = self
            .1
            .wait_timeout_while(state, limit, |state| state.looks < until)
            .unwrap();
        assert!(state.looks >= until, "nobody looks");
    }

    /// Waits until the kernel was told this since the last time.
    #[track_caller]
    fn is_told(&self, expected: &[&str]) {
        let limit = Duration::from_secs(20);
        let state = self.0.lock().unwrap();
        let waiting = |state: &mut State| state.told.len() < expected.len();
        let (mut state, _) = self.1.wait_timeout_while(state, limit, waiting).unwrap();
        assert_eq!(std::mem::take(&mut state.told), expected);
    }
}

fn daemon(id: u8) -> SyncDaemon {
    SyncDaemon {
        interface: "eth0".into(),
        id,
        maxlen: None,
        port: None,
        ttl: None,
        group: None,
    }
}

fn sync(follow: Option<&str>, id: u8) -> IpvsConfig {
    IpvsConfig {
        sync: Some(SyncConfig {
            follow: follow.map(ToOwned::to_owned),
            daemon: daemon(id),
        }),
        ..IpvsConfig::default()
    }
}

fn timeouts(tcp: u32, tcpfin: u32, udp: u32) -> IpvsConfig {
    IpvsConfig {
        timeouts: Timeouts { tcp, tcpfin, udp },
        ..IpvsConfig::default()
    }
}

/// LVS facts: 17.5, 18.1, 18.3
#[test]
fn both_daemons_run_until_the_end_and_are_begun_anew_with_other_settings() {
    let kernel = Imitation::default();
    // Left by an earlier run.
    kernel.0.lock().unwrap().daemons.insert(Role::Backup, daemon(77));
    let steward = kernel.steward();
    steward.follow(0, sync(None, 0));
    kernel.is_told(&["stop backup", "start master 0", "start backup 0"]);
    // The same again is nothing new.
    steward.follow(0, sync(None, 0));
    steward.follow(0, sync(None, 9));
    kernel.is_told(&["stop master", "stop backup", "start master 9", "start backup 9"]);
    steward.finish();
    steward.join();
    kernel.is_told(&["stop master", "stop backup"]);
}

/// LVS facts: 18.2, 18.3
#[test]
fn the_daemon_of_an_instance_is_that_of_its_state() {
    let kernel = Imitation::default();
    let (states, masters) = watch::channel(Masters::default());
    let become_masters = |names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned());
        states.send_replace(Masters::new(0, names.collect()));
    };
    let steward = kernel.steward_of(masters);
    steward.follow(0, sync(Some("A"), 51));
    kernel.is_told(&["start backup 51"]);
    become_masters(&["A", "B"]);
    kernel.is_told(&["stop backup", "start master 51"]);
    // Others mean nothing.
    become_masters(&["A"]);
    become_masters(&[]);
    kernel.is_told(&["stop master", "start backup 51"]);
    become_masters(&["A"]);
    kernel.is_told(&["stop backup", "start master 51"]);
    steward.follow(0, IpvsConfig::default());
    kernel.is_told(&["stop master"]);
    steward.finish();
    steward.join();
    kernel.is_told(&[]);
}

/// A reload that renames the instance: whichever of both hears of it first, the daemon runs on.
#[test]
fn a_renamed_instance_has_the_same_daemon() {
    let kernel = Imitation::default();
    let news = |number, name: &str| Masters::new(number, [name.to_owned()].into());
    let (tell, masters) = watch::channel(news(1, "A"));
    let steward = kernel.steward_of(masters);
    // Another timeout shows that all was heard.
    let follow = |number, name, tcp, told: &[&str]| {
        let timeouts = timeouts(tcp, 0, 0).timeouts;
        let sync = sync(Some(name), 51);
        steward.follow(number, IpvsConfig { timeouts, ..sync });
        kernel.is_told(told);
    };
    follow(1, "A", 1, &["set 1 0 0", "start master 51"]);
    follow(2, "B", 2, &["set 2 0 0"]);
    tell.send_replace(news(2, "B"));
    follow(2, "B", 3, &["set 3 0 0"]);
    tell.send_replace(news(3, "C"));
    follow(2, "B", 4, &["set 4 0 0"]);
    follow(3, "C", 5, &["set 5 0 0"]);
    // Other settings are another daemon, whoever is MASTER.
    steward.follow(4, sync(Some("D"), 52));
    kernel.is_told(&["set 0 0 0", "stop master", "start master 52"]);
    tell.send_replace(Masters::new(4, ["C".to_owned()].into()));
    kernel.is_told(&["stop master", "start backup 52"]);
    steward.finish();
    steward.join();
    kernel.is_told(&["stop backup"]);
}

/// LVS facts: 16.1, 17.5, 18.5
#[test]
fn timeouts_are_as_before_when_nobody_wants_others() {
    let kernel = Imitation::default();
    kernel.0.lock().unwrap().timeouts = Timeouts {
        tcp: 900,
        tcpfin: 120,
        udp: 300,
    };
    let steward = kernel.steward();
    steward.follow(0, timeouts(100, 0, 7));
    kernel.is_told(&["set 100 120 7"]);
    steward.follow(0, timeouts(0, 11, 0));
    kernel.is_told(&["set 900 11 300"]);
    steward.follow(0, IpvsConfig::default());
    kernel.is_told(&["set 900 120 300"]);
    // What others change meanwhile is theirs.
    kernel.0.lock().unwrap().timeouts.udp = 301;
    steward.follow(0, timeouts(5, 0, 0));
    kernel.is_told(&["set 5 120 301"]);
    steward.finish();
    steward.join();
    kernel.is_told(&["set 900 120 301"]);
}

#[test]
fn what_is_refused_is_tried_again() {
    let kernel = Imitation::default();
    kernel.0.lock().unwrap().no_device = true;
    let steward = kernel.steward();
    steward.follow(0, sync(None, 3));
    kernel.is_told(&["no device", "no device"]);
    kernel.0.lock().unwrap().no_device = false;
    kernel.is_told(&["start master 3", "start backup 3"]);
    // Somebody else's daemon makes room for ours.
    steward.follow(0, IpvsConfig::default());
    kernel.is_told(&["stop master", "stop backup"]);
    kernel.0.lock().unwrap().daemons.insert(Role::Backup, daemon(77));
    steward.follow(0, sync(None, 3));
    kernel.is_told(&["start master 3", "stop backup", "start backup 3"]);
    drop(steward);
    kernel.is_told(&["stop master", "stop backup"]);
}

/// A kernel that refuses everything.
struct Refusing;

impl Whole for Refusing {
    fn timeouts(&mut self) -> Result<Timeouts, TalkError> {
        Err(TalkError::Refused(Errno::EPERM))
    }

    fn set_timeouts(&mut self, _: Timeouts) -> Result<(), TalkError> {
        Err(TalkError::Refused(Errno::EPERM))
    }

    fn daemons(&mut self) -> Result<BTreeMap<Role, SyncDaemon>, TalkError> {
        Err(TalkError::Refused(Errno::EPERM))
    }

    fn start(&mut self, _: Role, _: &SyncDaemon) -> Result<(), TalkError> {
        Err(TalkError::Refused(Errno::ENODEV))
    }

    fn stop(&mut self, _: Role) -> Result<(), TalkError> {
        Err(TalkError::Refused(Errno::EPERM))
    }
}

/// LVS facts: 2.19
#[test]
fn a_refusal_is_told_as_keepalived_tells_it() {
    let mut worker = Worker {
        open: Box::new(|| unreachable!()),
        kernel: Some(Box::new(Refusing)),
        before: None,
        set: Timeouts::default(),
        running: BTreeMap::new(),
        surveyed: false,
        guard: Guard::new(patience::PACE),
    };
    let told = |done: Result<(), Refusal>| done.unwrap_err().to_string();
    assert_eq!(
        told(worker.start(Role::Master, &daemon(1))),
        "IPVS cmd IP_VS_SO_SET_STARTDAEMON(1163) error: No such device(19) (master on eth0)"
    );
    assert_eq!(
        told(worker.stop(Role::Backup)),
        "IPVS cmd IP_VS_SO_SET_STOPDAEMON(1164) error: Operation not permitted(1) (backup)"
    );
    let timeouts = timeouts(1, 0, 0).timeouts;
    let refused = "IPVS cmd IP_VS_SO_SET_TIMEOUT(1162) error: Operation not permitted(1)";
    assert_eq!(told(worker.become_timed(timeouts)), refused);
    worker.before = Some(Timeouts::default());
    assert_eq!(told(worker.become_timed(timeouts)), refused);
}

/// What others stop is started again; what they change is put back to repair only, and a few times.
#[test]
fn the_guard_puts_back_what_others_stop() {
    let kernel = Imitation::default();
    let steward = kernel.steward();
    let config = |repair| IpvsConfig {
        repair,
        timeouts: timeouts(100, 11, 7).timeouts,
        ..sync(None, 3)
    };
    steward.follow(0, config(false));
    kernel.is_told(&["set 100 11 7", "start master 3", "start backup 3"]);
    kernel.0.lock().unwrap().daemons.clear();
    kernel.is_told(&["start master 3", "start backup 3"]);
    kernel.0.lock().unwrap().daemons.remove(&Role::Backup);
    kernel.is_told(&["start backup 3"]);
    kernel.is_looked_at(2);
    assert_eq!(steward.put_back().counts(), [3, 0]);

    // Somebody else's in its place, and other timeouts: left.
    let replace = || kernel.0.lock().unwrap().daemons.insert(Role::Backup, daemon(77));
    kernel.0.lock().unwrap().timeouts.tcp = 900;
    replace();
    kernel.is_looked_at(3);
    kernel.is_told(&[]);
    assert_eq!(steward.put_back().counts(), [3, 0]);
    steward.follow(0, config(true));
    kernel.is_told(&["stop backup", "set 100 11 7", "start backup 3"]);
    // Somebody insists.
    for _ in 0..2 {
        kernel.is_looked_at(2);
        replace();
        kernel.is_told(&["stop backup", "start backup 3"]);
    }
    kernel.is_looked_at(2);
    assert_eq!(steward.put_back().counts(), [3, 4]);
    steward.finish();
    steward.join();
    kernel.is_told(&["set 0 0 0", "stop master", "stop backup"]);
}

#[test]
fn a_kernel_that_refuses_is_not_pestered_by_the_guard() {
    let kernel = Imitation::default();
    let steward = kernel.steward();
    steward.follow(0, sync(None, 3));
    kernel.is_told(&["start master 3", "start backup 3"]);
    {
        let mut state = kernel.0.lock().unwrap();
        state.no_device = true;
        state.daemons.remove(&Role::Backup);
    }
    kernel.is_told(&["no device"]);
    kernel.is_looked_at(10);
    kernel.is_told(&[]);
    kernel.0.lock().unwrap().no_device = false;
    kernel.is_told(&["start backup 3"]);
    steward.finish();
    steward.join();
    kernel.is_told(&["stop master", "stop backup"]);
}
