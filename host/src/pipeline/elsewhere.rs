//! Hands a request to another server, where a rewrite of the operator's leads there (rows CF3 and ST7).
//!
//! Both bodies stream through: nothing is kept, and what the server sends leaves as it comes.

use http::uri::InvalidUri;
use http::{Request, Uri};
use http_body_util::BodyExt as _;
use waystation_rules::finish;
use waystation_rules::outbound::{Patience, Refused};

use super::admit::content_length;
use super::failure::Refusal;
use super::handle::takes_body;
use crate::app::Policy;
use crate::http::{Body, BodyError, RequestBody, Response, Upload};
use crate::telemetry::Asked;

/// Why another server has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ElsewhereError {
    /// A param or the query makes no URL there.
    #[error("a rewrite leads to `{url}`, which is no URL: {error}")]
    Url {
        /// Where it leads.
        url: String,
        /// What is wrong.
        error: InvalidUri,
    },

    /// It stands in a network that may not be reached.
    #[error("a rewrite leads elsewhere: {0}")]
    Refused(#[from] Refused),

    /// It took too long.
    #[error("a rewrite leads to `{origin}`, which did not answer in time")]
    Late {
        /// Who was asked.
        origin: String,
    },

    /// The network's fault, or its own.
    #[error("a rewrite leads to `{origin}`, which cannot be reached: {error}")]
    Unreachable {
        /// Who was asked.
        origin: String,
        /// What happened.
        error: wasmtime_wasi_http::Error,
    },
}

/// Who leads a request to another server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leader {
    /// A rule of the operator's, who need not list what they write there.
    Rule,
    /// A proxy of the app, which may ask whom its handlers may.
    Proxy,
}

/// Asks the server at `url`.
///
/// # Errors
///
/// 502 or 504 if it has no answer; 413 if the body says that it is longer than the operator allows.
pub(super) async fn ask(
    policy: &Policy,
    leader: Leader,
    url: String,
    request: Request<Upload>,
) -> Result<Response, Refusal> {
    let uri: Uri = match url.parse() {
        Ok(uri) => uri,
        Err(error) => return Err(ElsewhereError::Url { url, error }.into()),
    };
    let (client, limits) = (&policy.outbound, &policy.limits.all);
    let target = match leader {
        Leader::Rule => client.admit_own(&uri),
        Leader::Proxy => client.admit(&uri),
    };
    let target = target.map_err(|refused| {
        policy.counts.asked(Asked::Refused);
        ElsewhereError::from(refused)
    })?;
    let (mut parts, body) = request.into_parts();
    let body = match takes_body(&parts.method) {
        true if content_length(&parts.headers).is_some_and(|length| limits.body < length) => {
            return Err(Refusal::TooLarge(limits.body));
        }
        true => RequestBody::limited(body, limits.body),
        false => RequestBody::none(),
    };
    parts.uri = uri;
    finish::strip_hop_by_hop(&mut parts.headers);
    let request = Request::from_parts(parts, body.boxed_unsync());
    let patience = Patience::of_rewrite(limits);
    let answer = client.send(&target, request, patience, None).await;
    policy.counts.asked(match &answer {
        Ok(_) => Asked::Answered,
        Err(_) => Asked::Failed,
    });
    let answer = answer.map_err(|error| {
        let origin = target.to_string();
        match error {
            wasmtime_wasi_http::Error::HttpResponseTimeout
            | wasmtime_wasi_http::Error::ConnectionTimeout => ElsewhereError::Late { origin },
            error => ElsewhereError::Unreachable { origin, error },
        }
    })?;
    let (mut parts, body) = answer.into_parts();
    finish::strip_hop_by_hop(&mut parts.headers);
    let body = Body::Stream(Box::pin(body.map_err(BodyError::from)));
    let mut response = Response::new(body);
    *response.status_mut() = parts.status;
    *response.headers_mut() = parts.headers;
    Ok(response)
}
