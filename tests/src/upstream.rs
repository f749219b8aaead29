//! A server of the test's own, for what the host asks of others.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// What it answers with.
pub type Served = Response<BoxBody<Bytes, std::convert::Infallible>>;

/// A server on a free port of this machine, until it is dropped.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    accepted: Arc<Mutex<usize>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Upstream {
    /// Serves by `answer`.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub async fn new<F, R>(answer: F) -> Self
    where
        F: Fn(Request<Incoming>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Served> + Send + 'static,
    {
        Self::over(None, answer).await
    }

    /// The same over TLS.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub async fn tls<F, R>(config: Arc<ServerConfig>, answer: F) -> Self
    where
        F: Fn(Request<Incoming>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Served> + Send + 'static,
    {
        Self::over(Some(TlsAcceptor::from(config)), answer).await
    }

    async fn over<F, R>(tls: Option<TlsAcceptor>, answer: F) -> Self
    where
        F: Fn(Request<Incoming>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Served> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let heads = Arc::new(Mutex::new(Vec::new()));
        let accepted = Arc::new(Mutex::new(0));
        let accepting = tokio::spawn({
            let (heads, accepted) = (Arc::clone(&heads), Arc::clone(&accepted));
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    *accepted.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                    let (heads, answer) = (Arc::clone(&heads), answer.clone());
                    let service = service_fn(move |request: Request<Incoming>| {
                        let mut heads = heads.lock().unwrap_or_else(PoisonError::into_inner);
                        heads.push(shown(&request));
                        let answered = answer(request);
                        async move { Ok::<_, std::convert::Infallible>(answered.await) }
                    });
                    let tls = tls.clone();
                    tokio::spawn(async move {
                        let connection = auto::Builder::new(TokioExecutor::new());
                        // A client that leaves in the middle is what some tests are about.
                        if let Ok(stream) = secured(stream, tls).await {
                            let _ = connection
                                .serve_connection(TokioIo::new(stream), service)
                                .await;
                        }
                    });
                }
            }
        });
        Self {
            address,
            heads,
            accepted,
            accepting,
        }
    }

    /// Where it listens, such as `http://127.0.0.1:4321`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The requests so far: method, path, and the headers in order, a line each.
    #[must_use]
    pub fn heads(&self) -> Vec<String> {
        self.heads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The connections so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        *self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

async fn secured(stream: TcpStream, tls: Option<TlsAcceptor>) -> std::io::Result<Box<dyn Stream>> {
    Ok(match tls {
        Some(tls) => Box::new(tls.accept(stream).await?),
        None => Box::new(stream),
    })
}

fn shown(request: &Request<Incoming>) -> String {
    let mut shown = format!("{} {}", request.method(), request.uri());
    for (name, value) in request.headers() {
        shown += &format!("\n{name}: {}", String::from_utf8_lossy(value.as_bytes()));
    }
    shown
}

/// A whole answer.
///
/// # Panics
///
/// If the status or a header is none.
#[must_use]
pub fn served(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Served {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response
        .body(Full::new(body.into()).boxed())
        .expect("an answer")
}

/// An answer that is written a piece at a time, through what comes with it.
#[must_use]
pub fn streamed() -> (mpsc::Sender<Bytes>, Served) {
    let (sender, mut receiver) = mpsc::channel::<Bytes>(1);
    let pieces = futures_util::stream::poll_fn(move |cx| {
        receiver
            .poll_recv(cx)
            .map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    });
    (sender, Response::new(StreamBody::new(pieces).boxed()))
}
