//! What a reload changes of who is told what: the next event is told by the new configuration.

use super::{FifoConfig, Hears, MailConfig, NotifyScripts};
use crate::change::{Changes, Show};

impl NotifyScripts {
    /// What changes of it.
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self {
            master,
            backup,
            fault,
            stop,
            deleted,
            any,
            master_rx_lower_pri,
            smtp_alert,
            priority_changes,
        } = self;
        let Self {
            master: new_master,
            backup: new_backup,
            fault: new_fault,
            stop: new_stop,
            deleted: new_deleted,
            any: new_any,
            master_rx_lower_pri: new_master_rx_lower_pri,
            smtp_alert: new_smtp_alert,
            priority_changes: new_priority_changes,
        } = new;
        let mut changes = Changes::default();
        changes.live("notify_master", master, new_master);
        changes.live("notify_backup", backup, new_backup);
        changes.live("notify_fault", fault, new_fault);
        changes.live("notify_stop", stop, new_stop);
        changes.live("notify_deleted", deleted, new_deleted);
        changes.live("notify", any, new_any);
        changes.live(
            "notify_master_rx_lower_pri",
            master_rx_lower_pri,
            new_master_rx_lower_pri,
        );
        changes.live("smtp_alert", smtp_alert, new_smtp_alert);
        changes.live("notify_priority_changes", priority_changes, new_priority_changes);
        changes
    }
}

impl FifoConfig {
    /// What changes of a FIFO that stays where it is.
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self {
            path: _,
            owner,
            script,
            hears,
        } = self;
        let Self {
            path: _,
            owner: new_owner,
            script: new_script,
            hears: new_hears,
        } = new;
        let mut changes = Changes::default();
        changes.live("owner of the FIFO", owner, new_owner);
        changes.live("notify_fifo_script", script, new_script);
        changes.live("notify_fifo", hears, new_hears);
        changes
    }
}

impl MailConfig {
    /// What changes of it.
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self {
            host,
            port,
            helo_name,
            timeout,
            from,
            to,
            router_id,
            no_faults,
        } = self;
        let Self {
            host: new_host,
            port: new_port,
            helo_name: new_helo_name,
            timeout: new_timeout,
            from: new_from,
            to: new_to,
            router_id: new_router_id,
            no_faults: new_no_faults,
        } = new;
        let mut changes = Changes::default();
        changes.live("smtp_server", host, new_host);
        changes.live("port of smtp_server", port, new_port);
        changes.live("smtp_helo_name", helo_name, new_helo_name);
        changes.live("smtp_connect_timeout", timeout, new_timeout);
        changes.live("notification_email_from", from, new_from);
        changes.list("notification_email", to, new_to);
        changes.live("router_id", router_id, new_router_id);
        changes.live("no_email_faults", no_faults, new_no_faults);
        changes
    }
}

impl Show for Hears {
    fn show(&self) -> String {
        match self {
            Self {
                vrrp: true,
                health: true,
            } => "everything",
            Self {
                vrrp: true,
                health: false,
            } => "VRRP",
            Self {
                vrrp: false,
                health: true,
            } => "LVS",
            Self {
                vrrp: false,
                health: false,
            } => "nothing",
        }
        .to_owned()
    }
}
