//! What is known of one request, for its line in the log.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use waystation_rules::trace::TraceId;

use super::counted::Counted;
use super::{Format, RequestId, RouteCounts};
use crate::http::{Body, Response};

/// Names the trace that a request belongs to.
const TRACE: &str = "traceparent";

/// The record of one request.
pub struct Record {
    /// Its name.
    pub id: RequestId,
    /// How long its guests took, each from asking for an instance to the head of the answer.
    guest_time: Option<Duration>,
    /// The pattern that matched, or the file of the proxy that was asked last.
    pub route: Option<Arc<str>>,
    /// Where it is counted, if not with what no route answers.
    pub counts: Option<Arc<RouteCounts>>,
    kept: Option<Cow<'static, str>>,
    started: Instant,
    is_nested: bool,
    /// None if nobody reads its line.
    shown: Option<Box<Shown>>,
}

/// What only the line tells.
struct Shown {
    format: Format,
    method: Method,
    uri: Uri,
    client: IpAddr,
    agent: Option<HeaderValue>,
    trace: Option<TraceId>,
}

impl Record {
    /// Starts the clock for a request of `peer`; `is_nested` if a handler of the same app asks.
    pub fn new<B>(
        id: RequestId,
        request: &http::Request<B>,
        peer: IpAddr,
        is_nested: bool,
    ) -> Self {
        let shown = format_of_lines().map(|format| {
            Box::new(Shown {
                format,
                method: request.method().clone(),
                uri: request.uri().clone(),
                client: peer,
                agent: request.headers().get(USER_AGENT).cloned(),
                trace: None,
            })
        });
        Self {
            id,
            guest_time: None,
            started: Instant::now(),
            route: None,
            counts: None,
            kept: None,
            is_nested,
            shown,
        }
    }

    /// Who asks, and the headers if a trusted proxy sent them: then they may say which trace it is.
    pub fn asked_by(&mut self, client: IpAddr, trusted: Option<&HeaderMap>) {
        let Some(shown) = &mut self.shown else { return };
        shown.client = client;
        let lines = trusted.map(|headers| headers.get_all(TRACE).iter());
        let lines: Vec<_> = lines
            .into_iter()
            .flatten()
            .map(HeaderValue::as_bytes)
            .collect();
        shown.trace = TraceId::parse(&lines);
    }

    /// What the answer has to do with what is kept: `HIT`, or why it is not kept. It is not asked for if nobody reads the line.
    pub fn tell_kept(&mut self, kept: impl FnOnce() -> Cow<'static, str>) {
        if self.shown.is_some() {
            self.kept = Some(kept());
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

    /// Counts the answer, and writes the line: for a person now, for a program when the body is over. `others` are the counts of what no
    /// route answers.
    pub fn finish(mut self, response: Response, others: &RouteCounts) -> Response {
        let status = response.status();
        if !self.is_nested {
            let counts = self.counts.as_deref().unwrap_or(others);
            counts.answered(status, self.started.elapsed());
        }
        match self.shown.take() {
            None => response,
            Some(shown) if shown.format == Format::Text => {
                self.tell(&shown, status);
                response
            }
            Some(shown) => response.map(|body| match body {
                Body::Whole(bytes) => {
                    self.report(&shown, status, bytes.len() as u64, true);
                    Body::Whole(bytes)
                }
                stream => Body::Stream(Box::pin(Counted::new(stream, move |sent, is_whole| {
                    self.report(&shown, status, sent, is_whole);
                }))),
            }),
        }
    }

    /// Such as `GET /items/a 200 in 1.3 ms (guest 0.9 ms) /items/[slug]`.
    fn tell(&self, shown: &Shown, status: StatusCode) {
        let guest = self
            .guest_time
            .map(|time| format!(" (guest {:.1} ms)", millis(time)));
        let guest = guest.unwrap_or_default();
        let path = shown.uri.path().escape_debug();
        let (method, status, route) = (&shown.method, status.as_u16(), self.route());
        let total = millis(self.started.elapsed());
        let kept = self.kept.as_ref().map(|kept| format!(" ({kept})"));
        let kept = kept.unwrap_or_default();
        tracing::info!(target: "request", "{method} {path} {status} in {total:.1} ms{guest} {route}{kept}");
    }

    fn report(&self, shown: &Shown, status: StatusCode, sent: u64, is_whole: bool) {
        let agent = shown.agent.as_ref();
        let agent = agent.map(|agent| String::from_utf8_lossy(agent.as_bytes()));
        tracing::info!(
            target: "access",
            request = %self.id,
            trace = %shown.trace.unwrap_or_else(new_trace),
            method = shown.method.as_str(),
            path = shown.uri.path(),
            route = self.route.as_deref(),
            status = u64::from(status.as_u16()),
            bytes = sent,
            cut = (!is_whole).then_some(true),
            ms = thousandths(self.started.elapsed()),
            guest_ms = self.guest_time.map(thousandths),
            cache = self.kept.as_deref(),
            client = %shown.client,
            nested = self.is_nested.then_some(true),
            agent = agent.as_deref(),
        );
    }
}

/// How the lines are written; nothing if nobody reads them: they cost nothing then.
fn format_of_lines() -> Option<Format> {
    let format = super::format();
    let is_on = match format {
        Format::Text => tracing::enabled!(target: "request", tracing::Level::INFO),
        Format::Json => tracing::enabled!(target: "access", tracing::Level::INFO),
    };
    is_on.then_some(format)
}

fn new_trace() -> TraceId {
    TraceId::of([RequestId::new().bits(), RequestId::new().bits()])
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Milliseconds, to the microsecond.
fn thousandths(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
