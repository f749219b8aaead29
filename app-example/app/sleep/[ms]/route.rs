//! Waits before it answers; one that waits past `MAX_DURATION` is a 504.

use serde::Deserialize;
use std::time::Duration;
use waystation::{Context, Result, sleep};

pub const MAX_DURATION: u32 = 2; // seconds

#[derive(Deserialize)]
struct Nap {
    ms: u64,
}

pub async fn get(context: Context) -> Result<String> {
    let Nap { ms } = context.params()?;
    sleep(Duration::from_millis(ms)).await;
    Ok(format!("slept {ms} ms"))
}
