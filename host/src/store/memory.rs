//! What is kept in memory.
//!
//! In: entries. Out: what has a key. Whoever asks for one key again and again has a [`Spot`], where it is found without being looked for as
//! long as nothing of all that is kept has changed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use moka::sync::Cache;

use super::Entry;

/// Milliseconds after which an entry is looked for again, so that the cache knows that it is in use.
const WHILE: u64 = 1000;

/// Up to so many bytes of entries.
pub(super) struct Memory {
    entries: Cache<Arc<str>, Arc<Entry>>,
    bytes: u64,
    /// Counts what was put and removed: after that, what was found before may be another.
    changes: AtomicU64,
}

fn weight(entry: &Entry) -> u32 {
    u32::try_from(entry.key.len() + entry.size()).unwrap_or(u32::MAX)
}

/// Where an entry was found.
#[derive(Default)]
pub struct Spot(RwLock<Option<Seen>>);

struct Seen {
    /// It may be evicted, and then it is gone.
    entry: Weak<Entry>,
    changes: u64,
    until: u64,
}

impl Memory {
    /// Headers and keys are counted.
    pub(super) fn new(bytes: u64) -> Self {
        let cache = Cache::builder().max_capacity(bytes);
        Self {
            entries: cache.weigher(|_, entry: &Arc<Entry>| weight(entry)).build(),
            bytes,
            changes: AtomicU64::new(0),
        }
    }

    pub(super) fn has_room_for(&self, entry: &Entry) -> bool {
        u64::from(weight(entry)) <= self.bytes
    }

    pub(super) fn get(&self, key: &str) -> Option<Arc<Entry>> {
        self.entries.get(key)
    }

    /// What [`Memory::get`] finds, by way of a spot of this key. `now` is in milliseconds.
    pub(super) fn get_at(&self, spot: &Spot, key: &str, now: u64) -> Option<Arc<Entry>> {
        let changes = self.changes.load(Ordering::Acquire); // before the look: what is put meanwhile is found by the next one
        let seen = spot.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = &*seen
            && seen.changes == changes
            && now < seen.until
            && let Some(entry) = seen.entry.upgrade()
        {
            return Some(entry);
        }
        drop(seen);
        let entry = self.get(key)?;
        *spot.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Seen {
            entry: Arc::downgrade(&entry),
            changes,
            until: now + WHILE,
        });
        Some(entry)
    }

    /// Keeps an entry in place of what has its key.
    pub(super) fn put(&self, entry: Arc<Entry>) {
        self.entries.insert(Arc::clone(&entry.key), entry);
        self.changes.fetch_add(1, Ordering::Release);
    }

    pub(super) fn remove(&self, key: &str) {
        self.entries.invalidate(key);
        self.changes.fetch_add(1, Ordering::Release);
    }

    pub(super) fn clear(&self) {
        self.entries.invalidate_all();
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// Everything, in no order.
    pub(super) fn all(&self) -> impl Iterator<Item = Arc<Entry>> {
        self.entries.iter().map(|(_, entry)| entry)
    }

    /// Does what the cache has put off, and gives back the bytes of all entries and their number.
    #[cfg(test)]
    pub(super) fn settled(&self) -> (u64, u64) {
        self.entries.run_pending_tasks();
        (self.entries.weighted_size(), self.entries.entry_count())
    }
}
