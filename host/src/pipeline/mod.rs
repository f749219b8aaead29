//! The one walk of a request, with every branch on this screen.
//!
//! In: a request as hyper read it, the app it belongs to, and who sent it. Out: the response. Every other room answers one question.

mod admit;
mod client;
mod conditional;
mod configured;
mod elsewhere;
mod failure;
mod finish;
mod handle;
mod own;

use std::sync::Arc;
use std::time::Instant;

use headers::{HeaderMapExt as _, IfNoneMatch};
use http::{HeaderName, HeaderValue};
use waystation_rules::method::{self, Dispatch, Method, Methods};
use waystation_rules::path::{self, Normal};
use waystation_rules::resolve::Resolved;

use crate::app::App;
use crate::http::{RequestBody, Response};
use crate::sandbox::{Asker, Asks};
use crate::telemetry::{Record, RequestId};
use configured::Added;
use failure::Refusal;

/// Names the request to the client, as the log does.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers one request, which `asker` makes.
pub async fn respond(app: Arc<App>, asker: Asker, request: http::Request<RequestBody>) -> Response {
    let mut record = Record::new(RequestId::new(), request.method(), request.uri());
    let reader = failure::Reader::of(&app.policy, &request);
    let is_head = request.method() == http::Method::HEAD;
    let mut added = Added::new();
    let mut response = match walk(&app, asker, request, &mut record, &mut added).await {
        Ok(response) => response,
        Err(refusal) => {
            let response = failure::respond(refusal, &reader, &record);
            // What a refusal says of itself stands: a rule must not have an error kept for a year.
            added.retain(|(name, _)| !response.headers().contains_key(name));
            response
        }
    };
    configured::add(added, response.headers_mut());
    if is_head {
        finish::drop_body(&mut response); // over HTTP/2 hyper would send it
    }
    if let Ok(id) = HeaderValue::try_from(record.id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    record.finish(response.status());
    response
}

async fn walk(
    app: &Arc<App>,
    asker: Asker,
    mut request: http::Request<RequestBody>,
    record: &mut Record,
    added: &mut Added,
) -> Result<Response, Refusal> {
    let policy = &app.policy;
    match *request.method() {
        http::Method::CONNECT => return Err(Refusal::Connect),
        http::Method::OPTIONS if request.uri().path() == "*" => {
            return Ok(finish::allow(Methods::ALL)); // asks about the server, not about a route
        }
        _ => admit::check(&request, policy)?,
    }
    handle::strip(request.headers_mut());
    let uri = request.uri().clone();
    let host = admit::host(&request);
    let settled = client::settled(request.headers_mut(), asker.client, &host, &policy.trust)?;
    let path = match path::normalise(uri.path(), policy.trailing_slash)? {
        Normal::Serve(path) => path,
        Normal::Redirect(path) => return Ok(finish::tidied(&path, uri.query())),
    };
    let cookies = handle::cookies(request.headers());
    let inside = policy.rules.base().strip(&path);
    let asked = configured::Facts {
        path: &path,
        inside: inside.as_ref(),
        query: uri.query(),
        host: &settled.host,
        headers: request.headers(),
        cookies: &cookies,
    };
    let resolved;
    (resolved, *added) = configured::resolved(&policy.rules, &app.table, &asked)?;
    let (found, rewritten) = match resolved {
        Resolved::Route { found, rewritten } => (found, rewritten),
        Resolved::Redirect(redirect) => return Ok(finish::redirect(&redirect)),
        Resolved::Other { url } => {
            return elsewhere::ask(&policy.outbound, &policy.limits, url, request).await;
        }
        Resolved::Nothing => return Err(Refusal::NotFound),
    };
    let (path, query) = match &rewritten {
        Some(rewritten) => (Some(&rewritten.path), rewritten.query.as_deref()),
        None => (inside.as_ref(), uri.query()),
    };
    record.route = Some(Arc::clone(&found.route.pattern));
    let guest = found
        .route
        .guest
        .as_ref()
        .map_err(|broken| Refusal::Broken(Arc::clone(broken)))?;

    let implemented = guest.methods();
    let method = match method::dispatch(request.method().as_str(), implemented) {
        Dispatch::Run(method) => method,
        Dispatch::HeadFromGet => Method::Get,
        Dispatch::Allow => return Ok(finish::allow(implemented)),
        Dispatch::NotAllowed | Dispatch::Refused => return Err(Refusal::Method(implemented)),
        Dispatch::Unknown => return Err(Refusal::UnknownMethod),
    };

    let asked = if request.method() == http::Method::HEAD {
        Method::Head
    } else {
        method
    };
    let facts = handle::Facts {
        method,
        params: found.params,
        path: path.map_or("/", path::Path::as_str),
        query,
        cookies,
        settled: &settled,
        id: record.id,
        origin: &policy.origin,
    };
    let has = request.headers().typed_get::<IfNoneMatch>();
    let call = handle::call(request, guest, facts)?;
    let asks = Asks {
        client: Arc::clone(&policy.outbound),
        own: Arc::clone(app) as _,
        asker,
    };
    let started = Instant::now();
    let answer = crate::sandbox::run(guest, call, asks).await;
    record.guest_time = Some(started.elapsed());
    Ok(finish::response(answer?, asked, has.as_ref())?)
}
