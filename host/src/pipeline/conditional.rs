//! Spares sending what the client has already.

use headers::{HeaderMapExt as _, IfNoneMatch};
use http::StatusCode;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use waystation_rules::conditional::{Conditional, settle};

use super::asked::Asked;
use crate::http::{Body, Response, empty};

/// Adds an `ETag` if the handler has set none, and turns an answer that the client has into 304.
pub(super) fn answer(response: &mut Response, asked: &Asked) {
    let asks = asked.headers.contains_key(IF_NONE_MATCH);
    if !asks && response.headers().contains_key(ETAG) {
        return;
    }
    let has: Option<IfNoneMatch> = asked.headers.typed_get();
    let body = match response.body() {
        Body::Whole(bytes) => Some(&**bytes),
        Body::Stream(_) => None,
    };
    let (status, headers) = (response.status(), response.headers());
    let name = match settle(&asked.method, has.as_ref(), status, headers, body, name) {
        Conditional::AsItIs => return,
        Conditional::Named(name) => name,
        Conditional::NotModified(name) => {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = empty();
            for header in [CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE] {
                response.headers_mut().remove(header);
            }
            name
        }
    };
    response.headers_mut().typed_insert(name);
}

/// Names a content weakly, by 32 hexadecimal digits.
pub(super) fn name(body: &[u8]) -> String {
    ["W/\"", &blake3::hash(body).to_hex()[..32], "\""].concat()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};

    use super::*;
    use crate::http::whole;

    const HELLO: &str = "W/\"ea8f163db38682925e4491c5e58d4bb3\"";

    #[test]
    fn an_answer_is_named_by_its_content_and_not_sent_twice() {
        let mut asked = Asked {
            method: Method::GET,
            headers: HeaderMap::new(),
        };
        assert_eq!(check(&asked), "200 hello text/plain");
        asked.headers.insert(IF_NONE_MATCH, HELLO.parse().unwrap());
        assert_eq!(check(&asked), "304  ");
    }

    fn check(asked: &Asked) -> String {
        let mut response = Response::new(whole("hello"));
        let plain = "text/plain".parse().unwrap();
        response.headers_mut().insert(CONTENT_TYPE, plain);
        answer(&mut response, asked);
        assert_eq!(response.headers()[ETAG], HELLO);
        let Body::Whole(body) = response.body() else {
            panic!("it was whole")
        };
        let body = std::str::from_utf8(body).unwrap();
        let content_type = response.headers().get(CONTENT_TYPE);
        let content_type = content_type.map_or("", |value| value.to_str().unwrap());
        format!("{} {body} {content_type}", response.status().as_u16())
    }
}
