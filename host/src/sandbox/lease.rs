//! Hands out instances: a fresh one for each request, or one that served before where the route says `ISOLATION = Shared`.
//!
//! A shared instance serves one request at a time. It is not kept after a trap, after [`MOST_USES`] requests, when it has grown, or when
//! it has been idle for [`LONGEST_IDLE`]; and only so many are kept in all, so that they never take the room of those that run.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::Store;
use wasmtime::component::Instance;
use waystation_rules::segment::Isolation;

use super::cpu::Cpu;
use super::guest::{Entry, Guest};
use super::outgoing::Asks;
use super::state::{State, store};

/// A new instance every so many requests costs less than 0.1 us a request.
const MOST_USES: u32 = 1_000;
/// An instance that nobody asked for this long is dropped at the next request.
const LONGEST_IDLE: Duration = Duration::from_secs(30);
/// An instance that has taken more than this is not kept.
const MOST_MEMORY: usize = 32 << 20;

/// An instance while it answers one request.
pub(super) struct Lease {
    pub(super) store: Store<State>,
    pub(super) cpu: Arc<Cpu>,
    /// None until the driver has instantiated it: a start function runs under the same limits as a handler.
    pub(super) instance: Option<Instance>,
    uses: u32,
}

/// The instances of one route that wait for a request, the last used on top.
#[derive(Default)]
pub(super) struct Idle(Mutex<Vec<Waiting>>);

/// An instance that waits for its next request.
struct Waiting {
    since: Instant,
    lease: Lease,
    _place: OwnedSemaphorePermit,
}

impl Guest {
    /// An instance for the request `id`, with whom its guest may ask.
    pub(super) fn lease(self: &Arc<Self>, id: &str, asks: Asks) -> Lease {
        // What is kept for everybody is made by an instance that nobody's request has left anything in.
        let idle = match asks.making {
            None => self.idle.take(),
            Some(_) => None,
        };
        let mut lease = idle.unwrap_or_else(|| {
            let (store, cpu) = store(&self.sandbox, &self.environment, &self.route);
            Lease {
                store,
                cpu,
                instance: None,
                uses: 0,
            }
        });
        lease.cpu.start(self.config.cpu);
        let limits = &self.sandbox.limits;
        let state = lease.store.data_mut();
        state.memory.start();
        state.log.start(id, limits.log_bytes);
        state.outgoing.start(asks, self, id);
        lease
    }

    /// Takes an instance back that has answered without a fault.
    pub(super) fn give_back(&self, mut lease: Lease) {
        lease.uses += 1;
        lease.store.data_mut().outgoing.end();
        let is_shared = self.config.isolation == Isolation::Shared
            && matches!(self.entry, Entry::Route(_) | Entry::Proxy(_));
        let is_small = lease.store.data().memory.taken() <= MOST_MEMORY;
        if is_shared
            && is_small
            && lease.uses < MOST_USES
            && let Ok(place) = Arc::clone(&self.sandbox.idle_places).try_acquire_owned()
        {
            self.idle.keep(lease, place);
        }
    }
}

impl Idle {
    /// The instance that was used last, which is the likeliest to be warm. Those idle for too long are dropped.
    fn take(&self) -> Option<Lease> {
        self.fresh_enough().pop().map(|waiting| waiting.lease)
    }

    fn keep(&self, lease: Lease, place: OwnedSemaphorePermit) {
        self.fresh_enough().push(Waiting {
            since: Instant::now(),
            lease,
            _place: place,
        });
    }

    fn fresh_enough(&self) -> MutexGuard<'_, Vec<Waiting>> {
        let now = Instant::now();
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stale = idle.partition_point(|waiting| LONGEST_IDLE <= now - waiting.since);
        idle.drain(..stale);
        idle
    }
}
