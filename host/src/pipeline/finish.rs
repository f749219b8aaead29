//! The last touch on a response.

use std::time::{SystemTime, UNIX_EPOCH};

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, LOCATION, REFRESH, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use waystation_rules::caching::NOT_KEPT;
use waystation_rules::config::Redirect;
use waystation_rules::cookies::{self, SetCookie};
use waystation_rules::finish;
use waystation_rules::method::Methods;

use super::admit::content_length;
use crate::http::{Body, Response, empty, whole};
use crate::sandbox::{Answer, Effects, Fault};

/// Turns an answer into what may leave: its cookies merged, its framing left to hyper. Whether it has a body for HEAD is settled last, for
/// its name and length are those of GET.
///
/// # Errors
///
/// A [`Fault::Answer`] for a status that is none, or a cookie that no browser would take.
pub(super) fn response(answer: Answer) -> Result<Response, Fault> {
    let Answer {
        mut response,
        effects: Effects { cookies, .. },
        ..
    } = answer;
    let status = response.status().as_u16();
    if !finish::is_status(status) {
        return Err(Fault::Answer(format!("it answered with status {status}")));
    }
    strip(response.headers_mut());
    finish::join(response.headers_mut());
    check(&cookies)?;
    if !cookies.is_empty() {
        merge(response.headers_mut(), &cookies);
    }
    if !finish::body_allowed(status) {
        *response.body_mut() = empty();
    }
    Ok(response)
}

/// The same of a `head` handler's, which may say how long the answer to GET would be (row M7).
///
/// # Errors
///
/// As for [`response`].
pub(super) fn head(answer: Answer) -> Result<Response, Fault> {
    let length = content_length(answer.response.headers());
    let mut response = response(answer)?;
    if let (Some(length), Body::Whole(body)) = (length, response.body())
        && body.is_empty()
        && finish::body_allowed(response.status().as_u16())
    {
        let headers = response.headers_mut();
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok(response)
}

/// Tells everybody on the way to keep nothing, unless the handler has said what they may keep.
pub(super) fn not_kept(headers: &mut HeaderMap) {
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static(NOT_KEPT));
}

/// The same whatever the handler has said.
pub(super) fn secret(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(NOT_KEPT));
}

/// Takes the body off an answer to HEAD, and says how long it was.
pub(super) fn drop_body(response: &mut Response) {
    if let Body::Whole(bytes) = response.body()
        && !bytes.is_empty()
    {
        let length = HeaderValue::from(bytes.len());
        response.headers_mut().insert(CONTENT_LENGTH, length);
    }
    *response.body_mut() = empty();
}

/// Rows U1 and U3: sends the client to the path as it should be, its query kept.
pub(super) fn tidied(path: &str, query: Option<&str>) -> Response {
    redirect(&Redirect {
        status: 308,
        location: query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")),
    })
}

/// Row CF2: sends the client elsewhere; the body says where.
pub(super) fn redirect(redirect: &Redirect) -> Response {
    let mut response = Response::new(whole(redirect.location.clone()));
    *response.status_mut() =
        StatusCode::from_u16(redirect.status).unwrap_or(StatusCode::TEMPORARY_REDIRECT);
    if let Ok(value) = HeaderValue::try_from(&redirect.location) {
        response.headers_mut().insert(LOCATION, value);
    }
    if let Some(Ok(value)) = redirect.refresh().map(HeaderValue::try_from) {
        response.headers_mut().insert(REFRESH, value);
    }
    response
}

/// Row M8: OPTIONS where the route has none of its own.
pub(super) fn allow(implemented: Methods) -> Response {
    let mut response = Response::new(empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    insert_allow(response.headers_mut(), implemented);
    response
}

/// The methods of a route as the `Allow` header.
pub(super) fn insert_allow(headers: &mut HeaderMap, implemented: Methods) {
    if let Ok(value) = HeaderValue::try_from(implemented.allow()) {
        headers.insert(ALLOW, value);
    }
}

/// Says whether a guest's cookies can be sent.
pub(super) fn check(cookies: &[SetCookie]) -> Result<(), Fault> {
    let mut checks = cookies.iter().map(SetCookie::check);
    checks
        .try_for_each(|check| check)
        .map_err(|error| Fault::Answer(error.to_string()))
}

/// Takes out what a guest may not say.
pub(super) fn strip(headers: &mut HeaderMap) {
    let forbidden: Vec<_> = headers
        .keys()
        .filter(|name| finish::is_forbidden(name.as_str()))
        .cloned()
        .collect();
    for name in forbidden {
        headers.remove(name);
    }
}

/// Rows C6 and C10: the response's own cookies first, each name once.
pub(super) fn merge(headers: &mut HeaderMap, edits: &[SetCookie]) {
    let own = headers
        .get_all(SET_COOKIE)
        .iter()
        .map(|line| line.as_bytes().to_vec())
        .collect();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_secs());
    headers.remove(SET_COOKIE);
    for line in cookies::merge(own, edits, i64::try_from(now).unwrap_or(i64::MAX)) {
        if let Ok(value) = HeaderValue::from_bytes(&line) {
            headers.append(SET_COOKIE, value);
        }
    }
}
