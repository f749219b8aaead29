//! A request body that a guest may read only so far.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use wasmtime_wasi_http::Error;

/// A client's body under the route's `BODY_LIMIT`.
///
/// It counts what arrives, so a body without `Content-Length` cannot pass the limit either.
#[derive(Debug)]
pub struct RequestBody {
    body: Option<Incoming>,
    left: u64,
    limit: u64,
}

impl RequestBody {
    /// Lets `limit` bytes of `body` through.
    pub fn limited(body: Incoming, limit: u64) -> Self {
        Self {
            body: Some(body),
            left: limit,
            limit,
        }
    }

    /// No body, whatever the client sends: what GET and HEAD get (row Q8).
    pub fn none() -> Self {
        Self {
            body: None,
            left: 0,
            limit: 0,
        }
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = match ready!(Pin::new(body).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
            None => return Poll::Ready(None),
        };
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left.checked_sub(length) {
            Some(left) => {
                self.left = left;
                Poll::Ready(Some(Ok(frame)))
            }
            None => {
                self.body = None;
                Poll::Ready(Some(Err(Error::HttpRequestBodySize(Some(self.limit)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or(SizeHint::with_exact(0), Incoming::size_hint)
    }
}
