//! What several routes share.

/// Greets somebody.
pub fn greeting(name: &str) -> String {
    format!("Hello, {name}!")
}
