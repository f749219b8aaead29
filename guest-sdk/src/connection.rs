//! Asking for the request itself.

use crate::ambient;
use crate::bindings::outcome::Reads;

/// Waits for a client's request: what follows is done anew for each one, never once for all of them (row K1).
///
/// It returns at once where there is a request. An answer that is made to be kept is not kept once it was called.
///
/// ```
/// use waystation::{connection, random_u64};
///
/// pub async fn get() -> String {
///     connection().await;
///     format!("{}", random_u64())
/// }
/// ```
#[allow(clippy::unused_async, reason = "Next's is awaited too")]
pub async fn connection() {
    ambient::current("connection()").read(Reads::CONNECTION);
}
