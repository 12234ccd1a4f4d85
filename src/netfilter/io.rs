//! Telling the kernel what our tables have. Blocks for a system call or two; for the kernel worker's thread, and the
//! marks for the keeper's.

mod channel;
mod marker;

use super::ruleset::{Contents, Ruleset, Settings};
use super::wire::{Message, TableFamily, delete_table};
use channel::Channel;
pub use marker::Marker;
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
            self.without_vmacs = true;
            Err(refusal)
        })
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
