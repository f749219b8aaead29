//! Names the content of an answer, and spares sending what the client has already (RFC 9110, 8.8.3 and 13.1.2).
//!
//! Next leaves this to pages and to a proxy in front (fact 9); here every whole answer to GET and HEAD has an `ETag`. It is a weak one: on
//! its way the answer may be compressed.

use headers::{ETag, HeaderMapExt as _, IfNoneMatch};
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::{HeaderValue, StatusCode};
use waystation_rules::method::Method;

use crate::http::{Body, Response, empty};

/// Bytes of a longer body are not looked through: naming it would take longer than most handlers run.
const LONGEST: usize = 1 << 20;

/// Adds an `ETag` if the handler has set none, and turns an answer that the client has into 304.
///
/// `has` is the request's `If-None-Match`.
pub(super) fn settle(response: &mut Response, asked: Method, has: Option<&IfNoneMatch>) {
    if !matches!(asked, Method::Get | Method::Head) || response.status() != StatusCode::OK {
        return;
    }
    let own: Option<ETag> = response.headers().typed_get();
    if own.is_none() && response.headers().contains_key(ETAG) {
        return; // a name that is none is the handler's business
    }
    let Some(name) = own.or_else(|| named(response)) else {
        return;
    };
    if has.is_some_and(|has| !has.precondition_passes(&name)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = empty();
        for header in [CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE] {
            response.headers_mut().remove(header);
        }
    }
    response.headers_mut().typed_insert(name);
}

fn named(response: &Response) -> Option<ETag> {
    let Body::Whole(bytes) = response.body() else {
        return None;
    };
    let forbids_keeping = |value: &HeaderValue| {
        let value = value.as_bytes().to_ascii_lowercase();
        value.windows(8).any(|word| word == b"no-store")
    };
    if bytes.is_empty()
        || LONGEST < bytes.len()
        || response
            .headers()
            .get_all(CACHE_CONTROL)
            .iter()
            .any(forbids_keeping)
    {
        return None;
    }
    let digest = blake3::hash(bytes).to_hex();
    format!("W/\"{}\"", &digest[..32]).parse().ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::http::whole;

    const HELLO: &str = "W/\"ea8f163db38682925e4491c5e58d4bb3\"";

    #[test]
    fn an_answer_is_named_by_its_content() {
        check(
            Method::Get,
            "",
            None,
            "200 hello W/\"ea8f163db38682925e4491c5e58d4bb3\"",
        );
        check(Method::Get, "\"own\"", None, "200 hello \"own\"");
        check(Method::Post, "", None, "200 hello ");
        check(Method::Get, "unquoted", Some("*"), "200 hello unquoted");
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        check(Method::Get, "", Some(HELLO), &format!("304  {HELLO}"));
        check(Method::Head, "", Some(HELLO), &format!("304  {HELLO}"));
        check(
            Method::Get,
            "",
            Some("\"a\", *"),
            &format!("200 hello {HELLO}"),
        ); // `*` stands alone or not at all
        check(Method::Get, "", Some("*"), &format!("304  {HELLO}"));
        check(
            Method::Get,
            "\"own\"",
            Some("W/\"b\", \"own\""),
            "304  \"own\"",
        );
        check(
            Method::Get,
            "",
            Some("W/\"other\""),
            &format!("200 hello {HELLO}"),
        );
        check(Method::Post, "", Some("*"), "200 hello ");
    }

    #[track_caller]
    fn check(asked: Method, own: &str, has: Option<&str>, expected: &str) {
        let mut response = Response::new(whole("hello"));
        if !own.is_empty() {
            response.headers_mut().insert(ETAG, own.parse().unwrap());
        }
        let mut request = HeaderMap::new();
        if let Some(has) = has {
            request.insert(http::header::IF_NONE_MATCH, has.parse().unwrap());
        }
        settle(&mut response, asked, request.typed_get().as_ref());
        let tag = response
            .headers()
            .get(ETAG)
            .map(|tag| tag.to_str().unwrap());
        let Body::Whole(body) = response.body() else {
            panic!("it was whole")
        };
        let body = std::str::from_utf8(body).unwrap();
        assert_eq!(
            format!(
                "{} {body} {}",
                response.status().as_u16(),
                tag.unwrap_or_default()
            ),
            expected
        );
    }
}
