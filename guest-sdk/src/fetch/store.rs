//! The host's store. It is asked as a server is, under a name that never leads to the network: `http://store.self`.
//!
//! Each header is a line of fields such as `revalidate=60; tag=a%20b`, whose values are percent-encoded.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::address::Address;
#[cfg(target_family = "wasm")]
use super::host as sender;
#[cfg(not(target_family = "wasm"))]
use super::native as sender;
use super::{Fetched, Whole};
use crate::bindings::outcome::{Effect, Lapsing, PathKind};
use crate::error::{Error, Result};

const VALUE: &str = "x-waystation-value";
const LAPSE: &str = "x-waystation-lapse";
/// `HIT` or `STALE`.
const STATE: &str = "x-waystation-cache";

/// Bytes of the longest value that is kept.
const LONGEST: usize = 2 << 20;

/// What the store has under a key.
#[derive(Debug)]
pub(crate) enum Found<T> {
    Nothing,
    Kept {
        value: T,
        /// Its lifetime and tags, with those of all that went into it.
        line: HeaderValue,
        is_stale: bool,
    },
}

/// Whether the host has a store. Waystation's has; natively there is none.
pub(crate) fn is_there() -> bool {
    #[cfg(test)]
    return crate::testing::HAS_STORE.get();
    #[cfg(not(any(test, target_family = "wasm")))]
    return false;
    #[cfg(target_family = "wasm")]
    crate::ambient::find().is_none_or(|call| !call.is_foreign())
}

/// The tags of a line.
pub(crate) fn tags(line: &HeaderValue) -> Vec<String> {
    let words = line.to_str().unwrap_or_default().split("; ");
    let tags = words.filter_map(|word| word.strip_prefix("tag="));
    let decoded = |tag: &str| percent_decode_str(tag).decode_utf8_lossy().into_owned();
    tags.map(decoded).collect()
}

/// Looks up a value; one that is stale, only if that will do.
///
/// # Errors
///
/// If the host does not accept the lifetime or a tag.
pub(crate) async fn find(key: &str, life: &HeaderValue, takes_stale: bool) -> Result<Found<Bytes>> {
    let mut target = target(key);
    if !takes_stale {
        target.push_str("?fresh");
    }
    let asked = ask(Method::GET, target, VALUE, [life.clone()], Bytes::new()).await;
    let fault = match asked {
        Ok(answer) => match answer.status() {
            StatusCode::OK => return found(answer, life).await,
            StatusCode::NOT_FOUND => return Ok(Found::Nothing),
            StatusCode::BAD_REQUEST => return Err(refused(answer).await),
            _ => refused(answer).await,
        },
        Err(error) => error,
    };
    eprintln!("warning: the store cannot be asked for `{key}`: {fault:?}");
    Ok(Found::Nothing)
}

async fn found(answer: Fetched, life: &HeaderValue) -> Result<Found<Bytes>> {
    let headers = answer.headers();
    let is_stale = headers.get(STATE).is_some_and(|state| state == "STALE");
    let line = headers.get(VALUE).unwrap_or(life).clone();
    let value = answer.bytes().await?;
    Ok(Found::Kept {
        value,
        line,
        is_stale,
    })
}

/// Keeps a value, with the lifetimes and tags that it has itself and of what went into it.
///
/// # Errors
///
/// If it is longer than [`LONGEST`], or the host refuses it.
pub(crate) async fn keep(key: &str, lines: Vec<HeaderValue>, value: Bytes) -> Result<()> {
    if LONGEST < value.len() {
        return Err(Error::message(format!(
            "it has {} bytes, and {LONGEST} are the most",
            value.len()
        )));
    }
    accepted(ask(Method::PUT, target(key), VALUE, lines, value).await?).await
}

/// Says that a value will not be kept after all, for which others wait: one that was made they all make for themselves, one that could not
/// be made the next of them tries to make.
pub(crate) async fn give_up(key: &str, is_made: bool) {
    let mut target = target(key);
    if is_made {
        target.push_str("?not-kept");
    }
    let told = ask(Method::DELETE, target, VALUE, [], Bytes::new()).await;
    if let Err(error) = told {
        eprintln!("warning: those who wait for `{key}` could not be told: {error:?}");
    }
}

/// Takes what is kept out of date.
///
/// # Errors
///
/// If the host does not accept one of the tags, paths or names.
pub(crate) async fn lapse(lapses: Vec<Effect>) -> Result<()> {
    let lines = lapses.iter().filter_map(lapse_line);
    accepted(
        ask(
            Method::POST,
            "/lapse".to_owned(),
            LAPSE,
            lines,
            Bytes::new(),
        )
        .await?,
    )
    .await
}

async fn ask(
    method: Method,
    target: String,
    name: &'static str,
    lines: impl IntoIterator<Item = HeaderValue>,
    body: Bytes,
) -> Result<Fetched> {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(name, line);
    }
    sender::send(Whole {
        method,
        address: Address::store(target),
        headers,
        body: body.into(),
        timeout: None,
    })
    .await
}

async fn accepted(answer: Fetched) -> Result<()> {
    match answer.ok() {
        true => Ok(()),
        false => Err(refused(answer).await),
    }
}

/// The host's reason.
async fn refused(answer: Fetched) -> Error {
    let status = answer.status();
    match answer.text().await {
        Ok(reason) if !reason.is_empty() => Error::message(reason),
        Ok(_) => Error::message(format!("the host answers {status}")),
        Err(error) => error,
    }
}

fn target(key: &str) -> String {
    format!("/value/{}", encoded(key))
}

/// A line of fields and tags. A field without a value is its name alone.
pub(crate) fn line(fields: &[(&'static str, String)], tags: &[String]) -> HeaderValue {
    let fields = fields.iter().map(|(name, value)| (*name, value));
    let fields = fields.chain(tags.iter().map(|tag| ("tag", tag)));
    let fields = fields.map(|(name, value)| match value.as_str() {
        "" if name != "tag" => name.to_owned(),
        value => format!("{name}={}", encoded(value)),
    });
    let line = fields.collect::<Vec<_>>().join("; ");
    HeaderValue::try_from(line).expect("nothing but ASCII is left once it is encoded")
}

fn lapse_line(lapse: &Effect) -> Option<HeaderValue> {
    let fields = match lapse {
        Effect::RevalidateTag(lapse) => {
            let how = match &lapse.lapsing {
                Lapsing::Stale => ("stale", String::new()),
                Lapsing::Profile(name) => ("profile", name.clone()),
                Lapsing::Expire(seconds) => ("expire", seconds.to_string()),
            };
            vec![("tag", lapse.tag.clone()), how]
        }
        Effect::RevalidatePath(lapse) => {
            let kind = lapse.kind.map(|kind| match kind {
                PathKind::Page => ("kind", "page".to_owned()),
                PathKind::Layout => ("kind", "layout".to_owned()),
            });
            let path = ("path", lapse.path.clone());
            [path].into_iter().chain(kind).collect()
        }
        _ => return None,
    };
    Some(line(&fields, &[]))
}

/// Everything but unreserved characters (RFC 3986, 2.3) is encoded.
fn encoded(text: &str) -> String {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(text, RESERVED).to_string()
}
