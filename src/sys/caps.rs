//! Which capabilities the process lacks, from `/proc/self/status`.

use std::fmt;
use std::io;

/// A capability that some job of the daemon needs (`capabilities(7)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// Signals to scripts that run as another user.
    Kill,
    /// Scripts as another group.
    Setgid,
    /// Scripts as another user.
    Setuid,
    /// Checks from a source port below 1024.
    NetBindService,
    /// Addresses, IPVS, marks, priorities of packets.
    NetAdmin,
    /// Raw sockets: adverts, gratuitous ARP.
    NetRaw,
    /// Entering another network namespace.
    SysAdmin,
    /// Memory that stays in memory.
    IpcLock,
    /// Real-time scheduling.
    SysNice,
}

impl Capability {
    /// All of them, by number.
    pub const ALL: [Self; 9] = [
        Self::Kill,
        Self::Setgid,
        Self::Setuid,
        Self::NetBindService,
        Self::NetAdmin,
        Self::NetRaw,
        Self::IpcLock,
        Self::SysAdmin,
        Self::SysNice,
    ];

    /// The kernel's number.
    pub const fn number(self) -> u32 {
        match self {
            Self::Kill => 5,
            Self::Setgid => 6,
            Self::Setuid => 7,
            Self::NetBindService => 10,
            Self::NetAdmin => 12,
            Self::NetRaw => 13,
            Self::IpcLock => 14,
            Self::SysAdmin => 21,
            Self::SysNice => 23,
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kill => "CAP_KILL",
            Self::Setgid => "CAP_SETGID",
            Self::Setuid => "CAP_SETUID",
            Self::NetBindService => "CAP_NET_BIND_SERVICE",
            Self::NetAdmin => "CAP_NET_ADMIN",
            Self::NetRaw => "CAP_NET_RAW",
            Self::IpcLock => "CAP_IPC_LOCK",
            Self::SysAdmin => "CAP_SYS_ADMIN",
            Self::SysNice => "CAP_SYS_NICE",
        })
    }
}

/// The capabilities of `wanted` that the process does not have in effect, in that order.
///
/// # Errors
/// When `/proc` is not readable or does not say.
pub fn missing(wanted: &[Capability]) -> io::Result<Vec<Capability>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let effective = effective(&status)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no CapEff line in /proc/self/status"))?;
    Ok(lacking(effective, wanted))
}

fn effective(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

fn lacking(effective: u64, wanted: &[Capability]) -> Vec<Capability> {
    let has = |capability: &Capability| effective >> capability.number() & 1 == 1;
    wanted
        .iter()
        .filter(|capability| !has(capability))
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_effective_set() {
        let status = "Name:\tx\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000003000\nCapBnd:\t0\n";
        let set = effective(status).unwrap();
        assert_eq!(lacking(set, &[Capability::NetAdmin, Capability::NetRaw]), []);
        assert_eq!(
            lacking(set, &[Capability::Setuid, Capability::NetRaw, Capability::Kill]),
            [Capability::Setuid, Capability::Kill]
        );
        assert_eq!(lacking(0, &Capability::ALL), Capability::ALL);
        assert_eq!(effective("Name:\tx\n"), None);
    }

    #[test]
    fn this_process_can_be_asked() {
        assert!(missing(&Capability::ALL).is_ok());
    }
}
