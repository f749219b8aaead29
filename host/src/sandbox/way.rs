//! How a request of a guest goes to whom it is for.
//!
//! In: a request that is admitted. Out: the answer, when it is its turn; none if its call has made too many.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::BodyExt as _;
use tokio::sync::Semaphore;
use wasmtime_wasi_http::{Error, WasiBody};
use waystation_rules::outbound::{Patience, Target};
use waystation_rules::segment::Limits;

use super::nested;
use super::outgoing::{Asker, Asks, OwnRoutes};
use crate::http::Upload;
use crate::telemetry::{Asked, Stop};

/// An answer as the guest gets it.
pub(super) type Received = http::Response<WasiBody>;

/// How a request goes to whom it is for, and may go again.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) asks: Asks,
    /// None for the app itself.
    pub(super) target: Option<Target>,
    pub(super) turns: Arc<Turns>,
    pub(super) patience: Patience,
    /// For the log, as the name of the request that it is made for.
    pub(super) route: Arc<str>,
    pub(super) request_id: String,
}

/// The requests that one call may make: what is found in the store is none of them.
pub(super) struct Turns {
    left: AtomicUsize,
    at_once: Arc<Semaphore>,
}

impl Turns {
    pub(super) fn of(limits: Option<&Limits>) -> Self {
        let (left, at_once) =
            limits.map_or((0, 0), |limits| (limits.fetches, limits.fetches_at_once));
        Self {
            left: AtomicUsize::new(left),
            at_once: Arc::new(Semaphore::new(at_once)),
        }
    }

    /// Whether there may be one more.
    fn takes_one(&self) -> bool {
        let taken = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        taken.is_ok()
    }
}

impl Way {
    /// Sends it when it is its turn.
    pub(super) async fn send(self, request: http::Request<WasiBody>) -> Result<Received, Error> {
        if !self.turns.takes_one() {
            let Self {
                route, request_id, ..
            } = &self;
            tracing::warn!("{route} {request_id}: it made more requests than `fetches` allows");
            self.asks.own.counts().route(route).stopped(Stop::Fetches);
            return Err(Error::ConnectionLimitReached);
        }
        let turn = Arc::clone(&self.turns.at_once).acquire_owned().await.ok();
        let (own, asker) = (self.asks.own, self.asks.asker);
        if let Some(target) = self.target {
            let sent = own.client().send(&target, request, self.patience, turn);
            let sent = sent.await;
            if let Err(error) = &sent {
                count(&own, &self.route, error);
            }
            own.counts().asked(match &sent {
                Ok(_) => Asked::Answered,
                Err(_) => Asked::Failed,
            });
            let route = self.route;
            return Ok(sent?.map(|body| {
                let body = body.map_err(move |error| {
                    count(&own, &route, &error);
                    error
                });
                body.boxed_unsync()
            }));
        }
        let asker = Asker {
            depth: asker.depth + 1,
            ..asker
        };
        let asked =
            Arc::clone(&own).ask(request.map(Upload::of_guest), asker, self.asks.background);
        let answer = tokio::time::timeout(self.patience.head, nested::ask(asked, turn));
        answer.await.map_err(|_| {
            let late = Error::HttpResponseTimeout;
            count(&own, &self.route, &late);
            late
        })?
    }
}

/// Counts an error that is a limit's.
fn count(own: &Arc<dyn OwnRoutes>, route: &str, error: &Error) {
    if let Some(limit) = limit(error) {
        own.counts().route(route).stopped(limit);
    }
}

fn limit(error: &Error) -> Option<Stop> {
    match error {
        Error::HttpResponseTimeout | Error::ConnectionReadTimeout => Some(Stop::FetchTime),
        Error::HttpResponseBodySize(_) => Some(Stop::FetchBody),
        _ => None,
    }
}
