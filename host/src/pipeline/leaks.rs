//! Finds what outlives a request in a shared instance, for `waystation dev --find-leaks`.
//!
//! In: a GET that a shared instance answers. Out: one warning a route, if a fresh instance answers it differently.
//!
//! The handler runs twice. Where the answers differ, it runs in a fresh instance again and then in the shared one: what two fresh instances
//! answer differently comes of a clock, of randomness or of another server, and what the shared one then answers as they do was of its time.
//! What the others want to lapse does not, but what they ask of other servers is asked.

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

/// What a failed call is taken for; nothing if it says nothing of the instance.
pub(super) fn failed(fault: &Fault) -> Option<Seen> {
    let (status, text) = match fault {
        Fault::Trap(text) => (500, text),
        Fault::Handler {
            status, message, ..
        } => (*status, message),
        _ => return None, // a limit, or no answer at all: of the machine or of the code, not of the instance
    };
    Some(Seen {
        status,
        headers: http::HeaderMap::new(),
        body: text.clone().into_bytes(),
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
        let (again, at_last) = (call.again(), call.again());
        let path = call.request.uri().path().to_owned();
        let Some(first) = ask(&fresh, call, asks.clone()).await else {
            return;
        };
        let Some(told) = difference(&shared, &first) else {
            return;
        };
        let second = ask(&fresh, again, asks.clone()).await;
        if second.is_none_or(|second| difference(&first, &second).is_some()) {
            return;
        }
        let last = ask(&guest, at_last, asks).await;
        let differs = last.is_some_and(|last| difference(&last, &first).is_some());
        if differs && leaks.tell(&guest) {
            tracing::warn!(
                "{} keeps something from one request to the next: of GET {path}, {told}\n\
                 something outlives a request: a static, thread_local or OnceLock; remove it, or leave out `ISOLATION = Shared`",
                guest.route()
            );
        }
    }
}

async fn ask(guest: &Arc<Guest>, call: Call, asks: Asks) -> Option<Seen> {
    let answer = sandbox::run(guest, call, asks).await;
    match answer.and_then(finish::response) {
        Ok(response) => seen(&response),
        Err(fault) => failed(&fault),
    }
}
