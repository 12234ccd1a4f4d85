//! The post: letters wait here for the relay and are brought to it one after the other.
//!
//! A letter that the relay cannot take now (no connection, no answer, a code of 4xx) is tried again after each of [`AGAIN`], and
//! then given up with a log line; the letters after it wait. What comes when [`MAX_WAITING`] wait displaces the oldest.

use super::Letter;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Letters that may wait.
pub(super) const MAX_WAITING: usize = 1024;

/// From one attempt to the next.
pub(super) const AGAIN: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];

/// The letters that wait, and who brings them.
#[derive(Debug)]
pub(super) struct Post {
    shared: Arc<Mutex<Waiting>>,
    stopping: watch::Sender<bool>,
    pub(super) again: [Duration; 2],
}

#[derive(Debug, Default)]
struct Waiting {
    letters: VecDeque<Letter>,
    /// Brings them. Gone when there is nothing to bring.
    postman: Option<JoinHandle<()>>,
    lost: u64,
}

impl Default for Post {
    fn default() -> Self {
        Self {
            shared: Arc::default(),
            stopping: watch::Sender::new(false),
            again: AGAIN,
        }
    }
}

impl Post {
    /// Takes a letter. Never waits.
    pub(super) fn send(&self, letter: Letter) {
        let mut waiting = lock(&self.shared);
        if waiting.letters.len() >= MAX_WAITING
            && let Some(oldest) = waiting.letters.pop_front()
        {
            waiting.lost = waiting.lost.saturating_add(1);
            tracing::warn!(
                "{MAX_WAITING} mails wait for {}; the oldest is left out: {}",
                oldest.host,
                oldest.subject
            );
        }
        waiting.letters.push_back(letter);
        if waiting.postman.is_none() {
            let postman = Postman {
                shared: Arc::clone(&self.shared),
                stopping: self.stopping.subscribe(),
                again: self.again,
            };
            waiting.postman = Some(tokio::spawn(postman.work()));
        }
    }

    pub(super) fn lost(&self) -> u64 {
        lock(&self.shared).lost
    }

    /// Tries what waits once, until `limit`.
    pub(super) async fn close(self, limit: Duration) {
        self.stopping.send_replace(true);
        let postman = lock(&self.shared).postman.take();
        if let Some(mut postman) = postman
            && timeout(limit, &mut postman).await.is_err()
        {
            postman.abort();
            let left = lock(&self.shared).letters.len() + 1;
            tracing::warn!("{left} mails are left behind: the relay did not take them in time");
        }
    }
}

fn lock(shared: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Postman {
    shared: Arc<Mutex<Waiting>>,
    stopping: watch::Receiver<bool>,
    again: [Duration; 2],
}

impl Postman {
    async fn work(mut self) {
        while let Some(letter) = self.next() {
            match self.bring(&letter).await {
                Ok(()) => tracing::info!("SMTP alert successfully sent."),
                Err(why) => {
                    let mut waiting = lock(&self.shared);
                    waiting.lost = waiting.lost.saturating_add(1);
                    let Letter {
                        host, port, subject, ..
                    } = &letter;
                    tracing::warn!("Mail \"{subject}\" was not taken by {host} port {port}: {why}");
                }
            }
        }
    }

    fn next(&self) -> Option<Letter> {
        let mut waiting = lock(&self.shared);
        let letter = waiting.letters.pop_front();
        if letter.is_none() {
            waiting.postman = None;
        }
        letter
    }

    async fn bring(&mut self, letter: &Letter) -> Result<(), String> {
        for pause in self.again {
            match deliver(letter).await {
                Ok(()) => return Ok(()),
                Err(failure) if !failure.may_pass || *self.stopping.borrow() => return Err(failure.why),
                Err(_) => self.pause(pause).await,
            }
        }
        deliver(letter).await.map_err(|failure| failure.why)
    }

    async fn pause(&mut self, time: Duration) {
        tokio::select! {
            // An error means that the post is gone: no more time either.
            _ = self.stopping.wait_for(|stopping| *stopping) => {}
            () = sleep(time) => {}
        }
    }
}

/// Why a letter was not taken.
struct Failure {
    why: String,
    /// Another attempt may help.
    may_pass: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let why = std::error::Error::source(&error)
            .map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
        Self {
            may_pass: !error.is_permanent(),
            why,
        }
    }
}

/// The dialogue (fact 17.4). A recipient that is refused does not keep the others from their mail.
async fn deliver(letter: &Letter) -> Result<(), Failure> {
    let limit = letter.timeout;
    let server = (letter.host.as_str(), letter.port);
    let name = ClientId::Domain(letter.helo.clone());
    let mut relay = within(
        limit,
        AsyncSmtpConnection::connect_tokio1(server, Some(limit), &name, None, None),
    )
    .await?;
    let outcome = dialogue(&mut relay, letter).await;
    // It is polite, and changes nothing any more.
    let _ = within(limit, relay.quit()).await;
    outcome
}

async fn dialogue(relay: &mut AsyncSmtpConnection, letter: &Letter) -> Result<(), Failure> {
    let limit = letter.timeout;
    within(limit, relay.command(format!("MAIL FROM:<{}>\r\n", letter.from))).await?;
    let mut refused = None;
    let mut taken = 0_usize;
    for address in &letter.to {
        match within(limit, relay.command(format!("RCPT TO:<{address}>\r\n"))).await {
            Ok(_) => taken += 1,
            Err(failure) if letter.to.len() == 1 => return Err(failure),
            Err(failure) => {
                tracing::warn!("Mail to {address} is refused by {}: {}", letter.host, failure.why);
                refused = Some(failure);
            }
        }
    }
    if let (0, Some(failure)) = (taken, refused) {
        return Err(failure);
    }
    within(limit, relay.command("DATA\r\n")).await?;
    within(limit, relay.message(letter.text.as_bytes())).await?;
    Ok(())
}

async fn within<T>(limit: Duration, step: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
    match timeout(limit, step).await {
        Ok(answer) => answer.map_err(Failure::from),
        Err(_) => Err(Failure {
            why: format!("no answer within {} s", limit.as_secs()),
            may_pass: true,
        }),
    }
}
