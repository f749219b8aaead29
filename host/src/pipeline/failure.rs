//! Words every refusal. Nothing else in the host makes an error response.
//!
//! In production a client learns the status and the request's id; in development, what happened and where.

use std::sync::Arc;
use std::time::Duration;

use headers::{ContentRange, HeaderMapExt as _};
use http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Request, StatusCode};
use waystation_rules::caching::{NOT_KEPT, NotKept};
use waystation_rules::forwarded::ForwardedError;
use waystation_rules::method::Methods;
use waystation_rules::path::PathError;
use waystation_rules::resolve::ResolveError;
use waystation_rules::{admit, finish};

use super::elsewhere::ElsewhereError;
use super::finish::insert_allow;
use crate::app::{Broken, Policy};
use crate::http::{Response, empty, whole};
use crate::sandbox::Fault;
use crate::telemetry::{Record, Stop};

/// Why a request gets no answer from a handler.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// The head of the request breaks HTTP.
    #[error(transparent)]
    Admit(#[from] admit::Refusal),

    /// The path cannot be decoded (row P5).
    #[error(transparent)]
    Path(#[from] PathError),

    /// A trusted proxy says what cannot be (threat model, 6.4).
    #[error(transparent)]
    Forwarded(#[from] ForwardedError),

    /// A rule of `waystation.toml` would lead out of its destination.
    #[error(transparent)]
    Resolve(#[from] ResolveError),

    /// The routed path and the query make no URL.
    #[error("this URL cannot be passed on: {0}")]
    Url(#[from] http::Error),

    /// Another server, to which a rewrite leads, has no answer.
    #[error(transparent)]
    Elsewhere(#[from] ElsewhereError),

    /// A tunnel was asked for: no handler may see it.
    #[error("this host is no proxy")]
    Connect,

    /// No route matches (row U11).
    #[error("no route answers this path")]
    NotFound,

    /// Not a method of Next's (row M3).
    #[error("this method is unknown")]
    UnknownMethod,

    /// The route has other methods (row M2, with `Allow`).
    #[error("this route has no handler for the method; it has {}", .0.allow())]
    Method(Methods),

    /// A file is read and nothing else (with `Allow`).
    #[error("this is a file, and it is only read: GET and HEAD")]
    FileMethod,

    /// The client wants to know of a change, and there was one.
    #[error("the file is not the one that If-Match names")]
    Precondition,

    /// The file does not have the bytes that were asked for (with its length).
    #[error("the file has {0} bytes, and none of those that Range names")]
    Range(u64),

    /// A file that is there cannot be read.
    #[error("the file cannot be read: {0}")]
    File(std::io::Error),

    /// The body says that it is too long.
    #[error("the body is longer than this route's {0} bytes (BODY_LIMIT)")]
    TooLarge(u64),

    /// The route did not compile.
    #[error("{}", .0.text)]
    Broken(Arc<Broken>),

    /// The answer of a route with `DYNAMIC = Error` cannot be kept (row Y5).
    #[error("with `DYNAMIC = Dynamic::Error` every answer is kept, and this one cannot be: {0}")]
    NotStatic(NotKept),

    /// The handler failed or was stopped.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Admit(refusal) => {
                StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST)
            }
            Self::Path(_)
            | Self::Forwarded(_)
            | Self::Resolve(_)
            | Self::Url(_)
            | Self::UnknownMethod => StatusCode::BAD_REQUEST,
            Self::Elsewhere(ElsewhereError::Late { .. }) => StatusCode::GATEWAY_TIMEOUT,
            Self::Elsewhere(_) => StatusCode::BAD_GATEWAY,
            Self::Connect => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method(_) | Self::FileMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Precondition => StatusCode::PRECONDITION_FAILED,
            Self::Range(_) => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::File(_) | Self::NotStatic(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Fault(fault) => match fault {
                Fault::WallTime(_) | Fault::StreamTime(_) | Fault::AfterTime(_) => {
                    StatusCode::GATEWAY_TIMEOUT
                }
                Fault::CpuTime(_) | Fault::AllMemory(_) | Fault::Busy(_) | Fault::RouteBusy(_) => {
                    StatusCode::SERVICE_UNAVAILABLE
                }
                Fault::Handler { status, .. } => {
                    let status = finish::failure_status(*status);
                    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
                }
                Fault::Memory(_)
                | Fault::Met { .. }
                | Fault::Fields(_)
                | Fault::Trap(_)
                | Fault::Load(_)
                | Fault::Answer(_) => StatusCode::INTERNAL_SERVER_ERROR,
            },
        }
    }

    /// What it is counted as.
    pub(super) fn stop(&self) -> Option<Stop> {
        match self {
            Self::Fault(fault) => fault.stop(),
            Self::TooLarge(_) => Some(Stop::Body),
            Self::Admit(admit::Refusal::LongUrl { .. }) => Some(Stop::Url),
            Self::Admit(admit::Refusal::LongHeaders { .. }) => Some(Stop::Headers),
            Self::Elsewhere(_) => Some(Stop::Upstream),
            Self::File(_) => Some(Stop::File),
            Self::NotStatic(_) => Some(Stop::Answer),
            _ => None,
        }
    }

    /// When to try again, where trying again may help.
    fn retry_after(&self) -> Option<Duration> {
        let is_busy = matches!(
            self,
            Self::Fault(Fault::AllMemory(_) | Fault::Busy(_) | Fault::RouteBusy(_))
        );
        is_busy.then_some(Duration::from_secs(1))
    }
}

/// Who will read the refusal.
pub(super) struct Reader {
    is_developer: bool,
    is_http2: bool,
    wants_html: bool,
}

impl Reader {
    pub(super) fn of<B>(policy: &Policy, request: &Request<B>) -> Self {
        let wants_html = policy.shows_errors
            && request
                .headers()
                .get(ACCEPT)
                .and_then(|accept| accept.to_str().ok())
                .is_some_and(|accept| accept.contains("text/html"));
        Self {
            is_developer: policy.shows_errors,
            wants_html,
            is_http2: request.version() == http::Version::HTTP_2,
        }
    }
}

/// Logs a refusal if it is the app's fault, and words it for its reader.
pub(super) fn respond(refusal: Refusal, reader: &Reader, record: &Record) -> Response {
    let status = refusal.status();
    let (route, id) = (record.route(), record.id);
    match &refusal {
        Refusal::Broken(_) => {} // said when it was built
        _ if status.is_server_error() => tracing::error!("{route} {id}: {refusal}"),
        // What a client did wrong is worth a line where the developer looks, not in an operator's log.
        Refusal::Fault(_) | Refusal::Admit(_) | Refusal::TooLarge(_) => {
            tracing::info!(target: "request", "{route} {id}: {refusal}");
        }
        _ => {}
    }
    let mut response = Response::new(empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    match &refusal {
        Refusal::Method(implemented) => insert_allow(headers, *implemented),
        Refusal::FileMethod => drop(headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"))),
        Refusal::Range(length) => headers.typed_insert(ContentRange::unsatisfied_bytes(*length)),
        _ => {}
    }
    // Where two readers could differ on what a request is, they could also differ on where the next one begins.
    if matches!(refusal, Refusal::Admit(_)) && !reader.is_http2 {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(wait) = refusal.retry_after() {
        headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(NOT_KEPT));
    if reader.is_developer {
        let (content_type, text) = match reader.wants_html {
            true => ("text/html; charset=utf-8", page(status, &refusal)),
            false => ("text/plain; charset=utf-8", format!("{refusal}\n")),
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        *response.body_mut() = whole(text);
    }
    response
}

/// Why no app answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misdirected {
    /// No app has its host.
    #[error("no app of this node answers this host")]
    Host,

    /// Its connection was made for a host that has another certificate.
    #[error("this connection was made for another host")]
    Name,

    /// The app has been staged and never been activated.
    #[error("this app has no active release")]
    Release,

    /// The release that a preview names.
    #[error("there is no such preview; its release may be gone")]
    Preview,
}

/// Answers a request that belongs to no app. Its text is the operator's to read and tells a client nothing about other apps.
#[must_use]
pub fn misdirected(why: Misdirected) -> Response {
    let mut response = Response::new(whole(format!("{why}\n")));
    *response.status_mut() = match why {
        Misdirected::Host | Misdirected::Name => StatusCode::MISDIRECTED_REQUEST,
        Misdirected::Release => StatusCode::SERVICE_UNAVAILABLE,
        Misdirected::Preview => StatusCode::NOT_FOUND,
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(NOT_KEPT));
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(CONTENT_TYPE, text);
    response
}

/// A page for the browser. It asks again by itself, so that a route that was mended shows without a key being pressed.
fn page(status: StatusCode, refusal: &Refusal) -> String {
    let refresh = match refusal {
        Refusal::Broken(_) => "<meta http-equiv=\"refresh\" content=\"1\">",
        _ => "",
    };
    let text = refusal.to_string();
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">{refresh}<title>{status}</title>\
         <style>body{{font-family:system-ui;margin:3rem;color-scheme:light dark}}\
         pre{{font:14px/1.5 ui-monospace,monospace;overflow-x:auto}}</style></head>\
         <body><h1>{status}</h1><pre>{text}</pre></body></html>\n"
    )
}
