//! Telling the kernel what our tables have. Blocks for a system call or two; for the kernel worker's thread, and the
//! marks for the keeper's.

mod channel;
mod marker;

use super::ruleset::{Contents, Ruleset, Settings};
use super::wire::{Message, TableFamily, delete_table};
use channel::Channel;
pub use marker::Marker;
use nix::errno::Errno;
use std::collections::BTreeSet;
use std::io;

/// Our tables and the way to them.
#[derive(Debug)]
pub struct Firewall {
    settings: Settings,
    ruleset: Ruleset,
    /// The contents that the kernel has, or refused last: they are not offered again.
    offered: Contents,
    /// The rules for virtual MACs are refused by this kernel.
    without_vmacs: bool,
    channel: Channel,
}

impl Firewall {
    /// Tables that are not made yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            ruleset: Ruleset::new(settings.clone()),
            settings,
            offered: Contents::default(),
            without_vmacs: false,
            channel: Channel::default(),
        }
    }

    /// Removes tables of our name that an earlier run has left (fact 10.2), and says which. That there is no nftables is no
    /// failure.
    pub fn remove_leftovers(&mut self) -> Vec<&'static str> {
        let mut gone = Vec::new();
        for (family, name) in [(TableFamily::Ip, "ip"), (TableFamily::Ip6, "ip6")] {
            let message = delete_table(family, &self.settings.table);
            if self.channel.carry_out(&[message]).is_ok() {
                gone.push(name);
            }
        }
        gone
    }

    /// Makes it so that the tables have `contents`.
    ///
    /// # Errors
    /// The kernel's refusal; the same contents are not offered again. A kernel that cannot do what virtual MACs need
    /// (it must send copies of packets elsewhere) is still told what to drop.
    pub fn set(&mut self, contents: &Contents) -> io::Result<()> {
        if self.offered == *contents {
            return Ok(());
        }
        self.offered = contents.clone();
        let without = Contents {
            blocked: contents.blocked.clone(),
            ..Contents::default()
        };
        if self.without_vmacs {
            return self.become_contents(&without);
        }
        self.become_contents(contents).or_else(|refusal| {
            self.become_contents(&without)?;
            self.without_vmacs = is_beyond(&refusal);
            Err(refusal)
        })
    }

    /// Makes tables anew of which somebody has removed one. Whether somebody had.
    ///
    /// # Errors
    /// When the kernel does not say, or its refusal.
    pub fn look(&mut self) -> io::Result<bool> {
        let made: Vec<TableFamily> = self.ruleset.tables().collect();
        for family in made {
            if !self.channel.has_table(family, &self.settings.table)? {
                let contents = Contents {
                    blocked: self.offered.blocked.clone(),
                    vmacs: if self.without_vmacs {
                        BTreeSet::new()
                    } else {
                        self.offered.vmacs.clone()
                    },
                };
                if let Some((messages, new)) = self.ruleset.anew(&contents) {
                    self.channel.carry_out(&messages)?;
                    self.ruleset = new;
                }
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether there is a table of ours.
    pub fn is_made(&self) -> bool {
        self.ruleset.tables().next().is_some()
    }

    /// Tables that cannot be changed are made anew, in one step: somebody else has removed them, or changed what is in them.
    fn become_contents(&mut self, contents: &Contents) -> io::Result<()> {
        let (messages, new) = self.ruleset.becoming(contents);
        if let Err(refusal) = self.channel.carry_out(&messages) {
            let (messages, new) = self.ruleset.anew(contents).ok_or(refusal)?;
            self.channel.carry_out(&messages)?;
            self.ruleset = new;
            return Ok(());
        }
        self.ruleset = new;
        Ok(())
    }

    /// Removes the tables that were made.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn remove(&mut self) -> io::Result<()> {
        let delete = |family| delete_table(family, &self.settings.table);
        let messages: Vec<Message> = self.ruleset.tables().map(delete).collect();
        self.ruleset = Ruleset::new(self.settings.clone());
        self.offered = Contents::default();
        self.channel.carry_out(&messages)
    }

    /// The name of the tables.
    pub fn table(&self) -> &str {
        &self.settings.table
    }
}

/// Whether a refusal says that this kernel cannot do it, rather than that it could not just now: a family, an expression or a key
/// that it does not have.
fn is_beyond(refusal: &io::Error) -> bool {
    let beyond = [
        Errno::EOPNOTSUPP,
        Errno::EAFNOSUPPORT,
        Errno::EPROTONOSUPPORT,
        Errno::ENOENT,
        Errno::EINVAL,
    ];
    refusal
        .raw_os_error()
        .is_some_and(|code| beyond.contains(&Errno::from_raw(code)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kernel_could_not_just_now_is_asked_for_again() {
        let says = |errno: Errno| is_beyond(&io::Error::from_raw_os_error(errno as i32));
        assert!(says(Errno::EOPNOTSUPP), "no family");
        assert!(says(Errno::ENOENT), "no expression");
        for just_now in [
            Errno::ENOMEM,
            Errno::ENOBUFS,
            Errno::EAGAIN,
            Errno::EBUSY,
            Errno::EPERM,
        ] {
            assert!(!says(just_now), "{just_now}");
        }
        assert!(!is_beyond(&io::ErrorKind::NotFound.into()), "not the kernel's");
    }
}
