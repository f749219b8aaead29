//! Waiting for a thing instead of for a time.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// How long a test waits for what normally takes a second: the machine may be slow and busy.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How long a test waits for what may include building everything from nothing.
pub(crate) const PATIENCE_WITH_A_BUILD: Duration = Duration::from_secs(900);

/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(5);

/// Asks until there is a value.
///
/// # Panics
///
/// If there is none within [`PATIENCE`].
#[track_caller]
pub fn wait<T>(what: impl Display, ask: impl FnMut() -> Option<T>) -> T {
    wait_long(PATIENCE, what, ask)
}

/// Asks until there is a value.
///
/// # Panics
///
/// If there is none within `patience`.
#[track_caller]
pub(crate) fn wait_long<T>(
    patience: Duration,
    what: impl Display,
    mut ask: impl FnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(value) = ask() {
            return value;
        }
        assert!(
            Instant::now() < deadline,
            "waited {patience:?} in vain: {what}"
        );
        std::thread::sleep(PAUSE);
    }
}

/// Asks until there is a value, in async code.
///
/// # Panics
///
/// If there is none within [`PATIENCE`].
pub async fn wait_for<T>(what: impl Display, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = ask().await {
            return value;
        }
        assert!(
            Instant::now() < deadline,
            "waited {PATIENCE:?} in vain: {what}"
        );
        tokio::time::sleep(PAUSE).await;
    }
}
