//! `[limits]`: what one request may use.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use waystation_rules::segment::{self, AppLimits};

use super::SettingsError;

/// `[limits]`: what one request may use. A key that is absent keeps its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Seconds of wall-clock time until the response head.
    pub max_duration: Option<NonZeroU32>,
    /// Seconds of wall-clock time for a streamed body.
    pub stream_duration: Option<NonZeroU32>,
    /// Milliseconds of execution.
    pub cpu_ms: Option<NonZeroU32>,
    /// MiB of memory, summed over all memories and tables.
    pub memory_mb: Option<NonZeroU32>,
    /// Bytes of request body.
    pub body_limit: Option<u64>,
    /// Bytes of header section.
    pub header_bytes: Option<NonZeroU32>,
    /// Bytes of URL.
    pub url_bytes: Option<NonZeroU32>,
    /// Requests at once.
    pub concurrency: Option<NonZeroU32>,
    /// Requests of one route at once.
    pub route_concurrency: Option<NonZeroU32>,
    /// Milliseconds that a request waits for its turn.
    pub queue_wait_ms: Option<u64>,
    /// Outgoing requests of one request.
    pub fetches: Option<NonZeroU32>,
    /// Outgoing requests of one request that are open at once.
    pub fetches_at_once: Option<NonZeroU32>,
    /// Bytes that one request may log.
    pub log_bytes: Option<usize>,
    /// Resources and handles that a guest may hold at once.
    pub handles: Option<NonZeroU32>,
    /// Bytes that a guest may hand over in one call, and in one answer that is no stream.
    pub call_bytes: Option<NonZeroU32>,
    /// Bytes of header fields that a guest may build, and of an answer's.
    pub field_bytes: Option<NonZeroU32>,
    /// Bytes of randomness that one call gives.
    pub random_bytes: Option<NonZeroU32>,
    /// Lower limits for some routes, by pattern, such as `[limits.routes."/items/[slug]"]`; for a proxy, by its file.
    pub routes: BTreeMap<String, Limits>,
}

impl Limits {
    /// The operator's limits of an app and of its routes: what the file says, over the defaults.
    #[must_use]
    pub fn of_app(&self, defaults: segment::Limits) -> AppLimits {
        let all = self.over(defaults);
        let routes = self.routes.iter();
        let routes = routes.map(|(route, limits)| (route.clone(), limits.over(all.clone())));
        AppLimits {
            routes: routes.collect(),
            all,
        }
    }

    /// Checks that each route that has limits of its own is one of these.
    ///
    /// # Errors
    ///
    /// [`SettingsError::NoRoute`] for the first that is not.
    pub fn check_routes(&self, served: &[String]) -> Result<(), SettingsError> {
        match self.routes.keys().find(|route| !served.contains(route)) {
            None => Ok(()),
            Some(route) => Err(SettingsError::no_route(route, served)),
        }
    }

    /// Checks that no route has more than its app.
    ///
    /// # Errors
    ///
    /// [`SettingsError::NotOfRoute`] or [`SettingsError::RouteLimit`].
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let app = self.of_app(segment::Limits::default());
        for (route, own) in &self.routes {
            let of_app = [
                ("concurrency", own.concurrency.is_some()),
                ("routes", !own.routes.is_empty()),
            ];
            if let Some((key, _)) = of_app.into_iter().find(|(_, is_set)| *is_set) {
                let route = route.clone();
                return Err(SettingsError::NotOfRoute { route, key });
            }
            if let Some(excess) = app.of(route).beyond(&app.all).into_iter().next() {
                return Err(SettingsError::RouteLimit {
                    route: route.clone(),
                    excess,
                });
            }
        }
        Ok(())
    }

    /// The operator's limits: what the file says, over the defaults.
    #[must_use]
    pub fn over(&self, defaults: segment::Limits) -> segment::Limits {
        let seconds = |value: Option<NonZeroU32>, default| {
            value.map_or(default, |value| Duration::from_secs(value.get().into()))
        };
        let count = |value: Option<NonZeroU32>, default| {
            value.map_or(default, |value| value.get() as usize)
        };
        segment::Limits {
            max_duration: seconds(self.max_duration, defaults.max_duration),
            stream_duration: seconds(self.stream_duration, defaults.stream_duration),
            cpu: self.cpu_ms.map_or(defaults.cpu, |value| {
                Duration::from_millis(value.get().into())
            }),
            memory: self
                .memory_mb
                .map_or(defaults.memory, |value| (value.get() as usize) << 20),
            body: self.body_limit.unwrap_or(defaults.body),
            header_bytes: count(self.header_bytes, defaults.header_bytes),
            url_bytes: count(self.url_bytes, defaults.url_bytes),
            concurrency: count(self.concurrency, defaults.concurrency),
            route_concurrency: count(self.route_concurrency, defaults.route_concurrency),
            queue_wait: self
                .queue_wait_ms
                .map_or(defaults.queue_wait, Duration::from_millis),
            fetches: count(self.fetches, defaults.fetches),
            fetches_at_once: count(self.fetches_at_once, defaults.fetches_at_once),
            log_bytes: self.log_bytes.unwrap_or(defaults.log_bytes),
            handles: count(self.handles, defaults.handles),
            call_bytes: count(self.call_bytes, defaults.call_bytes),
            field_bytes: count(self.field_bytes, defaults.field_bytes),
            random_bytes: count(self.random_bytes, defaults.random_bytes),
        }
    }
}
