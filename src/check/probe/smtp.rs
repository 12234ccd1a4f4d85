//! SMTP_CHECK: the dialogue of [`crate::check::smtp`] over TCP. Connecting and every reply have `connect_timeout`.

use super::tcp;
use crate::check::config::SmtpConfig;
use crate::check::event::Reason;
use crate::check::smtp::{Dialogue, Step};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Octets of a read.
const ROOM: usize = 512;

pub(super) async fn ask(config: &SmtpConfig) -> Result<(), Reason> {
    let mut stream = tcp::connect(&config.connection).await?;
    let mut dialogue = Dialogue::default();
    loop {
        // A server that sends an octet now and then gets no more time than a silent one.
        let reply = reply(&mut stream, &mut dialogue);
        let step = match timeout(config.connection.timeout, reply).await {
            Ok(step) => step?,
            Err(_) => return Err(Reason::AnswerTimedOut),
        };
        let words = match step {
            Step::Wait => continue,
            Step::Helo => format!("HELO {}\r\n", config.helo_name),
            Step::Quit => "QUIT\r\n".to_owned(),
            Step::Done => return Ok(()),
        };
        say(&mut stream, &words, config.connection.timeout).await?;
    }
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), words: &str, limit: Duration) -> Result<(), Reason> {
    match timeout(limit, stream.write_all(words.as_bytes())).await {
        Ok(sent) => sent.map_err(|error| Reason::NotSent(error.to_string())),
        Err(_) => Err(Reason::NotTaken),
    }
}

/// Reads to the end of a reply.
async fn reply(stream: &mut TcpStream, dialogue: &mut Dialogue) -> Result<Step, Reason> {
    let mut buffer = [0; ROOM];
    loop {
        let length = match stream.read(&mut buffer).await {
            Ok(0) => return Err(Reason::NoData),
            Ok(length) => length,
            Err(error) => return Err(Reason::Broken(error.to_string())),
        };
        match dialogue.take(buffer.get(..length).unwrap_or_default())? {
            Step::Wait => {}
            step @ (Step::Helo | Step::Quit | Step::Done) => return Ok(step),
        }
    }
}

#[cfg(test)]
mod tests;
