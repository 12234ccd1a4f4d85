//! A stream on which no single wait lasts longer than a limit: `connect_timeout` after connecting (fact 10.4).
//!
//! Sits under TLS too, so a handshake is limited in the same way: wait by wait. Who reads and writes at once waits twice,
//! for each by itself.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// `inner` with a limit for every wait; a wait that is too long is an error of kind `TimedOut`.
#[derive(Debug)]
pub(super) struct Patient<S> {
    inner: S,
    reading: Wait,
    writing: Wait,
    /// So many octets may still be read.
    left: u64,
}

impl<S> Patient<S> {
    pub(super) fn new(inner: S, limit: Duration) -> Self {
        Self {
            inner,
            reading: Wait::new(limit),
            writing: Wait::new(limit),
            left: u64::MAX,
        }
    }

    /// More octets than these are an error.
    pub(super) fn at_most(self, octets: u64) -> Self {
        Self { left: octets, ..self }
    }
}

/// One direction's.
#[derive(Debug)]
struct Wait {
    limit: Duration,
    /// Made for the first wait; most find their data there.
    alarm: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

impl Wait {
    const fn new(limit: Duration) -> Self {
        Self {
            limit,
            alarm: None,
            waiting: false,
        }
    }

    /// Turns a wait that is too long into an error.
    fn bound<T>(&mut self, cx: &mut Context<'_>, inner: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if inner.is_ready() {
            self.waiting = false;
            return inner;
        }
        let limit = self.limit;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep(limit)));
        if !self.waiting {
            self.waiting = true;
            alarm.as_mut().reset(Instant::now() + limit);
        }
        match alarm.as_mut().poll(cx) {
            Poll::Ready(()) => {
                self.waiting = false;
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let inner = Pin::new(&mut this.inner).poll_read(cx, buf);
        let read = buf.filled().len().saturating_sub(before) as u64;
        match this.left.checked_sub(read) {
            Some(left) => this.left = left,
            None => return Poll::Ready(Err(io::Error::other("more octets than an answer has"))),
        }
        this.reading.bound(cx, inner)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let inner = Pin::new(&mut this.inner).poll_write(cx, buf);
        this.writing.bound(cx, inner)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let inner = Pin::new(&mut this.inner).poll_flush(cx);
        this.writing.bound(cx, inner)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let inner = Pin::new(&mut this.inner).poll_shutdown(cx);
        this.writing.bound(cx, inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const LIMIT: Duration = Duration::from_secs(5);

    /// One who takes everything and says nothing is not listened to for ever: writing is no answer.
    #[tokio::test(start_paused = true)]
    async fn who_writes_all_the_time_still_waits_for_an_answer() {
        let (near, mut far) = duplex(64);
        tokio::spawn(async move {
            let mut sink = [0; 64];
            while far.read(&mut sink).await.is_ok_and(|count| count > 0) {}
        });
        let (mut reading, mut writing) = tokio::io::split(Patient::new(near, LIMIT));
        let writer = tokio::spawn(async move {
            while writing.write_all(b"more").await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        });
        let began = Instant::now();
        let heard = tokio::time::timeout(LIMIT * 4, reading.read(&mut [0])).await;
        let error = heard.expect("it waits for ever").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed(), LIMIT);
        writer.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn each_wait_begins_anew() {
        let (near, mut far) = duplex(64);
        tokio::spawn(async move {
            for _ in 0..4 {
                sleep(LIMIT - Duration::from_secs(1)).await;
                far.write_all(b"x").await.unwrap();
            }
            std::future::pending::<()>().await;
        });
        let mut stream = Patient::new(near, LIMIT);
        let began = Instant::now();
        let mut heard = Vec::new();
        let error = stream.read_to_end(&mut heard).await.unwrap_err();
        assert_eq!(
            (heard.as_slice(), error.kind()),
            (&b"xxxx"[..], io::ErrorKind::TimedOut)
        );
        assert_eq!(began.elapsed(), Duration::from_secs(4 * 4 + 5));
    }

    #[tokio::test]
    async fn more_than_is_wanted_is_an_error() {
        let mut stream = Patient::new(&b"12345"[..], LIMIT).at_most(4);
        let mut heard = [0; 4];
        stream.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, *b"1234");
        let error = stream.read(&mut heard).await.unwrap_err();
        assert_eq!(error.to_string(), "more octets than an answer has");
    }
}
