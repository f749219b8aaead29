//! One call into a guest, whichever kind it is.

use std::future::poll_fn;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime::component::{Accessor, ComponentExportIndex, ComponentNamedList, Lift, Resource};
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::p3::{Request, Response};
use wasmtime_wasi_http::{Error, FieldMap, WasiHttpView};
use waystation_rules::caching::{Read, Reads};
use waystation_rules::method::Method;
use waystation_rules::table::{Param, ParamValue};

use super::{Contents, Effects, Head, Slot, Streamed};
use crate::http::RequestBody;
use crate::sandbox::bindings::context::{self, Context};
use crate::sandbox::bindings::outcome::{self, Failure, Outcome};
use crate::sandbox::bindings::verdict::{self, HeaderChange, Verdict};
use crate::sandbox::code::{Entry, Ready};
use crate::sandbox::fault::Fault;
use crate::sandbox::guest::Guest;
use crate::sandbox::lease::Lease;
use crate::sandbox::places::Place;
use crate::sandbox::state::{FIELD_BYTES, Incoming, MOST_FIELDS, State};

/// A request and the facts that the host settled about it.
pub struct Call {
    /// The handler to run; nothing to a proxy.
    pub method: Method,
    /// The request in absolute form; what it says of its origin is settled too.
    pub request: http::Request<RequestBody>,
    /// Names the request in the log.
    pub request_id: String,
    /// The dynamic segments.
    pub params: Vec<Param>,
    /// The cookies by name and decoded value.
    pub cookies: Vec<(String, String)>,
    /// The client's IP address.
    pub client_address: String,
    /// Whether the client is in draft mode.
    pub draft_mode: bool,
}

/// How a request goes on after a proxy.
#[derive(Debug)]
pub struct Onward {
    /// As what: a path with its query, or an absolute URL; none to go on as it was asked.
    pub rewrite: Option<String>,
    /// The headers of the request to set, or to take off, in order.
    pub request_headers: Vec<(HeaderName, Option<HeaderValue>)>,
}

/// Runs the guest to its end; the head goes to `slot` as soon as it is known.
///
/// `_place` stands first, so that it is given up last: when the next request has it, the instance is gone.
pub(super) async fn drive(
    _place: Place,
    guest: Arc<Guest>,
    ready: Arc<Ready>,
    mut lease: Lease,
    call: Call,
    slot: Slot,
) -> Result<(), Fault> {
    let done = enter(&guest, &ready, &mut lease, call, &slot).await;
    lease.store.data().log.finish();
    match done {
        Ok(()) => {
            guest.give_back(lease);
            Ok(())
        }
        Err(error) => Err(Fault::from_stop(
            &error,
            lease.store.data(),
            guest.config.cpu,
        )),
    }
}

async fn enter(
    guest: &Guest,
    ready: &Ready,
    lease: &mut Lease,
    call: Call,
    slot: &Slot,
) -> wasmtime::Result<()> {
    match &ready.entry {
        Entry::Route(handlers) => match handlers.get(call.method) {
            Some(handler) => route(guest, ready, lease, handler, call, slot).await,
            None => {
                slot.put(Err(Fault::Answer(format!(
                    "it has no {} handler",
                    call.method.as_str()
                ))));
                Ok(())
            }
        },
        Entry::Proxy(handler) => Box::pin(proxy(guest, ready, lease, handler, call, slot)).await,
        Entry::Http3(service) => Box::pin(http3(service, &mut lease.store, call, slot)).await,
        Entry::Http2(proxy) => Box::pin(http2(proxy, &mut lease.store, call, slot)).await,
    }
}

async fn route(
    guest: &Guest,
    ready: &Ready,
    lease: &mut Lease,
    handler: &ComponentExportIndex,
    call: Call,
    slot: &Slot,
) -> wasmtime::Result<()> {
    handled(guest, ready, lease, handler, call, slot, settle).await
}

async fn proxy(
    guest: &Guest,
    ready: &Ready,
    lease: &mut Lease,
    handler: &ComponentExportIndex,
    call: Call,
    slot: &Slot,
) -> wasmtime::Result<()> {
    let settle = |accessor: &_, verdict| match verdict {
        Verdict::Answer(outcome) => settle(accessor, outcome),
        Verdict::Onward(onward) => Ok(goes_on(onward).map_err(Fault::Answer)),
    };
    handled(guest, ready, lease, handler, call, slot, settle).await
}

/// Calls a handler of the contract; `settle` makes a head of what it returned.
async fn handled<R>(
    guest: &Guest,
    ready: &Ready,
    lease: &mut Lease,
    handler: &ComponentExportIndex,
    call: Call,
    slot: &Slot,
    settle: impl FnOnce(&Accessor<State>, R) -> wasmtime::Result<Result<Head, Fault>> + Send,
) -> wasmtime::Result<()>
where
    (Result<R, Failure>,): ComponentNamedList + Lift + Send + Sync + 'static,
{
    let Lease {
        store, instance, ..
    } = lease;
    let instance = match *instance {
        Some(instance) => instance,
        None => *instance.insert(ready.pre.instantiate_async(&mut *store).await?),
    };
    let handler = instance.get_typed_func::<(Resource<Request>, Context), (Result<R, Failure>,)>(
        &mut *store,
        handler,
    )?;
    let context = Context {
        request_id: call.request_id,
        pattern: guest.route().to_owned(),
        params: call.params.into_iter().map(param).collect(),
        cookies: call.cookies,
        client_address: call.client_address,
        draft_mode: call.draft_mode,
        segment: guest.told.clone(),
    };
    store
        .run_concurrent(async |accessor| {
            let request = admit(accessor, call.request)?;
            let (handled,) = handler
                .call_concurrent(accessor, (request, context))
                .await?;
            slot.put(match handled {
                Ok(returned) => settle(accessor, returned)?,
                Err(failure) => Err(failed(failure)),
            });
            rest(accessor).await;
            Ok(())
        })
        .await?
}

async fn http3(
    service: &ServicePre<State>,
    store: &mut Store<State>,
    call: Call,
    slot: &Slot,
) -> wasmtime::Result<()> {
    let service = service.instantiate_async(&mut *store).await?;
    store
        .run_concurrent(async |accessor| {
            let request = admit(accessor, call.request)?;
            let handled = service
                .wasi_http_handler()
                .call_handle(accessor, request)
                .await?;
            slot.put(match handled {
                Ok(response) => Ok(streamed(accessor, response)?),
                Err(error) => Err(foreign(&error)),
            });
            rest(accessor).await;
            Ok(())
        })
        .await?
}

async fn http2(
    proxy: &ProxyPre<State>,
    store: &mut Store<State>,
    call: Call,
    slot: &Slot,
) -> wasmtime::Result<()> {
    let proxy = proxy.instantiate_async(&mut *store).await?;
    let mut incoming = Incoming;
    let mut view = store.data_mut().http();
    view.hooks = &mut incoming;
    let request = view.new_incoming_request(Scheme::Http, call.request)?;
    let slot = slot.clone();
    let answer = view.new_response_outparam_from_callback(move |answer| {
        slot.put(match answer {
            Ok(response) => {
                let response = response.map(|body| {
                    Contents::Streaming(Streamed {
                        body,
                        sent: oneshot::channel().0, // wasi:http 0.2 has nobody to tell
                        has_more: false,
                    })
                });
                Ok(Head::of(response))
            }
            Err(error) => Err(foreign(&error)),
        });
    })?;
    proxy
        .wasi_http_incoming_handler()
        .call_handle(&mut *store, request, answer)
        .await
}

/// Gives the guest a handle on the request.
fn admit(
    accessor: &Accessor<State>,
    request: http::Request<RequestBody>,
) -> wasmtime::Result<Resource<Request>> {
    let (parts, body) = request.into_parts();
    let uri = parts.uri.into_parts();
    let headers = FieldMap::new_immutable(&mut Incoming, parts.headers);
    let (request, _read) = Request::new(
        parts.method,
        uri.scheme,
        uri.authority,
        uri.path_and_query,
        headers,
        None,
        body,
    );
    accessor.with(|mut store| Ok(store.data_mut().table.push(request)?))
}

/// Turns what a handler returned into a head and what else it wants.
fn settle(accessor: &Accessor<State>, outcome: Outcome) -> wasmtime::Result<Result<Head, Fault>> {
    let effects = match Effects::of(outcome.effects) {
        Ok(effects) => effects,
        Err(reason) => return Ok(Err(Fault::Answer(reason))),
    };
    let reads = reads(outcome.reads);
    let head = match outcome.answer {
        outcome::Answer::Reply(reply) => match whole(reply) {
            Ok(response) => Head::of(response),
            Err(reason) => return Ok(Err(Fault::Answer(reason))),
        },
        outcome::Answer::Stream(response) => {
            let mut head = streamed(accessor, response)?;
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
    fn of(response: http::Response<Contents>) -> Self {
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
fn foreign(error: &dyn std::fmt::Debug) -> Fault {
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

fn whole(reply: outcome::Reply) -> Result<http::Response<Contents>, String> {
    let mut response = http::Response::new(Contents::Whole(reply.body.into()));
    *response.status_mut() = StatusCode::from_u16(reply.status)
        .map_err(|_| format!("it answered with status {}", reply.status))?;
    *response.headers_mut() = headers(reply.headers)?;
    Ok(response)
}

/// A proxy's word that the request goes on: a head without an answer.
fn goes_on(onward: verdict::Onward) -> Result<Head, String> {
    let mut response = http::Response::new(Contents::Whole(bytes::Bytes::new()));
    *response.headers_mut() = headers(onward.response_headers)?;
    let change = |change| match change {
        HeaderChange::Set((name, value)) => {
            let (name, value) = header(&name, value)?;
            Ok((name, Some(value)))
        }
        HeaderChange::Remove(name) => Ok((header(&name, Vec::new())?.0, None)),
    };
    let changes = onward.request_headers.into_iter().map(change);
    let request_headers = changes.collect::<Result<_, String>>()?;
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
fn headers(told: Vec<(String, Vec<u8>)>) -> Result<HeaderMap, String> {
    let bytes: usize = told
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if MOST_FIELDS < told.len() || FIELD_BYTES < bytes {
        let fields = told.len();
        return Err(format!(
            "it answered with {fields} header fields of {bytes} bytes; an answer has {MOST_FIELDS} of {FIELD_BYTES} bytes at most"
        ));
    }
    let mut headers = HeaderMap::with_capacity(told.len());
    for (name, value) in told {
        let (name, value) = header(&name, value)?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn header(name: &str, value: Vec<u8>) -> Result<(HeaderName, HeaderValue), String> {
    match (
        HeaderName::from_bytes(name.as_bytes()),
        HeaderValue::from_maybe_shared(bytes::Bytes::from(value)),
    ) {
        (Ok(name), Ok(value)) => Ok((name, value)),
        _ => Err(format!(
            "it answered with a header `{name}` that HTTP does not allow"
        )),
    }
}

fn streamed(accessor: &Accessor<State>, response: Resource<Response>) -> wasmtime::Result<Head> {
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
        Ok(Head::of(response))
    })
}

/// Waits for work that the guest goes on with after it answered.
async fn rest(accessor: &Accessor<State>) {
    poll_fn(|cx| accessor.poll_no_interesting_tasks(cx)).await;
}

fn param(param: Param) -> context::Param {
    let value = match param.value {
        ParamValue::One(value) => context::ParamValue::One(value),
        ParamValue::Many(values) => context::ParamValue::Many(values),
    };
    context::Param {
        name: param.name,
        value,
    }
}
