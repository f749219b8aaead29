//! One connection: HTTP/1.1 or HTTP/2, under timers from its first byte on.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Answers;
use super::sniff::sniff;
use crate::http::Upload;
use crate::sandbox::Asker;

/// A client has this long for its first bytes, and for each head. hyper counts it on idle connections too.
const HEAD: Duration = Duration::from_secs(30);
/// What HTTP/1.1 reads ahead, beside the head.
const BUFFER_BYTES: usize = 32 << 10;
/// HTTP/2: 100 streams with 64 KiB to send make 6 MiB a connection; hyper's defaults make 80.
const STREAMS: u32 = 100;
const SEND_BYTES: usize = 64 << 10;
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;

/// How a connection learns that it should end.
pub(super) struct Life {
    /// Lets a request finish, then ends the connection.
    pub(super) watcher: Watcher,
    /// Ends a connection that has not said anything yet.
    pub(super) stopping: CancellationToken,
    /// What guests go on with when their answers have gone, which may take longer than the connection.
    pub(super) background: TaskTracker,
}

pub(super) async fn serve(
    stream: TcpStream,
    client: IpAddr,
    answers: Arc<impl Answers>,
    life: Life,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("a connection ended before it began: {error}");
        return;
    }
    let sniffed = tokio::select! {
        sniffed = tokio::time::timeout(HEAD, sniff(stream)) => sniffed,
        () = life.stopping.cancelled() => return,
    };
    let io = match sniffed {
        Ok(Ok(Some(io))) => io,
        Ok(Ok(None)) | Err(_) => return,
        Ok(Err(error)) => return tracing::debug!("a connection failed: {error}"),
    };
    let is_http2 = io.is_http2;
    let header_bytes = answers.header_bytes();
    let io = TokioIo::new(io);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let request = Upload::of_client(request);
        let asker = Asker { client, depth: 0 };
        let response = answers.respond(asker, request, life.background.clone());
        async move { Ok::<_, Infallible>(response.await) }
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
        life.watcher.watch(connection).await
    } else {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_header_size(header_bytes)
            .max_buf_size(header_bytes + BUFFER_BYTES)
            .serve_connection(io, service);
        life.watcher.watch(connection).await
    };
    if let Err(error) = served {
        tracing::debug!("a connection from {client} ended early: {error}");
    }
}
