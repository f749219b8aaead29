//! When tags went out of date.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use waystation_rules::caching::{EVERY, Lapse, Lapsing, MOST_LAPSES, fold};

/// The tags that ever lapsed, each with when; of more than [`MOST_LAPSES`] those that lapsed last.
#[derive(Debug, Default)]
pub struct Clock(RwLock<HashMap<String, Lapse>>);

impl Clock {
    /// What became of these tags, together.
    pub fn of(&self, tags: &[String]) -> Lapse {
        let lapses = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut merged = Lapse::default();
        if !lapses.is_empty() {
            let tags = tags.iter().map(String::as_str).chain([EVERY]);
            for lapse in tags.filter_map(|tag| lapses.get(tag)) {
                merged.merge(lapse);
            }
        }
        merged
    }

    /// A tag goes out of date at `now`, in milliseconds since the epoch. Gives back what is known of it then.
    pub fn add(&self, tag: &str, lapsing: Lapsing, now: u64) -> Lapse {
        let mut lapses = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let lapse = lapses.entry(tag.to_owned()).or_default();
        lapse.add(lapsing, now);
        let lapse = *lapse;
        fold(&mut lapses, MOST_LAPSES);
        lapse
    }

    /// All that is known, in no order.
    pub fn all(&self) -> Vec<(String, Lapse)> {
        let lapses = self.0.read().unwrap_or_else(PoisonError::into_inner);
        lapses
            .iter()
            .map(|(tag, lapse)| (tag.clone(), *lapse))
            .collect()
    }

    /// Another node, or an earlier run, says this of a tag.
    pub fn merge(&self, tag: &str, told: &Lapse) {
        let mut lapses = self.0.write().unwrap_or_else(PoisonError::into_inner);
        lapses.entry(tag.to_owned()).or_default().merge(told);
        fold(&mut lapses, MOST_LAPSES);
    }
}
