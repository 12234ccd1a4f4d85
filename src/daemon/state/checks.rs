//! What the checkers know, as JSON.

use super::Clocks;
use crate::check::verdict::{ServiceVerdicts, Verdict};
use serde_json::{Value, json};
use std::net::SocketAddr;

/// One virtual server.
pub(super) fn write(service: &ServiceVerdicts, clocks: Clocks) -> Value {
    let ServiceVerdicts {
        id,
        quorum_up,
        servers,
    } = service;
    let servers = servers.iter().map(|(address, verdicts)| {
        let checkers: Vec<Value> = verdicts.iter().map(|verdict| checker(verdict, clocks)).collect();
        json!({ "address": address.to_string(), "checkers": checkers })
    });
    json!({ "virtual_server": id, "quorum_up": quorum_up, "real_servers": servers.collect::<Vec<_>>() })
}

fn checker(verdict: &Verdict, clocks: Clocks) -> Value {
    let Verdict {
        identity,
        up,
        failures,
        url,
        url_failed,
        exit_status,
        at,
    } = verdict;
    json!({
        "probe": format!("{identity:016x}"),
        "up": up,
        "failures": failures,
        "url": url,
        "url_failed": url_failed,
        "exit_status": exit_status,
        "at": clocks.write(*at),
    })
}

/// All of them. `None` when it is not what [`write`] has written.
pub(super) fn read(body: &Value, clocks: Clocks) -> Option<Vec<ServiceVerdicts>> {
    let services = body.get("virtual_servers")?.as_array()?;
    services
        .iter()
        .map(|service| read_service(service, clocks))
        .collect()
}

fn read_service(service: &Value, clocks: Clocks) -> Option<ServiceVerdicts> {
    let servers = service.get("real_servers")?.as_array()?.iter().map(|server| {
        let address: SocketAddr = server.get("address")?.as_str()?.parse().ok()?;
        let checkers = server.get("checkers")?.as_array()?.iter();
        let verdicts: Option<Vec<Verdict>> = checkers.map(|checker| read_checker(checker, clocks)).collect();
        Some((address, verdicts?))
    });
    Some(ServiceVerdicts {
        id: service.get("virtual_server")?.as_str()?.to_owned(),
        quorum_up: service.get("quorum_up")?.as_bool()?,
        servers: servers.collect::<Option<_>>()?,
    })
}

fn read_checker(checker: &Value, clocks: Clocks) -> Option<Verdict> {
    let number = |name: &str| checker.get(name)?.as_u64();
    Some(Verdict {
        identity: u64::from_str_radix(checker.get("probe")?.as_str()?, 16).ok()?,
        up: checker.get("up")?.as_bool()?,
        failures: u32::try_from(number("failures")?).ok()?,
        url: usize::try_from(number("url")?).ok()?,
        url_failed: checker.get("url_failed")?.as_bool()?,
        exit_status: match checker.get("exit_status")? {
            Value::Null => None,
            status => Some(u8::try_from(status.as_u64()?).ok()?),
        },
        at: clocks.read(number("at")?)?,
    })
}
