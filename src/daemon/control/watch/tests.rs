//! The watch on virtual time: planes that turn, that stand still, and that wait for others.

use super::*;
use std::sync::atomic::AtomicBool;
use tokio::sync::mpsc;
use tokio::time::{Instant, advance, sleep};

/// A plane with a helper: it answers while it is well, and so does its helper.
struct Imitation {
    own: Arc<Pulse>,
    helper: Arc<Pulse>,
    well: Arc<AtomicBool>,
    helper_well: Arc<AtomicBool>,
    commands: Sender<()>,
}

impl Imitation {
    fn new() -> Self {
        let (commands, mut orders) = mpsc::channel(2);
        let it = Self {
            own: Arc::default(),
            helper: Arc::default(),
            well: Arc::new(AtomicBool::new(true)),
            helper_well: Arc::new(AtomicBool::new(true)),
            commands,
        };
        let (own, helper) = (Arc::clone(&it.own), Arc::clone(&it.helper));
        let (well, helper_well) = (Arc::clone(&it.well), Arc::clone(&it.helper_well));
        tokio::spawn(async move {
            loop {
                if well.load(Relaxed) && orders.try_recv().is_ok() {
                    own.turned();
                    helper.hand_on();
                }
                if helper_well.load(Relaxed) {
                    helper.turned();
                }
                sleep(Duration::from_millis(10)).await;
            }
        });
        it
    }

    fn watched(&self) -> Vec<Watched> {
        let ask = command(&self.commands, || ());
        vec![
            Watched::plane("vrrp", "VRRP plane", &self.own, ask),
            Watched::helper("kernel", "kernel worker", &self.helper),
        ]
    }
}

/// When the watchdog was fed.
#[derive(Clone, Default)]
struct Meals(Arc<Mutex<Vec<Instant>>>);

impl Meals {
    fn feed(&self) -> impl Fn() + Send + use<> {
        let meals = Arc::clone(&self.0);
        move || meals.lock().unwrap().push(Instant::now())
    }

    fn take(&self) -> Vec<Instant> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn still(watch: &Watch, key: &str) -> Option<Duration> {
    let standing = watch.standing();
    standing.iter().find(|it| it.key == key).unwrap().still
}

async fn seconds(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn the_watchdog_is_fed_at_half_its_time_while_all_planes_turn() {
    for limit in [500, 1500, 3000, 20_000].map(Duration::from_millis) {
        let (meals, plane) = (Meals::default(), Imitation::new());
        let watch = Watch::start(Some(limit), meals.feed());
        watch.follow_all(plane.watched());
        sleep(limit * 10).await;
        let times = meals.take();
        assert!(times.len() >= 20, "{limit:?}: {}", times.len());
        for pair in times.windows(2) {
            let gap = pair[1] - pair[0];
            assert!(gap <= limit / 2, "{limit:?}: {gap:?}");
            assert!(gap >= limit / 4, "{limit:?}: {gap:?}");
        }
    }
    // Without a watchdog nobody is fed, and planes are watched all the same.
    let meals = Meals::default();
    let watch = Watch::start(None, meals.feed());
    seconds(60).await;
    assert!(meals.take().is_empty());
    assert_eq!(watch.standing().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_plane_that_stands_still_starves_the_watchdog_until_it_turns() {
    let (meals, plane) = (Meals::default(), Imitation::new());
    let watch = Watch::start(Some(Duration::from_secs(2)), meals.feed());
    watch.follow_all(plane.watched());
    seconds(10).await;
    plane.well.store(false, Relaxed);
    seconds(3).await;
    assert_eq!(still(&watch, "vrrp"), None, "not for so short a time");
    seconds(4).await;
    assert!(still(&watch, "vrrp") >= Some(STILL));
    // It is the plane that does not ask its helper.
    assert_eq!(still(&watch, "kernel"), None);
    meals.take();
    seconds(20).await;
    assert!(meals.take().is_empty());
    plane.well.store(true, Relaxed);
    seconds(3).await;
    assert_eq!(still(&watch, "vrrp"), None);
    assert!(!meals.take().is_empty());
    let standing = watch.standing();
    let vrrp = standing.iter().find(|it| it.key == "vrrp").unwrap();
    assert_eq!(vrrp.standstills, 1);
    assert!(vrrp.longest >= Duration::from_secs(24), "{vrrp:?}");
}

/// Its queue may be full before it is asked.
#[tokio::test(start_paused = true)]
async fn a_plane_that_could_not_be_asked_is_asked_again() {
    let plane = Imitation::new();
    plane.well.store(false, Relaxed);
    while plane.commands.try_send(()).is_ok() {}
    let watch = Watch::start(None, || ());
    watch.follow_all(plane.watched());
    seconds(20).await;
    assert!(still(&watch, "vrrp").is_some());
    plane.well.store(true, Relaxed);
    seconds(20).await;
    assert_eq!(still(&watch, "vrrp"), None);
}

#[tokio::test(start_paused = true)]
async fn a_helper_that_waits_for_the_kernel_is_told_and_the_watchdog_fed() {
    let (meals, plane) = (Meals::default(), Imitation::new());
    let watch = Watch::start(Some(Duration::from_secs(2)), meals.feed());
    watch.follow_all(plane.watched());
    plane.helper_well.store(false, Relaxed);
    seconds(30).await;
    assert!(still(&watch, "kernel") >= Some(STILL));
    assert_eq!(still(&watch, "vrrp"), None);
    assert!(meals.take().len() >= 29);
    plane.helper_well.store(true, Relaxed);
    seconds(3).await;
    assert_eq!(still(&watch, "kernel"), None);
}

#[tokio::test(start_paused = true)]
async fn control_may_be_at_one_thing_for_long_but_not_for_ever() {
    let meals = Meals::default();
    let watch = Watch::start(Some(Duration::from_secs(2)), meals.feed());
    watch.round();
    seconds(100).await;
    assert_eq!(still(&watch, "control"), None);
    assert!(meals.take().len() >= 99);
    seconds(30).await;
    assert!(still(&watch, "control").is_some());
    meals.take();
    seconds(10).await;
    assert!(meals.take().is_empty());
    watch.round();
    seconds(2).await;
    assert_eq!(still(&watch, "control"), None);
    // However busy it is with many things.
    for _ in 0..1000 {
        watch.round();
        watch.round();
        watch.round();
        seconds(1).await;
        watch.round();
    }
    assert_eq!(watch.standing()[0].standstills, 1);
}

/// All of it was stopped, the watch as well.
#[tokio::test(start_paused = true)]
async fn a_process_that_was_stopped_has_no_plane_that_stands_still() {
    let plane = Imitation::new();
    let watch = Watch::start(None, || ());
    watch.follow_all(plane.watched());
    seconds(2).await;
    for _ in 0..10 {
        advance(Duration::from_secs(3600)).await;
        tokio::task::yield_now().await;
    }
    seconds(10).await;
    assert!(watch.standing().iter().all(|it| it.standstills == 0));
}

/// A plane that has ended is nobody to be watched, and who is known keeps his record.
#[tokio::test(start_paused = true)]
async fn whoever_comes_is_watched_and_whoever_goes_is_not() {
    let (one, other) = (Imitation::new(), Imitation::new());
    let watch = Watch::start(None, || ());
    watch.follow_all(one.watched());
    one.well.store(false, Relaxed);
    seconds(20).await;
    watch.follow_all(one.watched());
    assert!(still(&watch, "vrrp").is_some());
    watch.follow_all(other.watched());
    assert_eq!(watch.standing().len(), 3);
    seconds(20).await;
    assert_eq!(still(&watch, "vrrp"), None);
    watch.follow_all(Vec::new());
    assert_eq!(watch.standing().len(), 1);
}
