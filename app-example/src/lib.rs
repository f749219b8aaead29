//! What several routes share: `app/items/[slug]` and `app/members` say hello alike.

/// Greets somebody.
pub fn greeting(name: &str) -> String {
    format!("Hello, {name}!")
}
