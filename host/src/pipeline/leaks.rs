//! Finds what outlives a request in a shared instance, for `waystation dev --find-leaks`.
//!
//! In: a GET that a shared instance answers. Out: one warning a route, if a fresh instance answers it differently.
//!
//! The handler runs twice, and a third time where the answers differ: what two fresh instances answer differently comes of a clock, of
//! randomness or of another server, and says nothing of the instance. What the others want done is not done.

use std::sync::Arc;

use waystation_rules::leak::{Seen, difference};
use waystation_rules::segment::Isolation;

use super::finish;
use crate::app::Leaks;
use crate::http::{Body, Response};
use crate::sandbox::{self, Asks, Call, Effects, Fault, Guest};

/// A request that a fresh instance can answer too.
pub(super) struct Twin {
    leaks: Arc<Leaks>,
    guest: Arc<Guest>,
    call: Call,
    asks: Asks,
}

/// The request once more, if its answers are to be compared: never one that may change something.
pub(super) fn twin(
    leaks: Option<&Arc<Leaks>>,
    guest: &Arc<Guest>,
    call: &Call,
    asks: &Asks,
) -> Option<Box<Twin>> {
    let leaks = leaks?;
    let is_asked = guest.config().isolation == Isolation::Shared
        && *call.request.method() == http::Method::GET
        && !leaks.knows(guest);
    is_asked.then(|| {
        Box::new(Twin {
            leaks: Arc::clone(leaks),
            guest: Arc::clone(guest),
            call: call.again(),
            asks: asks.clone(),
        })
    })
}

/// Whether a handler has only answered.
pub(super) fn is_repeatable(effects: &Effects) -> bool {
    effects.lapses.is_empty() && effects.draft_mode.is_none() && !effects.has_more
}

/// An answer that is there as a whole; nothing of one that streams.
pub(super) fn seen(response: &Response) -> Option<Seen> {
    let Body::Whole(body) = response.body() else {
        return None;
    };
    Some(Seen {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: body.to_vec(),
    })
}

impl Twin {
    /// Compares what the shared instance answered with what fresh ones do.
    pub(super) async fn compare(self, shared: Seen) {
        let Self {
            leaks,
            guest,
            call,
            asks,
        } = self;
        let fresh = Arc::new(guest.fresh());
        let again = call.again();
        let path = call.request.uri().path().to_owned();
        let Some(first) = ask(&fresh, call, asks.clone()).await else {
            return;
        };
        let Some(told) = difference(&shared, &first) else {
            return;
        };
        let second = ask(&fresh, again, asks).await;
        let is_settled = second.is_some_and(|second| difference(&first, &second).is_none());
        if is_settled && leaks.tell(&guest) {
            tracing::warn!(
                "{} keeps something from one request to the next: of GET {path}, {told}\n\
                 something outlives a request: a static, thread_local or OnceLock; remove it, or leave out `ISOLATION = Shared`",
                guest.route()
            );
        }
    }
}

async fn ask(fresh: &Arc<Guest>, call: Call, asks: Asks) -> Option<Seen> {
    match sandbox::run(fresh, call, asks)
        .await
        .and_then(finish::response)
    {
        Ok(response) => seen(&response),
        Err(Fault::Trap(text)) => Some(failed(500, &text)),
        Err(Fault::Handler {
            status, message, ..
        }) => Some(failed(status, &message)),
        Err(_) => None, // a limit, or no answer at all: of the machine or of the code, not of the instance
    }
}

fn failed(status: u16, text: &str) -> Seen {
    Seen {
        status,
        headers: http::HeaderMap::new(),
        body: text.into(),
    }
}
