//! Asks a proxy about a request, and does to the request what it says (rows PX5 to PX10).
//!
//! In: the proxy whose turn it is. Out: whether the request goes on, and as what. Which proxy that is and what a proxy may change is
//! `waystation_rules::proxy`'s to say.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use http::header::LOCATION;
use http::uri::Authority;
use http::{HeaderName, HeaderValue, Request, Uri, request};
use waystation_rules::admit::Length;
use waystation_rules::cookies::{self, SetCookie};
use waystation_rules::destination::Target;
use waystation_rules::forwarded::Settled;
use waystation_rules::method::Method;
use waystation_rules::path::Path;
use waystation_rules::proxy::{self, Turn};
use waystation_rules::resolve::{Rewritten, Tried};

use super::configured::{self, Added};
use super::failure::Refusal;
use super::{effects, finish, handle};
use crate::app::{Policy, Proxy};
use crate::http::{RequestBody, Upload};
use crate::sandbox::{Answer, Asks, Fault, Onward};
use crate::telemetry::Record;

/// A request on its way past the proxies, as it is now.
pub(super) struct Passage<'a> {
    pub(super) request: Request<Upload>,
    /// How long it was as it was asked.
    pub(super) length: Length,
    /// The path from the root of the host, as it was asked.
    pub(super) path: &'a Path<'a>,
    /// The path below the base path, or what a rewrite made of it; none if it is not below it.
    pub(super) inside: Option<Path<'a>>,
    /// The query, still encoded.
    pub(super) query: Option<Cow<'a, str>>,
    /// The request's cookies, and those that proxies have set for its answer (row C18).
    pub(super) cookies: Vec<(String, String)>,
    /// Who asks, and how.
    pub(super) settled: &'a Settled,
    /// What `request.url` calls this host, unless a trusted proxy knows better.
    pub(super) origin: &'a Authority,
    /// What was found for it before.
    pub(super) tried: Tried,
    /// The cookies that proxies have set.
    pub(super) set: Vec<SetCookie>,
}

/// What becomes of a request after a proxy.
pub(super) enum Passed {
    /// It goes on, perhaps as another.
    On,
    /// It is answered.
    Answered(Answer),
    /// It goes on to another server.
    Other {
        /// An absolute URL on the origin that the proxy named.
        url: String,
    },
}

impl Passage<'_> {
    /// Goes on as what a rewrite made of the request.
    pub(super) fn rewrite(&mut self, rewritten: Option<Rewritten>) {
        if let Some(Rewritten { path, query }) = rewritten {
            self.inside = Some(path);
            self.query = query.map(Cow::Owned);
        }
    }

    /// Asks the proxy whose turn it is; `rewritten` is what the operator's rules have made of the request.
    pub(super) async fn ask(
        &mut self,
        turn: Turn<'_, Proxy>,
        rewritten: Option<Rewritten>,
        policy: &Policy,
        asks: &Asks,
        record: &mut Record,
        added: &mut Added,
    ) -> Result<Passed, Refusal> {
        self.tried.proxies.push(turn.index);
        let guest = turn
            .proxy
            .guest
            .as_ref()
            .map_err(|broken| Refusal::Broken(Arc::clone(broken)))?;
        self.length.check(guest.limits())?;

        let lent = std::mem::take(self.request.body_mut()).lend();
        let body = match handle::takes_body(self.request.method()) {
            true => lent.body(guest.config().body_limit),
            false => RequestBody::none(),
        };
        let (path, query) = match &rewritten {
            Some(rewritten) => (Some(&rewritten.path), rewritten.query.as_deref()),
            None => (self.inside.as_ref(), self.query.as_deref()),
        };
        let facts = handle::Facts {
            method: Method::Get,
            params: turn.params,
            path: path.map_or("/", Path::as_str),
            query,
            cookies: self.cookies.clone(),
            settled: self.settled,
            id: record.id,
            scheme: asks.asker.scheme,
            origin: self.origin,
            draft_mode: asks.draft_mode,
        };
        let call = handle::told(head(&self.request), body, facts)?;
        let origin = origin(call.request.uri());
        let started = Instant::now();
        let answer = crate::sandbox::run(guest, call, asks.clone()).await;
        record.add_guest_time(started.elapsed());
        *self.request.body_mut() = lent.take_back();

        let mut answer = answer?;
        effects::settle(policy, &mut answer.effects, guest.route(), record.id).await;
        match answer.onward.take() {
            None => Ok(Passed::Answered(on_this_host(answer, &origin))),
            Some(onward) => {
                let passed = self.go_on(*onward, answer, &origin, record, added)?;
                (record.route, record.counts) = (None, None); // the proxy's part is over
                Ok(passed)
            }
        }
    }

    fn go_on(
        &mut self,
        onward: Onward,
        mut answer: Answer,
        origin: &str,
        record: &Record,
        added: &mut Added,
    ) -> Result<Passed, Refusal> {
        let headers = answer.response.headers_mut();
        finish::check(&answer.effects.cookies)?;
        finish::strip(headers);
        finish::merge(headers, &answer.effects.cookies);
        configured::also(added, headers);

        for (name, value) in onward.request_headers {
            self.change(name, value, record);
        }
        self.cookies = handle::cookies(self.request.headers());
        self.set.extend(answer.effects.cookies);
        cookies::overlay(&mut self.cookies, &self.set);

        let Some(rewrite) = onward.rewrite else {
            return Ok(Passed::On);
        };
        match proxy::target(&rewrite, origin) {
            Ok(Target::Own { path, query }) => self.rewrite(Some(Rewritten { path, query })),
            Ok(Target::Other { url }) => return Ok(Passed::Other { url }),
            Err(error) => {
                let fault = Fault::Answer(format!("it rewrites to `{rewrite}`: {error}"));
                return Err(fault.into());
            }
        }
        Ok(Passed::On)
    }

    fn change(&mut self, name: HeaderName, value: Option<HeaderValue>, record: &Record) {
        let headers = self.request.headers_mut();
        match value {
            Some(_) if !proxy::may_change(name.as_str()) => tracing::warn!(
                "{} {}: `{name}` of the request is not a proxy's to set; it stays as it is",
                record.route(),
                record.id
            ),
            Some(value) => drop(headers.insert(name, value)),
            None if proxy::may_change(name.as_str()) => drop(headers.remove(name)),
            None => {} // such as where a proxy hands on a list of headers of its own
        }
    }
}

/// A proxy's answer, which sends a client that it redirects to this host by the path alone (row PX8).
fn on_this_host(mut answer: Answer, origin: &str) -> Answer {
    let headers = answer.response.headers_mut();
    if let Some(location) = headers.get(LOCATION).and_then(|value| value.to_str().ok())
        && let Ok(relative) = HeaderValue::try_from(proxy::relative(location, origin))
    {
        headers.insert(LOCATION, relative);
    }
    answer
}

/// The head of a request, for a proxy: the request itself stays.
fn head(request: &Request<Upload>) -> request::Parts {
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = request.method().clone();
    parts.uri = request.uri().clone();
    parts.headers = request.headers().clone();
    parts
}

/// What `request.url` calls this host.
fn origin(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    let authority = uri.authority().map_or("", Authority::as_str);
    format!("{scheme}://{authority}")
}
