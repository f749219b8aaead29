//! Asks a registry over HTTP, and takes no more of an answer than an answer may have.
//!
//! In: a method and a URL of the registry's. Out: the answer's head, whose body is still to be read, within a length and a time.
//!
//! Who asks is told to the registry alone and not to whom it leads, and only where nobody on the way can read it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RANGE, USER_AGENT,
};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Deserialize;

use super::authorize::Challenge;
use super::error::plain;
use super::reference::is_here;
use super::{Reference, RegistryError};
use crate::http::{Body, OpenFile, empty, whole};

/// Until a registry has answered, and until a short answer has ended.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// Until a connection is there, TLS not counted.
const CONNECT: Duration = Duration::from_secs(10);
/// Bytes a second that a long body has to have on average: fewer are an answer that does not end.
const LEAST_RATE: u64 = 16 << 10;
/// How often an answer may lead elsewhere: registries keep their blobs on other servers.
const REDIRECTS: usize = 5;
/// Bytes of an answer that says why not.
const MOST_REASON: u64 = 64 << 10;

type Pool = legacy::Client<HttpsConnector<HttpConnector>, Body>;

/// What is done in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Things are taken from there.
    Pull,
    /// Things are brought there.
    Push,
}

/// A repository in a registry, and who asks it.
pub struct Registry {
    pub(super) reference: Reference,
    access: Access,
    /// Made with the first request: reading the system's certificates takes its time.
    pool: OnceLock<Pool>,
    /// What the last challenge was answered with.
    authorization: Mutex<Option<HeaderValue>>,
    /// Whether Docker's config knows who asks.
    pub(super) had: AtomicBool,
}

/// What a registry is asked for.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) accept: Option<&'static str>,
    /// The first byte that is not here yet.
    pub(super) from: u64,
    pub(super) content: Content,
}

/// What is sent. It may be sent twice: a registry may ask who is there only after it has come.
pub(super) enum Content {
    Nothing,
    Whole(&'static str, Bytes),
    File(PathBuf, u64),
}

impl Content {
    /// Its length in bytes.
    fn length(&self) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::Whole(_, bytes) => bytes.len() as u64,
            Self::File(_, length) => *length,
        }
    }
}

/// How long so many bytes may take.
pub(super) fn patience(bytes: u64) -> Duration {
    PATIENCE + Duration::from_secs(bytes / LEAST_RATE)
}

impl Registry {
    /// The repository of a release.
    #[must_use]
    pub fn new(reference: &Reference, access: Access) -> Self {
        Self {
            reference: reference.clone(),
            access,
            pool: OnceLock::new(),
            authorization: Mutex::default(),
            had: AtomicBool::new(false),
        }
    }

    /// Something in the repository: `manifests/live`.
    pub(super) fn url(&self, what: &str) -> String {
        let (origin, repository) = (self.reference.origin(), self.reference.repository());
        format!("{origin}/v2/{repository}/{what}")
    }

    /// What a token has to be good for.
    pub(super) fn scope(&self) -> String {
        let actions = match self.access {
            Access::Pull => "pull",
            Access::Push => "pull,push",
        };
        format!("repository:{}:{actions}", self.reference.repository())
    }

    /// Asks, and says who asks if the registry wants to know.
    pub(super) async fn ask(&self, asked: &Asked) -> Result<Response<Incoming>, RegistryError> {
        let (response, is_own) = self.follow(asked).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        if !is_own {
            return Err(self.answer("it leads to a server that wants to know who asks"));
        }
        let challenge = Challenge::of(response.headers());
        let challenge = challenge.ok_or_else(|| self.answer("it does not say how to log in"))?;
        drop(response);
        let authorization = self.authorize(challenge).await?;
        *self.authorization() = Some(authorization);
        let (response, _) = self.follow(asked).await?;
        match response.status() {
            StatusCode::UNAUTHORIZED => Err(self.unauthorized()),
            _ => Ok(response),
        }
    }

    /// Asks, and those whom the registry names instead. Says too whether it is the registry itself that answers: nobody else is told a
    /// password, whatever he asks for.
    async fn follow(&self, asked: &Asked) -> Result<(Response<Incoming>, bool), RegistryError> {
        let may_lead = matches!(asked.method, Method::GET | Method::HEAD);
        let mut url = self.parsed(&asked.url)?;
        for _ in 0..=REDIRECTS {
            let request = self.request(asked, &url).await?;
            let patience = patience(asked.content.length());
            let response = self.ask_once(request, patience).await?;
            if !may_lead || !response.status().is_redirection() {
                return Ok((response, self.is_own(&url)?));
            }
            url = self.parsed(&self.location(&url, &response)?)?;
        }
        Err(self.answer("it leads from one place to the next"))
    }

    async fn request(&self, asked: &Asked, url: &Uri) -> Result<Request<Body>, RegistryError> {
        let mut request = Request::builder().method(&asked.method).uri(url).header(
            USER_AGENT,
            concat!("waystation/", env!("CARGO_PKG_VERSION")),
        );
        if let Some(accept) = asked.accept {
            request = request.header(ACCEPT, accept);
        }
        if 0 < asked.from {
            request = request.header(RANGE, format!("bytes={}-", asked.from));
        }
        let is_own = self.is_own(url)?;
        if let Some(value) = self.authorization().clone().filter(|_| is_own) {
            request = request.header(AUTHORIZATION, value);
        }
        if !matches!(asked.method, Method::GET | Method::HEAD) {
            request = request.header(CONTENT_LENGTH, asked.content.length());
        }
        let body = match &asked.content {
            Content::Nothing => empty(),
            Content::Whole(kind, bytes) => {
                request = request.header(CONTENT_TYPE, *kind);
                whole(bytes.clone())
            }
            Content::File(path, length) => {
                request = request.header(CONTENT_TYPE, "application/octet-stream");
                OpenFile::open(path).await?.body(0..*length).await?
            }
        };
        request
            .body(body)
            .map_err(|error| self.answer(&error.to_string()))
    }

    /// Whether a URL is the registry's own.
    fn is_own(&self, url: &Uri) -> Result<bool, RegistryError> {
        let own = self.parsed(&self.reference.origin())?;
        Ok((own.scheme(), own.authority()) == (url.scheme(), url.authority()))
    }

    /// Asks one server.
    pub(super) async fn ask_once(
        &self,
        request: Request<Body>,
        patience: Duration,
    ) -> Result<Response<Incoming>, RegistryError> {
        let asked = tokio::time::timeout(patience, self.pool()?.request(request)).await;
        let answered = asked.map_err(|late| self.unreachable(&late))?;
        answered.map_err(|error| self.unreachable(&error))
    }

    /// The whole body of a short answer.
    pub(super) async fn whole(
        &self,
        response: Response<Incoming>,
        most: u64,
    ) -> Result<Bytes, RegistryError> {
        let limit = usize::try_from(most).unwrap_or(usize::MAX);
        let body = Limited::new(response.into_body(), limit).collect();
        let body = tokio::time::timeout(PATIENCE, body).await;
        match body.map_err(|late| self.unreachable(&late))? {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                Err(self.answer(&format!("its answer has more than {most} bytes")))
            }
            Err(error) => Err(self.unreachable(&*error)),
        }
    }

    /// Where an answer leads, from where it came.
    pub(super) fn location(
        &self,
        from: &Uri,
        response: &Response<Incoming>,
    ) -> Result<String, RegistryError> {
        let location = response.headers().get(LOCATION);
        let location = location.and_then(|location| location.to_str().ok());
        match location.ok_or_else(|| self.answer("it does not say where to go on"))? {
            path if path.starts_with('/') => {
                let server = from.scheme_str().zip(from.authority());
                let (scheme, authority) = server.ok_or_else(|| self.answer("it is nowhere"))?;
                Ok(format!("{scheme}://{authority}{path}"))
            }
            url => Ok(url.to_owned()),
        }
    }

    /// A URL that a request may go to.
    pub(super) fn parsed(&self, url: &str) -> Result<Uri, RegistryError> {
        let parsed = url.parse::<Uri>().ok();
        let parsed = parsed.filter(|uri| uri.scheme().is_some() && uri.authority().is_some());
        let parsed = parsed.ok_or_else(|| self.answer("it leads to what is no URL"))?;
        self.check_encrypted(&parsed)?;
        Ok(parsed)
    }

    /// Whether nobody on the way can read what is asked there.
    pub(super) fn check_encrypted(&self, uri: &Uri) -> Result<(), RegistryError> {
        let is_local = self.reference.is_here() && uri.host().is_some_and(is_here);
        match uri.scheme_str() {
            Some("https") => Ok(()),
            Some("http") if is_local => Ok(()),
            _ => Err(RegistryError::Cleartext {
                registry: self.reference.registry().to_owned(),
                url: plain(&format!(
                    "{}://{}",
                    uri.scheme_str().unwrap_or(""),
                    uri.host().unwrap_or("")
                )),
            }),
        }
    }

    fn pool(&self) -> Result<&Pool, RegistryError> {
        if let Some(pool) = self.pool.get() {
            return Ok(pool);
        }
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_platform_verifier(rustls::crypto::ring::default_provider())
            .map_err(|error| self.unreachable(&error))?
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let pool = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(self.pool.get_or_init(|| pool))
    }

    fn authorization(&self) -> std::sync::MutexGuard<'_, Option<HeaderValue>> {
        self.authorization
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn unauthorized(&self) -> RegistryError {
        RegistryError::Unauthorized {
            what: self.reference.to_string(),
            server: self.reference.server().to_owned(),
            had: self.had.load(Ordering::Relaxed),
        }
    }

    pub(super) fn unreachable(&self, error: &(dyn std::error::Error + 'static)) -> RegistryError {
        let causes = std::iter::successors(Some(error), |error| error.source());
        let causes: Vec<_> = causes.map(ToString::to_string).collect();
        RegistryError::Unreachable {
            registry: self.reference.registry().to_owned(),
            message: causes.join(": "),
        }
    }

    pub(super) fn answer(&self, message: &str) -> RegistryError {
        RegistryError::Answer {
            registry: self.reference.registry().to_owned(),
            message: message.to_owned(),
        }
    }

    /// Why not, in the registry's words.
    pub(super) async fn refused(&self, response: Response<Incoming>) -> RegistryError {
        let status = response.status();
        let words = match self.whole(response, MOST_REASON).await {
            Ok(text) => reasons(&text),
            Err(error) => return error,
        };
        RegistryError::Refused {
            registry: self.reference.registry().to_owned(),
            status,
            words,
        }
    }
}

/// What a registry says of why not.
fn reasons(text: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Reasons {
        errors: Vec<Reason>,
    }
    #[derive(Deserialize)]
    struct Reason {
        code: String,
        #[serde(default)]
        message: String,
    }
    let reasons = serde_json::from_slice::<Reasons>(text);
    let reasons = reasons.map(|reasons| reasons.errors).unwrap_or_default();
    let words = |reason: Reason| match reason.message.is_empty() {
        true => reason.code,
        false => reason.message,
    };
    let words: Vec<_> = reasons.into_iter().map(words).collect();
    match words.is_empty() {
        true => "it does not say why".to_owned(),
        false => plain(&words.join("; ")),
    }
}
