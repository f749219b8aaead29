//! The time of day that a guest sees.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wasmtime_wasi::clocks::{HostWallClock, WallClock};

/// The machine's time of day, unless a test has stopped it.
#[derive(Clone, Debug)]
pub(super) struct Clock(Arc<AtomicU64>);

/// In place of nanoseconds since 1970.
const RUNS: u64 = u64::MAX;

impl Clock {
    /// Has it stand there, or run.
    pub(super) fn set(&self, now: Option<Duration>) {
        let now = now.and_then(|now| u64::try_from(now.as_nanos()).ok());
        self.0.store(now.unwrap_or(RUNS), Ordering::Relaxed);
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(RUNS)))
    }
}

impl HostWallClock for Clock {
    fn resolution(&self) -> Duration {
        WallClock.resolution()
    }

    fn now(&self) -> Duration {
        match self.0.load(Ordering::Relaxed) {
            RUNS => WallClock.now(),
            stopped => Duration::from_nanos(stopped),
        }
    }
}
