//! Why a guest gave no answer, or stopped in the middle of one.

use std::time::Duration;

use wasmtime::Trap;
use waystation_rules::caching::Reads;

use super::guest::Guest;
use super::memory::Refused;
use super::met::Met;
use super::state::State;
use crate::telemetry::Stop;

/// What stopped a guest.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// `MAX_DURATION` passed before the head.
    #[error("no answer within {} s of wall-clock time (MAX_DURATION)", .0.as_secs_f64())]
    WallTime(Duration),

    /// It was still writing, or working after its answer, when a stream's time was over.
    #[error("still at work after {} s (stream_duration of waystation.toml)", .0.as_secs_f64())]
    StreamTime(Duration),

    /// What it does after its answer was not done when the route's time was over again.
    #[error("still at work {} s after its answer (MAX_DURATION)", .0.as_secs_f64())]
    AfterTime(Duration),

    /// It executed for longer than `CPU_MS`.
    #[error("it executed for more than {} ms (CPU_MS)", .0.as_millis())]
    CpuTime(Duration),

    /// It asked for more memory than one request may have.
    #[error("it asked for more than {} MiB of memory (memory_mb of waystation.toml)", .0 >> 20)]
    Memory(usize),

    /// All guests of this process would have had more memory than they may, or what is left is for other apps of the node.
    #[error("it asked for memory, and all guests of this host together have {} MiB at most, of which each app leaves some to the others", .0 >> 20)]
    AllMemory(usize),

    /// No place for an instance was to be had: `queue_wait_ms` passed, or as many waited already. They are taken, or left to other apps of the node.
    #[error(
        "all {0} places for instances are taken, or left to other apps of the node (concurrency of waystation.toml)"
    )]
    Busy(usize),

    /// No turn on its route was to be had: `queue_wait_ms` passed, or as many waited already.
    #[error(
        "as many requests of this route run as may, {0} (route_concurrency of waystation.toml)"
    )]
    RouteBusy(usize),

    /// The runtime held it to a limit.
    #[error("{limit}\n{trace}")]
    Met {
        /// Which.
        limit: Met,
        /// What the runtime says, with the guest's backtrace.
        trace: String,
    },

    /// Its answer has more header fields, or sets more cookies, than an answer may.
    #[error("{0}")]
    Fields(String),

    /// A panic or another trap; the text holds the guest's backtrace.
    #[error("{0}")]
    Trap(String),

    /// Its code is not where it was, or is no longer what it was.
    #[error("its code cannot be loaded: {0}")]
    Load(String),

    /// The handler returned an error.
    #[error("{message}")]
    Handler {
        /// The status that the error asks for: 500 unless the error says otherwise, such as 400 for a malformed body.
        status: u16,
        /// The error and its causes, one a line.
        message: String,
        /// What of the request it had read.
        reads: Reads,
    },

    /// It returned without an answer, or with one that HTTP does not allow.
    #[error("{0}")]
    Answer(String),
}

/// A guest's epoch callback ends it with this.
#[derive(Debug, thiserror::Error)]
#[error("the CPU budget is spent")]
pub(super) struct CpuSpent;

impl Fault {
    /// What it is counted as; nothing for an answer that a client has deserved.
    pub fn stop(&self) -> Option<Stop> {
        Some(match self {
            Self::WallTime(_) => Stop::WallTime,
            Self::StreamTime(_) => Stop::StreamTime,
            Self::AfterTime(_) => Stop::AfterTime,
            Self::CpuTime(_) => Stop::CpuTime,
            Self::Memory(_) => Stop::Memory,
            Self::AllMemory(_) => Stop::AllMemory,
            Self::Busy(_) | Self::RouteBusy(_) => Stop::Instances,
            Self::Met { limit, .. } => limit.stop(),
            Self::Fields(_) => Stop::Fields,
            Self::Trap(_) => Stop::Trap,
            Self::Load(_) => Stop::Load,
            Self::Handler { status: 413, .. } => Stop::Body,
            Self::Handler {
                status: 400..500, ..
            } => return None,
            Self::Handler { .. } => Stop::Handler,
            Self::Answer(_) => Stop::Answer,
        })
    }

    /// Whether it was stopped by what it did itself, which it may not do when it is told more.
    pub fn is_trap(&self) -> bool {
        matches!(self, Self::Trap(_) | Self::Met { .. })
    }

    /// Names what stopped a guest, from the runtime's error and what its store saw.
    pub(super) fn from_stop(error: &wasmtime::Error, state: &State, guest: &Guest) -> Self {
        let limits = &*guest.limits;
        if error.is::<CpuSpent>() {
            return Self::CpuTime(guest.config.cpu);
        }
        if let Some(limit) = Met::of(error, limits) {
            let trace = format!("{error:?}");
            return Self::Met { limit, trace };
        }
        match state.memory.refused() {
            Some(Refused::Own(limit)) => return Self::Memory(limit),
            Some(Refused::All(limit)) => return Self::AllMemory(limit),
            None => {}
        }
        if is_pool_exhausted(error) {
            return Self::Busy(limits.concurrency);
        }
        let reason = match error.downcast_ref::<Trap>() {
            Some(Trap::UnreachableCodeReached) => "it panicked; its message is in the log above\n",
            _ => "",
        };
        Self::Trap(format!("{reason}{error:?}"))
    }
}

fn is_pool_exhausted(error: &wasmtime::Error) -> bool {
    error.is::<wasmtime::PoolConcurrencyLimitError>()
}
