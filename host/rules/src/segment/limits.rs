//! What the operator allows.

use std::collections::BTreeMap;
use std::time::Duration;

/// The operator's limits: what a route gets that asks for nothing, and the most it may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Wall-clock time from the call of the guest to the response head; at the limit 504.
    pub max_duration: Duration,
    /// Wall-clock time of a whole streamed response; at the limit the stream is cut.
    pub stream_duration: Duration,
    /// Execution time of one request; at the limit 503.
    pub cpu: Duration,
    /// Bytes of one request, summed over its memories and tables; at the limit 500.
    pub memory: usize,
    /// Bytes of a request body; at the limit 413.
    pub body: u64,
    /// Bytes of a request's header section; at the limit 431.
    pub header_bytes: usize,
    /// Bytes of a request's URL; at the limit 414.
    pub url_bytes: usize,
    /// Requests that run at once; the host lowers it to what its pool of instances holds. At the limit a request waits.
    pub concurrency: usize,
    /// Requests of one route that run at once, so that a slow one leaves places to others. At the limit a request waits.
    pub route_concurrency: usize,
    /// How long a request waits for its turn; at the limit 503.
    pub queue_wait: Duration,
    /// Outgoing requests of one request; at the limit the guest gets an error.
    pub fetches: usize,
    /// Outgoing requests of one request that are open at once; at the limit the next one waits.
    pub fetches_at_once: usize,
    /// Bytes that one request may log; at the limit the rest is cut and counted.
    pub log_bytes: usize,
    /// Resources and handles that a guest may hold at once; at the limit 500.
    pub handles: usize,
    /// Bytes that a guest may hand to the host in one call, and in one answer that is no stream; at the limit 500.
    pub call_bytes: usize,
    /// Bytes of header fields that a guest may build, in memory, and of an answer's; at the limit 500.
    pub field_bytes: usize,
    /// Bytes of randomness that one call gives; at the limit 500, or fewer.
    pub random_bytes: usize,
}

/// The operator's limits for an app, and lower ones for some of its routes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppLimits {
    /// Of every route that has none of its own.
    pub all: Limits,
    /// Of a route, by its pattern, such as `/items/[slug]`, or of a proxy, by its file.
    pub routes: BTreeMap<String, Limits>,
}

impl From<Limits> for AppLimits {
    fn from(all: Limits) -> Self {
        let routes = BTreeMap::new();
        Self { all, routes }
    }
}

impl AppLimits {
    /// Those of a route.
    #[must_use]
    pub fn of(&self, route: &str) -> &Limits {
        self.routes.get(route).unwrap_or(&self.all)
    }

    /// Each that is higher than `cap` says; of a route's, those that are not the app's.
    #[must_use]
    pub fn beyond(&self, cap: &Limits) -> Vec<Excess> {
        let of_app = self.all.beyond(cap);
        let of_routes = self.routes.iter().flat_map(|(route, limits)| {
            let mut own = limits.beyond(cap);
            own.retain(|own| of_app.iter().all(|app| app.key != own.key));
            own.into_iter().map(move |own| Excess {
                key: format!("routes.\"{route}\".{}", own.key),
                ..own
            })
        });
        let of_routes: Vec<_> = of_routes.collect();
        [of_app, of_routes].concat()
    }

    /// The same, each lowered to what `cap` says.
    #[must_use]
    pub fn within(self, cap: &Limits) -> Self {
        let routes = self.routes.into_iter();
        Self {
            all: self.all.within(cap),
            routes: routes
                .map(|(route, limits)| (route, limits.within(cap)))
                .collect(),
        }
    }
}

/// A handler that fetches and streams has some dozens.
const FEWEST_RESOURCES: usize = 256;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// A limit that is higher than it may be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`limits.{key}` of waystation.toml is {asked}, and this node gives {most} at most")]
pub struct Excess {
    /// As waystation.toml calls it.
    pub key: String,
    /// What is asked for, in the unit that it has there.
    pub asked: u64,
    /// What may be.
    pub most: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_duration: Duration::from_secs(30),
            stream_duration: Duration::from_secs(300),
            cpu: Duration::from_millis(1_000),
            memory: 128 * MIB,
            body: 10 * MIB as u64,
            header_bytes: 32 * KIB,
            url_bytes: 8 * KIB,
            concurrency: 1_000,
            route_concurrency: 750,
            queue_wait: Duration::from_secs(1),
            fetches: 50,
            fetches_at_once: 6,
            log_bytes: 64 * KIB,
            handles: 10_000,
            call_bytes: 16 * MIB,
            field_bytes: 128 * KIB,
            random_bytes: 64 * KIB,
        }
    }
}

impl Limits {
    /// No limit at all: for an operator's cap that says nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            max_duration: Duration::MAX,
            stream_duration: Duration::MAX,
            cpu: Duration::MAX,
            memory: usize::MAX,
            body: u64::MAX,
            header_bytes: usize::MAX,
            url_bytes: usize::MAX,
            concurrency: usize::MAX,
            route_concurrency: usize::MAX,
            queue_wait: Duration::MAX,
            fetches: usize::MAX,
            fetches_at_once: usize::MAX,
            log_bytes: usize::MAX,
            handles: usize::MAX,
            call_bytes: usize::MAX,
            field_bytes: usize::MAX,
            random_bytes: usize::MAX,
        }
    }

    /// Resources of the host's that a guest may hold at once. Each may be header fields, and those of all take no more than its memory may.
    #[must_use]
    pub fn resources(&self) -> usize {
        let fields = self.memory / self.field_bytes.max(1);
        self.handles.min(fields.max(FEWEST_RESOURCES))
    }

    /// The same, each lowered to what `cap` says.
    #[must_use]
    pub fn within(self, cap: &Self) -> Self {
        Self {
            max_duration: self.max_duration.min(cap.max_duration),
            stream_duration: self.stream_duration.min(cap.stream_duration),
            cpu: self.cpu.min(cap.cpu),
            memory: self.memory.min(cap.memory),
            body: self.body.min(cap.body),
            header_bytes: self.header_bytes.min(cap.header_bytes),
            url_bytes: self.url_bytes.min(cap.url_bytes),
            concurrency: self.concurrency.min(cap.concurrency),
            route_concurrency: self.route_concurrency.min(cap.route_concurrency),
            queue_wait: self.queue_wait.min(cap.queue_wait),
            fetches: self.fetches.min(cap.fetches),
            fetches_at_once: self.fetches_at_once.min(cap.fetches_at_once),
            log_bytes: self.log_bytes.min(cap.log_bytes),
            handles: self.handles.min(cap.handles),
            call_bytes: self.call_bytes.min(cap.call_bytes),
            field_bytes: self.field_bytes.min(cap.field_bytes),
            random_bytes: self.random_bytes.min(cap.random_bytes),
        }
    }

    /// Each that is higher than `cap` says.
    #[must_use]
    pub fn beyond(&self, cap: &Self) -> Vec<Excess> {
        let pairs = self.listed().into_iter().zip(cap.listed());
        let excess = pairs.filter_map(|((key, asked), (_, most))| {
            let key = key.to_owned();
            (most < asked).then_some(Excess { key, asked, most })
        });
        excess.collect()
    }

    /// Each as waystation.toml has it.
    #[must_use]
    pub fn listed(&self) -> [(&'static str, u64); 17] {
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        [
            ("max_duration", self.max_duration.as_secs()),
            ("stream_duration", self.stream_duration.as_secs()),
            ("cpu_ms", milliseconds(self.cpu)),
            ("memory_mb", (self.memory / MIB) as u64),
            ("body_limit", self.body),
            ("header_bytes", self.header_bytes as u64),
            ("url_bytes", self.url_bytes as u64),
            ("concurrency", self.concurrency as u64),
            ("route_concurrency", self.route_concurrency as u64),
            ("queue_wait_ms", milliseconds(self.queue_wait)),
            ("fetches", self.fetches as u64),
            ("fetches_at_once", self.fetches_at_once as u64),
            ("log_bytes", self.log_bytes as u64),
            ("handles", self.handles as u64),
            ("call_bytes", self.call_bytes as u64),
            ("field_bytes", self.field_bytes as u64),
            ("random_bytes", self.random_bytes as u64),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_beyond_a_cap_is_named_in_its_unit() {
        let cap = Limits {
            memory: 64 * MIB,
            cpu: Duration::from_millis(500),
            ..Limits::none()
        };
        let told = |limits: Limits| {
            let excess = limits.beyond(&cap);
            let texts = excess.iter().map(ToString::to_string);
            texts.collect::<Vec<_>>()
        };
        assert_eq!(
            told(Limits::default()),
            [
                "`limits.cpu_ms` of waystation.toml is 1000, and this node gives 500 at most",
                "`limits.memory_mb` of waystation.toml is 128, and this node gives 64 at most"
            ]
        );
        assert_eq!(told(Limits::default().within(&cap)), [""; 0]);
        assert!(Limits::none().beyond(&Limits::none()).is_empty());
    }

    #[test]
    fn a_route_s_limit_beyond_a_cap_is_named_if_it_is_not_the_app_s() {
        let of = |body| Limits {
            body,
            ..Limits::none()
        };
        let app = |all| AppLimits {
            all: of(all),
            routes: [("/a".to_owned(), of(65))].into(),
        };
        let told = |app: &AppLimits| {
            let excess = app.beyond(&of(64));
            excess.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            told(&app(64)),
            [
                "`limits.routes.\"/a\".body_limit` of waystation.toml is 65, and this node gives 64 at most"
            ]
        );
        assert_eq!(
            told(&app(66)),
            ["`limits.body_limit` of waystation.toml is 66, and this node gives 64 at most"]
        );
        let within = app(66).within(&of(64));
        assert_eq!((within.of("/a").body, within.of("/b").body), (64, 64));
    }
}
