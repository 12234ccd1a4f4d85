//! Carries out a [`Dialogue`]: connects, sends what it wants sent, gives it what comes, and shakes hands for TLS.
//!
//! Owns the limits: `connect_timeout` for every single wait, a limit for the whole, and one for all that is received.

use super::http::limit;
use super::secure::{Certificate, Contexts, SecureStream};
use super::socket::{self, Refused};
use super::stream::Patient;
use super::{tcp, tls};
use crate::check::config::{Connection, ServiceConfig};
use crate::check::dialogue::{self, Dialogue, Seed, Step};
use crate::check::event::Reason;
use socket2::Protocol;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

/// The most octets that are received in one conversation.
const MOST: usize = 256 * 1024;

/// What was learned by asking.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) result: Result<(), Reason>,
    /// The certificate that answered.
    pub(super) certificate: Option<Certificate>,
}

/// Asks a service.
pub(super) async fn ask(contexts: &Contexts, config: &ServiceConfig) -> Asked {
    ask_within(limit(config.connection.timeout), contexts, config).await
}

async fn ask_within(whole: Duration, contexts: &Contexts, config: &ServiceConfig) -> Asked {
    let mut certificate = None;
    let result = within(whole, talk(contexts, config, &mut certificate)).await;
    Asked { result, certificate }
}

/// Gives up what takes longer than `whole`, however busy it is.
pub(super) async fn within<T>(
    whole: Duration,
    talk: impl Future<Output = Result<T, Reason>>,
) -> Result<T, Reason> {
    timeout(whole, talk).await.unwrap_or(Err(Reason::Overdue))
}

async fn talk(
    contexts: &Contexts,
    config: &ServiceConfig,
    certificate: &mut Option<Certificate>,
) -> Result<(), Reason> {
    let mut seed = Seed::default();
    openssl::rand::rand_bytes(&mut seed).map_err(|error| Reason::Socket(error.to_string()))?;
    let Some(mut dialogue) = dialogue::begin(&config.settings, &seed) else {
        return Err(Reason::Broken("there is no conversation with it".into()));
    };
    let connection = &config.connection;
    if dialogue::by_datagrams(&config.settings) {
        return datagrams(connection, &mut *dialogue).await;
    }
    let mut link = Link::Clear(Patient::new(tcp::connect(connection).await?, connection.timeout));
    if dialogue::begins_secured(&config.settings) {
        link = link.secure(contexts, config, certificate).await?;
    }
    let mut conversation = Conversation {
        in_turn: dialogue::in_turn(&config.settings),
        ..Conversation::default()
    };
    loop {
        let next = match &mut link {
            Link::Clear(stream) => conversation.run(stream, &mut *dialogue, broken).await?,
            Link::Secure(stream) => conversation.run(stream, &mut *dialogue, tls::broken).await?,
        };
        match next {
            Next::Over => {
                link.close().await;
                return Ok(());
            }
            Next::StartTls => link = link.secure(contexts, config, certificate).await?,
        }
    }
}

/// Converses by datagrams. What was lost is not sent again: that is what `retry` is for.
async fn datagrams(connection: &Connection, dialogue: &mut dyn Dialogue) -> Result<(), Reason> {
    let socket = socket::datagrams(connection, Protocol::UDP).map_err(|refused| match refused {
        Refused::Here(error) => Reason::Socket(error.to_string()),
        Refused::Way(error) => Reason::Unreachable(error.to_string()),
    })?;
    let mut buffer = vec![0; 65_536];
    let mut input = Vec::new();
    let mut until = Instant::now() + connection.timeout;
    loop {
        match dialogue.step(&mut input) {
            Step::More => {
                let length = match timeout_at(until, socket.recv(&mut buffer)).await {
                    Ok(Ok(length)) => length,
                    Ok(Err(error)) => return Err(socket::answer(&error)),
                    Err(_) => return Err(Reason::AnswerTimedOut),
                };
                // What is left of the last one is not continued by this one.
                input.clear();
                input.extend_from_slice(buffer.get(..length).unwrap_or_default());
            }
            Step::Send(octets) => {
                socket
                    .send(&octets)
                    .await
                    .map_err(|error| socket::answer(&error))?;
                until = Instant::now() + connection.timeout;
            }
            Step::Done(_) => return Ok(()),
            Step::StartTls => return Err(Reason::Tls("there is none over datagrams".into())),
            Step::Failed(reason) => return Err(reason),
        }
    }
}

enum Link {
    Clear(Patient<TcpStream>),
    Secure(SecureStream),
}

impl Link {
    async fn secure(
        self,
        contexts: &Contexts,
        config: &ServiceConfig,
        certificate: &mut Option<Certificate>,
    ) -> Result<Self, Reason> {
        let (Self::Clear(stream), Some(tls)) = (self, &config.settings.tls) else {
            return Err(Reason::Tls("it is begun twice".into()));
        };
        let ip = config.connection.destination.ip();
        let stream = contexts.connect(tls, ip, stream).await?;
        *certificate = Certificate::of(&stream);
        Ok(Self::Secure(stream))
    }

    /// Ends in good form; what comes of it is of no interest.
    async fn close(self) {
        let _ = match self {
            Self::Clear(mut stream) => stream.shutdown().await,
            Self::Secure(mut stream) => stream.shutdown().await,
        };
    }
}

/// Why the stream is given back.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Over,
    StartTls,
}

/// What has come and was not taken yet, and how much came in all.
#[derive(Default)]
struct Conversation {
    input: Vec<u8>,
    received: usize,
    /// Each answer is one to what was said last: what came before that is none.
    in_turn: bool,
}

impl Conversation {
    /// Goes on until it is over, or the stream has to become another one.
    async fn run(
        &mut self,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
        dialogue: &mut dyn Dialogue,
        broken: fn(io::Error) -> Reason,
    ) -> Result<Next, Reason> {
        let mut buffer = vec![0; 4096];
        loop {
            match dialogue.step(&mut self.input) {
                Step::More => {
                    let count = stream.read(&mut buffer).await.map_err(broken)?;
                    if count == 0 {
                        return Err(Reason::Answer("it closed the connection before the end".into()));
                    }
                    self.received += count;
                    if self.received > MOST {
                        return Err(Reason::Answer(format!("more than {MOST} octets")));
                    }
                    self.input.extend(buffer.get(..count).unwrap_or_default());
                }
                Step::Send(_) if self.in_turn && !self.input.is_empty() => {
                    return Err(Reason::Answer("an answer that nobody asked for".into()));
                }
                Step::Send(octets) => {
                    stream.write_all(&octets).await.map_err(broken)?;
                    stream.flush().await.map_err(broken)?;
                }
                // Words from before the handshake could be anybody's.
                Step::StartTls if self.input.is_empty() => return Ok(Next::StartTls),
                Step::StartTls => {
                    return Err(Reason::Answer("words between the consent to TLS and TLS".into()));
                }
                Step::Done(last) => {
                    let _ = stream.write_all(&last).await;
                    let _ = stream.flush().await;
                    return Ok(Next::Over);
                }
                Step::Failed(reason) => return Err(reason),
            }
        }
    }
}

/// An error of reading or writing in clear.
fn broken(error: io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::TimedOut => Reason::AnswerTimedOut,
        _ => Reason::Broken(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
