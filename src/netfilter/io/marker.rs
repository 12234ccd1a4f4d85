//! Marks in the kernel's nftables.

use super::Channel;
use crate::netfilter::marks::{MarkSettings, MarkTables, Marked};
use crate::netfilter::wire::{TableFamily, delete_table};
use crate::sys::netns::Home;
use std::io;

/// Our tables of marks and the way to them.
#[derive(Debug)]
pub struct Marker {
    tables: MarkTables,
    channel: Channel,
    /// What an earlier run has left was looked for.
    tidy: bool,
}

impl Marker {
    /// Tables that are not made yet, in this network namespace.
    pub fn new(settings: MarkSettings, home: Home) -> Self {
        Self {
            tables: MarkTables::new(settings),
            channel: Channel::within(home),
            tidy: false,
        }
    }

    /// The name of the tables.
    pub fn table(&self) -> &str {
        self.tables.name()
    }

    /// Makes it so that this is marked, and nothing else by us; without anything the tables go. Tables that cannot be
    /// changed are made anew: somebody else has removed them, or changed what is in them.
    ///
    /// # Errors
    /// The kernel's refusal: everything is as it was before.
    pub fn set(&mut self, marked: &[Marked]) -> io::Result<()> {
        self.change(marked).or_else(|refusal| {
            if !self.tables.are_made() {
                return Err(refusal);
            }
            self.tables.forget();
            self.tidy = false;
            self.change(marked)
        })
    }

    /// Whether the tables that were made are still there. If not, the next [`Self::set`] makes them anew.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn is_there(&mut self) -> io::Result<bool> {
        for family in [TableFamily::Ip, TableFamily::Ip6] {
            if self.tables.has(family) && !self.channel.has_table(family, self.tables.name())? {
                self.tables.forget();
                self.tidy = false;
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn change(&mut self, marked: &[Marked]) -> io::Result<()> {
        let (messages, new) = self.tables.becoming(marked);
        self.channel.carry_out(&messages)?;
        self.tables = new;
        if !std::mem::replace(&mut self.tidy, true) {
            self.remove_leftovers();
        }
        Ok(())
    }

    /// Removes what an earlier run has left and this one has not replaced. That there is none is no failure.
    fn remove_leftovers(&mut self) {
        for family in [TableFamily::Ip, TableFamily::Ip6] {
            if !self.tables.has(family) {
                let gone = self
                    .channel
                    .carry_out(&[delete_table(family, self.tables.name())]);
                tracing::debug!(target: "check", "a table of an earlier run: {gone:?}");
            }
        }
    }
}
