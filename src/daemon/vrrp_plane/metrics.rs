//! The VRRP plane's numbers: counted on its thread, read from any other.

use crate::vrrp::io::announce::AnnounceCounters;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Counters and measures since the start.
#[derive(Debug, Default)]
pub struct PlaneMetrics {
    lateness_last: AtomicU64,
    lateness_max: AtomicU64,
    deadlines: AtomicU64,
    received: AtomicU64,
    receive_errors: AtomicU64,
    sent: AtomicU64,
    send_errors: AtomicU64,
    announced: AtomicU64,
    announce_retries: AtomicU64,
    announce_drops: AtomicU64,
    notices_dropped: AtomicU64,
}

/// The same at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaneNumbers {
    /// How late the last deadline was served.
    pub lateness_last: Duration,
    /// How late the latest deadline was served.
    pub lateness_max: Duration,
    /// Deadlines served.
    pub deadlines: u64,
    /// Packets received.
    pub received: u64,
    /// Failures of receiving.
    pub receive_errors: u64,
    /// Packets sent.
    pub sent: u64,
    /// Packets that could not be sent.
    pub send_errors: u64,
    /// Gratuitous ARPs and neighbour advertisements sent.
    pub announced: u64,
    /// Times that an interface's queue was full for them.
    pub announce_retries: u64,
    /// Of them given up.
    pub announce_drops: u64,
    /// Notifications lost because the control plane did not take them.
    pub notices_dropped: u64,
}

impl PlaneMetrics {
    /// The numbers now.
    pub fn numbers(&self) -> PlaneNumbers {
        PlaneNumbers {
            lateness_last: Duration::from_micros(self.lateness_last.load(Relaxed)),
            lateness_max: Duration::from_micros(self.lateness_max.load(Relaxed)),
            deadlines: self.deadlines.load(Relaxed),
            received: self.received.load(Relaxed),
            receive_errors: self.receive_errors.load(Relaxed),
            sent: self.sent.load(Relaxed),
            send_errors: self.send_errors.load(Relaxed),
            announced: self.announced.load(Relaxed),
            announce_retries: self.announce_retries.load(Relaxed),
            announce_drops: self.announce_drops.load(Relaxed),
            notices_dropped: self.notices_dropped.load(Relaxed),
        }
    }

    pub(super) fn deadline_served(&self, late: Duration) {
        let late = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        self.lateness_last.store(late, Relaxed);
        self.lateness_max.fetch_max(late, Relaxed);
        self.deadlines.fetch_add(1, Relaxed);
    }

    /// The greatest lateness is measured anew.
    pub(super) fn clear_lateness(&self) {
        self.lateness_last.store(0, Relaxed);
        self.lateness_max.store(0, Relaxed);
    }

    pub(super) fn received(&self) {
        self.received.fetch_add(1, Relaxed);
    }

    pub(super) fn receive_failed(&self) {
        self.receive_errors.fetch_add(1, Relaxed);
    }

    pub(super) fn sent(&self, well: bool) {
        let counter = if well { &self.sent } else { &self.send_errors };
        counter.fetch_add(1, Relaxed);
    }

    pub(super) fn announced(&self, counters: AnnounceCounters) {
        self.announced.store(counters.sent, Relaxed);
        self.announce_retries.store(counters.retried, Relaxed);
        self.announce_drops.store(counters.dropped, Relaxed);
    }

    pub(super) fn notice_dropped(&self) {
        self.notices_dropped.fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_lateness_stays() {
        let metrics = PlaneMetrics::default();
        metrics.deadline_served(Duration::from_micros(900));
        metrics.deadline_served(Duration::from_micros(30));
        let numbers = metrics.numbers();
        assert_eq!(numbers.lateness_last, Duration::from_micros(30));
        assert_eq!(numbers.lateness_max, Duration::from_micros(900));
        assert_eq!(numbers.deadlines, 2);
        metrics.clear_lateness();
        metrics.deadline_served(Duration::from_micros(20));
        assert_eq!(metrics.numbers().lateness_max, Duration::from_micros(20));
    }
}
