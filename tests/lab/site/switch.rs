//! The switch: a node with a bridge for each segment, a port for each interface, and the faults one can ask of it.

use super::node::Node;
use super::{mac, v4, v6};
use crate::timeline::note;
use crate::wire::{Capture, Mac};

pub struct Switch {
    node: Node,
}

impl Switch {
    pub fn new() -> Self {
        Self {
            node: Node::new("switch"),
        }
    }

    /// Gives every node (with its number) an interface on each of `segments` segments.
    pub fn join(&self, nodes: &[(&Node, u8)], segments: u8) {
        let mut lines = String::new();
        for segment in 0..segments {
            lines += &format!(
                "link add br{segment} type bridge forward_delay 0 mcast_snooping 0\n\
                 link set br{segment} addrgenmode none up\n"
            );
            for (node, number) in nodes {
                let port = port(&node.name, segment);
                lines += &cable(node, &format!("eth{segment}"), &port, mac(segment, *number));
                lines += &format!("link set {port} master br{segment}\n");
            }
        }
        self.node.ip(&lines);
        for (node, number) in nodes {
            node.ip(&(0..segments)
                .map(|segment| settle(segment, *number))
                .collect::<String>());
        }
    }

    /// Gives `node` an `eth0` that ends at a port of the switch, from where nothing goes on.
    pub fn watch(&self, node: &Node, number: u8) {
        self.node.ip(&cable(node, "eth0", &node.name, mac(0, number)));
        node.ip(&settle(0, number));
    }

    pub fn capture(&self) -> Capture {
        self.node.within(Capture::start)
    }

    /// A capture that puts nothing into the timeline: of thousands of routers it would be too much.
    pub fn capture_quietly(&self) -> Capture {
        self.node.within(Capture::quietly)
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

/// Joins `interface` of `node` to `port`.
fn cable(node: &Node, interface: &str, port: &str, mac: Mac) -> String {
    let inside = node.pid();
    format!(
        "link add {port} type veth peer name {interface} address {mac} netns {inside}\n\
         link set {port} addrgenmode none up\n"
    )
}

/// The addresses of host `number` on its interface of `segment`.
fn settle(segment: u8, number: u8) -> String {
    let (v4, v6, interface) = (v4(segment, number), v6(segment, number), format!("eth{segment}"));
    format!(
        "address add {v4}/24 dev {interface}\n\
         address add {v6}/64 dev {interface}\n\
         link set {interface} up\n\
         link set lo up\n"
    )
}

/// The switch's port to which `node` is connected on `segment`.
pub fn port(node: &str, segment: u8) -> String {
    match segment {
        0 => node.into(),
        _ => format!("{node}.{segment}"),
    }
}
