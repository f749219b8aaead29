//! The one walk of a request, with every branch on this screen.
//!
//! In: a request as hyper read it, the app it belongs to, and who sent it. Out: the response. Every other room answers one question.

mod admit;
mod client;
mod conditional;
mod configured;
mod elsewhere;
mod failure;
mod file;
mod finish;
mod handle;
mod own;
mod proxy;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use http::{HeaderName, HeaderValue};
use waystation_rules::method::{self, Dispatch, Method, Methods};
use waystation_rules::path::{self, Normal, Path};

use crate::app::{App, Handler};
use crate::http::{Response, Upload};
use crate::sandbox::{Asker, Asks};
use crate::telemetry::{Record, RequestId};
use configured::{Added, Resolved};
use elsewhere::Leader;
use failure::Refusal;
use proxy::{Passage, Passed};

/// Names the request to the client, as the log does.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers one request, which `asker` makes.
pub async fn respond(app: Arc<App>, asker: Asker, request: http::Request<Upload>) -> Response {
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
    mut request: http::Request<Upload>,
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
    let asks = Asks {
        client: Arc::clone(&policy.outbound),
        own: Arc::clone(app) as _,
        asker,
    };
    let mut passage = Passage {
        cookies: handle::cookies(request.headers()),
        request,
        path: &path,
        inside: policy.rules.base().strip(&path),
        query: uri.query().map(Cow::Borrowed),
        settled: &settled,
        origin: &policy.origin,
        done: Vec::new(),
        set: Vec::new(),
    };
    let found = loop {
        match configured::resolved(app, &passage, added)? {
            Resolved::Route { found, rewritten } => {
                passage.rewrite(rewritten);
                break found;
            }
            Resolved::Redirect(redirect) => return Ok(finish::redirect(&redirect)),
            Resolved::Proxy { turn, rewritten } => {
                match passage.ask(turn, rewritten, &asks, record, added).await? {
                    Passed::On => {}
                    Passed::Answered(answer) => {
                        let asked = passage.asked().unwrap_or(Method::Post);
                        return Ok(finish::response(answer, asked, passage.has().as_ref())?);
                    }
                    Passed::Other { url } => {
                        return elsewhere::ask(policy, Leader::Proxy, url, passage.request).await;
                    }
                }
            }
            Resolved::Other { url } => {
                return elsewhere::ask(policy, Leader::Rule, url, passage.request).await;
            }
            Resolved::Nothing => return Err(Refusal::NotFound),
        }
    };
    record.route = Some(Arc::clone(&found.route.pattern));
    let guest = match &found.route.handler {
        Handler::Guest(guest) => guest,
        Handler::File(file) => {
            return file::respond(file, passage.request.method(), passage.request.headers()).await;
        }
        Handler::Broken(broken) => return Err(Refusal::Broken(Arc::clone(broken))),
    };

    let implemented = guest.methods();
    let method = match method::dispatch(passage.request.method().as_str(), implemented) {
        Dispatch::Run(method) => method,
        Dispatch::HeadFromGet => Method::Get,
        Dispatch::Allow => return Ok(finish::allow(implemented)),
        Dispatch::NotAllowed | Dispatch::Refused => return Err(Refusal::Method(implemented)),
        Dispatch::Unknown => return Err(Refusal::UnknownMethod),
    };

    let (asked, has) = (passage.asked().unwrap_or(method), passage.has());
    let facts = handle::Facts {
        method,
        params: found.params,
        path: passage.inside.as_ref().map_or("/", Path::as_str),
        query: passage.query.as_deref(),
        cookies: passage.cookies,
        settled: &settled,
        id: record.id,
        origin: &policy.origin,
    };
    let call = handle::call(passage.request, guest, facts)?;
    let started = Instant::now();
    let answer = crate::sandbox::run(guest, call, asks).await;
    record.add_guest_time(started.elapsed());
    Ok(finish::response(answer?, asked, has.as_ref())?)
}
