//! A component that answers requests, and what is known and counted of it.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use moka::sync::Cache;
use tokio::sync::{OnceCell, Semaphore};
use wasmtime::component::Component;
use waystation_rules::caching::{NotKept, Served};
use waystation_rules::environment::Environment;
use waystation_rules::method::Methods;
use waystation_rules::segment::{self, Limits, SegmentConfig};
use waystation_rules::table::Param;

use super::bindings::segment as wit;
use super::code::{Code, CodeSource, Facts, LoadError, Ready};
use super::engine::{MOST_IDLE, Sandbox};
use super::fault::Fault;
use super::lease::Idle;
use super::pace::Habit;
use super::places::Share;

/// No answer is dynamic.
const NONE: u8 = 0;
/// Those with a key in [`Guest::dynamic_keys`].
const SOME: u8 = 1;
/// All.
const ALL: u8 = 2;
/// Answers that are remembered to depend on the request. One that is forgotten is tried once more.
const MOST_DYNAMIC: u64 = 10_000;

/// A component that is ready to answer.
pub struct Guest {
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) share: Arc<Share>,
    /// Bounds how many of its instances run at once.
    pub(super) turns: Arc<Semaphore>,
    /// Bounds how many requests wait for that, or for a place.
    pub(super) queue: Arc<Semaphore>,
    pub(super) code: Arc<Code>,
    pub(super) route: Arc<str>,
    pub(super) limits: Arc<Limits>,
    pub(super) config: SegmentConfig,
    pub(super) told: wit::SegmentConfig,
    pub(super) environment: Arc<Environment>,
    pub(super) idle: Idle,
    /// How its instances execute.
    pub(super) habit: Arc<Habit>,
    /// Names the code, so that what it made is told from what other code makes.
    release: Arc<str>,
    /// Which of its answers were found to read the request, so that they are not kept: [`NONE`], [`SOME`] or [`ALL`].
    dynamic: Arc<AtomicU8>,
    /// If some: why, by what they would be kept under.
    dynamic_keys: Arc<OnceLock<Cache<String, NotKept>>>,
    /// How often its answers were kept, by [`Served`].
    served: Arc<[AtomicU64; 3]>,
    /// What `generate_static_params` lists, once it was asked.
    listed: Arc<OnceCell<Vec<Vec<Param>>>>,
}

/// What a component is served as.
pub struct Named<'a> {
    /// The pattern it answers, such as `/items/[slug]`, or a proxy's file, for the log.
    pub route: &'a str,
    /// Names its code.
    pub release: &'a str,
    /// What its requests may use, within its sandbox's limits.
    pub limits: Limits,
    /// Its settled configuration.
    pub config: SegmentConfig,
}

impl Guest {
    /// Gets a component ready. Nothing of it runs. It sees no environment until [`Self::in_environment`] gives it one.
    ///
    /// # Errors
    ///
    /// A [`LoadError`] if it does not answer requests, or needs more than the host gives.
    pub fn load(
        sandbox: &Arc<Sandbox>,
        share: Arc<Share>,
        component: &Component,
        named: Named<'_>,
    ) -> Result<Self, LoadError> {
        let code = Code::there(Ready::of(sandbox, component)?);
        Ok(Self::new(sandbox, share, code, named))
    }

    /// The same for a component whose code is loaded at its first request.
    pub fn waiting(
        sandbox: &Arc<Sandbox>,
        share: Arc<Share>,
        (source, facts): (CodeSource, Facts),
        named: Named<'_>,
    ) -> Self {
        Self::new(sandbox, share, Code::waiting(source, facts), named)
    }

    fn new(sandbox: &Arc<Sandbox>, share: Arc<Share>, code: Code, named: Named<'_>) -> Self {
        let turns = named.limits.route_concurrency.min(Semaphore::MAX_PERMITS);
        Self {
            sandbox: Arc::clone(sandbox),
            share,
            turns: Arc::new(Semaphore::new(turns)),
            queue: Arc::new(Semaphore::new(turns)),
            code: Arc::new(code),
            release: named.release.into(),
            dynamic: Arc::default(),
            dynamic_keys: Arc::default(),
            served: Arc::default(),
            listed: Arc::default(),
            route: named.route.into(),
            told: told(&named.config),
            limits: Arc::new(named.limits),
            config: named.config,
            environment: Arc::default(),
            idle: Idle::default(),
            habit: Arc::default(),
        }
    }

    /// The same component with other variables. Its instances are new ones: one that waits has read the old values.
    pub fn in_environment(&self, environment: &Arc<Environment>) -> Self {
        Self {
            sandbox: Arc::clone(&self.sandbox),
            share: Arc::clone(&self.share),
            turns: Arc::clone(&self.turns),
            queue: Arc::clone(&self.queue),
            code: Arc::clone(&self.code),
            release: Arc::clone(&self.release),
            dynamic: Arc::clone(&self.dynamic),
            dynamic_keys: Arc::clone(&self.dynamic_keys),
            served: Arc::clone(&self.served),
            listed: Arc::default(),
            route: Arc::clone(&self.route),
            limits: Arc::clone(&self.limits),
            config: self.config.clone(),
            told: self.told.clone(),
            environment: Arc::clone(environment),
            idle: Idle::default(),
            habit: Arc::clone(&self.habit),
        }
    }

    /// The same component, each request in an instance of its own.
    #[must_use]
    pub fn fresh(&self) -> Self {
        let mut fresh = self.in_environment(&self.environment);
        fresh.config.isolation = segment::Isolation::Request;
        fresh
    }

    /// The variables that it sees.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The methods that its type lists; all of them for a component of another make, none for a proxy.
    pub fn methods(&self) -> Methods {
        self.code.facts().methods
    }

    /// Its code, loaded now if it was not.
    ///
    /// # Errors
    ///
    /// [`Fault::Load`], and [`Fault::WallTime`] after `MAX_DURATION`.
    pub(super) async fn ready(&self) -> Result<Arc<Ready>, Fault> {
        self.code
            .ready(&self.sandbox, &self.share, self.config.max_duration)
            .await
    }

    /// An answer of its own, which counts as memory of all guests until nobody has it any more.
    ///
    /// # Errors
    ///
    /// [`Fault::AllMemory`].
    pub fn charged(&self, answer: Bytes) -> Result<Bytes, Fault> {
        let counted = self.share.memory.counted(answer);
        counted.map_err(Fault::AllMemory)
    }

    /// What its requests may use.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Its settled configuration.
    pub fn config(&self) -> &SegmentConfig {
        &self.config
    }

    /// Whether it runs in this sandbox.
    pub fn runs_in(&self, sandbox: &Arc<Sandbox>) -> bool {
        Arc::ptr_eq(&self.sandbox, sandbox)
    }

    /// How many instances of its app run, how many of its sandbox wait for a request, and how many may run.
    pub fn instances(&self) -> (usize, usize, usize) {
        let free = self.sandbox.idle_places.available_permits();
        let idle = MOST_IDLE.saturating_sub(free);
        (self.share.taken(), idle, self.sandbox.concurrency())
    }

    /// The pattern it answers.
    pub fn route(&self) -> &str {
        &self.route
    }

    /// Names its code.
    pub fn release(&self) -> &str {
        &self.release
    }

    /// Whether it has `generate_static_params`.
    pub fn lists_params(&self) -> bool {
        self.code.facts().lists_params
    }

    /// What `generate_static_params` lists, for whoever asks it first to fill.
    pub fn listed(&self) -> &OnceCell<Vec<Vec<Param>>> {
        &self.listed
    }

    /// Says what it lists, which then nobody asks for.
    pub fn set_listed(&self, params: impl IntoIterator<Item = Vec<Param>>) {
        drop(self.listed.set(params.into_iter().collect())); // an earlier list stands
    }

    /// Counts an answer that is kept.
    pub fn count(&self, served: Served) {
        self.served[served as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many answers there were of a kind since its code was loaded.
    pub fn counted(&self, served: Served) -> u64 {
        self.served[served as usize].load(Ordering::Relaxed)
    }

    /// Whether it was found to read the request for the answer that this key is for.
    pub fn is_dynamic(&self, key: &str) -> bool {
        match self.dynamic.load(Ordering::Acquire) {
            NONE => false,
            SOME => {
                let keys = self.dynamic_keys.get();
                keys.is_some_and(|keys| keys.contains_key(key))
            }
            _ => true,
        }
    }

    /// Why the answer that this key is for is dynamic; nothing if only its build knows.
    pub fn why_dynamic(&self, key: &str) -> Option<NotKept> {
        self.dynamic_keys.get()?.get(key)
    }

    /// Remembers that it reads the request for the answer that this key is for. Others stay kept: which they are, a client decides.
    pub fn set_dynamic(&self, key: &str, reason: NotKept) {
        let keys = || Cache::new(MOST_DYNAMIC);
        self.dynamic_keys
            .get_or_init(keys)
            .insert(key.to_owned(), reason);
        self.dynamic.fetch_max(SOME, Ordering::Release);
    }

    /// Remembers that it reads the request.
    pub fn set_all_dynamic(&self) {
        self.dynamic.store(ALL, Ordering::Release);
    }
}

/// The configuration in the words of `wit/segment.wit`.
fn told(config: &SegmentConfig) -> wit::SegmentConfig {
    wit::SegmentConfig {
        dynamic: match config.dynamic {
            segment::Dynamic::Auto => wit::Dynamic::Auto,
            segment::Dynamic::Error => wit::Dynamic::Error,
            segment::Dynamic::ForceStatic => wit::Dynamic::ForceStatic,
            segment::Dynamic::ForceDynamic => wit::Dynamic::ForceDynamic,
        },
        dynamic_params: config.dynamic_params,
        revalidate: match config.revalidate {
            segment::Revalidate::Unset => wit::Revalidate::Unset,
            segment::Revalidate::Never => wit::Revalidate::Never,
            segment::Revalidate::Seconds(seconds) => wit::Revalidate::Seconds(seconds),
        },
        fetch_cache: match config.fetch_cache {
            segment::FetchCache::Auto => wit::FetchCache::Auto,
            segment::FetchCache::DefaultCache => wit::FetchCache::DefaultCache,
            segment::FetchCache::OnlyCache => wit::FetchCache::OnlyCache,
            segment::FetchCache::ForceCache => wit::FetchCache::ForceCache,
            segment::FetchCache::DefaultNoStore => wit::FetchCache::DefaultNoStore,
            segment::FetchCache::OnlyNoStore => wit::FetchCache::OnlyNoStore,
            segment::FetchCache::ForceNoStore => wit::FetchCache::ForceNoStore,
        },
        runtime: match config.runtime {
            segment::Runtime::Nodejs => wit::Runtime::Nodejs,
            segment::Runtime::Edge => wit::Runtime::Edge,
        },
        preferred_region: config.preferred_region.clone(),
        max_duration: u32::try_from(config.max_duration.as_secs()).unwrap_or(u32::MAX),
        isolation: match config.isolation {
            segment::Isolation::Request => wit::Isolation::Request,
            segment::Isolation::Shared => wit::Isolation::Shared,
        },
        cpu_ms: u32::try_from(config.cpu.as_millis()).unwrap_or(u32::MAX),
        body_limit: config.body_limit,
    }
}
