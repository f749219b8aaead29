//! A value that is kept for an hour, and what another route answers, kept for a minute; both are found again by the tag `rates`.

use waystation::{Result, cached, fetch, now};

pub async fn get() -> Result<String> {
    let rate = cached("rate", "hours", load_rate).tags(["rates"]).await?;
    let time = fetch("/time").revalidate(60).tags(["rates"]).await?;
    Ok(format!("{rate}; asked at {}", time.text().await?))
}

/// Stands for a slow database.
async fn load_rate() -> Result<String> {
    let made = now().duration_since(std::time::SystemTime::UNIX_EPOCH)?;
    Ok(format!("1.08 as of second {}", made.as_secs()))
}
