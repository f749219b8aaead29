//! What a handler answered, to be asserted on.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderMap, SET_COOKIE};
use serde::de::DeserializeOwned;

use super::kept::Beside;
use crate::error::Error;
use crate::pattern::decode;

/// An answer, whole.
///
/// ```
/// use futures_util::stream;
/// use waystation::{Error, Response, Result, cookies, redirect, testing::TestRequest};
///
/// async fn get() -> Result<Response> {
///     cookies().set(("seen", "yes"));
///     redirect("/welcome")
/// }
///
/// let response = TestRequest::get("/").call(get);
/// assert_eq!(response.status(), 307);
/// assert_eq!(response.header("location"), Some("/welcome"));
/// assert_eq!(response.cookie("seen").as_deref(), Some("yes"));
/// assert!(response.error().is_none());
///
/// fn broken() -> Response {
///     Response::stream(stream::iter([Ok("one"), Err(Error::message("the shelf fell"))]))
/// }
///
/// let response = TestRequest::get("/").call(broken);
/// assert_eq!(response.chunks(), ["one"]);
/// assert_eq!(response.error().unwrap().to_string(), "the shelf fell");
/// ```
#[derive(Debug)]
pub struct TestResponse {
    status: StatusCode,
    headers: HeaderMap,
    chunks: Vec<Bytes>,
    error: Option<Error>,
    took: Duration,
    pub(super) beside: Beside,
}

impl TestResponse {
    pub(super) fn new(
        status: StatusCode,
        headers: HeaderMap,
        chunks: Vec<Bytes>,
        error: Option<Error>,
        took: Duration,
    ) -> Self {
        Self {
            status,
            headers,
            chunks,
            error,
            took,
            beside: Beside::NOTHING,
        }
    }

    pub(super) fn with(self, beside: Beside) -> Self {
        Self { beside, ..self }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers, with a `set-cookie` line for each cookie.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The first header of a name, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The value of a cookie that is set; empty for one that is deleted. Its attributes are in its `set-cookie` line.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<String> {
        let lines = self.headers.get_all(SET_COOKIE).iter();
        let pairs = lines.filter_map(|line| line.to_str().ok()?.split(';').next()?.split_once('='));
        let mut values = pairs.filter_map(|(key, value)| (key == name).then(|| decode(value))?);
        values.next()
    }

    /// The body's chunks as they were sent; one for a body that was whole.
    #[must_use]
    pub fn chunks(&self) -> &[Bytes] {
        &self.chunks
    }

    /// The body. One that was cut short ends where [`error`](Self::error) says.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        match self.chunks.as_slice() {
            [whole] => whole.clone(),
            chunks => chunks.concat().into(),
        }
    }

    /// The body as text.
    ///
    /// # Panics
    ///
    /// If it is not UTF-8.
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> String {
        match String::from_utf8(self.bytes().into()) {
            Ok(text) => text,
            Err(error) => panic!("the body is no text: {error}"),
        }
    }

    /// The body as a value from JSON.
    ///
    /// # Panics
    ///
    /// If it is not the JSON of such a value.
    #[must_use]
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_slice(&self.bytes()) {
            Ok(value) => value,
            Err(error) => panic!(
                "the body is not the expected JSON: {error}\n{}",
                String::from_utf8_lossy(&self.bytes())
            ),
        }
    }

    /// What the handler failed with, or what cut its body short. The host logs it; a client never sees it in production. None for an
    /// answer that was sent (`TestRequest::send`), as a client's.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// How far the handler's `sleep()`s set the test's clock forward. Sleeps that run at once add up.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.took
    }
}
