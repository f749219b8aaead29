//! The one walk of a request, with every branch on this screen.
//!
//! In: a request as hyper read it, the app it belongs to, and who sent it. Out: the response. Every other room answers one question.

mod admit;
mod failure;
mod finish;
mod handle;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use http::{HeaderName, HeaderValue};
use hyper::body::Incoming;
use waystation_rules::method::{self, Dispatch, Method, Methods};
use waystation_rules::path::{self, Normal};

use crate::app::App;
use crate::http::Response;
use crate::telemetry::{Record, RequestId};
use failure::Refusal;
use handle::Facts;

/// Names the request to the client, as the log does.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers one request.
pub async fn respond(app: Arc<App>, client: IpAddr, request: http::Request<Incoming>) -> Response {
    let mut record = Record::new(RequestId::new(), request.method(), request.uri());
    let reader = failure::Reader::of(&app.policy, &request);
    let mut response = match walk(&app, client, request, &mut record).await {
        Ok(response) => response,
        Err(refusal) => failure::respond(refusal, &reader, &record),
    };
    if let Ok(id) = HeaderValue::try_from(record.id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    record.finish(response.status());
    response
}

async fn walk(
    app: &App,
    client: IpAddr,
    request: http::Request<Incoming>,
    record: &mut Record,
) -> Result<Response, Refusal> {
    match *request.method() {
        http::Method::CONNECT => return Err(Refusal::Connect),
        http::Method::OPTIONS if request.uri().path() == "*" => {
            return Ok(finish::allow(Methods::ALL)); // asks about the server, not about a route
        }
        _ => admit::check(&request, &app.policy)?,
    }
    let uri = request.uri().clone();
    let path = match path::normalise(uri.path(), app.policy.trailing_slash)? {
        Normal::Serve(path) => path,
        Normal::Redirect(path) => return Ok(finish::redirect(&path, request.uri().query())),
    };
    let found = app.table.find(&path)?.ok_or(Refusal::NotFound)?;
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
    let facts = Facts {
        method,
        params: found.params,
        path: path.as_str(),
        client,
        id: record.id,
        origin: &app.policy.origin,
    };
    let call = handle::call(request, guest, facts)?;
    let started = Instant::now();
    let answer = crate::sandbox::run(guest, call).await;
    record.guest_time = Some(started.elapsed());
    Ok(finish::response(answer?, asked)?)
}
