//! Interfaces as the kernel shows them: names, indexes, MACs and the state of a link with its addresses.

use super::Cidr;
use std::fmt;
use std::sync::Arc;

/// The name of an interface: 1 to 15 octets, no blank, no slash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IfName(Arc<str>);

impl IfName {
    /// The longest name that the kernel takes, in octets (`IFNAMSIZ` − 1).
    pub const MAX: usize = 15;

    /// Checks `name` by the kernel's rule; `None` when it cannot be an interface's name.
    pub fn new(name: &str) -> Option<Self> {
        let fits = !name.is_empty() && name.len() <= Self::MAX && name != "." && name != "..";
        let clean = !name.contains(|c: char| c == '/' || c == ':' || c.is_whitespace() || c == '\0');
        (fits && clean).then(|| Self(name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The kernel's number of an interface in its namespace; never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IfIndex(pub u32);

/// An Ethernet address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An address found on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// Address and prefix.
    pub cidr: Cidr,
    /// IPv6: duplicate address detection has not ended; the address cannot be a source yet.
    pub tentative: bool,
}

/// All that deciding code needs to know of an interface: a whole value, sent anew at every change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceStatus {
    /// Its name.
    pub name: IfName,
    /// Its index; changes when it is deleted and made again.
    pub index: IfIndex,
    /// Its MAC; `None` for a link without one (tunnels, loopback's zero address).
    pub mac: Option<Mac>,
    /// Octets.
    pub mtu: u32,
    /// `IFF_UP` and `IFF_RUNNING`: the state that keepalived calls up.
    pub up: bool,
    /// `IFF_MULTICAST`.
    pub multicast: bool,
    /// `IFF_NOARP`: nothing is announced here.
    pub noarp: bool,
    /// `IFF_LOOPBACK`.
    pub loopback: bool,
    /// Its addresses, in the kernel's order.
    pub addresses: Vec<InterfaceAddress>,
    /// What it is made of.
    pub made: LinkTraits,
}

/// What an interface is made of. By default Ethernet of no kind that matters here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LinkTraits {
    /// Its kind.
    pub kind: LinkKind,
    /// Whether its frames are Ethernet's.
    pub layer: LinkLayer,
    /// The interface below it: a macvlan's or an ipvlan's.
    pub parent: Option<IfIndex>,
    /// The interface that it is a member of: a VRF, a bridge, a bond.
    pub master: Option<IfIndex>,
    /// `ip link`'s group.
    pub group: u32,
}

/// The kinds of links that matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LinkKind {
    /// Any other.
    #[default]
    Other,
    /// A macvlan.
    Macvlan {
        /// In private mode, as VMACs are.
        private: bool,
    },
    /// An ipvlan.
    Ipvlan {
        /// In L2 mode, and in this mode of its own; `None`: in L3 or L3S mode.
        l2: Option<IpvlanMode>,
    },
    /// A VRF.
    Vrf {
        /// Its routing table.
        table: u32,
    },
}

/// What frames are like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LinkLayer {
    /// Ethernet's.
    #[default]
    Ethernet,
    /// Any other.
    Other,
}

/// Whom the ipvlans of one interface reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IpvlanMode {
    /// Each other and the outside.
    #[default]
    Bridge,
    /// The outside only.
    Private,
    /// Each other through the switch.
    Vepa,
}
