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

#[cfg(test)]
mod tests {
    use super::*;
    use waystation::testing::TestRequest;

    /// The test's clock is set forward; nobody waits.
    #[test]
    fn an_hour_takes_no_time() {
        let request = TestRequest::get("/sleep/3600000").pattern("/sleep/[ms]");
        let response = request.call(get);
        assert_eq!(response.text(), "slept 3600000 ms");
        assert_eq!(response.took(), Duration::from_secs(3600));
    }
}
