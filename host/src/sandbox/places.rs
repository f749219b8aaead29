//! Bounds how many guests run at once, and shares that out among the apps whose guests run in one sandbox.
//!
//! A request waits in its own app's line, and only the first of each line looks at what is free: `waystation_rules::share` says whether its
//! app may have it. So an app whose requests take minutes makes its own wait, and not another's.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{self, Notify};
use waystation_rules::share;

use super::memory::{OfApp, Total};
use super::pace::Processors;

/// The places of a sandbox.
pub(super) struct Places {
    left: Mutex<Left>,
    /// Something may be had that could not before.
    changed: Notify,
}

struct Left {
    free: usize,
    /// How many apps could want them.
    shares: usize,
}

/// What one app has of the places.
pub struct Share {
    places: Arc<Places>,
    /// Changes only while `places.left` is held.
    own: Mutex<usize>,
    /// What its guests have of the memory.
    pub(super) memory: Arc<OfApp>,
    /// The processors that its guests have who execute for long.
    pub(super) processors: Processors,
    /// Held by who loads its code.
    pub(super) loading: Arc<sync::Mutex<()>>,
    line: sync::Mutex<()>,
    /// How many wait in it.
    waiting: AtomicUsize,
}

/// Somebody who waits, for as long as this lives.
struct Waits<'a>(&'a AtomicUsize);

/// A place, for as long as this lives.
pub(super) struct Place(Arc<Share>);

impl Places {
    pub(super) fn new(places: usize) -> Self {
        Self {
            left: Mutex::new(Left {
                free: places,
                shares: 0,
            }),
            changed: Notify::new(),
        }
    }

    fn left(&self) -> MutexGuard<'_, Left> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// The share of one more app.
    pub(super) fn of(places: &Arc<Places>, memory: &Arc<Total>) -> Arc<Self> {
        places.left().shares += 1;
        Arc::new(Self {
            places: Arc::clone(places),
            own: Mutex::new(0),
            memory: memory.of_app(),
            processors: Processors::of_machine(),
            loading: Arc::default(),
            line: sync::Mutex::new(()),
            waiting: AtomicUsize::new(0),
        })
    }

    /// A place that is free now, if nobody of the same app waits for one.
    pub(super) fn try_take(self: &Arc<Self>) -> Option<Place> {
        match self.waiting.load(Ordering::Relaxed) {
            0 => self.take_free(),
            _ => None,
        }
    }

    /// The next place that this app may have.
    pub(super) async fn take(self: &Arc<Self>) -> Place {
        let _waits = Waits::of(self);
        let _first = self.line.lock().await;
        loop {
            let mut changed = std::pin::pin!(self.places.changed.notified());
            changed.as_mut().enable(); // before the look, so that nothing is missed in between
            if let Some(place) = self.take_free() {
                return place;
            }
            changed.await;
        }
    }

    /// How many places the app has.
    pub(super) fn taken(&self) -> usize {
        *self.own()
    }

    fn take_free(self: &Arc<Self>) -> Option<Place> {
        let mut left = self.places.left();
        let mut own = self.own();
        let may_take = share::may_take(*own, left.free, 1 < left.shares);
        may_take.then(|| {
            left.free -= 1;
            *own += 1;
            Place(Arc::clone(self))
        })
    }

    fn own(&self) -> MutexGuard<'_, usize> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Waits<'a> {
    fn of(share: &'a Share) -> Self {
        share.waiting.fetch_add(1, Ordering::Relaxed);
        Self(&share.waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.places.left().shares -= 1;
        self.places.changed.notify_waiters();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let places = &self.0.places;
        {
            let mut left = places.left();
            left.free += 1;
            *self.0.own() -= 1;
        }
        places.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn an_app_that_takes_all_it_may_leaves_places_to_others() {
        let places = Arc::new(Places::new(4));
        let share = || Share::of(&places, &Total::of_process());
        let (greedy, modest) = (share(), share());
        let mut held: Vec<_> = std::iter::from_fn(|| greedy.try_take()).collect();
        assert_eq!((held.len(), greedy.taken()), (3, 3));
        let mut waiting = std::pin::pin!(greedy.take());
        assert!(waiting.as_mut().now_or_never().is_none());
        let other = modest.try_take();
        assert!(other.is_some());

        held.pop(); // one is free then, and it is for those who wait, not for who has just come
        assert!(greedy.try_take().is_none());
        drop(other);
        let place = tokio::time::timeout(std::time::Duration::from_secs(60), waiting).await;
        assert!(place.is_ok());
    }

    #[test]
    fn an_app_that_is_alone_has_all_places() {
        let places = Arc::new(Places::new(4));
        let share = || Share::of(&places, &Total::of_process());
        let (alone, gone) = (share(), share());
        drop(gone);
        let held: Vec<_> = std::iter::from_fn(|| alone.try_take()).collect();
        assert_eq!(held.len(), 4);
        drop(held);
        assert_eq!(alone.taken(), 0);
    }
}
