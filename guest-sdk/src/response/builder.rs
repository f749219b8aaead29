//! A response in the making.

use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Serialize;

use super::Response;
use crate::body::{Body, Kind};
use crate::error::{Error, Result};

/// An answer in the making; see [`Response::builder`].
///
/// The first wrong status or header is kept, and reported by [`Builder::body`].
///
/// ```
/// use waystation::{Response, Result, testing::TestRequest};
///
/// fn get() -> Result<Response> {
///     Response::builder().status(201).header("x-shelf", "b4").json(&["tea"])
/// }
///
/// let response = TestRequest::get("/").call(get);
/// assert_eq!(response.status(), 201);
/// assert_eq!(response.json::<Vec<String>>(), ["tea"]);
///
/// fn wrong() -> Result<Response> {
///     Response::builder().header("no name", "b4").body("")
/// }
///
/// assert_eq!(TestRequest::get("/").call(wrong).status(), 500);
/// ```
#[derive(Debug, Default)]
#[must_use = "an answer is made by `body`"]
pub struct Builder {
    response: Response,
    fault: Option<Error>,
}

impl Builder {
    /// Sets the status: `201` or `StatusCode::CREATED`.
    pub fn status<S>(mut self, status: S) -> Self
    where
        S: TryInto<StatusCode>,
        S::Error: Into<http::Error>,
    {
        match status.try_into() {
            Ok(status) => self.response.status = status,
            Err(fault) => self.fail(fault.into()),
        }
        self
    }

    /// Adds a header; a name may be given more than once.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        N::Error: Into<http::Error>,
        V: TryInto<HeaderValue>,
        V::Error: Into<http::Error>,
    {
        match (name.try_into(), value.try_into()) {
            (Ok(name), Ok(value)) => {
                self.response.headers.append(name, value);
            }
            (Err(fault), _) => self.fail(fault.into()),
            (_, Err(fault)) => self.fail(fault.into()),
        }
        self
    }

    /// Ends with this body. Text is `text/plain; charset=utf-8` unless a header says otherwise (row S3).
    ///
    /// # Errors
    ///
    /// If a status or header was wrong.
    pub fn body(mut self, body: impl Into<Body>) -> Result<Response> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        self.response.body = body.into();
        if matches!(self.response.body.0, Kind::Text(_)) {
            let plain = HeaderValue::from_static("text/plain; charset=utf-8");
            let headers = &mut self.response.headers;
            headers.entry(CONTENT_TYPE).or_insert(plain);
        }
        Ok(self.response)
    }

    /// Ends with a value as JSON, as `application/json` unless a header says otherwise.
    ///
    /// # Errors
    ///
    /// If a status or header was wrong, or the value cannot be JSON.
    pub fn json(mut self, value: &(impl Serialize + ?Sized)) -> Result<Response> {
        let (_, headers, body) = Response::json(value)?.into_parts();
        for (name, value) in &headers {
            self.response
                .headers
                .entry(name)
                .or_insert_with(|| value.clone());
        }
        self.body(body)
    }

    fn fail(&mut self, fault: http::Error) {
        self.fault
            .get_or_insert_with(|| Error::from(fault).context("building the answer"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builder_reports_the_first_fault() {
        let fault = Response::builder()
            .header("a b", "1")
            .status(42)
            .body("")
            .unwrap_err();
        assert_eq!(
            format!("{fault:?}"),
            "building the answer\ninvalid HTTP header name"
        );
        assert!(Response::builder().header("x", "a\nb").body(()).is_err());
    }

    #[test]
    fn a_status_that_is_none_is_an_error() {
        for status in [0, 42, 99] {
            let fault = Response::builder().status(status).body("").unwrap_err();
            assert_eq!(fault.status(), 500, "{status}"); // S12
        }
    }

    #[test]
    fn builder_keeps_repeated_headers() {
        let response = Response::builder()
            .header("vary", "a")
            .header("vary", "b")
            .json(&[1])
            .unwrap();
        assert_eq!(response.headers().get_all("vary").iter().count(), 2);
        assert_eq!(response.headers()["content-type"], "application/json");
    }

    #[test]
    fn built_text_says_that_it_is_text() {
        let content_type = |response: Response| response.headers().get(CONTENT_TYPE).cloned();
        let text = Response::builder().body("a").unwrap();
        assert_eq!(content_type(text).unwrap(), "text/plain; charset=utf-8");
        let xml = Response::builder()
            .header("content-type", "text/xml")
            .body("<a/>")
            .unwrap();
        assert_eq!(content_type(xml).unwrap(), "text/xml");
        let bytes = Response::builder().body(vec![1, 2]).unwrap();
        assert_eq!(content_type(bytes), None);
    }
}
