//! Has another guest of the app answer a guest.
//!
//! The other one runs in a task of its own and hands its answer over piece by piece: wasmtime drives no store from within another. When
//! nobody waits for the answer any more, the task is aborted and its guest with it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::task::AbortHandle;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::http::Response;

/// Waits for the head of an answer. `turn` is held until its body has ended.
///
/// # Errors
///
/// If the task went away without an answer.
pub(super) async fn ask(
    asked: Pin<Box<dyn Future<Output = Response> + Send>>,
    turn: Option<OwnedSemaphorePermit>,
) -> Result<http::Response<WasiBody>, Error> {
    let (head, asked_head) = oneshot::channel();
    let (pieces, received) = mpsc::channel(1);
    let task = tokio::spawn(async move {
        let (parts, mut body) = asked.await.into_parts();
        if head.send(parts).is_err() {
            return;
        }
        while let Some(piece) = body.frame().await {
            let piece = piece.map_err(|error| Error::InternalError(Some(error.to_string())));
            if pieces.send(Some(piece)).await.is_err() {
                return;
            }
        }
        let _nobody_may_listen = pieces.send(None).await;
    });
    let body = Received {
        pieces: received,
        has_ended: false,
        _task: Aborted(task.abort_handle()),
        _turn: turn,
    };
    let parts = asked_head.await.map_err(|_| Error::InternalError(None))?;
    Ok(http::Response::from_parts(parts, body.boxed_unsync()))
}

struct Received {
    /// The last is nothing; without it the task broke off.
    pieces: mpsc::Receiver<Option<Result<Frame<Bytes>, Error>>>,
    has_ended: bool,
    _task: Aborted,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Body for Received {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        let piece = ready!(self.pieces.poll_recv(cx));
        let piece = piece.unwrap_or(Some(Err(Error::HttpResponseIncomplete)));
        self.has_ended = !matches!(piece, Some(Ok(_)));
        Poll::Ready(piece)
    }
}

/// A task that ends with its owner.
struct Aborted(AbortHandle);

impl Drop for Aborted {
    fn drop(&mut self) {
        self.0.abort();
    }
}
