//! What is counted of an app, for who operates it.
//!
//! A route's counts are looked up once, when the app is put together; from then on counting is an addition to an atomic, and nothing is
//! allocated. Routes are counted by their patterns, never by paths: how many there are is the app's to say and no client's.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use waystation_rules::caching::Served;

/// The counts of an app, whatever code it runs now.
#[derive(Debug)]
pub struct AppCounts {
    /// The app's name.
    pub(super) name: Arc<str>,
    routes: Mutex<BTreeMap<Arc<str>, Arc<RouteCounts>>>,
    pub(super) outgoing: [AtomicU64; Asked::ALL.len()],
}

/// The counts of a route, of a proxy, or of what is answered without either.
#[derive(Debug, Default)]
pub struct RouteCounts {
    /// By the first digit of the status.
    pub(super) answers: [AtomicU64; 5],
    pub(super) took: Times,
    /// By [`Served`].
    pub(super) kept: [AtomicU64; 3],
    pub(super) stops: [AtomicU64; Stop::ALL.len()],
    pub(super) retired: [AtomicU64; Retired::ALL.len()],
}

/// Why a request was stopped: at a limit, or by an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// `MAX_DURATION`.
    WallTime,
    /// `stream_duration`.
    StreamTime,
    /// What goes on after the answer, at `MAX_DURATION`.
    AfterTime,
    /// `CPU_MS`.
    CpuTime,
    /// `memory_mb`.
    Memory,
    /// What all guests of the process may take together.
    AllMemory,
    /// `concurrency` or `route_concurrency`, after `queue_wait_ms` or with a full queue.
    Instances,
    /// `BODY_LIMIT`.
    Body,
    /// `header_bytes`.
    Headers,
    /// `url_bytes`.
    Url,
    /// `fetches`.
    Fetches,
    /// The time that another server has for its answer, or for the next piece of it.
    FetchTime,
    /// The body of another server's answer.
    FetchBody,
    /// Handlers that ask each other.
    Nested,
    /// Requests to the app's store.
    KeptValues,
    /// `log_bytes`.
    Log,
    /// The stack of a guest's calls.
    Stack,
    /// Handles that a guest holds.
    Handles,
    /// What a guest hands over in one call.
    CallBytes,
    /// The header fields and cookies of an answer, and the fields that a guest builds.
    Fields,
    /// Randomness of one call.
    RandomBytes,
    /// A panic or another trap.
    Trap,
    /// Code that cannot be loaded.
    Load,
    /// The handler returned an error.
    Handler,
    /// An answer that cannot be sent.
    Answer,
    /// Another server, to which a rewrite leads, has none.
    Upstream,
    /// A file that cannot be read.
    File,
}

impl Stop {
    pub(super) const ALL: [Self; 27] = [
        Self::WallTime,
        Self::StreamTime,
        Self::AfterTime,
        Self::CpuTime,
        Self::Memory,
        Self::AllMemory,
        Self::Instances,
        Self::Body,
        Self::Headers,
        Self::Url,
        Self::Fetches,
        Self::FetchTime,
        Self::FetchBody,
        Self::Nested,
        Self::KeptValues,
        Self::Log,
        Self::Stack,
        Self::Handles,
        Self::CallBytes,
        Self::Fields,
        Self::RandomBytes,
        Self::Trap,
        Self::Load,
        Self::Handler,
        Self::Answer,
        Self::Upstream,
        Self::File,
    ];

    /// As it is told to programs.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::WallTime => "wall_time",
            Self::StreamTime => "stream_time",
            Self::AfterTime => "after_time",
            Self::CpuTime => "cpu_time",
            Self::Memory => "memory",
            Self::AllMemory => "all_memory",
            Self::Instances => "instances",
            Self::Body => "body",
            Self::Headers => "headers",
            Self::Url => "url",
            Self::Fetches => "fetches",
            Self::FetchTime => "fetch_time",
            Self::FetchBody => "fetch_body",
            Self::Nested => "nested",
            Self::KeptValues => "kept_values",
            Self::Log => "log",
            Self::Stack => "stack",
            Self::Handles => "handles",
            Self::CallBytes => "call_bytes",
            Self::Fields => "fields",
            Self::RandomBytes => "random_bytes",
            Self::Trap => "trap",
            Self::Load => "load",
            Self::Handler => "handler",
            Self::Answer => "answer",
            Self::Upstream => "upstream",
            Self::File => "file",
        }
    }

    /// Whether it is a limit's, rather than an error.
    pub(super) fn is_limit(self) -> bool {
        (self as usize) < Self::Trap as usize
    }
}

/// Why an instance of a route with `ISOLATION = Shared` answers no more, without a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retired {
    /// It has answered as many as it may.
    Uses,
    /// Nobody asked for it.
    Idle,
    /// It has taken too much memory.
    Memory,
    /// It has kept too many handles.
    Handles,
    /// As many wait already as may.
    Room,
}

impl Retired {
    pub(super) const ALL: [Self; 5] = [
        Self::Uses,
        Self::Idle,
        Self::Memory,
        Self::Handles,
        Self::Room,
    ];

    /// As it is told to programs.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Uses => "uses",
            Self::Idle => "idle",
            Self::Memory => "memory",
            Self::Handles => "handles",
            Self::Room => "room",
        }
    }
}

/// What came of asking another server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It has answered, whatever with.
    Answered,
    /// It has not.
    Failed,
    /// It may not be asked.
    Refused,
}

impl Asked {
    pub(super) const ALL: [Self; 3] = [Self::Answered, Self::Failed, Self::Refused];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

impl AppCounts {
    /// Nothing is counted yet.
    #[must_use]
    pub fn new(name: Arc<str>) -> Self {
        Self {
            name,
            routes: Mutex::default(),
            outgoing: Default::default(),
        }
    }

    /// The counts of a route, by its pattern; of a proxy, by its file; of what neither answers, by nothing.
    pub fn route(&self, name: &str) -> Arc<RouteCounts> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        match routes.get(name) {
            Some(counts) => Arc::clone(counts),
            None => Arc::clone(routes.entry(name.into()).or_default()),
        }
    }

    /// Counts a request to another server.
    pub fn asked(&self, outcome: Asked) {
        self.outgoing[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn routes(&self) -> Vec<(Arc<str>, Arc<RouteCounts>)> {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let routes = routes.iter();
        routes
            .map(|(name, counts)| (Arc::clone(name), Arc::clone(counts)))
            .collect()
    }
}

impl RouteCounts {
    /// Counts an answer, and how long its head took.
    pub fn answered(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).clamp(1, self.answers.len());
        self.answers[class - 1].fetch_add(1, Ordering::Relaxed);
        self.took.add(took);
    }

    /// Counts an answer that is kept.
    pub fn kept(&self, served: Served) {
        self.kept[served as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts instances that answer no more.
    pub fn retired(&self, why: Retired, instances: usize) {
        self.retired[why as usize].fetch_add(instances as u64, Ordering::Relaxed);
    }

    /// Counts a request that was stopped.
    pub fn stopped(&self, stop: Stop) {
        self.stops[stop as usize].fetch_add(1, Ordering::Relaxed);
    }
}

/// How often something took how long.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// By [`BOUNDS`].
    pub(super) counts: [AtomicU64; BOUNDS.len()],
    pub(super) micros: AtomicU64,
}

/// The longest time of each bucket, in seconds: from an answer that is kept to the longest that a handler may run.
pub(super) const BOUNDS: [f64; 15] = [
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    1.0,
    5.0,
    30.0,
    f64::INFINITY,
];

impl Times {
    fn add(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let bucket = BOUNDS.partition_point(|bound| *bound < seconds);
        self.counts[bucket.min(BOUNDS.len() - 1)].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }
}
