//! Blocks of the top level that nothing comes of yet and that are no virtual router.

/// Static addresses, routes and rules, groups for gratuitous ARP, what is tracked, BFD.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaterNet {}
