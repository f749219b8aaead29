//! What is known of one request, for its line in the log.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Method, StatusCode, Uri};

use super::RequestId;

/// The record of one request.
pub struct Record {
    /// Its name.
    pub id: RequestId,
    /// How long its guests took, each from asking for an instance to the head of the answer.
    guest_time: Option<Duration>,
    /// The pattern that matched, or the file of the proxy that was asked last.
    pub route: Option<Arc<str>>,
    /// What the answer has to do with what is kept: `HIT`, or why it is not kept.
    pub kept: Option<Cow<'static, str>>,
    started: Instant,
    method: Method,
    uri: Option<Uri>,
}

impl Record {
    /// Starts the clock.
    pub fn new(id: RequestId, method: &Method, uri: &Uri) -> Self {
        let uri = is_on().then(|| uri.clone());
        Self {
            id,
            guest_time: None,
            started: Instant::now(),
            method: method.clone(),
            uri,
            route: None,
            kept: None,
        }
    }

    /// The pattern that matched, or nothing.
    pub fn route(&self) -> &str {
        self.route.as_deref().unwrap_or_default()
    }

    /// Adds the time of a guest, a proxy's or the route's.
    pub fn add_guest_time(&mut self, time: Duration) {
        *self.guest_time.get_or_insert_default() += time;
    }

    /// Writes the line, such as `GET /items/a 200 in 1.3 ms (guest 0.9 ms) /items/[slug]`.
    pub fn finish(self, status: StatusCode) {
        let Some(uri) = self.uri else { return };
        let guest = self
            .guest_time
            .map(|time| format!(" (guest {})", millis(time)))
            .unwrap_or_default();
        let path = uri.path().escape_debug();
        let route = self.route.as_deref().unwrap_or_default();
        let (method, status) = (&self.method, status.as_u16());
        let total = millis(self.started.elapsed());
        let kept = self
            .kept
            .map(|kept| format!(" ({kept})"))
            .unwrap_or_default();
        tracing::info!(target: "request", "{method} {path} {status} in {total}{guest} {route}{kept}");
    }
}

/// Whether anybody reads the lines: they cost nothing otherwise.
fn is_on() -> bool {
    tracing::enabled!(target: "request", tracing::Level::INFO)
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
