//! What a handler answers: a status, headers and a body.

use std::future::Future;

use futures_core::Stream;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use serde::Serialize;

use crate::body::{Body, IntoChunk};
use crate::error::{Error, Result};
use crate::navigation;
use crate::next::Onward;
use crate::sse::{IntoEvent, Sse};
use crate::writer::{Writer, written};

mod builder;

pub use builder::Builder;

/// An answer.
///
/// ```
/// use waystation::{Response, Result};
///
/// pub async fn get() -> Result<Response> {
///     Response::builder().status(201).header("x-shelf", "b4").body("made")
/// }
/// ```
#[derive(Debug, Default)]
pub struct Response {
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
    /// Instead of an answer: a proxy lets the request go on.
    onward: Option<Box<Onward>>,
}

impl Response {
    /// An answer with this status and no body.
    pub fn new(status: StatusCode) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    /// No answer yet: the request goes on, and these headers are added to whatever answers it.
    pub(crate) fn onward(onward: Onward, headers: HeaderMap) -> Self {
        Self {
            headers,
            onward: Some(Box::new(onward)),
            ..Self::default()
        }
    }

    /// Takes out what a proxy decided, if it let the request go on.
    pub(crate) fn take_onward(&mut self) -> Option<Box<Onward>> {
        self.onward.take()
    }

    /// 200 with no body.
    pub fn empty() -> Self {
        Self::new(StatusCode::OK)
    }

    /// Text, as `text/plain; charset=utf-8`.
    pub fn text(text: impl Into<String>) -> Self {
        Self::typed("text/plain; charset=utf-8", text.into())
    }

    /// A page, as `text/html; charset=utf-8`.
    pub fn html(page: impl Into<String>) -> Self {
        Self::typed("text/html; charset=utf-8", page.into())
    }

    /// Bytes, as `application/octet-stream`.
    pub fn bytes(bytes: impl Into<bytes::Bytes>) -> Self {
        Self::typed("application/octet-stream", bytes.into())
    }

    /// A value as JSON, as `application/json`.
    ///
    /// # Errors
    ///
    /// If the value cannot be JSON, such as a map whose keys are not strings.
    pub fn json(value: &(impl Serialize + ?Sized)) -> Result<Self> {
        let json = serde_json::to_vec(value)
            .map_err(|error| Error::from(error).context("the answer cannot be JSON"))?;
        Ok(Self::typed("application/json", json))
    }

    /// An answer that sends the client to `location`, with status 307. Unlike [`redirect`](crate::redirect) it is a value: it can be given
    /// headers, or another status with [`Response::with_status`].
    pub fn redirect(location: &str) -> Self {
        let mut response = Self::new(StatusCode::TEMPORARY_REDIRECT);
        response
            .headers
            .insert(LOCATION, navigation::header_value(location));
        response
    }

    /// A body that is made while it is sent: each item is one chunk, sent as soon as it is there. An `Err` cuts the body short.
    ///
    /// ```
    /// # use waystation::Response;
    /// use futures_util::stream;
    ///
    /// pub async fn get() -> Response {
    ///     Response::stream(stream::iter(["<p>One</p>", "<p>Two</p>"]))
    /// }
    /// ```
    pub fn stream<S>(stream: S) -> Self
    where
        S: Stream + 'static,
        S::Item: IntoChunk,
    {
        Self {
            body: Body::stream(stream),
            ..Self::default()
        }
    }

    /// A body written by an async block, which starts when the head is sent.
    ///
    /// An `Err` cuts the body short: the client sees a broken connection, never a clean end. If the client leaves, the block is dropped
    /// where it waits.
    ///
    /// ```
    /// use std::time::Duration;
    /// use waystation::{Response, sleep};
    ///
    /// pub async fn get() -> Response {
    ///     Response::writer(|mut writer| async move {
    ///         for word in ["One", "Two", "Three"] {
    ///             writer.write(format!("<p>{word}</p>")).await?;
    ///             sleep(Duration::from_millis(200)).await;
    ///         }
    ///         Ok(())
    ///     })
    /// }
    /// ```
    pub fn writer<F, W>(write: F) -> Self
    where
        F: FnOnce(Writer) -> W + 'static,
        W: Future<Output = Result<()>> + 'static,
    {
        Self::stream(written(write))
    }

    /// Server-sent events, as `text/event-stream`. [`Sse`] can do more: comments that keep the connection alive, and a writer.
    pub fn sse<S>(events: S) -> Self
    where
        S: Stream + 'static,
        S::Item: IntoEvent,
    {
        Sse::new(events).into_answer()
    }

    /// Starts an answer whose status and headers are given one by one.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The same answer with another status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The headers, to change.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    /// The body.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// The body, to change.
    pub fn body_mut(&mut self) -> &mut Body {
        &mut self.body
    }

    /// Takes the body out.
    pub fn into_body(self) -> Body {
        self.body
    }

    pub(crate) fn typed(content_type: &'static str, body: impl Into<Body>) -> Self {
        let mut response = Self {
            body: body.into(),
            ..Self::default()
        };
        response
            .headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        response
    }

    pub(crate) fn event_stream(body: Body) -> Self {
        let mut response = Self::typed("text/event-stream", body);
        response
            .headers
            .insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }

    pub(crate) fn into_parts(self) -> (StatusCode, HeaderMap, Body) {
        (self.status, self.headers, self.body)
    }
}

impl<T: Into<Body>> From<http::Response<T>> for Response {
    fn from(response: http::Response<T>) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status,
            headers: parts.headers,
            body: body.into(),
            onward: None,
        }
    }
}

impl From<Response> for http::Response<Body> {
    fn from(response: Response) -> Self {
        let mut converted = Self::new(response.body);
        *converted.status_mut() = response.status;
        *converted.headers_mut() = response.headers;
        converted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_307_to_where_it_was_told() {
        for location in ["/x", "next", "https://x.test/"] {
            let response = Response::redirect(location); // S2
            assert_eq!(response.status(), 307);
            assert_eq!(response.headers()["location"], location);
        }
    }

    #[test]
    fn http_responses_become_answers() {
        let response: Response = http::Response::builder()
            .status(418)
            .body("teapot")
            .unwrap()
            .into();
        assert_eq!(response.status(), 418);
        let response: http::Response<Body> = response.into();
        assert_eq!(response.status(), 418);
    }
}
