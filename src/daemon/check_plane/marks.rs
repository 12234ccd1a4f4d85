//! Marks of IPVS by the kernel's packet filter.

use crate::ipvs::config::MarkConfig;
use crate::ipvs::keeper::Marker;
use crate::ipvs::model::{MarkRule, Protocol};
use crate::netfilter;
use crate::netfilter::marks::{MarkSettings, Marked, Transport};
use crate::sys::netns::Home;
use std::io;

/// Sets marks in tables of nftables, in the network namespace of IPVS.
pub(in crate::daemon) fn marker(config: &MarkConfig, home: Home) -> Box<dyn Marker> {
    let MarkConfig {
        table,
        priority,
        counters,
        start: _,
    } = config;
    let settings = MarkSettings {
        table: table.clone(),
        priority: *priority,
        counters: *counters,
    };
    Box::new(Tables(netfilter::Marker::new(settings, home)))
}

struct Tables(netfilter::Marker);

impl Marker for Tables {
    fn set(&mut self, rules: &[MarkRule]) -> io::Result<()> {
        let marked: Vec<Marked> = rules.iter().map(marked).collect();
        self.0.set(&marked)
    }

    fn is_there(&mut self) -> io::Result<bool> {
        self.0.is_there()
    }

    fn name(&self) -> String {
        format!("nftables' tables {}", self.0.table())
    }
}

const fn marked(rule: &MarkRule) -> Marked {
    Marked {
        transport: match rule.protocol {
            Protocol::Tcp => Transport::Tcp,
            Protocol::Udp => Transport::Udp,
            Protocol::Sctp => Transport::Sctp,
        },
        first: rule.first,
        last: rule.last,
        port: rule.port,
        mark: rule.mark,
    }
}
