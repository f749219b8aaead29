//! The answers that builds have made, in their releases: for those that memory has no room for.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};

use super::Entry;

/// Releases that are served at a time: one goes on while the next takes over.
const RELEASES: usize = 2;

/// Reads an answer from its release; it blocks. Nothing if it is not as it was built any more.
pub type Read = Box<dyn Fn() -> Option<Entry> + Send + Sync>;

/// By key, those of the last releases.
#[derive(Default)]
pub(super) struct Built(RwLock<VecDeque<HashMap<Arc<str>, Arc<Read>>>>);

impl Built {
    pub(super) fn add(&self, answers: Vec<(Arc<str>, Read)>) {
        let answers = answers.into_iter();
        let answers = answers.map(|(key, read)| (key, Arc::new(read))).collect();
        let mut releases = self.0.write().unwrap_or_else(PoisonError::into_inner);
        releases.push_front(answers);
        releases.truncate(RELEASES);
    }

    pub(super) fn find(&self, key: &str) -> Option<Arc<Read>> {
        let releases = self.0.read().unwrap_or_else(PoisonError::into_inner);
        releases
            .iter()
            .find_map(|answers| answers.get(key).cloned())
    }

    /// There is a newer one, or there is none any more.
    pub(super) fn forget(&self, key: &str) {
        if self.find(key).is_some() {
            let mut releases = self.0.write().unwrap_or_else(PoisonError::into_inner);
            for answers in &mut *releases {
                answers.remove(key);
            }
        }
    }
}
