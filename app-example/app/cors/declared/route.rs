//! CORS by configuration: the host answers the browser's preflights and adds the headers.

use waystation::Cors;

pub const CORS: Cors = Cors::new()
    .origins(&["https://shop.example"])
    .headers(&["content-type"])
    .credentials()
    .max_age(600); // seconds

pub async fn get() -> &'static str {
    "for pages of https://shop.example"
}

pub async fn put() {}
