//! Traffic: a client talks with real servers through a director, by each way of forwarding, while servers fail, are
//! drained and come back.
//!
//! Each way has the same services, of both families and both transports: new conversations show who is chosen, lasting ones
//! what becomes of established connections. What a server answers is its name.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use nix::libc;
use nix::sys::signal::Signal;

use super::conf::GLOBAL;
use super::dumps::{JSON, fresh};
use super::expect::SOON;
use crate::modules;
use crate::site::{Director, Mode, Plan, Site, Talk, Transport, answer, v4, v6};
use crate::timeline::{Stamp, note, wait_for};

/// A server that fails is removed.
const PLAIN: u16 = 7000;
/// A server that fails is inhibited.
const INHIBIT: u16 = 7001;
/// A client stays with its server.
const STICKY: u16 = 7002;
/// A service by mark.
const MARKED: u16 = 7003;

const PERSISTENCE: Duration = Duration::from_secs(2);
/// The mark of IPv4; that of IPv6 is one more.
const MARK: u8 = 4;

const SERVERS: u8 = 3;
const GUE: u16 = 6080;

/// How packets get to the servers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Nat,
    Direct,
    Ipip,
    Gue,
    Gre,
}

impl Way {
    fn keywords(self) -> String {
        match self {
            Self::Nat => "NAT".into(),
            Self::Direct => "DR".into(),
            Self::Ipip => "TUN".into(),
            Self::Gue => format!("TUN type gue port {GUE} nocsum"),
            Self::Gre => "TUN type gre".into(),
        }
    }

    /// As the kernel shows it.
    const fn shown(self) -> &'static str {
        match self {
            Self::Nat => "Masq",
            Self::Direct => "Route",
            _ => "Tunnel",
        }
    }

    /// The port of the servers for one of the director.
    const fn port(self, port: u16) -> u16 {
        match self {
            Self::Nat if port != MARKED => port + 1000,
            _ => port,
        }
    }
}

/// The servers are behind the director, which rewrites addresses and ports.
/// LVS facts: 2.10, 2.12, 5.2, 16.5
pub fn nat() {
    let mut field = Field::new(2);
    let behind = |number: u8| [v4(1, 10 + number), v6(1, 10 + number)];
    for (server, number) in field.site.servers.iter().zip(1..) {
        let (gateway4, gateway6) = (v4(1, 1), v6(1, 1));
        server.ip(&format!(
            "link set eth0 down\nroute add default via {gateway4}\nroute add default via {gateway6}\n"
        ));
        for port in [PLAIN, INHIBIT, STICKY, MARKED] {
            answer(server, Way::Nat.port(port), &behind(number));
        }
    }
    field.play(Way::Nat);
}

/// The servers have the virtual addresses too, and answer directly.
/// LVS facts: 2.10, 2.12, 5.2, 16.5
pub fn direct() {
    let mut field = Field::new(1);
    field.answer_as_one();
    field.play(Way::Direct);
}

/// The servers unwrap what comes in IPIP (or its kin of IPv6, or of both), GUE and GRE, and answer directly.
/// LVS facts: 2.10, 2.11, 2.12, 2.13, 5.2, 16.5
pub fn tunnel() {
    let mut field = Field::new(1);
    field.answer_as_one();
    for server in &field.site.servers {
        let up = |device: &str| format!("link set {device} up\n");
        server.ip(&["tunl0", "sit0", "ip6tnl0", "gre0", "ip6gre0"].map(up).concat());
        // Of its own it takes IPv6 in IPv6 only.
        server.run(&["ip", "-6", "tunnel", "change", "ip6tnl0", "mode", "any"]);
        for family in ["-4", "-6"] {
            server.run(&["ip", family, "fou", "add", "port", &GUE.to_string(), "gue"]);
        }
    }
    for way in [Way::Ipip, Way::Gue, Way::Gre] {
        field.play(way);
    }
}

/// Connections, packets in and out, octets in and out.
type Counters = [u64; 5];

/// What the JSON dump counts, by service and by server of it.
fn counters_of(dump: &str) -> BTreeMap<String, Counters> {
    let dump: serde_json::Value = serde_json::from_str(dump).expect(dump);
    let keys = [
        "connections",
        "packets_in",
        "packets_out",
        "bytes_in",
        "bytes_out",
    ];
    let counters = |of: &serde_json::Value| keys.map(|key| of["statistics"][key].as_u64().expect(key));
    let mut all = BTreeMap::new();
    for service in dump["virtual_servers"].as_array().expect("a list") {
        let name = service["name"].as_str().expect("a name");
        all.insert(name.to_owned(), counters(service));
        for server in service["real_servers"].as_array().expect("a list") {
            let server_name = server["name"].as_str().expect("a name");
            let address = server_name.split(['[', ']']).nth(1).expect(server_name);
            all.insert(format!("{name} -> {address}"), counters(server));
        }
    }
    all
}

struct Field {
    site: Site,
    director: Director,
    segments: u8,
}

/// A service, as the client sees it.
#[derive(Clone, Copy)]
struct Target {
    transport: Transport,
    address: SocketAddr,
}

/// Every transport and family on one port.
fn targets(port: u16) -> impl Iterator<Item = Target> {
    [Transport::Tcp, Transport::Udp]
        .into_iter()
        .flat_map(move |transport| {
            vips().map(|vip| Target {
                transport,
                address: SocketAddr::new(vip, port),
            })
        })
}

fn vips() -> [IpAddr; 2] {
    [v4(0, 100), v6(0, 100)]
}

/// The steps of a way.
impl Field {
    fn play(&mut self, way: Way) {
        note("lab", way.keywords());
        self.director.run_with(&self.config(way, 1));
        self.wait_weights(way, [1, 1, 1]);
        for target in all_targets() {
            assert_eq!(self.answers(target), ["r1", "r2", "r3"], "{}", target.name());
        }
        self.counters_are_shown();
        self.server_fails(way);
        self.connections_expire(way);
        self.server_is_drained(way);
        self.clients_stay();
        assert_eq!(self.director.stop(), Some(0), "exit code");
    }

    /// The JSON dump has the kernel's counters, as `ipvsadm` shows them.
    fn counters_are_shown(&self) {
        let shown = wait_for("the counters of the kernel in the JSON dump", 4 * SOON, || {
            let before = self.counters();
            let _ = fs::remove_file(self.director.path(JSON));
            self.director.signal_number(libc::SIGRTMIN() + 2);
            let dump = counters_of(&fresh(&self.director, JSON, "virtual_servers"));
            // They move while a conversation ends.
            if before != self.counters() {
                return None;
            }
            assert_eq!(dump, before);
            // The kernel takes stock every 2 s. Nobody has come to the sticky ones yet.
            let sticky = format!(":{STICKY}");
            let mut asked = dump.iter().filter(|(name, _)| !name.contains(&sticky));
            let counted = asked.all(|(_, [connections, packets, _, bytes, _])| {
                *connections > 0 && *packets > 0 && *bytes > 0
            });
            counted.then_some(dump)
        });
        note("d1", format!("{} are counted in the JSON dump", shown.len()));
    }

    /// The kernel's counters, by service and by server of it.
    fn counters(&self) -> BTreeMap<String, Counters> {
        let text = self.director.run(&["ipvsadm", "-L", "-n", "--stats", "--exact"]);
        let mut all = BTreeMap::new();
        let mut service = String::new();
        for line in text.lines().skip(3) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let counters = words[words.len() - 5..]
                .iter()
                .map(|word| word.parse().expect(line));
            let name = match words[0] {
                "->" => {
                    let server: SocketAddr = words[1].parse().expect(line);
                    format!("{service} -> {}", server.ip())
                }
                "FWM" => format!("FWM {}", words[1]),
                protocol => {
                    let address: SocketAddr = words[1].parse().expect(line);
                    let protocol = protocol.to_lowercase();
                    format!("[{}]:{protocol}:{}", address.ip(), address.port())
                }
            };
            if words[0] != "->" {
                service.clone_from(&name);
            }
            all.insert(name, counters.collect::<Vec<u64>>().try_into().expect("five"));
        }
        all
    }

    /// Of a server that fails and comes back.
    fn server_fails(&self, way: Way) {
        let mut removed = self.talks_with("r1", PLAIN);
        let mut inhibited = self.talks_with("r1", INHIBIT);
        self.site.servers[0].set(Mode::Refuse);
        self.wait_lost(way);
        for target in all_targets() {
            assert_eq!(self.answers(target), ["r2", "r3"], "{}", target.name());
        }
        for (target, talk) in &mut inhibited {
            assert_eq!(talk.say().as_deref(), Ok("r1"), "inhibited, {}", target.name());
        }
        for (target, talk) in &mut removed {
            assert!(talk.is_ignored(), "removed, {}", target.name());
        }
        note(
            "client",
            "is answered by r1 where it is inhibited, not where it is removed",
        );
        self.site.servers[0].set(Mode::Fine);
        self.wait_weights(way, [1, 1, 1]);
        for (target, talk) in &mut removed {
            wait_for(format!("r1 to go on, {}", target.name()), 4 * SOON, || {
                let answer = match target.transport {
                    // What it said meanwhile is sent again.
                    Transport::Tcp => talk.listen(),
                    Transport::Udp => talk.say(),
                };
                (answer.as_deref() == Ok("r1")).then_some(())
            });
        }
        note("client", "goes on with r1");
        for target in all_targets() {
            assert_eq!(self.answers(target), ["r1", "r2", "r3"], "{}", target.name());
        }
    }

    /// Where the kernel shall not keep connections of a server that is gone.
    fn connections_expire(&self, way: Way) {
        assert_eq!(self.expiry(), "0");
        self.director.configure(
            &self
                .config(way, 1)
                .replacen("{", "{\n    lvs_expire_nodest_conn", 1),
        );
        self.director.signal(Signal::SIGHUP);
        wait_for("the kernel's setting", SOON, || {
            (self.expiry() == "1").then_some(())
        });
        let mut removed = self.talks_with("r1", PLAIN);
        self.site.servers[0].set(Mode::Refuse);
        self.wait_lost(way);
        for (target, talk) in &mut removed {
            wait_for(
                format!("the end of a conversation, {}", target.name()),
                3 * SOON,
                || match (target.transport, talk.say()) {
                    (Transport::Tcp, Err(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)) => Some(()),
                    (Transport::Udp, Ok(server)) if server != "r1" => Some(()),
                    (_, Ok(server)) if server == "r1" => panic!("{} still answered by r1", target.name()),
                    _ => None,
                },
            );
        }
        note("client", "is reset where connections expire, or goes elsewhere");
        self.site.servers[0].set(Mode::Fine);
        self.wait_weights(way, [1, 1, 1]);
        self.reload(way, 1);
        wait_for("the kernel's setting to be put back", SOON, || {
            (self.expiry() == "0").then_some(())
        });
    }

    /// The operator gives a server weight 0, and takes that back.
    fn server_is_drained(&self, way: Way) {
        let mut talks = self.talks_with("r1", PLAIN);
        self.reload(way, 0);
        for target in all_targets() {
            assert_eq!(self.answers(target), ["r2", "r3"], "{}", target.name());
        }
        for (target, talk) in &mut talks {
            assert_eq!(talk.say().as_deref(), Ok("r1"), "drained, {}", target.name());
        }
        note("client", "is answered by r1, which is drained");
        self.reload(way, 1);
        for target in all_targets() {
            assert_eq!(self.answers(target), ["r1", "r2", "r3"], "{}", target.name());
        }
    }

    /// Who answers five conversations of a client that is never away for as long as it is remembered.
    fn five_without_a_break(&self, target: Target) -> String {
        // On a machine that stalls the client may have been away: then it comes once more.
        wait_for("a client that stays", 2 * SOON, || {
            let mut before = Stamp::now();
            let mut stayed = true;
            let names = [(); 5].map(|()| {
                let began = Stamp::now();
                let name = self.ask(target).expect("an answer");
                stayed &= before.elapsed() < PERSISTENCE;
                before = began;
                name
            });
            stayed.then(|| {
                let [first, others @ ..] = names;
                assert!(
                    others.iter().all(|name| *name == first),
                    "{}: {first} {others:?}",
                    target.name()
                );
                first
            })
        })
    }

    /// A client comes to the same server until it has been away for long.
    fn clients_stay(&self) {
        // The shortest memory of datagrams, so that a client can be forgotten.
        self.director.run(&["ipvsadm", "--set", "0", "0", "1"]);
        for target in targets(STICKY) {
            let first = self.five_without_a_break(target);
            note("client", format!("stays with {first}, {}", target.name()));
            // The kernel keeps the end of a connection of TCP for two minutes, and the client's place as long.
            if target.transport == Transport::Udp {
                wait_for("the client to be forgotten", 3 * SOON, || {
                    (!self.remembered()).then_some(())
                });
                let next = self.ask(target).expect("an answer");
                assert_ne!(next, first, "{}", target.name());
                note("client", format!("comes to {next} later"));
            }
        }
        self.director.run(&["ipvsadm", "--set", "0", "0", "300"]);
    }
}

/// What the steps are made of.
impl Field {
    fn new(segments: u8) -> Self {
        modules::bring(modules::TRAFFIC);
        let mut site = Site::new(Plan {
            directors: 1,
            servers: SERVERS,
            segments,
        });
        let director = site.directors.pop().expect("a director");
        let field = Self {
            site,
            director,
            segments,
        };
        field.set("net/ipv4/ip_forward", "1");
        field.set("net/ipv6/conf/all/forwarding", "1");
        let [vip4, vip6] = vips();
        let director = &field.director;
        // Deprecated, so that the servers, which have it too, are not checked from it.
        director.ip(&format!(
            "address add {vip4}/32 dev eth0\naddress add {vip6}/128 dev eth0 preferred_lft 0\n"
        ));
        director.run(&["tc", "qdisc", "add", "dev", "eth0", "clsact"]);
        for (vip, mark) in vips().into_iter().zip(MARK..) {
            let (protocol, ip) = if vip.is_ipv4() {
                ("ip", "ip")
            } else {
                ("ipv6", "ip6")
            };
            let filter = format!(
                "tc filter add dev eth0 ingress prio {mark} protocol {protocol} u32 match {ip} dst {vip} \
                 match {ip} dport {MARKED} 0xffff action skbedit mark {mark}"
            );
            director.run(&filter.split(' ').collect::<Vec<_>>());
        }
        field
    }

    /// Every server answers at the virtual addresses.
    fn answer_as_one(&self) {
        for server in &self.site.servers {
            vips().into_iter().for_each(|vip| server.serve(vip));
            for port in [PLAIN, INHIBIT, STICKY, MARKED] {
                answer(server, port, &vips());
            }
        }
    }

    /// Sets one of the director's kernel's settings.
    fn set(&self, setting: &str, value: &str) {
        self.director
            .within(|| fs::write(format!("/proc/sys/{setting}"), value).expect(setting));
    }

    /// Whether the kernel ends connections of a server that is gone.
    fn expiry(&self) -> String {
        let setting = "/proc/sys/net/ipv4/vs/expire_nodest_conn";
        let text = self
            .director
            .within(|| fs::read_to_string(setting).expect(setting));
        text.trim().to_owned()
    }

    /// The servers of a service of `family`; of IPIP the last one has an address of the other family.
    fn servers(&self, way: Way, v4_service: bool) -> [IpAddr; SERVERS as usize] {
        let segment = self.segments - 1;
        [1, 2, 3].map(|number| {
            let other = way == Way::Ipip && number == SERVERS;
            if v4_service == other {
                v6(segment, 10 + number)
            } else {
                v4(segment, 10 + number)
            }
        })
    }

    /// All services; the first server has this weight.
    fn config(&self, way: Way, weight: u32) -> String {
        let service = |head: &str, more: &str, servers: &[IpAddr], port: &str| {
            let real = |(server, weight): (&IpAddr, u32)| {
                format!(
                    "    real_server {server} {port} {{
        weight {weight}
        TCP_CHECK {{
            connect_port 80
            connect_timeout 8
            retry 0
            warmup 0
        }}
    }}
"
                )
            };
            let servers: String = servers.iter().zip([weight, 1, 1]).map(real).collect();
            let method = way.keywords();
            format!(
                "virtual_server {head} {{
    delay_loop 1
    lb_algo rr
    lb_kind {method}
    {more}
{servers}}}
"
            )
        };
        let mut text = GLOBAL.replacen('{', "{\n    json_version 2", 1);
        for (port, more) in [
            (PLAIN, ""),
            (INHIBIT, "inhibit_on_failure"),
            (STICKY, &format!("persistence_timeout {}", PERSISTENCE.as_secs())),
        ] {
            for target in targets(port) {
                let (vip, real) = (target.address.ip(), way.port(port).to_string());
                let more = format!("protocol {}\n    {more}", target.transport);
                text += &service(
                    &format!("{vip} {port}"),
                    &more,
                    &self.servers(way, vip.is_ipv4()),
                    &real,
                );
            }
        }
        for (vip, mark) in vips().into_iter().zip(MARK..) {
            // Of one family: it is the service's.
            let way = if way == Way::Ipip { Way::Gre } else { way };
            text += &service(
                &format!("fwmark {mark}"),
                "",
                &self.servers(way, vip.is_ipv4()),
                "",
            );
        }
        text
    }

    fn reload(&self, way: Way, weight: u32) {
        self.director.configure(&self.config(way, weight));
        self.director.signal(Signal::SIGHUP);
        self.wait_weights(way, [weight, 1, 1]);
    }

    /// Waits until every service has every server, with these weights.
    #[track_caller]
    fn wait_weights(&self, way: Way, weights: [u32; SERVERS as usize]) {
        self.wait_table(way, |_| weights.map(Some));
    }

    /// Waits until the first server is removed from every service, or inhibited.
    #[track_caller]
    fn wait_lost(&self, way: Way) {
        self.wait_table(way, |port| [(port == INHIBIT).then_some(0), Some(1), Some(1)]);
    }

    /// Waits until each service has the servers that have a weight for its port.
    #[track_caller]
    fn wait_table(&self, way: Way, wanted: impl Fn(u16) -> [Option<u32>; SERVERS as usize]) {
        let addressed = [PLAIN, INHIBIT, STICKY].into_iter().flat_map(targets);
        let mut due: Vec<String> = Vec::new();
        let mut line = |name: String, servers: [IpAddr; 3], port: u16, weights: [Option<u32>; 3]| {
            for (server, weight) in servers.into_iter().zip(weights) {
                if let Some(weight) = weight {
                    let server = SocketAddr::new(server, port);
                    due.push(format!("{name} {server} {} {weight}", way.shown()));
                }
            }
        };
        for Target { transport, address } in addressed {
            let port = address.port();
            let servers = self.servers(way, address.is_ipv4());
            line(
                format!("{transport} {address}"),
                servers,
                way.port(port),
                wanted(port),
            );
        }
        for (v4, mark) in [(true, MARK), (false, MARK + 1)] {
            let way = if way == Way::Ipip { Way::Gre } else { way };
            line(format!("FWM {mark}"), self.servers(way, v4), 0, wanted(MARKED));
        }
        due.sort();
        wait_for(format!("the table of {}", way.keywords()), 3 * SOON, || {
            (self.table() == due).then_some(())
        });
    }

    /// The director's table, a line a destination.
    fn table(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for service in self.director.ipvs().services {
            let name = match (service.address, service.mark) {
                (Some(address), _) => address.to_string(),
                (None, mark) => mark.unwrap_or_default().to_string(),
            };
            for to in service.destinations {
                let (kind, address, weight) = (&service.kind, to.address, to.weight);
                lines.push(format!("{kind} {name} {address} {} {weight}", to.forwarding));
            }
        }
        lines.sort();
        lines
    }

    /// A new conversation: who answers.
    fn ask(&self, target: Target) -> Result<String, ErrorKind> {
        Talk::open(&self.site.client, target.transport, target.address)?.say()
    }

    /// Who answers new conversations, each server once: as many as make two rounds of all.
    #[track_caller]
    fn answers(&self, target: Target) -> Vec<String> {
        let all: Result<Vec<String>, ErrorKind> = (0..2 * SERVERS).map(|_| self.ask(target)).collect();
        let mut all = all.unwrap_or_else(|error| panic!("{}: {error}", target.name()));
        note("client", format!("{}: {}", target.name(), all.join(" ")));
        all.sort();
        all.dedup();
        all
    }

    /// A lasting conversation with `server` at every target of a port.
    #[track_caller]
    fn talks_with(&self, server: &str, port: u16) -> Vec<(Target, Talk)> {
        let one = |target: Target| {
            let tried = (0..2 * SERVERS).find_map(|_| {
                let mut talk = Talk::open(&self.site.client, target.transport, target.address).ok()?;
                (talk.say().as_deref() == Ok(server)).then_some(talk)
            });
            (
                target,
                tried.unwrap_or_else(|| panic!("{server} does not answer, {}", target.name())),
            )
        };
        targets(port).map(one).collect()
    }

    /// Whether the director still knows of datagrams of the service where clients stay.
    fn remembered(&self) -> bool {
        let table = fs::read_to_string(format!("/proc/{}/net/ip_vs_conn", self.director.pid()));
        let port = format!("{STICKY:04X}");
        table.expect("connections").lines().any(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.first() == Some(&"UDP") && words.get(4) == Some(&port.as_str())
        })
    }
}

impl Target {
    fn name(self) -> String {
        format!("{} {}", self.transport, self.address)
    }
}

/// All where every new conversation is on its own.
fn all_targets() -> impl Iterator<Item = Target> {
    [PLAIN, INHIBIT, MARKED].into_iter().flat_map(targets)
}
