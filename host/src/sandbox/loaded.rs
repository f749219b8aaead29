//! Bounds the code of components that is in memory at once: what nobody has asked for lately goes, and is loaded again for whoever asks next.
//!
//! The app that has the most makes room. Of its code the oldest goes by second chance: unless an instance has it, or somebody has asked since
//! the last look.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
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

/// Tells an app from others.
pub(super) type App = usize;

/// All code that can be loaded again.
#[derive(Debug)]
pub(super) struct Loaded<T> {
    /// In bytes. Code that is in use, or larger by itself, may exceed it.
    limit: usize,
    /// In a ring: who was looked at last and stays stands at the end, before who came last.
    all: Mutex<VecDeque<Resident<T>>>,
    unloaded: AtomicU64,
}

#[derive(Debug)]
struct Resident<T> {
    slot: Weak<CodeSlot<T>>,
    app: App,
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

    /// Counts an app's code of so many bytes until it is unloaded or its slot is gone. First unloads other code until there is room, or all
    /// that is left is in use. Returns what was unloaded: dropping it unmaps it, which takes some time.
    pub(super) fn add(&self, slot: &Arc<CodeSlot<T>>, app: App, bytes: usize) -> Vec<Arc<T>> {
        let mut all = self.lock();
        all.push_back(Resident {
            slot: Arc::downgrade(slot),
            app,
            bytes,
        });
        let mut gone = Vec::new();
        while self.limit < sum(&all) {
            let mut apps: Vec<_> = by_app(&all).into_iter().collect();
            apps.sort_unstable_by_key(|&(_, bytes)| Reverse(bytes));
            let spare = |(app, _)| take_spare(&mut all, app, slot);
            let Some(spare) = apps.into_iter().find_map(spare) else {
                break;
            };
            gone.extend(spare.upgrade().and_then(|slot| slot.code.swap(None)));
        }
        let unloaded = gone.len() as u64;
        self.unloaded.fetch_add(unloaded, Ordering::Relaxed);
        gone
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

fn by_app<T>(all: &VecDeque<Resident<T>>) -> HashMap<App, usize> {
    let mut apps = HashMap::new();
    for resident in all {
        *apps.entry(resident.app).or_default() += resident.bytes;
    }
    apps
}

/// Takes an app's next code out that may go, if there is any, but for what has just come.
fn take_spare<T>(
    all: &mut VecDeque<Resident<T>>,
    app: App,
    newest: &Arc<CodeSlot<T>>,
) -> Option<Weak<CodeSlot<T>>> {
    // Two rounds: the first forgets who was asked.
    for _ in 0..2 * all.len() {
        let next = all.pop_front()?;
        let is_its = next.app == app && !std::ptr::eq(next.slot.as_ptr(), Arc::as_ptr(newest));
        if is_its && !next.slot.upgrade().is_some_and(|slot| slot.stays()) {
            return Some(next.slot);
        }
        all.push_back(next);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code of the first app that takes `bytes`, of which nobody has asked since.
    fn add(loaded: &Loaded<usize>, bytes: usize) -> Arc<CodeSlot<usize>> {
        add_of(1, loaded, bytes)
    }

    fn add_of(app: App, loaded: &Loaded<usize>, bytes: usize) -> Arc<CodeSlot<usize>> {
        let slot = Arc::new(CodeSlot::of(bytes));
        loaded.add(&slot, app, bytes);
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
    fn the_app_that_has_the_most_makes_room() {
        let loaded = Loaded::new(100);
        let other = add_of(2, &loaded, 30);
        let first = add(&loaded, 40);
        let second = add(&loaded, 40); // its app would have more than the other
        assert_eq!(there([&other, &first, &second]), [true, false, true]);
        let next = add_of(2, &loaded, 40);
        assert_eq!(there([&other, &second, &next]), [false, true, true]);
        let in_use = [&second, &next].map(|slot| slot.get());
        let last = add_of(3, &loaded, 40);
        assert_eq!(there([&second, &next, &last]), [true, true, true]);
        drop(in_use);
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
