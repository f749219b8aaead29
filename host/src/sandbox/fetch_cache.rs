//! Answers to `fetch` that are kept (sections 11.1 and 11.2).
//!
//! In: a request, and how long its answer lives. Out: the answer, from the store or from whom it was asked. An answer that is stale is
//! given at once and asked for anew behind it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tokio_util::task::AbortOnDropHandle;
use wasmtime_wasi_http::{Error, WasiBody};
use waystation_rules::caching::{self, CACHE_HEADER, Life, Served, State};

use super::way::{Received, Way};
use crate::http::{Collected, collect};
use crate::store::{Entry, Flight, Kind, Landed, PATIENCE, Prepared};

/// Bytes of an answer that is kept, and of a request that one is kept for (row FC10).
pub(super) const LARGEST: usize = 2 << 20;
/// How long an answer may take that nobody waits for.
const REFRESH: Duration = Duration::from_secs(30);

/// How an answer is kept.
pub(super) struct Keep {
    pub(super) life: Life,
    pub(super) tags: Vec<String>,
    /// What takes it out of date for this handler, beside its tags.
    pub(super) implied: Vec<String>,
    /// It is asked for anew (row V9).
    pub(super) renew: bool,
}

/// A request that can be sent more than once.
struct Whole {
    head: http::request::Parts,
    body: Bytes,
    key: String,
}

/// Gives the kept answer, or asks for one to keep.
pub(super) async fn send(
    mut way: Way,
    request: Request<WasiBody>,
    keep: Keep,
) -> Result<Received, Error> {
    let (head, body) = request.into_parts();
    let body = match collect(body, LARGEST).await? {
        Collected::Whole(body) => body,
        Collected::Longer(body) => {
            return way
                .send(Request::from_parts(head, body.boxed_unsync()))
                .await;
        }
    };
    way.asks.asker = way.asks.asker.nobody(); // the answer is for everybody
    let kept = way.asks.own.kept();
    let digest = blake3::hash(&body).to_hex();
    let (method, url) = (head.method.as_str(), head.uri.to_string());
    let key = caching::fetched_key(&kept.app, method, &url, &head.headers, &digest);
    let whole = Whole { head, body, key };
    if let Some(making) = &way.asks.making {
        making.add(&keep.tags, keep.life);
    }
    if !keep.renew
        && let Some((entry, state)) = good(&way, &whole, &keep).await
    {
        if state == State::Stale {
            refresh(way, whole, keep, Arc::clone(&entry));
        }
        return Ok(served(&entry, Served::of(state)));
    }
    // A guest whose client does not read stands still, and those who wait for the same must not. One that is gone needs it no more.
    let background = way.asks.background.clone();
    let fetched = AbortOnDropHandle::new(background.spawn(asked(way, whole, keep)));
    fetched.await.unwrap_or(Err(Error::InternalError(None)))
}

/// The answer to what is not kept, or only for others.
async fn asked(way: Way, whole: Whole, keep: Keep) -> Result<Received, Error> {
    let store = way.asks.own.kept().store.clone();
    let flight = match way.asks.asker.depth {
        0 => store.flight(&whole.key).await, // FC13
        _ => match store.try_flight(&whole.key) {
            Some(flight) => flight,
            // Who makes it may be waiting for this very answer.
            None => {
                let Whole { head, body, .. } = whole;
                return way.send(Request::from_parts(head, full(body))).await;
            }
        },
    };
    if !keep.renew
        && let Some((entry, state)) = good(&way, &whole, &keep).await
    {
        flight.land(Landed::Kept);
        return Ok(served(&entry, Served::of(state)));
    }
    ask(way, whole, keep, flight).await
}

/// What is kept. Into an answer that is kept goes only what is as new as that.
async fn good(way: &Way, whole: &Whole, keep: &Keep) -> Option<(Arc<Entry>, State)> {
    let store = &way.asks.own.kept().store;
    let tags = [keep.tags.as_slice(), &keep.implied].concat();
    let kept = store.get_for(&whole.key, keep.life, &tags).await;
    kept.filter(|(_, state)| *state == State::Fresh || way.asks.making.is_none())
}

/// Asks for a stale answer anew, behind the one that is served (row FC3).
fn refresh(way: Way, whole: Whole, keep: Keep, old: Arc<Entry>) {
    let Some(flight) = way.asks.own.kept().store.try_flight(&whole.key) else {
        return; // somebody does
    };
    let background = way.asks.background.clone();
    background.spawn(async move {
        let url = whole.head.uri.clone();
        let store = way.asks.own.kept().store.clone();
        let renewed = async move {
            match store.renewal(&old, flight, PATIENCE).await {
                Some(flight) => ask(way, whole, keep, flight).await.map(drop),
                None => Ok(()),
            }
        };
        match tokio::time::timeout(REFRESH, renewed).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("{url} is stale and could not be asked anew: {error}"),
            Err(_) => tracing::warn!("{url} is stale and did not answer in {REFRESH:?}"),
        }
    });
}

/// Asks, and keeps the answer if it is 200 and not too long (rows FC9 and FC10).
async fn ask(way: Way, whole: Whole, keep: Keep, flight: Flight) -> Result<Received, Error> {
    let store = way.asks.own.kept().store.clone();
    let began = store.begin();
    let Whole { head, body, key } = whole;
    let url = head.uri.to_string();
    let request = Request::from_parts(head, full(body));
    let (mut head, body) = match whole_answer(way, request).await {
        Ok(Asked::Whole(head, body)) => (head, body),
        Ok(Asked::Other(response)) => {
            flight.land(Landed::NotKept);
            return Ok(response);
        }
        // It is this call that may ask no more: the next one tries.
        Err(Error::ConnectionLimitReached) => return Err(Error::ConnectionLimitReached),
        Err(error) => {
            flight.land(Landed::NotKept); // those who wait ask for themselves, all at once
            return Err(error);
        }
    };
    let entry = Entry {
        key: key.into(),
        kind: Kind::Fetch,
        label: url,
        status: head.status.as_u16(),
        headers: std::mem::take(&mut head.headers),
        body,
        tags: keep.tags,
        life: keep.life,
        times: keep.life.times(began, store.now()),
        prepared: Prepared::default(),
    };
    let entry = store.put(entry).await;
    flight.land(match store.holds(&entry) {
        true => Landed::Kept,
        false => Landed::NotKept,
    });
    Ok(served(&entry, Served::Miss))
}

/// What came of asking.
enum Asked {
    /// What may be kept.
    Whole(http::response::Parts, Bytes),
    /// What is only handed on.
    Other(Received),
}

async fn whole_answer(way: Way, request: Request<WasiBody>) -> Result<Asked, Error> {
    let url = request.uri().clone();
    let (head, body) = way.send(request).await?.into_parts();
    if head.status != StatusCode::OK {
        return Ok(Asked::Other(Response::from_parts(head, body)));
    }
    Ok(match collect(body, LARGEST).await? {
        Collected::Whole(body) => Asked::Whole(head, body),
        Collected::Longer(body) => {
            tracing::warn!("{url} is not kept: its answer is longer than {LARGEST} bytes");
            Asked::Other(Response::from_parts(head, body.boxed_unsync()))
        }
    })
}

/// A kept answer as the guest gets it (row FC15).
pub(super) fn served(entry: &Entry, served: Served) -> Received {
    let mut response = Response::new(full(entry.body.clone()));
    *response.status_mut() = StatusCode::from_u16(entry.status).unwrap_or(StatusCode::OK);
    *response.headers_mut() = entry.headers.clone();
    let value = HeaderValue::from_static(served.as_str());
    response.headers_mut().insert(CACHE_HEADER, value);
    response
}

pub(super) fn full(body: Bytes) -> WasiBody {
    Full::new(body)
        .map_err(|never| match never {})
        .boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_how_much_is_kept() {
        crate::telemetry::limits_page::says("kept fetch", LARGEST as u64);
    }
}
