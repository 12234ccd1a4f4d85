//! Who is told what: notify scripts, FIFOs, mail, with their defaults.

use super::{Builder, Plan, scripts};
use crate::check::config::Notices as HealthNotices;
use crate::conf::config::{Config, Fifo, FifosSettings, Global, Instance, MailSettings, NotifySettings};
use crate::notify::config::{FifoConfig, Hears, MailConfig, NotifyScripts};
use crate::vrrp::config::Notices;
use std::time::Duration;

/// `smtp_connect_timeout`, unless configured.
const MAIL_TIMEOUT: Duration = Duration::from_secs(30);

/// What is told of every instance and group.
pub(super) fn subjects(builder: &mut Builder<'_>, plan: &mut Plan) {
    let config = builder.config;
    for router in &plan.vrrp.routers {
        if let Some(written) = builder.written(&router.name) {
            let mut told = subject(builder, &written.notify, &router.name);
            // The router's own.
            told.priority_changes = false;
            if told != NotifyScripts::default() {
                plan.notify.instances.insert(router.name.clone(), told);
            }
        }
    }
    for group in &plan.vrrp.groups {
        let mut groups = config.groups.iter();
        if let Some(written) = groups.find(|written| written.name.value == group.name) {
            let told = subject(builder, &written.notify, &group.name);
            if told != NotifyScripts::default() {
                plan.notify.groups.insert(group.name.clone(), told);
            }
        }
    }
    let notify = &plan.notify;
    let mut all = notify.instances.values().chain(notify.groups.values());
    builder.vrrp_scripts |= all.any(|told| told.commands().next().is_some());
}

fn subject(builder: &mut Builder<'_>, written: &NotifySettings, name: &str) -> NotifyScripts {
    let owner = format!("({name}) ");
    let [master, backup, fault, stop, deleted, any, master_rx_lower_pri] =
        scripts::slots(written).map(|command| builder.notify(command, &owner));
    let mail = &builder.config.global.mail;
    let alert = written.smtp_alert.or(mail.alert_vrrp).or(mail.alert);
    NotifyScripts {
        master,
        backup,
        fault,
        stop,
        deleted,
        any,
        master_rx_lower_pri,
        smtp_alert: alert.unwrap_or(false),
        priority_changes: written.priority_changes.unwrap_or(false),
    }
}

/// What a router tells besides its states. A member tells what its group tells.
pub(super) fn notices(config: &Config, written: &Instance) -> Notices {
    let mut groups = config.groups.iter();
    let name = &written.name.value;
    let group = groups.find(|group| group.members.iter().any(|member| member.value == *name));
    let group = group.and_then(|group| group.notify.priority_changes);
    let own = written.notify.priority_changes;
    let default = config.global.fifos.notify_priority_changes;
    let changes = group.filter(|on| *on).or(own).or(default);
    Notices {
        deleted: written.notify.deleted.is_some(),
        priority_changes: changes.unwrap_or(false),
    }
}

/// The FIFOs. Of one path there is one, with the settings of the first, which hears what any of them hears.
pub(super) fn fifos(settings: &FifosSettings) -> Vec<FifoConfig> {
    let mut out: Vec<FifoConfig> = Vec::new();
    for (settings, vrrp, health) in [
        (&settings.all, true, true),
        (&settings.vrrp, true, false),
        (&settings.lvs, false, true),
    ] {
        let Some(Fifo { path, owner }) = &settings.fifo else {
            continue;
        };
        if let Some(fifo) = out.iter_mut().find(|fifo| fifo.path.as_os_str() == path.as_str()) {
            fifo.hears.vrrp |= vrrp;
            fifo.hears.health |= health;
            continue;
        }
        out.push(FifoConfig {
            path: path.into(),
            owner: owner.clone(),
            script: settings.script.as_ref().map(|command| command.value.clone()),
            hears: Hears { vrrp, health },
        });
    }
    out
}

/// Who hears of virtual and real servers.
pub(super) fn health(plan: &Plan) -> HealthNotices {
    HealthNotices {
        fifo: plan.notify.fifos.iter().any(|fifo| fifo.hears.health),
        mail: plan.notify.mail.is_some(),
        at_start: plan.global.inherited.rs_init_notifies,
        server_mails_only: plan.global.mail.no_checker_emails,
    }
}

/// Mail, if it can be sent at all (fact 17.1).
pub(super) fn mail(global: &Global) -> Option<MailConfig> {
    let MailSettings {
        from,
        to,
        server,
        helo_name,
        connect_timeout,
        alert: _,
        alert_vrrp: _,
        alert_checker: _,
        no_checker_emails: _,
        no_email_faults,
    } = &global.mail;
    let server = &server.as_ref()?.value;
    (!to.is_empty()).then(|| MailConfig {
        host: server.host.clone(),
        port: server.port,
        helo_name: helo_name.clone(),
        timeout: connect_timeout.unwrap_or(MAIL_TIMEOUT),
        from: from.clone(),
        to: to.clone(),
        router_id: global.router_id.clone(),
        no_faults: *no_email_faults,
    })
}
