//! The switch: a node with a bridge for each segment, a port for each interface, and the faults one can ask of it.

use super::node::Node;
use super::{mac, v4, v6};
use crate::timeline::note;
use crate::wire::Capture;

pub struct Switch {
    node: Node,
}

impl Switch {
    pub fn new(segments: u8) -> Self {
        let node = Node::new("switch");
        for segment in 0..segments {
            node.ip(&format!(
                "link add br{segment} type bridge forward_delay 0 mcast_snooping 0\n\
                 link set br{segment} addrgenmode none\n\
                 link set br{segment} up\n"
            ));
        }
        Self { node }
    }

    /// Gives `node` its interface on `segment`, with the addresses of `number`.
    pub fn plug(&self, node: &Node, segment: u8, number: u8) {
        let port = port(&node.name, segment);
        self.connect(node, &format!("eth{segment}"), &port, segment, number);
        self.node.ip(&format!("link set {port} master br{segment}\n"));
    }

    /// A wire without a bridge: what `node` sends is seen on `port` and goes nowhere.
    pub fn connect(&self, node: &Node, interface: &str, port: &str, segment: u8, number: u8) {
        let (inside, mac) = (node.pid(), mac(segment, number));
        self.node.ip(&format!(
            "link add {port} type veth peer name {interface} address {mac} netns {inside}\n\
             link set {port} addrgenmode none\n\
             link set {port} up\n"
        ));
        node.ip(&format!(
            "address add {}/24 dev {interface}\n\
             address add {}/64 dev {interface}\n\
             link set {interface} up\n",
            v4(segment, number),
            v6(segment, number)
        ));
    }

    pub fn capture(&self) -> Capture {
        self.node.within(Capture::start)
    }

    /// Takes a port off the switch without its node noticing: the carrier stays.
    pub fn cut(&self, port: &str) {
        note("switch", format!("port {port} is cut"));
        self.node.ip(&format!("link set {port} nomaster\n"));
    }

    /// Puts a cut port back.
    pub fn mend(&self, port: &str, segment: u8) {
        note("switch", format!("port {port} is back"));
        self.node.ip(&format!("link set {port} master br{segment}\n"));
    }

    /// Pulls the plug: the node loses its carrier.
    pub fn unplug(&self, port: &str) {
        note("switch", format!("port {port} is unplugged"));
        self.node.ip(&format!("link set {port} down\n"));
    }

    pub fn replug(&self, port: &str) {
        note("switch", format!("port {port} is plugged in"));
        self.node.ip(&format!("link set {port} up\n"));
    }

    /// Loses all that comes from the port's node; it still hears.
    pub fn mute(&self, port: &str) {
        note("switch", format!("port {port} is mute"));
        self.lose(port, "ingress");
    }

    /// Loses all that goes to the port's node; it still speaks.
    pub fn deafen(&self, port: &str) {
        note("switch", format!("port {port} is deaf"));
        self.lose(port, "egress");
    }

    /// Ends [`Self::mute`] and [`Self::deafen`].
    pub fn heal(&self, port: &str) {
        note("switch", format!("port {port} is healed"));
        self.node.run(&["tc", "qdisc", "del", "dev", port, "clsact"]);
    }

    fn lose(&self, port: &str, direction: &str) {
        self.node.run(&["tc", "qdisc", "replace", "dev", port, "clsact"]);
        self.node.run(&[
            "tc", "filter", "add", "dev", port, direction, "matchall", "action", "drop",
        ]);
    }
}

/// The switch's port to which `node` is connected on `segment`.
fn port(node: &str, segment: u8) -> String {
    match segment {
        0 => node.into(),
        _ => format!("{node}.{segment}"),
    }
}
