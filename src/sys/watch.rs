//! File descriptors that a tokio runtime watches for readiness.
//!
//! Owns the one `unsafe` promise that tokio asks for: a registered descriptor is neither closed nor replaced while it
//! is watched. [`Watched`] keeps it by never handing out the inner value but by reference or at the end.
#![expect(unsafe_code, reason = "tokio's registration is an unsafe function")]

use nix::sys::inotify::Inotify;
use nix::sys::timerfd::TimerFd;
use socket2::Socket;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::task::{Context, Poll, ready};
use tokio::io::Interest;
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};

mod sealed {
    /// Types that own one descriptor for their whole life and close it themselves.
    pub trait OwnsFd {}
}

/// Types that own one descriptor for their whole life.
pub trait OwnsFd: sealed::OwnsFd + AsFd {}

impl<T: sealed::OwnsFd + AsFd> OwnsFd for T {}
impl sealed::OwnsFd for OwnedFd {}
impl sealed::OwnsFd for Socket {}
impl sealed::OwnsFd for TimerFd {}
impl sealed::OwnsFd for Inotify {}

/// A descriptor registered with the runtime of this thread for reading.
pub struct Watched<T: OwnsFd>(AsyncFd<Fd<T>>);

/// What tokio asks for: a type that tells its number.
pub struct Fd<T>(T);

impl<T: OwnsFd> AsRawFd for Fd<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl<T: OwnsFd> Watched<T> {
    /// Registers `inner`, which must be non-blocking.
    ///
    /// # Errors
    /// When the runtime's poller refuses it (no memory, too many watches).
    pub fn new(inner: T) -> io::Result<Self> {
        // SAFETY: `OwnsFd` is sealed to types that own their descriptor; `inner` is moved in, and `Watched` gives
        // only shared references to it until `into_inner` deregisters it.
        let registered = unsafe { AsyncFd::register_with_interest(Fd(inner), Interest::READABLE) };
        Ok(Self(registered?))
    }

    /// The inner value.
    pub fn get(&self) -> &T {
        &self.0.get_ref().0
    }

    /// Ends the watch without closing.
    pub fn into_inner(self) -> T {
        self.0.into_inner().0
    }

    /// Ready when there is something to read. The guard says whether it was all read.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<AsyncFdReadyGuard<'_, Fd<T>>>> {
        Poll::Ready(Ok(ready!(self.0.poll_read_ready(cx))?))
    }

    /// Waits until there is something to read.
    ///
    /// # Errors
    /// When the runtime is shutting down.
    pub async fn readable(&self) -> io::Result<AsyncFdReadyGuard<'_, Fd<T>>> {
        self.0.readable().await
    }
}

impl<T: OwnsFd> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watched({})", self.0.get_ref().as_raw_fd())
    }
}
