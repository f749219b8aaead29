//! The requests that one call makes: how many there may be, and what is told of them.
//!
//! What is found in the store is none of them. Those that another handler of the app makes for the call are its own too, or eight handlers that
//! ask each other could make fifty times fifty times fifty of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime_wasi_http::Error;
use waystation_rules::caching::NotKept;
use waystation_rules::outbound::Patience;

use super::guest::Guest;
use super::making::Making;
use super::outgoing::Asks;
use crate::telemetry::{AppCounts, Asked, Stop};

/// The requests of one call.
pub(super) struct Requests {
    left: AtomicUsize,
    at_once: Arc<Semaphore>,
    /// Those of the call that this one answers.
    above: Option<Arc<Requests>>,
    /// What the call's answer is made of, if it is made to be kept.
    making: Option<Arc<Making>>,
    counts: Arc<AppCounts>,
    /// For the log. Not the guest itself: an answer that its instance has kept would hold the guest that holds the instance.
    route: Arc<str>,
    request_id: String,
    told: Mutex<Vec<Told>>,
}

/// What is told once, however often a handler has it happen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Limit(Stop),
    Refused,
    NotKept,
}

impl Requests {
    /// Of a call that may make as many as its guest's limits say, and as whoever asked it has left.
    pub(super) fn of(asks: &Asks, guest: &Guest, request_id: &str) -> Self {
        let limits = guest.limits();
        Self {
            left: AtomicUsize::new(limits.fetches),
            at_once: Arc::new(Semaphore::new(limits.fetches_at_once)),
            above: asks.asker.above.clone(),
            making: asks.making.clone(),
            counts: Arc::clone(asks.own.counts()),
            route: Arc::clone(&guest.route),
            request_id: request_id.to_owned(),
            told: Mutex::default(),
        }
    }

    /// Takes one of them, and waits until it may be open beside others.
    ///
    /// # Errors
    ///
    /// [`Error::ConnectionLimitReached`] if none is left.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, Error> {
        if !self.take_one() {
            if let Some(making) = &self.making {
                making.is_not_kept(NotKept::Fetch); // another time there may be more left
            }
            self.met(
                Stop::Fetches,
                "no request is left of those that `fetches` allows it and whoever asked it",
            );
            return Err(Error::ConnectionLimitReached);
        }
        let turn = Arc::clone(&self.at_once).acquire_owned().await;
        turn.map_err(|_| Error::ConnectionLimitReached)
    }

    fn take_one(&self) -> bool {
        let less = |left: usize| left.checked_sub(1);
        let taken = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        taken.is_ok() && self.above.as_ref().is_none_or(|above| above.take_one())
    }

    /// Tells and counts that a limit was met.
    pub(super) fn met(&self, limit: Stop, what: &str) {
        if self.tell(Told::Limit(limit), what) {
            self.counts.route(&self.route).stopped(limit);
        }
    }

    /// The same of an error, if it is a limit's of this host.
    pub(super) fn look(&self, error: Error, patience: Patience) -> Error {
        if let Some((limit, what)) = limit(&error, patience) {
            self.met(limit, what);
        }
        error
    }

    /// Tells and counts one that is not allowed.
    pub(super) fn refused(&self, why: impl std::fmt::Display) {
        self.tell(Told::Refused, format_args!("a request was refused: {why}"));
        self.counts.asked(Asked::Refused);
    }

    /// Tells why an answer cannot be kept.
    pub(super) fn not_kept(&self, why: impl std::fmt::Display) {
        self.tell(
            Told::NotKept,
            format_args!("a `fetch` cannot be kept: {why}"),
        );
    }

    /// Whether it is the first time.
    fn tell(&self, what: Told, words: impl std::fmt::Display) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = !told.contains(&what);
        if is_new {
            told.push(what);
            tracing::warn!("{} {}: {words}", self.route, self.request_id);
        }
        is_new
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
