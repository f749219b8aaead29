//! Bounds the code of components that is in memory at once: what nobody has asked for lately goes, and is loaded again for whoever asks next.
//!
//! What goes is found as the clock algorithm finds a page: the code that came first, unless an instance of it is there, or somebody asked
//! since it was last looked at.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::ArcSwapOption;

use crate::telemetry::LoadedCode;

/// Where a component's code stands while it is in memory.
#[derive(Debug)]
pub(super) struct Slot<T> {
    code: ArcSwapOption<T>,
    /// Whether somebody has asked since it was last looked at.
    was_asked: AtomicBool,
}

impl<T> Slot<T> {
    pub(super) fn of(code: T) -> Self {
        let slot = Self::default();
        slot.set(Arc::new(code));
        slot
    }

    pub(super) fn get(&self) -> Option<Arc<T>> {
        let code = self.code.load_full()?;
        if !self.was_asked.load(Ordering::Relaxed) {
            self.was_asked.store(true, Ordering::Relaxed);
        }
        Some(code)
    }

    pub(super) fn set(&self, code: Arc<T>) {
        self.was_asked.store(true, Ordering::Relaxed);
        self.code.store(Some(code));
    }

    /// Whether it may go. Who asked is forgotten.
    fn is_spare(&self) -> bool {
        let others = |code| 2 < Arc::strong_count(&code); // than the slot and this look at it
        let is_used = self.code.load_full().is_some_and(others);
        !self.was_asked.swap(false, Ordering::Relaxed) && !is_used
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self {
            code: ArcSwapOption::empty(),
            was_asked: AtomicBool::default(),
        }
    }
}

/// All code that can be loaded again.
#[derive(Debug)]
pub(super) struct Loaded<T> {
    /// In bytes. Code that is larger by itself may be there all the same.
    limit: usize,
    all: Mutex<VecDeque<Counted<T>>>,
    unloaded: AtomicU64,
}

#[derive(Debug)]
struct Counted<T> {
    slot: Weak<Slot<T>>,
    bytes: usize,
}

impl<T> Loaded<T> {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            all: Mutex::default(),
            unloaded: AtomicU64::new(0),
        }
    }

    /// Counts code of so many bytes for as long as its slot is there, and unloads other code until there is room for it.
    pub(super) fn add(&self, slot: &Arc<Slot<T>>, bytes: usize) {
        let mut all = self.all();
        all.retain(|counted| 0 < counted.slot.strong_count());
        let room = self.limit.saturating_sub(bytes);
        let mut taken = sum(&all);
        let mut gone = Vec::new();
        // Twice, for who was asked once has another chance.
        for _ in 0..2 * all.len() {
            let Some(oldest) = all.pop_front_if(|_| room < taken) else {
                break;
            };
            match oldest.slot.upgrade() {
                Some(slot) if !slot.is_spare() => all.push_back(oldest),
                slot => {
                    taken -= oldest.bytes;
                    gone.extend(slot.and_then(|slot| slot.code.swap(None)));
                }
            }
        }
        let slot = Arc::downgrade(slot);
        all.push_back(Counted { slot, bytes });
        drop(all); // to unmap code takes some time
        let gone = gone.len() as u64;
        self.unloaded.fetch_add(gone, Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> LoadedCode {
        LoadedCode {
            bytes: sum(&self.all()),
            unloaded: self.unloaded.load(Ordering::Relaxed),
        }
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<Counted<T>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sum<T>(all: &VecDeque<Counted<T>>) -> usize {
    let there = all.iter().filter(|counted| 0 < counted.slot.strong_count());
    there.map(|counted| counted.bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code that takes `bytes`, of which nobody has asked since.
    fn add(loaded: &Loaded<usize>, bytes: usize) -> Arc<Slot<usize>> {
        let slot = Arc::new(Slot::of(bytes));
        loaded.add(&slot, bytes);
        slot.was_asked.store(false, Ordering::Relaxed);
        slot
    }

    fn is_there(slot: &Slot<usize>) -> bool {
        slot.code.load().is_some()
    }

    #[test]
    fn the_oldest_that_nobody_asks_makes_room() {
        let loaded = Loaded::new(100);
        let [first, second, third] = [40, 30, 30].map(|bytes| add(&loaded, bytes));
        assert_eq!(first.get().as_deref(), Some(&40));
        let fourth = add(&loaded, 50);
        let there = [&first, &second, &third, &fourth].map(|slot| is_there(slot));
        assert_eq!(there, [true, false, false, true]);
        let (bytes, unloaded) = (90, 2);
        assert_eq!(loaded.now(), LoadedCode { bytes, unloaded });
    }

    #[test]
    fn where_all_are_asked_the_oldest_goes() {
        let loaded = Loaded::new(100);
        let all = [40, 30, 30].map(|bytes| add(&loaded, bytes));
        for slot in &all {
            assert!(slot.get().is_some());
        }
        add(&loaded, 10);
        assert_eq!(
            all.each_ref().map(|slot| is_there(slot)),
            [false, true, true]
        );
    }

    #[test]
    fn what_is_in_use_stays() {
        let loaded = Loaded::new(100);
        let used = add(&loaded, 60);
        let in_use = used.get().unwrap();
        let others = [60, 60].map(|bytes| add(&loaded, bytes));
        assert!(is_there(&used) && !is_there(&others[0]) && is_there(&others[1]));
        drop(in_use);
        add(&loaded, 60);
        assert!(!is_there(&used) && !is_there(&others[1]));
    }

    #[test]
    fn what_is_larger_than_all_may_be_is_there_alone() {
        let loaded = Loaded::new(100);
        let small = add(&loaded, 10);
        let large = add(&loaded, 1_000);
        assert!(!is_there(&small) && is_there(&large));
        let small = add(&loaded, 10);
        assert!(is_there(&small) && !is_there(&large));
    }

    #[test]
    fn what_is_gone_with_its_component_counts_no_more() {
        let loaded = Loaded::new(100);
        drop(add(&loaded, 90));
        assert_eq!(loaded.now().bytes, 0);
        let [one, other] = [50, 50].map(|bytes| add(&loaded, bytes));
        assert!(is_there(&one) && is_there(&other));
        assert_eq!(loaded.now().unloaded, 0);
    }
}
