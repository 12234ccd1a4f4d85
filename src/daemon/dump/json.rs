//! `keepalived.json`: VRRP's data and counters for programs (facts VRRP 21).

use super::later::{More, param_match};
use super::{Facts, Live, health, net};
use crate::check::status::CheckStatus;
use crate::daemon::pulse::Standing;
use crate::daemon::vrrp_plane::PlaneNumbers;
use crate::ipvs::stats::Statistics;
use crate::notify::config::NotifyScripts;
use crate::script::config::Command;
use crate::sys::wall::{self, Wall};
use crate::track::config::ProcessConfig;
use crate::track::process::count::Tally;
use crate::vrrp::config::{Auth, InitialState, RouterConfig};
use crate::vrrp::status::{Counters, RouterStatus, StateName};
use serde_json::{Map, Number, Value, json};
use std::time::Duration;

/// What is known of IPVS beside the checks.
#[derive(Debug, Default)]
pub struct Ipvs {
    /// What the kernel counts.
    pub statistics: Statistics,
    /// Services, destinations and changes of others that were put back.
    pub put_back: [u64; 3],
    /// Sync daemons, and changes of others of these or of timeouts, that were put back; where there are any.
    pub put_back_whole: Option<[u64; 2]>,
}

/// The whole file, one line; `None` when there is nothing to speak of (fact VRRP 20.10). The second version has the
/// virtual servers too, with a key of their own.
pub fn text(
    facts: &Facts<'_>,
    live: Option<&Live<'_>>,
    checks: Option<&CheckStatus>,
    ipvs: &Ipvs,
    planes: &[Standing],
) -> Option<String> {
    let live = live.filter(|live| !live.status.routers.is_empty());
    if facts.plan.global.dumps.json_version != Some(2) {
        return Some(format!("{}\n", instances(facts, live?)));
    }
    let mut whole = Map::new();
    if let Some(live) = live {
        whole.insert("vrrp".to_owned(), instances(facts, live));
        whole.insert("vrrp_thread".to_owned(), thread(&live.numbers));
        let processes = facts.plan.track_processes.iter();
        // As with keepalived, those that cannot be counted are none.
        let processes: Vec<Value> = processes
            .filter_map(|config| Some(process(config, live.processes.get(&config.name)?)))
            .collect();
        if !processes.is_empty() {
            whole.insert("track_process".to_owned(), Value::Array(processes));
        }
    }
    let checks = checks.filter(|checks| !checks.virtual_servers.is_empty());
    if checks.is_some() || ipvs.put_back_whole.is_some() {
        let [services, servers, changes] = ipvs.put_back;
        let [daemons, others] = ipvs.put_back_whole.unwrap_or_default();
        let put_back = json!({
            "services": services,
            "real_servers": servers,
            "sync_daemons": daemons,
            "changes": changes.saturating_add(others),
        });
        whole.insert("ipvs_put_back".to_owned(), put_back);
    }
    if let Some(checks) = checks {
        let servers = health::servers(checks, &ipvs.statistics, wall::now());
        whole.insert("virtual_servers".to_owned(), servers);
        whole.insert("check_thread".to_owned(), health::thread(checks));
    }
    // Control is always there, and alone not worth a file.
    if planes.len() > 1 {
        let each = planes.iter().map(|it| (it.key.to_owned(), standing(it)));
        whole.insert("threads".to_owned(), Value::Object(each.collect()));
    }
    (!whole.is_empty()).then(|| format!("{}\n", Value::Object(whole)))
}

fn instances(facts: &Facts<'_>, live: &Live<'_>) -> Value {
    let routers = live.status.routers.iter();
    routers.map(|status| instance(facts, status, live)).collect()
}

/// How late the thread of VRRP serves its deadlines, in microseconds; the greatest since the counters were cleared.
fn thread(numbers: &PlaneNumbers) -> Value {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    json!({
        "lateness": micros(numbers.lateness_last),
        "lateness_max": micros(numbers.lateness_max),
        "deadlines": numbers.deadlines,
    })
}

/// For how many seconds a thread has stood still, how often it did, and for how long at most.
fn standing(of: &Standing) -> Value {
    json!({
        "still": of.still.map_or(0, |still| still.as_secs()),
        "standstills": of.standstills,
        "longest": of.longest.as_secs(),
    })
}

/// A tracked process and how it stands (fact VRRP 21.6).
fn process(config: &ProcessConfig, tally: &Tally) -> Value {
    let mut out = Map::new();
    let mut set = |key: &str, value: Value| out.insert(key.to_owned(), value);
    set("process", json!(config.program));
    if !config.parameters.is_empty() {
        set("parameters", json!(config.parameters.join(" ")));
    }
    set("param_match", json!(param_match(config)));
    set("min_processes", json!(config.quorum));
    if let Some(most) = config.quorum_max {
        set("max_processes", json!(most));
    }
    set("current_processes", json!(tally.current));
    set("have_quorum", json!(tally.have_quorum));
    let weight = if config.reverse {
        -config.weight
    } else {
        config.weight
    };
    set("weight", json!(weight));
    set("terminate_delay", seconds(config.terminate_delay));
    set("fork_delay", seconds(config.fork_delay));
    set("fork_delay_timer_running", json!(tally.gaining));
    set("terminate_delay_timer_running", json!(tally.losing));
    set("full_command", json!(config.full_command));
    Value::Object(out)
}

fn instance(facts: &Facts<'_>, status: &RouterStatus, live: &Live<'_>) -> Value {
    json!({ "data": data(facts, status, live), "stats": stats(&status.counters) })
}

fn data(facts: &Facts<'_>, status: &RouterStatus, live: &Live<'_>) -> Value {
    let config = &status.config;
    let garp = &config.garp;
    let more = More::of(facts, config);
    let mut out = Map::new();
    let mut set = |key: &str, value: Value| out.insert(key.to_owned(), value);
    set("iname", json!(config.name));
    set("dont_track_primary", flag(config.dont_track_primary));
    set("skip_check_adv_addr", flag(more.skip_check_adv_addr()));
    set("strict_mode", flag(more.strict()));
    let own = config.link.as_ref().map(|link| link.name.as_str());
    set("vmac_ifname", json!(own.unwrap_or_default()));
    set("ifp_ifname", json!(own.unwrap_or(config.interface.as_str())));
    set(
        "master_priority",
        json!(status.master.map_or(0, |(_, priority)| priority.0)),
    );
    let Wall(since) = status.last_transition.map_or(Wall(Duration::ZERO), |moment| {
        live.wall.at(live.status.now, moment)
    });
    set("last_transition", json!(since.as_secs_f64()));
    set("garp_delay", seconds(garp.delay));
    set("garp_refresh", seconds(garp.refresh));
    set("garp_rep", json!(garp.repeat));
    set("garp_refresh_rep", json!(garp.refresh_repeat));
    set("garp_lower_prio_delay", seconds(garp.lower_prio_delay));
    set("garp_lower_prio_rep", json!(garp.lower_prio_repeat));
    set("lower_prio_no_advert", flag(config.lower_prio_no_advert));
    set("higher_prio_send_advert", flag(config.higher_prio_send_advert));
    set("vrid", json!(config.vrid.get()));
    set("base_priority", json!(config.priority.0));
    set("effective_priority", json!(status.effective_priority.0));
    set("vipset", json!(status.holding));
    set("promote_secondaries", json!(more.promote_secondaries()));
    set("adver_int", seconds(config.advert_int));
    set("master_adver_int", seconds(status.interval));
    set("accept", flag(more.accept()));
    set("nopreempt", json!(config.nopreempt));
    set("preempt_delay", json!(config.preempt_delay.as_secs()));
    set("state", number_of(status.state));
    set("wantstate", number_of(wanted(config, Some(status))));
    set("version", json!(config.version.number()));
    let told = facts.plan.notify.instances.get(&config.name);
    set("smtp_alert", json!(told.is_some_and(|told| told.smtp_alert)));
    set("notify_deleted", json!(config.notices.deleted));
    lists(facts, status, &mut out);
    let password = match config.auth {
        Auth::None => None,
        Auth::Pass(_) | Auth::Ah(_) => Some(json!("********")),
    };
    out.insert("auth_type".to_owned(), json!(config.auth.wire_type()));
    if let Some(masked) = password {
        out.insert("auth_data".to_owned(), masked);
    }
    Value::Object(out)
}

/// Scripts, addresses and what is tracked, each only where there is some.
fn lists(facts: &Facts<'_>, status: &RouterStatus, out: &mut Map<String, Value>) {
    let config = &status.config;
    let more = More::of(facts, config);
    let none = NotifyScripts::default();
    let scripts = facts.plan.notify.instances.get(&config.name);
    let NotifyScripts {
        master,
        backup,
        fault,
        stop,
        deleted,
        any,
        master_rx_lower_pri,
        smtp_alert: _,
        priority_changes: _,
    } = scripts.unwrap_or(&none);
    for (key, command) in [
        ("script_backup", backup.as_ref()),
        ("script_master", master.as_ref()),
        ("script_fault", fault.as_ref()),
        ("script_stop", stop.as_ref()),
        ("script_deleted", deleted.as_ref()),
        ("script", any.as_ref()),
        ("script_master_rx_lower_pri", master_rx_lower_pri.as_ref()),
    ] {
        if let Some(command) = command {
            out.insert(key.to_owned(), json!(command.to_string()));
        }
    }
    let mut list = |key: &str, members: Vec<String>| {
        if !members.is_empty() {
            out.insert(key.to_owned(), json!(members));
        }
    };
    let held = status.holding;
    let texts = |vips: &[_]| {
        let vips = vips.iter();
        vips.map(|vip| net::address(vip, held)).collect()
    };
    list("vips", texts(&config.vips));
    list("evips", texts(&config.excluded));
    list("vroutes", config.routes.iter().map(ToString::to_string).collect());
    list("vrules", config.rules.iter().map(ToString::to_string).collect());
    let interfaces = config.track_interfaces.iter();
    list(
        "track_ifp",
        interfaces.map(|tracked| tracked.interface.to_string()).collect(),
    );
    let command = |name: &str| -> Option<&Command> {
        let mut scripts = facts.plan.track_scripts.iter();
        Some(&scripts.find(|script| script.name == name)?.command)
    };
    let scripts = config.track_scripts.iter();
    list(
        "track_script",
        scripts
            .filter_map(|tracked| command(&tracked.script).map(Command::to_string))
            .collect(),
    );
    list("track_process", more.processes());
}

fn stats(counters: &Counters) -> Value {
    let Counters {
        advert_rcvd,
        advert_sent,
        become_master,
        release_master,
        packet_len_err,
        advert_interval_err,
        ip_ttl_err,
        invalid_type_rcvd,
        addr_list_err,
        invalid_authtype,
        authtype_mismatch,
        auth_failure,
        auth_ext_missing,
        auth_ext_malformed,
        auth_ext_unknown_key,
        auth_ext_invalid_hmac,
        auth_ext_stale,
        auth_ext_replay,
        pri_zero_rcvd,
        pri_zero_sent,
        // Ours: they are shown elsewhere.
        checksum_err: _,
        version_err: _,
        interval_mismatch: _,
        unknown_peer: _,
    } = counters;
    json!({
        "advert_rcvd": advert_rcvd,
        "advert_sent": advert_sent,
        "become_master": become_master,
        "release_master": release_master,
        "packet_len_err": packet_len_err,
        "advert_interval_err": advert_interval_err,
        "ip_ttl_err": ip_ttl_err,
        "invalid_type_rcvd": invalid_type_rcvd,
        "addr_list_err": addr_list_err,
        "invalid_authtype": invalid_authtype,
        "authtype_mismatch": authtype_mismatch,
        "auth_failure": auth_failure,
        "auth_ext_missing": auth_ext_missing,
        "auth_ext_malformed": auth_ext_malformed,
        "auth_ext_unknown_key": auth_ext_unknown_key,
        "auth_ext_invalid_hmac": auth_ext_invalid_hmac,
        "auth_ext_stale": auth_ext_stale,
        "auth_ext_replay": auth_ext_replay,
        "pri_zero_rcvd": pri_zero_rcvd,
        "pri_zero_sent": pri_zero_sent,
    })
}

/// The state that it is in or goes to: before it was master for the first time, the one that the file asks for.
pub(super) fn wanted(config: &RouterConfig, status: Option<&RouterStatus>) -> StateName {
    let initial = match config.initial {
        InitialState::Master => StateName::Master,
        InitialState::Backup => StateName::Backup,
    };
    match status {
        None => initial,
        Some(status) => match status.state {
            StateName::Init => initial,
            StateName::Backup if status.counters.become_master == 0 => initial,
            known @ (StateName::Backup | StateName::Master | StateName::Fault) => known,
        },
    }
}

/// Fact VRRP 2.1.
fn number_of(state: StateName) -> Value {
    json!(match state {
        StateName::Init => 0,
        StateName::Backup => 1,
        StateName::Master => 2,
        StateName::Fault => 3,
    })
}

/// keepalived has numbers where one would expect booleans.
fn flag(value: bool) -> Value {
    json!(u8::from(value))
}

/// Whole seconds without a fraction, as keepalived writes them.
fn seconds(duration: Duration) -> Value {
    if duration.subsec_nanos() == 0 {
        json!(duration.as_secs())
    } else {
        Number::from_f64(duration.as_secs_f64()).map_or(Value::Null, Value::Number)
    }
}
