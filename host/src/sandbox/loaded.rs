//! Bounds the code of components that is in memory at once: what goes is loaded again for whoever asks next. `waystation_rules::unload` says
//! what goes.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use arc_swap::ArcSwapOption;
use waystation_rules::unload;

use crate::telemetry::LoadedCode;

/// Where a component's code stands while it is in memory.
#[derive(Debug)]
pub(super) struct CodeSlot<T> {
    code: ArcSwapOption<T>,
    /// When somebody asked last, by [`seconds`].
    asked: AtomicU32,
}

impl<T> CodeSlot<T> {
    pub(super) fn of(code: T) -> Self {
        let slot = Self::default();
        slot.set(Arc::new(code));
        slot
    }

    pub(super) fn get(&self) -> Option<Arc<T>> {
        let code = self.code.load_full()?;
        let now = seconds();
        // Written only where it changes: all threads share this line.
        if self.asked.load(Ordering::Relaxed) != now {
            self.asked.store(now, Ordering::Relaxed);
        }
        Some(code)
    }

    pub(super) fn set(&self, code: Arc<T>) {
        self.asked.store(seconds(), Ordering::Relaxed);
        self.code.store(Some(code));
    }

    fn is_used(&self) -> bool {
        let others = |code| 2 < Arc::strong_count(&code); // than the slot and this look
        self.code.load_full().is_some_and(others)
    }
}

impl<T> Default for CodeSlot<T> {
    fn default() -> Self {
        Self {
            code: ArcSwapOption::empty(),
            asked: AtomicU32::new(0),
        }
    }
}

/// Since the first look.
fn seconds() -> u32 {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    u32::try_from(BEGAN.elapsed().as_secs()).unwrap_or(u32::MAX)
}

/// All code that can be loaded again.
#[derive(Debug)]
pub(super) struct Loaded<T> {
    /// In bytes. Code that is in use may exceed it.
    limit: usize,
    /// The oldest first.
    all: Mutex<Vec<Resident<T>>>,
    unloaded: AtomicU64,
}

#[derive(Debug)]
struct Resident<T> {
    slot: Weak<CodeSlot<T>>,
    app: usize,
    bytes: usize,
}

/// What was unloaded. Dropping it unmaps it, which takes some time.
#[must_use]
pub(super) struct Unloaded<T> {
    /// Nobody has it any more.
    _code: Vec<Arc<T>>,
    /// Whether there is still more than may be.
    pub(super) is_over: bool,
}

impl<T> Resident<T> {
    fn facts(&self, now: u32) -> unload::Resident {
        let slot = self.slot.upgrade();
        let asked = |slot: &Arc<CodeSlot<T>>| slot.asked.load(Ordering::Relaxed);
        unload::Resident {
            app: self.app,
            bytes: self.bytes,
            idle: slot
                .as_ref()
                .map_or(u32::MAX, |slot| now.saturating_sub(asked(slot))),
            is_used: slot.is_some_and(|slot| slot.is_used()),
        }
    }
}

impl<T> Loaded<T> {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            all: Mutex::default(),
            unloaded: AtomicU64::new(0),
        }
    }

    /// Counts an app's code of so many bytes until it is unloaded or its slot is gone, and makes room for it; whoever loads it has it in use.
    pub(super) fn add(&self, slot: &Arc<CodeSlot<T>>, app: usize, bytes: usize) -> Unloaded<T> {
        let slot = Arc::downgrade(slot);
        self.lock().push(Resident { slot, app, bytes });
        self.make_room()
    }

    /// Unloads code until there is no more than may be, or what is left stays.
    pub(super) fn make_room(&self) -> Unloaded<T> {
        let mut all = self.lock();
        let now = seconds();
        let mut facts: Vec<_> = all.iter().map(|resident| resident.facts(now)).collect();
        let mut gone = Vec::new();
        while let Some(next) = unload::next(&facts, self.limit) {
            facts.remove(next);
            let slot = all.remove(next).slot.upgrade();
            gone.extend(slot.and_then(|slot| slot.code.swap(None)));
        }
        let count = gone.len() as u64;
        self.unloaded.fetch_add(count, Ordering::Relaxed);
        Unloaded {
            _code: gone,
            is_over: self.limit < sum(&all),
        }
    }

    pub(super) fn now(&self) -> LoadedCode {
        LoadedCode {
            bytes: sum(&self.lock()),
            unloaded: self.unloaded.load(Ordering::Relaxed),
        }
    }

    /// Without those whose component is gone.
    fn lock(&self) -> MutexGuard<'_, Vec<Resident<T>>> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|resident| 0 < resident.slot.strong_count());
        all
    }
}

fn sum<T>(all: &[Resident<T>]) -> usize {
    all.iter().map(|resident| resident.bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code of an app that takes `bytes`, for which somebody has asked when it was loaded, and nobody since.
    fn add(loaded: &Loaded<usize>, app: usize, bytes: usize) -> Arc<CodeSlot<usize>> {
        let slot = Arc::new(CodeSlot::of(bytes));
        let in_use = slot.get();
        drop(loaded.add(&slot, app, bytes));
        drop(in_use);
        slot
    }

    fn there<const N: usize>(slots: [&CodeSlot<usize>; N]) -> [bool; N] {
        slots.map(|slot| slot.code.load().is_some())
    }

    #[test]
    fn the_oldest_makes_room_and_is_counted() {
        let loaded = Loaded::new(100);
        let [first, second, third] = [40, 30, 30].map(|bytes| add(&loaded, 1, bytes));
        let fourth = add(&loaded, 1, 50);
        let all = [&*first, &*second, &*third, &*fourth];
        assert_eq!(there(all), [false, false, true, true]);
        let (bytes, unloaded) = (80, 2);
        assert_eq!(loaded.now(), LoadedCode { bytes, unloaded });
    }

    #[test]
    fn what_is_in_use_stays_until_it_is_not() {
        let loaded = Loaded::new(100);
        let used = add(&loaded, 1, 60);
        let in_use = used.get().unwrap();
        let [second, third] = [60, 60].map(|bytes| add(&loaded, 1, bytes));
        assert_eq!(there([&used, &second, &third]), [true, false, true]);
        assert!(!loaded.make_room().is_over, "the third was not in use");
        assert_eq!(there([&used, &third]), [true, false]);

        let third = add(&loaded, 1, 60);
        let both = [in_use, third.get().unwrap()];
        assert!(loaded.make_room().is_over);
        drop(both);
        assert!(!loaded.make_room().is_over);
        assert_eq!(there([&used, &third]), [false, true]);
    }

    #[test]
    fn what_is_gone_with_its_component_counts_no_more() {
        let loaded = Loaded::new(100);
        drop(add(&loaded, 1, 90));
        assert_eq!(loaded.now().bytes, 0);
        let [one, other] = [50, 50].map(|bytes| add(&loaded, 1, bytes));
        assert_eq!(there([&one, &other]), [true, true]);
        assert_eq!(loaded.now().unloaded, 0);
    }
}
