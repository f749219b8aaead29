//! A body made of a stream: three chunks, 200 ms apart.

use futures_util::{StreamExt, stream};
use std::time::Duration;
use waystation::{Response, sleep};

const CHUNKS: [(u64, &str); 3] = [
    (0, "<p>One</p>"),
    (200, "<p>Two</p>"),
    (200, "<p>Three</p>"),
];

pub async fn get() -> Response {
    let chunks = stream::iter(CHUNKS).then(async |(wait, chunk)| {
        sleep(Duration::from_millis(wait)).await;
        chunk
    });
    Response::stream(chunks)
}
