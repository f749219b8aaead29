//! What a guest asks of others: of its own app and of its store without the network, of other servers through the app's client.

use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;

use http::Uri;
use http::uri::PathAndQuery;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};
use waystation_rules::caching::{self, FETCH_HEADER, FetchWords, NotKept, Plan, STORE};
use waystation_rules::forwarded::Scheme;
use waystation_rules::outbound::{self, Patience, Refused};
use waystation_rules::segment::{FetchCache, SegmentConfig};
use waystation_rules::stand_in::StandIn;

use super::fetch_cache::{self, Keep};
use super::guest::Guest;
use super::held::Held;
use super::making::Making;
use super::requests::Requests;
use super::state::PIECE;
use super::values::{self, Asking};
use super::way::{Received, Way};
use crate::http::{Response, Upload};
use crate::outbound::Client;
use crate::store::Kept;
use crate::telemetry::{AppCounts, Stop};

/// Requests that handlers of one app may make of each other for one request of a client.
const MOST_NESTED: u8 = 8;
/// Requests to the store that one request may make.
const MOST_STORED: usize = 1_000;

/// Who is asked by a guest, and for whom.
#[derive(Clone)]
pub struct Asks {
    /// The app.
    pub own: Arc<dyn OwnRoutes>,
    /// For whom.
    pub asker: Asker,
    /// Takes what guests go on with when their answers have gone.
    pub background: TaskTracker,
    /// The client is in draft mode: nothing kept is used for it (row FC14).
    pub draft_mode: bool,
    /// What the answer being made is made of, if it is made to be kept.
    pub making: Option<Arc<Making>>,
    /// What a test stands in for.
    pub stand_in: Option<Arc<StandIn>>,
}

impl Asks {
    /// The same for something that is made for everybody, of what `making` notes: on nobody's behalf.
    #[must_use]
    pub fn for_everybody(self, making: Arc<Making>) -> Self {
        Self {
            asker: self.asker.nobody(),
            draft_mode: false,
            making: Some(making),
            ..self
        }
    }

    /// Whether nothing kept is given and nothing is kept: for a client in draft mode, and for a test that stands in for what is asked.
    #[must_use]
    pub fn goes_past_kept(&self) -> bool {
        self.draft_mode || self.stand_in.is_some()
    }
}

/// On whose behalf a request is made.
#[derive(Clone)]
pub struct Asker {
    /// The client's address.
    pub client: IpAddr,
    /// How the client speaks to this host.
    pub scheme: Scheme,
    /// How many handlers stand between: 0 for a request of the client's own.
    pub depth: u8,
    /// The requests of the handler that asks, of which those are that are made to answer it; none for a client.
    pub(super) above: Option<Arc<Requests>>,
}

impl Asker {
    /// A client of this host.
    #[must_use]
    pub fn client(client: IpAddr, scheme: Scheme) -> Self {
        Self {
            client,
            scheme,
            depth: 0,
            above: None,
        }
    }

    /// The same on nobody's behalf, for what is made for everybody.
    #[must_use]
    pub fn nobody(self) -> Self {
        let client = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self { client, ..self }
    }
}

/// The app that a guest belongs to.
pub trait OwnRoutes: Send + Sync {
    /// Whether a URL is one of its own, so that no server has to be asked.
    fn is_own(&self, url: &Uri) -> bool;

    /// The app's way to other servers.
    fn client(&self) -> &Arc<Client>;

    /// What it keeps.
    fn kept(&self) -> &Kept;

    /// What is counted of it.
    fn counts(&self) -> &Arc<AppCounts>;

    /// Answers as it would a client.
    fn ask(
        self: Arc<Self>,
        request: http::Request<Upload>,
        asker: Asker,
        background: TaskTracker,
    ) -> Pin<Box<dyn Future<Output = Response> + Send>>;
}

/// The requests of one call.
pub(super) struct Outgoing {
    asks: Option<Asks>,
    /// Requests to the store that may still be made.
    stored: usize,
    /// When the call began, in milliseconds since the epoch: what it makes is of then.
    began: u64,
    /// The same by a clock that nobody sets.
    started: Instant,
    /// The values that it makes for others too; made with the first request to the store.
    held: Option<Arc<Held>>,
    /// Made with the first request.
    requests: Option<Arc<Requests>>,
    guest: Option<Arc<Guest>>,
    /// What the handler was asked for.
    path: Option<PathAndQuery>,
    request_id: String,
}

impl Outgoing {
    /// Nothing may be asked yet.
    pub(super) fn none() -> Self {
        Self {
            asks: None,
            stored: 0,
            began: 0,
            started: Instant::now(),
            held: None,
            requests: None,
            guest: None,
            path: None,
            request_id: String::new(),
        }
    }

    /// Starts a call, which the log names by its route and its request's id.
    pub(super) fn start(
        &mut self,
        asks: Asks,
        guest: &Arc<Guest>,
        id: &str,
        path: Option<PathAndQuery>,
    ) {
        self.stored = MOST_STORED;
        self.began = asks.own.kept().store.begin();
        self.started = Instant::now();
        self.held = None;
        self.asks = Some(asks);
        self.requests = None;
        self.guest = Some(Arc::clone(guest));
        self.path = path;
        self.request_id.clear();
        self.request_id.push_str(id);
    }

    /// Ends a call, and gives up what it did not make. An instance that waits for the next one holds neither its own guest nor an app that
    /// may no longer be served.
    ///
    /// Returns where its app is counted.
    pub(super) fn end(&mut self) -> Option<Arc<AppCounts>> {
        self.held = None;
        self.requests = None;
        self.guest = None;
        self.path = None;
        let asks = self.asks.take()?;
        Some(Arc::clone(asks.own.counts()))
    }

    /// The tags that everything has which this handler asks for: those of its own answer.
    fn implied(&self) -> Vec<String> {
        let route = self.guest.as_ref().map_or("", |guest| guest.route());
        let path = self.path.as_ref().map_or("/", PathAndQuery::path);
        caching::of_call(route, path)
    }

    /// Counts that a limit was met, of which the handler is told, or the log alone.
    pub(super) fn met(&self, limit: Stop) {
        if let (Some(asks), Some(guest)) = (&self.asks, &self.guest) {
            asks.own.counts().route(guest.route()).stopped(limit);
        }
    }

    fn prepare(
        &mut self,
        mut request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Result<Receiving, Error> {
        let (Some(asks), Some(guest)) = (self.asks.clone(), self.guest.clone()) else {
            return Err(Error::HttpRequestDenied); // a start function has no request to ask for
        };
        let first = || Arc::new(Requests::of(&asks, &guest, &self.request_id));
        let requests = Arc::clone(self.requests.get_or_insert_with(first));
        if is_for_store(&request) {
            self.stored = self.stored.checked_sub(1).ok_or_else(|| {
                let what = "it asked for more kept values than one request may";
                requests.met(Stop::KeptValues, what);
                Error::ConnectionLimitReached
            })?;
            let (depth, time) = (asks.asker.depth, guest.config.max_duration);
            let held = self
                .held
                .get_or_insert_with(|| Arc::new(Held::new(depth, self.started, time)));
            let (began, held) = (self.began, Arc::clone(held));
            let is_edited = asks.own.kept().is_edited;
            let asking = Asking {
                code: is_edited.then(|| guest.release().to_owned()),
                implied: match *request.method() {
                    http::Method::GET => self.implied(),
                    _ => Vec::new(), // a look alone asks for them
                },
                asks,
                began,
                held,
            };
            return Ok(Box::pin(values::answer(asking, request)));
        }
        if let Some(stand_in) = &asks.stand_in
            && let Some(answer) = stand_in.answer(request.uri(), asks.own.is_own(request.uri()))
        {
            let answer = answer.clone().map(|body| fetch_cache::full(body.into()));
            return Ok(Box::pin(std::future::ready(Ok(answer))));
        }
        let plan = self.plan(&mut request, &guest.config, &asks, &requests)?;
        let way = way(&request, asks, requests, patience(options))?;
        Ok(match plan {
            None => Box::pin(way.send(request)),
            Some(plan) => Box::pin(fetch_cache::send(way, request, plan)),
        })
    }

    /// What becomes of the answer to a `fetch`: nothing if it is only handed on.
    fn plan(
        &self,
        request: &mut http::Request<WasiBody>,
        config: &SegmentConfig,
        asks: &Asks,
        requests: &Requests,
    ) -> Result<Option<Keep>, Error> {
        let words = request.headers_mut().remove(FETCH_HEADER);
        if words.is_none() && config.fetch_cache == FetchCache::Auto || asks.goes_past_kept() {
            return Ok(None); // FC1 and FC14
        }
        let line = words.as_ref().and_then(|words| words.to_str().ok());
        let words = FetchWords::parse(line.unwrap_or_default()).map_err(|fault| {
            requests.not_kept(fault);
            Error::ConfigurationError
        })?;
        let plan = caching::plan(config, words.options);
        let plan = plan.map_err(|fault| Error::InternalError(Some(fault.to_string())))?; // the handler is told, and tells the log
        if let (Plan::Ask { is_said: true }, Some(making)) = (plan, &asks.making) {
            making.is_not_kept(NotKept::Fetch);
        }
        Ok(match plan {
            Plan::Ask { .. } => None,
            Plan::Keep(life) => Some(Keep {
                life,
                tags: words.tags,
                implied: self.implied(),
                renew: words.renew,
            }),
        })
    }
}

/// How a request goes to whom it is for.
fn way(
    request: &http::Request<WasiBody>,
    asks: Asks,
    requests: Arc<Requests>,
    patience: Patience,
) -> Result<Way, Error> {
    if !outbound::is_method(request.method().as_str()) {
        return Err(Error::HttpRequestMethodInvalid);
    }
    let target = match asks.own.is_own(request.uri()) {
        true if asks.asker.depth == MOST_NESTED => {
            let what = "handlers of this app ask each other in a circle";
            requests.met(Stop::Nested, what);
            return Err(Error::LoopDetected);
        }
        true => None,
        false => {
            let target = asks.own.client().admit(request.uri());
            Some(target.map_err(|refused| {
                requests.refused(&refused);
                match refused {
                    Refused::Address { .. } => Error::DestinationIpProhibited,
                    _ => Error::HttpRequestDenied,
                }
            })?)
        }
    };
    Ok(Way {
        asks,
        target,
        requests,
        patience,
    })
}

type Receiving = Pin<Box<dyn Future<Output = Result<Received, Error>> + Send>>;
type Sent = (Received, Box<dyn Future<Output = Result<(), Error>> + Send>);
pub(super) type Sending = Box<dyn Future<Output = Result<Sent, Error>> + Send>;

impl WasiHttpHooks for Outgoing {
    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        PIECE
    }

    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        PIECE
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Sending {
        match self.prepare(request, options) {
            Ok(sending) => Box::new(async move {
                let answer = sending.await?;
                let nothing_left_to_do: Box<dyn Future<Output = Result<(), Error>> + Send> =
                    Box::new(std::future::ready(Ok(())));
                Ok((answer, nothing_left_to_do))
            }),
            Err(error) => Box::new(std::future::ready(Err(error))),
        }
    }
}

/// Whether a request is for the app's store.
fn is_for_store(request: &http::Request<WasiBody>) -> bool {
    let uri = request.uri();
    uri.scheme() == Some(&http::uri::Scheme::HTTP)
        && uri.authority().is_some_and(|authority| authority == STORE)
}

fn patience(options: Option<RequestOptions>) -> Patience {
    let options = options.unwrap_or_default();
    Patience::of_handler(
        options.connect_timeout,
        options.first_byte_timeout,
        options.between_bytes_timeout,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::limits_page::{says, says_time};

    #[test]
    fn the_page_says_what_may_be_asked() {
        let patience = patience(None);
        says("nested requests", MOST_NESTED.into());
        says("kept values", MOST_STORED as u64);
        says_time("fetch head", patience.head);
        says_time("fetch piece", patience.piece);
        says("fetch body", patience.body);
    }
}
