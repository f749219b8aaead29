//! Counts the time one request spends executing in a guest.
//!
//! A guest waits far more than it runs, so wall time would punish slow upstreams; and on a busy machine its thread is often put aside, so
//! the thread's own CPU clock is read when the driver enters and leaves the guest.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The execution time of one request, in nanoseconds.
#[derive(Debug, Default)]
pub(super) struct Cpu {
    entered: AtomicU64,
    used: AtomicU64,
    budget: AtomicU64,
}

impl Cpu {
    /// Starts a request that may run for `budget`.
    pub(super) fn start(&self, budget: Duration) {
        self.used.store(0, Ordering::Relaxed);
        let budget = u64::try_from(budget.as_nanos()).unwrap_or(u64::MAX);
        self.budget.store(budget, Ordering::Relaxed);
    }

    /// Runs `poll`, which may run the guest, and counts how long it keeps the processor.
    pub(super) fn count<T>(&self, poll: impl FnOnce() -> T) -> T {
        self.entered.store(now(), Ordering::Relaxed);
        let polled = poll();
        self.used.fetch_add(self.since_entry(), Ordering::Relaxed);
        polled
    }

    /// Whether the budget is spent; asked by the guest itself, at each tick while it runs.
    pub(super) fn is_spent(&self) -> bool {
        self.budget.load(Ordering::Relaxed) < self.used.load(Ordering::Relaxed) + self.since_entry()
    }

    fn since_entry(&self) -> u64 {
        now().saturating_sub(self.entered.load(Ordering::Relaxed))
    }
}

/// What this thread has run so far. A poll begins and ends on one thread.
fn now() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let nanos = i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec);
    u64::try_from(nanos).unwrap_or(0)
}
