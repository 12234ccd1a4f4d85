//! Settings of the kernel's IPVS as a whole: timeouts, the daemons that tell other kernels of connections, flushing.

use std::collections::BTreeSet;
use std::net::IpAddr;

/// What there shall be beside virtual servers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IpvsConfig {
    /// `lvs_timeouts`
    pub timeouts: Timeouts,
    /// `lvs_sync_daemon`
    pub sync: Option<SyncConfig>,
    /// `lvs_flush`: the table is emptied before our services come.
    pub flush: bool,
    /// `lvs_flush_on_stop`
    pub flush_on_stop: FlushOnStop,
    /// `nftables_ipvs`: groups of addresses are told by firewall marks.
    pub marks: Option<MarkConfig>,
    /// `drift_repair`: what others change of daemons and timeouts is put back.
    pub repair: bool,
}

/// How packets get their marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkConfig {
    /// `nftables_ipvs`: the name of the tables.
    pub table: String,
    /// `nftables_ipvs_priority`
    pub priority: i32,
    /// `nftables_counters`
    pub counters: bool,
    /// `nftables_ipvs_start_fwmark`: the first mark.
    pub start: u32,
}

impl IpvsConfig {
    /// No timeouts and no daemons are wanted.
    pub fn is_idle(&self) -> bool {
        self.timeouts == Timeouts::default() && self.sync.is_none()
    }

    /// Which daemons run while these instances are MASTER: both where none decides (fact 18.1), one of them otherwise
    /// (fact 18.2). Those that are `running` stay while that is not known.
    pub fn roles(
        &self,
        masters: Option<&BTreeSet<String>>,
        running: impl IntoIterator<Item = Role>,
    ) -> Vec<Role> {
        let Some(sync) = &self.sync else {
            return Vec::new();
        };
        match (&sync.follow, masters) {
            (None, _) => Role::ALL.to_vec(),
            (Some(_), None) => running.into_iter().collect(),
            (Some(instance), Some(masters)) if masters.contains(instance) => vec![Role::Master],
            (Some(_), Some(_)) => vec![Role::Backup],
        }
    }
}

/// Seconds that connections are remembered without a packet; 0 leaves a value alone (fact 18.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the options")]
pub struct Timeouts {
    pub tcp: u32,
    pub tcpfin: u32,
    pub udp: u32,
}

impl Timeouts {
    /// `self` where it says something, otherwise `old`.
    #[must_use]
    pub const fn over(self, old: Self) -> Self {
        const fn choose(new: u32, old: u32) -> u32 {
            if new == 0 { old } else { new }
        }
        Self {
            tcp: choose(self.tcp, old.tcp),
            tcpfin: choose(self.tcpfin, old.tcpfin),
            udp: choose(self.udp, old.udp),
        }
    }
}

/// What a daemon of the kernel does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Tells of this kernel's connections.
    Master,
    /// Hears of those of others.
    Backup,
}

impl Role {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Master, Self::Backup];
}

/// When a daemon runs, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncConfig {
    /// The instance that decides which one.
    pub follow: Option<String>,
    /// How.
    pub daemon: SyncDaemon,
}

/// A daemon of the kernel. What is `None` is left to the kernel (fact 18.4).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the options")]
pub struct SyncDaemon {
    pub interface: String,
    pub id: u8,
    pub maxlen: Option<u16>,
    pub port: Option<u16>,
    pub ttl: Option<u8>,
    pub group: Option<IpAddr>,
}

impl SyncDaemon {
    /// Whether `is`, of which the kernel has told everything, is what was asked for.
    pub fn is_told(&self, is: &Self) -> bool {
        fn fits<T: PartialEq>(wanted: Option<&T>, is: Option<&T>) -> bool {
            wanted.is_none() || wanted == is
        }
        let Self {
            interface,
            id,
            maxlen,
            port,
            ttl,
            group,
        } = self;
        *interface == is.interface
            && *id == is.id
            && fits(maxlen.as_ref(), is.maxlen.as_ref())
            && fits(port.as_ref(), is.port.as_ref())
            && fits(ttl.as_ref(), is.ttl.as_ref())
            && fits(group.as_ref(), is.group.as_ref())
    }
}

/// What a stop leaves of the table, and what is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FlushOnStop {
    /// Every server is removed, then its service.
    #[default]
    No,
    /// `lvs_flush_on_stop VS`: services are removed, and the kernel removes their servers.
    Services,
    /// `lvs_flush_on_stop`: the table is emptied.
    Table,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_decides_which_daemon_runs() {
        let with = |follow: Option<&str>| IpvsConfig {
            sync: Some(SyncConfig {
                follow: follow.map(ToOwned::to_owned),
                daemon: SyncDaemon {
                    interface: "eth0".into(),
                    id: 0,
                    maxlen: None,
                    port: None,
                    ttl: None,
                    group: None,
                },
            }),
            ..IpvsConfig::default()
        };
        let masters = BTreeSet::from(["A".to_owned()]);
        for (config, known, unknown) in [
            (with(None), &Role::ALL[..], &Role::ALL[..]),
            (with(Some("A")), &[Role::Master], &[Role::Backup]),
            (with(Some("B")), &[Role::Backup], &[Role::Backup]),
            (IpvsConfig::default(), &[], &[]),
        ] {
            assert_eq!(config.roles(Some(&masters), [Role::Backup]), known);
            assert_eq!(config.roles(None, [Role::Backup]), unknown);
        }
        assert_eq!(with(Some("A")).roles(None, []), [], "none is begun");
    }

    #[test]
    fn a_timeout_of_nothing_leaves_the_old_one() {
        let of = |tcp, tcpfin, udp| Timeouts { tcp, tcpfin, udp };
        assert_eq!(of(100, 0, 7).over(of(900, 120, 300)), of(100, 120, 7));
    }
}
