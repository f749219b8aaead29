//! The one walk of a request, with every branch on this screen.
//!
//! In: a request as hyper read it, the app it belongs to, and who sent it. Out: the response. Every other room answers one question.
//!
//! Its future is written anew for each request, so what few requests come to has a box of its own.

mod admit;
mod again;
mod asked;
mod client;
mod compress;
mod conditional;
mod configured;
mod effects;
mod elsewhere;
mod failure;
mod file;
mod finish;
mod handle;
mod keeping;
mod leaks;
mod listed;
mod noted;
mod own;
mod prerender;
mod proxy;
mod reuse;
mod serve;
mod stand_in;

use std::borrow::Cow;
use std::future::ready;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::Either;
use tokio_util::task::TaskTracker;
use waystation_rules::caching::Keeping;
use waystation_rules::compression::Sent;
use waystation_rules::cors;
use waystation_rules::finish as rules;
use waystation_rules::method::{self, Dispatch, Method, Methods};
use waystation_rules::path::{self, Normal, Path};
use waystation_rules::resolve::Tried;

use crate::app::{App, Handler, Shortcut};
use crate::http::{Response, Upload};
use crate::sandbox::{Asker, Asks, Guest};
use crate::store::Spot;
use crate::telemetry::{Record, RequestId};
use asked::Asked;
use configured::{Added, Resolved};
use elsewhere::Leader;
use failure::Refusal;
use proxy::{Passage, Passed};
use reuse::Wanted;

pub use admit::host;
pub use client::{client, cookie};
pub use failure::{Misdirected, misdirected};
pub use prerender::{Planned, PrerenderError, Prerendered, plan};

/// What the walk of a request leaves for its answer, whatever that is.
#[derive(Default)]
struct Left {
    /// The headers of the operator's rules and of proxies.
    added: Added,
    /// The component of the route that was found, or of the last that did not answer the params.
    guest: Option<Arc<Guest>>,
    /// The kept answer that was found.
    shortcut: Option<Shortcut>,
}

/// Answers one request, which `asker` makes. Work that a guest does after its answer goes to `background`. The future is small; what needs
/// no walk is answered before there is one.
pub fn respond(
    app: Arc<App>,
    asker: Asker,
    request: http::Request<Upload>,
    background: TaskTracker,
) -> impl Future<Output = Response> + Send + use<> {
    let mut record = Record::new(RequestId::new(), &request, asker.client, 0 < asker.depth);
    let is_the_routes_alone = asker.depth == 0 && !app.looks_at_requests();
    let words = match is_the_routes_alone {
        true => again::words(&request),
        false => None,
    };
    if let Some(words) = &words
        && let Some((response, guest)) = again::answer(&app, &asker, words, &mut record)
    {
        let left = Left {
            guest: Some(guest),
            ..Left::default()
        };
        let asked = Asked::of(&request);
        return Either::Left(ready(finished(response, &app, &asked, left, record)));
    }
    // In a box, as hyper moves this several times for each request.
    Either::Right(Box::pin(async move {
        let mut left = Left::default();
        let asked = Asked::of(&request);
        let walked = walked(&app, asker, request, background, &mut record, &mut left);
        let response = walked.await;
        if let (Some(words), Some(shortcut)) = (words, left.shortcut.take()) {
            app.shortcuts.insert(words.text, shortcut);
        }
        finished(response, &app, &asked, left, record)
    }))
}

/// The answer that a walk comes to, or what it says of its failure.
async fn walked(
    app: &Arc<App>,
    asker: Asker,
    request: http::Request<Upload>,
    background: TaskTracker,
    record: &mut Record,
    left: &mut Left,
) -> Response {
    let reader = failure::Reader::of(&app.policy, &request);
    let asks = Asks {
        own: Arc::clone(app) as _,
        asker,
        background,
        draft_mode: false,
        making: None,
        stand_in: stand_in::told(request.headers(), app.policy.test_secret.as_deref()),
    };
    match walk(app, asks, request, record, left).await {
        Ok(response) => response,
        Err(refusal) => {
            if let Some(stop) = refusal.stop() {
                let counts = record.counts.as_ref();
                counts.unwrap_or(&app.counters.others).stopped(stop);
            }
            let response = failure::respond(refusal, &reader, record);
            // What a refusal says of itself stands: a rule must not have an error kept for a year.
            left.added
                .retain(|(name, _)| !response.headers().contains_key(name));
            response
        }
    }
}

/// What is done with every answer.
fn finished(
    mut response: Response,
    app: &App,
    asked: &Asked,
    left: Left,
    record: Record,
) -> Response {
    let cors = left.guest.as_ref();
    if let Some(cors) = cors.and_then(|guest| guest.config().cors.as_ref()) {
        cors.decorate(&asked.headers, response.headers_mut());
    }
    rules::add(left.added, response.headers_mut());
    let sent = match app.policy.compression {
        true => compress::chosen(&response, asked),
        false => Sent::default(),
    };
    conditional::answer(&mut response, asked);
    compress::apply(sent, &mut response, asked);
    if asked.is_head() {
        finish::drop_body(&mut response); // over HTTP/2 hyper would send it
    }
    serve::name_request(response.headers_mut(), record.id);
    record.finish(response, &app.counters.others)
}

async fn walk(
    app: &Arc<App>,
    mut asks: Asks,
    mut request: http::Request<Upload>,
    record: &mut Record,
    left: &mut Left,
) -> Result<Response, Refusal> {
    let policy = &app.policy;
    let length = match *request.method() {
        http::Method::CONNECT => return Err(Refusal::Connect),
        http::Method::TRACE => return Err(Refusal::Method(Methods::ALL)), // M4: no proxy and no other server sees it
        http::Method::OPTIONS if request.uri().path() == "*" => {
            return Ok(finish::allow(Methods::ALL)); // asks about the server, not about a route
        }
        _ => admit::check(&request, policy)?,
    };
    handle::strip(request.headers_mut());
    let uri = request.uri().clone();
    let settled = client::settled(&mut request, &asks.asker, &policy.trust)?;
    let is_trusted = policy.trust.is_proxy(asks.asker.client);
    record.asked_by(settled.client, is_trusted.then(|| request.headers()));
    asks.asker.client = settled.client;
    let is_looked_at = app.looks_at_requests();
    if is_looked_at {
        client::tell(&settled, request.headers_mut());
    }
    let path = match path::normalise(uri.path(), policy.trailing_slash)? {
        Normal::Serve(path) => path,
        Normal::Redirect(path) => return Ok(finish::tidied(&path, uri.query())),
    };
    let mut passage = Passage {
        length,
        cookies: handle::cookies(request.headers()),
        request,
        path: &path,
        inside: policy.rules.base().strip(&path),
        query: uri.query().map(Cow::Borrowed),
        settled: &settled,
        origin: &policy.origin,
        tried: Tried::default(),
        set: Vec::new(),
    };
    asks.draft_mode = effects::is_draft(&policy.kept, &passage.cookies);
    let mut refuser = None;
    let found = loop {
        match configured::resolved(app, &passage, &mut left.added)? {
            Resolved::Route { found, rewritten } => {
                let before = record.route.replace(Arc::clone(&found.route.pattern));
                let counts = std::mem::replace(&mut record.counts, app.counters.route(found.place));
                left.guest = found.route.handler.guest().cloned();
                if listed::answers(&found, &asks).await? {
                    passage.rewrite(rewritten);
                    break found;
                }
                (record.route, record.counts) = (before, counts);
                refuser = left.guest.take();
                passage.tried.routes.push((found.place, found.params));
            }
            Resolved::Redirect(redirect) => return Ok(finish::redirect(&redirect)),
            Resolved::Proxy { turn, rewritten } => {
                record.route = Some(Arc::clone(&turn.proxy.file));
                record.counts = app.counters.proxy(turn.index);
                let passed = passage.ask(turn, rewritten, policy, &asks, record, &mut left.added);
                match Box::pin(passed).await? {
                    Passed::On => {}
                    Passed::Answered(answer) => return Ok(finish::response(answer)?),
                    Passed::Other { url } => {
                        let asked = elsewhere::ask(policy, Leader::Proxy, url, passage.request);
                        return Box::pin(asked).await;
                    }
                }
            }
            Resolved::Other { url } => {
                let asked = elsewhere::ask(policy, Leader::Rule, url, passage.request);
                return Box::pin(asked).await;
            }
            Resolved::Nothing => {
                left.guest = refuser;
                return Err(Refusal::NotFound);
            }
        }
    };
    let guest = match &found.route.handler {
        Handler::Guest(guest) => guest,
        Handler::File(file) => {
            let request = &passage.request;
            let answer = file::respond(
                file,
                request.method(),
                request.headers(),
                policy.compression,
            );
            return answer.await;
        }
        Handler::Broken(broken) => return Err(Refusal::Broken(Arc::clone(broken))),
    };
    passage.length.check(guest.limits())?;
    let implemented = guest.methods();
    let method = match method::dispatch(passage.request.method().as_str(), implemented) {
        Dispatch::Run(method) => method,
        Dispatch::HeadFromGet => Method::Get,
        Dispatch::Allow => {
            let mut response = finish::allow(implemented);
            let cors = guest.config().cors.as_ref();
            if let Some(cors) = cors.filter(|_| cors::is_preflight(passage.request.headers())) {
                cors.preflight(
                    passage.request.headers(),
                    implemented,
                    response.headers_mut(),
                );
            }
            return Ok(response);
        }
        Dispatch::NotAllowed | Dispatch::Refused => return Err(Refusal::Method(implemented)),
        Dispatch::Unknown => return Err(Refusal::UnknownMethod),
    };

    let keeping = match method {
        Method::Get => keeping::for_request(app, found.route, guest, record),
        _ => Keeping::Never,
    };
    if keeping != Keeping::Never && !asks.goes_past_kept() {
        let wanted = Wanted {
            app,
            guest,
            keeping,
            pattern: found.pattern,
            params: &found.params,
            asks: &asks,
        };
        if let Some((response, found_by)) = wanted.answer(record).await? {
            left.shortcut = found_by.map(|key| Shortcut {
                guest: Arc::clone(guest),
                pattern: Arc::clone(&found.route.pattern),
                counts: record.counts.clone(),
                key,
                spot: Spot::default(),
            });
            return Ok(response);
        }
    }

    let facts = handle::Facts {
        method,
        params: found.params,
        path: passage.inside.as_ref().map_or("/", Path::as_str),
        query: passage.query.as_deref(),
        cookies: passage.cookies,
        settled: &settled,
        id: record.id,
        scheme: asks.asker.scheme,
        origin: &policy.origin,
        draft_mode: asks.draft_mode,
    };
    if !is_looked_at {
        client::tell(&settled, passage.request.headers_mut());
    }
    let call = handle::call(passage.request, guest, facts)?;
    let is_draft = asks.draft_mode;
    let twin = leaks::twin(policy.leaks.as_ref(), guest, &call, &asks);
    let started = Instant::now();
    let answer = crate::sandbox::run(guest, call, asks).await;
    record.add_guest_time(started.elapsed());
    let mut answer = match answer {
        Ok(answer) => answer,
        Err(fault) => {
            if let (Some(twin), Some(shared)) = (twin, leaks::failed(&fault)) {
                Box::pin(twin.compare(shared)).await;
            }
            return Err(fault.into());
        }
    };
    let twin = twin.filter(|_| leaks::is_repeatable(&answer.effects));
    effects::settle(policy, &mut answer.effects, guest.route(), record.id).await;
    let mut response = match method {
        Method::Head => finish::head(answer)?,
        _ => finish::response(answer)?,
    };
    if let (Some(twin), Some(shared)) = (twin, leaks::seen(&response)) {
        Box::pin(twin.compare(shared)).await;
    }
    match keeping {
        _ if is_draft => finish::secret(response.headers_mut()), // D3
        Keeping::Never => {}
        _ => finish::not_kept(response.headers_mut()),
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It is written anew for each request: with 15 KB, kept answers were served at two thirds of the rate. hyper moves what has a box.
    #[test]
    fn the_future_of_a_request_is_small() {
        let size = size_of_future(walk);
        assert!(size < 8 << 10, "{size} bytes");
        let size = size_of_answer(respond);
        assert!(size < 512, "{size} bytes");
    }

    fn size_of_future<'a, F: Future>(
        _: impl Fn(&'a Arc<App>, Asks, http::Request<Upload>, &'a mut Record, &'a mut Left) -> F,
    ) -> usize {
        size_of::<F>()
    }

    fn size_of_answer<A, B, C, D, F: Future>(_: impl Fn(A, B, C, D) -> F) -> usize {
        size_of::<F>()
    }
}
