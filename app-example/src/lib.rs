//! What several routes share: `app/items/[slug]` and `app/users/[id]` say hello alike.

/// Greets somebody.
pub fn greeting(name: &str) -> String {
    format!("Hello, {name}!")
}
