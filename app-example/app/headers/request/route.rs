//! All headers of the request, by name.

use std::collections::BTreeMap;
use waystation::{Json, Request};

pub async fn get(request: Request) -> Json<BTreeMap<String, String>> {
    let headers = request.headers().iter();
    let pairs = headers.map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        (name.to_string(), value.into_owned())
    });
    Json(pairs.collect())
}
