//! Bounds the code of components that is in memory at once: what nobody has asked for lately goes, and is loaded again for whoever asks next.
//!
//! By second chance: the oldest code goes, unless an instance has it or somebody has asked since the last look.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::ArcSwapOption;

use crate::telemetry::LoadedCode;

/// Where a component's code stands while it is in memory.
#[derive(Debug)]
pub(super) struct CodeSlot<T> {
    code: ArcSwapOption<T>,
    /// Whether somebody has asked since the last look.
    was_asked: AtomicBool,
}

impl<T> CodeSlot<T> {
    pub(super) fn of(code: T) -> Self {
        let slot = Self::default();
        slot.set(Arc::new(code));
        slot
    }

    pub(super) fn get(&self) -> Option<Arc<T>> {
        let code = self.code.load_full()?;
        // Written only where it changes: all threads share this line.
        if !self.was_asked.load(Ordering::Relaxed) {
            self.was_asked.store(true, Ordering::Relaxed);
        }
        Some(code)
    }

    pub(super) fn set(&self, code: Arc<T>) {
        self.was_asked.store(true, Ordering::Relaxed);
        self.code.store(Some(code));
    }

    /// Whether it stays for another round: an instance has it, or somebody has asked since the last look, which this forgets.
    fn stays(&self) -> bool {
        let is_used = |code| 2 < Arc::strong_count(&code); // the slot's and this look's
        self.was_asked.swap(false, Ordering::Relaxed) || self.code.load_full().is_some_and(is_used)
    }
}

impl<T> Default for CodeSlot<T> {
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
    /// In bytes. Code that is in use, or larger by itself, may exceed it.
    limit: usize,
    /// The oldest first.
    all: Mutex<VecDeque<Resident<T>>>,
    unloaded: AtomicU64,
}

#[derive(Debug)]
struct Resident<T> {
    slot: Weak<CodeSlot<T>>,
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

    /// Counts code of so many bytes until it is unloaded or its slot is gone. First unloads other code until there is room, or all that is
    /// left is in use.
    pub(super) fn add(&self, slot: &Arc<CodeSlot<T>>, bytes: usize) {
        let mut all = self.lock();
        let room = self.limit.saturating_sub(bytes);
        let mut taken = sum(&all);
        let mut gone = Vec::new();
        // Two rounds: the first forgets who was asked.
        for _ in 0..2 * all.len() {
            let Some(oldest) = all.pop_front_if(|_| room < taken) else {
                break;
            };
            match oldest.slot.upgrade() {
                Some(slot) if slot.stays() => all.push_back(oldest),
                slot => {
                    taken -= oldest.bytes;
                    gone.extend(slot.and_then(|slot| slot.code.swap(None)));
                }
            }
        }
        let slot = Arc::downgrade(slot);
        all.push_back(Resident { slot, bytes });
        let unloaded = gone.len() as u64;
        self.unloaded.fetch_add(unloaded, Ordering::Relaxed);
        drop(all);
        drop(gone); // unmapped while nobody waits for the lock
    }

    pub(super) fn now(&self) -> LoadedCode {
        LoadedCode {
            bytes: sum(&self.lock()),
            unloaded: self.unloaded.load(Ordering::Relaxed),
        }
    }

    /// Without those whose component is gone.
    fn lock(&self) -> MutexGuard<'_, VecDeque<Resident<T>>> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|resident| 0 < resident.slot.strong_count());
        all
    }
}

fn sum<T>(all: &VecDeque<Resident<T>>) -> usize {
    all.iter().map(|resident| resident.bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code that takes `bytes`, of which nobody has asked since.
    fn add(loaded: &Loaded<usize>, bytes: usize) -> Arc<CodeSlot<usize>> {
        let slot = Arc::new(CodeSlot::of(bytes));
        loaded.add(&slot, bytes);
        slot.was_asked.store(false, Ordering::Relaxed);
        slot
    }

    fn there<const N: usize>(slots: [&CodeSlot<usize>; N]) -> [bool; N] {
        slots.map(|slot| slot.code.load().is_some())
    }

    #[test]
    fn the_oldest_that_nobody_asks_makes_room() {
        let loaded = Loaded::new(100);
        let [first, second, third] = [40, 30, 30].map(|bytes| add(&loaded, bytes));
        assert_eq!(first.get().as_deref(), Some(&40));
        let fourth = add(&loaded, 50);
        let all = [&*first, &*second, &*third, &*fourth];
        assert_eq!(there(all), [true, false, false, true]);
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
            there(all.each_ref().map(|slot| &**slot)),
            [false, true, true]
        );
    }

    #[test]
    fn what_is_in_use_stays() {
        let loaded = Loaded::new(100);
        let used = add(&loaded, 60);
        let in_use = used.get().unwrap();
        let [second, third] = [60, 60].map(|bytes| add(&loaded, bytes));
        assert_eq!(there([&used, &second, &third]), [true, false, true]);
        drop(in_use);
        let last = add(&loaded, 60);
        assert_eq!(there([&used, &third, &last]), [false, false, true]);
    }

    #[test]
    fn what_is_larger_than_all_may_be_is_there_alone() {
        let loaded = Loaded::new(100);
        let small = add(&loaded, 10);
        let large = add(&loaded, 1_000);
        assert_eq!(there([&small, &large]), [false, true]);
        let small = add(&loaded, 10);
        assert_eq!(there([&small, &large]), [true, false]);
    }

    #[test]
    fn what_is_gone_with_its_component_counts_no_more() {
        let loaded = Loaded::new(100);
        drop(add(&loaded, 90));
        assert_eq!(loaded.now().bytes, 0);
        let [one, other] = [50, 50].map(|bytes| add(&loaded, bytes));
        assert_eq!(there([&one, &other]), [true, true]);
        assert_eq!(loaded.now().unloaded, 0);
    }
}
