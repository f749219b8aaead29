//! One connection: HTTP/1.1 or HTTP/2, in cleartext or over TLS, under timers from its first byte on.

use std::convert::Infallible;
use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::Either;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::select;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use waystation_rules::forwarded::Scheme;
use waystation_rules::rollout::host_of;

use super::Answers;
use super::pieces::in_pieces;
use super::sniff::sniff;
use super::stall::{LONGEST, Watched};
use super::tls::Tls;
use crate::http::Upload;
use crate::pipeline::{self, Misdirected};
use crate::sandbox::Asker;

/// A client has this long for its first bytes, and for each head. hyper counts it on idle connections too.
const HEAD: Duration = Duration::from_secs(30);
/// It has this long to shake hands.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// When the server stops, a client that has just connected has this long for its first bytes: they are on their way already.
const ON_ITS_WAY: Duration = Duration::from_millis(500);
/// A head with so much more than the limit is still read, so that its refusal can be counted and logged.
const REFUSED_HEADERS: usize = 16 << 10;
/// What HTTP/1.1 reads ahead, beside the head.
const BUFFER_BYTES: usize = 32 << 10;
/// HTTP/2: 100 streams with 64 KiB to send, and a piece that waits for that, make 12 MiB a connection; hyper's defaults make 80.
const STREAMS: u32 = 100;
const SEND_BYTES: usize = 64 << 10;
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;

/// How a connection learns that it should end.
pub(super) struct Life {
    /// Lets a request finish, then ends the connection.
    pub(super) ending: watch::Receiver<()>,
    /// Ends a connection that has not said anything yet.
    pub(super) stopping: CancellationToken,
    /// What guests go on with when their answers have gone, which may take longer than the connection.
    pub(super) background: TaskTracker,
}

/// Serves a connection to its end.
pub(super) async fn serve(
    stream: TcpStream,
    client: SocketAddr,
    tls: Option<Arc<Tls>>,
    answers: Arc<impl Answers>,
    life: Life,
) {
    if let Err(error) = stream.set_nodelay(true) {
        return tracing::debug!("a connection ended before it began: {error}");
    }
    let asker = |scheme| Asker::client(client.ip(), scheme);
    let Some(tls) = tls else {
        return speak(stream, asker(Scheme::Http), None, answers, life).await;
    };
    // A client that connects and says nothing does not hold up the end of the server; one that shakes hands is let finish.
    if life.first(stream.readable()).await.is_none() {
        return;
    }
    match tokio::time::timeout(HANDSHAKE, Box::pin(tls.accept(stream))).await {
        Ok(Ok(Some(stream))) => {
            let name = stream.get_ref().1.server_name().map(str::to_owned);
            let named = name.map(|name| Named { name, tls });
            Box::pin(speak(stream, asker(Scheme::Https), named, answers, life)).await;
        }
        Ok(Ok(None)) => {}
        Ok(Err(error)) => tracing::debug!("{client} did not shake hands: {error}"),
        Err(_) => tracing::debug!("{client} did not shake hands in time"),
    }
}

/// Whom a client has asked for when it shook hands.
struct Named {
    name: String,
    tls: Arc<Tls>,
}

impl Named {
    /// Whether a request is for a host that has another certificate.
    fn is_another(&self, request: &http::Request<Upload>) -> bool {
        let host = pipeline::host(request);
        self.tls.is_misdirected(&self.name, &host_of(host))
    }
}

impl Life {
    /// Waits for a client's first bytes; none if they take too long, or the server stops and they are not on their way.
    async fn first<T>(&self, heard: impl Future<Output = io::Result<T>>) -> Option<T> {
        let stopped = async {
            self.stopping.cancelled().await;
            tokio::time::sleep(ON_ITS_WAY).await;
        };
        let heard = select! {
            heard = tokio::time::timeout(HEAD, heard) => heard.ok()?,
            () = stopped => return None,
        };
        heard
            .inspect_err(|error| tracing::debug!("a connection failed: {error}"))
            .ok()
    }
}

/// Speaks HTTP.
async fn speak<S>(
    stream: S,
    asker: Asker,
    named: Option<Named>,
    answers: Arc<impl Answers>,
    mut life: Life,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let Some(Some(io)) = life.first(sniff(Watched::new(stream, LONGEST))).await else {
        return;
    };
    let is_http2 = io.is_http2;
    let header_bytes = answers.header_bytes() + REFUSED_HEADERS;
    let io = TokioIo::new(io);
    let client = asker.client;
    let service = service_fn(move |request: http::Request<Incoming>| {
        let request = Upload::of_client(request);
        let is_another = named
            .as_ref()
            .is_some_and(|named| named.is_another(&request));
        let response = match is_another {
            true => Either::Left(ready(pipeline::misdirected(Misdirected::Name))),
            false => {
                Either::Right(answers.respond(asker.clone(), request, life.background.clone()))
            }
        };
        response.map(move |response| {
            Ok::<_, Infallible>(match is_http2 {
                true => response.map(|body| in_pieces(body, LONGEST)),
                false => response,
            })
        })
    });
    let served = if is_http2 {
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_send_buf_size(SEND_BYTES)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(u32::try_from(header_bytes).unwrap_or(u32::MAX))
            .keep_alive_interval(HEAD)
            .serve_connection(io, service);
        let mut connection = Box::pin(connection); // most are of the other kind, which is smaller
        to_its_end(connection.as_mut(), &mut life.ending).await
    } else {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_header_size(header_bytes)
            .max_buf_size(header_bytes + BUFFER_BYTES)
            .serve_connection(io, service);
        to_its_end(pin!(connection), &mut life.ending).await
    };
    if let Err(error) = served {
        tracing::debug!("a connection from {client} ended early: {error}");
    }
}

/// Serves until the client leaves, or has its answer once the connection is told to end. It is a reference that goes in here and into
/// `select!`: a future that takes another by value may have room for it twice.
async fn to_its_end<C: GracefulConnection>(
    mut connection: Pin<&mut C>,
    ending: &mut watch::Receiver<()>,
) -> Result<(), C::Error> {
    select! {
        biased; // told to end before it has looked, hyper would close a connection whose request is here already
        served = connection.as_mut() => return served,
        _ = ending.changed() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Current;
    use crate::server::DRAIN;
    use crate::telemetry::limits_page::{says, says_time};

    /// It is held per connection, for as long as a client may be idle. With `watch` around hyper's future it had 11 KB.
    #[test]
    fn the_future_of_a_connection_is_small() {
        let size = size_of_future(|stream, client, tls, answers: Arc<Current>, life| {
            serve(stream, client, tls, answers, life)
        });
        assert!(size < 4 << 10, "{size} bytes");
    }

    fn size_of_future<A, B, C, D, E, F: Future>(_: impl Fn(A, B, C, D, E) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_page_says_how_long_a_client_has() {
        says_time("first bytes", HEAD);
        says_time("handshake", HANDSHAKE);
        says("streams", STREAMS.into());
        says_time("drain", DRAIN);
    }
}
