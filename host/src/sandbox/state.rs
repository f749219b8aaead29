//! What the host keeps for one store: the WASI tables, and the limits that its guest runs under.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use wasmtime::component::ResourceTable;
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView,
    WasiHttpHooks, WasiHttpView,
};

use super::clock::Clock;
use super::cpu::Cpu;
use super::engine::Sandbox;
use super::fault::CpuSpent;
use super::log::Log;
use super::memory::Memory;
use super::outgoing::Outgoing;
use super::places::Share;
use waystation_rules::environment::Environment;
use waystation_rules::segment::Limits;

/// The host's side of one store.
pub(super) struct State {
    pub(super) table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    pub(super) outgoing: Outgoing,
    /// Of the request under way.
    pub(super) cpu: Arc<Cpu>,
    pub(super) clock: Clock,
    pub(super) memory: Memory,
    pub(super) log: Log,
}

impl State {
    /// Begins to count what a request executes, which may be so long. The last poll of the request before gives the instance back and ends a
    /// little later, perhaps on another thread, so each request has a count of its own.
    pub(super) fn begin(&mut self, budget: Duration) {
        self.cpu = Arc::new(Cpu::new(budget));
    }
}

/// Makes a store with every limit on, and nothing to execute yet.
pub(super) fn store(
    sandbox: &Sandbox,
    share: &Share,
    limits: &Limits,
    environment: &Environment,
    route: &str,
) -> Store<State> {
    let log = Log::new(route);
    let clock = Clock::default();
    let wasi = WasiCtx::builder()
        .stdout(log.clone())
        .stderr(log.clone())
        .wall_clock(clock.clone())
        .envs(environment.values())
        .max_random_size(limits.random_bytes as u64)
        .build();
    let mut http = WasiHttpCtx::new();
    http.set_field_size_limit(limits.field_bytes);
    let mut table = ResourceTable::new();
    table.set_max_capacity(limits.resources());
    let memory = Memory::new(limits.memory, sandbox.uncounted, Arc::clone(&share.memory));
    let state = State {
        table,
        wasi,
        http,
        outgoing: Outgoing::none(),
        cpu: Arc::new(Cpu::new(Duration::ZERO)),
        clock,
        memory,
        log,
    };

    let mut store = Store::new(&sandbox.engine, state);
    store.limiter(|state| &mut state.memory);
    store.set_hostcall_fuel(limits.call_bytes);
    store.set_max_component_handles(limits.handles);
    if let Some(table) = store.concurrent_resource_table() {
        table.set_max_capacity(2 * limits.handles); // a stream is two of them
    }
    store.epoch_deadline_callback(|store| match store.data().cpu.is_spent() {
        true => Err(CpuSpent.into()),
        false => Ok(UpdateDeadline::Yield(1)),
    });
    store.set_epoch_deadline(1);
    store
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.outgoing,
        }
    }
}

/// Bytes that the host takes from a guest in one piece of a body: it holds on to a piece or two of each body that the guest writes.
pub(super) const PIECE: usize = 64 << 10;

/// Headers on their way in: as the client sent them, less what belongs to its connection.
///
/// `host` stays, as in Next, where `headers().get("host")` is what the client asked for.
pub(super) struct Incoming;

impl WasiHttpHooks for Incoming {
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        *name != http::header::HOST && DEFAULT_FORBIDDEN_HEADERS.contains(name)
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        PIECE
    }

    fn send_request(
        &mut self,
        _: http::Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> super::outgoing::Sending {
        Box::new(async { Err(Error::HttpRequestDenied) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::engine::Favour;

    /// What was left of a poll, counted for the next request, ended the connection of one shared request in some thousand on a busy machine, or had it stopped.
    #[test]
    fn the_end_of_a_request_is_not_the_next_one_s_time() {
        const BUDGET: Duration = Duration::from_secs(1);
        let limits = Limits::default();
        let sandbox = Sandbox::new(&limits, Favour::Compiling).unwrap();
        let share = sandbox.share();
        let mut store = store(&sandbox, &share, &limits, &Environment::default(), "/");
        let state = store.data_mut();
        state.begin(BUDGET);
        let first = Arc::clone(&state.cpu);
        first.count(|| state.begin(BUDGET));
        assert!(Duration::ZERO < first.used());
        assert_eq!(state.cpu.used(), Duration::ZERO);
    }
}
