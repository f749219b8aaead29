//! Has the host send a request.

use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderValue, USER_AGENT};
use http::{Method, StatusCode};
use wasip3::http::client;
use wasip3::http::types::{self as wasi, ErrorCode};

use super::address::Address;
use super::error::{FetchError, FetchErrorKind};
use super::{Fetched, Whole};
use crate::body::Kind;
use crate::call::copy;
use crate::error::{Error, Result};
use crate::incoming::Incoming;
use crate::outgoing;

/// Sends it. Redirects are answers.
pub(super) async fn send(request: Whole) -> Result<Fetched> {
    let address = request.address.clone();
    let request = prepare(request)?;
    let answer = client::send(request).await;
    let answer = answer.map_err(|code| FetchError::new(&address, named(code)))?;
    let status = StatusCode::from_u16(answer.get_status_code()).map_err(Error::from)?;
    Ok(Fetched {
        status,
        headers: copy(&answer.get_headers()),
        is_redirected: false,
        body: Incoming::answer(answer, address.to_string()),
        address,
    })
}

fn prepare(request: Whole) -> Result<wasi::Request> {
    let Whole {
        method,
        address,
        mut headers,
        body,
        timeout,
    } = request;
    headers.remove(CONTENT_LENGTH);
    for (name, value) in [
        (
            USER_AGENT,
            concat!("waystation/", env!("CARGO_PKG_VERSION")),
        ),
        (ACCEPT, "*/*"),
        (ACCEPT_ENCODING, "identity"), // nobody here decodes it
    ] {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    if let Kind::Whole(bytes) | Kind::Text(bytes) = &body.0
        && !bytes.is_empty()
    {
        headers.insert(CONTENT_LENGTH, bytes.len().into());
    }
    let options = timeout.map(|timeout| {
        let options = wasi::RequestOptions::new();
        let nanoseconds = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        let _supported_by_every_host = options.set_first_byte_timeout(Some(nanoseconds));
        options
    });
    let fields = fields(&headers, &address)?;
    let (contents, ended) = match body.is_empty() {
        true => (None, wasip3::wit_future::new(|| Ok(None)).1),
        false => {
            let (contents, ended) = outgoing::contents(body);
            (Some(contents), ended)
        }
    };
    let (request, sent) = wasi::Request::new(fields, contents, ended, options);
    drop(sent);
    let scheme = match address.is_tls {
        true => wasi::Scheme::Https,
        false => wasi::Scheme::Http,
    };
    let is_set = request.set_method(&wasi_method(&method)).is_ok()
        && request.set_scheme(Some(&scheme)).is_ok()
        && request.set_authority(Some(&address.authority)).is_ok()
        && request.set_path_with_query(Some(&address.target)).is_ok();
    match is_set {
        true => Ok(request),
        false => Err(FetchError::new(&address, FetchErrorKind::Url).into()),
    }
}

fn fields(headers: &HeaderMap, address: &Address) -> Result<wasi::Fields> {
    let fields = wasi::Fields::new();
    for (name, value) in headers {
        if fields.append(name.as_str(), value.as_bytes()).is_err() {
            let kind = FetchErrorKind::ForbiddenHeader(name.clone());
            return Err(FetchError::new(address, kind).into());
        }
    }
    Ok(fields)
}

fn wasi_method(method: &Method) -> wasi::Method {
    match method.as_str() {
        "GET" => wasi::Method::Get,
        "HEAD" => wasi::Method::Head,
        "POST" => wasi::Method::Post,
        "PUT" => wasi::Method::Put,
        "DELETE" => wasi::Method::Delete,
        "OPTIONS" => wasi::Method::Options,
        "PATCH" => wasi::Method::Patch,
        other => wasi::Method::Other(other.to_owned()),
    }
}

/// Why the body of what came from there was not all.
pub(crate) fn cut(url: &str, code: ErrorCode) -> FetchError {
    FetchError::new(url, named(code))
}

/// What the host said.
fn named(code: ErrorCode) -> FetchErrorKind {
    match code {
        ErrorCode::HttpRequestDenied => FetchErrorKind::NotAllowed,
        ErrorCode::DestinationIpProhibited => FetchErrorKind::NotPublic,
        ErrorCode::ConnectionLimitReached => FetchErrorKind::TooMany,
        ErrorCode::LoopDetected => FetchErrorKind::Loop,
        ErrorCode::DnsError(_) | ErrorCode::DnsTimeout | ErrorCode::DestinationNotFound => {
            FetchErrorKind::Dns
        }
        ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTerminated
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable => FetchErrorKind::Unreachable,
        ErrorCode::TlsCertificateError
        | ErrorCode::TlsProtocolError
        | ErrorCode::TlsAlertReceived(_) => FetchErrorKind::Tls,
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => FetchErrorKind::Timeout,
        ErrorCode::HttpRequestUriInvalid => FetchErrorKind::Url,
        ErrorCode::HttpResponseIncomplete => FetchErrorKind::Incomplete,
        ErrorCode::HttpResponseBodySize(_) => FetchErrorKind::TooLarge,
        ErrorCode::InternalError(Some(words)) => FetchErrorKind::Other(words),
        code => FetchErrorKind::Other(format!("{code:?}")),
    }
}
