//! The clock.

use std::time::{Duration, SystemTime};

/// Waits for so long without using the CPU.
///
/// The wait counts against the route's `MAX_DURATION`. In a native test nothing waits: the test's clock is set forward.
///
/// ```
/// use std::time::Duration;
///
/// pub async fn get() -> &'static str {
///     waystation::sleep(Duration::from_millis(200)).await;
///     "at last"
/// }
/// ```
pub async fn sleep(duration: Duration) {
    #[cfg(not(target_family = "wasm"))]
    crate::ambient::world().sleep(duration);
    #[cfg(target_family = "wasm")]
    {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        wasip3::clocks::monotonic_clock::wait_for(nanoseconds).await;
    }
}

/// The time of day. In a native test it is the test's: see [`TestRequest::at`](crate::testing::TestRequest::at).
///
/// ```
/// use std::time::SystemTime;
///
/// pub fn get() -> String {
///     let age = waystation::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
///     format!("{} s since 1970", age.as_secs())
/// }
/// ```
pub fn now() -> SystemTime {
    #[cfg(not(target_family = "wasm"))]
    return crate::ambient::world().now();
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
