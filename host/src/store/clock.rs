//! When tags went out of date.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use waystation_rules::caching::{EVERY, Lapse, Lapsing, MOST_LAPSES, fold};

/// The tags that ever lapsed, each with when; of more than [`MOST_LAPSES`] those that lapsed last.
///
/// Times are milliseconds since the epoch, put off by as many as it takes for what happens after something else to be later than it, also
/// within a millisecond and where another node's clock is ahead (Lamport 1978).
#[derive(Debug, Default)]
pub struct Clock {
    lapses: RwLock<HashMap<String, Lapse>>,
    /// The last lapse.
    lapsed: AtomicU64,
    /// The last time that something was begun.
    begun: AtomicU64,
}

impl Clock {
    /// Something is begun: it is later than every lapse so far, and no later than the next one.
    pub fn begin(&self, now: u64) -> u64 {
        let began = now.max(self.lapsed.load(Ordering::SeqCst).saturating_add(1));
        self.has_begun(began);
        began
    }

    /// Something was begun at another time, or by another node's clock: no later than the next lapse.
    pub fn has_begun(&self, began: u64) {
        self.begun.fetch_max(began, Ordering::SeqCst);
    }

    /// What became of these tags, together.
    pub fn of(&self, tags: &[String]) -> Lapse {
        let lapses = self.lapses.read().unwrap_or_else(PoisonError::into_inner);
        let mut merged = Lapse::default();
        if !lapses.is_empty() {
            let tags = tags.iter().map(String::as_str).chain([EVERY]);
            for lapse in tags.filter_map(|tag| lapses.get(tag)) {
                merged.merge(lapse);
            }
        }
        merged
    }

    /// When something that goes out of date now does: no sooner than all that was begun, here or as far as is known elsewhere.
    pub fn lapse(&self, now: u64) -> u64 {
        let lapsed = self.lapsed.load(Ordering::SeqCst).saturating_add(1);
        now.max(self.begun.load(Ordering::SeqCst)).max(lapsed)
    }

    /// A tag goes out of date at `now`. Gives back what is known of it then.
    pub fn add(&self, tag: &str, lapsing: Lapsing, now: u64) -> Lapse {
        let mut lapses = self.lapses.write().unwrap_or_else(PoisonError::into_inner);
        let lapse = lapses.entry(tag.to_owned()).or_default();
        self.lapsed.fetch_max(now, Ordering::SeqCst);
        lapse.add(lapsing, now);
        let lapse = *lapse;
        fold(&mut lapses, MOST_LAPSES);
        lapse
    }

    /// All that is known, in no order.
    pub fn all(&self) -> Vec<(String, Lapse)> {
        let lapses = self.lapses.read().unwrap_or_else(PoisonError::into_inner);
        lapses
            .iter()
            .map(|(tag, lapse)| (tag.clone(), *lapse))
            .collect()
    }

    /// Another node, or an earlier run, says this of a tag.
    pub fn merge(&self, tag: &str, told: &Lapse) {
        let mut lapses = self.lapses.write().unwrap_or_else(PoisonError::into_inner);
        lapses.entry(tag.to_owned()).or_default().merge(told);
        if let Some(at) = told.stale.max(told.expired) {
            self.lapsed.fetch_max(at, Ordering::SeqCst);
        }
        fold(&mut lapses, MOST_LAPSES);
    }
}
