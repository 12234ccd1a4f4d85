use super::*;
use crate::vrrp::testing::*;

fn tracker(rise: u32, fall: u32) -> ScriptTracker {
    ScriptTracker {
        name: "chk".into(),
        rise,
        fall,
    }
}

fn run(script: &mut Script, outcomes: &str) -> String {
    let say = |c| {
        let outcome = if c == '+' {
            ScriptOutcome::Exited(0)
        } else {
            ScriptOutcome::Exited(1)
        };
        script.ended(outcome);
        if script.good() == Some(true) { 'G' } else { 'b' }
    };
    outcomes.chars().map(say).collect()
}

/// Facts: 14.3
#[test]
fn rise_and_fall_count_consecutive_outcomes() {
    // rise, fall, outcomes, verdict after each
    let table = [
        (1, 1, "+-+-", "GbGb"),
        (1, 1, "-+", "bG"),
        // The first decides at once.
        (3, 2, "+", "G"),
        (3, 2, "-", "b"),
        (1, 3, "+--+---+", "GGGGGGbG"),
        (3, 1, "-++-+++-", "bbbbbbGb"),
        (2, 2, "+-+--+-++", "GGGGbbbbG"),
        (5, 3, "-+++++---+", "bbbbbGGGbb"),
    ];
    for (rise, fall, outcomes, verdicts) in table {
        let mut script = Script::new(&tracker(rise, fall), true);
        assert_eq!(script.good(), None);
        assert_eq!(
            run(&mut script, outcomes),
            verdicts,
            "rise {rise} fall {fall} {outcomes}"
        );
        assert!(script.result() < rise + fall);
    }
}

/// Facts: 14.5
#[test]
fn a_changed_exit_status_and_a_changed_verdict_are_told_apart() {
    let mut script = Script::new(&tracker(1, 2), true);
    let told = |status, good| Verdict { status, good };
    assert_eq!(script.ended(ScriptOutcome::Exited(0)), told(None, Some(true)));
    assert_eq!(script.ended(ScriptOutcome::Exited(3)), told(Some(3), None));
    assert_eq!(script.ended(ScriptOutcome::Exited(3)), told(None, Some(false)));
    assert_eq!(script.ended(ScriptOutcome::TimedOut), told(None, None));
    assert_eq!(script.ended(ScriptOutcome::Exited(0)), told(Some(0), Some(true)));
    assert_eq!(script.ended(ScriptOutcome::Signalled(9)), told(None, None));
    assert_eq!(script.ended(ScriptOutcome::NotStarted), told(None, Some(false)));
}

/// Facts: 18.8
#[test]
fn a_reload_keeps_the_verdict() {
    let mut script = Script::new(&tracker(2, 3), true);
    run(&mut script, "+-");
    assert_eq!(
        script.clone().retuned(&tracker(2, 3)),
        Script {
            holds: false,
            ..script.clone()
        }
    );
    let wider = script.clone().retuned(&tracker(5, 5));
    assert_eq!((wider.good(), wider.result()), (Some(true), 9));
    let mut bad = Script::new(&tracker(2, 3), true);
    run(&mut bad, "-");
    assert_eq!(bad.retuned(&tracker(1, 1)).good(), Some(false));
    assert_eq!(
        Script::new(&tracker(2, 3), true).retuned(&tracker(1, 1)).good(),
        None
    );
}

/// Facts: 2.18, 14.1
#[test]
fn weights_add_up_and_stay_in_range() {
    // weight, reverse, good → effect
    let table = [
        (10, false, true, 10),
        (10, false, false, 0),
        (-10, false, true, 0),
        (-10, false, false, -10),
        (10, true, true, -10),
        (10, true, false, 0),
        (-10, true, true, 0),
        (-10, true, false, 10),
    ];
    for (weight, reverse, good, effect) in table {
        assert_eq!(weigh(weight, reverse, good), effect, "{weight} {reverse} {good}");
    }
    for (base, weights, total) in [
        (100, -10, 90),
        (100, -500, 1),
        (200, 100, 254),
        (255, -100, 255),
        (1, 0, 1),
    ] {
        assert_eq!(
            effective(Priority(base), weights),
            Priority(total),
            "{base} {weights}"
        );
    }
}

/// A world with eth0 (10.0.0.1) and eth1 up, and the scripts `good`, `bad` and `new`.
fn world(config: &RouterConfig) -> World {
    let mut world = World::default();
    let script = |name: &str| ScriptTracker {
        name: name.into(),
        rise: 1,
        fall: 1,
    };
    let vrrp = crate::vrrp::VrrpConfig {
        routers: vec![config.clone()],
        scripts: vec![script("good"), script("bad"), script("new")],
        ..Default::default()
    };
    world.configure(&vrrp, false);
    world
        .scripts
        .get_mut("good")
        .unwrap()
        .ended(ScriptOutcome::Exited(0));
    world
        .scripts
        .get_mut("bad")
        .unwrap()
        .ended(ScriptOutcome::Exited(1));
    world.insert(interface("eth0", 1, &["10.0.0.1"]));
    world.insert(interface("eth1", 2, &["10.1.0.1"]));
    world
}

fn causes(config: &RouterConfig, group: Option<&SyncGroupConfig>, change: impl FnOnce(&mut World)) -> String {
    let mut world = world(config);
    change(&mut world);
    let assessment = assess(config, group, &world, None);
    let causes: Vec<_> = assessment.causes.iter().map(Cause::to_string).collect();
    format!("{} [{}]", assessment.effective, causes.join("; "))
}

fn script(script: &str, weight: i16, reverse: bool) -> TrackedScript {
    TrackedScript {
        script: script.into(),
        weight,
        reverse,
    }
}

fn link(interface: &str, weight: i16, reverse: bool) -> TrackedInterface {
    TrackedInterface {
        interface: name(interface),
        weight,
        reverse,
    }
}

/// Facts: 2.17, 14.1, 14.12
#[test]
fn each_cause_of_fault() {
    let plain = router("A", 51);
    let with = |change: &dyn Fn(&mut RouterConfig)| {
        let mut config = plain.clone();
        change(&mut config);
        config
    };
    let down = |which: &'static str| {
        move |world: &mut World| {
            let mut status = world.interface(&name(which)).unwrap().clone();
            status.up = false;
            world.insert(status);
        }
    };
    let nothing = |_: &mut World| {};
    assert_eq!(causes(&plain, None, nothing), "100 []");
    assert_eq!(causes(&plain, None, down("eth0")), "100 [interface eth0 is down]");
    assert_eq!(causes(&plain, None, down("eth1")), "100 []");
    assert_eq!(
        causes(&plain, None, |w| drop(w.remove(&name("eth0")))),
        "100 [interface eth0 does not exist]"
    );
    let bare = |w: &mut World| drop(w.insert(interface("eth0", 1, &["fe80::1"])));
    assert_eq!(
        causes(&plain, None, bare),
        "100 [no source address on interface eth0]"
    );
    let alone = |w: &mut World| drop(w.insert(interface("eth0", 1, &["10.0.0.151"])));
    assert_eq!(
        causes(&plain, None, alone),
        "100 [no source address on interface eth0]",
        "the own VIP"
    );
    let fixed = with(&|c| c.source = Some(ip("10.0.0.9")));
    assert_eq!(causes(&fixed, None, bare), "100 []");
    let owner = with(&|c| c.priority = Priority::OWNER);
    assert_eq!(
        causes(&owner, None, alone),
        "255 []",
        "an owner's VIP is its real address"
    );

    let loose = with(&|c| c.dont_track_primary = true);
    assert_eq!(causes(&loose, None, down("eth0")), "100 []");
    let elsewhere = with(&|c| c.excluded = vec![spec("10.1.0.9", "eth1")]);
    assert_eq!(
        causes(&elsewhere, None, down("eth1")),
        "100 [interface eth1 is down]"
    );
    let broken = with(&|c| c.config_fault = Some("no multicast here".into()));
    assert_eq!(causes(&broken, None, nothing), "100 [no multicast here]");

    let tracks = with(&|c| c.track_interfaces = vec![link("eth1", 0, false)]);
    assert_eq!(causes(&tracks, None, nothing), "100 []");
    assert_eq!(
        causes(&tracks, None, down("eth1")),
        "100 [tracked interface eth1]"
    );
    let reversed = with(&|c| c.track_interfaces = vec![link("eth1", 0, true)]);
    assert_eq!(causes(&reversed, None, nothing), "100 [tracked interface eth1]");
    assert_eq!(causes(&reversed, None, down("eth1")), "100 []");
    let weighted = with(&|c| c.track_interfaces = vec![link("eth1", -30, false), link("eth9", -5, false)]);
    assert_eq!(
        causes(&weighted, None, nothing),
        "95 []",
        "an interface that is not there is down"
    );
    assert_eq!(causes(&weighted, None, down("eth1")), "65 []");

    for (entry, expected) in [
        (script("good", 0, false), "100 []"),
        (script("bad", 0, false), "100 [tracked script bad]"),
        (script("good", 0, true), "100 [tracked script good]"),
        (script("bad", 0, true), "100 []"),
        (
            script("new", 0, false),
            "100 [tracked script new has not returned yet]",
        ),
        (script("new", 20, false), "100 []"),
        (script("new", -20, false), "100 []"),
        (script("good", 20, false), "120 []"),
        (script("bad", -20, false), "80 []"),
        (script("absent", 0, false), "100 []"),
    ] {
        let config = with(&|c| c.track_scripts = vec![entry.clone()]);
        assert_eq!(causes(&config, None, nothing), expected, "{entry:?}");
    }
}

/// Facts: 14.16
#[test]
fn a_groups_trackers_act_on_its_members() {
    let mut config = router("A", 51);
    config.track_scripts = vec![script("bad", -10, false), script("good", 5, false)];
    let mut sync = group("G", &["A"]);
    sync.track_scripts = vec![script("bad", -20, false)];
    sync.track_interfaces = vec![link("eth1", 1, false)];
    assert_eq!(
        causes(&config, Some(&sync), |_| {}),
        "86 []",
        "the group's weight wins: 100 − 20 + 5 + 1"
    );
    sync.track_scripts = vec![script("bad", 0, false)];
    assert_eq!(
        causes(&config, Some(&sync), |_| {}),
        "96 [tracked script bad]",
        "a fault and a weight do not compete"
    );
}

#[test]
fn undecided_is_less_than_faulty() {
    let undecided = Cause::Undecided("s".into());
    let faulty = Cause::NoSource(name("eth0"));
    assert_eq!(Standing::of(&BTreeSet::new()), Standing::Fit);
    assert_eq!(Standing::of(&[undecided.clone()].into()), Standing::Undecided);
    assert_eq!(Standing::of(&[undecided, faulty].into()), Standing::Faulty);
}

fn entry(name: &str, weight: i16, reverse: bool) -> Tracked {
    Tracked {
        name: name.into(),
        weight,
        reverse,
    }
}

/// Facts: 14.9
#[test]
fn a_file_adds_its_number_times_the_weight() {
    // weight, reverse, number → effect; none: a fault
    let table = [
        (0, false, 0, Some(0)),
        (0, false, 1, None),
        (0, false, -1, None),
        (0, true, 0, None),
        (0, true, 7, Some(0)),
        (1, false, 10, Some(10)),
        (1, true, 10, Some(-10)),
        (-2, false, 10, Some(-20)),
        (-2, true, 10, Some(20)),
        (1, false, 253, Some(253)),
        (1, false, 254, Some(253)),
        (100, false, i32::MAX, Some(253)),
        (1, false, -253, Some(-253)),
        (1, false, -254, None),
        (1, true, 254, None),
        (254, false, i32::MIN, None),
        (-1, false, 1000, None),
    ];
    for (weight, reverse, value, effect) in table {
        let tracked = entry("f", weight, reverse);
        assert_eq!(file_effect(&tracked, value), effect, "{weight} {reverse} {value}");
    }
}

/// What files, processes and sessions mean, of the router (`r`) and its group (`g`).
///
/// Facts: 14.1, 14.9, 14.15, 14.16
#[test]
fn objects_of_routers_and_groups() {
    let told = |world: &mut World| {
        world.files.insert("ten".into(), 10);
        world.processes.insert("many".into(), true);
        world.processes.insert("few".into(), false);
        world.sessions.insert("up".into(), true);
    };
    let files = |e| TrackedObjects {
        files: vec![e],
        ..Default::default()
    };
    let processes = |e| TrackedObjects {
        processes: vec![e],
        ..Default::default()
    };
    let sessions = |e| TrackedObjects {
        sessions: vec![e],
        ..Default::default()
    };
    let table = [
        (files(entry("ten", -1, false)), "90 []"),
        (files(entry("ten", 0, false)), "100 [tracked file ten]"),
        (files(entry("none", 1, false)), "100 []"),
        (files(entry("none", 0, true)), "100 [tracked file none]"),
        (processes(entry("many", 0, false)), "100 []"),
        (processes(entry("many", 0, true)), "100 [tracked process many]"),
        (processes(entry("few", 0, false)), "100 [tracked process few]"),
        (processes(entry("few", -40, false)), "60 []"),
        (processes(entry("many", 40, true)), "60 []"),
        // One that cannot be watched.
        (processes(entry("unheard", 0, false)), "100 []"),
        (processes(entry("unheard", -40, false)), "100 []"),
        (sessions(entry("up", 0, false)), "100 []"),
        (sessions(entry("up", 5, false)), "105 []"),
        // Sessions start down.
        (sessions(entry("new", 0, false)), "100 [tracked BFD session new]"),
        (sessions(entry("new", -5, false)), "95 []"),
        (sessions(entry("new", 0, true)), "100 []"),
    ];
    for (objects, expected) in table {
        let mut own = router("A", 51);
        own.objects = objects.clone();
        assert_eq!(causes(&own, None, told), expected, "{objects:?}");
        let group = SyncGroupConfig {
            objects: objects.clone(),
            ..group("G", &["A"])
        };
        assert_eq!(
            causes(&router("A", 51), Some(&group), told),
            expected,
            "group: {objects:?}"
        );
    }
}
