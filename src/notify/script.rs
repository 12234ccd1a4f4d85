//! Notify scripts: the operator's scripts are told every state of an instance or a group, in order, and one at a time
//! (facts 12.1, 12.2, 12.9).
//!
//! keepalived starts all of them at once, so that the script of an old state may end after that of the new one. Here
//! each subject has a queue: its specific script runs, then its `notify` script, then those of the next state. Other
//! subjects do not wait for it. The limits of that order:
//!
//! - A script has no limit of time, but after [`PATIENCE`] the next one is started beside it, with a log line.
//! - A queue holds [`MAX_PENDING`] states. What comes on top displaces the oldest, with a log line and a count: the
//!   newest state is always told, and told last.
//! - From the first STOP on there is no more time: a running script gets [`STOP_PATIENCE`], and what is still queued is
//!   started at once, in order, as keepalived does.
//!
//! Also runs the scripts of real servers and quorums, which keepalived does not order either (facts 13.1, 13.2 of LVS).

use super::config::{NotifyConfig, NotifyScripts};
use crate::script::Scripts;
use crate::script::config::Command;
use crate::script::run::Running;
use crate::script::safety::Prepared;
use crate::vrrp::event::{Notification, NotifyState, Occasion, Subject};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long the scripts of a subject wait for one that still runs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The same, once the daemon stops: half of what STOP scripts get.
pub const STOP_PATIENCE: Duration = Duration::from_millis(500);

/// States of one subject that may wait.
pub const MAX_PENDING: usize = 64;

/// Scripts of servers and quorums that run at a time; when a whole rack fails, the others wait for them, each at most
/// for [`PATIENCE`].
pub const MAX_BESIDE: usize = 256;

/// Scripts of servers and quorums that run or wait; more are left out, with a log line and a count.
pub const MAX_WAITING: usize = 8192;

/// Runs notify scripts. Needs a tokio runtime. Dropping it sends SIGTERM to what runs.
#[derive(Debug)]
pub struct Notifier {
    config: NotifyConfig,
    /// Before the last reload: it has what a reload ended.
    old: NotifyConfig,
    scripts: Arc<Scripts>,
    queues: HashMap<Subject, Shared<Queue>>,
    crew: Crew,
    /// For the scripts of servers and quorums.
    places: Arc<Semaphore>,
    stopping: watch::Sender<bool>,
    patience: Duration,
    dropped: u64,
}

/// What waits for a subject.
#[derive(Debug, Default)]
struct Queue {
    pending: VecDeque<Job>,
    /// A task works on it.
    active: bool,
}

/// One state to be told.
#[derive(Debug)]
struct Job {
    /// The specific script and `notify`, as far as configured.
    scripts: Vec<Prepared>,
    /// For the log.
    subject: String,
}

impl Notifier {
    /// Tells these scripts.
    pub fn new(config: NotifyConfig, scripts: Arc<Scripts>) -> Self {
        Self {
            config,
            old: NotifyConfig::default(),
            scripts,
            queues: HashMap::new(),
            crew: Crew::default(),
            places: Arc::new(Semaphore::new(MAX_BESIDE)),
            stopping: watch::Sender::new(false),
            patience: PATIENCE,
            dropped: 0,
        }
    }

    /// Tells these scripts from now on. What is queued or runs is not touched.
    pub fn apply(&mut self, config: NotifyConfig, scripts: Arc<Scripts>) {
        self.old = std::mem::replace(&mut self.config, config);
        self.scripts = scripts;
        self.queues.retain(|_, queue| lock(queue).active);
    }

    /// Queues a state. Never waits.
    pub fn notify(&mut self, notification: &Notification) {
        if notification.state == NotifyState::Stop {
            self.stopping.send_replace(true);
        }
        let scripts = self.scripts_for(notification);
        if scripts.is_empty() {
            return;
        }
        let (kind, name) = notification.subject.words();
        let job = Job {
            scripts,
            subject: format!("{kind} {name}"),
        };
        let shared = self.queues.entry(notification.subject.clone()).or_default();
        let mut queue = lock(shared);
        if queue.pending.len() >= MAX_PENDING {
            queue.pending.pop_front();
            self.dropped = self.dropped.saturating_add(1);
            tracing::warn!(
                "{kind} {name}: {MAX_PENDING} states wait for its notify scripts; the oldest is left out"
            );
        }
        queue.pending.push_back(job);
        if !queue.active {
            queue.active = true;
            let worker = Worker {
                queue: Arc::clone(shared),
                crew: self.crew.clone(),
                stopping: self.stopping.subscribe(),
                patience: self.patience,
            };
            self.crew.spawn(worker.work());
        }
    }

    /// Runs `notify_up`, `notify_down`, `quorum_up` or `quorum_down`, beside everything else. Never waits.
    pub fn run_detached(&mut self, command: &Command) {
        let Some(script) = self.scripts.get(command).cloned() else {
            return;
        };
        if self.crew.len() >= MAX_WAITING {
            self.dropped = self.dropped.saturating_add(1);
            tracing::warn!("{MAX_WAITING} notify scripts run or wait already: not running {command}");
            return;
        }
        let patience = self.patience;
        match Arc::clone(&self.places).try_acquire_owned() {
            // At once, so that they start in the order of their events.
            Ok(place) => {
                if let Some(running) = start(&script) {
                    self.crew.spawn(beside(running, place, patience));
                }
            }
            Err(_) => {
                let places = Arc::clone(&self.places);
                self.crew.spawn(async move {
                    // Nobody closes it.
                    if let Ok(place) = places.acquire_owned().await
                        && let Some(running) = start(&script)
                    {
                        beside(running, place, patience).await;
                    }
                });
            }
        }
    }

    /// How many states or scripts were left out because too many waited.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The daemon stops: starts what is queued and waits for its end, at most for `limit` (keepalived: 1 s). What runs
    /// longer gets SIGTERM.
    pub async fn drain(self, limit: Duration) {
        self.stopping.send_replace(true);
        // Its error is that of the limit; either way nobody is waited for any more.
        let _ = timeout(limit, self.crew.finish()).await;
        self.crew.dismiss();
    }

    fn scripts_for(&self, notification: &Notification) -> Vec<Prepared> {
        let config = match notification.occasion {
            Occasion::Change => &self.config,
            Occasion::Departure => &self.old,
            Occasion::Reminder => return Vec::new(),
        };
        let Some(configured) = config.of(&notification.subject) else {
            return Vec::new();
        };
        let find = |command: &Command| self.scripts.get(command).cloned();
        let specific = specific(configured, notification).and_then(find);
        let generic = generic(configured, notification.state);
        let generic = generic.and_then(find).map(|script| {
            let (kind, name) = notification.subject.words();
            let priority = notification.priority.to_string();
            let mut script = script;
            let more = [kind, name, notification.state.word(), &priority];
            script.argv.extend(more.map(Into::into));
            script
        });
        specific.into_iter().chain(generic).collect()
    }
}

fn specific<'a>(scripts: &'a NotifyScripts, notification: &Notification) -> Option<&'a Command> {
    match notification.state {
        NotifyState::Master => scripts.master.as_ref(),
        NotifyState::Backup => scripts.backup.as_ref(),
        // What a reload ended had no fault: keepalived runs `notify` alone (seen).
        NotifyState::Fault if notification.occasion == Occasion::Departure => None,
        NotifyState::Fault => scripts.fault.as_ref(),
        NotifyState::Stop => scripts.stop.as_ref(),
        NotifyState::Deleted => scripts.deleted.as_ref(),
        NotifyState::MasterRxLowerPri => scripts.master_rx_lower_pri.as_ref(),
        // FIFOs only.
        NotifyState::MasterPriority | NotifyState::BackupPriority => None,
    }
}

/// `notify` hears of states, and of nothing else that happens in them.
fn generic(scripts: &NotifyScripts, state: NotifyState) -> Option<&Command> {
    match state {
        NotifyState::Master
        | NotifyState::Backup
        | NotifyState::Fault
        | NotifyState::Stop
        | NotifyState::Deleted => scripts.any.as_ref(),
        NotifyState::MasterRxLowerPri | NotifyState::MasterPriority | NotifyState::BackupPriority => None,
    }
}

fn start(script: &Prepared) -> Option<Running> {
    match Running::start(script) {
        Ok(running) => Some(running.gently()),
        Err(error) => {
            tracing::warn!("Cannot run notify script {}: {error}", script.program.display());
            None
        }
    }
}

/// Waits for the end of a script; one that takes too long gives up its place, not its life.
async fn beside(mut running: Running, place: OwnedSemaphorePermit, patience: Duration) {
    if timeout(patience, running.ended()).await.is_err() {
        drop(place);
        running.ended().await;
    }
}

/// Works on one subject's queue until it is empty.
struct Worker {
    queue: Shared<Queue>,
    crew: Crew,
    stopping: watch::Receiver<bool>,
    patience: Duration,
}

impl Worker {
    async fn work(mut self) {
        while let Some(job) = self.next() {
            for script in &job.scripts {
                if let Some(running) = start(script) {
                    self.attend(running, script, &job.subject).await;
                }
            }
        }
    }

    fn next(&self) -> Option<Job> {
        let mut queue = lock(&self.queue);
        let job = queue.pending.pop_front();
        queue.active = job.is_some();
        job
    }

    /// Waits for the script's end, as long as there is patience; then it runs on beside the next.
    async fn attend(&mut self, mut running: Running, script: &Prepared, subject: &str) {
        let patience = self.patience;
        let stopping = *self.stopping.borrow();
        if !stopping {
            tokio::select! {
                biased;
                _ = running.ended() => return,
                () = self.called_to_stop() => {
                    if timeout(STOP_PATIENCE, running.ended()).await.is_ok() {
                        return;
                    }
                }
                () = sleep(patience) => tracing::warn!(
                    "{subject}: notify script {} still runs after {} s; not waiting for it any longer",
                    script.program.display(),
                    patience.as_secs()
                ),
            }
        }
        self.crew.spawn(async move {
            running.ended().await;
        });
    }

    async fn called_to_stop(&mut self) {
        // An error means that the notifier is gone: no more time either.
        let _ = self.stopping.wait_for(|stopping| *stopping).await;
    }
}

type Shared<T> = Arc<Mutex<T>>;

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All tasks of the notifier: workers, and scripts that run beside the queues.
#[derive(Clone, Debug, Default)]
struct Crew(Shared<JoinSet<()>>);

impl Crew {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = lock(&self.0);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    fn len(&self) -> usize {
        let mut tasks = lock(&self.0);
        while tasks.try_join_next().is_some() {}
        tasks.len()
    }

    /// Waits for all, also for those that come meanwhile.
    async fn finish(&self) {
        loop {
            let mut tasks = std::mem::take(&mut *lock(&self.0));
            if tasks.is_empty() {
                return;
            }
            while tasks.join_next().await.is_some() {}
        }
    }

    fn dismiss(&self) {
        lock(&self.0).abort_all();
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        // Workers hold the crew themselves.
        self.crew.dismiss();
    }
}

#[cfg(test)]
mod tests;
