//! The health checks in the JSON dump: virtual servers, their real servers, and each checker by name. keepalived has none of
//! it there (fact 20.8 of LVS).

use crate::check::checker::{Checker, Phase};
use crate::check::event::ProbeOutcome;
use crate::check::pool::{RealServer, VirtualServer};
use crate::check::status::CheckStatus;
use crate::clock::Instant;
use crate::sys::wall::Wall;
use serde_json::{Value, json};

/// All virtual servers. `wall` is the clock at the status's moment; moments are seconds since 1970.
pub(super) fn servers(status: &CheckStatus, wall: Wall) -> Value {
    let moment = |at: Instant| json!(wall.at(status.now, at).0.as_secs_f64());
    let servers = status.virtual_servers.iter();
    servers.map(|vs| virtual_server(vs, &moment)).collect()
}

fn virtual_server(vs: &VirtualServer, moment: &impl Fn(Instant) -> Value) -> Value {
    let figures = vs.figures();
    json!({
        "name": *vs.name,
        "quorum_up": vs.quorum_up,
        "quorum": figures.quorum,
        "hysteresis": figures.hysteresis,
        "weight": figures.weight,
        "sorry_server_active": vs.active_sorry_server().is_some(),
        "suspended": vs.suspended,
        "served": !vs.absent,
        "real_servers": vs.real_servers.iter().map(|rs| real_server(rs, moment)).collect::<Value>(),
    })
}

fn real_server(rs: &RealServer, moment: &impl Fn(Instant) -> Value) -> Value {
    json!({
        "name": *rs.names.rs,
        "alive": rs.alive,
        "weight": rs.effective_weight(),
        "checkers": rs.checkers.iter().map(|it| checker(it, moment)).collect::<Value>(),
    })
}

/// `reason`: why its last run failed; `next`: when it asks again, nothing while it asks.
fn checker(it: &Checker, moment: &impl Fn(Instant) -> Value) -> Value {
    let (ran, reason) = match it.last() {
        None => (Value::Null, Value::Null),
        Some((at, ProbeOutcome::Success { .. })) => (moment(*at), Value::Null),
        Some((at, ProbeOutcome::Failure(why))) => (moment(*at), json!(why.to_string())),
    };
    let next = match it.phase() {
        Phase::Waiting { due } => moment(due),
        Phase::Asking { .. } | Phase::Following => Value::Null,
    };
    json!({
        "type": it.config().probe.keyword(),
        "up": it.is_up(),
        "has_run": it.has_run(),
        "since": it.since().map_or(Value::Null, moment),
        "failures": it.failures(),
        "reason": reason,
        "last_run": ran,
        "next_run": next,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Engine;
    use crate::check::engine::tests::{config, real_server, service, tcp};
    use crate::check::event::{Action, Event, Reason};
    use std::time::Duration;

    /// LVS facts: 20.8
    #[test]
    fn a_checker_shows_its_state_its_reason_and_its_times() {
        let servers_of = || vec![real_server("192.0.2.1:80", vec![tcp("192.0.2.1:80")])];
        let config = config(vec![service("10.0.0.1:80", servers_of())]);
        let start = Instant::from_micros(0);
        let mut engine = Engine::new(start, config, 1);
        let second = |n: u64| start + Duration::from_secs(n);
        let wall = |n: u64| Wall(Duration::from_secs(1000 + n));
        let fresh = servers(&engine.status(start), wall(0));
        let checker = &fresh[0]["real_servers"][0]["checkers"][0];
        assert_eq!(checker["up"], true);
        assert_eq!(
            (&checker["since"], &checker["last_run"]),
            (&Value::Null, &Value::Null)
        );
        assert_eq!(checker["next_run"], 1001.0);

        engine.handle_timeout(second(1));
        while let Some(action) = engine.poll_action() {
            if let Action::Start(order) = action {
                let outcome = ProbeOutcome::Failure(Reason::Refused);
                let (checker, url) = (order.checker, order.url);
                engine.handle(
                    second(1),
                    Event::Outcome {
                        checker,
                        url,
                        outcome,
                    },
                );
            }
        }
        let shown = servers(&engine.status(second(2)), wall(2));
        assert_eq!(shown[0]["name"], "[10.0.0.1]:tcp:80");
        assert_eq!(shown[0]["quorum_up"], false);
        assert_eq!(shown[0]["real_servers"][0]["name"], "[192.0.2.1]:tcp:80");
        assert_eq!(
            shown[0]["real_servers"][0]["checkers"][0],
            json!({
                "type": "TCP_CHECK",
                "up": false,
                "has_run": true,
                "since": 1001.0,
                "failures": 0,
                "reason": "connection refused",
                "last_run": 1001.0,
                "next_run": 1003.0,
            })
        );
    }
}
