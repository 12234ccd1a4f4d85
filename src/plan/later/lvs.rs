//! Settings of virtual servers and checkers that nothing comes of yet.

/// Virtual servers, their groups and checkers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaterLvs {}
