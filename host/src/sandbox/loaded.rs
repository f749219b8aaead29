//! Bounds the code of components that is in memory at once: what nobody has asked for lately goes, and is loaded again for whoever asks next.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use arc_swap::ArcSwapOption;

use crate::telemetry::LoadedCode;

/// In seconds. Code that nobody has asked for this long goes first, whosever it is.
const OLD: u32 = 300;

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

/// Tells an app from others.
pub(super) type App = usize;

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
    app: App,
    bytes: usize,
}

/// What was unloaded. Dropping it unmaps it, which takes some time.
#[must_use]
pub(super) struct Unloaded<T> {
    /// Nobody has it any more.
    _code: Vec<Arc<T>>,
    /// Whether there is still more than may be: in use, or an app's share.
    pub(super) is_over: bool,
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
    pub(super) fn add(&self, slot: &Arc<CodeSlot<T>>, app: App, bytes: usize) -> Unloaded<T> {
        let slot = Arc::downgrade(slot);
        self.lock().push(Resident { slot, app, bytes });
        self.make_room()
    }

    /// Unloads code until there is no more than may be: what is old, else of the app that has the most, what nobody has asked for the longest.
    /// An app with no more than an equal share gives nothing that is not old, and what is in use stays.
    pub(super) fn make_room(&self) -> Unloaded<T> {
        self.make_room_at(seconds())
    }

    fn make_room_at(&self, now: u32) -> Unloaded<T> {
        let mut all = self.lock();
        let mut taken = sum(&all);
        let mut of_apps = HashMap::<App, usize>::new();
        for resident in &*all {
            *of_apps.entry(resident.app).or_default() += resident.bytes;
        }
        let mut gone = Vec::new();
        while self.limit < taken
            && let Some(next) = self.next(&all, &of_apps, now)
        {
            let next = all.remove(next);
            taken -= next.bytes;
            *of_apps.entry(next.app).or_default() -= next.bytes;
            gone.extend(next.slot.upgrade().and_then(|slot| slot.code.swap(None)));
        }
        let count = gone.len() as u64;
        self.unloaded.fetch_add(count, Ordering::Relaxed);
        Unloaded {
            _code: gone,
            is_over: self.limit < taken,
        }
    }

    /// Which goes next, if any may.
    fn next(&self, all: &[Resident<T>], of_apps: &HashMap<App, usize>, now: u32) -> Option<usize> {
        let share = self.limit / of_apps.len().max(1);
        let spare = all.iter().enumerate().filter_map(|(at, resident)| {
            let slot = resident.slot.upgrade().filter(|slot| !slot.is_used())?;
            let asked = slot.asked.load(Ordering::Relaxed);
            let is_old = OLD <= now.saturating_sub(asked);
            let of_app = of_apps[&resident.app];
            (is_old || share < of_app).then_some((Reverse(is_old), Reverse(of_app), asked, at))
        });
        spare.min().map(|(.., at)| at)
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
    fn add(loaded: &Loaded<usize>, app: App, bytes: usize) -> Arc<CodeSlot<usize>> {
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
    fn what_nobody_has_asked_for_the_longest_makes_room() {
        let loaded = Loaded::new(100);
        let [first, second, third] = [40, 30, 30].map(|bytes| add(&loaded, 1, bytes));
        first.asked.store(u32::MAX, Ordering::Relaxed);
        let fourth = add(&loaded, 1, 50);
        let all = [&*first, &*second, &*third, &*fourth];
        assert_eq!(there(all), [true, false, false, true]);
        let (bytes, unloaded) = (90, 2);
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
    fn the_app_that_has_the_most_makes_room() {
        let loaded = Loaded::new(100);
        let other = add(&loaded, 2, 30);
        let first = add(&loaded, 1, 40);
        let second = add(&loaded, 1, 40); // its app would have more than the other
        assert_eq!(there([&other, &first, &second]), [true, false, true]);
        let next = add(&loaded, 2, 40);
        assert_eq!(there([&other, &second, &next]), [false, true, true]);
    }

    #[test]
    fn an_app_keeps_its_share_beside_one_whose_code_is_in_use() {
        let loaded = Loaded::new(100);
        let other = add(&loaded, 2, 30);
        let greedy = [60, 60].map(|bytes| add(&loaded, 1, bytes));
        assert_eq!(there([&other, &greedy[0], &greedy[1]]), [true, false, true]);
        let in_use = greedy[1].get();
        let more = add(&loaded, 1, 60);
        assert_eq!(there([&other, &greedy[1], &more]), [true, true, true]);
        drop(in_use);
    }

    #[test]
    fn what_is_old_goes_first_whosever_it_is() {
        let loaded = Loaded::new(100);
        let new = add(&loaded, 1, 90);
        let in_use = new.get();
        let [old, other] = [2, 3].map(|app| add(&loaded, app, 10));
        assert_eq!(there([&new, &old, &other]), [true, true, true]);
        drop(in_use);
        for (slot, asked) in [(&new, OLD), (&old, 0), (&other, OLD)] {
            slot.asked.store(asked, Ordering::Relaxed);
        }
        drop(loaded.make_room_at(OLD));
        assert_eq!(there([&new, &old, &other]), [true, false, true]);
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
