//! Takes connections of operators and deployers, under timers from their first byte on.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tower_service::Service as _;

use super::access::{Certified, Guard};
use super::guarded;
use crate::node::Node;
use crate::project::digest::Digest;
use crate::server::Tls;

/// A client has this long for each head. hyper counts it on idle connections too.
const HEAD: Duration = Duration::from_secs(30);
/// It has this long to shake hands.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Until a connection is taken again when there was nothing to take it with.
const PAUSE: Duration = Duration::from_millis(50);

/// Where a node is asked.
pub enum Admin {
    /// On this machine, by its own user.
    Socket(UnixListener, PathBuf),
    /// By the bearers of tokens, and over TLS by those who have a certificate too.
    Tcp(TcpListener, Option<Arc<Tls>>),
}

/// What listens beside the socket of the machine.
#[derive(Clone, Default)]
pub struct Reach {
    /// TLS for all that is not that socket.
    pub tls: Option<Arc<Tls>>,
    /// Without TLS, others may read what is sent: something in front speaks it.
    pub in_cleartext: bool,
}

impl Admin {
    /// Listens at `unix:PATH` or at an address such as `127.0.0.1:4000`.
    ///
    /// # Errors
    ///
    /// If that is neither, or is taken, or others could read tokens there.
    pub async fn bind(text: &str, reach: &Reach) -> anyhow::Result<Self> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            let listener = crate::server::admin::bind(&path);
            let listener = listener.with_context(|| format!("cannot listen on {text}"))?;
            return Ok(Self::Socket(listener, path));
        }
        let address = text.parse::<SocketAddr>();
        let address = address.with_context(|| {
            format!("`{text}` is neither `unix:PATH` nor an address such as `127.0.0.1:4000`")
        })?;
        anyhow::ensure!(
            reach.tls.is_some() || reach.in_cleartext || address.ip().is_loopback(),
            "`--admin {text}` would have tokens sent for all to read\n\nhint: give `--admin-cert` and `--admin-key`, or `--admin-cleartext` if a proxy in front speaks TLS"
        );
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("cannot listen on {text}"))?;
        Ok(Self::Tcp(listener, reach.tls.clone()))
    }

    /// Where that is, as a deployer types it.
    #[must_use]
    pub fn address(&self) -> String {
        match self {
            Self::Socket(_, path) => path.display().to_string(),
            Self::Tcp(listener, tls) => {
                let scheme = if tls.is_some() { "https" } else { "http" };
                match listener.local_addr() {
                    Ok(address) => format!("{scheme}://{address}"),
                    Err(_) => format!("{scheme}://?"),
                }
            }
        }
    }

    /// Answers operators and deployers until it is dropped.
    pub async fn serve(self, node: Arc<Node>) {
        match self {
            Self::Socket(listener, _) => {
                let routes = guarded(node, Guard::Socket);
                loop {
                    match listener.accept().await {
                        Ok((stream, _)) => {
                            drop(tokio::spawn(speak(stream, routes.clone(), None, HEAD)))
                        }
                        Err(error) => wait(&error).await,
                    }
                }
            }
            Self::Tcp(listener, tls) => {
                let routes = guarded(node, Guard::Token);
                loop {
                    match listener.accept().await {
                        Ok((stream, peer)) => {
                            let greeted = greet(stream, peer, tls.clone(), routes.clone());
                            drop(tokio::spawn(greeted));
                        }
                        Err(error) => wait(&error).await,
                    }
                }
            }
        }
    }
}

/// Out of descriptors, or a client that left at once: neither may end the API.
async fn wait(error: &std::io::Error) {
    tracing::warn!("an operator's connection was not accepted: {error}");
    tokio::time::sleep(PAUSE).await;
}

/// Shakes hands if that is to be, and speaks.
async fn greet(stream: TcpStream, peer: SocketAddr, tls: Option<Arc<Tls>>, routes: Router) {
    let Some(tls) = tls else {
        return speak(stream, routes, None, HEAD).await;
    };
    match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(Some(stream))) => {
            let shown = stream.get_ref().1.peer_certificates();
            let certified = shown.and_then(|chain| chain.first()).map(|own| {
                let name = format!("certificate {}", Digest::of(own).short());
                Certified(name.into())
            });
            speak(stream, routes, certified, HEAD).await;
        }
        Ok(Ok(None)) => {}
        Ok(Err(error)) => tracing::warn!("the operator at {peer} did not shake hands: {error}"),
        Err(_) => tracing::debug!("the operator at {peer} did not shake hands in time"),
    }
}

/// Speaks HTTP with who is certified so, and has `head` for each request's head.
async fn speak<S>(stream: S, routes: Router, certified: Option<Certified>, head: Duration)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(move |request: http::Request<Incoming>| {
        let mut request = request.map(Body::new);
        if let Some(certified) = certified.clone() {
            request.extensions_mut().insert(certified);
        }
        let mut routes = routes.clone();
        async move { routes.call(request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!("an operator's connection broke: {error}");
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Router, speak};
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    const HEAD: Duration = Duration::from_millis(100);

    #[tokio::test]
    async fn an_operator_who_says_nothing_is_left() {
        let whole = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        for (sent, answers) in [("", 0), (&whole[..20], 0), (whole, 1)] {
            let (mut client, server) = tokio::io::duplex(1 << 10);
            let routes = Router::new().route("/", get(async || "ok"));
            let speaking = tokio::spawn(speak(server, routes, None, HEAD));
            let began = Instant::now();
            client.write_all(sent.as_bytes()).await.unwrap();
            let mut told = String::new();
            let to_its_end = client.read_to_string(&mut told);
            let ended = tokio::time::timeout(100 * HEAD, to_its_end).await;
            ended.expect("it is left").unwrap();
            assert_eq!(told.matches("200 OK").count(), answers, "{told}");
            assert!(HEAD <= began.elapsed(), "{sent:?}");
            speaking.await.unwrap();
        }
    }
}
