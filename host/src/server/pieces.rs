//! A long body over HTTP/2: in pieces, and given up once its client takes none for a while.
//!
//! hyper queues each piece until the client's window has room for it, and a client need never open its window. So what it does not ask for
//! stays here and not in the queue. `stall` does not see it: nothing is written to the connection meanwhile.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::task::AbortHandle;

use crate::http::{Body, BodyError};

/// What is known at once goes out in pieces of so many bytes.
const PIECE: usize = 64 << 10;

/// The body as it is sent over HTTP/2.
pub(super) fn in_pieces(body: Body, longest: Duration) -> Body {
    match body {
        Body::Whole(bytes) if PIECE < bytes.len() => {
            Body::Stream(Box::pin(Pieces::new(bytes, longest)))
        }
        body => body,
    }
}

struct Pieces {
    rest: Arc<Rest>,
    watch: AbortHandle,
}

struct Rest {
    /// None once it is given up.
    bytes: Mutex<Option<Bytes>>,
    /// Since it was looked at last, a piece was taken.
    was_taken: AtomicBool,
}

impl Pieces {
    fn new(bytes: Bytes, longest: Duration) -> Self {
        let rest = Arc::new(Rest {
            bytes: Mutex::new(Some(bytes)),
            was_taken: AtomicBool::new(true),
        });
        let watch = tokio::spawn({
            let rest = Arc::clone(&rest);
            async move {
                while rest.was_taken.swap(false, Ordering::Relaxed) {
                    tokio::time::sleep(longest).await;
                }
                rest.give_up();
            }
        });
        let watch = watch.abort_handle();
        Self { rest, watch }
    }
}

impl Rest {
    fn with<T>(&self, does: impl FnOnce(&mut Option<Bytes>) -> T) -> T {
        does(&mut self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn give_up(&self) {
        drop(self.with(Option::take));
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.rest.was_taken.store(true, Ordering::Relaxed);
        Poll::Ready(self.rest.with(|rest| match rest {
            None => Some(Err("the client took nothing of it for too long".into())),
            Some(bytes) if bytes.is_empty() => None,
            // A copy: a piece of the same bytes would keep all of them while it waits.
            Some(bytes) => Some(Ok(Frame::data(Bytes::copy_from_slice(
                &bytes.split_to(PIECE.min(bytes.len())),
            )))),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.rest
            .with(|rest| rest.as_ref().is_some_and(Bytes::is_empty))
    }

    fn size_hint(&self) -> SizeHint {
        let left = |rest: &mut Option<Bytes>| rest.as_ref().map(|rest| rest.len() as u64);
        self.rest
            .with(left)
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::http::whole;

    const LONGEST: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_long_body_is_sent_as_it_is_and_a_short_one_at_once() {
        let bytes: Bytes = (0..200_000_u32).map(|at| at as u8).collect();
        let mut body = in_pieces(whole(bytes.clone()), LONGEST);
        assert_eq!(http_body::Body::size_hint(&body).exact(), Some(200_000));
        let mut sent = Vec::new();
        while let Some(frame) = body.frame().await {
            let piece = frame.unwrap().into_data().unwrap();
            assert!(piece.len() <= PIECE);
            sent.extend_from_slice(&piece);
        }
        assert!(sent == bytes);
        assert!(http_body::Body::is_end_stream(&body));
        assert!(matches!(in_pieces(whole("short"), LONGEST), Body::Whole(_)));
    }

    #[tokio::test]
    async fn what_nobody_takes_is_let_go() {
        struct Owner(Arc<Vec<u8>>);
        impl AsRef<[u8]> for Owner {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
        let held = Arc::new(vec![0; 1 << 20]);
        let bytes = Bytes::from_owner(Owner(Arc::clone(&held)));
        let mut body = in_pieces(whole(bytes), Duration::from_millis(20));
        assert!(body.frame().await.unwrap().is_ok());
        while 1 < Arc::strong_count(&held) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let told = body.frame().await.unwrap().unwrap_err().to_string();
        assert!(told.contains("took nothing"), "{told}");
    }
}
