//! The body of another server's answer.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};
use wasmtime_wasi_http::Error;

use super::Patience;

/// A body under the limits of [`Patience`]. Dropping it ends the request.
pub struct Received {
    body: Incoming,
    patience: Patience,
    left: u64,
    /// Runs while a piece is waited for.
    wait: Option<Pin<Box<Sleep>>>,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Received {
    pub(super) fn new(
        body: Incoming,
        patience: Patience,
        turn: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self {
            body,
            patience,
            left: patience.body,
            wait: None,
            _turn: turn,
        }
    }

    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let patience = self.patience.piece;
        let wait = self
            .wait
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + patience)));
        wait.as_mut().poll(cx)
    }
}

impl Body for Received {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending => {
                return self
                    .poll_wait(cx)
                    .map(|()| Some(Err(Error::ConnectionReadTimeout)));
            }
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(Err(_))) => {
                return Poll::Ready(Some(Err(Error::HttpResponseIncomplete)));
            }
            Poll::Ready(Some(Ok(frame))) => frame,
        };
        self.wait = None;
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        Poll::Ready(Some(match self.left.checked_sub(length) {
            Some(left) => {
                self.left = left;
                Ok(frame)
            }
            None => Err(Error::HttpResponseBodySize(Some(self.patience.body))),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
