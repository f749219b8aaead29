//! The answers that builds have made, in their releases: for those that memory has no room for.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};

use super::Entry;

/// Releases whose answers are known, of all that a node has ready or may roll back to; the one that was added first is forgotten first.
const RELEASES: usize = 16;

/// Reads an answer from its release; it blocks. Nothing if it is not as it was built any more.
pub type ReadBuilt = Arc<dyn Fn() -> Option<Entry> + Send + Sync>;

/// By key, those of each release, which has a name.
#[derive(Default)]
pub(super) struct Built(RwLock<VecDeque<(String, Answers)>>);

type Answers = HashMap<Arc<str>, ReadBuilt>;

impl Built {
    /// Takes the answers of a release in place of what there was of it.
    pub(super) fn add(&self, release: &str, answers: Answers) {
        let mut releases = self.0.write().unwrap_or_else(PoisonError::into_inner);
        releases.retain(|(name, _)| name != release);
        releases.push_front((release.to_owned(), answers));
        releases.truncate(RELEASES);
    }

    pub(super) fn find(&self, key: &str) -> Option<ReadBuilt> {
        let releases = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut releases = releases.iter();
        releases.find_map(|(_, answers)| answers.get(key).cloned())
    }

    /// There is a newer one, or there is none any more.
    pub(super) fn forget(&self, key: &str) {
        if self.find(key).is_some() {
            let mut releases = self.0.write().unwrap_or_else(PoisonError::into_inner);
            for (_, answers) in &mut *releases {
                answers.remove(key);
            }
        }
    }
}
