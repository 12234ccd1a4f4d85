//! One checker's life: when it asks, how many failures it forgives, and what it believes of its real server.
//!
//! Owns the retry count (facts 8, 4.9), the walk over an HTTP checker's urls (10.11 to 10.15) and the weight that a
//! `misc_dynamic` script asks for (11.1 to 11.5). Starts nothing and knows no other checker.

use super::CheckerId;
use super::config::{CheckerConfig, HttpConfig, ProbeConfig};
use super::event::{ProbeOrder, ProbeOutcome, Reason};
use super::follow::Report;
use super::telling::{CheckerSaying, Line, Names};
use super::verdict::{Verdict, identity};
use super::words;
use crate::clock::Instant;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

/// keepalived waits this long after its start before the first check (fact 4.2).
pub const FIRST_CHECK: Duration = Duration::from_secs(1);

/// A resting checker looks again after this at the earliest.
const SHORTEST_REST: Duration = Duration::from_millis(100);

/// One checker.
#[derive(Clone, Debug)]
pub struct Checker {
    id: CheckerId,
    config: CheckerConfig,
    phase: Phase,
    up: bool,
    has_run: bool,
    /// Failures in a row that were forgiven so far.
    failures: u32,
    walk: Walk,
    /// MISC_CHECK: the exit status of the last run, as far as there was one.
    exit_status: Option<u8>,
    last: Option<(Instant, ProbeOutcome)>,
    /// When it came to what it believes now.
    since: Option<Instant>,
    /// Questions so far.
    asked: u32,
    /// What it asks, for a later run of the daemon.
    identity: u64,
    /// So many seconds the probe that is on its way may take, at least; 0 while it waits for its turn.
    limit: u32,
    /// FILE_CHECK: what the file adds to the weight.
    added: i64,
    /// When the certificate of the last handshake ends, in seconds since 1970; that very second is taken for none.
    certificate_ends: Option<NonZero<i64>>,
}

/// What a checker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The next probe starts then.
    Waiting {
        /// When.
        due: Instant,
    },
    /// A probe is on its way.
    Asking {
        /// Since when, or since when it waits for its turn.
        since: Instant,
        /// Which url.
        url: usize,
    },
    /// It asks nobody: FILE_CHECK, BFD_CHECK.
    Following,
}

/// Where an HTTP checker is among its urls (fact 10.11); other probes have one, number 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Walk {
    next: usize,
    /// That url took the checker down; it alone is asked until it works again.
    failed: bool,
}

/// What an outcome means for the real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing.
    None,
    /// The checker was up and has failed.
    Failed,
    /// The checker was failed and is up.
    Recovered,
    /// An `alpha` checker's first failure: nothing changes, but the scripts are told (fact 4.11).
    StillDown,
}

impl Checker {
    /// A checker that asks for the first time at `due`. Without `alpha` it believes in its server until then.
    pub fn new(id: CheckerId, config: CheckerConfig, due: Instant) -> Self {
        let follows = matches!(*config.probe, ProbeConfig::File(_) | ProbeConfig::Bfd(_));
        Self {
            id,
            up: !config.alpha,
            phase: if follows {
                Phase::Following
            } else {
                Phase::Waiting { due }
            },
            has_run: false,
            failures: 0,
            walk: Walk::default(),
            exit_status: None,
            last: None,
            since: None,
            asked: 0,
            identity: if follows { 0 } else { identity(&config.probe) },
            limit: 0,
            added: 0,
            certificate_ends: None,
            config,
        }
    }

    /// It goes on with what an earlier run has found out.
    pub(super) fn inherit(&mut self, verdict: &Verdict) {
        let outcome = if verdict.up {
            ProbeOutcome::Success {
                exit_status: verdict.exit_status,
            }
        } else {
            ProbeOutcome::Failure(Reason::Answer("found by the previous run".into()))
        };
        self.last = Some((verdict.at, outcome));
        self.up = verdict.up;
        self.failures = verdict.failures;
        // Who comes up has every url asked: those of before the end are asked once more.
        if verdict.url < self.urls() && (verdict.up || verdict.url_failed) {
            self.walk = Walk {
                next: verdict.url,
                failed: verdict.url_failed,
            };
        }
        self.exit_status = verdict.exit_status;
        self.since = Some(verdict.at);
        self.has_run = true;
    }

    /// What it has found out, for a later run. What it follows is known again at once.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        Some(Verdict {
            identity: self.identity,
            up: self.up,
            failures: self.failures,
            url: self.walk.next,
            url_failed: self.walk.failed,
            exit_status: self.exit_status,
            at: self
                .last
                .as_ref()
                .filter(|_| self.has_run && self.phase != Phase::Following)?
                .0,
        })
    }

    /// What of it changes seldom.
    pub(super) const fn belief(&self) -> (bool, bool, u32, bool, Option<u8>) {
        let failed = self.walk.failed;
        (self.has_run, self.up, self.failures, failed, self.exit_status)
    }

    /// What it asks, as a number.
    pub(super) const fn identity(&self) -> u64 {
        self.identity
    }

    /// What is known from the start of what it follows; nobody is told of that.
    pub(super) fn begin(&mut self, report: Report) {
        let (outcome, added) = report.judge(&self.config.probe);
        self.up = outcome == ProbeOutcome::OK;
        self.added = added;
        self.has_run = true;
    }

    /// A report of what it follows, as an outcome for [`Self::finish`].
    pub(super) fn hear(&mut self, report: Report) -> ProbeOutcome {
        let (outcome, added) = report.judge(&self.config.probe);
        self.added = added;
        outcome
    }

    /// Its number.
    pub const fn id(&self) -> CheckerId {
        self.id
    }

    /// Its settings.
    pub fn config(&self) -> &CheckerConfig {
        &self.config
    }

    /// Whether it believes that the server is good.
    pub const fn is_up(&self) -> bool {
        self.up
    }

    /// Whether it has come to a verdict since the start.
    pub const fn has_run(&self) -> bool {
        self.has_run
    }

    /// Failures in a row that were forgiven so far.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// The url that took it down and is waited for.
    pub const fn failed_url(&self) -> Option<usize> {
        if self.walk.failed {
            Some(self.walk.next)
        } else {
            None
        }
    }

    /// MISC_CHECK: the exit status of the last run.
    pub const fn exit_status(&self) -> Option<u8> {
        self.exit_status
    }

    /// What it is doing.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether it waits for an answer.
    pub const fn is_asking(&self) -> bool {
        matches!(self.phase, Phase::Asking { .. })
    }

    /// How long the probe that is on its way may take; nothing while it waits for its turn, or where none is.
    pub fn limit(&self) -> Option<Duration> {
        let limit = Duration::from_secs(self.limit.into());
        Some(limit).filter(|limit| self.is_asking() && !limit.is_zero())
    }

    /// The last outcome, and when it came.
    pub const fn last(&self) -> Option<&(Instant, ProbeOutcome)> {
        self.last.as_ref()
    }

    /// Since when it believes what it believes; nothing before its first verdict.
    pub const fn since(&self) -> Option<Instant> {
        self.since
    }

    /// When the certificate of the last handshake ends, in seconds since 1970.
    pub fn certificate_ends(&self) -> Option<i64> {
        self.certificate_ends.map(NonZero::get)
    }

    /// Its probe has seen a certificate that ends then.
    pub(super) const fn saw_certificate(&mut self, ends: i64) {
        self.certificate_ends = NonZero::new(ends);
    }

    /// What it adds to its server's `initial` weight (fact 11.1): nothing unless a dynamic script said so.
    pub fn contribution(&self, initial: u32) -> i64 {
        match (&*self.config.probe, self.exit_status) {
            (ProbeConfig::Misc(misc), Some(status @ 2..)) if misc.dynamic && self.up => {
                i64::from(status) - 2 - i64::from(initial)
            }
            // Nothing unless it follows a file.
            _ => self.added,
        }
    }

    /// Starts a probe if it is due; the order must be answered by [`Self::finish`].
    pub fn start(&mut self, now: Instant, names: &Names) -> Option<ProbeOrder> {
        match self.phase {
            Phase::Waiting { due } if due <= now => {
                let url = self.walk.next;
                self.phase = Phase::Asking { since: now, url };
                self.asked = self.asked.wrapping_add(1);
                self.limit = seconds(self.config.probe.limit());
                Some(ProbeOrder {
                    checker: self.id,
                    probe: Arc::clone(&self.config.probe),
                    url,
                    number: self.asked,
                    names: names.clone(),
                })
            }
            Phase::Waiting { .. } | Phase::Asking { .. } | Phase::Following => None,
        }
    }

    /// Its probe waits for its turn: as many as may ask at a time are asking.
    pub(super) const fn wait_for_turn(&mut self) {
        self.limit = 0;
    }

    /// Its probe, which has waited for its turn, begins.
    pub(super) fn begin_turn(&mut self, now: Instant) {
        if let Phase::Asking { url, .. } = self.phase {
            self.phase = Phase::Asking { since: now, url };
            self.limit = seconds(self.config.probe.limit());
        }
    }

    /// Lets its turn pass, or an answer that nobody wants any more; when it is to ask next. The state stays (fact 7.1).
    pub fn rest(&mut self, now: Instant) -> Instant {
        let due = now + self.config.delay_loop.max(SHORTEST_REST);
        self.phase = Phase::Waiting { due };
        due
    }

    /// Takes a probe's outcome, decides when to ask again, and says what it means. An answer to no question is
    /// ignored.
    pub fn finish(
        &mut self,
        now: Instant,
        url: usize,
        outcome: ProbeOutcome,
        names: &Names,
        tell: &mut impl FnMut(Line),
    ) -> Turn {
        let since = match self.phase {
            Phase::Asking { since, url: asked } if asked == url => since,
            Phase::Following => now,
            Phase::Asking { .. } | Phase::Waiting { .. } => return Turn::None,
        };
        if let ProbeOutcome::Failure(reason) = &outcome {
            tell(Line::Attempt {
                names: names.clone(),
                keyword: self.config.probe.keyword(),
                reason: reason.to_string(),
            });
        }
        let mut say = |saying| {
            tell(Line::Checker {
                names: names.clone(),
                saying,
            })
        };
        let (turn, delay) = match &outcome {
            ProbeOutcome::Success { exit_status } => self.succeed(*exit_status, &mut say),
            ProbeOutcome::Failure(reason) => self.fail(reason, &mut say),
        };
        self.last = Some((now, outcome));
        if turn != Turn::None || self.since.is_none() {
            self.since = self.has_run.then_some(now);
        }
        // A script's rhythm is from start to start (fact 11.5), everything else's from end to start.
        let due = if matches!(*self.config.probe, ProbeConfig::Misc(_)) {
            (since + delay).max(now)
        } else {
            now + delay
        };
        if self.phase != Phase::Following {
            self.phase = Phase::Waiting { due };
        }
        turn
    }

    /// Runs under other settings for the same probe from now on: state and counters stay (fact 16.6).
    pub fn adopt(&mut self, now: Instant, config: CheckerConfig) {
        if let Phase::Waiting { due } = self.phase {
            let limit = now + config.delay_loop.max(config.warmup + FIRST_CHECK);
            self.phase = Phase::Waiting { due: due.min(limit) };
        }
        self.config = config;
    }

    /// A checker that is new to a server which others have already judged (fact 16.7).
    pub const fn trust(&mut self) {
        self.up = true;
    }

    fn urls(&self) -> usize {
        self.config.probe.urls().len().max(1)
    }

    fn succeed(&mut self, exit_status: Option<u8>, say: &mut impl FnMut(CheckerSaying)) -> (Turn, Duration) {
        self.failures = 0;
        self.exit_status = exit_status;
        let config = self.config.clone();
        if let ProbeConfig::Http(http) = &*config.probe
            && !self.walk_on(http, say)
        {
            let hurry = http.fast_recovery && !(self.up && self.has_run);
            return (Turn::None, if hurry { Duration::ZERO } else { config.delay_loop });
        }
        let turn = if self.up { Turn::None } else { Turn::Recovered };
        if !self.has_run || turn == Turn::Recovered {
            words::success(&config.probe).into_iter().for_each(say);
        }
        self.up = true;
        self.has_run = true;
        (turn, config.delay_loop)
    }

    /// The url that was asked is good. Whether that completes a pass over all of them.
    fn walk_on(&mut self, http: &HttpConfig, say: &mut impl FnMut(CheckerSaying)) -> bool {
        if !self.up
            && let Some(url) = http.urls.get(self.walk.next)
        {
            say(CheckerSaying::UrlSuccess {
                test: words::last_test(url),
                path: url.path.clone(),
            });
        }
        if std::mem::take(&mut self.walk.failed) {
            // The pass begins anew, this url included (fact 10.13).
            self.walk.next = 0;
            return false;
        }
        self.walk.next += 1;
        let complete = self.walk.next >= self.urls();
        if complete {
            self.walk.next = 0;
        }
        complete
    }

    fn fail(&mut self, reason: &Reason, say: &mut impl FnMut(CheckerSaying)) -> (Turn, Duration) {
        let config = self.config.clone();
        if !reason.is_verdict() {
            say(words::socket_trouble(&config.probe));
            return (Turn::None, config.delay_loop);
        }
        if matches!(reason, Reason::Panicked | Reason::Overdue) {
            let keyword = config.probe.keyword();
            say(CheckerSaying::Crashed {
                keyword,
                reason: reason.to_string(),
            });
        }
        let web = matches!(*config.probe, ProbeConfig::Http(_));
        // SMTP_CHECK makes all its attempts whatever came before (facts 4.9, 8.3).
        let always = matches!(*config.probe, ProbeConfig::Smtp(_));
        let follows = self.phase == Phase::Following;
        let forgiven = if (self.has_run || always) && !follows {
            config.retry
        } else {
            0
        };
        // Of a server that is down keepalived tells no attempt any more; only HTTP tells the very first one.
        if config.log_all_failures && (self.up || (web && !self.has_run)) {
            words::attempt(&config.probe, reason, self.failures, forgiven)
                .into_iter()
                .for_each(&mut *say);
        }
        if (self.up || always) && self.failures < forgiven {
            self.failures += 1;
            return (Turn::None, config.delay_before_retry);
        }
        let turn = match (self.up, self.has_run) {
            (true, _) => Turn::Failed,
            (false, false) if !web => Turn::StillDown,
            (false, false | true) => Turn::None,
        };
        if turn != Turn::None {
            say(words::down(&config, reason, self.has_run));
        }
        self.up = false;
        self.has_run = true;
        self.failures = 0;
        self.exit_status = if let Reason::Exited(status) = reason {
            Some(*status)
        } else {
            None
        };
        if web {
            self.walk.failed = true;
            return (turn, config.delay_loop.max(config.delay_before_retry));
        }
        (turn, config.delay_loop)
    }
}

/// Whole seconds, at least one: what has begun has a limit.
fn seconds(limit: Duration) -> u32 {
    u32::try_from(limit.as_secs().saturating_add(1)).unwrap_or(u32::MAX)
}
