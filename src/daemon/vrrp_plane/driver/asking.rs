//! Who asks when a configuration is carried out, and what of it the kernel has refused.

use crate::daemon::kernel_worker::Request;
use crate::daemon::plane::{MOST_REFUSED, Refusals};
use crate::vrrp::Event;
use std::collections::VecDeque;
use tokio::sync::oneshot;

/// Those who ask.
#[derive(Debug, Default)]
pub(super) struct Asking {
    /// A configuration is on its way, which they ask about.
    waiting: Vec<oneshot::Sender<Refusals>>,
    /// For each of them the kernel worker was told to say when it is there.
    begun: VecDeque<oneshot::Sender<Refusals>>,
    /// What was refused of orders since the last configuration came.
    refused: Refusals,
}

impl Asking {
    /// Somebody asks.
    pub(super) fn hear(&mut self, reply: oneshot::Sender<Refusals>) {
        self.waiting.push(reply);
    }

    /// All that was decided is ordered: what the worker is to be told for those who wait.
    pub(super) fn begin(&mut self) -> Vec<Request> {
        let requests = self.waiting.iter().map(|_| Request::Reach).collect();
        self.begun.extend(self.waiting.drain(..));
        requests
    }

    /// The worker is there.
    pub(super) fn answer(&mut self, statics: Refusals) {
        if let Some(reply) = self.begun.pop_front() {
            let refused = self.refused.iter().cloned().chain(statics).collect();
            // Who asked may be gone.
            let _ = reply.send(refused);
        }
    }

    /// The answers to orders have come.
    pub(super) fn note(&mut self, answers: &[Event]) {
        for answer in answers {
            let (Event::Placed(done) | Event::Held(done) | Event::Released(done)) = answer else {
                continue;
            };
            let room = MOST_REFUSED.saturating_sub(self.refused.len());
            let failed = done.failed.iter().take(room);
            self.refused
                .extend(failed.map(|(good, why)| (good.to_string(), why.clone())));
        }
    }

    /// A new configuration comes.
    pub(super) fn forget(&mut self) {
        self.refused.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Family, Good, Rule, RuleAction};
    use crate::vrrp::RouterId;
    use crate::vrrp::event::Completion;

    fn held(table: u32) -> Event {
        let good = Good::from(Rule::new(Family::V4, RuleAction::Nop, table));
        Event::Held(Completion {
            router: RouterId(1),
            generation: 1,
            failed: vec![(good, "no".to_owned())],
        })
    }

    #[test]
    fn everybody_is_answered_after_the_orders_before_with_what_was_refused() {
        let mut asking = Asking::default();
        asking.note(&[held(1)]);
        asking.forget();
        let (first, mut answer) = oneshot::channel();
        asking.hear(first);
        assert!(matches!(asking.begin().as_slice(), [Request::Reach]));
        assert!(asking.begin().is_empty(), "once");
        let (second, mut later) = oneshot::channel();
        asking.hear(second);
        asking.note(&[held(2)]);
        assert!(answer.try_recv().is_err(), "not before the worker is there");
        asking.answer(vec![("static".to_owned(), "why".to_owned())]);
        let heard = answer.try_recv().unwrap();
        assert_eq!(heard.len(), 2);
        assert_eq!((heard[0].1.as_str(), heard[1].0.as_str()), ("no", "static"));
        assert!(later.try_recv().is_err());
        assert_eq!(asking.begin().len(), 1);
        asking.answer(Vec::new());
        assert_eq!(later.try_recv().unwrap().len(), 1);
    }

    #[test]
    fn refusals_are_bounded() {
        let mut asking = Asking::default();
        for table in 0..2000 {
            asking.note(&[held(table)]);
        }
        assert_eq!(asking.refused.len(), MOST_REFUSED);
    }
}
