//! A cookie with options.

use std::time::Duration;
use waystation::{Cookie, SameSite, StatusCode, cookies};

pub async fn post() -> StatusCode {
    let session = Cookie::new("session", "4711 é")
        .max_age(Duration::from_secs(3600))
        .same_site(SameSite::Lax)
        .http_only(true)
        .secure(true);
    cookies().set(session);
    StatusCode::NO_CONTENT
}

pub async fn delete() -> StatusCode {
    cookies().delete("session");
    StatusCode::NO_CONTENT
}
