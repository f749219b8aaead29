//! Decides whether an answer has to be sent at all (RFC 9110, 8.8.3 and 13.1.2).
//!
//! In: the request's method and `If-None-Match`, the answer's status, headers and whole body. Out: a [`Conditional`].
//!
//! Next leaves this to pages and to a proxy in front (fact 9); here every whole answer to GET and HEAD has an `ETag`. It is a weak one: on
//! its way the answer may be compressed.

use headers::{ETag, HeaderMapExt as _, IfNoneMatch};
use http::header::{CACHE_CONTROL, ETAG};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::finish::words;

/// Bytes of a longer body are not looked through: naming it would take longer than most handlers run.
pub const LONGEST: usize = 1 << 20;

/// What becomes of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Conditional {
    /// It has no name, so nobody can have it already.
    AsItIs,
    /// It is sent with this name.
    Named(ETag),
    /// The client has it: 304 with this name.
    NotModified(ETag),
}

/// Finds out whether the client has what was answered.
///
/// `body` is the body if all of it is known; `name` makes a weak name of it, and is asked only where one is needed.
#[must_use]
pub fn settle(
    method: &Method,
    has: Option<&IfNoneMatch>,
    status: StatusCode,
    headers: &HeaderMap,
    body: Option<&[u8]>,
    name: impl FnOnce(&[u8]) -> String,
) -> Conditional {
    if !matches!(*method, Method::GET | Method::HEAD) || status != StatusCode::OK {
        return Conditional::AsItIs;
    }
    let name = match headers.contains_key(ETAG) {
        true => headers.typed_get(), // one that is none is the handler's business
        false => body
            .filter(|body| !body.is_empty() && body.len() <= LONGEST && may_be_kept(headers))
            .and_then(|body| name(body).parse().ok()),
    };
    match name {
        None => Conditional::AsItIs,
        Some(name) if has.is_some_and(|has| !has.precondition_passes(&name)) => {
            Conditional::NotModified(name)
        }
        Some(name) => Conditional::Named(name),
    }
}

/// The weak form of a name; nothing if it is weak already.
#[must_use]
pub fn weakened(name: &HeaderValue) -> Option<HeaderValue> {
    match name.as_bytes() {
        strong @ [b'"', ..] => HeaderValue::from_bytes(&[b"W/", strong].concat()).ok(),
        _ => None,
    }
}

fn may_be_kept(headers: &HeaderMap) -> bool {
    let mut words = headers.get_all(CACHE_CONTROL).iter().flat_map(words);
    !words.any(|word| word.eq_ignore_ascii_case("no-store"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_named_by_its_content() {
        check("GET hello", "200 W/\"hello\"");
        check("HEAD hello", "200 W/\"hello\"");
        check("GET hello, etag: \"own\"", "200 \"own\"");
        check("GET hello, etag: unquoted", "200");
        check("GET ", "200");
        check("POST hello", "200");
        check("GET hello, cache-control: private; No-Store", "200");
        check("GET hello, cache-control: x-no-store", "200 W/\"hello\"");
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        check("GET hello, if-none-match: W/\"hello\"", "304 W/\"hello\"");
        check("HEAD hello, if-none-match: W/\"hello\"", "304 W/\"hello\"");
        check("GET hello, if-none-match: *", "304 W/\"hello\"");
        check("GET hello, if-none-match: \"a\"; *", "200 W/\"hello\""); // `*` stands alone or not at all
        check(
            "GET hello, etag: \"own\", if-none-match: W/\"b\"; \"own\"",
            "304 \"own\"",
        );
        check("GET hello, if-none-match: W/\"other\"", "200 W/\"hello\"");
        check("GET hello, etag: unquoted, if-none-match: *", "200");
        check("POST hello, if-none-match: *", "200");
        check(
            "GET hello, cache-control: no-store, if-none-match: *",
            "200",
        );
    }

    #[test]
    fn only_a_good_answer_has_a_name() {
        let headers = HeaderMap::new();
        let name = |_: &[u8]| panic!("nobody asks for a name");
        for status in [StatusCode::NOT_FOUND, StatusCode::CREATED] {
            let found = settle(&Method::GET, None, status, &headers, Some(b"a"), name);
            assert_eq!(found, Conditional::AsItIs);
        }
        let long = vec![0; LONGEST + 1];
        for body in [None, Some(&*long)] {
            let found = settle(&Method::GET, None, StatusCode::OK, &headers, body, name);
            assert_eq!(found, Conditional::AsItIs);
        }
    }

    #[test]
    fn a_name_becomes_weak_once() {
        let weak = weakened(&HeaderValue::from_static("\"a\"")).unwrap();
        assert_eq!(weak, "W/\"a\"");
        assert_eq!(weakened(&weak), None);
    }

    /// `asked` is a method, a body that names itself, and headers of either side, with `;` for their commas.
    #[track_caller]
    fn check(asked: &str, expected: &str) {
        let mut parts = asked.split(", ");
        let (method, body) = parts.next().unwrap().split_once(' ').unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in parts.filter_map(|part| part.split_once(": ")) {
            let name: http::HeaderName = name.parse().unwrap();
            headers.insert(name, value.replace(';', ",").parse().unwrap());
        }
        let found = settle(
            &method.parse().unwrap(),
            headers.typed_get().as_ref(),
            StatusCode::OK,
            &headers,
            Some(body.as_bytes()),
            |body| format!("W/\"{}\"", str::from_utf8(body).unwrap()),
        );
        let name = |name: ETag| {
            let mut headers = HeaderMap::new();
            headers.typed_insert(name);
            headers[ETAG].to_str().unwrap().to_owned()
        };
        let found = match found {
            Conditional::AsItIs => "200".to_owned(),
            Conditional::Named(tag) => format!("200 {}", name(tag)),
            Conditional::NotModified(tag) => format!("304 {}", name(tag)),
        };
        assert_eq!(found, expected);
    }
}
