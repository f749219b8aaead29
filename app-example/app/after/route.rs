//! Work that goes on once the answer is sent: the client does not wait for it.

use std::time::Duration;
use waystation::{Error, after, sleep};

pub async fn get() -> &'static str {
    after(async {
        sleep(Duration::from_millis(100)).await; // such as a request to another server
        println!("the visit is counted"); // in the log, with the route and the request
        Ok::<_, Error>(())
    });
    "thank you for the visit"
}
