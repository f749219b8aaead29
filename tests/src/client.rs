//! A small HTTP client on hyper: HTTP/1.1 with keep-alive, or HTTP/2 in cleartext.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::wait::PATIENCE;

/// Talks to one host, over a connection of its own for each request unless a [`Sender`] is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    address: SocketAddr,
    version: Version,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, to its end.
    pub body: Bytes,
}

impl Client {
    /// Speaks HTTP/1.1.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            version: Version::HTTP_11,
        }
    }

    /// Speaks HTTP/2 from the first byte on.
    #[must_use]
    pub fn http2(address: SocketAddr) -> Self {
        Self {
            address,
            version: Version::HTTP_2,
        }
    }

    /// Whom it talks to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks for a path.
    ///
    /// # Panics
    ///
    /// If there is no whole answer.
    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "").await
    }

    /// Sends a body.
    ///
    /// # Panics
    ///
    /// If there is no whole answer.
    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.ask("POST", path, headers, body).await
    }

    /// Sends any request.
    ///
    /// # Panics
    ///
    /// If there is no whole answer.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let answer = self.try_ask(method, path, headers, body).await;
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error:#}"))
    }

    /// Sends any request.
    ///
    /// # Errors
    ///
    /// If there is no whole answer.
    pub async fn try_ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> anyhow::Result<Answer> {
        let mut sender = self.try_connect().await?;
        sender.ask(method, path, headers, body).await
    }

    /// Opens a connection for more than one request.
    ///
    /// # Panics
    ///
    /// If nobody listens.
    pub async fn connect(&self) -> Sender {
        self.try_connect().await.expect("a connection")
    }

    /// Opens a connection.
    ///
    /// # Errors
    ///
    /// If nobody listens.
    pub async fn try_connect(&self) -> anyhow::Result<Sender> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let authority = self.address.to_string();
        Sender::over(stream, self.version, "http", authority).await
    }
}

impl Sender {
    /// Speaks HTTP over a connection that is there.
    ///
    /// # Errors
    ///
    /// If the other end does not.
    pub async fn over<S>(
        stream: S,
        version: Version,
        scheme: &'static str,
        authority: String,
    ) -> anyhow::Result<Self>
    where
        S: AsyncRead + AsyncWrite + std::marker::Send + Unpin + 'static,
    {
        let io = TokioIo::new(stream);
        let (send, connection) = if version == Version::HTTP_2 {
            let (send, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await?;
            let connection = tokio::spawn(async move {
                let _ = connection.await; // the request that it carried says what went wrong
            });
            (Send::Http2(send), connection)
        } else {
            let (send, connection) = hyper::client::conn::http1::handshake(io).await?;
            let connection = tokio::spawn(async move {
                let _ = connection.await;
            });
            (Send::Http1(send), connection)
        };
        Ok(Sender {
            send,
            connection,
            scheme,
            authority,
        })
    }
}

/// One connection. Dropping it closes it, whatever is under way.
#[derive(Debug)]
pub struct Sender {
    send: Send,
    connection: tokio::task::JoinHandle<()>,
    scheme: &'static str,
    authority: String,
}

#[derive(Debug)]
enum Send {
    Http1(hyper::client::conn::http1::SendRequest<Full<Bytes>>),
    Http2(hyper::client::conn::http2::SendRequest<Full<Bytes>>),
}

impl Sender {
    /// Sends a request and takes the whole answer.
    ///
    /// # Errors
    ///
    /// If there is no whole answer, or it does not come in time.
    pub async fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> anyhow::Result<Answer> {
        let whole = async {
            let response = self.begin(method, path, headers, body).await?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await?.to_bytes();
            anyhow::Ok(Answer {
                status: parts.status,
                headers: parts.headers,
                body,
            })
        };
        tokio::time::timeout(PATIENCE, whole).await?
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// # Errors
    ///
    /// If none comes.
    pub async fn begin(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> anyhow::Result<Response<Incoming>> {
        let is_http2 = matches!(self.send, Send::Http2(_));
        let uri = if is_http2 {
            format!("{}://{}{path}", self.scheme, self.authority)
        } else {
            path.to_owned()
        };
        let mut request = Request::builder().method(method).uri(uri);
        if !is_http2 && !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", &self.authority);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body.to_owned()))?;
        match &mut self.send {
            Send::Http1(send) => {
                send.ready().await?;
                Ok(send.send_request(request).await?)
            }
            Send::Http2(send) => {
                send.ready().await?;
                Ok(send.send_request(request).await?)
            }
        }
    }

    /// Whether the other end has closed it, or is about to.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match &self.send {
            Send::Http1(send) => send.is_closed(),
            Send::Http2(send) => send.is_closed(),
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Answer {
    /// The body as text.
    ///
    /// # Panics
    ///
    /// If it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a text")
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// If it is not.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// A header's value; empty if it is not there.
    ///
    /// # Panics
    ///
    /// If it is not text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("a text"))
    }

    /// All values of a header.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<String> {
        let values = self.headers.get_all(name).iter();
        values
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect()
    }

    /// Status and body in one line, such as `200 hello`.
    #[must_use]
    pub fn line(&self) -> String {
        let body = String::from_utf8_lossy(&self.body);
        format!("{} {body}", self.status.as_u16())
            .trim_end()
            .to_owned()
    }
}
