//! Blocks of the top level that nothing comes of yet and that are no virtual router.

use crate::conf::config::LinkbeatMethod;
use crate::net::IfName;

/// Those of interfaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaterNet {
    /// `linkbeat_interfaces`
    pub linkbeat: Vec<(IfName, Option<LinkbeatMethod>)>,
}
