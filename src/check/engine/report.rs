//! What the engine tells the operator: scripts and FIFO lines of real servers and quorums, and mails (facts 4.3, 5.4, 6.2, 15).

use super::VecDeque;
use crate::check::checker::{Checker, Turn};
use crate::check::config::{Notices, ProbeConfig};
use crate::check::event::{Action, Notification, ProbeOutcome};
use crate::check::letter::{self, Letter, Occasion};
use crate::check::pool::{RealServer, VirtualServer};
use std::sync::Arc;

/// A real server's script and line.
pub(super) fn server(actions: &mut VecDeque<Action>, notices: Notices, rs: &RealServer, up: bool) {
    let script = if up {
        &rs.config.notify_up
    } else {
        &rs.config.notify_down
    };
    if script.is_some() || notices.fifo {
        actions.push_back(Action::Notify(Notification::Server {
            names: rs.names.clone(),
            up,
            script: script.as_deref().cloned(),
        }));
    }
}

/// A virtual server's script, line and mail.
pub(super) fn service(
    actions: &mut VecDeque<Action>,
    notices: Notices,
    vs: &VirtualServer,
    up: bool,
    occasion: Occasion,
) {
    let script = if up {
        &vs.config.quorum_up
    } else {
        &vs.config.quorum_down
    };
    if script.is_some() || notices.fifo {
        actions.push_back(Action::Notify(Notification::Service {
            vs: Arc::clone(&vs.name),
            up,
            script: script.clone(),
        }));
    }
    if notices.mail && vs.config.smtp_alert {
        mail(actions, letter::service(&vs.name, up, occasion));
    }
}

/// The mail of a real server that goes without having failed.
pub(super) fn parting(actions: &mut VecDeque<Action>, notices: Notices, rs: &RealServer, body: &str) {
    if notices.mail && rs.config.smtp_alert {
        mail(actions, letter::server(&rs.names, false, body.to_owned()));
    }
}

/// The mail of a checker whose run meant `turn`; `first`: it had not run before, `server_turned`: its server has changed
/// with it (facts 11.7, 15.6).
pub(super) fn checker(
    actions: &mut VecDeque<Action>,
    notices: Notices,
    rs: &RealServer,
    checker: &Checker,
    turn: Turn,
    first: bool,
    server_turned: bool,
) {
    let eager = first && checker.has_run() && matches!(*checker.config().probe, ProbeConfig::Misc(_));
    let turned = match turn {
        Turn::Failed | Turn::Recovered => true,
        Turn::None | Turn::StillDown => eager,
    };
    let hidden = notices.server_mails_only && !server_turned;
    if !(notices.mail && rs.config.smtp_alert && turned) || hidden {
        return;
    }
    let failure = match checker.last() {
        Some((_, ProbeOutcome::Failure(reason))) => Some(reason),
        Some((_, ProbeOutcome::Success { .. })) | None => None,
    };
    if let Some(body) = letter::of_checker(&checker.config().probe, failure) {
        // The subject is the server's, whatever the checker has found (seen).
        mail(actions, letter::server(&rs.names, rs.alive, body));
    }
}

fn mail(actions: &mut VecDeque<Action>, letter: Letter) {
    actions.push_back(Action::Notify(Notification::Mail(letter)));
}
