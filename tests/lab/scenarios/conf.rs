//! Configurations: the blocks that scenarios vary, as values.

use std::fmt::{self, Display};
use std::net::IpAddr;
use std::time::Duration;

use crate::site::v4;

/// The usual virtual address.
pub fn vip() -> IpAddr {
    v4(0, 100)
}

/// Scripts run as root and are vetted, as on a careful site.
pub const GLOBAL: &str = "global_defs {
    router_id lab
    script_user root
    enable_script_security
}
";

/// A `vrrp_instance`.
#[derive(Clone)]
pub struct Instance<'a> {
    pub name: &'a str,
    pub version: u8,
    pub interface: &'a str,
    pub vrid: u8,
    pub priority: u8,
    /// Milliseconds.
    pub interval: u32,
    /// As `virtual_ipaddress` has them.
    pub addresses: &'a [&'a str],
    /// Further lines.
    pub more: &'a str,
}

impl Default for Instance<'_> {
    /// VRRPv3, because it is faster than a second.
    fn default() -> Self {
        Self {
            name: "VI_1",
            version: 3,
            interface: "eth0",
            vrid: 51,
            priority: 100,
            interval: 500,
            addresses: &["192.0.2.100/24"],
            more: "",
        }
    }
}

impl Instance<'_> {
    /// How long after the last advert a backup takes over.
    pub fn down_time(&self) -> Duration {
        3 * Duration::from_millis(self.interval.into()) + self.skew()
    }

    /// How long after an advert of priority 0 a backup takes over.
    pub fn skew(&self) -> Duration {
        let unit = if self.version == 2 { 1000 } else { self.interval };
        Duration::from_millis(unit.into()) * (256 - u32::from(self.priority)) / 256
    }
}

impl Display for Instance<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            version,
            interface,
            vrid,
            priority,
            addresses,
            more,
            ..
        } = self;
        let interval = f64::from(self.interval) / 1000.0;
        let addresses = addresses.join("\n        ");
        write!(
            f,
            "vrrp_instance {name} {{
    state BACKUP
    version {version}
    interface {interface}
    virtual_router_id {vrid}
    priority {priority}
    advert_int {interval}
    {more}
    virtual_ipaddress {{
        {addresses}
    }}
}}
"
        )
    }
}

/// A `virtual_server` with direct routing and round robin; `check` is the checker of each real server.
pub fn virtual_server(address: IpAddr, port: u16, servers: &[IpAddr], check: &str, more: &str) -> String {
    let real = |server: &IpAddr| {
        format!("    real_server {server} {port} {{\n        weight 1\n        {check}\n    }}\n")
    };
    let servers: String = servers.iter().map(real).collect();
    format!(
        "virtual_server {address} {port} {{
    delay_loop 1
    lb_algo rr
    lb_kind DR
    protocol TCP
    {more}
{servers}}}
"
    )
}

/// A checker that notices a change within two seconds.
pub const TCP_CHECK: &str = "TCP_CHECK {
            connect_timeout 1
            retry 1
            delay_before_retry 1
        }";

/// The same of who refuses: nobody else is found down, however busy the machine is.
pub const PATIENT_CHECK: &str = "TCP_CHECK {
            connect_timeout 10
            retry 1
            delay_before_retry 1
        }";
