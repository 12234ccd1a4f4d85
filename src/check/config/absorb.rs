//! What a reload changes of virtual servers and real servers, and what each change means: what `Engine::reload` and the
//! difference of the kernel's table do with it.
//!
//! Both sides are taken apart completely, so that nobody adds a setting without saying here what its change means.

mod checker;
mod probe;

use super::*;
use crate::change::{Changes, Effect, Show};

/// What a destination at another place in the kernel's table does.
const ANOTHER_PLACE: &str = "the kernel has it under another port, and its connections end";

impl CheckConfig {
    /// What changes of what concerns all virtual servers.
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self {
            notices,
            expiry,
            repair,
            groups: _,
            ssl,
            services: _,
        } = self;
        let Self {
            notices: new_notices,
            expiry: new_expiry,
            repair: new_repair,
            groups: _,
            ssl: new_ssl,
            services: _,
        } = new;
        let mut changes = notices.absorb(new_notices);
        changes.extend(expiry.absorb(new_expiry));
        changes.live("drift_repair", repair, new_repair);
        let nothing = Ssl::default();
        changes.extend(
            ssl.as_ref()
                .unwrap_or(&nothing)
                .absorb(new_ssl.as_ref().unwrap_or(&nothing)),
        );
        changes
    }
}

impl VirtualServerConfig {
    /// What changes of the virtual server itself; its servers are compared one by one.
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self {
            target,
            scheduler,
            flags,
            persistence,
            forward,
            connect_timeout,
            delay_loop,
            alpha,
            omega,
            quorum,
            hysteresis,
            quorum_up,
            quorum_down,
            smtp_alert,
            ha_suspend,
            while_master,
            sorry_server: _,
            real_servers: _,
        } = self;
        let Self {
            target: new_target,
            scheduler: new_scheduler,
            flags: new_flags,
            persistence: new_persistence,
            forward: new_forward,
            connect_timeout: new_connect_timeout,
            delay_loop: new_delay_loop,
            alpha: new_alpha,
            omega: new_omega,
            quorum: new_quorum,
            hysteresis: new_hysteresis,
            quorum_up: new_quorum_up,
            quorum_down: new_quorum_down,
            smtp_alert: new_smtp_alert,
            ha_suspend: new_ha_suspend,
            while_master: new_while_master,
            sorry_server: _,
            real_servers: _,
        } = new;
        let mut changes = target.absorb(new_target);
        // The kernel changes a service in place, and its connections stay.
        changes.live("lvs_sched", scheduler, new_scheduler);
        changes.live("flags of lvs_sched", flags, new_flags);
        changes.live("persistence_timeout", persistence, new_persistence);
        changes.live("lvs_method", forward, new_forward);
        changes.live("connect_timeout", connect_timeout, new_connect_timeout);
        changes.live("delay_loop", delay_loop, new_delay_loop);
        changes.live("alpha", alpha, new_alpha);
        changes.live("omega", omega, new_omega);
        changes.live("quorum", quorum, new_quorum);
        changes.live("hysteresis", hysteresis, new_hysteresis);
        changes.live("quorum_up", quorum_up, new_quorum_up);
        changes.live("quorum_down", quorum_down, new_quorum_down);
        changes.live("smtp_alert", smtp_alert, new_smtp_alert);
        changes.live("ha_suspend", ha_suspend, new_ha_suspend);
        changes.live("while_master", while_master, new_while_master);
        changes
    }
}

impl Target {
    /// What changes of what a virtual server stands for; its identity is the same.
    fn absorb(&self, new: &Self) -> Changes {
        let mut changes = Changes::default();
        changes.list("virtual_server_group", self.keys(), new.keys());
        changes.list("nftables_ipvs", &self.marks(), &new.marks());
        // What servers are called by.
        changes.live("protocol", &self.protocol(), &new.protocol());
        changes
    }

    /// Why the kernel has a server under another address when it is reached in another way.
    fn moves(&self, (old, new): (ForwardMethod, ForwardMethod), server: SocketAddr) -> bool {
        let mut keys = self.keys().iter();
        keys.any(|key| key.server_address(old, server) != key.server_address(new, server))
    }

    fn absorb_method(&self, old: ForwardMethod, new: ForwardMethod, server: SocketAddr) -> Changes {
        let mut changes = Changes::default();
        if self.moves((old, new), server) {
            changes.flaps("lvs_method", &old, &new, ANOTHER_PLACE);
        } else {
            changes.live("lvs_method", &old, &new);
        }
        changes
    }
}

impl SorryServerConfig {
    /// What changes of a sorry server with the same address, of the virtual server `of`.
    pub fn absorb(&self, new: &Self, of: &Target) -> Changes {
        let Self {
            address,
            forward,
            inhibit,
        } = self;
        let Self {
            address: _,
            forward: new_forward,
            inhibit: new_inhibit,
        } = new;
        let mut changes = of.absorb_method(*forward, *new_forward, *address);
        changes.live("sorry_server_inhibit", inhibit, new_inhibit);
        changes
    }
}

impl RealServerConfig {
    /// What changes of a real server with the same address, of the virtual server `of`; its checkers are compared one by one.
    pub fn absorb(&self, new: &Self, of: &Target) -> Changes {
        let Self {
            address,
            forward,
            weight,
            inhibit_on_failure,
            upper,
            lower,
            notify_up,
            notify_down,
            smtp_alert,
            virtualhost,
            checkers: _,
        } = self;
        let Self {
            address: _,
            forward: new_forward,
            weight: new_weight,
            inhibit_on_failure: new_inhibit_on_failure,
            upper: new_upper,
            lower: new_lower,
            notify_up: new_notify_up,
            notify_down: new_notify_down,
            smtp_alert: new_smtp_alert,
            virtualhost: new_virtualhost,
            checkers: _,
        } = new;
        let mut changes = of.absorb_method(*forward, *new_forward, *address);
        changes.live("weight", weight, new_weight);
        changes.live("inhibit_on_failure", inhibit_on_failure, new_inhibit_on_failure);
        changes.live("uthreshold", upper, new_upper);
        changes.live("lthreshold", lower, new_lower);
        changes.live("notify_up", notify_up, new_notify_up);
        changes.live("notify_down", notify_down, new_notify_down);
        changes.live("smtp_alert", smtp_alert, new_smtp_alert);
        changes.live("virtualhost", virtualhost, new_virtualhost);
        changes
    }
}

impl ServerGroupConfig {
    /// What changes of a group of the same name: what is in the kernel of it is its virtual servers'.
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self { name: _, entries } = self;
        let Self {
            name: _,
            entries: new_entries,
        } = new;
        let mut changes = Changes::default();
        changes.list("virtual_server_group", entries, new_entries);
        changes
    }
}

impl Notices {
    /// What changes of it.
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self {
            // Of the notifications, which are compared where they are.
            fifo: _,
            mail: _,
            at_start,
            server_mails_only,
        } = self;
        let Self {
            fifo: _,
            mail: _,
            at_start: new_at_start,
            server_mails_only: new_server_mails_only,
        } = new;
        let mut changes = Changes::default();
        changes.live("rs_init_notifies", at_start, new_at_start);
        changes.live("no_checker_emails", server_mails_only, new_server_mails_only);
        changes
    }
}

impl Expiry {
    /// What changes of it.
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self {
            connections,
            templates,
        } = self;
        let Self {
            connections: new_connections,
            templates: new_templates,
        } = new;
        let mut changes = Changes::default();
        changes.live("lvs_expire_nodest_conn", connections, new_connections);
        changes.live("lvs_expire_quiescent_template", templates, new_templates);
        changes
    }
}

impl Ssl {
    /// What changes of it: the next SSL_GET shows it.
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self {
            password,
            ca,
            certificate,
            key,
        } = self;
        let Self {
            password: new_password,
            ca: new_ca,
            certificate: new_certificate,
            key: new_key,
        } = new;
        let mut changes = Changes::default();
        changes.hidden("password of SSL", password, new_password, Effect::Live);
        changes.live("ca of SSL", ca, new_ca);
        changes.live("certificate of SSL", certificate, new_certificate);
        changes.live("key of SSL", key, new_key);
        changes
    }
}

impl Show for GroupEntry {
    fn show(&self) -> String {
        match self {
            Self::Addresses { first, last, port } if first == last => format!("{first} {port}"),
            Self::Addresses { first, last, port } => format!("{first} to {last} {port}"),
            Self::FwMark { mark, family: None } => format!("fwmark {mark}"),
            Self::FwMark {
                mark,
                family: Some(family),
            } => format!("fwmark {mark} {family}"),
        }
    }
}

impl Show for Protocol {
    fn show(&self) -> String {
        self.word().to_uppercase()
    }
}

impl Show for ServiceFlags {
    fn show(&self) -> String {
        let words = [
            (Self::ONE_PACKET, "ops"),
            (Self::SCHED1, "flag-1"),
            (Self::SCHED2, "flag-2"),
            (Self::SCHED3, "flag-3"),
        ];
        let set = words.iter().filter(|(bit, _)| self.0 & bit != 0);
        let set: Vec<String> = set.map(|(_, word)| (*word).to_owned()).collect();
        set.show()
    }
}
