//! A request body that a guest may read only so far.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use wasmtime_wasi_http::{Error, WasiBody};

/// A request's body under the route's `BODY_LIMIT`.
///
/// It counts what arrives, so a body without `Content-Length` cannot pass the limit either.
#[derive(Debug)]
pub struct RequestBody {
    source: Source,
    left: u64,
    limit: u64,
}

#[derive(Debug)]
enum Source {
    None,
    Client(Incoming),
    Guest(WasiBody),
}

impl RequestBody {
    /// What a client sends.
    pub fn of_client(body: Incoming) -> Self {
        Self::unlimited(Source::Client(body))
    }

    /// What a handler of the same app sends.
    pub fn of_guest(body: WasiBody) -> Self {
        Self::unlimited(Source::Guest(body))
    }

    /// No body, whatever the client sends: what GET and HEAD get (row Q8).
    pub fn none() -> Self {
        Self::unlimited(Source::None)
    }

    /// Lets `limit` bytes through.
    pub fn limited(self, limit: u64) -> Self {
        Self {
            source: self.source,
            left: limit,
            limit,
        }
    }

    fn unlimited(source: Source) -> Self {
        Self {
            source,
            left: u64::MAX,
            limit: u64::MAX,
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
        let frame = match &mut self.source {
            Source::None => return Poll::Ready(None),
            Source::Client(body) => match ready!(Pin::new(body).poll_frame(cx)) {
                Some(frame) => frame?,
                None => return Poll::Ready(None),
            },
            Source::Guest(body) => match ready!(Pin::new(body).poll_frame(cx)) {
                Some(frame) => frame?,
                None => return Poll::Ready(None),
            },
        };
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left.checked_sub(length) {
            Some(left) => {
                self.left = left;
                Poll::Ready(Some(Ok(frame)))
            }
            None => {
                self.source = Source::None;
                Poll::Ready(Some(Err(Error::HttpRequestBodySize(Some(self.limit)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::None => true,
            Source::Client(body) => body.is_end_stream(),
            Source::Guest(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::None => SizeHint::with_exact(0),
            Source::Client(body) => body.size_hint(),
            Source::Guest(body) => body.size_hint(),
        }
    }
}
