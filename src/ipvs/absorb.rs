//! What a reload changes of IPVS beside virtual servers, and the words of the table's settings.

use super::config::{FlushOnStop, IpvsConfig, MarkConfig, SyncConfig, SyncDaemon, Timeouts};
use super::model::{ForwardMethod, Granularity, MarkRule, Persistence, Scheduler, ServiceKey};
use crate::change::{Changes, Effect, Show, shown_as_displayed};

/// What a change of the daemon's settings does.
const STARTED_ANEW: &str = "the daemon is stopped and started anew";

impl IpvsConfig {
    /// What changes of it.
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self {
            timeouts,
            sync,
            flush,
            flush_on_stop,
            marks,
            // Told with the virtual servers'.
            repair: _,
        } = self;
        let Self {
            timeouts: new_timeouts,
            sync: new_sync,
            flush: new_flush,
            flush_on_stop: new_flush_on_stop,
            marks: new_marks,
            repair: _,
        } = new;
        let mut changes = timeouts.absorb(*new_timeouts);
        match (sync, new_sync) {
            (Some(old), Some(new)) => changes.extend(old.absorb(new)),
            (old, new) => changes.live("lvs_sync_daemon", old, new),
        }
        // At a start only: there is nothing to be done now.
        changes.live("lvs_flush", flush, new_flush);
        changes.live("lvs_flush_on_stop", flush_on_stop, new_flush_on_stop);
        match (marks, new_marks) {
            (Some(old), Some(new)) => changes.extend(old.absorb(new)),
            (old, new) => {
                // Where there are no virtual servers there are no marks.
                let table = |marks: &Option<MarkConfig>| marks.as_ref().map(|marks| marks.table.clone());
                changes.live("nftables_ipvs", &table(old), &table(new));
            }
        }
        changes
    }
}

impl Timeouts {
    fn absorb(self, new: Self) -> Changes {
        let Self { tcp, tcpfin, udp } = self;
        let Self {
            tcp: new_tcp,
            tcpfin: new_tcpfin,
            udp: new_udp,
        } = new;
        let mut changes = Changes::default();
        changes.live("lvs_timeouts tcp", &tcp, &new_tcp);
        changes.live("lvs_timeouts tcpfin", &tcpfin, &new_tcpfin);
        changes.live("lvs_timeouts udp", &udp, &new_udp);
        changes
    }
}

impl SyncConfig {
    fn absorb(&self, new: &Self) -> Changes {
        let Self { follow, daemon } = self;
        let Self {
            follow: new_follow,
            daemon: new_daemon,
        } = new;
        let mut changes = Changes::default();
        changes.live("lvs_sync_daemon inst", follow, new_follow);
        changes.flaps("lvs_sync_daemon", daemon, new_daemon, STARTED_ANEW);
        changes
    }
}

impl MarkConfig {
    fn absorb(&self, new: &Self) -> Changes {
        let Self {
            table,
            priority,
            counters,
            start,
        } = self;
        let Self {
            table: new_table,
            priority: new_priority,
            counters: new_counters,
            start: new_start,
        } = new;
        let mut changes = Changes::default();
        changes.note("nftables_ipvs", table, new_table, Effect::Restart);
        changes.note("nftables_ipvs_priority", priority, new_priority, Effect::Restart);
        changes.note("nftables_counters", counters, new_counters, Effect::Restart);
        // For groups that come; the others keep theirs.
        changes.live("nftables_ipvs_start_fwmark", start, new_start);
        changes
    }
}

shown_as_displayed!(ServiceKey, ForwardMethod, Granularity);

impl Show for SyncConfig {
    fn show(&self) -> String {
        let Self { follow, daemon } = self;
        let inst = follow.as_ref().map(|name| format!(" inst {name}"));
        format!("{}{}", daemon.show(), inst.unwrap_or_default())
    }
}

impl Show for SyncDaemon {
    fn show(&self) -> String {
        let Self {
            interface,
            id,
            maxlen,
            port,
            ttl,
            group,
        } = self;
        let mut text = format!("{interface} id {id}");
        for (word, value) in [
            ("maxlen", maxlen.map(|value| value.to_string())),
            ("port", port.map(|value| value.to_string())),
            ("ttl", ttl.map(|value| value.to_string())),
            ("group", group.map(|value| value.to_string())),
        ] {
            if let Some(value) = value {
                text = format!("{text} {word} {value}");
            }
        }
        text
    }
}

impl Show for FlushOnStop {
    fn show(&self) -> String {
        match self {
            Self::No => "off",
            Self::Services => "VS",
            Self::Table => "on",
        }
        .to_owned()
    }
}

impl Show for Scheduler {
    fn show(&self) -> String {
        self.0.clone()
    }
}

impl Show for Persistence {
    fn show(&self) -> String {
        let Self {
            timeout,
            granularity,
            engine,
        } = self;
        let mut text = timeout.show();
        if *granularity != Granularity::Address {
            text = format!("{text} granularity {granularity}");
        }
        engine
            .as_ref()
            .map_or_else(|| text.clone(), |engine| format!("{text} engine {engine}"))
    }
}

impl Show for MarkRule {
    fn show(&self) -> String {
        let Self {
            protocol,
            first,
            last,
            port,
            mark,
        } = self;
        let last = if first == last {
            String::new()
        } else {
            format!(" to {last}")
        };
        format!("{} {first}{last} port {port} by mark {mark}", protocol.word())
    }
}
