//! Where requests have led before, for those that are made in the same words again.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::sandbox::Guest;
use crate::store::Spot;
use crate::telemetry::RouteCounts;

/// So many are remembered, and forgotten all at once.
const MOST: usize = 4096;

/// From the words of a request to where it has led.
pub struct Shortcuts<T = Shortcut>(RwLock<HashMap<String, Arc<T>>>);

/// The kept answer that a request has led to.
pub struct Shortcut {
    /// The component of the route.
    pub guest: Arc<Guest>,
    /// The pattern of the route.
    pub pattern: Arc<str>,
    /// Where the route is counted.
    pub counts: Option<Arc<RouteCounts>>,
    /// What the answer is kept under.
    pub key: String,
    /// Where it is found.
    pub spot: Spot,
}

impl<T> Default for Shortcuts<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T> Shortcuts<T> {
    /// Where a request in these words has led.
    pub fn find(&self, words: &str) -> Option<Arc<T>> {
        let shortcuts = self.0.read().unwrap_or_else(PoisonError::into_inner);
        shortcuts.get(words).map(Arc::clone)
    }

    /// Remembers where one has led.
    pub fn insert(&self, words: String, shortcut: T) {
        let mut shortcuts = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut forgotten = HashMap::new(); // it takes its time to be dropped, when nobody waits any more
        if MOST <= shortcuts.len() {
            forgotten = std::mem::take(&mut *shortcuts);
        }
        shortcuts.insert(words, Arc::new(shortcut));
        drop(shortcuts);
        drop(forgotten);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_remembered_and_no_more() {
        let shortcuts = Shortcuts::default();
        for number in 0..MOST {
            shortcuts.insert(number.to_string(), number);
        }
        assert_eq!(shortcuts.find("0").as_deref(), Some(&0));
        shortcuts.insert("0".to_owned(), 1);
        assert_eq!(shortcuts.find("0").as_deref(), Some(&1));
        assert_eq!(shortcuts.find("1"), None);
    }
}
