//! Makes a response of what is kept.

use std::borrow::Cow;

use http::header::AGE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use waystation_rules::caching::{self, CACHE_HEADER, Served, cache_status};

use crate::http::{Response, whole};
use crate::store::Entry;

/// Says how an answer came about, for people.
const CACHE: HeaderName = HeaderName::from_static(CACHE_HEADER);
/// The same for programs (RFC 9211).
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
/// Headers that an answer gets beside those that are kept, so that its map does not grow: these two, `Age`, and what every answer has.
const MORE_HEADERS: usize = 6;

/// The response that says how it came about and, but for a new one, how old it is.
pub(super) fn serve(entry: &Entry, served: Served, now: u64) -> Response {
    let mut response = Response::new(whole(entry.body.clone()));
    *response.status_mut() = StatusCode::from_u16(entry.status).unwrap_or(StatusCode::OK);
    let mut headers = entry.prepared.of(|| prepared(&entry.headers));
    let mut status = match cache_status(served, &entry.times, now) {
        Cow::Borrowed(status) => Some(HeaderValue::from_static(status)),
        Cow::Owned(status) => HeaderValue::try_from(status).ok(),
    };
    for (name, value) in &mut headers {
        if *name == CACHE {
            *value = HeaderValue::from_static(served.as_str());
        } else if *name == AGE {
            *value = caching::age(&entry.times, now).into();
        } else if *name == CACHE_STATUS
            && let Some(status) = status.take()
        {
            *value = status;
        }
    }
    if served == Served::Miss {
        headers.remove(AGE);
    }
    *response.headers_mut() = headers;
    response
}

/// The headers of an answer, with a place for each that requests have values of their own for.
fn prepared(kept: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(kept.len() + MORE_HEADERS);
    for (name, value) in kept {
        headers.append(name, value.clone());
    }
    for name in [CACHE, CACHE_STATUS, AGE, super::REQUEST_ID] {
        headers.insert(name, HeaderValue::from_static("-"));
    }
    headers
}
