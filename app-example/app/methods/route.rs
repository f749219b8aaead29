//! Every method in one file; HEAD answers with a header, as it has no body.

use waystation::{IntoResponse, StatusCode};

pub async fn get() -> &'static str {
    "GET"
}

pub async fn head() -> impl IntoResponse {
    (StatusCode::OK, [("x-method", "HEAD")], ())
}

pub async fn post() -> &'static str {
    "POST"
}

pub async fn put() -> &'static str {
    "PUT"
}

pub async fn patch() -> &'static str {
    "PATCH"
}

pub async fn delete() -> &'static str {
    "DELETE"
}

pub async fn options() -> &'static str {
    "OPTIONS"
}

/// Safe and repeatable like GET, with a body like POST: RFC 10008.
pub async fn query() -> &'static str {
    "QUERY"
}
