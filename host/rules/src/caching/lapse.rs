//! What became of a tag: a clock that is compared on read, so that nothing has to be searched for what carries the tag.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// Tags whose lapses are remembered one by one.
pub const MOST_LAPSES: usize = 100_000;

/// No tag is empty: this stands for what every entry carries.
pub const EVERY: &str = "";

/// How a tag goes out of date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lapsing {
    /// What carries it is stale: sent once more while it is made anew (row V1).
    Stale,
    /// What carries it is stale, and so many seconds later expired; 0 for at once (rows V2 and V4).
    Expire(u32),
}

/// When a tag went out of date. What was begun later is not concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lapse {
    /// What was begun up to then is stale.
    pub stale: Option<u64>,
    /// What was begun up to then is expired.
    pub expired: Option<u64>,
    /// What was begun up to the first is expired from the second on.
    pub pending: Option<(u64, u64)>,
}

impl Lapse {
    /// The tag goes out of date, now.
    pub fn add(&mut self, lapsing: Lapsing, now: u64) {
        self.settle(now);
        self.stale = self.stale.max(Some(now));
        match lapsing {
            Lapsing::Stale => {}
            Lapsing::Expire(0) => self.expired = self.expired.max(Some(now)),
            Lapsing::Expire(seconds) => {
                let from = now.saturating_add(u64::from(seconds) * 1000);
                let from = self.pending.map_or(from, |(_, earlier)| earlier.min(from));
                self.pending = Some((now, from));
            }
        }
    }

    /// What both say, as after two nodes were told different things, or for all tags of one entry.
    pub fn merge(&mut self, other: &Self) {
        self.stale = self.stale.max(other.stale);
        self.expired = self.expired.max(other.expired);
        self.pending = match (self.pending, other.pending) {
            (Some(one), Some(other)) => Some(self.merge_pending(one.min(other), one.max(other))),
            (pending, other) => pending.or(other),
        };
    }

    /// One that was due before the later began has expired by then; otherwise the sooner of both counts for all.
    fn merge_pending(&mut self, earlier: (u64, u64), later: (u64, u64)) -> (u64, u64) {
        if earlier.1 <= later.0 {
            self.expired = self.expired.max(Some(earlier.0));
            return later;
        }
        (later.0, earlier.1.min(later.1))
    }

    /// Whether the other says nothing more.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let mut merged = *self;
        merged.merge(other);
        merged == *self
    }

    fn settle(&mut self, now: u64) {
        if let Some((begun, _)) = self.pending.take_if(|(_, from)| *from <= now) {
            self.expired = self.expired.max(Some(begun));
        }
    }

    pub(super) fn is_stale(&self, began: u64) -> bool {
        self.stale.is_some_and(|at| began <= at)
    }

    pub(super) fn has_expired(&self, began: u64, now: u64) -> bool {
        let is_over = self.expired.is_some_and(|at| began <= at);
        let is_due = |(begun, from): (u64, u64)| began <= begun && from <= now;
        is_over || self.pending.is_some_and(is_due)
    }
}

/// Bounds what is remembered: of more than `most` tags, the half that lapsed first is put together as a lapse of [`EVERY`]. What was made
/// after the last of those is not concerned; what is older is made again once more than it had to be.
pub fn fold(lapses: &mut HashMap<String, Lapse>, most: usize) {
    if lapses.len() <= most {
        return;
    }
    let mut times: Vec<_> = lapses.values().map(|lapse| lapse.stale).collect();
    let middle = times.len() / 2;
    let (_, middle, _) = times.select_nth_unstable(middle);
    let mut every = lapses.remove(EVERY).unwrap_or_default();
    lapses.retain(|_, lapse| {
        let is_later = *middle < lapse.stale;
        if !is_later {
            every.merge(lapse);
        }
        is_later
    });
    lapses.insert(EVERY.to_owned(), every);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_tags_the_first_are_one() {
        let mut lapses = HashMap::new();
        for time in 0..10 {
            let lapse: &mut Lapse = lapses.entry(time.to_string()).or_default();
            lapse.add(Lapsing::Expire(0), time);
        }
        fold(&mut lapses, 10);
        assert_eq!(lapses.len(), 10);
        fold(&mut lapses, 9);
        assert_eq!(lapses.len(), 5);
        let every = lapses[EVERY];
        assert!(every.is_stale(5) && every.has_expired(5, 5) && !every.is_stale(6));
        assert!(lapses["6"].has_expired(6, 6));
        assert!(!every.covers(&lapses["6"]) && lapses["6"].covers(&every));
        fold(&mut lapses, 4);
        assert!(lapses[EVERY].has_expired(7, 7) && lapses.len() < 5);
    }

    #[test]
    fn a_tag_expires_at_once_or_later() {
        let mut lapse = Lapse::default();
        lapse.add(Lapsing::Expire(2), 1000); // V4
        assert!(lapse.is_stale(1000) && !lapse.is_stale(1001));
        assert!(!lapse.has_expired(1000, 2999));
        assert!(lapse.has_expired(1000, 3000));
        assert!(!lapse.has_expired(1001, 9000), "it was made since");
        lapse.add(Lapsing::Expire(0), 4000); // V2
        assert!(lapse.has_expired(4000, 4000));
        lapse.add(Lapsing::Stale, 5000); // V1
        assert!(lapse.is_stale(5000) && !lapse.has_expired(4001, 5000));
    }

    #[test]
    fn what_has_expired_is_not_revived() {
        let mut lapse = Lapse::default();
        lapse.add(Lapsing::Expire(1), 0);
        lapse.add(Lapsing::Stale, 5000);
        assert!(lapse.has_expired(0, 5000));
        let mut other = Lapse::default();
        other.merge(&lapse);
        assert_eq!(other, lapse);
    }

    #[test]
    fn two_nodes_come_to_one_whoever_hears_of_it_first() {
        let lapse = |begun| {
            let mut lapse = Lapse::default();
            lapse.add(Lapsing::Expire(10), begun);
            lapse
        };
        let merged = |one: &Lapse, other: &Lapse| {
            let mut merged = *one;
            merged.merge(other);
            merged
        };
        let (first, second, third) = (lapse(0), lapse(2000), lapse(20_000));
        let soon = merged(&first, &second);
        assert_eq!(soon, merged(&second, &first));
        assert!(!soon.has_expired(2000, 9999) && soon.has_expired(2000, 10_000));
        let late = merged(&first, &third);
        assert_eq!(late, merged(&third, &first));
        assert!(late.has_expired(0, 20_000), "the first was due");
        assert!(!late.has_expired(1, 29_999) && late.has_expired(20_000, 30_000));
    }
}
