//! The health checks in the JSON dump: virtual servers, their real servers, and each checker by name. keepalived has none of
//! it there (fact 20.8 of LVS). What IPVS counts of them is read by whoever asks for the dump.

use crate::check::checker::{Checker, Phase};
use crate::check::event::ProbeOutcome;
use crate::check::overdue::{Overdue, Punctuality, Step};
use crate::check::pool::{RealServer, VirtualServer};
use crate::check::status::CheckStatus;
use crate::clock::Instant;
use crate::ipvs::model::{ForwardMethod, ServiceKey};
use crate::ipvs::stats::{Figures, Load, Statistics, Traffic};
use crate::sys::wall::Wall;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

/// The services whose statistics the virtual servers show.
pub fn services(status: &CheckStatus) -> BTreeSet<ServiceKey> {
    let servers = status.virtual_servers.iter();
    servers
        .flat_map(|vs| [vs.config.target.keys().to_vec(), without_marks(vs)])
        .flatten()
        .collect()
}

/// Its services where its marks cannot be set.
fn without_marks(vs: &VirtualServer) -> Vec<ServiceKey> {
    if vs.config.target.marks().is_empty() {
        return Vec::new();
    }
    vs.wants().by_address().services.to_vec()
}

/// All virtual servers. `wall` is the clock at the status's moment; moments are seconds since 1970.
pub(super) fn servers(status: &CheckStatus, statistics: &Statistics, wall: Wall) -> Value {
    let times = Times {
        now: status.now,
        wall,
    };
    let servers = status.virtual_servers.iter();
    servers
        .map(|vs| virtual_server(vs, &Counted::of(vs, statistics), &times))
        .collect()
}

/// How late, in microseconds, checks begin, how many have begun, and how many are overdue now, or wait for their turn.
pub(super) fn thread(status: &CheckStatus) -> Value {
    let servers = status.virtual_servers.iter().flat_map(|vs| &vs.real_servers);
    let checkers = || servers.clone().flat_map(|rs| &rs.checkers);
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let Punctuality { last, most, checks } = status.punctuality;
    json!({
        "lateness": micros(last),
        "lateness_max": micros(most),
        "checks": checks,
        "overdue": checkers().filter(|it| it.overdue(status.now).is_some()).count(),
        "waiting": checkers().filter(|it| it.is_asking() && it.limit().is_none()).count(),
    })
}

/// What time is written by.
struct Times {
    now: Instant,
    /// The clock then.
    wall: Wall,
}

impl Times {
    fn moment(&self, at: Instant) -> Value {
        json!(self.wall.at(self.now, at).0.as_secs_f64())
    }

    /// The end of a certificate, and the whole days until then: negative when it has passed.
    fn certificate(&self, ends: i64) -> Value {
        let now = i64::try_from(self.wall.0.as_secs()).unwrap_or(i64::MAX);
        json!({ "ends": ends, "days": ends.saturating_sub(now).div_euclid(86_400) })
    }
}

/// What IPVS counts of a virtual server.
struct Counted<'a> {
    /// Its services that are there.
    services: Vec<ServiceKey>,
    all: &'a Statistics,
}

impl<'a> Counted<'a> {
    fn of(vs: &VirtualServer, all: &'a Statistics) -> Self {
        let there =
            |keys: &[ServiceKey]| Vec::from_iter(keys.iter().copied().filter(|it| all.contains_key(it)));
        let mut services = there(vs.config.target.keys());
        if services.is_empty() {
            services = there(&without_marks(vs));
        }
        Self { services, all }
    }

    /// Of all its services together; nothing where there is none.
    fn traffic(&self) -> Option<Traffic> {
        let each = self.services.iter().filter_map(|key| self.all.get(key));
        each.map(|service| service.traffic).reduce(Traffic::plus)
    }

    /// Of a server in all of them; nothing where it is in none.
    fn load(&self, forward: ForwardMethod, server: SocketAddr) -> Option<Load> {
        let each = self.services.iter().filter_map(|key| {
            let destinations = &self.all.get(key)?.destinations;
            destinations.get(&key.server_address(forward, server)).copied()
        });
        each.reduce(Load::plus)
    }
}

fn traffic(of: &Traffic) -> Value {
    let mut out = figures(&of.total);
    if let Value::Object(out) = &mut out {
        out.insert("rates".to_owned(), figures(&of.rate));
    }
    out
}

fn figures(of: &Figures) -> Value {
    json!({
        "connections": of.connections,
        "packets_in": of.packets_in,
        "packets_out": of.packets_out,
        "bytes_in": of.bytes_in,
        "bytes_out": of.bytes_out,
    })
}

fn load(of: &Load) -> Value {
    let mut out = traffic(&of.traffic);
    if let Value::Object(out) = &mut out {
        out.insert("active_connections".to_owned(), json!(of.active));
        out.insert("inactive_connections".to_owned(), json!(of.inactive));
        out.insert("persistent_connections".to_owned(), json!(of.persistent));
    }
    out
}

fn virtual_server(vs: &VirtualServer, counted: &Counted<'_>, times: &Times) -> Value {
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
        "statistics": counted.traffic().as_ref().map_or(Value::Null, traffic),
        "real_servers": vs.real_servers.iter().map(|rs| real_server(rs, counted, times)).collect::<Value>(),
    })
}

/// `statistics`: nothing while it is no destination.
fn real_server(rs: &RealServer, counted: &Counted<'_>, times: &Times) -> Value {
    let counted = counted.load(rs.config.forward, rs.config.address);
    json!({
        "name": *rs.names.rs,
        "alive": rs.alive,
        "weight": rs.effective_weight(),
        "statistics": counted.as_ref().map_or(Value::Null, load),
        "checkers": rs.checkers.iter().map(|it| checker(it, times)).collect::<Value>(),
    })
}

/// `reason`: why its last run failed; `next_run`: when it asks again, nothing while it asks; `asking_since`: when it was to
/// begin what it asks now; `overdue`: what it has not done in time; `certificate`: that of the last handshake.
fn checker(it: &Checker, times: &Times) -> Value {
    let moment = |at: Instant| times.moment(at);
    let (ran, reason) = match it.last() {
        None => (Value::Null, Value::Null),
        Some((at, ProbeOutcome::Success { .. })) => (moment(*at), Value::Null),
        Some((at, ProbeOutcome::Failure(why))) => (moment(*at), json!(why.to_string())),
    };
    let (next, asking) = match it.phase() {
        Phase::Waiting { due } => (moment(due), Value::Null),
        Phase::Asking { since, .. } => (Value::Null, moment(since)),
        Phase::Following => (Value::Null, Value::Null),
    };
    let overdue = it.overdue(times.now).map(|Overdue { step, .. }| match step {
        Step::Begin => "begin",
        Step::Turn => "turn",
        Step::End { .. } => "end",
    });
    json!({
        "type": it.config().probe.keyword(),
        "up": it.is_up(),
        "has_run": it.has_run(),
        "since": it.since().map_or(Value::Null, moment),
        "failures": it.failures(),
        "reason": reason,
        "last_run": ran,
        "next_run": next,
        "asking_since": asking,
        "overdue": overdue,
        "certificate": it.certificate_ends().map_or(Value::Null, |ends| times.certificate(ends)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::engine::tests::{config, real_server, service, tcp};
    use crate::check::event::{Action, Event, Reason};
    use crate::check::{CheckerId, Engine};

    /// LVS facts: 20.8
    #[test]
    fn a_checker_shows_its_state_its_reason_and_its_times() {
        let servers_of = || vec![real_server("192.0.2.1:80", vec![tcp("192.0.2.1:80")])];
        let config = config(vec![service("10.0.0.1:80", servers_of())]);
        let start = Instant::from_micros(0);
        let mut engine = Engine::new(start, config, 1);
        let second = |n: u64| start + Duration::from_secs(n);
        let wall = |n: u64| Wall(Duration::from_secs(1000 + n));
        let fresh = servers(&engine.status(start), &Statistics::new(), wall(0));
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
        let shown = servers(&engine.status(second(2)), &Statistics::new(), wall(2));
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
                "asking_since": null,
                "overdue": null,
                "certificate": null,
            })
        );
        // The last one counts, and stays when a later run gets no handshake.
        const DAY: i64 = 86_400;
        let checker = CheckerId(0);
        for (ends, days) in [(1002 + 30 * DAY, 30), (1001 + 30 * DAY, 29), (1001, -1)] {
            engine.handle(second(2), Event::Certificate { checker, ends });
            let shown = servers(&engine.status(second(2)), &Statistics::new(), wall(2));
            assert_eq!(
                shown[0]["real_servers"][0]["checkers"][0]["certificate"],
                json!({ "ends": ends, "days": days })
            );
        }
        let nobody = CheckerId(99);
        engine.handle(
            second(2),
            Event::Certificate {
                checker: nobody,
                ends: 0,
            },
        );
    }

    /// Those of a group together; a server is counted where it is a destination: at its own port or at the service's.
    #[test]
    fn what_ipvs_counts_is_with_virtual_and_real_servers() {
        use crate::check::config::{GroupTarget, Target};
        use crate::ipvs::stats::ServiceStats;

        let address = |text: &str| ServiceKey::Address {
            protocol: crate::ipvs::model::Protocol::Tcp,
            address: text.parse().unwrap(),
        };
        let counted = |first: u64| Traffic {
            total: Figures::of([first, 2, 3, 4, 5]),
            rate: Figures::of([6, 7, 8, 9, 10]),
        };
        let mut servers_of = vec![real_server("192.0.2.1:8080", Vec::new())];
        servers_of.push(real_server("192.0.2.2:8080", Vec::new()));
        servers_of.push(real_server("192.0.2.3:8080", Vec::new()));
        servers_of[1].forward = ForwardMethod::Dr;
        let mut of_group = service("10.0.0.1:80", servers_of);
        of_group.target = Target::Group(GroupTarget {
            name: "G".into(),
            number: 0,
            family: None,
            protocol: None,
            services: ["10.0.0.1:80", "10.0.0.2:81"].map(address).into(),
            marks: [].into(),
        });
        let alone = service("10.0.0.9:80", Vec::new());
        let engine = Engine::new(Instant::from_micros(0), config(vec![of_group, alone]), 1);
        let status = engine.status(Instant::from_micros(0));
        assert_eq!(
            services(&status),
            ["10.0.0.1:80", "10.0.0.2:81", "10.0.0.9:80"].map(address).into()
        );
        let load = Load {
            traffic: counted(30),
            active: 1,
            inactive: 2,
            persistent: 3,
        };
        let one = ServiceStats {
            traffic: counted(100),
            destinations: [
                ("192.0.2.1:8080".parse().unwrap(), load),
                ("192.0.2.2:80".parse().unwrap(), load),
            ]
            .into(),
        };
        let other = ServiceStats {
            traffic: counted(23),
            destinations: [
                ("192.0.2.1:8080".parse().unwrap(), load),
                // Somebody else's.
                ("192.0.2.2:8080".parse().unwrap(), load),
            ]
            .into(),
        };
        let statistics = [(address("10.0.0.1:80"), one), (address("10.0.0.2:81"), other)].into();
        let shown = servers(&status, &statistics, Wall(Duration::from_secs(1)));
        let figures = |factor: u64, connections: u64| {
            json!({
                "connections": connections, "packets_in": 2 * factor, "packets_out": 3 * factor,
                "bytes_in": 4 * factor, "bytes_out": 5 * factor,
                "rates": {
                    "connections": 6 * factor, "packets_in": 7 * factor, "packets_out": 8 * factor,
                    "bytes_in": 9 * factor, "bytes_out": 10 * factor,
                },
            })
        };
        let server = |factor: u64| {
            let mut wanted = figures(factor, 30 * factor);
            wanted["active_connections"] = json!(factor);
            wanted["inactive_connections"] = json!(2 * factor);
            wanted["persistent_connections"] = json!(3 * factor);
            wanted
        };
        assert_eq!(shown[0]["statistics"], figures(2, 123));
        let real = &shown[0]["real_servers"];
        assert_eq!(real[0]["statistics"], server(2));
        assert_eq!(real[1]["statistics"], server(1));
        assert_eq!(real[2]["statistics"], Value::Null);
        assert_eq!(shown[1]["statistics"], Value::Null);
    }
}
