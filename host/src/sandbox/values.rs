//! The app's store as its guests reach it: values of `cached`, and what goes out of date once an answer is over.
//!
//! In: a request to `http://store.self`, which never leaves the process. Out: an answer that the SDK understands.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use wasmtime_wasi_http::{Error, WasiBody};
use waystation_rules::caching::{
    self, LAPSE_HEADER, LapseWords, Life, MOST_TAGS, NotKept, VALUE_HEADER, ValueWords,
};

use super::fetch_cache::{LARGEST, full, served};
use super::held::{Held, Sought};
use super::making::Made;
use super::outgoing::Asks;
use super::way::Received;
use crate::http::{Collected, collect};
use crate::store::{Entry, Kept, Kind, Prepared};

/// The query of a `DELETE` that says that a value was made and cannot be kept.
const NOT_KEPT: &str = "not-kept";
/// The query of a `GET` whose value goes into another.
const FRESH: &str = "fresh";

/// A call that asks the store.
pub(super) struct Asking {
    pub(super) asks: Asks,
    /// When it began: a value that it makes without having looked for it is no newer than that.
    pub(super) began: u64,
    /// Names its code, if values are of that.
    pub(super) code: Option<String>,
    /// What takes a value out of date for its handler, beside its tags.
    pub(super) implied: Vec<String>,
    /// What it makes.
    pub(super) held: Arc<Held>,
}

impl Asking {
    fn key(&self, name: &str) -> String {
        caching::value_key(&self.asks.own.kept().app, self.code.as_deref(), name)
    }
}

/// Answers for the store.
pub(super) async fn answer(asking: Asking, request: Request<WasiBody>) -> Result<Received, Error> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let done = match (&head.method, path.strip_prefix("/value/")) {
        (&Method::GET, Some(name)) => {
            let takes_stale = head.uri.query() != Some(FRESH);
            get(&asking, &decoded(name), &head.headers, takes_stale).await
        }
        (&Method::PUT, Some(name)) => match collect(body, LARGEST).await? {
            Collected::Whole(body) => put(&asking, &decoded(name), &head.headers, body).await,
            Collected::Longer(_) => {
                give_up(&asking, &decoded(name), true);
                Ok(plain(StatusCode::PAYLOAD_TOO_LARGE, ""))
            }
        },
        (&Method::DELETE, Some(name)) => {
            give_up(&asking, &decoded(name), head.uri.query() == Some(NOT_KEPT));
            Ok(plain(StatusCode::NO_CONTENT, ""))
        }
        (&Method::POST, None) if path == "/lapse" => {
            lapse(asking.asks.own.kept(), &head.headers).await
        }
        _ => Ok(plain(StatusCode::NOT_FOUND, "")),
    };
    Ok(done.unwrap_or_else(|reason| plain(StatusCode::BAD_REQUEST, &reason)))
}

async fn get(
    asking: &Asking,
    name: &str,
    headers: &HeaderMap,
    takes_stale: bool,
) -> Result<Received, String> {
    let Asking {
        asks,
        held,
        implied,
        ..
    } = asking;
    let kept = asks.own.kept();
    let (life, tags) = told(kept, headers)?;
    if let Some(making) = &asks.making {
        making.add(&tags, life);
        if [life.revalidate, life.expire].contains(&Some(0)) {
            making.is_not_kept(NotKept::Momentary); // CC5
        }
    }
    let missing = plain(StatusCode::NOT_FOUND, "");
    if asks.goes_past_kept() {
        return Ok(missing);
    }
    let key = asking.key(name);
    let sought = Sought {
        key: &key,
        life,
        tags: &[tags.as_slice(), implied].concat(),
        takes_stale: takes_stale && asks.making.is_none(), // what goes into an answer that is kept is as new as the answer
    };
    let Some((entry, how)) = held.find(&kept.store, &sought).await else {
        return Ok(missing);
    };
    if let Some(making) = &asks.making {
        making.add(&entry.tags, entry.life);
    }
    let mut answer = served(&entry, how);
    let line = HeaderValue::try_from(caching::value_line(entry.life, &entry.tags));
    let line = line.map_err(|error| error.to_string())?;
    answer.headers_mut().insert(VALUE_HEADER, line);
    Ok(answer)
}

async fn put(
    asking: &Asking,
    name: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Received, String> {
    let Asking {
        asks, began, held, ..
    } = asking;
    let kept = asks.own.kept();
    let (life, tags) = told(kept, headers)?;
    if !asks.goes_past_kept() {
        let key: Arc<str> = asking.key(name).into();
        let entry = Entry {
            key: Arc::clone(&key),
            kind: Kind::Value,
            label: name.to_owned(),
            status: 200,
            headers: HeaderMap::new(),
            body,
            tags,
            life,
            times: life.times(held.take_begun(&key).unwrap_or(*began), kept.store.now()),
            prepared: Prepared::default(),
        };
        kept.store.put(entry).await;
        held.kept(&kept.store, &key).await;
    }
    Ok(plain(StatusCode::NO_CONTENT, ""))
}

/// The call does not make a value that it was to make, or cannot have it kept.
fn give_up(asking: &Asking, name: &str, is_made: bool) {
    let key = asking.key(name);
    match is_made {
        true => asking.held.not_kept(&key),
        false => asking.held.failed(&key),
    }
}

async fn lapse(kept: &Kept, headers: &HeaderMap) -> Result<Received, String> {
    let lines = headers.get_all(LAPSE_HEADER).iter();
    let lapse = |line: &http::HeaderValue| {
        let words = LapseWords::parse(line.to_str().unwrap_or_default());
        let words = words.map_err(|fault| fault.to_string())?;
        kept.lapsing(&words).map_err(|fault| fault.to_string())
    };
    let lapses = lines.map(lapse).collect::<Result<Vec<_>, _>>()?;
    kept.store.lapse(&lapses).await;
    Ok(plain(StatusCode::NO_CONTENT, ""))
}

/// How long a value lives and what it carries, as the header says of it and of each that went into it (row CC6).
fn told(kept: &Kept, headers: &HeaderMap) -> Result<(Life, Vec<String>), String> {
    let mut made = Made::default();
    for line in headers.get_all(VALUE_HEADER) {
        let words = ValueWords::parse(line.to_str().unwrap_or_default());
        let words = words.map_err(|fault| fault.to_string())?;
        let life = match words.profile {
            None => words.life,
            Some(name) => {
                let life = kept.profiles.life(&name);
                life.ok_or_else(|| kept.no_profile(&name).to_string())?
            }
        };
        made.add(&words.tags, life);
    }
    match made.tags.len() {
        0..=MOST_TAGS => Ok((made.life, made.tags)),
        many => Err(format!(
            "it and what goes into it have {many} tags, and {MOST_TAGS} are the most"
        )),
    }
}

fn decoded(name: &str) -> String {
    percent_decode_str(name).decode_utf8_lossy().into_owned()
}

fn plain(status: StatusCode, text: &str) -> Received {
    let mut response = Response::new(full(Bytes::copy_from_slice(text.as_bytes())));
    *response.status_mut() = status;
    response
}
