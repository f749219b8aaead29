//! A header read with `headers()` and sent back.

use waystation::{Response, Result, headers};

pub async fn get() -> Result<Response> {
    let headers = headers();
    let mut response = Response::builder();
    if let Some(referer) = headers.get("referer") {
        response = response.header("referer", referer);
    }
    response.body("Hello, Waystation!")
}
