//! Load: a client that has many connections open, over which it talks all the time, and makes many requests a second beside;
//! and servers that answer as fast as they can. One thread each, so that a machine with one processor can do it.

use std::io::ErrorKind;
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinSet, LocalSet, spawn_local};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::{Node, enter};
use crate::timeline::note;

/// Who waits longer for an answer has lost it. A segment that is lost is sent again after a second: that is seen, too.
const PATIENCE: Duration = Duration::from_secs(10);

/// Requests that are on their way at a time: whoever makes no more of them in time makes fewer.
const AT_A_TIME: usize = 100;

/// What the client asks of a service.
#[derive(Clone, Copy)]
pub struct Wish {
    pub target: SocketAddr,
    /// Connections that stay open.
    pub connections: usize,
    /// From one word to the next on each of them.
    pub pause: Duration,
    /// New connections a second, each for one word; fewer where the machine makes no more.
    pub requests: u32,
}

/// What has come of it so far.
#[derive(Default)]
pub struct Tally {
    /// Requests that were answered.
    pub answered: AtomicU64,
    /// Words over open connections that were answered.
    pub words: AtomicU64,
    /// The longest time to an answer, in microseconds.
    slowest: AtomicU64,
    lost: Mutex<Vec<String>>,
}

/// The client at work. Dropping it ends the work.
pub struct Load {
    pub tally: Arc<Tally>,
    over: Arc<AtomicBool>,
    began: Instant,
}

fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime")
}

/// Answers every line on `port` of a node with the same line, on one thread.
pub fn echo(node: &Node, port: u16) {
    let pid = node.pid();
    let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let listener = node
        .within(|| std::net::TcpListener::bind(any))
        .expect("a listener");
    listener.set_nonblocking(true).expect("a listener of a runtime");
    thread::spawn(move || {
        enter(pid);
        LocalSet::new().block_on(&runtime(), async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            loop {
                if let Ok((stream, _)) = listener.accept().await {
                    spawn_local(answer(stream));
                }
            }
        });
    });
}

async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.split();
    let mut lines = BufReader::new(reader).lines();
    while let Some(line) = lines.next_line().await? {
        writer.write_all(format!("{line}\n").as_bytes()).await?;
    }
    Ok(())
}

impl Load {
    /// Begins the work from `node`.
    pub fn begin(node: &Node, wish: Wish) -> Self {
        // Both ends of all connections are this process's.
        let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit of open files");
        setrlimit(Resource::RLIMIT_NOFILE, most, most).expect("many open files");
        let load = Self {
            tally: Arc::default(),
            over: Arc::default(),
            began: Instant::now(),
        };
        let (tally, over, pid) = (Arc::clone(&load.tally), Arc::clone(&load.over), node.pid());
        thread::spawn(move || {
            enter(pid);
            LocalSet::new().block_on(&runtime(), work(wish, tally, over));
        });
        load
    }

    /// Ends the work, and hears out what is on its way.
    pub fn finish(&self) {
        self.over.store(true, Relaxed);
        let began = Instant::now();
        while Arc::strong_count(&self.tally) > 1 {
            assert!(began.elapsed() < 3 * PATIENCE, "the client does not end");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Requests a second that were answered since the beginning.
    pub fn rate(&self) -> f64 {
        self.tally.answered.load(Relaxed) as f64 / self.began.elapsed().as_secs_f64()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
    }
}

impl Tally {
    /// What was lost, and why.
    pub fn lost(&self) -> Vec<String> {
        self.lost.lock().expect("losses").clone()
    }

    pub fn slowest(&self) -> Duration {
        Duration::from_micros(self.slowest.load(Relaxed))
    }

    fn took(&self, began: Instant) {
        let micros = u64::try_from(began.elapsed().as_micros()).expect("a short time");
        self.slowest.fetch_max(micros, Relaxed);
    }

    fn lose(&self, what: String) {
        note("client", format!("lost: {what}"));
        self.lost.lock().expect("losses").push(what);
    }
}

async fn work(wish: Wish, tally: Arc<Tally>, over: Arc<AtomicBool>) {
    let mut tasks = JoinSet::new();
    for number in 0..wish.connections {
        let (tally, over) = (Arc::clone(&tally), Arc::clone(&over));
        tasks.spawn_local(async move {
            // Not all at once.
            sleep(wish.pause * number as u32 / wish.connections as u32).await;
            if let Err(why) = converse(wish, &tally, &over).await {
                tally.lose(format!("connection {number}: {why}"));
            }
        });
    }
    let mut beats = interval(Duration::from_secs(1) / wish.requests.max(1));
    beats.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut number = 0_u64;
    while !over.load(Relaxed) {
        beats.tick().await;
        number += 1;
        let tally = Arc::clone(&tally);
        tasks.spawn_local(async move {
            let began = Instant::now();
            match timeout(PATIENCE, request(wish.target, number)).await {
                Ok(Ok(())) => {
                    tally.took(began);
                    tally.answered.fetch_add(1, Relaxed);
                }
                Ok(Err(why)) => tally.lose(format!("request {number}: {why}")),
                Err(_) => tally.lose(format!("request {number}: no answer")),
            }
        });
        while tasks.try_join_next().is_some() {}
        while tasks.len() >= wish.connections + AT_A_TIME {
            tasks.join_next().await;
        }
    }
    while tasks.join_next().await.is_some() {}
}

async fn converse(wish: Wish, tally: &Tally, over: &AtomicBool) -> std::io::Result<()> {
    let mut stream = BufReader::new(TcpStream::connect(wish.target).await?);
    stream.get_ref().set_nodelay(true)?;
    let mut word = 0_u64;
    while !over.load(Relaxed) {
        word += 1;
        let began = Instant::now();
        timeout(PATIENCE, say(&mut stream, word))
            .await
            .map_err(|_| ErrorKind::TimedOut)??;
        tally.took(began);
        tally.words.fetch_add(1, Relaxed);
        sleep(wish.pause).await;
    }
    Ok(())
}

async fn request(target: SocketAddr, number: u64) -> std::io::Result<()> {
    let mut stream = BufReader::new(TcpStream::connect(target).await?);
    say(&mut stream, number).await
}

/// Says a word, and hears it again.
async fn say(stream: &mut BufReader<TcpStream>, word: u64) -> std::io::Result<()> {
    stream.get_mut().write_all(format!("{word}\n").as_bytes()).await?;
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    if line.trim_end() == word.to_string() {
        Ok(())
    } else {
        Err(std::io::Error::other(format!("{line:?} instead of {word}")))
    }
}
