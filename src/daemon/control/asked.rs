//! What is asked by the control socket: what a reload would do, and that it be done.
//!
//! Control itself waits for nobody who asks: what takes time and is not its own business becomes a task, which answers.

use super::Control;
use super::reload::{self, Gate, Kept, Outcome, Reloaded, Said};
use super::settled::Settling;
use crate::conf::{diag, report};
use crate::daemon::exit::{FAILED, FLAPS, NO_FILE};
use crate::daemon::load::{Judgement, Loaded};
use crate::daemon::socket::Asked;
use crate::daemon::socket::protocol::{Answer, Request};
use crate::plan::diff::{PlanDiff, diff};
use crate::plan::{self, Plan};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::oneshot;

impl Control {
    /// Does what is asked, or has it done. A `stop` is not kept waiting.
    pub(super) async fn asked(&mut self, asked: Asked, stop: impl Future<Output = ()>) -> Reloaded {
        let Asked { request, reply } = asked;
        match request {
            Request::Plan { file, brief } => {
                self.foretell(file, brief, reply).await;
                Reloaded::GoOn
            }
            Request::Reload {
                require_hitless,
                wait,
            } => {
                let gate = if require_hitless {
                    Gate::Hitless
                } else {
                    Gate::Open
                };
                self.reload_for(gate, wait, reply, stop).await
            }
        }
    }

    /// Says what a reload would do, of `file` or of the daemon's own. It is read as a reload reads it, and nothing comes
    /// of it.
    async fn foretell(&self, file: Option<PathBuf>, brief: bool, reply: oneshot::Sender<Answer>) {
        let Some(running) = self.running().await else {
            return answer(
                reply,
                Answer::refusal(FAILED, "The healthcheck plane does not answer"),
            );
        };
        let mut options = self.options.clone();
        options.config = file.unwrap_or(options.config);
        let torn = self.torn;
        let privileged = self.host.privileged;
        let readers = Arc::clone(&self.readers);
        tokio::spawn(async move {
            // Never closed.
            let _turn = readers.acquire().await;
            answer(
                reply,
                match reload::read(options).await {
                    Ok(loaded) => foretold(loaded, &running, torn, privileged, brief),
                    Err(why) => Answer::refusal(FAILED, why),
                },
            );
        });
    }

    async fn reload_for(
        &mut self,
        gate: Gate,
        wait: bool,
        reply: oneshot::Sender<Answer>,
        stop: impl Future<Output = ()>,
    ) -> Reloaded {
        let settling = if wait {
            Some(Settling::begin(self.routers().await))
        } else {
            None
        };
        match self.reload_through(gate, stop).await {
            Outcome::Adopted { said, diff } => {
                let adopted = with_diff(with_said(Answer::new(0), &said), diff.as_ref(), false);
                let adopted = adopted.with("adopted", true);
                match settling {
                    None => answer(reply, adopted),
                    Some(settling) => {
                        let planes = self.asks();
                        tokio::spawn(async move { answer(reply, settling.end(planes, adopted).await) });
                    }
                }
                Reloaded::GoOn
            }
            Outcome::Kept(kept) => {
                answer(reply, refused(&kept));
                Reloaded::GoOn
            }
            Outcome::Stop => {
                answer(reply, Answer::refusal(FAILED, "The daemon is stopping"));
                Reloaded::Stop
            }
        }
    }
}

/// Whoever asked may have gone.
fn answer(reply: oneshot::Sender<Answer>, answer: Answer) {
    let _ = reply.send(answer);
}

/// What a reload of `loaded` would do where `running` runs.
fn foretold(
    mut loaded: Loaded,
    running: &Plan,
    torn: bool,
    privileged: fn(&Plan) -> Result<(), String>,
    brief: bool,
) -> Answer {
    let objection = reload::objection(&loaded, running, true, torn);
    // Even where it would be refused, what it means is of use, if it can be run at all.
    let runnable = loaded.judge() == Judgement::Runnable;
    let needs_restart = runnable && loaded.needs_restart(&running.global).is_some();
    let missing = privileged(&loaded.plan).err();
    loaded.plan.keep_marks(running);
    let diff = runnable.then(|| diff(running, &loaded.plan));
    let said = Said::of(&mut loaded);
    let found = code(&said);
    let status = match (&objection, &missing, &diff) {
        (Some(_), _, _) if needs_restart => FLAPS,
        (Some(_), ..) | (_, Some(_), _) => found.max(FAILED),
        (None, None, Some(diff)) if found == 0 && !diff.is_hitless() => FLAPS,
        (None, None, _) => found,
    };
    let mut answer = with_diff(with_said(Answer::new(status), &said), diff.as_ref(), brief);
    if let Some(why) = objection.or(missing) {
        answer = answer.with("error", why);
    }
    answer
}

/// A reload that was not done.
fn refused(kept: &Kept) -> Answer {
    let status = match (&kept.diff, &kept.said) {
        (Some(_), _) => FLAPS,
        (None, Some(said)) => code(said).max(FAILED),
        (None, None) => FAILED,
    };
    let mut answer = Answer::refusal(status, kept.why.as_str()).with("adopted", false);
    if let Some(said) = &kept.said {
        answer = with_said(answer, said);
    }
    with_diff(answer, kept.diff.as_deref(), true)
}

/// `-t`'s status.
fn code(said: &Said) -> u8 {
    if said.found {
        plan::exit_code(&said.diagnostics)
    } else {
        NO_FILE
    }
}

fn with_said(answer: Answer, said: &Said) -> Answer {
    let mut shown = Vec::new();
    // Memory takes whatever is written.
    let _ = diag::render_terminal(&said.diagnostics, &said.sources, &mut shown);
    answer
        .with("diagnostics", report::list(&said.diagnostics))
        .with("messages", String::from_utf8_lossy(&shown))
}

fn with_diff(answer: Answer, diff: Option<&PlanDiff>, brief: bool) -> Answer {
    let Some(diff) = diff else { return answer };
    let text = if brief { diff.brief() } else { diff.text() };
    answer.with("plan", diff.json()).with("text", text)
}
