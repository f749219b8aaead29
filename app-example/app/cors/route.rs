//! CORS: the headers on the answer, and an OPTIONS handler for the browser's preflight.

use waystation::{IntoResponse, StatusCode};

const ALLOW: [(&str, &str); 3] = [
    ("access-control-allow-origin", "*"),
    (
        "access-control-allow-methods",
        "GET, POST, PUT, DELETE, OPTIONS",
    ),
    (
        "access-control-allow-headers",
        "Content-Type, Authorization",
    ),
];

pub async fn get() -> impl IntoResponse {
    (StatusCode::OK, ALLOW, "Hello, Waystation!")
}

pub async fn options() -> impl IntoResponse {
    (StatusCode::NO_CONTENT, ALLOW, ())
}
