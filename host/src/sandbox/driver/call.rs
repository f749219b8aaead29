//! One call into a guest, whichever kind it is.

use std::future::poll_fn;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime::component::{
    Accessor, ComponentExportIndex, ComponentNamedList, Lift, Resource, TypedFunc,
};
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::p3::Request;
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::{FieldMap, WasiHttpView};
use waystation_rules::method::Method;
use waystation_rules::segment::Isolation;
use waystation_rules::table::{Param, ParamValue};

use super::head::{failed, foreign, goes_on, settle, streamed, within_limits};
use super::{Contents, Head, Slot, Streamed, Turn};
use crate::http::RequestBody;
use crate::sandbox::bindings::context::{self, Context};
use crate::sandbox::bindings::outcome::Failure;
use crate::sandbox::bindings::verdict::Verdict;
use crate::sandbox::code::{Entry, Ready};
use crate::sandbox::fault::Fault;
use crate::sandbox::guest::Guest;
use crate::sandbox::lease::Lease;
use crate::sandbox::state::{Incoming, State};
use crate::telemetry::Stop;

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

impl Call {
    /// The same once more. A body is not: nobody reads one twice.
    #[must_use]
    pub fn again(&self) -> Self {
        let mut request = http::Request::new(RequestBody::none());
        *request.method_mut() = self.request.method().clone();
        *request.uri_mut() = self.request.uri().clone();
        *request.version_mut() = self.request.version();
        *request.headers_mut() = self.request.headers().clone();
        Self {
            method: self.method,
            request,
            request_id: self.request_id.clone(),
            params: self.params.clone(),
            cookies: self.cookies.clone(),
            client_address: self.client_address.clone(),
            draft_mode: self.draft_mode,
        }
    }
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
/// `_turn` stands first, so that it is given up last: when the next request has it, the instance is gone.
pub(super) async fn drive(
    _turn: Turn,
    guest: Arc<Guest>,
    mut lease: Lease,
    call: Call,
    slot: Slot,
) -> Result<(), Fault> {
    let done = enter(&guest, &mut lease, call, &slot).await;
    let state = lease.store.data();
    if state.log.finish() {
        state.outgoing.met(Stop::Log);
    }
    match done {
        Ok(()) => {
            guest.give_back(lease);
            Ok(())
        }
        Err(error) => Err(Fault::from_stop(&error, lease.store.data(), &guest)),
    }
}

async fn enter(guest: &Guest, lease: &mut Lease, call: Call, slot: &Slot) -> wasmtime::Result<()> {
    let ready = &*Arc::clone(&lease.ready);
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
        Entry::Http3(service) => {
            Box::pin(http3(guest, service, &mut lease.store, call, slot)).await
        }
        Entry::Http2(proxy) => Box::pin(http2(guest, proxy, &mut lease.store, call, slot)).await,
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
    let most = guest.limits.field_bytes;
    let settle = |accessor: &_, outcome| settle(accessor, outcome, most);
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
    let most = guest.limits.field_bytes;
    let settle = |accessor: &_, verdict| match verdict {
        Verdict::Answer(outcome) => settle(accessor, outcome, most),
        Verdict::Onward(onward) => Ok(goes_on(onward, most)),
    };
    handled(guest, ready, lease, handler, call, slot, settle).await
}

type Handler<R> = TypedFunc<(Resource<Request>, Context), (Result<R, Failure>,)>;

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
        store,
        instance,
        handler: checked,
        ..
    } = lease;
    let instance = match *instance {
        Some(instance) => instance,
        None => *instance.insert(ready.pre.instantiate_async(&mut *store).await?),
    };
    let before = match checked {
        Some((method, checked)) if *method == call.method => checked.downcast_ref(),
        _ => None,
    };
    let handler: Handler<R> = match before {
        Some(handler) => *handler,
        None => {
            let handler = instance.get_typed_func(&mut *store, handler)?;
            if guest.config.isolation == Isolation::Shared {
                *checked = Some((call.method, Box::new(handler)));
            }
            handler
        }
    };
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
    guest: &Guest,
    service: &ServicePre<State>,
    store: &mut Store<State>,
    call: Call,
    slot: &Slot,
) -> wasmtime::Result<()> {
    let most = guest.limits.field_bytes;
    let service = service.instantiate_async(&mut *store).await?;
    store
        .run_concurrent(async |accessor| {
            let request = admit(accessor, call.request)?;
            let handled = service
                .wasi_http_handler()
                .call_handle(accessor, request)
                .await?;
            slot.put(match handled {
                Ok(response) => streamed(accessor, response, most)?,
                Err(error) => Err(foreign(&error)),
            });
            rest(accessor).await;
            Ok(())
        })
        .await?
}

async fn http2(
    guest: &Guest,
    proxy: &ProxyPre<State>,
    store: &mut Store<State>,
    call: Call,
    slot: &Slot,
) -> wasmtime::Result<()> {
    let most = guest.limits.field_bytes;
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
                within_limits(response, most)
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
