//! Route segment config: the types of a module's public constants, and what the host made of them.

use std::time::Duration;

use crate::bindings::segment as wit;

/// Whether answers to GET may be kept: `pub const DYNAMIC: Dynamic = Dynamic::ForceStatic;`
///
/// ```
/// waystation::route! {
///     pattern = "/",
///     mod route {
///         use waystation::Dynamic;
///
///         pub const DYNAMIC: Dynamic = Dynamic::ForceStatic;
///
///         pub fn get() {}
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dynamic {
    /// Kept if nothing of the request was read.
    #[default]
    Auto,
    /// As [`ForceStatic`](Self::ForceStatic), but reading the request is an error.
    Error,
    /// Always kept; cookies, headers and query are empty.
    ForceStatic,
    /// Never kept.
    ForceDynamic,
}

/// How long a kept answer stays fresh: `pub const REVALIDATE: Revalidate = Revalidate::seconds(60);`
///
/// ```
/// waystation::route! {
///     pattern = "/",
///     mod route {
///         use waystation::Revalidate;
///
///         pub const REVALIDATE: Revalidate = Revalidate::seconds(60);
///
///         pub fn get() {}
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revalidate(pub(crate) Option<u32>);

impl Revalidate {
    /// Kept until invalidated.
    pub const NEVER: Self = Self(None);

    /// Fresh for so many seconds; 0 means never kept.
    pub const fn seconds(seconds: u32) -> Self {
        Self(Some(seconds))
    }

    /// How long; `None` if kept until invalidated.
    pub const fn duration(self) -> Option<Duration> {
        match self.0 {
            Some(seconds) => Some(Duration::from_secs(seconds as u64)),
            None => None,
        }
    }
}

/// How outgoing requests are kept: `pub const FETCH_CACHE: FetchCache = FetchCache::ForceCache;`
///
/// ```
/// waystation::route! {
///     pattern = "/",
///     mod route {
///         use waystation::FetchCache;
///
///         pub const FETCH_CACHE: FetchCache = FetchCache::ForceCache;
///
///         pub fn get() {}
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FetchCache {
    /// Each fetch decides for itself.
    #[default]
    Auto,
    /// Kept unless the fetch says otherwise.
    DefaultCache,
    /// A fetch that asks not to be kept is an error.
    OnlyCache,
    /// Always kept.
    ForceCache,
    /// Not kept unless the fetch says otherwise.
    DefaultNoStore,
    /// A fetch that asks to be kept is an error.
    OnlyNoStore,
    /// Never kept.
    ForceNoStore,
}

/// Where the author wants it to run: `pub const RUNTIME: Runtime = Runtime::Edge;` A hint for the platform; the sandbox is the same.
///
/// ```
/// waystation::route! {
///     pattern = "/",
///     mod route {
///         use waystation::Runtime;
///
///         pub const RUNTIME: Runtime = Runtime::Edge;
///
///         pub fn get() {}
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Runtime {
    /// Next's default name for the server runtime.
    #[default]
    Nodejs,
    /// Next's name for the edge runtime.
    Edge,
}

/// Whether instances are reused: `pub const ISOLATION: Isolation = Isolation::Shared;`
///
/// ```
/// waystation::route! {
///     pattern = "/",
///     mod route {
///         use waystation::Isolation;
///
///         pub const ISOLATION: Isolation = Isolation::Shared;
///
///         pub fn get() {}
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// A fresh instance for each request: nothing survives it.
    #[default]
    Request,
    /// One request at a time per instance; statics survive from one to the next.
    Shared,
}

/// The settled configuration of a route: its constants, the defaults, and the operator's limits.
///
/// ```
/// use waystation::{Context, testing::TestRequest};
///
/// fn get(context: Context) -> String {
///     format!("at most {} bytes", context.segment().body_limit)
/// }
///
/// assert_eq!(TestRequest::get("/").call(get).text(), "at most 10485760 bytes");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Segment {
    /// Whether answers to GET may be kept.
    pub dynamic: Dynamic,
    /// Whether params that were not generated at build time are answered.
    pub dynamic_params: bool,
    /// How long a kept answer stays fresh; `None` if the route says nothing.
    pub revalidate: Option<Revalidate>,
    /// How outgoing requests are kept.
    pub fetch_cache: FetchCache,
    /// Where the author wants it to run.
    pub runtime: Runtime,
    /// The regions the author prefers; empty for no preference.
    pub preferred_region: Vec<String>,
    /// Wall-clock time until the answer's head.
    pub max_duration: Duration,
    /// Whether instances are reused.
    pub isolation: Isolation,
    /// Execution time.
    pub cpu: Duration,
    /// The longest request body, in bytes.
    pub body_limit: u64,
}

impl Segment {
    pub(crate) fn settled(config: &wit::SegmentConfig) -> Self {
        Self {
            dynamic: match config.dynamic {
                wit::Dynamic::Auto => Dynamic::Auto,
                wit::Dynamic::Error => Dynamic::Error,
                wit::Dynamic::ForceStatic => Dynamic::ForceStatic,
                wit::Dynamic::ForceDynamic => Dynamic::ForceDynamic,
            },
            dynamic_params: config.dynamic_params,
            revalidate: match config.revalidate {
                wit::Revalidate::Unset => None,
                wit::Revalidate::Never => Some(Revalidate::NEVER),
                wit::Revalidate::Seconds(seconds) => Some(Revalidate::seconds(seconds)),
            },
            fetch_cache: match config.fetch_cache {
                wit::FetchCache::Auto => FetchCache::Auto,
                wit::FetchCache::DefaultCache => FetchCache::DefaultCache,
                wit::FetchCache::OnlyCache => FetchCache::OnlyCache,
                wit::FetchCache::ForceCache => FetchCache::ForceCache,
                wit::FetchCache::DefaultNoStore => FetchCache::DefaultNoStore,
                wit::FetchCache::OnlyNoStore => FetchCache::OnlyNoStore,
                wit::FetchCache::ForceNoStore => FetchCache::ForceNoStore,
            },
            runtime: match config.runtime {
                wit::Runtime::Nodejs => Runtime::Nodejs,
                wit::Runtime::Edge => Runtime::Edge,
            },
            preferred_region: config.preferred_region.clone(),
            max_duration: Duration::from_secs(config.max_duration.into()),
            isolation: match config.isolation {
                wit::Isolation::Request => Isolation::Request,
                wit::Isolation::Shared => Isolation::Shared,
            },
            cpu: Duration::from_millis(config.cpu_ms.into()),
            body_limit: config.body_limit,
        }
    }
}
