//! What a handler may return.

use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::response::Response;

/// A value that a handler may return.
///
/// | value | answer |
/// |---|---|
/// | [`Response`], `http::Response` of anything that becomes a [`Body`](crate::Body) | itself |
/// | `&str`, `String` | `text/plain; charset=utf-8` |
/// | `Vec<u8>`, `Bytes` | `application/octet-stream` |
/// | [`Json`]`(value)`, [`Html`]`(page)` | `application/json`, `text/html; charset=utf-8` |
/// | `()`, [`StatusCode`] | no body |
/// | `(status, value)`, `(status, headers, value)` | the value's, with this status and these headers on top |
/// | `Result` of any of these | the value's, or the error |
///
/// Headers are a `HeaderMap`, or an array such as `[("x-shelf", "b4")]`.
///
/// ```
/// use waystation::{Html, IntoResponse, StatusCode, testing::TestRequest};
///
/// fn get() -> impl IntoResponse {
///     (StatusCode::CREATED, [("x-shelf", "b4")], Html("<p>made</p>"))
/// }
///
/// let response = TestRequest::get("/").call(get);
/// assert_eq!((response.status(), response.header("x-shelf")), (StatusCode::CREATED, Some("b4")));
/// ```
#[diagnostic::on_unimplemented(
    message = "a handler cannot answer with `{Self}`",
    label = "not an answer",
    note = "return `Response`, `Json<T>` or `Html<T>`, text, bytes, a `StatusCode`, `(StatusCode, T)`, or a `waystation::Result` of one of them",
    note = "a value that is serde's `Serialize` becomes an answer as `Json(value)`"
)]
pub trait IntoResponse {
    /// The answer.
    ///
    /// # Errors
    ///
    /// If there is none: the value is an `Err`, or cannot be written, such as a [`Json`] map whose keys are not strings.
    fn into_response(self) -> Result<Response>;
}

/// A value as JSON: `Json(item)`.
///
/// ```
/// use waystation::Json;
/// # use serde::Serialize;
/// #[derive(Serialize)]
/// struct Item { name: &'static str }
///
/// pub async fn get() -> Json<Item> {
///     Json(Item { name: "lamp" })
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// A page as `text/html; charset=utf-8`: `Html("<p>Hello</p>")`.
///
/// ```
/// use waystation::{Html, testing::TestRequest};
///
/// fn get() -> Html<&'static str> {
///     Html("<p>hello</p>")
/// }
///
/// let response = TestRequest::get("/").call(get);
/// assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Html<T>(pub T);

impl IntoResponse for Response {
    fn into_response(self) -> Result<Response> {
        Ok(self)
    }
}

impl<T: Into<crate::Body>> IntoResponse for http::Response<T> {
    fn into_response(self) -> Result<Response> {
        Ok(self.into())
    }
}

impl IntoResponse for () {
    fn into_response(self) -> Result<Response> {
        Ok(Response::empty())
    }
}

impl IntoResponse for StatusCode {
    fn into_response(self) -> Result<Response> {
        Ok(Response::new(self))
    }
}

impl IntoResponse for &'static str {
    fn into_response(self) -> Result<Response> {
        Ok(Response::typed("text/plain; charset=utf-8", self))
    }
}

impl IntoResponse for String {
    fn into_response(self) -> Result<Response> {
        Ok(Response::text(self))
    }
}

impl IntoResponse for Vec<u8> {
    fn into_response(self) -> Result<Response> {
        Ok(Response::bytes(self))
    }
}

impl IntoResponse for Bytes {
    fn into_response(self) -> Result<Response> {
        Ok(Response::bytes(self))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Result<Response> {
        Response::json(&self.0)
    }
}

impl<T: Into<String>> IntoResponse for Html<T> {
    fn into_response(self) -> Result<Response> {
        Ok(Response::html(self.0))
    }
}

impl<T: IntoResponse> IntoResponse for (StatusCode, T) {
    fn into_response(self) -> Result<Response> {
        Ok(self.1.into_response()?.with_status(self.0))
    }
}

impl<H: IntoHeaders, T: IntoResponse> IntoResponse for (StatusCode, H, T) {
    fn into_response(self) -> Result<Response> {
        let (status, headers, value) = self;
        let mut response = value.into_response()?.with_status(status);
        let headers = headers.into_headers()?;
        for name in headers.keys() {
            response.headers_mut().remove(name);
        }
        response.headers_mut().extend(headers);
        Ok(response)
    }
}

#[diagnostic::do_not_recommend]
impl<T: IntoResponse, E: Into<Error>> IntoResponse for Result<T, E> {
    fn into_response(self) -> Result<Response> {
        self.map_err(Into::into)?.into_response()
    }
}

/// Headers beside an answer: a `HeaderMap`, or an array of pairs.
///
/// ```
/// use waystation::{IntoResponse, StatusCode, http::HeaderMap};
///
/// pub fn get() -> impl IntoResponse {
///     let mut headers = HeaderMap::new();
///     headers.insert("x-shelf", "b4".parse().expect("a header's value"));
///     (StatusCode::OK, headers, "found")
/// }
/// ```
pub trait IntoHeaders {
    /// The headers.
    ///
    /// # Errors
    ///
    /// If a name or value cannot be sent, such as one with a line end.
    fn into_headers(self) -> Result<HeaderMap>;
}

impl IntoHeaders for HeaderMap {
    fn into_headers(self) -> Result<HeaderMap> {
        Ok(self)
    }
}

impl<N, V, const COUNT: usize> IntoHeaders for [(N, V); COUNT]
where
    N: TryInto<HeaderName>,
    N::Error: Into<http::Error>,
    V: TryInto<HeaderValue>,
    V::Error: Into<http::Error>,
{
    fn into_headers(self) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        for (name, value) in self {
            let name = name.try_into().map_err(Into::into)?;
            headers.append(name, value.try_into().map_err(Into::into)?);
        }
        Ok(headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Kind;

    #[test]
    fn values_answer_by_their_type() {
        check((), "200 - ''");
        check("hi", "200 text/plain; charset=utf-8 'hi'");
        check(String::from("hi"), "200 text/plain; charset=utf-8 'hi'");
        check(vec![104, 105], "200 application/octet-stream 'hi'");
        check(Json(["a"]), r#"200 application/json '["a"]'"#);
        check(Html("<p>"), "200 text/html; charset=utf-8 '<p>'");
        check(StatusCode::NO_CONTENT, "204 - ''");
        check((StatusCode::CREATED, Json(1)), "201 application/json '1'");
        check(
            (StatusCode::OK, [("content-type", "text/xml")], "<rss/>"),
            "200 text/xml '<rss/>'",
        );
        check(Ok::<_, Error>("hi"), "200 text/plain; charset=utf-8 'hi'");
        check(Err::<&str, _>(Error::message("no")), "500 no");
        check(
            Err::<&str, _>(std::fmt::Error),
            "500 an error occurred when formatting an argument",
        );
    }

    #[track_caller]
    fn check(value: impl IntoResponse, expected: &str) {
        let actual = match value.into_response().map(Response::into_parts) {
            Ok((status, headers, body)) => {
                let content_type = headers
                    .get("content-type")
                    .map_or("-", |value| value.to_str().unwrap());
                let (Kind::Whole(body) | Kind::Text(body)) = body.0 else {
                    panic!("a stream")
                };
                format!(
                    "{} {content_type} '{}'",
                    status.as_u16(),
                    String::from_utf8_lossy(&body)
                )
            }
            Err(error) => format!("{} {error}", error.status().as_u16()),
        };
        assert_eq!(actual, expected);
    }
}
