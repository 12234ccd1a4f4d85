//! Which routers are MASTER, for those who follow them.

use super::Engine;
use crate::vrrp::status::StateName;

impl Engine {
    /// The routers that became MASTER, or ceased to be, since this was called last, by name and in that order: at once,
    /// whether their addresses are there yet or not. A router that a reload ends or renames is not among them: then
    /// [`Self::masters`] has to be looked at.
    pub fn take_turns(&mut self) -> Vec<(String, bool)> {
        std::mem::take(&mut self.turns)
    }

    /// The names of the routers that are MASTER.
    pub fn masters(&self) -> impl Iterator<Item = &str> {
        let masters = self.routers.values().filter(|r| r.state() == StateName::Master);
        masters.map(|router| router.config.name.as_str())
    }
}
