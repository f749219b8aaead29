//! Answers a GET from what is kept, or has it made to be kept.
//!
//! In: a route whose answers are kept, and its params. Out: the answer, or that the route reads the request and has to be asked with it.
//!
//! **A kept answer is made from a request without cookies, headers, query and body**, so it cannot hold one visitor's data whatever the
//! guest does. A guest that asked for them has said so; then its answer is thrown away.

use std::sync::Arc;
use std::time::Instant;

use http::header::{CACHE_CONTROL, ETAG, HOST};
use http::response::Parts;
use http::{HeaderValue, Request, StatusCode};
use waystation_rules::caching::{self, Keeping, Life, NotKept, Served, State, cache_control};
use waystation_rules::method::Method;
use waystation_rules::pattern::RoutePattern;
use waystation_rules::table::Param;

use super::conditional;
use super::failure::Refusal;
use super::noted::{dynamic, note};
use super::serve::serve;
use super::{effects, finish};
use crate::app::App;
use crate::http::{Body, Collected, RequestBody, Response, collect, whole};
use crate::sandbox::{Asks, Call, Fault, Guest, Making};
use crate::store::{Entry, Flight, Kind, Landed, PATIENCE, Prepared};
use crate::telemetry::{Record, RequestId};

/// Bytes of an answer that is kept.
const LARGEST: usize = 8 << 20;

/// A route whose answers are kept, with its params.
#[derive(Clone)]
pub(super) struct Reuse {
    app: Arc<App>,
    guest: Arc<Guest>,
    keeping: Keeping,
    pattern: RoutePattern,
    pub(super) params: Vec<Param>,
    /// What of the app's is asked while the answer is made.
    asks: Asks,
    key: Arc<str>,
}

/// What came of making an answer.
pub(super) enum Made {
    /// It is kept.
    Kept(Arc<Entry>),
    /// It is not, and is good for one request.
    Once(Response, NotKept),
    /// The guest has to be asked with the request itself.
    Dynamic(NotKept),
}

/// A request for it. `keeping` is not [`Keeping::Never`].
pub(super) struct Wanted<'a> {
    pub(super) app: &'a Arc<App>,
    pub(super) guest: &'a Arc<Guest>,
    pub(super) keeping: Keeping,
    pub(super) pattern: &'a RoutePattern,
    pub(super) params: &'a [Param],
    pub(super) asks: &'a Asks,
}

impl Wanted<'_> {
    /// The kept answer with what it was found under, or another one; nothing if the guest has to be asked with the request itself.
    ///
    /// # Errors
    ///
    /// What kept the guest from answering (row I7).
    pub(super) async fn answer(
        self,
        record: &mut Record,
    ) -> Result<Option<(Response, Option<String>)>, Refusal> {
        let key = self.key();
        if self.guest.is_dynamic(&key) {
            record.tell_kept(|| dynamic(self.guest.why_dynamic(&key)));
            return Ok(None);
        }
        let store = &self.app.policy.kept.store;
        match store.get(&key).await {
            Some((entry, State::Fresh)) => {
                note(Served::Hit, self.guest, record);
                let response = serve(&entry, Served::Hit, store.now());
                Ok(Some((response, Some(key))))
            }
            _ => {
                let answer = Box::pin(self.reuse(key).answer(record)).await?;
                Ok(answer.map(|response| (response, None)))
            }
        }
    }

    fn key(&self) -> String {
        let (app, guest) = (&self.app.policy.kept.app, self.guest);
        caching::answer_key(app, guest.release(), guest.route(), self.params)
    }

    /// The same to go on with when the request is over.
    pub(super) fn owned(&self) -> Reuse {
        self.reuse(self.key())
    }

    fn reuse(&self, key: String) -> Reuse {
        Reuse {
            app: Arc::clone(self.app),
            guest: Arc::clone(self.guest),
            keeping: self.keeping,
            pattern: self.pattern.clone(),
            params: self.params.to_vec(),
            asks: self.asks.clone(),
            key: key.into(),
        }
    }
}

impl Reuse {
    async fn answer(self, record: &mut Record) -> Result<Option<Response>, Refusal> {
        if let Some(response) = self.kept(record).await {
            return Ok(Some(response));
        }
        let store = &self.app.policy.kept.store;
        let flight = match self.asks.asker.depth {
            0 => Some(store.flight(&self.key).await),
            _ => store.try_flight(&self.key), // who asks may be the one that is made: nobody waits for himself
        };
        if self.guest.is_dynamic(&self.key) {
            land(flight, Some(Landed::NotKept));
            record.tell_kept(|| dynamic(self.guest.why_dynamic(&self.key)));
            return Ok(None);
        }
        if let Some(response) = self.kept(record).await {
            land(flight, Some(Landed::Kept));
            return Ok(Some(response));
        }
        let started = Instant::now();
        let made = match self.make(record.id).await {
            // What a handler reads before it panics is not told; with the request it may be another story.
            Err(Refusal::Fault(fault)) if fault.is_trap() && self.keeping == Keeping::IfUnread => {
                Ok(Made::Dynamic(NotKept::Stopped))
            }
            made => made,
        };
        record.add_guest_time(started.elapsed());
        land(flight, self.landed(&made));
        match made? {
            Made::Kept(entry) => {
                note(Served::Miss, &self.guest, record);
                Ok(Some(serve(&entry, Served::Miss, store.now())))
            }
            Made::Once(response, reason) => {
                record.tell_kept(|| format!("not kept: {reason}").into());
                let (parts, body) = response.into_parts();
                let body = match body {
                    Body::Whole(bytes) => Body::Whole(self.guest.charged(bytes)?),
                    stream @ Body::Stream(_) => stream,
                };
                Ok(Some(Response::from_parts(parts, body)))
            }
            Made::Dynamic(reason) => {
                record.tell_kept(|| dynamic(Some(reason)));
                Ok(None)
            }
        }
    }

    /// What is kept, if it is still good; a stale answer is made anew behind it.
    async fn kept(&self, record: &mut Record) -> Option<Response> {
        let store = &self.app.policy.kept.store;
        let (entry, state) = store.get(&self.key).await?;
        let now = store.now();
        if state == State::Stale
            && entry.times.may_refresh(now)
            && let Some(flight) = store.try_flight(&self.key)
        {
            self.clone().refresh(Arc::clone(&entry), flight);
        }
        let served = Served::of(state);
        note(served, &self.guest, record);
        Some(serve(&entry, served, now))
    }

    /// Rows I3 and I6: whoever asks meanwhile gets the old one, and keeps it if there can be no new one.
    fn refresh(self, old: Arc<Entry>, flight: Flight) {
        let background = self.asks.background.clone();
        background.spawn(async move {
            let store = &self.app.policy.kept.store;
            let Some(flight) = store.renewal(&old, flight, PATIENCE).await else {
                return;
            };
            let id = RequestId::new();
            let made = self.make(id).await;
            let landed = self.landed(&made);
            match made {
                Ok(Made::Kept(_)) => {}
                Ok(Made::Once(_, reason) | Made::Dynamic(reason)) if reason.is_failure() => {
                    store.postpone(&old);
                    tracing::error!("{} {id}: the old answer stays: {reason}", old.label);
                }
                Ok(Made::Once(_, reason) | Made::Dynamic(reason)) => {
                    tracing::info!("{} {id}: no longer kept: {reason}", old.label);
                    store.remove(&self.key).await;
                }
                // As an answer below 500 is: what was there before may have been withdrawn.
                Err(Refusal::Fault(Fault::Handler {
                    status: status @ 400..500,
                    ..
                })) => {
                    tracing::info!("{} {id}: no longer kept: its status is {status}", old.label);
                    store.remove(&self.key).await;
                }
                Err(error) => {
                    if let Some(stop) = error.stop() {
                        let counts = &self.app.policy.counts;
                        counts.route(self.guest.route()).stopped(stop);
                    }
                    store.postpone(&old);
                    tracing::error!("{} {id}: the old answer stays: {error}", old.label);
                }
            }
            land(Some(flight), landed);
        });
    }

    /// What it means to those who wait. Nothing if there was no place to make it in: the next of them tries.
    fn landed(&self, made: &Result<Made, Refusal>) -> Option<Landed> {
        match made {
            Ok(Made::Kept(entry)) if self.app.policy.kept.store.holds(entry) => Some(Landed::Kept),
            Err(Refusal::Fault(Fault::Busy(_) | Fault::RouteBusy(_))) => None,
            _ => Some(Landed::NotKept),
        }
    }

    /// Runs the handler without the request, and keeps its answer if that may be kept.
    pub(super) async fn make(&self, id: RequestId) -> Result<Made, Refusal> {
        let policy = &self.app.policy;
        let store = &policy.kept.store;
        let began = store.begin();
        let making = Arc::new(Making::default());
        let asks = self.asks.clone().for_everybody(Arc::clone(&making));
        let call = self.call(id)?;
        let mut answer = match crate::sandbox::run(&self.guest, call, asks).await {
            Ok(answer) => answer,
            Err(fault) => return self.failed(fault),
        };
        if !answer.reads.is_empty() && self.keeping != Keeping::Forced {
            return self.dynamic(NotKept::Read(answer.reads));
        }
        let changes = !answer.effects.lapses.is_empty() || answer.effects.draft_mode.is_some();
        effects::settle(policy, &mut answer.effects, self.guest.route(), id).await;
        let response = finish::response(answer)?;
        let (mut parts, body) = response.into_parts();
        let made = making.made();
        let reason = caching::storable(parts.status.as_u16(), &parts.headers);
        let reason = match reason {
            Err(reason) => Some(reason),
            Ok(()) if changes => Some(NotKept::Changes), // V10
            Ok(()) => self.of_parts(made.not_kept),
        };
        if let Some(reason) = reason {
            return self.once(parts, body, reason);
        }
        let body = match collect(body, LARGEST).await {
            Ok(Collected::Whole(body)) => body,
            Ok(Collected::Longer(body)) => {
                let body = Body::Stream(Box::pin(body));
                return self.once(parts, body, NotKept::Size(LARGEST));
            }
            Err(error) => return Err(Fault::Answer(format!("its body failed: {error}")).into()),
        };
        let made = making.made(); // a stream goes on asking and reading until its end
        if !made.reads.is_empty() && self.keeping != Keeping::Forced {
            return self.dynamic(NotKept::Read(made.reads));
        }
        if let Some(reason) = self.of_parts(made.not_kept) {
            return self.once(parts, whole(body), reason);
        }
        name(&mut parts, &body);
        let life = Life::of(self.guest.config().revalidate, policy.kept.expire_time);
        let life = life.shortest(made.life);
        if !parts.headers.contains_key(CACHE_CONTROL) // I8
            && let Ok(line) = HeaderValue::try_from(cache_control(life))
        {
            parts.headers.insert(CACHE_CONTROL, line);
        }
        let path = self.path();
        let mut tags = caching::of_answer(&self.pattern, &path);
        tags.extend(made.tags);
        let entry = Entry {
            key: Arc::clone(&self.key),
            kind: Kind::Answer,
            label: path,
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
            tags,
            life,
            times: life.times(began, store.now()),
            prepared: Prepared::default(),
        };
        Ok(Made::Kept(store.put(entry).await))
    }

    /// The path that these params are found by.
    pub(super) fn path(&self) -> String {
        caching::params::path(&self.pattern, &self.params)
    }

    fn failed(&self, fault: Fault) -> Result<Made, Refusal> {
        match (self.keeping, &fault) {
            (Keeping::IfUnread | Keeping::Required, Fault::Handler { reads, .. })
                if !reads.is_empty() =>
            {
                self.dynamic(NotKept::Read(*reads))
            }
            _ => Err(fault.into()),
        }
    }

    /// Why an answer is not kept of which a part is not (section 11.2). `force-static` keeps it all the same.
    fn of_parts(&self, not_kept: Option<NotKept>) -> Option<NotKept> {
        not_kept.filter(|_| self.keeping != Keeping::Forced)
    }

    /// Whether the route says that its answers are static.
    pub(super) fn is_required(&self) -> bool {
        self.keeping == Keeping::Required
    }

    /// An answer that may not be kept is given once, but where the route says that its answers are static. One that is an error is what it is.
    fn once(&self, mut parts: Parts, body: Body, reason: NotKept) -> Result<Made, Refusal> {
        if self.is_required() && !matches!(reason, NotKept::Status(_)) {
            return Err(Refusal::NotStatic(reason)); // Y5
        }
        finish::not_kept(&mut parts.headers);
        Ok(Made::Once(Response::from_parts(parts, body), reason))
    }

    fn dynamic(&self, reason: NotKept) -> Result<Made, Refusal> {
        if self.is_required() {
            return Err(Refusal::NotStatic(reason)); // Y5
        }
        self.guest.set_dynamic(&self.key, reason.clone());
        Ok(Made::Dynamic(reason))
    }

    /// The call without anything of a client's (row Q17).
    fn call(&self, id: RequestId) -> Result<Call, http::Error> {
        let policy = &self.app.policy;
        let (scheme, origin) = (policy.scheme.as_str(), policy.origin.as_str());
        let path = self.path();
        let request = Request::get(format!("{scheme}://{origin}{path}")).header(HOST, origin);
        Ok(Call {
            method: Method::Get,
            request: request.body(RequestBody::none())?,
            request_id: id.to_string(),
            params: self.params.clone(),
            cookies: Vec::new(),
            client_address: String::new(),
            draft_mode: false,
        })
    }
}

/// Tells those who wait, if there is something to tell.
fn land(flight: Option<Flight>, landed: Option<Landed>) {
    if let (Some(flight), Some(landed)) = (flight, landed) {
        flight.land(landed);
    }
}

/// Names the content once, so that no request has to.
fn name(parts: &mut Parts, body: &[u8]) {
    if parts.status == StatusCode::OK
        && !body.is_empty()
        && !parts.headers.contains_key(ETAG)
        && let Ok(name) = HeaderValue::try_from(conditional::name(body))
    {
        parts.headers.insert(ETAG, name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_how_much_is_kept() {
        crate::telemetry::limits_page::says("kept answer", LARGEST as u64);
    }
}
