//! Counts the time one request spends executing in a guest.
//!
//! A guest waits far more than it runs, so it is charged only for the polls that run it. Nearly all of them end within [`SHORT`]: those are
//! charged by the wall clock, which needs no system call. A longer one is charged by the thread's own CPU clock, for on a busy machine a
//! thread is often put aside. So is a long host call, which meets no tick of the epoch.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// What a poll may take to be charged by the wall clock alone, and how old a look at the thread's CPU clock may be when one begins; in
/// nanoseconds, as all here.
const SHORT: u64 = 500_000;

thread_local! {
    static LOOKED: Cell<Look> = const { Cell::new(Look { at: 0, cpu: 0 }) };
}

/// A look at the thread's CPU clock.
#[derive(Clone, Copy)]
struct Look {
    /// By the wall clock.
    at: u64,
    cpu: u64,
}

/// The execution time of one request, in nanoseconds.
#[derive(Debug)]
pub(super) struct Cpu {
    budget: u64,
    used: AtomicU64,
    /// When the poll under way began, by the wall clock.
    entered: AtomicU64,
    /// What the thread's CPU clock showed then, or up to [`SHORT`] before.
    began: AtomicU64,
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
            began: AtomicU64::new(0),
            ticked: AtomicU64::new(0),
        }
    }

    /// Runs `poll`, which may run the guest, and counts how long it keeps the processor.
    pub(super) fn count<T>(&self, poll: impl FnOnce() -> T) -> T {
        self.ticked.store(0, Ordering::Relaxed);
        let entered = now(ClockId::Monotonic);
        self.entered.store(entered, Ordering::Relaxed);
        self.began.store(looked(entered), Ordering::Relaxed);
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

    /// Adds what ran since the poll began.
    fn charge_untimed(&self) {
        let mut ran = now(ClockId::Monotonic) - self.entered.load(Ordering::Relaxed);
        if SHORT < ran {
            let executed = now(ClockId::ThreadCPUTime) - self.began.load(Ordering::Relaxed);
            ran = ran.min(executed);
        }
        self.charge(ran);
    }

    fn charge(&self, ran: u64) {
        self.used.fetch_add(ran, Ordering::Relaxed);
    }
}

/// What the CPU clock of this thread showed lately, at a time by the wall clock.
fn looked(at: u64) -> u64 {
    let mut look = LOOKED.get();
    if look.at + SHORT < at {
        let cpu = now(ClockId::ThreadCPUTime);
        look = Look { at, cpu };
        LOOKED.set(look);
    }
    look.cpu
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
    use crate::sandbox::engine::TICK;

    #[test]
    fn a_poll_without_a_tick_is_charged_for_what_it_executes() {
        let cpu = Cpu::new(TICK);
        cpu.count(|| spin(TICK / 10));
        assert!(TICK / 10 <= cpu.used(), "{:?}", cpu.used());
        let before = cpu.used();
        cpu.count(|| spin(TICK * 2)); // a host call; a guest would have met a tick
        let charged = cpu.used() - before;
        assert!(TICK * 2 <= charged && charged <= TICK * 3, "{charged:?}");
        let before = cpu.used();
        cpu.count(|| std::thread::sleep(TICK * 2)); // a thread that is put aside
        let charged = cpu.used() - before;
        assert!(charged <= TICK / 2, "{charged:?}");
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
