//! Headers that a handler cannot set.

use std::fmt;

use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName};

use crate::body::{Body, Kind};

/// A header of an answer that is not the handler's to set: the answer becomes 500, with these words in the log.
///
/// It is the [`source`](crate::Error::source) of the error.
///
/// ```
/// use waystation::{ForbiddenHeader, Response, Result, testing::TestRequest};
///
/// fn get() -> Result<Response> {
///     Response::builder().header("connection", "close").body("bye")
/// }
///
/// let response = TestRequest::get("/").call(get);
/// assert_eq!(response.status(), 500);
/// let fault = response.error().and_then(|error| error.downcast_ref::<ForbiddenHeader>());
/// assert_eq!(fault.unwrap().name, "connection");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForbiddenHeader {
    /// Such as `transfer-encoding`.
    pub name: HeaderName,
    why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Framing,
    Connection,
    Length,
    Proxy,
}

impl ForbiddenHeader {
    /// Finds one among the headers of an answer with this body.
    ///
    /// A stream may say in `trailer` what comes after it. `content-length` may say what is so, as the host counts the body itself, and
    /// without a body what GET would have sent; what it says of a stream is not told.
    ///
    /// # Errors
    ///
    /// The first of them.
    pub(crate) fn check(headers: &HeaderMap, body: &Body) -> Result<(), Self> {
        for (name, value) in headers {
            let why = match name.as_str() {
                "transfer-encoding" | "te" => Why::Framing,
                "trailer" if !matches!(body.0, Kind::Stream(_)) => Why::Framing,
                "connection" | "http2-settings" | "keep-alive" | "proxy-connection" | "upgrade" => {
                    Why::Connection
                }
                name if name.starts_with("x-middleware-") => Why::Proxy,
                _ if *name == CONTENT_LENGTH && is_wrong(value.as_bytes(), body) => Why::Length,
                _ => continue,
            };
            let name = name.clone();
            return Err(Self { name, why });
        }
        Ok(())
    }
}

/// Whether a length is not that of the body. A stream has none that could be known.
fn is_wrong(length: &[u8], body: &Body) -> bool {
    match &body.0 {
        Kind::Stream(_) => false,
        Kind::Whole(body) | Kind::Text(body) => {
            !body.is_empty() && length != body.len().to_string().as_bytes()
        }
    }
}

impl fmt::Display for ForbiddenHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.why {
            Why::Framing => "it frames the message, which the host does; leave it out",
            Why::Connection => {
                "it manages the connection, which other requests share; leave it out"
            }
            Why::Length => "the body has another length; leave it out, for the host counts",
            Why::Proxy => {
                "`NextResponse.next()` and `rewrite()` have no meaning in a route handler"
            }
        };
        write!(f, "a handler cannot set `{}`: {why}", self.name)
    }
}

impl std::error::Error for ForbiddenHeader {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::response::Response;

    #[test]
    fn what_frames_the_answer_is_refused() {
        check("transfer-encoding: chunked", "frames the message"); // S4
        check("trailer: x-a", "frames the message");
        for name in ["connection", "keep-alive", "upgrade", "proxy-connection"] {
            check(&format!("{name}: x"), "manages the connection");
        }
        check("x-middleware-next: 1", "no meaning in a route handler"); // M16
        check("x-middleware-rewrite: /a", "no meaning in a route handler"); // M17
        check("content-length: 3", "another length");
    }

    #[test]
    fn what_does_not_is_sent() {
        for fine in [
            "content-length: 5",
            "content-encoding: gzip",
            "te-x: 1",
            "host: a",
        ] {
            check(fine, "");
        }
        let mut head = Response::empty();
        head.headers_mut().insert(CONTENT_LENGTH, 7.into()); // what GET would have sent
        assert!(ForbiddenHeader::check(head.headers(), head.body()).is_ok());
    }

    #[test]
    fn the_error_has_its_type() {
        let response = Response::builder()
            .header("upgrade", "h2c")
            .body("")
            .unwrap();
        let fault = ForbiddenHeader::check(response.headers(), response.body()).unwrap_err();
        let error = Error::from(fault.clone());
        assert_eq!(error.status(), 500);
        assert_eq!(Error::from(fault).to_string(), error.to_string());
    }

    #[track_caller]
    fn check(header: &str, why: &str) {
        let (name, value) = header.split_once(": ").unwrap();
        let response = Response::builder()
            .header(name, value)
            .body("hello")
            .unwrap();
        match ForbiddenHeader::check(response.headers(), response.body()) {
            Ok(()) => assert_eq!(why, "", "{header}"),
            Err(error) => {
                let text = error.to_string();
                assert!(
                    text.contains(name) && !why.is_empty() && text.contains(why),
                    "{text}"
                );
            }
        }
    }
}
