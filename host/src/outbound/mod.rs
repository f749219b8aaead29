//! How this host asks other servers, for a handler or for a rewrite.
//!
//! In: a request with an absolute URL. Out: the answer's head, and a body that arrives as it is read.
//!
//! Which servers may be asked is decided in `waystation_rules::outbound`. Here a name is looked up once, each address is judged, and the
//! connection goes to what was judged, so a name that changes its mind in between leads nowhere. Connections are kept for the next request.

mod failure;
mod received;
mod resolver;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::HeaderValue;
use http::header::{CONTENT_LENGTH, HOST};
use http::uri::{PathAndQuery, Scheme, Uri};
use http_body::Body as _;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime_wasi_http::{Error, WasiBody};
use waystation_rules::outbound::{Outbound, Patience, Refused, Target};

pub use received::Received;
use resolver::Resolver;

/// Until a connection is there, TLS not counted.
const CONNECT: Duration = Duration::from_secs(10);
/// A connection that nobody used this long is closed.
const KEPT: Duration = Duration::from_secs(60);
/// Connections to one server that wait for the next request.
const MOST_KEPT: usize = 32;

/// The requests of one app to other servers.
pub struct Client {
    allowed: Arc<Outbound>,
    /// Made with the first request: reading the system's certificates takes longer than a start should.
    pool: OnceLock<Result<Pool, String>>,
}

type Pool = legacy::Client<HttpsConnector<HttpConnector<Resolver>>, WasiBody>;

impl Client {
    /// A client that asks only whom the operator allows.
    pub fn new(allowed: Outbound) -> Self {
        Self {
            allowed: Arc::new(allowed),
            pool: OnceLock::new(),
        }
    }

    /// Whether a handler may ask the server of this URL.
    ///
    /// # Errors
    ///
    /// A [`Refused`].
    pub fn admit(&self, url: &Uri) -> Result<Target, Refused> {
        self.allowed.admit(&url.to_string())
    }

    /// The same for a URL that the operator wrote.
    ///
    /// # Errors
    ///
    /// A [`Refused`], but none for not being listed.
    pub fn admit_own(&self, url: &Uri) -> Result<Target, Refused> {
        self.allowed.admit_own(&url.to_string())
    }

    /// Sends a request to a server that was admitted. `turn` is held until the answer's body has ended.
    ///
    /// # Errors
    ///
    /// The network's, as `wasi:http` names them; [`Error::DestinationIpProhibited`] if the name leads to no public address.
    pub async fn send(
        &self,
        target: &Target,
        mut request: http::Request<WasiBody>,
        patience: Patience,
        turn: Option<OwnedSemaphorePermit>,
    ) -> Result<http::Response<Received>, Error> {
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = url(target, path).map_err(|_| Error::HttpRequestUriInvalid)?;
        *request.version_mut() = http::Version::HTTP_11; // HTTP/2 where the server offers it
        request.headers_mut().remove(HOST); // hyper names the very server that was admitted
        if request.body().is_end_stream()
            && let Some(length) = request.headers_mut().get_mut(CONTENT_LENGTH)
        {
            *length = HeaderValue::from(0); // else the server takes what is promised from the next request
        }
        let answer = tokio::time::timeout(patience.head, self.pool()?.request(request));
        let answer = answer.await.map_err(|_| Error::HttpResponseTimeout)?;
        let answer = answer.map_err(|error| failure::named(&error))?;
        Ok(answer.map(|body| Received::new(body, patience, turn)))
    }

    fn pool(&self) -> Result<&Pool, Error> {
        let pool = self.pool.get_or_init(|| pool(&self.allowed));
        pool.as_ref().map_err(|error| {
            tracing::error!("no request can go out: {error}");
            Error::ConfigurationError
        })
    }
}

/// The URL to connect to, spelt as it was judged.
fn url(target: &Target, path: Option<PathAndQuery>) -> Result<Uri, http::Error> {
    let scheme = if target.is_tls {
        Scheme::HTTPS
    } else {
        Scheme::HTTP
    };
    Uri::builder()
        .scheme(scheme)
        .authority(target.authority())
        .path_and_query(path.unwrap_or_else(|| PathAndQuery::from_static("/")))
        .build()
}

fn pool(allowed: &Arc<Outbound>) -> Result<Pool, String> {
    let mut connector = HttpConnector::new_with_resolver(Resolver::new(Arc::clone(allowed)));
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT));
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_platform_verifier(rustls::crypto::ring::default_provider())
        .map_err(|error| format!("the system's certificates cannot be used: {error}"))?
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(connector);
    Ok(legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(KEPT)
        .pool_max_idle_per_host(MOST_KEPT)
        .build(connector))
}
