//! Turns what a handler returned into a head, and what else it wants.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::sync::oneshot;
use wasmtime::component::{Accessor, Resource};
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::p3::Response;
use waystation_rules::caching::{Read, Reads};

use super::call::Onward;
use super::{Contents, Effects, Head, Streamed};
use crate::sandbox::bindings::outcome::{self, Failure, Outcome};
use crate::sandbox::bindings::verdict::{self, HeaderChange};
use crate::sandbox::fault::Fault;
use crate::sandbox::met::MOST_FIELDS;
use crate::sandbox::state::State;

/// Fields that an answer gets beside those that its guest tells, so that its map does not grow.
const MORE_FIELDS: usize = 4;

/// Turns what a handler returned into a head, with header fields of so many bytes at most, and what else it wants.
pub(super) fn settle(
    accessor: &Accessor<State>,
    outcome: Outcome,
    field_bytes: usize,
) -> wasmtime::Result<Result<Head, Fault>> {
    let effects = match Effects::of(outcome.effects) {
        Ok(effects) => effects,
        Err(fault) => return Ok(Err(fault)),
    };
    let reads = reads(outcome.reads);
    let head = match outcome.answer {
        outcome::Answer::Reply(reply) => match whole(reply, field_bytes) {
            Ok(response) => Head::of(response),
            Err(fault) => return Ok(Err(fault)),
        },
        outcome::Answer::Stream(response) => {
            let mut head = match streamed(accessor, response, field_bytes)? {
                Ok(head) => head,
                Err(fault) => return Ok(Err(fault)),
            };
            if let Contents::Streaming(streamed) = head.response.body_mut() {
                streamed.has_more = effects.has_more;
            }
            head
        }
    };
    Ok(Ok(Head {
        effects,
        reads,
        ..head
    }))
}

impl Head {
    /// An answer and nothing else.
    pub(super) fn of(response: http::Response<Contents>) -> Self {
        Self {
            response,
            effects: Effects::default(),
            reads: Reads::NONE,
            onward: None,
        }
    }
}

pub(super) fn failed(failure: Failure) -> Fault {
    Fault::Handler {
        status: failure.status,
        message: failure.message,
        reads: reads(failure.reads),
    }
}

/// What a component of another make says of its failure.
pub(super) fn foreign(error: &dyn std::fmt::Debug) -> Fault {
    Fault::Handler {
        status: 500,
        message: format!("{error:?}"),
        reads: Reads::NONE,
    }
}

fn reads(told: outcome::Reads) -> Reads {
    let flags = [
        (outcome::Reads::HEADERS, Read::Headers),
        (outcome::Reads::COOKIES, Read::Cookies),
        (outcome::Reads::QUERY, Read::Query),
        (outcome::Reads::BODY, Read::Body),
        (outcome::Reads::CLIENT, Read::Client),
        (outcome::Reads::CONNECTION, Read::Connection),
    ];
    let flags = flags.into_iter().filter(|(flag, _)| told.contains(*flag));
    flags.map(|(_, read)| read).collect()
}

fn whole(reply: outcome::Reply, field_bytes: usize) -> Result<http::Response<Contents>, Fault> {
    let mut response = http::Response::new(Contents::Whole(reply.body.into()));
    *response.status_mut() = StatusCode::from_u16(reply.status)
        .map_err(|_| Fault::Answer(format!("it answered with status {}", reply.status)))?;
    *response.headers_mut() = headers(reply.headers, field_bytes)?;
    Ok(response)
}

/// A proxy's word that the request goes on: a head without an answer.
pub(super) fn goes_on(onward: verdict::Onward, field_bytes: usize) -> Result<Head, Fault> {
    let mut response = http::Response::new(Contents::Whole(bytes::Bytes::new()));
    *response.headers_mut() = headers(onward.response_headers, field_bytes)?;
    let changes = onward.request_headers.iter().map(|change| match change {
        HeaderChange::Set((name, value)) => name.len() + value.len(),
        HeaderChange::Remove(name) => name.len(),
    });
    let (did, fields) = ("it sends on", onward.request_headers.len());
    within(did, fields, changes.sum(), field_bytes)?;
    let change = |change| match change {
        HeaderChange::Set((name, value)) => {
            let (name, value) = header(did, &name, value)?;
            Ok((name, Some(value)))
        }
        HeaderChange::Remove(name) => Ok((header(did, &name, Vec::new())?.0, None)),
    };
    let changes = onward.request_headers.into_iter().map(change);
    let request_headers = changes.collect::<Result<_, Fault>>()?;
    Ok(Head {
        effects: Effects::of(onward.effects)?,
        onward: Some(Box::new(Onward {
            rewrite: onward.rewrite,
            request_headers,
        })),
        ..Head::of(response)
    })
}

/// Header fields as a guest tells them, within what one answer may have.
fn headers(told: Vec<(String, Vec<u8>)>, field_bytes: usize) -> Result<HeaderMap, Fault> {
    let bytes: usize = told
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    within(ANSWERED, told.len(), bytes, field_bytes)?;
    let mut headers = HeaderMap::with_capacity(told.len() + MORE_FIELDS);
    for (name, value) in told {
        let (name, value) = header(ANSWERED, &name, value)?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// What a guest has done with header fields that are its answer's.
const ANSWERED: &str = "it answered with";

/// Holds an answer, or a request that goes on, to the header fields that it may have.
fn within(did: &str, fields: usize, bytes: usize, field_bytes: usize) -> Result<(), Fault> {
    if MOST_FIELDS < fields || field_bytes < bytes {
        return Err(Fault::Fields(format!(
            "{did} {fields} header fields of {bytes} bytes; there can be {MOST_FIELDS} of {field_bytes} bytes at most"
        )));
    }
    Ok(())
}

fn header(did: &str, name: &str, value: Vec<u8>) -> Result<(HeaderName, HeaderValue), Fault> {
    match (
        HeaderName::from_bytes(name.as_bytes()),
        HeaderValue::from_maybe_shared(bytes::Bytes::from(value)),
    ) {
        (Ok(name), Ok(value)) => Ok((name, value)),
        _ => Err(Fault::Answer(format!(
            "{did} a header `{name}` that HTTP does not allow"
        ))),
    }
}

pub(super) fn streamed(
    accessor: &Accessor<State>,
    response: Resource<Response>,
    field_bytes: usize,
) -> wasmtime::Result<Result<Head, Fault>> {
    let (sent, is_sent) = oneshot::channel();
    let is_sent = async { is_sent.await.map_err(|_| Error::ConnectionTerminated) };
    accessor.with(|mut store| {
        let response = store.data_mut().table.delete(response)?;
        let response = response.into_http(store, is_sent)?.map(|body| {
            Contents::Streaming(Streamed {
                body,
                sent,
                has_more: false,
            })
        });
        Ok(within_limits(response, field_bytes))
    })
}

/// An answer whose body is a stream, if it has no more header fields than one that is whole may have.
pub(super) fn within_limits(
    response: http::Response<Contents>,
    field_bytes: usize,
) -> Result<Head, Fault> {
    let headers = response.headers().iter();
    let bytes = headers.map(|(name, value)| name.as_str().len() + value.len());
    within(ANSWERED, response.headers().len(), bytes.sum(), field_bytes)?;
    Ok(Head::of(response))
}
