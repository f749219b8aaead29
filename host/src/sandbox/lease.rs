//! Hands out instances: a fresh one for each request, or one that served before where the route says `ISOLATION = Shared`.
//!
//! A shared instance serves one request at a time. It is not kept after a trap, after [`MOST_USES`] requests, when it has grown or holds
//! resources that a request left behind, or when it has been idle for [`LONGEST_IDLE`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use wasmtime::Store;
use wasmtime::component::Instance;
use waystation_rules::segment::Isolation;

use super::cpu::Cpu;
use super::guest::{Entry, Guest};
use super::state::{State, store};

/// A new instance every so many requests costs less than 0.1 us a request.
const MOST_USES: u32 = 1_000;
/// An instance that nobody asked for this long gives its memory back.
const LONGEST_IDLE: Duration = Duration::from_secs(30);
/// Idle instances of one route; more would only hold memory.
const MOST_IDLE: usize = 64;
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
pub(super) struct Idle(Mutex<Vec<(Instant, Lease)>>);

impl Guest {
    /// An instance for the request `id`.
    pub(super) fn lease(&self, id: &str) -> Lease {
        let lease = self.idle.take().unwrap_or_else(|| {
            let (store, cpu) = store(&self.sandbox, &self.route);
            Lease {
                store,
                cpu,
                instance: None,
                uses: 0,
            }
        });
        lease.cpu.start(self.config.cpu);
        lease
            .store
            .data()
            .log
            .start(id, self.sandbox.limits.log_bytes);
        lease
    }

    /// Takes an instance back that has answered without a fault.
    pub(super) fn give_back(&self, mut lease: Lease) {
        lease.uses += 1;
        let is_shared =
            self.config.isolation == Isolation::Shared && matches!(self.entry, Entry::Route(_));
        let state = lease.store.data();
        let is_clean = state.table.is_empty() && state.memory.taken() <= MOST_MEMORY;
        if is_shared && is_clean && lease.uses < MOST_USES {
            self.idle.keep(lease);
        }
    }
}

impl Idle {
    fn take(&self) -> Option<Lease> {
        let (since, lease) = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()?;
        (since.elapsed() < LONGEST_IDLE).then_some(lease)
    }

    fn keep(&self, lease: Lease) {
        let now = Instant::now();
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(since, _)| now.duration_since(*since) < LONGEST_IDLE);
        if idle.len() < MOST_IDLE {
            idle.push((now, lease));
        }
    }
}
