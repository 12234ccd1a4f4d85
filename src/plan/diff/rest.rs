//! What is neither a virtual router nor a virtual server.

use super::found::Found;
use super::{Fate, Kind};
use crate::bfd::{BfdConfig, SessionConfig};
use crate::change::{Changed, Changes};
use crate::ipvs::config::IpvsConfig;
use crate::notify::config::{FifoConfig, MailConfig, NotifyConfig};
use crate::plan::Plan;
use crate::track::config::{FileConfig, ProcessConfig, TrackScriptConfig};

/// Settings of the whole daemon, and of all of a plane.
pub(super) fn global(found: &mut Found, old: &Plan, new: &Plan) {
    let Plan {
        global,
        vrrp,
        process_buffer,
        check,
        // What routers are made of, as written: they are compared.
        shown: _,
        // Nothing comes of it.
        later: _,
        // Objects of their own.
        track_scripts: _,
        track_files: _,
        track_processes: _,
        notify: _,
        ipvs: _,
        bfd: _,
    } = old;
    let Plan {
        global: new_global,
        vrrp: new_vrrp,
        process_buffer: new_process_buffer,
        check: new_check,
        shown: _,
        later: _,
        track_scripts: _,
        track_files: _,
        track_processes: _,
        notify: _,
        ipvs: _,
        bfd: _,
    } = new;
    let mut changes = global.absorb(new_global);
    changes.extend(vrrp.absorb(new_vrrp));
    changes.extend(process_buffer.absorb(new_process_buffer));
    changes.extend(check.absorb(new_check));
    found.stays(Kind::GlobalDefs, || "global_defs".to_owned(), changes);
}

/// What mail is called: there is one.
pub(super) const MAIL: &str = "mail";

/// FIFOs and mail; scripts are their instances' and groups'.
pub(super) fn notify(found: &mut Found, old: &NotifyConfig, new: &NotifyConfig) {
    let NotifyConfig {
        instances: _,
        groups: _,
        fifos,
        mail,
    } = old;
    let NotifyConfig {
        instances: _,
        groups: _,
        fifos: new_fifos,
        mail: new_mail,
    } = new;
    let path = |fifo: &FifoConfig| format!("FIFO {}", fifo.path.display());
    found.named(Kind::Notify, fifos, new_fifos, path, FifoConfig::absorb);
    let name = |_: &MailConfig| MAIL.to_owned();
    found.named(Kind::Notify, mail, new_mail, name, MailConfig::absorb);
}

/// Scripts, files and processes.
pub(super) fn tracked(found: &mut Found, old: &Plan, new: &Plan) {
    let (before, after) = (&old.track_scripts, &new.track_scripts);
    let name = |one: &TrackScriptConfig| one.name.clone();
    found.named(Kind::VrrpScript, before, after, name, TrackScriptConfig::absorb);
    let (before, after) = (&old.track_files, &new.track_files);
    let name = |one: &FileConfig| one.name.clone();
    found.named(Kind::TrackFile, before, after, name, FileConfig::absorb);
    let (before, after) = (&old.track_processes, &new.track_processes);
    let name = |one: &ProcessConfig| one.name.clone();
    found.named(Kind::TrackProcess, before, after, name, ProcessConfig::absorb);
}

/// Sessions: the same name and addresses, and it goes on.
pub(super) fn bfd(found: &mut Found, old: &BfdConfig, new: &BfdConfig) {
    let BfdConfig { sessions } = old;
    let BfdConfig {
        sessions: new_sessions,
    } = new;
    let mut free: Vec<&SessionConfig> = sessions.iter().collect();
    let mut kept = Vec::new();
    for session in new_sessions {
        let at = free.iter().position(|old| old.same_session(session));
        kept.push((at.map(|at| free.remove(at)), session));
    }
    for (old, new) in &mut kept {
        if old.is_none() {
            let same_end = |one: &&SessionConfig| one.neighbor == new.neighbor && one.source == new.source;
            let named = free.iter().position(|one| one.name == new.name);
            let at = named.or_else(|| free.iter().position(same_end));
            *old = at.map(|at| free.remove(at));
        }
    }
    for gone in free {
        found.goes(Kind::BfdInstance, &gone.name);
    }
    for (old, new) in kept {
        let name = new.name.clone();
        match old {
            None => found.comes(Kind::BfdInstance, name),
            Some(old) if old.same_session(new) => {
                found.stays(Kind::BfdInstance, || name, old.absorb(new));
            }
            Some(old) => found.begins_anew(Kind::BfdInstance, name, words(&old.differs(new))),
        }
    }
}

/// The kernel's IPVS as a whole.
pub(super) fn ipvs(found: &mut Found, old: &IpvsConfig, new: &IpvsConfig) {
    let changes = old.absorb(new);
    if !changes.is_empty() {
        found.push(Kind::Ipvs, "IPVS".to_owned(), Fate::Changes(changes));
    }
}

/// All of them in one line.
pub(super) fn words(changes: &Changes) -> String {
    let all: Vec<String> = changes.iter().map(Changed::to_string).collect();
    all.join(", ")
}
