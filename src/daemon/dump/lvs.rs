//! Settings of virtual and real servers that their engine is not told (facts cli 6.6).

use super::Facts;
use crate::check::dump::Extra;
use crate::ipvs::model::ServerId;
use crate::plan::later::LaterServer;
use std::net::SocketAddr;

/// The section on TLS; the password is masked.
pub(super) fn ssl(facts: &Facts<'_>) -> Vec<String> {
    let Some(ssl) = &facts.plan.check.ssl else {
        return Vec::new();
    };
    let mut out: Vec<String> = Vec::new();
    if ssl.password.is_some() {
        out.push("Password : ********".to_owned());
    }
    for (label, file) in [
        ("CA-file", &ssl.ca),
        ("Certificate file", &ssl.certificate),
        ("Key file", &ssl.key),
    ] {
        if let Some(file) = file {
            out.push(format!("{label} : {file}"));
        }
    }
    out
}

/// Of a virtual server.
pub(super) fn service(facts: &Facts<'_>, key: &ServerId) -> Extra {
    let usual = LaterServer::default();
    let later = facts.plan.later.lvs.servers.get(key).unwrap_or(&usual);
    Extra {
        snmp_name: later.snmp_name.clone(),
    }
}

/// Of a real server of it.
pub(super) fn server(facts: &Facts<'_>, key: &ServerId, address: SocketAddr) -> Extra {
    let service = facts.plan.later.lvs.servers.get(key);
    let later = service.and_then(|service| service.real_servers.get(&address));
    Extra {
        snmp_name: later.and_then(|later| later.snmp_name.clone()),
    }
}
