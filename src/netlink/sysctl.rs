//! Kernel settings of interfaces (`/proc/sys/net`): set, remembered, and restored when nobody needs them any more, unless
//! somebody else has set them since (facts 9.5, 9.6). Edge: reads and writes files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where they are.
const ROOT: &str = "/proc/sys/net";

/// The settings, and what was changed of them.
#[derive(Debug)]
pub struct Sysctls {
    root: PathBuf,
    /// In the order in which they were changed.
    changed: Vec<Changed>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Changed {
    /// For what: several may need the same.
    owner: String,
    setting: String,
    before: i64,
    now: i64,
}

impl Default for Sysctls {
    fn default() -> Self {
        Self::of(Path::new(ROOT))
    }
}

impl Sysctls {
    /// Those below `root`.
    fn of(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            changed: Vec::new(),
        }
    }

    /// What `setting` is, such as `ipv4/conf/eth0/rp_filter`; `None` when the kernel has no such thing.
    pub fn get(&self, setting: &str) -> Option<i64> {
        let text = fs::read_to_string(self.root.join(setting)).ok()?;
        text.trim().parse().ok()
    }

    /// Sets it for good: its interface is ours and goes with us. A kernel without the setting needs none.
    ///
    /// # Errors
    /// As the kernel says.
    pub fn set(&self, setting: &str, value: i64) -> io::Result<()> {
        match self.get(setting) {
            Some(before) if before != value => self.write(setting, value),
            Some(_) | None => Ok(()),
        }
    }

    /// Sets it until [`Self::restore`] is told of `owner`. Returns what it was, if it was something else.
    ///
    /// # Errors
    /// As the kernel says.
    pub fn borrow(&mut self, owner: &str, setting: &str, value: i64) -> io::Result<Option<i64>> {
        let Some(before) = self.get(setting).filter(|before| *before != value) else {
            return Ok(None);
        };
        self.write(setting, value)?;
        self.changed.push(Changed {
            owner: owner.to_owned(),
            setting: setting.to_owned(),
            before,
            now: value,
        });
        Ok(Some(before))
    }

    /// Undoes what was set for `owner`, the last first. Returns each setting that is what it was again.
    pub fn restore(&mut self, owner: &str) -> Vec<(String, i64)> {
        let (mut of_owner, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.changed)
            .into_iter()
            .partition(|changed| changed.owner == owner);
        self.changed = rest;
        of_owner.reverse();
        of_owner.retain(|changed| {
            // Another value is another's wish; an interface that is gone has none.
            self.get(&changed.setting) == Some(changed.now)
                && self.write(&changed.setting, changed.before).is_ok()
        });
        of_owner
            .into_iter()
            .map(|changed| (changed.setting, changed.before))
            .collect()
    }

    /// For whom something is set.
    pub fn owners(&self) -> impl Iterator<Item = &str> {
        self.changed.iter().map(|changed| changed.owner.as_str())
    }

    /// The interfaces, `all` and `default` that have settings of IPv4.
    pub fn interfaces(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root.join("ipv4/conf"));
        let names = entries.into_iter().flatten().flatten();
        let mut names: Vec<String> = names
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    fn write(&self, setting: &str, value: i64) -> io::Result<()> {
        fs::write(self.root.join(setting), value.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::TempDir;

    fn tree(settings: &[(&str, i64)]) -> (TempDir, Sysctls) {
        let directory = TempDir::new();
        for (setting, value) in settings {
            directory.file(setting, &format!("{value}\n"));
        }
        let sysctls = Sysctls::of(directory.dir());
        (directory, sysctls)
    }

    /// Facts: 9.6
    #[test]
    fn what_was_borrowed_is_restored_unless_somebody_set_it() {
        let (_directory, mut sysctls) = tree(&[
            ("ipv4/conf/all/rp_filter", 1),
            ("ipv4/conf/eth0/rp_filter", 0),
            ("ipv4/conf/eth1/rp_filter", 2),
        ]);
        assert_eq!(sysctls.interfaces(), ["all", "eth0", "eth1"]);
        assert_eq!(
            sysctls.borrow("a", "ipv4/conf/eth0/rp_filter", 1).unwrap(),
            Some(0)
        );
        assert_eq!(sysctls.borrow("a", "ipv4/conf/eth1/rp_filter", 2).unwrap(), None);
        assert_eq!(
            sysctls.borrow("a", "ipv4/conf/all/rp_filter", 0).unwrap(),
            Some(1)
        );
        assert_eq!(sysctls.restore("b"), []);
        sysctls.set("ipv4/conf/eth0/rp_filter", 2).unwrap();
        assert_eq!(sysctls.restore("a"), [("ipv4/conf/all/rp_filter".to_owned(), 1)]);
        assert_eq!(sysctls.get("ipv4/conf/eth0/rp_filter"), Some(2), "another's wish");
        assert_eq!(sysctls.restore("a"), [], "once");
    }

    #[test]
    fn a_kernel_without_a_setting_needs_none() {
        let (_directory, mut sysctls) = tree(&[]);
        sysctls.set("ipv6/conf/eth0/disable_ipv6", 1).unwrap();
        assert_eq!(
            sysctls.borrow("a", "ipv6/conf/eth0/disable_ipv6", 1).unwrap(),
            None
        );
        assert_eq!(sysctls.interfaces(), Vec::<String>::new());
    }
}
