//! Puts together what a guest is told about a request.

use http::header::{COOKIE, HOST};
use http::uri::{self, Authority, PathAndQuery};
use http::{HeaderMap, HeaderValue, Request, Uri, request};
use waystation_rules::forwarded::{Scheme, Settled};
use waystation_rules::method::Method;
use waystation_rules::table::Param;
use waystation_rules::{admit, cookies};

use super::admit::content_length;
use super::failure::Refusal;
use crate::http::{RequestBody, Upload};
use crate::sandbox::{Call, Guest};
use crate::telemetry::RequestId;

/// What was settled about a request on its way to the guest.
pub(super) struct Facts<'a> {
    /// The handler to run.
    pub(super) method: Method,
    /// The dynamic segments.
    pub(super) params: Vec<Param>,
    /// The path as it was routed, still encoded and without the base path (row U6).
    pub(super) path: &'a str,
    /// The query that goes with it, still encoded.
    pub(super) query: Option<&'a str>,
    /// The cookies by name and decoded value.
    pub(super) cookies: Vec<(String, String)>,
    /// Who asks, and how.
    pub(super) settled: &'a Settled,
    /// What the request is called.
    pub(super) id: RequestId,
    /// How the client speaks to this host, and what `request.url` calls it, unless a trusted proxy knows better.
    pub(super) scheme: Scheme,
    pub(super) origin: &'a Authority,
    /// Whether the client is in draft mode.
    pub(super) draft_mode: bool,
}

/// The call of a handler.
///
/// # Errors
///
/// 413 if the body says that it is longer than the route takes; 400 if the path cannot be a URL's.
pub(super) fn call(
    request: Request<Upload>,
    guest: &Guest,
    facts: Facts<'_>,
) -> Result<Call, Refusal> {
    let limit = guest.config().body_limit;
    let (parts, body) = request.into_parts();
    let body = if takes_body(&parts.method) {
        match content_length(&parts.headers) {
            Some(length) if limit < length => return Err(Refusal::TooLarge(limit)),
            _ => RequestBody::limited(body, limit),
        }
    } else {
        RequestBody::none()
    };
    Ok(told(parts, body, facts)?)
}

/// The call of a guest that is told these facts.
///
/// # Errors
///
/// If the path cannot be a URL's.
pub(super) fn told(
    mut parts: request::Parts,
    body: RequestBody,
    facts: Facts<'_>,
) -> Result<Call, http::Error> {
    name_host(&mut parts.headers, &parts.uri);
    parts.uri = url(&facts)?;
    Ok(Call {
        method: facts.method,
        request: Request::from_parts(parts, body),
        request_id: facts.id.to_string(),
        params: facts.params,
        cookies: facts.cookies,
        client_address: facts.settled.client.to_string(),
        draft_mode: facts.draft_mode,
    })
}

/// Row Q8: GET and HEAD have no body, whatever the client sends.
pub(super) fn takes_body(method: &http::Method) -> bool {
    *method != http::Method::GET && *method != http::Method::HEAD
}

/// HTTP/2 may split the header into a line a cookie (RFC 9113, 8.2.3).
pub(super) fn cookies(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut lines = headers
        .get_all(COOKIE)
        .iter()
        .map(|line| String::from_utf8_lossy(line.as_bytes()));
    let Some(first) = lines.next() else {
        return Vec::new();
    };
    let joined = lines.fold(first.into_owned(), |joined, line| joined + "; " + &line);
    cookies::parse(&joined)
}

/// Takes out what only a proxy of ours may say (threat model, R1).
pub(super) fn strip(headers: &mut HeaderMap) {
    let internal: Vec<_> = headers
        .keys()
        .filter(|name| admit::is_internal(name.as_str()))
        .cloned()
        .collect();
    for name in internal {
        headers.remove(name);
    }
}

/// HTTP/2 names the host in the target; a handler finds it in the `host` header either way.
fn name_host(headers: &mut HeaderMap, uri: &Uri) {
    if let Some(authority) = uri.authority()
        && let Ok(host) = HeaderValue::try_from(authority.as_str())
    {
        headers.insert(HOST, host);
    }
}

/// The URL that the guest sees: the path and query that were routed, on the operator's origin (row Q2) or on the host that a trusted proxy
/// named or kept.
fn url(facts: &Facts<'_>) -> Result<Uri, http::Error> {
    let target = match facts.query {
        None => PathAndQuery::try_from(facts.path)?,
        Some(query) => PathAndQuery::try_from(format!("{}?{query}", facts.path))?,
    };
    let mut parts = uri::Parts::default();
    let (scheme, host) = match facts.settled {
        Settled {
            is_vouched: true,
            scheme,
            host,
            ..
        } => (*scheme, host.parse()?),
        _ => (facts.scheme, facts.origin.clone()),
    };
    parts.scheme = Some(match scheme {
        Scheme::Http => uri::Scheme::HTTP,
        Scheme::Https => uri::Scheme::HTTPS,
    });
    parts.authority = Some(host);
    parts.path_and_query = Some(target);
    Ok(Uri::from_parts(parts)?)
}
