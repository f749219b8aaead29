//! Counts the time one request spends executing in a guest.
//!
//! A guest waits far more than it runs, so wall time would punish slow upstreams. The driver says when it enters and leaves the guest; the
//! engine's ticks in between are what it has run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::engine::{TICK, Ticks};

/// The execution time of one request.
#[derive(Debug)]
pub(super) struct Cpu {
    ticks: Arc<Ticks>,
    entered: AtomicU64,
    used: AtomicU64,
    budget: AtomicU64,
}

impl Cpu {
    pub(super) fn new(ticks: Arc<Ticks>) -> Self {
        Self {
            ticks,
            entered: AtomicU64::new(0),
            used: AtomicU64::new(0),
            budget: AtomicU64::new(0),
        }
    }

    /// Starts a request that may run for `budget`, counted in whole ticks.
    pub(super) fn start(&self, budget: Duration) {
        self.entered.store(self.ticks.now(), Ordering::Relaxed);
        self.used.store(0, Ordering::Relaxed);
        let ticks = budget.as_micros().div_ceil(TICK.as_micros());
        self.budget
            .store(u64::try_from(ticks).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Runs `poll`, which may run the guest, and counts the ticks that pass meanwhile.
    pub(super) fn count<T>(&self, poll: impl FnOnce() -> T) -> T {
        self.entered.store(self.ticks.now(), Ordering::Relaxed);
        let polled = poll();
        self.used.fetch_add(self.since_entry(), Ordering::Relaxed);
        polled
    }

    /// Whether the budget is spent; asked by the guest itself, at each tick while it runs.
    pub(super) fn is_spent(&self) -> bool {
        self.budget.load(Ordering::Relaxed) < self.used.load(Ordering::Relaxed) + self.since_entry()
    }

    fn since_entry(&self) -> u64 {
        self.ticks
            .now()
            .saturating_sub(self.entered.load(Ordering::Relaxed))
    }
}
