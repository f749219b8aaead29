//! Asking for the request itself.

use crate::ambient;

/// Waits for a client's request: what follows is done anew for each one, never once for all of them (row K1).
///
/// Today it returns at once, for no answer is made before there is a request for it.
///
/// ```
/// use waystation::{connection, random_u64};
///
/// pub async fn get() -> String {
///     connection().await;
///     format!("{}", random_u64())
/// }
/// ```
#[allow(clippy::unused_async, reason = "it may have to wait one day")]
pub async fn connection() {
    ambient::current("connection()");
}
