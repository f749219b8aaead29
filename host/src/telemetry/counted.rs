//! A body whose bytes are counted on their way to the client.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};

use crate::http::{Body, BodyError};

/// Tells how many bytes were sent, and whether that was all of it, once it is over or its client has left.
pub(super) struct Counted<F: FnMut(u64, bool)> {
    body: Body,
    sent: u64,
    /// How many there will be, if that is known: then nobody asks for the end.
    expected: Option<u64>,
    is_whole: bool,
    over: F,
}

impl<F: FnMut(u64, bool)> Counted<F> {
    pub(super) fn new(body: Body, over: F) -> Self {
        Self {
            sent: 0,
            expected: body.size_hint().exact(),
            is_whole: body.is_end_stream(),
            body,
            over,
        }
    }
}

impl<F: FnMut(u64, bool) + Unpin> http_body::Body for Counted<F> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            None => self.is_whole = true,
            Some(Ok(frame)) => {
                self.sent += frame.data_ref().map_or(0, |data| data.len() as u64);
                self.is_whole = self.body.is_end_stream() || self.expected == Some(self.sent);
            }
            Some(Err(_)) => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<F: FnMut(u64, bool)> Drop for Counted<F> {
    fn drop(&mut self) {
        (self.over)(self.sent, self.is_whole);
    }
}
