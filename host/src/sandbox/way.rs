//! How a request of a guest goes to whom it is for.
//!
//! In: a request that is admitted. Out: the answer, when it is its turn; none if its call has made too many.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use http_body_util::BodyExt as _;
use tokio::sync::Semaphore;
use wasmtime_wasi_http::{Error, WasiBody};
use waystation_rules::outbound::{Patience, Target};
use waystation_rules::segment::Limits;

use super::nested;
use super::outgoing::{Asker, Asks};
use crate::http::Upload;
use crate::telemetry::{AppCounts, Asked, Stop};

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
    /// One was refused already.
    is_told: AtomicBool,
    at_once: Arc<Semaphore>,
}

impl Turns {
    pub(super) fn of(limits: Option<&Limits>) -> Self {
        let (left, at_once) =
            limits.map_or((0, 0), |limits| (limits.fetches, limits.fetches_at_once));
        Self {
            left: AtomicUsize::new(left),
            is_told: AtomicBool::new(false),
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
        let book = Book {
            counts: Arc::clone(self.asks.own.counts()),
            route: self.route,
            request_id: self.request_id,
            patience: self.patience,
        };
        if !self.turns.takes_one() {
            if !self.turns.is_told.swap(true, Ordering::Relaxed) {
                book.enter(Stop::Fetches, "it made more requests than `fetches` allows");
            }
            return Err(Error::ConnectionLimitReached);
        }
        let turn = Arc::clone(&self.turns.at_once).acquire_owned().await.ok();
        let (own, asker) = (self.asks.own, self.asks.asker);
        if let Some(target) = self.target {
            let sent = own.client().send(&target, request, self.patience, turn);
            let sent = sent.await;
            own.counts().asked(match &sent {
                Ok(_) => Asked::Answered,
                Err(_) => Asked::Failed,
            });
            let answer = sent.map_err(|error| book.look(error))?;
            return Ok(
                answer.map(|body| body.map_err(move |error| book.look(error)).boxed_unsync())
            );
        }
        let asker = Asker {
            depth: asker.depth + 1,
            ..asker
        };
        let asked = own.ask(request.map(Upload::of_guest), asker, self.asks.background);
        let answer = tokio::time::timeout(self.patience.head, nested::ask(asked, turn));
        let answer = answer.await.map_err(|_| Error::HttpResponseTimeout);
        answer.map_err(|error| book.look(error))?
    }
}

/// Where the limits are told and counted that a request meets.
struct Book {
    counts: Arc<AppCounts>,
    route: Arc<str>,
    request_id: String,
    patience: Patience,
}

impl Book {
    /// Enters an error that is a limit's of this host.
    fn look(&self, error: Error) -> Error {
        if let Some((limit, what)) = limit(&error, self.patience) {
            self.enter(limit, what);
        }
        error
    }

    fn enter(&self, limit: Stop, what: &str) {
        tracing::warn!("{} {}: {what}", self.route, self.request_id);
        self.counts.route(&self.route).stopped(limit);
    }
}

/// The limit that an error is of; none if the handler has asked for less itself.
fn limit(error: &Error, patience: Patience) -> Option<(Stop, &'static str)> {
    let longest = Patience::of_handler(None, None, None);
    match error {
        Error::HttpResponseTimeout if patience.head == longest.head => {
            Some((Stop::FetchTime, "the answer to a `fetch` took too long"))
        }
        Error::ConnectionReadTimeout if patience.piece == longest.piece => Some((
            Stop::FetchTime,
            "the body of an answer to a `fetch` stood still for too long",
        )),
        Error::HttpResponseBodySize(_) => Some((
            Stop::FetchBody,
            "the body of an answer to a `fetch` is too long",
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_limit_is_the_host_s_and_not_the_handler_s() {
        let second = Some(Duration::from_secs(1));
        let patient = Patience::of_handler(None, None, None);
        let hasty = Patience::of_handler(second, second, second);
        let of = |error: &Error, patience| limit(error, patience).map(|(limit, _)| limit);
        for late in [Error::HttpResponseTimeout, Error::ConnectionReadTimeout] {
            assert_eq!(of(&late, patient), Some(Stop::FetchTime));
            assert_eq!(of(&late, hasty), None);
        }
        let long = Error::HttpResponseBodySize(None);
        assert_eq!(of(&long, hasty), Some(Stop::FetchBody));
        assert_eq!(of(&Error::ConnectionRefused, patient), None);
    }
}
