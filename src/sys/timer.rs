//! A timer for one absolute deadline, exact to microseconds where the host is.
//!
//! VRRP's deadlines come from here: tokio's own timers round up to whole milliseconds.

use super::wall::Wall;
use super::watch::Watched;
use crate::clock::Instant;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

/// Becomes ready at a point of `CLOCK_MONOTONIC`.
#[derive(Debug)]
pub struct DeadlineTimer {
    fd: Watched<TimerFd>,
    armed: Option<Instant>,
}

impl DeadlineTimer {
    /// A timer that is not armed. Must be made on a thread with a runtime.
    ///
    /// # Errors
    /// When the kernel or the runtime refuses another descriptor.
    pub fn new() -> io::Result<Self> {
        let fd = TimerFd::new(
            ClockId::CLOCK_MONOTONIC,
            TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC,
        )?;
        Ok(Self {
            fd: Watched::new(fd)?,
            armed: None,
        })
    }

    /// Arms the timer for `deadline`, or disarms it. Setting the deadline that is set already costs nothing.
    ///
    /// # Errors
    /// The kernel's; none is known for a valid timer.
    pub fn set(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        if self.armed == deadline {
            return Ok(());
        }
        match deadline {
            Some(at) => {
                // A zero time would disarm; a time in the past fires at once, which is what is wanted.
                let at = Duration::from_micros(at.as_micros()).max(Duration::from_nanos(1));
                let once = Expiration::OneShot(TimeSpec::from_duration(at));
                self.fd.get().set(once, TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
            }
            None => self.fd.get().unset()?,
        }
        self.armed = deadline;
        Ok(())
    }

    /// Ready once the deadline has come; then the timer is disarmed.
    pub fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let Poll::Ready(ready) = self.fd.poll_readable(cx) else {
                return Poll::Pending;
            };
            let mut guard = ready?;
            // `wait` reads the expirations; on a timer that was set anew meanwhile it would block.
            match self.fd.get().wait() {
                Ok(()) => {
                    guard.clear_ready();
                    drop(guard);
                    self.armed = None;
                    return Poll::Ready(Ok(()));
                }
                Err(nix::errno::Errno::EAGAIN) => guard.clear_ready(),
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }
}

/// Becomes ready at a moment of the wall clock, and whenever somebody sets that clock.
#[derive(Debug)]
pub struct WallTimer(Watched<TimerFd>);

impl WallTimer {
    /// A timer for `at`. Must be made on a thread with a runtime.
    ///
    /// # Errors
    /// When the kernel or the runtime refuses another descriptor, or the kernel the moment.
    pub fn new(at: Wall) -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let fd = TimerFd::new(ClockId::CLOCK_REALTIME, flags)?;
        let at = Expiration::OneShot(TimeSpec::from_duration(at.0.max(Duration::from_nanos(1))));
        let flags = TimerSetTimeFlags::TFD_TIMER_ABSTIME | TimerSetTimeFlags::TFD_TIMER_CANCEL_ON_SET;
        fd.set(at, flags)?;
        Ok(Self(Watched::new(fd)?))
    }

    /// Waits for either; which it was, the clock tells. It is of no use afterwards. Cancel-safe.
    ///
    /// # Errors
    /// When the runtime is shutting down.
    pub async fn ended(&self) -> io::Result<()> {
        // Not read: so whoever is called away here finds it ended again.
        self.0.readable().await.map(|_guard| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::clock;
    use std::future::poll_fn;

    #[test]
    fn fires_at_the_deadline_and_can_be_moved() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut timer = DeadlineTimer::new().unwrap();
            let start = clock::now();
            timer.set(Some(start + Duration::from_secs(3600))).unwrap();
            timer.set(Some(start + Duration::from_millis(5))).unwrap();
            poll_fn(|cx| timer.poll_expired(cx)).await.unwrap();
            let waited = clock::now().since(start);
            assert!(waited >= Duration::from_millis(5), "{waited:?}");
            // A deadline in the past fires too.
            timer.set(Some(start)).unwrap();
            poll_fn(|cx| timer.poll_expired(cx)).await.unwrap();
        });
    }

    #[test]
    fn a_deadline_withdrawn_after_it_came_does_not_fire() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut timer = DeadlineTimer::new().unwrap();
            let deadline = clock::now() + Duration::from_millis(1);
            timer.set(Some(deadline)).unwrap();
            while clock::now() <= deadline + Duration::from_millis(1) {}
            timer.set(None).unwrap();
            let fired = tokio::time::timeout(Duration::from_millis(20), poll_fn(|cx| timer.poll_expired(cx)));
            assert!(fired.await.is_err());
        });
    }
}
