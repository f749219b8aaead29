//! An answer that is made again after 60 seconds.

use std::time::SystemTime;
use waystation::{Result, Revalidate, now};

pub const REVALIDATE: Revalidate = Revalidate::seconds(60);

pub async fn get() -> Result<String> {
    let made = now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(format!("posts as of second {}", made.as_secs()))
}
