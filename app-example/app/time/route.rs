//! The time of day.

use std::time::SystemTime;
use waystation::{Result, now};

pub async fn get() -> Result<String> {
    let time = now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(format!("{} s since 1970", time.as_secs()))
}
