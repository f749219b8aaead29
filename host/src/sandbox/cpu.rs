//! Counts the time one request spends executing in a guest.
//!
//! A guest waits far more than it runs, so it is charged only for the polls that run it. Nearly all of them end before a tick of the
//! epoch: those are charged by the wall clock, which needs no system call. From its first tick on, a poll is charged by the thread's own
//! CPU clock, for on a busy machine a thread is often put aside. A host call meets no tick, so it is charged for one tick at most.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::engine::TICK;

/// The execution time of one request, in nanoseconds.
#[derive(Debug)]
pub(super) struct Cpu {
    budget: u64,
    used: AtomicU64,
    /// When the poll under way began, by the wall clock.
    entered: AtomicU64,
    /// When the poll under way met its first tick, by the thread's CPU clock; 0 before that.
    ticked: AtomicU64,
}

impl Cpu {
    /// Of a request that may run for `budget`.
    pub(super) fn new(budget: Duration) -> Self {
        Self {
            budget: u64::try_from(budget.as_nanos()).unwrap_or(u64::MAX),
            used: AtomicU64::new(0),
            entered: AtomicU64::new(0),
            ticked: AtomicU64::new(0),
        }
    }

    /// Runs `poll`, which may run the guest, and counts how long it keeps the processor.
    pub(super) fn count<T>(&self, poll: impl FnOnce() -> T) -> T {
        self.ticked.store(0, Ordering::Relaxed);
        self.entered
            .store(now(ClockId::Monotonic), Ordering::Relaxed);
        let polled = poll();
        match self.ticked.load(Ordering::Relaxed) {
            0 => self.charge_untimed(),
            ticked => self.charge(now(ClockId::ThreadCPUTime) - ticked),
        }
        polled
    }

    /// Whether the budget is spent; asked by the guest itself, at each tick while it runs.
    pub(super) fn is_spent(&self) -> bool {
        let now = now(ClockId::ThreadCPUTime).max(1);
        match self.ticked.swap(now, Ordering::Relaxed) {
            0 => self.charge_untimed(),
            ticked => self.charge(now - ticked),
        }
        self.budget < self.used.load(Ordering::Relaxed)
    }

    /// How long it has executed.
    pub(super) fn used(&self) -> Duration {
        Duration::from_nanos(self.used.load(Ordering::Relaxed))
    }

    /// Adds what ran since the poll began, which no tick has interrupted: a tick's time at most.
    fn charge_untimed(&self) {
        let ran = now(ClockId::Monotonic) - self.entered.load(Ordering::Relaxed);
        self.charge(ran.min(TICK.as_nanos() as u64));
    }

    fn charge(&self, ran: u64) {
        self.used.fetch_add(ran, Ordering::Relaxed);
    }
}

/// A clock's time, in nanoseconds.
fn now(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
    .as_nanos() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poll_without_a_tick_is_charged_for_a_tick_at_most() {
        let cpu = Cpu::new(TICK);
        cpu.count(|| spin(TICK / 5));
        assert!(TICK / 5 <= cpu.used(), "{:?}", cpu.used());
        let before = cpu.used();
        cpu.count(|| spin(TICK * 2)); // a host call; a guest would have met a tick
        assert!(cpu.used() - before <= TICK, "{:?}", cpu.used());
    }

    #[test]
    fn a_poll_that_spins_spends_its_budget() {
        let cpu = Cpu::new(TICK * 3);
        let polled = cpu.count(|| {
            let began = now(ClockId::ThreadCPUTime);
            while !cpu.is_spent() {}
            Duration::from_nanos(now(ClockId::ThreadCPUTime) - began)
        });
        assert!(TICK * 2 <= polled && polled <= TICK * 4, "{polled:?}");
    }

    fn spin(time: Duration) {
        let began = now(ClockId::ThreadCPUTime);
        while Duration::from_nanos(now(ClockId::ThreadCPUTime) - began) < time {}
    }
}
