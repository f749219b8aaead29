//! Asks a node's admin API.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::api::Refused;
use super::{Address, Identity};
use crate::server::TlsError;

/// Bytes of an answer.
const MOST: usize = 16 << 20;
/// Until a node has answered. It compiles and checks a release meanwhile.
const PATIENCE: Duration = Duration::from_secs(300);

/// Asks one node.
#[derive(Clone)]
pub struct Client {
    address: Address,
    token: Option<HeaderValue>,
    identity: Identity,
    /// Made with the first request to a URL: reading the system's certificates takes its time.
    pool: std::sync::OnceLock<Pool>,
}

type Pool = legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Why a node did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens, or the connection broke.
    #[error("{address} cannot be reached: {message}\n\nhint: `waystation node` has to run there")]
    Unreachable {
        /// Where it was looked for.
        address: String,
        /// What the network said.
        message: String,
    },

    /// The node refuses.
    #[error("{address}: {}", words(refused))]
    Refused {
        /// Which node.
        address: String,
        /// The status of its answer.
        status: StatusCode,
        /// Its reasons.
        refused: Refused,
    },

    /// The answer is none of a node's.
    #[error("{address} is no node: {message}")]
    Answer {
        /// Who answered.
        address: String,
        /// What is wrong with it.
        message: String,
    },

    /// The deployer's certificates cannot be used.
    #[error(transparent)]
    Identity(#[from] TlsError),

    /// A token that cannot be sent.
    #[error("the token has characters that no token has")]
    Token,
}

/// The first reason stands with the node, each other one says `error` itself.
fn words(refused: &Refused) -> String {
    match &refused.faults[..] {
        [] => refused.error.clone(),
        faults => format!("{}\n  - {}", refused.error, faults.join("\n  - ")),
    }
}

impl Client {
    /// A client of the node at an address, which knows the bearer of this token.
    ///
    /// # Errors
    ///
    /// [`AskError::Token`].
    pub fn new(address: Address, token: Option<&str>) -> Result<Self, AskError> {
        let bearer = |token: &str| {
            let mut value = HeaderValue::try_from(format!("Bearer {token}"));
            value.iter_mut().for_each(|value| value.set_sensitive(true));
            value.map_err(|_| AskError::Token)
        };
        Ok(Self {
            address,
            token: token.map(bearer).transpose()?,
            identity: Identity::default(),
            pool: std::sync::OnceLock::new(),
        })
    }

    /// The same with certificates.
    #[must_use]
    pub fn identified(self, identity: Identity) -> Self {
        Self { identity, ..self }
    }

    /// Which node it asks.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Asks for a thing.
    ///
    /// # Errors
    ///
    /// An [`AskError`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, AskError> {
        self.ask(Method::GET, path, Bytes::new()).await
    }

    /// Sends a thing.
    ///
    /// # Errors
    ///
    /// An [`AskError`].
    pub async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        thing: &impl Serialize,
    ) -> Result<T, AskError> {
        let json = serde_json::to_vec(thing).map_err(|error| self.no_node(&error))?;
        self.ask(method, path, json.into()).await
    }

    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<T, AskError> {
        let answered = async {
            let (head, body) = self.answer(method, path, body).await?.into_parts();
            let body = Limited::new(body, MOST).collect().await;
            let body = body.map_err(|error| self.unreachable(&*error))?.to_bytes();
            Ok::<_, AskError>((head.status, body))
        };
        let answered = tokio::time::timeout(PATIENCE, answered).await;
        let (status, body) = answered.map_err(|late| self.unreachable(&late))??;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| self.no_node(&error));
        }
        match serde_json::from_slice(&body) {
            Ok(refused) => Err(AskError::Refused {
                address: self.address.to_string(),
                status,
                refused,
            }),
            Err(_) => Err(self.no_node(&status)),
        }
    }

    async fn answer(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<http::Response<Incoming>, AskError> {
        let body = Full::new(body);
        let mut request = Request::builder().method(method);
        request = request.header("content-type", "application/json");
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token);
        }
        match &self.address {
            Address::Socket(socket) => {
                let request = request.uri(path).header(HOST, "node");
                let request = request.body(body).map_err(|error| self.no_node(&error))?;
                let stream = UnixStream::connect(socket).await;
                let stream = stream.map_err(|error| self.unreachable(&error))?;
                let connected = http1::handshake(TokioIo::new(stream)).await;
                let (mut send, connection) = connected.map_err(|error| self.unreachable(&error))?;
                tokio::spawn(connection); // its error is the request's too
                let sent = send.send_request(request).await;
                sent.map_err(|error| self.unreachable(&error))
            }
            Address::Url(uri) => {
                let path = format!("{}{path}", uri.to_string().trim_end_matches('/'));
                let request = request.uri(path).body(body);
                let request = request.map_err(|error| self.no_node(&error))?;
                let sent = self.pool()?.request(request).await;
                sent.map_err(|error| self.unreachable(&error))
            }
        }
    }

    fn pool(&self) -> Result<&Pool, AskError> {
        if let Some(pool) = self.pool.get() {
            return Ok(pool);
        }
        let config = self.identity.config()?;
        let connector = HttpsConnectorBuilder::new().with_tls_config(config);
        let connector = connector.https_or_http().enable_http1().build();
        let pool = legacy::Client::builder(TokioExecutor::new()).build(connector);
        Ok(self.pool.get_or_init(|| pool))
    }

    fn unreachable(&self, error: &(dyn std::error::Error + 'static)) -> AskError {
        let causes = std::iter::successors(Some(error), |error| error.source());
        let causes: Vec<_> = causes.map(ToString::to_string).collect();
        AskError::Unreachable {
            address: self.address.to_string(),
            message: causes.join(": "),
        }
    }

    fn no_node(&self, message: &impl std::fmt::Display) -> AskError {
        AskError::Answer {
            address: self.address.to_string(),
            message: message.to_string(),
        }
    }
}
