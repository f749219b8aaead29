//! Follows redirects as the Fetch standard does ("HTTP-redirect fetch").

use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE, COOKIE,
    HeaderMap, LOCATION,
};
use http::{Method, StatusCode};

use super::address::Address;
use super::error::{FetchError, FetchErrorKind};
#[cfg(target_family = "wasm")]
use super::host as sender;
#[cfg(not(target_family = "wasm"))]
use super::native as sender;
use super::{Fetched, Redirect, Whole};
use crate::body::{Body, Kind};
use crate::error::Result;

const MOST: usize = 20;

/// Sends a request, and sends it on where it is led.
pub(super) async fn send(mut request: Whole, redirect: Redirect) -> Result<Fetched> {
    for hop in 0..=MOST {
        let kept = copy(&request.body);
        let (method, headers) = (request.method.clone(), request.headers.clone());
        let (address, timeout) = (request.address.clone(), request.timeout);
        let answer = sender::send(request).await?;
        let next = match redirect {
            Redirect::Manual => None,
            Redirect::Follow | Redirect::Error => target(&answer, &address),
        };
        let Some(next) = next else {
            return Ok(Fetched {
                is_redirected: hop != 0,
                ..answer
            });
        };
        let fault = |kind| FetchError::new(&address, kind);
        if redirect == Redirect::Error {
            return Err(fault(FetchErrorKind::Redirect).into());
        }
        let next = next.ok_or_else(|| fault(FetchErrorKind::Redirect))?;
        let (method, body) = match becomes_get(answer.status(), &method) {
            true => (Method::GET, Body::empty()),
            false => (method, kept.ok_or_else(|| fault(FetchErrorKind::BodyOnce))?),
        };
        request = Whole {
            headers: carried(headers, &method, next.is_same_origin(&address)),
            method,
            address: next,
            body,
            timeout,
        };
    }
    Err(FetchError::new(&request.address, FetchErrorKind::Redirect).into())
}

/// Where an answer leads, if it does: `Some(None)` for a `Location` that is no URL.
fn target(answer: &Fetched, from: &Address) -> Option<Option<Address>> {
    let leads = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = answer.headers().get(LOCATION).filter(|_| leads)?;
    let location = str::from_utf8(location.as_bytes()).ok();
    Some(location.and_then(|location| from.join(location)))
}

pub(super) fn becomes_get(status: StatusCode, method: &Method) -> bool {
    match status.as_u16() {
        301 | 302 => *method == Method::POST,
        303 => *method != Method::GET && *method != Method::HEAD,
        _ => false,
    }
}

/// What goes along: nothing about a body that was dropped, no secrets to another server.
pub(super) fn carried(mut headers: HeaderMap, method: &Method, is_same_origin: bool) -> HeaderMap {
    if *method == Method::GET {
        for name in [
            CONTENT_ENCODING,
            CONTENT_LANGUAGE,
            CONTENT_LOCATION,
            CONTENT_TYPE,
        ] {
            headers.remove(name);
        }
    }
    if !is_same_origin {
        for name in [AUTHORIZATION, COOKIE] {
            headers.remove(name);
        }
    }
    headers
}

/// The same body once more; a stream cannot be.
fn copy(body: &Body) -> Option<Body> {
    match &body.0 {
        Kind::Whole(bytes) | Kind::Text(bytes) => Some(Body(Kind::Whole(bytes.clone()))),
        Kind::Stream(_) => None,
    }
}
