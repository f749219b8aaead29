//! What machines ask of a host: `GET /healthz`, whether it lives; `/readyz`, whether it takes requests; `/metrics`, what it counts.
//!
//! None of it changes anything or tells a secret, so it may have a listener of its own that monitors reach.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Current};
use crate::sandbox::loaded_code;
use crate::telemetry;

/// A monitor has this long for each of its requests.
const HEAD: Duration = Duration::from_secs(10);

/// Answers a monitor; nothing if it asks for something else. A host that has begun to stop is not ready.
#[must_use]
pub fn answer<'a>(
    method: &Method,
    path: &str,
    apps: impl IntoIterator<Item = &'a App>,
    stopping: &CancellationToken,
) -> Option<Response<Full<Bytes>>> {
    const TEXT: &str = "text/plain; charset=utf-8";
    if method != Method::GET && method != Method::HEAD {
        return None;
    }
    let (status, content_type, text) = match path {
        "/healthz" => (StatusCode::OK, TEXT, "ok\n".to_owned()),
        "/readyz" if stopping.is_cancelled() => {
            let text = "stopping\n".to_owned();
            (StatusCode::SERVICE_UNAVAILABLE, TEXT, text)
        }
        "/readyz" => (StatusCode::OK, TEXT, "ready\n".to_owned()),
        "/metrics" => {
            let apps = apps.into_iter().map(App::snapshot).collect();
            (
                StatusCode::OK,
                telemetry::CONTENT_TYPE,
                telemetry::metrics(apps, loaded_code()),
            )
        }
        _ => return None,
    };
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Some(response)
}

/// Answers monitors until it is dropped.
pub async fn serve(listener: TcpListener, current: Arc<Current>, stopping: CancellationToken) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await; // out of descriptors
            continue;
        };
        let (current, stopping) = (Arc::clone(&current), stopping.clone());
        tokio::spawn(speak(stream, move |request: &Request<_>| {
            let (method, path) = (request.method(), request.uri().path());
            let app = current.app();
            let nothing = || {
                let mut response = Response::new(Full::default());
                *response.status_mut() = StatusCode::NOT_FOUND;
                response
            };
            answer(method, path, [&*app], &stopping).unwrap_or_else(nothing)
        }));
    }
}

async fn speak<S>(
    stream: S,
    answer: impl Fn(&Request<hyper::body::Incoming>) -> Response<Full<Bytes>>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let answer = service_fn(async |request| Ok::<_, Infallible>(answer(&request)));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), answer);
    if let Err(error) = connection.await {
        tracing::debug!("a monitor's connection broke: {error}");
    }
}
