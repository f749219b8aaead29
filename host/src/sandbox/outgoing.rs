//! What a guest asks of others: of its own app without the network, of other servers through the app's client.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use http::uri::Authority;
use http_body_util::BodyExt as _;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};
use waystation_rules::outbound::{self, Patience, Refused};
use waystation_rules::segment::Limits;

use super::nested;
use crate::http::{Response, Upload};
use crate::outbound::Client;

/// Requests that handlers of one app may make of each other for one request of a client.
const MOST_NESTED: u8 = 8;

/// Who is asked by a guest, and for whom.
#[derive(Clone)]
pub struct Asks {
    /// The app's way to other servers.
    pub client: Arc<Client>,
    /// The app itself.
    pub own: Arc<dyn OwnRoutes>,
    /// For whom.
    pub asker: Asker,
    /// Takes what guests go on with when their answers have gone.
    pub background: TaskTracker,
}

/// On whose behalf a request is made.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    /// The client's address.
    pub client: IpAddr,
    /// How many handlers stand between: 0 for a request of the client's own.
    pub depth: u8,
}

/// The routes of the app that a guest belongs to.
pub trait OwnRoutes: Send + Sync {
    /// How the app is called in the URLs of its requests, such as `localhost:3000`.
    fn origin(&self) -> &Authority;

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
    left: usize,
    turns: usize,
    /// Made with the first request.
    at_once: Option<Arc<Semaphore>>,
    route: Option<Arc<str>>,
    request_id: String,
}

impl Outgoing {
    /// Nothing may be asked yet.
    pub(super) fn none() -> Self {
        Self {
            asks: None,
            left: 0,
            turns: 0,
            at_once: None,
            route: None,
            request_id: String::new(),
        }
    }

    /// Starts a call, which the log names by its route and its request's id.
    pub(super) fn start(&mut self, asks: Asks, limits: &Limits, route: &Arc<str>, id: &str) {
        self.asks = Some(asks);
        self.left = limits.fetches;
        self.turns = limits.fetches_at_once;
        self.at_once = None;
        self.route = Some(Arc::clone(route));
        self.request_id.clear();
        self.request_id.push_str(id);
    }

    fn warn(&self, what: impl std::fmt::Display) {
        let route = self.route.as_deref().unwrap_or_default();
        tracing::warn!("{route} {}: {what}", self.request_id);
    }

    fn prepare(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Result<impl Future<Output = Result<Received, Error>> + Send + use<>, Error> {
        let Some(asks) = self.asks.clone() else {
            return Err(Error::HttpRequestDenied); // a start function has no request to ask for
        };
        if !outbound::is_method(request.method().as_str()) {
            return Err(Error::HttpRequestMethodInvalid);
        }
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            self.warn("it made more requests than `fetches` allows");
            Error::ConnectionLimitReached
        })?;
        let turns = self.turns;
        let at_once = Arc::clone(
            self.at_once
                .get_or_insert_with(|| Arc::new(Semaphore::new(turns))),
        );
        let is_own = outbound::is_own(request.uri(), asks.own.origin());
        let target = match is_own {
            true if asks.asker.depth == MOST_NESTED => {
                self.warn("handlers of this app ask each other in a circle");
                return Err(Error::LoopDetected);
            }
            true => None,
            false => Some(asks.client.admit(request.uri()).map_err(|refused| {
                self.warn(format_args!("a request was refused: {refused}"));
                match refused {
                    Refused::Address { .. } => Error::DestinationIpProhibited,
                    _ => Error::HttpRequestDenied,
                }
            })?),
        };
        Ok(async move {
            let turn = at_once.acquire_owned().await.ok();
            let patience = patience(options);
            match target {
                Some(target) => {
                    let answer = asks.client.send(&target, request, patience, turn).await?;
                    Ok(answer.map(|body| body.boxed_unsync()))
                }
                None => {
                    let asker = Asker {
                        depth: asks.asker.depth + 1,
                        ..asks.asker
                    };
                    let asked = asks
                        .own
                        .ask(request.map(Upload::of_guest), asker, asks.background);
                    let answer = tokio::time::timeout(patience.head, nested::ask(asked, turn));
                    answer.await.map_err(|_| Error::HttpResponseTimeout)?
                }
            }
        })
    }
}

type Received = http::Response<WasiBody>;
type Sent = (Received, Box<dyn Future<Output = Result<(), Error>> + Send>);
pub(super) type Sending = Box<dyn Future<Output = Result<Sent, Error>> + Send>;

impl WasiHttpHooks for Outgoing {
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

fn patience(options: Option<RequestOptions>) -> Patience {
    let options = options.unwrap_or_default();
    Patience::of_handler(
        options.connect_timeout,
        options.first_byte_timeout,
        options.between_bytes_timeout,
    )
}
