//! What comes of a reload: the planes are asked when they have carried it out, what the kernel has refused, and who is
//! in another state than before.

use super::Control;
use super::show::ask_within;
use crate::daemon::exit::FAILED;
use crate::daemon::plane::{CheckCommand, VrrpCommand};
use crate::daemon::socket::protocol::Answer;
use crate::vrrp::RouterId;
use crate::vrrp::status::{RouterStatus, StateName};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long carrying out may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Ways to ask the planes that run, for a task that does not keep control waiting.
pub(super) struct Asks {
    vrrp: Option<mpsc::Sender<VrrpCommand>>,
    check: Option<mpsc::Sender<CheckCommand>>,
}

impl Control {
    pub(super) fn asks(&self) -> Asks {
        Asks {
            vrrp: self.vrrp.as_ref().map(|plane| plane.commands.clone()),
            check: self.check.as_ref().map(|plane| plane.commands.clone()),
        }
    }

    /// The virtual routers as they are.
    pub(super) async fn routers(&self) -> Vec<RouterStatus> {
        self.vrrp_status()
            .await
            .map(|status| status.routers)
            .unwrap_or_default()
    }
}

/// What was before a reload.
pub(super) struct Settling(BTreeMap<RouterId, Before>);

struct Before {
    state: StateName,
    became: u64,
    ceased: u64,
}

impl Settling {
    pub(super) fn begin(routers: Vec<RouterStatus>) -> Self {
        let before = routers.into_iter().map(|router| {
            let before = Before {
                state: router.state,
                became: router.counters.become_master,
                ceased: router.counters.release_master,
            };
            (router.id, before)
        });
        Self(before.collect())
    }

    /// Waits until the planes have carried the reload out, and says so in `adopted`, and what has happened.
    pub(super) async fn end(self, planes: Asks, adopted: Answer) -> Answer {
        let vrrp = async {
            match &planes.vrrp {
                None => Some(Vec::new()),
                Some(commands) => ask_within(LIMIT, commands, VrrpCommand::Settled).await,
            }
        };
        let check = async {
            match &planes.check {
                None => Some(Vec::new()),
                Some(commands) => ask_within(LIMIT, commands, CheckCommand::Settled).await,
            }
        };
        let (vrrp, check) = tokio::join!(vrrp, check);
        let after = match &planes.vrrp {
            None => Vec::new(),
            Some(commands) => {
                let status = ask_within(LIMIT, commands, VrrpCommand::Status).await;
                status.map(|status| status.routers).unwrap_or_default()
            }
        };
        let unfinished = vrrp.is_none() || check.is_none();
        let failures: Vec<Value> = [("vrrp", vrrp), ("ipvs", check)]
            .into_iter()
            .flat_map(|(part, refused)| {
                let refused = refused.unwrap_or_default().into_iter();
                refused.map(move |(what, why)| json!({ "part": part, "what": what, "why": why }))
            })
            .collect();
        let transitions: Vec<Value> = after
            .iter()
            .filter_map(|router| {
                self.0
                    .get(&router.id)
                    .and_then(|before| before.transition(router))
            })
            .collect();
        let failed = !failures.is_empty();
        let mut answer = adopted.with("done", !unfinished && !failed);
        if unfinished || failed {
            let why = if unfinished {
                format!(
                    "It was adopted, and is not carried out after {} s",
                    LIMIT.as_secs()
                )
            } else {
                "It was adopted, and the kernel has refused a part of it".to_owned()
            };
            answer = answer.with("status", FAILED).with("error", why);
        }
        answer.with("failures", failures).with("transitions", transitions)
    }
}

impl Before {
    /// What has become of a router, if it is anything.
    fn transition(&self, router: &RouterStatus) -> Option<Value> {
        let counters = &router.counters;
        // They may have been set to zero meanwhile.
        let became = counters.become_master.saturating_sub(self.became);
        let ceased = counters.release_master.saturating_sub(self.ceased);
        let same = router.state == self.state && became == 0 && ceased == 0;
        (!same).then(|| {
            json!({
                "instance": router.config.name.to_string(),
                "from": self.state.word(),
                "to": router.state.word(),
                "became_master": became,
                "ceased_to_be_master": ceased,
            })
        })
    }
}
