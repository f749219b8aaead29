//! An answer over HTTP/2: in pieces, and given up once its client takes none for a while.
//!
//! hyper queues each piece until the client's window has room for it, and a client need never open its window. So what it does not ask for
//! stays here and not in the queue. `stall` does not see it: nothing is written to the connection meanwhile.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::task::AbortHandle;

use crate::http::{Body, BodyError};

/// What is known at once goes out in pieces of so many bytes: a frame of HTTP/2 each.
const PIECE: usize = 16 << 10;

/// The body as it is sent over HTTP/2; what is one piece needs nothing.
pub(super) fn in_pieces(body: Body, longest: Duration) -> Body {
    match body {
        Body::Whole(bytes) if bytes.len() <= PIECE => Body::Whole(bytes),
        body => Body::Stream(Box::pin(Pieces::new(body, longest))),
    }
}

struct Pieces {
    rest: Arc<Rest>,
    watch: AbortHandle,
}

struct Rest {
    /// None once it is given up.
    body: Mutex<Option<Body>>,
    /// How often hyper asked for a piece.
    asked: AtomicU64,
    /// It is the client's turn, and not that of whoever writes the body.
    waits_for_client: AtomicBool,
}

impl Pieces {
    fn new(body: Body, longest: Duration) -> Self {
        let rest = Arc::new(Rest {
            body: Mutex::new(Some(body)),
            asked: AtomicU64::new(0),
            waits_for_client: AtomicBool::new(true),
        });
        let watch = tokio::spawn(watch(Arc::clone(&rest), longest)).abort_handle();
        Self { rest, watch }
    }
}

/// Gives the body up when a client has asked for nothing from one look to the next.
async fn watch(rest: Arc<Rest>, longest: Duration) {
    let mut seen = None;
    loop {
        let asked = rest.asked.load(Ordering::Relaxed);
        if rest.waits_for_client.load(Ordering::Relaxed) && seen == Some(asked) {
            let given_up = rest.with(Option::take);
            return drop(given_up);
        }
        seen = Some(asked);
        tokio::time::sleep(longest).await;
    }
}

impl Rest {
    fn with<T>(&self, does: impl FnOnce(&mut Option<Body>) -> T) -> T {
        does(&mut self.body.lock().unwrap_or_else(PoisonError::into_inner))
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
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.rest.asked.fetch_add(1, Ordering::Relaxed);
        let polled = self.rest.with(|body| match body {
            None => Poll::Ready(Some(Err(
                "the client took nothing of it for too long".into()
            ))),
            // A copy: a piece of the same bytes would keep all of them while it waits.
            Some(Body::Whole(bytes)) if PIECE < bytes.len() => {
                let piece = Bytes::copy_from_slice(&bytes.split_to(PIECE));
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            Some(body) => Pin::new(body).poll_frame(cx),
        });
        let waits_for_client = polled.is_ready();
        self.rest
            .waits_for_client
            .store(waits_for_client, Ordering::Relaxed);
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.rest
            .with(|body| body.as_ref().is_some_and(Body::is_end_stream))
    }

    fn size_hint(&self) -> SizeHint {
        self.rest.with(|body| {
            body.as_ref()
                .map_or_else(SizeHint::default, Body::size_hint)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use http_body::Body as _;
    use http_body_util::BodyExt as _;

    use super::super::stall::LONGEST;
    use super::*;
    use crate::http::whole;

    #[tokio::test]
    async fn a_long_body_is_sent_as_it_is_and_a_short_one_at_once() {
        let bytes: Bytes = (0..200_000_u32).map(|at| at as u8).collect();
        let mut body = in_pieces(whole(bytes.clone()), LONGEST);
        assert_eq!(body.size_hint().exact(), Some(200_000));
        let mut sent = Vec::new();
        while let Some(frame) = body.frame().await {
            let piece = frame.unwrap().into_data().unwrap();
            assert!(piece.len() <= PIECE);
            sent.extend_from_slice(&piece);
        }
        assert!(sent == bytes);
        assert!(body.is_end_stream());
        assert!(matches!(in_pieces(whole("short"), LONGEST), Body::Whole(_)));
    }

    /// A body that is dropped when nobody has the other.
    fn held() -> (Arc<Vec<u8>>, Body) {
        struct Owner(Arc<Vec<u8>>);
        impl AsRef<[u8]> for Owner {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
        let held = Arc::new(vec![0; 1 << 20]);
        let bytes = Bytes::from_owner(Owner(Arc::clone(&held)));
        (held, whole(bytes))
    }

    // No time passes in these but the tests' own.

    #[tokio::test(start_paused = true)]
    async fn what_nobody_takes_is_let_go() {
        let (held, body) = held();
        let mut body = in_pieces(body, LONGEST);
        for _ in 0..4 {
            tokio::time::sleep(LONGEST / 2).await;
            assert!(body.frame().await.unwrap().is_ok(), "slow, but it takes");
        }
        assert_eq!(Arc::strong_count(&held), 2);
        tokio::time::sleep(3 * LONGEST).await;
        assert_eq!(Arc::strong_count(&held), 1);
        let told = body.frame().await.unwrap().unwrap_err().to_string();
        assert!(told.contains("took nothing"), "{told}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_was_never_asked_for_is_let_go_too() {
        let (held, body) = held();
        let _body = in_pieces(body, LONGEST);
        tokio::time::sleep(3 * LONGEST).await;
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_writes_may_take_its_time() {
        struct Silent;
        impl http_body::Body for Silent {
            type Data = Bytes;
            type Error = BodyError;
            fn poll_frame(
                self: Pin<&mut Self>,
                _: &mut Context<'_>,
            ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
                Poll::Pending
            }
        }
        let mut body = in_pieces(Body::Stream(Box::pin(Silent)), LONGEST);
        let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut body).poll_frame(cx)));
        assert!(polled.await.is_pending());
        tokio::time::sleep(10 * LONGEST).await;
        let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut body).poll_frame(cx)));
        assert!(polled.await.is_pending(), "it goes on");
    }
}
