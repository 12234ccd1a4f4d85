//! Settings of `global_defs` and of the top level that nothing comes of yet.

/// `global_defs` and single keywords of the top level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaterGlobal {}
