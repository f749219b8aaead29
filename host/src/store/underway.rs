//! What is going on now, by key: whoever comes meanwhile shares it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Kept as long as somebody holds it.
#[derive(Default)]
pub(super) struct Underway<T>(Mutex<HashMap<String, Weak<T>>>);

impl<T: Default> Underway<T> {
    /// What goes on under a key; it begins if nothing does.
    pub(super) fn of(&self, key: &str) -> Arc<T> {
        let mut underway = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = underway.get(key).and_then(Weak::upgrade) {
            return shared;
        }
        underway.retain(|_, shared| shared.strong_count() > 0);
        let shared = Arc::<T>::default();
        underway.insert(key.to_owned(), Arc::downgrade(&shared));
        shared
    }

    /// What goes on under a key is over, whoever may still hold it: who comes now begins anew.
    pub(super) fn end(&self, key: &str) {
        let mut underway = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        underway.remove(key);
    }
}
