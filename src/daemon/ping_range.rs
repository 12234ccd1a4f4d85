//! `net.ipv4.ping_group_range`: which groups may open the ICMP sockets of PING_CHECK. The range is made to hold ours while
//! there is such a checker, and put back afterwards, unless somebody else has set it meanwhile (LVS fact 9.10).

use crate::check::CheckConfig;
use crate::check::config::ProbeConfig;
use std::fs;
use std::path::{Path, PathBuf};
use tracing::warn;

const SETTING: &str = "/proc/sys/net/ipv4/ping_group_range";

/// The setting, and what it was. Put back when this is dropped.
#[derive(Debug)]
pub(super) struct PingRange {
    path: PathBuf,
    changed: Option<Changed>,
}

#[derive(Debug)]
struct Changed {
    before: Range,
    now: Range,
}

/// First and last group; when the first is above the last, none may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range(u32, u32);

impl Default for PingRange {
    fn default() -> Self {
        Self {
            path: SETTING.into(),
            changed: None,
        }
    }
}

impl PingRange {
    /// Makes the range what the checkers of `config` need; `group` is the daemon's.
    pub(super) fn apply(&mut self, config: &CheckConfig, group: u32) {
        let mut probes = config
            .services
            .iter()
            .flat_map(|service| &service.real_servers)
            .flat_map(|server| &server.checkers)
            .map(|checker| &*checker.probe);
        if probes.any(|probe| matches!(probe, ProbeConfig::Ping(_))) {
            self.widen(group);
        } else {
            self.restore();
        }
    }

    fn widen(&mut self, group: u32) {
        let Some(before) = Range::read(&self.path) else {
            return;
        };
        if before.has(0) && before.has(group) {
            return;
        }
        let now = Range(
            0,
            if before.is_empty() {
                group
            } else {
                before.1.max(group)
            },
        );
        if let Err(error) = now.write(&self.path) {
            warn!("PING_CHECK: {} cannot be changed: {error}", self.path.display());
            return;
        }
        if !before.is_empty() {
            warn!(
                "Warning: {} being expanded from {} {} to {} {}",
                self.path.display(),
                before.0,
                before.1,
                now.0,
                now.1
            );
        }
        let before = self.changed.take().map_or(before, |changed| changed.before);
        self.changed = Some(Changed { before, now });
    }

    fn restore(&mut self) {
        if let Some(Changed { before, now }) = self.changed.take()
            && Range::read(&self.path) == Some(now)
            && let Err(error) = before.write(&self.path)
        {
            warn!("{} cannot be put back: {error}", self.path.display());
        }
    }
}

impl Drop for PingRange {
    fn drop(&mut self) {
        self.restore();
    }
}

impl Range {
    fn read(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        let mut words = text.split_whitespace();
        Some(Self(words.next()?.parse().ok()?, words.next()?.parse().ok()?))
    }

    fn write(self, path: &Path) -> std::io::Result<()> {
        fs::write(path, format!("{}\t{}\n", self.0, self.1))
    }

    const fn is_empty(self) -> bool {
        self.0 > self.1
    }

    const fn has(self, group: u32) -> bool {
        self.0 <= group && group <= self.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::engine::tests as engine;
    use crate::script::testing::Log;

    fn pinging() -> CheckConfig {
        let mut checker = engine::tcp("192.0.2.1:80");
        checker.probe = ProbeConfig::Ping(engine::connection("192.0.2.1:80")).into();
        let server = engine::real_server("192.0.2.1:80", vec![checker]);
        engine::config(vec![engine::service("10.0.0.1:80", vec![server])])
    }

    /// LVS facts: 9.10, 17.5
    #[test]
    fn the_range_is_widened_while_it_is_needed() {
        let path = std::env::temp_dir().join(format!("steadfast-ping-range-{}", std::process::id()));
        for (before, group, during, warned) in [
            ("1\t0\n", 0, "0\t0\n", None),
            ("1\t0\n", 12, "0\t12\n", None),
            ("100\t200\n", 0, "0\t200\n", Some("from 100 200 to 0 200")),
            ("0\t2147483647\n", 0, "0\t2147483647\n", None),
        ] {
            let log = Log::capture();
            fs::write(&path, before).unwrap();
            let now = || fs::read_to_string(&path).unwrap();
            let mut range = PingRange {
                path: path.clone(),
                changed: None,
            };
            range.apply(&CheckConfig::default(), group);
            assert_eq!(now(), before);
            range.apply(&pinging(), group);
            range.apply(&pinging(), group);
            assert_eq!(now(), during);
            range.apply(&CheckConfig::default(), group);
            assert_eq!(now(), before);
            range.apply(&pinging(), group);
            drop(range);
            assert_eq!(now(), before);
            // Each time that it is widened.
            let warning = warned.map(|what| format!("Warning: {} being expanded {what}", path.display()));
            assert_eq!(
                log.lines(),
                Vec::from_iter([warning.clone(), warning].into_iter().flatten())
            );
        }
        // What somebody else has set stays.
        let mut range = PingRange {
            path: path.clone(),
            changed: None,
        };
        fs::write(&path, "1 0").unwrap();
        range.apply(&pinging(), 0);
        fs::write(&path, "0\t9\n").unwrap();
        drop(range);
        assert_eq!(fs::read_to_string(&path).unwrap(), "0\t9\n");
        fs::remove_file(&path).unwrap();
    }
}
