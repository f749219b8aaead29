//! What answers the outgoing requests of a handler under test.

use std::fmt;
use std::rc::Rc;

use bytes::Bytes;
use http::Uri;

use super::run::block_on;
use crate::error::{Error, Result};
use crate::into_response::IntoResponse;
use crate::response::Response;

/// Answers what a handler fetches: by its address, else by a function.
#[derive(Clone, Default)]
pub(crate) struct Network {
    pub(super) known: Vec<(Uri, http::Response<Bytes>)>,
    pub(super) function: Option<Rc<Function>>,
}

type Function = dyn Fn(http::Request<Bytes>) -> Result<Response>;

impl Network {
    /// Knows what one address answers.
    #[track_caller]
    pub(super) fn know(&mut self, url: &str, answer: impl IntoResponse) {
        let url = url.parse().unwrap_or_else(|error| {
            panic!("`{url}` is neither a path nor an address of HTTP: {error}")
        });
        let answer = whole(answer).unwrap_or_else(|error| panic!("`{url}` has no answer: {error}"));
        self.known.push((url, answer));
    }

    /// The answer to a request.
    pub(super) fn answer(&self, request: http::Request<Bytes>) -> Result<Response> {
        let known = self.known.iter().find(|(url, _)| url == request.uri());
        if let Some((_, answer)) = known {
            let mut response = Response::bytes(answer.body().clone()).with_status(answer.status());
            *response.headers_mut() = answer.headers().clone();
            return Ok(response);
        }
        match &self.function {
            Some(answer) => answer(request),
            None => Err(Error::message(format!(
                "the test has no answer to `{} {}`; give it one with `TestRequest::answer`",
                request.method(),
                request.uri()
            ))),
        }
    }
}

fn whole(answer: impl IntoResponse) -> Result<http::Response<Bytes>> {
    let (status, headers, body) = answer.into_response()?.into_parts();
    let mut whole = http::Response::new(block_on(body.bytes())?);
    *whole.status_mut() = status;
    *whole.headers_mut() = headers;
    Ok(whole)
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let function = self.function.as_ref().map(|_| "a function");
        f.debug_tuple("Network")
            .field(&self.known)
            .field(&function)
            .finish()
    }
}
