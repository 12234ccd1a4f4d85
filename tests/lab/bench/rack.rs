//! A rack of back-ends: every address of a network, answered by one thread of this program, which is nobody's load but
//! this program's.
//!
//! It is joined to its director by a cable of its own, so that nobody captures what is asked over it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::site::{Node, enter};
use crate::timeline::Stamp;

/// Where its servers listen.
pub const PORT: u16 = 80;
/// All its addresses.
const NETWORK: &str = "10.64.0.0/16";
/// So many of them are servers with numbers.
const MOST: usize = 60_000;
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfine";

pub struct Rack {
    node: Node,
    /// Its thread ends with it, and all connections.
    _life: oneshot::Sender<()>,
    runtime: Handle,
    asked: Arc<Asked>,
}

/// What was asked of its servers.
#[derive(Default)]
struct Asked {
    /// Connections.
    all: AtomicU64,
    /// When each server of its own was asked last.
    last: Mutex<BTreeMap<IpAddr, Stamp>>,
}

/// A server that can be killed: from then on it refuses connections.
pub struct Server {
    pub address: IpAddr,
    listener: AbortHandle,
    asked: Arc<Asked>,
}

/// The address of server `number`.
pub fn address(number: usize) -> IpAddr {
    assert!(number < MOST, "a network is only so large");
    let (high, low) = ((number / 250) as u8, (number % 250) as u8);
    Ipv4Addr::new(10, 64, high, low + 1).into()
}

impl Rack {
    /// A rack that `director` can reach.
    pub fn beside(director: &Node) -> Self {
        let node = Node::new("rack");
        let inside = node.pid();
        director.ip(&format!(
            "link add rack type veth peer name rack netns {inside}\n\
             address add 10.63.0.1/30 dev rack\n\
             link set rack up\n\
             link set lo up\n"
        ));
        node.ip(&format!(
            "address add 10.63.0.2/30 dev rack\n\
             link set rack up\n\
             link set lo up\n\
             route add local {NETWORK} dev lo\n"
        ));
        director.ip(&format!("route add {NETWORK} via 10.63.0.2\n"));
        // A crowd of connections is open at a time.
        let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit of open files");
        setrlimit(Resource::RLIMIT_NOFILE, most, most).expect("many open files");
        let (life, end) = oneshot::channel::<()>();
        let (say, runtime) = channel();
        thread::spawn(move || {
            enter(inside);
            let runtime = Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime");
            say.send(runtime.handle().clone()).expect("the rack's owner");
            // Ends with an error when the rack is dropped.
            let _ = runtime.block_on(end);
        });
        Self {
            node,
            _life: life,
            runtime: runtime.recv().expect("a runtime"),
            asked: Arc::default(),
        }
    }

    /// Every address is a server that lives for ever.
    pub fn serve_all(&self) {
        self.listen(Ipv4Addr::UNSPECIFIED.into());
    }

    /// Servers from number 0 on, each with a life of its own.
    pub fn serve(&self, count: usize) -> Vec<Server> {
        let server = |number| Server {
            address: address(number),
            listener: self.listen(address(number)),
            asked: Arc::clone(&self.asked),
        };
        (0..count).map(server).collect()
    }

    /// Connections to its servers so far.
    pub fn asked(&self) -> u64 {
        self.asked.all.load(Relaxed)
    }

    /// What comes for this server is lost from now on.
    pub fn lose(&self, server: IpAddr) {
        self.node
            .ip(&format!("route add blackhole {server} table local\n"));
    }

    fn listen(&self, address: IpAddr) -> AbortHandle {
        let listener = self.node.within(|| {
            let _context = self.runtime.enter();
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.set_reuseaddr(true).expect("a server's socket");
            socket.bind(SocketAddr::new(address, PORT)).expect("an address");
            // A burst of questions is none the worse for it.
            socket.listen(4096).expect("a listener")
        });
        let (asked, alone) = (Arc::clone(&self.asked), !address.is_unspecified());
        let task = async move {
            loop {
                // A connection that was given up meanwhile was one nevertheless.
                let accepted = listener.accept().await;
                asked.all.fetch_add(1, Relaxed);
                if alone {
                    let mut last = asked.last.lock().expect("last");
                    last.insert(address, Stamp::now());
                }
                if let Ok((stream, _)) = accepted {
                    tokio::spawn(answer(stream));
                }
            }
        };
        self.runtime.spawn(task).abort_handle()
    }
}

impl Server {
    /// When it was asked last.
    pub fn last_asked(&self) -> Option<Stamp> {
        self.asked.last.lock().expect("last").get(&self.address).copied()
    }

    /// Nobody listens any more.
    pub fn kill(&self) {
        self.listener.abort();
    }
}

/// Answers a request, if one comes.
async fn answer(mut stream: TcpStream) -> Option<()> {
    let mut request = Vec::with_capacity(512);
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
    }
    stream.write_all(ANSWER).await.ok()
}
