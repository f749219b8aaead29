//! Refuses what no route may see, before the path is read.

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use waystation_rules::admit::{self, Head, Length};

use super::failure::Refusal;
use crate::app::Policy;

/// Brings the facts of a request to [`admit::check`]; gives how long it is, for the limits of what will be found.
pub(super) fn check<B>(request: &Request<B>, policy: &Policy) -> Result<Length, Refusal> {
    let headers = request.headers();
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next();
    let uri = request.uri();
    let length = Length {
        url: uri.path_and_query().map_or(0, |path| path.as_str().len()),
        headers: headers.iter().map(|(name, value)| line(name, value)).sum(),
    };
    let head = Head {
        length,
        limits: &policy.limits.all,
        path: uri.path(),
        authority: uri.authority().map(|authority| authority.as_str()),
        host: host.and_then(|host| host.to_str().ok()),
        host_count: usize::from(host.is_some()) + hosts.count(),
        version_is_http2: request.version() == http::Version::HTTP_2,
        content_length: content_length(headers),
        has_transfer_encoding: headers.contains_key(TRANSFER_ENCODING),
    };
    admit::check(&head)?;
    Ok(length)
}

/// Bytes of a header's line in HTTP/1.1.
pub(super) fn line(name: &HeaderName, value: &HeaderValue) -> usize {
    name.as_str().len() + value.len() + ": \r\n".len()
}

/// Whom the client meant: what is said in the target, else in the `host` header. It counts once the request was admitted.
pub fn host<B>(request: &Request<B>) -> &str {
    let authority = request
        .uri()
        .authority()
        .map(|authority| authority.as_str());
    let host = || request.headers().get(HOST)?.to_str().ok();
    authority.or_else(host).unwrap_or_default()
}

/// What the body's length is said to be. hyper has refused what is not a number.
pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
