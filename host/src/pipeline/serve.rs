//! Makes a response of what is kept.

use std::borrow::Cow;

use http::header::AGE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use waystation_rules::caching::{CACHE_HEADER, Served, age, cache_status, fresh_for};

use crate::http::{Response, whole};
use crate::store::Entry;
use crate::telemetry::RequestId;

/// Names the request to the client, as the log does.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Says how an answer came about, for people.
const CACHE: HeaderName = HeaderName::from_static(CACHE_HEADER);
/// The same for programs (RFC 9211).
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
/// Headers that an answer gets beside those that are kept, so that its map does not grow: these two, `Age`, and what every answer has.
const MORE_HEADERS: usize = 6;
/// Stands first in the headers of a kept answer, so that to name the request is to write one value and to look for nothing. A `HeaderMap` goes
/// through its names in the order in which they came, as long as none is taken out; [`name_request`] does not rely on it.
const UNNAMED: HeaderValue = HeaderValue::from_static("-");

/// The response that says how it came about and, but for a new one, how old it is.
pub(super) fn serve(entry: &Entry, served: Served, now: u64) -> Response {
    let mut response = Response::new(whole(entry.body.clone()));
    *response.status_mut() = StatusCode::from_u16(entry.status).unwrap_or(StatusCode::OK);
    let times = &entry.times;
    *response.headers_mut() = match served {
        Served::Hit => {
            let moment = (age(times, now), fresh_for(times, now));
            entry.prepared.of(moment, || headers_of(entry, served, now))
        }
        Served::Miss | Served::Stale => headers_of(entry, served, now),
    };
    response
}

/// Has an answer say which request it is of.
pub(super) fn name_request(headers: &mut HeaderMap, id: RequestId) {
    let Ok(id) = HeaderValue::from_bytes(&id.digits()) else {
        return;
    };
    match headers.iter_mut().next() {
        Some((name, value)) if *name == REQUEST_ID && *value == UNNAMED => *value = id,
        _ => drop(headers.insert(REQUEST_ID, id)),
    }
}

/// The headers of an answer, first the one that each request has a value of its own for.
fn headers_of(entry: &Entry, served: Served, now: u64) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(entry.headers.len() + MORE_HEADERS);
    headers.insert(REQUEST_ID, UNNAMED);
    for (name, value) in &entry.headers {
        if *name != REQUEST_ID {
            headers.append(name, value.clone());
        }
    }
    headers.insert(CACHE, HeaderValue::from_static(served.as_str()));
    let status = match cache_status(served, &entry.times, now) {
        Cow::Borrowed(status) => Some(HeaderValue::from_static(status)),
        Cow::Owned(status) => HeaderValue::try_from(status).ok(),
    };
    headers.extend(status.map(|status| (CACHE_STATUS, status)));
    match served {
        Served::Miss => headers.remove(AGE),
        Served::Hit | Served::Stale => headers.insert(AGE, age(&entry.times, now).into()),
    };
    headers
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::header::CONTENT_TYPE;
    use waystation_rules::caching::Life;

    use super::*;
    use crate::store::{Kind, Prepared};

    #[test]
    fn an_answer_says_at_each_moment_how_old_it_is() {
        let life = Life {
            revalidate: Some(60),
            expire: None,
        };
        let mut headers = HeaderMap::new();
        for (name, value) in [(CONTENT_TYPE, "text/plain"), (AGE, "7"), (REQUEST_ID, "a")] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let entry = Entry {
            key: "key".into(),
            kind: Kind::Answer,
            label: "/a".to_owned(),
            status: 404,
            headers,
            body: Bytes::from_static(b"body"),
            tags: Vec::new(),
            life,
            times: life.times(1000, 1000),
            prepared: Prepared::default(),
        };
        let said = |served, now| {
            let response = serve(&entry, served, now);
            let all = response.headers().iter();
            let all = all.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
            let mut all: Vec<_> = all.collect();
            all.sort();
            format!("{} {}", response.status().as_u16(), all.join(", "))
        };
        let rest = "content-type: text/plain, x-request-id: -, x-waystation-cache";
        for (now, expected) in [
            (1000, "404 age: 0, cache-status: waystation; hit; ttl=60, "),
            (1999, "404 age: 0, cache-status: waystation; hit; ttl=59, "),
            (2000, "404 age: 1, cache-status: waystation; hit; ttl=59, "),
            (1999, "404 age: 0, cache-status: waystation; hit; ttl=59, "), // a clock that was set back
        ] {
            assert_eq!(said(Served::Hit, now), format!("{expected}{rest}: HIT"));
        }
        let stale = format!("404 age: 61, cache-status: waystation; hit; ttl=-1, {rest}: STALE");
        assert_eq!(said(Served::Stale, 62_000), stale);
        let new = format!("404 cache-status: waystation; fwd=miss; stored; ttl=60, {rest}: MISS");
        assert_eq!(said(Served::Miss, 1000), new);
    }
}
