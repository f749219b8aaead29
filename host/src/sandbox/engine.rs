//! One engine and one linker for every component of this process.
//!
//! The pooling allocator is tuned, which is worth 2.4x for an instance per request: without keep-resident memory and `PAGEMAP_SCAN` each
//! request faults its pages in again. Where its address space cannot be reserved, as in some containers, instances are made on demand.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::Semaphore;
use wasmtime::component::{Component, Linker};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Store,
};
use waystation_rules::segment::Limits;

use super::code::{Facts, LoadError, Ready};
use super::functions::Functions;
use super::memory::Total;
use super::met::STACK_BYTES;
use super::places::{Places, Share};
use super::relink::relinked;
use super::state::State;

/// How often the epoch advances: a guest that runs longer gives way to others, and its CPU time is looked at. A thread looks for I/O after
/// four such turns at the latest (`cli::runtime`), so others wait for that long (`measure fairness`); each turn costs some time that nobody is charged.
pub(super) const TICK: Duration = Duration::from_millis(3);

/// Shared instances that wait for a request, of all routes together. The pool has room for them beside those that run.
pub(super) const MOST_IDLE: usize = 128;

/// What the compiler should favour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Favour {
    /// Short compile times: `waystation dev`.
    Compiling,
    /// Fast code: everything else.
    Running,
}

/// How many stacks there are for each guest that may run. Each takes the kernel 3 us when a sandbox is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stacks {
    /// One, and an eighth more: where all guests are route modules, which return to the host to wait.
    One,
    /// Two: what blocks in a wait keeps one, and another for what had come when it waited before.
    Two,
}

/// Where guests are compiled and run.
pub struct Sandbox {
    pub(super) engine: Engine,
    pub(super) linker: Linker<State>,
    /// Bounds how many guests run at once.
    pub(super) places: Arc<Places>,
    /// Bounds how many instances wait for their next request.
    pub(super) idle_places: Arc<Semaphore>,
    /// How many guests may run at once.
    concurrency: usize,
    /// Bytes that the largest memory of one may have.
    memory_size: usize,
    /// What guests may take together, with those of other sandboxes.
    pub(super) memory: Arc<Total>,
    /// Bytes of it that each guest has uncounted.
    pub(super) uncounted: usize,
    favour: Favour,
}

impl Sandbox {
    /// Sets up the engine, with places for as many guests and as much memory for each as `limits` say, and starts its clock.
    ///
    /// # Errors
    ///
    /// If the machine has no compiler backend, or the linker refuses the WASI interfaces; both are faults of the build.
    pub fn new(limits: &Limits, favour: Favour) -> anyhow::Result<Self> {
        Self::with_stacks(limits, favour, Stacks::Two)
    }

    /// The same with as many stacks as its guests need.
    ///
    /// # Errors
    ///
    /// As [`Self::new`].
    pub fn with_stacks(limits: &Limits, favour: Favour, stacks: Stacks) -> anyhow::Result<Self> {
        wasmtime::error::disable_backtrace(); // each dropped store makes an error; a backtrace for it halves the throughput
        let memory = Total::of_process();
        let engine = pooled_engine(limits, &memory, favour, stacks).or_else(|error| {
            tracing::warn!("instances are made on demand, which is slower: no address space for a pool ({error:#})");
            Engine::new(&config(favour)?)
        })?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
        start_clock(&engine)?;
        Ok(Self {
            engine,
            linker,
            places: Arc::new(Places::new(limits.concurrency)),
            idle_places: Arc::new(Semaphore::new(MOST_IDLE)),
            concurrency: limits.concurrency,
            memory_size: limits.memory,
            uncounted: memory.uncounted(limits.concurrency),
            memory,
            favour,
        })
    }

    /// What one more app has of the places for guests.
    pub fn share(&self) -> Arc<Share> {
        Share::of(&self.places, &self.memory)
    }

    /// How many guests run at once.
    pub fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// Whether a sandbox of its own would have other room than this one; the other limits are each guest's.
    pub fn has_room_of(&self, limits: &Limits) -> bool {
        (self.concurrency, self.memory_size) == (limits.concurrency, limits.memory)
    }

    /// Compiles a component for this machine: some 40 ms for a route.
    ///
    /// # Errors
    ///
    /// If `wasm` is not a valid component.
    pub fn compile(&self, wasm: &[u8]) -> anyhow::Result<Component> {
        compiled(wasm, self.favour, |wasm| {
            Component::from_binary(&self.engine, wasm)
        })
    }

    /// The code of [`Self::compile`] as bytes, to keep for the next start.
    ///
    /// # Errors
    ///
    /// As [`Self::compile`].
    pub fn precompile(&self, wasm: &[u8]) -> anyhow::Result<Vec<u8>> {
        compiled(wasm, self.favour, |wasm| {
            self.engine.precompile_component(wasm)
        })
    }

    /// Takes bytes of [`Self::precompile`] back.
    ///
    /// The caller vouches that this very program made `code`: it is machine code and is not checked. `app` is the only caller: it has
    /// verified the node's own signature on these same bytes, or has had them made a moment ago, here or in a process of its own.
    ///
    /// # Errors
    ///
    /// If another version or other settings of the runtime made the code.
    #[allow(
        unsafe_code,
        reason = "the one place where code is taken back; see above"
    )]
    pub fn restore(&self, code: &[u8]) -> anyhow::Result<Component> {
        // SAFETY: the code was made by `precompile` of this program, as the node's signature over the same bytes or its own child shows.
        Ok(unsafe { Component::deserialize(&self.engine, code) }?)
    }

    /// Looks whether a component can answer requests here, and says what it is. Nothing of it runs.
    ///
    /// # Errors
    ///
    /// A [`LoadError`].
    pub fn look(&self, component: &Component) -> Result<Facts, LoadError> {
        Ok(Ready::of(self, component)?.facts())
    }

    /// Says which settings and version of the runtime code is for, as a number to key a cache by.
    pub fn fingerprint(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.engine
            .precompile_compatibility_hash()
            .hash(&mut hasher);
        hasher.finish()
    }
}

/// The code of a component as any [`Sandbox`] that favours running takes it back, made without one: on one thread, and without the
/// terabytes of address space that a pool takes. Neither makes a difference to the code.
///
/// # Errors
///
/// As [`Sandbox::compile`].
pub fn precompile(wasm: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut config = config(Favour::Running)?;
    config.parallel_compilation(false);
    let engine = Engine::new(&config)?;
    compiled(wasm, Favour::Running, |wasm| {
        engine.precompile_component(wasm)
    })
}

/// Compiles a component: to run fast as [`relinked`] makes it if it can, else as it is.
fn compiled<T>(
    wasm: &[u8],
    favour: Favour,
    compile: impl Fn(&[u8]) -> wasmtime::Result<T>,
) -> anyhow::Result<T> {
    if favour == Favour::Running
        && let Some(relinked) = relinked(wasm)
    {
        match compile(&relinked) {
            Ok(compiled) => return Ok(compiled),
            Err(error) => tracing::debug!("a component is compiled as it is linked: {error:#}"),
        }
    }
    Ok(compile(wasm)?)
}

/// The clock has a thread of its own: on a serving thread a spinning guest would stop it.
fn start_clock(engine: &Engine) -> anyhow::Result<()> {
    let engine = engine.weak();
    let tick = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    };
    std::thread::Builder::new()
        .name("epoch".into())
        .spawn(tick)
        .context("cannot start the clock's thread")?;
    Ok(())
}

fn config(favour: Favour) -> wasmtime::Result<Config> {
    let mut config = Config::new();
    config.epoch_interruption(true);
    config.max_wasm_stack(STACK_BYTES);
    // Off: what no compiler makes for wasm32 today, and what differs between machines (threat model, 4.1).
    config.wasm_memory64(false);
    config.wasm_tail_call(false);
    config.wasm_relaxed_simd(false);
    config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(20));
    if favour == Favour::Compiling {
        config.cranelift_opt_level(OptLevel::None);
        config.enable_incremental_compilation(Arc::new(Functions::default()))?;
    }
    Ok(config)
}

/// Each memory keeps what its last guest has written, for one of the same component: all of them together as much as is uncounted of guests.
/// Fails where the address space for the pool is not to be had; the probe makes one instance's memory to be sure.
fn pooled_engine(
    limits: &Limits,
    memory: &Total,
    favour: Favour,
    stacks: Stacks,
) -> wasmtime::Result<Engine> {
    let places = u32::try_from(limits.concurrency + MOST_IDLE).unwrap_or(u32::MAX);
    let memories = places.saturating_mul(2);
    let stacks = match stacks {
        Stacks::One => places.saturating_add(places / 8),
        Stacks::Two => places.saturating_mul(2),
    };
    let mut pool = PoolingAllocationConfig::default();
    // A component is a few core instances: two or three for a Rust route, more for one with an adapter inside.
    pool.total_component_instances(places)
        .total_core_instances(places.saturating_mul(8))
        .total_memories(memories)
        .total_tables(places.saturating_mul(8))
        .total_stacks(stacks)
        .max_core_instances_per_component(16)
        .max_memories_per_component(4)
        .max_tables_per_component(16)
        .max_memory_size(limits.memory)
        .linear_memory_keep_resident(memory.uncounted(memories as usize))
        .max_unused_warm_slots(places)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto);
    let mut config = config(favour)?;
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let engine = Engine::new(&config)?;
    let mut store = Store::new(&engine, ());
    wasmtime::Memory::new(&mut store, wasmtime::MemoryType::new(1, None))?;
    Ok(engine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_that_is_made_without_a_pool_is_the_same() {
        const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";
        let sandbox = Sandbox::new(&Limits::default(), Favour::Running).unwrap();
        let code = precompile(EMPTY).unwrap();
        assert_eq!(code, sandbox.precompile(EMPTY).unwrap());
        assert!(sandbox.restore(&code).is_ok());
    }

    #[test]
    fn without_address_space_for_a_pool_instances_are_made_on_demand() {
        let limits = Limits {
            concurrency: 1 << 24,
            memory: 1 << 32,
            ..Limits::default()
        };
        assert!(
            pooled_engine(
                &limits,
                &Total::of_process(),
                Favour::Compiling,
                Stacks::One
            )
            .is_err()
        );
        let sandbox = Sandbox::new(&limits, Favour::Compiling).unwrap();
        let mut store = Store::new(&sandbox.engine, ());
        wasmtime::Memory::new(&mut store, wasmtime::MemoryType::new(1, None)).unwrap();
    }
}
