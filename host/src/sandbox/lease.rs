//! Hands out instances: a fresh one for each request, or one that served before where the route says `ISOLATION = Shared`.
//!
//! A shared instance serves one request at a time. It is not kept after a trap, after [`MOST_USES`] requests, when it has grown or holds on
//! to handles, or when it has been idle for [`LONGEST_IDLE`] to twice that; and only so many are kept in all, so that they never take the
//! room of those that run.

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use http::uri::PathAndQuery;
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::Store;
use wasmtime::component::Instance;
use waystation_rules::method::Method;
use waystation_rules::segment::Isolation;

use super::code::Ready;
use super::guest::Guest;
use super::outgoing::Asks;
use super::state::{State, store};
use crate::telemetry::Retired;

/// A new instance every so many requests costs less than 0.1 us a request.
const MOST_USES: u32 = 1_000;
/// An instance that nobody asked for this long is dropped, within the same time again.
const LONGEST_IDLE: Duration = Duration::from_secs(30);
/// An instance that has taken more than this is not kept.
const MOST_MEMORY: usize = 32 << 20;
/// An instance that still has more handles on what is the host's is not kept. One that prints has three for its standard streams.
const MOST_HANDLES: usize = 32;

/// An instance while it answers one request.
pub(super) struct Lease {
    pub(super) store: Store<State>,
    /// The code that it is made of. As long as the instance is there, this keeps it from being unloaded.
    pub(super) ready: Arc<Ready>,
    /// None until the driver has instantiated it: a start function runs under the same limits as a handler.
    pub(super) instance: Option<Instance>,
    /// The handler that was called last, of an instance that answers more than one request: its type need not be checked again.
    pub(super) handler: Option<(Method, Box<dyn Any + Send>)>,
    uses: u32,
}

/// The instances of one route that wait for a request.
#[derive(Default)]
pub(super) struct Idle(Arc<Mutex<Line<Lease>>>);

/// Instances that wait, the last used on top.
struct Line<T> {
    waiting: Vec<Waiting<T>>,
    /// Whether somebody looks after those that wait too long.
    is_swept: bool,
}

/// An instance that waits for its next request.
struct Waiting<T> {
    since: Instant,
    lease: T,
    _place: OwnedSemaphorePermit,
}

impl Guest {
    /// An instance for the request `id` of a path, with whom its guest may ask. A new one is made of `ready`.
    pub(super) fn lease(
        self: &Arc<Self>,
        ready: Arc<Ready>,
        id: &str,
        path: Option<&PathAndQuery>,
        asks: Asks,
    ) -> Lease {
        // What is kept for everybody is made by an instance that nobody's request has left anything in.
        let idle = match asks.making {
            None => self.idle.take(),
            Some(_) => None,
        };
        let limits = &self.limits;
        let mut lease = idle.unwrap_or_else(|| {
            let store = store(
                &self.sandbox,
                &self.share,
                limits,
                &self.environment,
                &self.route,
            );
            Lease::new(store, ready)
        });
        let state = lease.store.data_mut();
        state.begin(self.config.cpu);
        state.memory.start();
        state.log.start(id, limits.log_bytes);
        let stand_in = asks.stand_in.as_ref();
        state.clock.set(stand_in.and_then(|stand_in| stand_in.now));
        state.outgoing.start(asks, self, id, path.cloned());
        lease
    }

    /// Takes an instance back that has answered without a fault.
    pub(super) fn give_back(&self, mut lease: Lease) {
        lease.uses += 1;
        let counts = lease.store.data_mut().outgoing.end();
        let is_shared = self.config.isolation == Isolation::Shared;
        if let Some(counts) = counts
            && is_shared
            && self.code.facts().keeps_contract
        {
            let route = Arc::clone(&self.route);
            let retired = move |why, instances| counts.route(&route).retired(why, instances);
            match self.place(&mut lease) {
                Ok(place) => self.idle.keep(lease, place, retired),
                Err(why) => retired(why, 1),
            }
        }
    }

    /// A place to wait in, or why there is none.
    fn place(&self, lease: &mut Lease) -> Result<OwnedSemaphorePermit, Retired> {
        let state = lease.store.data_mut();
        if MOST_USES <= lease.uses {
            return Err(Retired::Uses);
        }
        if MOST_MEMORY < state.memory.taken() || state.memory.is_scarce() {
            return Err(Retired::Memory);
        }
        if MOST_HANDLES < state.table.iter_mut().count() {
            return Err(Retired::Handles);
        }
        let place = Arc::clone(&self.sandbox.idle_places).try_acquire_owned();
        place.map_err(|_| Retired::Room)
    }
}

impl Lease {
    fn new(store: Store<State>, ready: Arc<Ready>) -> Self {
        Self {
            store,
            ready,
            instance: None,
            handler: None,
            uses: 0,
        }
    }
}

impl Idle {
    /// The instance that was used last, which is the likeliest to be warm.
    fn take(&self) -> Option<Lease> {
        lock(&self.0).waiting.pop().map(|waiting| waiting.lease)
    }

    fn keep(
        &self,
        lease: Lease,
        place: OwnedSemaphorePermit,
        retired: impl Fn(Retired, usize) + Send + 'static,
    ) {
        keep(&self.0, lease, place, LONGEST_IDLE, retired);
    }
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self {
            waiting: Vec::new(),
            is_swept: false,
        }
    }
}

fn keep<T: Send + 'static>(
    line: &Arc<Mutex<Line<T>>>,
    lease: T,
    place: OwnedSemaphorePermit,
    longest: Duration,
    retired: impl Fn(Retired, usize) + Send + 'static,
) {
    let mut held = lock(line);
    held.waiting.push(Waiting {
        since: Instant::now(),
        lease,
        _place: place,
    });
    if !held.is_swept {
        held.is_swept = true;
        tokio::spawn(sweep(Arc::downgrade(line), longest, retired));
    }
}

/// Drops those that wait too long, as long as any waits: no other route could have their places.
async fn sweep<T>(line: Weak<Mutex<Line<T>>>, longest: Duration, retired: impl Fn(Retired, usize)) {
    loop {
        tokio::time::sleep(longest).await;
        let Some(line) = line.upgrade() else {
            return;
        };
        let (stale, is_swept) = lock(&line).stale(longest);
        retired(Retired::Idle, stale.len());
        drop(stale); // unmapped while nobody waits for the lock
        if !is_swept {
            return;
        }
    }
}

impl<T> Line<T> {
    /// Takes out those that wait too long, and says whether others are left to look after.
    fn stale(&mut self, longest: Duration) -> (Vec<Waiting<T>>, bool) {
        let now = Instant::now();
        let is_stale = |waiting: &Waiting<T>| longest <= now - waiting.since;
        let stale = self.waiting.partition_point(is_stale);
        let stale = self.waiting.drain(..stale).collect();
        self.is_swept = !self.waiting.is_empty();
        (stale, self.is_swept)
    }
}

fn lock<T>(line: &Mutex<Line<T>>) -> MutexGuard<'_, Line<T>> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::engine::MOST_IDLE;
    use crate::telemetry::limits_page::{says, says_time};
    use tokio::sync::Semaphore;

    #[test]
    fn the_page_says_when_one_is_retired() {
        says("uses", MOST_USES.into());
        says_time("idle", LONGEST_IDLE);
        says("idle memory", MOST_MEMORY as u64);
        says("idle handles", MOST_HANDLES as u64);
        says("idle instances", MOST_IDLE as u64);
    }

    #[tokio::test]
    async fn one_that_nobody_asks_for_gives_its_place_back() {
        let places = Arc::new(Semaphore::new(1));
        let line = Arc::default();
        let (told, retired) = std::sync::mpsc::channel();
        for _ in 0..2 {
            let place = Arc::clone(&places).acquire_owned(); // the second time, once the sweep has dropped the first
            let place = tokio::time::timeout(Duration::from_secs(20), place).await;
            let idle = told.clone();
            let retired = move |why, instances| idle.send((why, instances)).unwrap();
            keep(
                &line,
                (),
                place.unwrap().unwrap(),
                Duration::from_millis(5),
                retired,
            );
        }
        assert_eq!(lock(&line).waiting.len(), 1);
        assert_eq!(retired.recv().unwrap(), (Retired::Idle, 1));
    }

    #[test]
    fn one_that_served_a_moment_ago_stays() {
        let mut line = Line::default();
        let places = Arc::new(Semaphore::new(1));
        line.waiting.push(Waiting {
            since: Instant::now(),
            lease: (),
            _place: places.try_acquire_owned().unwrap(),
        });
        assert!(line.stale(LONGEST_IDLE).0.is_empty());
        assert!(line.is_swept);
    }
}
