//! Settles what a route configures against what the operator allows.
//!
//! In: the JSON that the SDK wrote into the component's custom section, and the operator's [`Limits`].
//! Out: the route's [`Section`], and from what it declares a [`SegmentConfig`] without gaps, or every reason to fail the build.
//!
//! The section is read without running anything. What `DYNAMIC` and `REVALIDATE` do to answers is not decided here.

use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::declared::Matcher;
use crate::cors::Cors;

mod limits;
mod section;
mod values;

pub use limits::{AppLimits, Excess, Limits};
pub use section::{CONTRACT, Section, SectionError, VERSION};
pub use values::{Dynamic, FetchCache, Isolation, Revalidate, Runtime};

/// What a route module's public constants say; nothing where it has no such constant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Declared {
    /// `DYNAMIC`.
    pub dynamic: Option<Dynamic>,
    /// `DYNAMIC_PARAMS`.
    pub dynamic_params: Option<bool>,
    /// `REVALIDATE`.
    pub revalidate: Option<Revalidate>,
    /// `FETCH_CACHE`.
    pub fetch_cache: Option<FetchCache>,
    /// `RUNTIME`.
    pub runtime: Option<Runtime>,
    /// `PREFERRED_REGION`.
    pub preferred_region: Option<Vec<String>>,
    /// `MAX_DURATION`, in seconds.
    pub max_duration: Option<u64>,
    /// `ISOLATION`.
    pub isolation: Option<Isolation>,
    /// `CPU_MS`, in milliseconds.
    pub cpu_ms: Option<u64>,
    /// `BODY_LIMIT`, in bytes.
    pub body_limit: Option<u64>,
    /// `CORS`.
    pub cors: Option<Cors>,
    /// `MATCHER`, of a proxy only; what it says is [`Reach`](crate::proxy::Reach)'s to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matcher: Option<Vec<Matcher>>,
}

/// A route's configuration with every gap filled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SegmentConfig {
    /// Whether answers to GET may be kept.
    pub dynamic: Dynamic,
    /// Whether params that `generate_static_params` did not list are answered.
    pub dynamic_params: bool,
    /// How long a kept answer stays fresh.
    pub revalidate: Revalidate,
    /// How outgoing requests are kept.
    pub fetch_cache: FetchCache,
    /// Where the author wants it to run.
    pub runtime: Runtime,
    /// The regions the author prefers; empty for no preference.
    pub preferred_region: Vec<String>,
    /// Wall-clock time until the response head; whole seconds in JSON.
    #[serde(with = "values::seconds")]
    pub max_duration: Duration,
    /// Whether instances are reused.
    pub isolation: Isolation,
    /// Execution time; whole milliseconds in JSON, as `cpuMs`.
    #[serde(rename = "cpuMs", with = "values::milliseconds")]
    pub cpu: Duration,
    /// The longest request body, in bytes.
    pub body_limit: u64,
    /// Which pages of other origins may read the answers; none of them if the route does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
}

/// Everything for which a route's constants cannot stand: one fault or more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", joined(.0))]
pub struct SegmentErrors(pub Vec<SegmentError>);

/// Why one of a route's constants cannot stand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// `MAX_DURATION = 0`, or more than [`LONGEST_RUN`].
    #[error("`MAX_DURATION` is {seconds} s; it can be 1 to {} s, and longer work belongs in a queue", LONGEST_RUN.as_secs())]
    RunTime {
        /// What the route asks for.
        seconds: u64,
    },

    /// `CPU_MS = 0`.
    #[error("`CPU_MS` is 0, so nothing could run; leave it out for the operator's default")]
    NoTime,

    /// More than the operator allows.
    #[error(
        "`{name}` asks for {asked} {unit} and the operator allows {allowed}; ask for less or raise the limit in waystation.toml"
    )]
    OverLimit {
        /// The constant.
        name: &'static str,
        /// What the numbers count.
        unit: &'static str,
        /// What the route asks for.
        asked: u64,
        /// What the operator allows.
        allowed: u64,
    },

    /// `DYNAMIC = ForceStatic` or `Error` with `REVALIDATE = 0`.
    #[error(
        "`DYNAMIC` wants every answer kept and `REVALIDATE` = 0 wants none kept; remove one of them"
    )]
    KeptAndNotKept,

    /// `DYNAMIC = ForceDynamic` with a `REVALIDATE` that keeps answers.
    #[error(
        "`DYNAMIC` = ForceDynamic wants no answer kept and `REVALIDATE` wants them kept; remove one of them"
    )]
    NotKeptAndKept,
}

impl SegmentError {
    /// The constant at fault, such as `MAX_DURATION`; of two that contradict each other, the one that says how long.
    #[must_use]
    pub const fn constant(&self) -> &'static str {
        match self {
            Self::RunTime { .. } => "MAX_DURATION",
            Self::NoTime => "CPU_MS",
            Self::OverLimit { name, .. } => name,
            Self::KeptAndNotKept | Self::NotKeptAndKept => "REVALIDATE",
        }
    }
}

/// Where a route module's text defines a constant, comments aside: the bytes of its name.
#[must_use]
pub fn definition(source: &str, constant: &str) -> Option<Range<usize>> {
    let found = source
        .match_indices("pub const ")
        .map(|(at, words)| at + words.len());
    let mut found = found.filter(|&at| {
        let (before, rest) = source.split_at(at);
        let is_code = !before
            .rsplit('\n')
            .next()
            .is_some_and(|line| line.contains("//"));
        let after = rest.strip_prefix(constant);
        is_code && after.is_some_and(|after| after.trim_start().starts_with(':'))
    });
    found.next().map(|at| at..at + constant.len())
}

/// Fifteen minutes: longer work belongs in a queue, not in a request.
pub const LONGEST_RUN: Duration = Duration::from_secs(15 * 60);

impl Declared {
    /// Fills every gap from `limits`, which are both the defaults and the most that a route may ask for.
    ///
    /// # Errors
    ///
    /// Every value that is out of range, above its limit, or contradicts another.
    pub fn settle(&self, limits: &Limits) -> Result<SegmentConfig, SegmentErrors> {
        let faults = self.faults(limits);
        if !faults.is_empty() {
            return Err(SegmentErrors(faults));
        }
        Ok(SegmentConfig {
            dynamic: self.dynamic.unwrap_or_default(),
            dynamic_params: self.dynamic_params.unwrap_or(true),
            revalidate: self.revalidate.unwrap_or_default(),
            fetch_cache: self.fetch_cache.unwrap_or_default(),
            runtime: self.runtime.unwrap_or_default(),
            preferred_region: self.preferred_region.clone().unwrap_or_default(),
            max_duration: self
                .max_duration
                .map_or(limits.max_duration, Duration::from_secs),
            isolation: self.isolation.unwrap_or_default(),
            cpu: self.cpu_ms.map_or(limits.cpu, Duration::from_millis),
            body_limit: self.body_limit.unwrap_or(limits.body),
            cors: self.cors.clone(),
        })
    }

    /// The same, with what is above its limit lowered to it: for a release that was built and taken under higher limits.
    #[must_use]
    pub fn within(&self, limits: &Limits) -> Self {
        let cpu = u64::try_from(limits.cpu.as_millis()).unwrap_or(u64::MAX);
        let lowered = |asked: Option<u64>, most| asked.map(|asked| asked.min(most));
        Self {
            max_duration: lowered(self.max_duration, limits.max_duration.as_secs()),
            cpu_ms: lowered(self.cpu_ms, cpu),
            body_limit: lowered(self.body_limit, limits.body),
            ..self.clone()
        }
    }

    fn faults(&self, limits: &Limits) -> Vec<SegmentError> {
        let run = limits.max_duration.as_secs();
        let cpu = u64::try_from(limits.cpu.as_millis()).unwrap_or(u64::MAX);
        let always_kept = matches!(self.dynamic, Some(Dynamic::ForceStatic | Dynamic::Error));
        let keeps = matches!(
            self.revalidate,
            Some(Revalidate::Never | Revalidate::Seconds(1..))
        );
        let faults = [
            match self.max_duration {
                Some(seconds) if seconds == 0 || LONGEST_RUN.as_secs() < seconds => {
                    Some(SegmentError::RunTime { seconds })
                }
                asked => over("MAX_DURATION", "s", asked, run),
            },
            match self.cpu_ms {
                Some(0) => Some(SegmentError::NoTime),
                asked => over("CPU_MS", "ms", asked, cpu),
            },
            over("BODY_LIMIT", "bytes", self.body_limit, limits.body),
            (always_kept && self.revalidate == Some(Revalidate::Seconds(0)))
                .then_some(SegmentError::KeptAndNotKept),
            (self.dynamic == Some(Dynamic::ForceDynamic) && keeps)
                .then_some(SegmentError::NotKeptAndKept),
        ];
        faults.into_iter().flatten().collect()
    }
}

fn over(
    name: &'static str,
    unit: &'static str,
    asked: Option<u64>,
    allowed: u64,
) -> Option<SegmentError> {
    let asked = asked.filter(|asked| allowed < *asked)?;
    Some(SegmentError::OverLimit {
        name,
        unit,
        asked,
        allowed,
    })
}

fn joined(faults: &[SegmentError]) -> String {
    let texts: Vec<_> = faults.iter().map(ToString::to_string).collect();
    texts.join("\nerror: ")
}

#[cfg(test)]
mod tests;
