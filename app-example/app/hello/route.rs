//! A whole answer from a plain function.

pub async fn get() -> &'static str {
    "Hello, Waystation!"
}
