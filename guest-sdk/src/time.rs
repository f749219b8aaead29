//! The clock.

use std::time::{Duration, SystemTime};

/// Waits for so long without using the CPU.
///
/// The wait counts against the route's `MAX_DURATION`.
pub async fn sleep(duration: Duration) {
    let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    wasip3::clocks::monotonic_clock::wait_for(nanoseconds).await;
}

/// The time of day.
pub fn now() -> SystemTime {
    #[cfg(not(target_family = "wasm"))]
    return SystemTime::now();
    #[cfg(target_family = "wasm")]
    {
        let now = wasip3::clocks::system_clock::now();
        let seconds = Duration::from_secs(now.seconds.unsigned_abs());
        let whole = if now.seconds < 0 {
            SystemTime::UNIX_EPOCH - seconds
        } else {
            SystemTime::UNIX_EPOCH + seconds
        };
        whole + Duration::from_nanos(now.nanoseconds.into())
    }
}
