//! A response body: nothing, known at once, or still being written.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

/// Why a body ended before its end. hyper then closes the connection or resets the stream, so a client never takes it for whole.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// A response body.
pub enum Body {
    /// Known at once: sent with `Content-Length`.
    Whole(Bytes),
    /// Still being written.
    Stream(Pin<Box<dyn http_body::Body<Data = Bytes, Error = BodyError> + Send>>),
}

/// A body with nothing in it.
pub fn empty() -> Body {
    Body::Whole(Bytes::new())
}

/// A body known at once.
pub fn whole(bytes: impl Into<Bytes>) -> Body {
    Body::Whole(bytes.into())
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut *self {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Stream(body) => body.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Stream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(body) => body.size_hint(),
        }
    }
}
