//! When memory is given back that the allocator keeps: once a start, a reload or a flood of probes is over, on every thread.

use tokio::time::{Duration, Instant, sleep_until};

/// By then a start or a reload is over: the table is made, the log is written, and what that took is free.
/// Memory is given back no more often than this.
const SETTLED: Duration = Duration::from_secs(10);

/// The next time.
#[derive(Debug, Default)]
pub(super) struct Tidy(Option<Instant>);

impl Tidy {
    /// Something large begins: it is to be over first.
    pub(super) fn after_this(&mut self) {
        self.0 = Some(Instant::now() + SETTLED);
    }

    /// Something large is over. However often that is said, the time comes.
    pub(super) fn soon(&mut self) {
        self.0.get_or_insert_with(|| Instant::now() + SETTLED);
    }

    /// Waits for the time; while there is none, for ever.
    pub(super) async fn due(&mut self) {
        match self.0 {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{sleep, timeout};

    #[tokio::test(start_paused = true)]
    async fn memory_is_given_back_once_and_not_too_often() {
        let mut tidy = Tidy::default();
        let due = async |tidy: &mut Tidy| {
            let began = Instant::now();
            let limit = SETTLED * 2;
            timeout(limit, tidy.due()).await.is_ok().then(|| began.elapsed())
        };
        assert_eq!(due(&mut tidy).await, None);
        // Said again and again, it comes all the same; said while it waits, it comes once.
        tidy.soon();
        for _ in 0..3 {
            sleep(SETTLED / 4).await;
            tidy.soon();
        }
        assert!(due(&mut tidy).await.unwrap() <= SETTLED / 4 + Duration::from_millis(1));
        assert_eq!(due(&mut tidy).await, None);
        tidy.soon();
        assert!(due(&mut tidy).await.unwrap() >= SETTLED);
        // A reload puts it off.
        tidy.soon();
        sleep(SETTLED / 2).await;
        tidy.after_this();
        assert!(due(&mut tidy).await.unwrap() >= SETTLED);
    }
}
