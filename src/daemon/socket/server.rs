//! The conversations: who may talk, how long, how much.

use super::Asked;
use super::protocol::{Answer, MOST, Request};
use crate::daemon::exit::FAILED;
use nix::unistd::Uid;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::UCred;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::warn;

/// From a connection that could not be taken (no descriptor is free) to the next attempt.
const AGAIN: Duration = Duration::from_millis(200);

/// What a client is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// So many talk at a time; others are told so.
    pub connections: usize,
    /// A request is there as a whole by then.
    pub request: Duration,
    /// Control answers by then. Longer than anything that can be asked for may take.
    pub answer: Duration,
    /// The answer is read by then.
    pub reading: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16,
            request: Duration::from_secs(10),
            answer: Duration::from_secs(300),
            reading: Duration::from_secs(10),
        }
    }
}

/// Takes connections for ever. Conversations end with it.
pub(super) async fn serve(listener: UnixListener, to: mpsc::Sender<Asked>, limits: Limits) {
    let seats = Arc::new(Semaphore::new(limits.connections));
    let mut conversations = JoinSet::new();
    let mut complained = false;
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                if !std::mem::replace(&mut complained, true) {
                    warn!("Connections to the control socket cannot be taken: {error}");
                }
                sleep(AGAIN).await;
                continue;
            }
        };
        complained = false;
        while conversations.try_join_next().is_some() {}
        if !stream.peer_cred().is_ok_and(|peer| may_ask(&peer)) {
            turn_away(&stream, "Only root and the user of the daemon may ask");
            continue;
        }
        let Ok(seat) = Arc::clone(&seats).try_acquire_owned() else {
            turn_away(&stream, "Too many ask at once");
            continue;
        };
        let to = to.clone();
        conversations.spawn(async move {
            let _seat = seat;
            // Whatever goes wrong with a client is the client's business.
            let _ = converse(stream, &to, limits).await;
        });
    }
}

/// The mode of the file says the same, unless somebody has changed it.
fn may_ask(peer: &UCred) -> bool {
    peer.uid() == 0 || peer.uid() == Uid::effective().as_raw()
}

/// Says why not, as far as it is taken at once.
fn turn_away(stream: &UnixStream, why: &str) {
    let _ = stream.try_write(Answer::refusal(FAILED, why).line().as_bytes());
}

/// Answers request after request, until the client has no more or is too slow.
async fn converse(stream: UnixStream, to: &mpsc::Sender<Asked>, limits: Limits) -> io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut reading = BufReader::new(reading);
    loop {
        let mut line = Vec::new();
        let most = u64::try_from(MOST).unwrap_or(u64::MAX);
        let mut bounded = (&mut reading).take(most);
        let read = timeout(limits.request, bounded.read_until(b'\n', &mut line));
        let (answer, last) = match read.await {
            Ok(Ok(0)) => return Ok(()),
            Ok(Ok(_)) if line.last() == Some(&b'\n') => (answer(&line, to, limits).await, false),
            // An end without an end of line, or no end at all.
            Ok(Ok(read)) if read < MOST => (answer(&line, to, limits).await, true),
            Ok(Ok(_)) => (Answer::refusal(FAILED, "The request is too long"), true),
            Ok(Err(error)) => return Err(error),
            Err(_) => (Answer::refusal(FAILED, "The request takes too long"), true),
        };
        let line = answer.line();
        let written = timeout(limits.reading, writing.write_all(line.as_bytes()));
        written.await.map_err(|_| io::ErrorKind::TimedOut)??;
        if last {
            return Ok(());
        }
    }
}

async fn answer(line: &[u8], to: &mpsc::Sender<Asked>, limits: Limits) -> Answer {
    let request = match Request::read(line) {
        Ok(request) => request,
        Err(why) => return Answer::refusal(FAILED, why),
    };
    let (reply, answer) = oneshot::channel();
    if to.try_send(Asked { request, reply }).is_err() {
        return Answer::refusal(FAILED, "The daemon takes no requests now");
    }
    match timeout(limits.answer, answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Answer::refusal(FAILED, "The daemon has not answered: it may be stopping"),
        Err(_) => Answer::refusal(FAILED, "The daemon takes too long"),
    }
}
