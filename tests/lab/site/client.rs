//! The client: asks for the virtual address again and again, and watches which station it believes that address to be at.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::Duration;

use super::Node;
use crate::timeline::{Stamp, note, wait_for};

/// From the start of one request to the next.
const EVERY: Duration = Duration::from_millis(50);
/// A request that takes longer is lost.
const LIMIT: Duration = Duration::from_millis(250);

/// A neighbour answers at once, or not at all.
const SOON: Duration = Duration::from_secs(5);

pub struct Client {
    node: Node,
}

/// One request: when it ended, and which server answered.
#[derive(Clone, Debug)]
pub struct Shot {
    pub at: Stamp,
    pub server: Option<String>,
}

/// A series of requests under way.
pub struct Probe {
    shots: Arc<Mutex<Vec<Shot>>>,
    over: Arc<AtomicBool>,
}

/// Since when the client has believed an address to be at a station.
type Belief = (Stamp, Option<String>);

/// The stations at which the client believed an address to be, one after the other.
pub struct Watch {
    beliefs: Arc<Mutex<Vec<Belief>>>,
    over: Arc<AtomicBool>,
}

impl Client {
    pub fn new(node: Node) -> Self {
        Self { node }
    }

    /// Starts asking `target` all the time.
    pub fn probe(&self, target: SocketAddr) -> Probe {
        let probe = Probe {
            shots: Arc::default(),
            over: Arc::default(),
        };
        let (shots, over, pid) = (probe.shots.clone(), probe.over.clone(), self.node.pid());
        thread::spawn(move || {
            super::node::enter(pid);
            requests(|client, runtime| {
                // A single failure is a server's; two in a row are an outage.
                let (mut failures, mut out) = (0, true);
                while !over.load(Ordering::Relaxed) {
                    let began = Stamp::now();
                    let server = runtime.block_on(ask(client, target));
                    let at = Stamp::now();
                    failures = if server.is_some() { 0 } else { failures + 1 };
                    match (failures, out) {
                        (0, true) => note("client", "is served"),
                        (2, false) => note("client", "is not served"),
                        _ => {}
                    }
                    out = failures >= 2 || (out && failures > 0);
                    shots.lock().expect("shots").push(Shot { at, server });
                    sleep(EVERY.saturating_sub(began.elapsed()));
                }
            });
        });
        probe
    }

    /// Makes the client look for the station of `address`.
    pub fn resolve(&self, address: IpAddr) {
        let any: IpAddr = if address.is_ipv4() {
            Ipv4Addr::UNSPECIFIED.into()
        } else {
            Ipv6Addr::UNSPECIFIED.into()
        };
        self.node.within(|| {
            // Where it goes is of no matter: the discard port.
            let socket = UdpSocket::bind((any, 0)).expect("a socket");
            socket.send_to(b"?", (address, 9)).expect("a datagram");
        });
        wait_for(format!("the client to find {address}"), SOON, || {
            self.neighbour(address)
        });
    }

    /// The station at which the client believes `address` to be.
    pub fn neighbour(&self, address: IpAddr) -> Option<String> {
        match address {
            IpAddr::V4(_) => arp_entry(self.node.pid(), address),
            IpAddr::V6(_) => {
                let text = self
                    .node
                    .run(&["ip", "-6", "neighbour", "show", &address.to_string()]);
                let (_, after) = text.split_once("lladdr ")?;
                after.split_whitespace().next().map(Into::into)
            }
        }
    }

    /// Starts watching where the client believes `address` (of IPv4) to be.
    pub fn watch(&self, address: IpAddr) -> Watch {
        let watch = Watch {
            beliefs: Arc::default(),
            over: Arc::default(),
        };
        let (beliefs, over, pid) = (watch.beliefs.clone(), watch.over.clone(), self.node.pid());
        thread::spawn(move || {
            let mut latest = None;
            while !over.load(Ordering::Relaxed) {
                let belief = arp_entry(pid, address);
                if belief != latest {
                    latest.clone_from(&belief);
                    note(
                        "client",
                        format!("finds {address} at {}", belief.as_deref().unwrap_or("no station")),
                    );
                    beliefs.lock().expect("beliefs").push((Stamp::now(), belief));
                }
                sleep(Duration::from_millis(10));
            }
        });
        watch
    }

    /// Waits until the client believes `address` to be at `station`.
    #[track_caller]
    pub fn wait_neighbour(&self, address: IpAddr, station: impl ToString, limit: Duration) -> Stamp {
        let station = station.to_string();
        let what = format!("the client's entry of {address} to be {station}");
        wait_for(what, limit, || {
            (self.neighbour(address).as_ref() == Some(&station)).then(Stamp::now)
        })
    }
}

impl Probe {
    pub fn shots(&self) -> Vec<Shot> {
        self.shots.lock().expect("shots").clone()
    }

    /// Waits until `count` requests in a row have been answered after `since`; by whom.
    #[track_caller]
    pub fn wait_served(&self, count: usize, since: Stamp, limit: Duration) -> Vec<String> {
        wait_for(format!("{count} answered requests"), limit, || {
            let shots: Vec<Shot> = self.shots().into_iter().filter(|shot| shot.at > since).collect();
            let latest = shots.get(shots.len().checked_sub(count)?..)?;
            latest.iter().map(|shot| shot.server.clone()).collect()
        })
    }

    /// The longest time from one answer to the next after `since`.
    pub fn gap(&self, since: Stamp) -> Duration {
        let shots = self.shots();
        let answered: Vec<Stamp> = shots
            .iter()
            .filter(|shot| shot.server.is_some())
            .map(|shot| shot.at)
            .collect();
        let pairs = answered.windows(2).filter(|pair| pair[1] > since);
        pairs.map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

impl Watch {
    /// What the client has believed from `since` on, beginning with the belief at that time.
    pub fn beliefs(&self, since: Stamp) -> Vec<Belief> {
        let beliefs = self.beliefs.lock().expect("beliefs");
        let first = beliefs.iter().rposition(|(at, _)| *at <= since).unwrap_or(0);
        beliefs[first..].to_vec()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

impl Deref for Client {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.node
    }
}

/// The station of `address` in the ARP table of task `pid`; nothing if it is not known.
fn arp_entry(pid: u32, address: IpAddr) -> Option<String> {
    let table = fs::read_to_string(format!("/proc/{pid}/net/arp")).ok()?;
    let address = address.to_string();
    let mut rows = table
        .lines()
        .map(|row| row.split_whitespace().collect::<Vec<_>>());
    let row = rows.find(|row| row.first() == Some(&address.as_str()))?;
    row.get(3)
        .filter(|station| **station != "00:00:00:00:00:00")
        .map(|station| (*station).to_owned())
}

/// Gives `work` an HTTP client that opens a connection for each request, on the calling thread's network.
fn requests<T>(work: impl FnOnce(&reqwest::Client, &tokio::runtime::Runtime) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let client = reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0)
        .timeout(LIMIT);
    work(&client.build().expect("a client"), &runtime)
}

async fn ask(client: &reqwest::Client, target: SocketAddr) -> Option<String> {
    let answer = client.get(format!("http://{target}/")).send().await.ok()?;
    let answer = answer.error_for_status().ok()?;
    answer.text().await.ok()
}
