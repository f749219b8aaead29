//! A shared instance: its statics live from one request to the next, until the host retires it.

use std::sync::atomic::{AtomicU32, Ordering};
use waystation::Isolation;

pub const ISOLATION: Isolation = Isolation::Shared;

static VISITS: AtomicU32 = AtomicU32::new(0);

pub async fn get() -> String {
    let visit = VISITS.fetch_add(1, Ordering::Relaxed) + 1;
    format!("visit {visit}")
}
