//! A body written by an async block, one chunk at a time.
//!
//! In: a function that gets a [`Writer`]. Out: a stream of what it writes, which ends when the function does.
//!
//! The two meet in a slot that holds one chunk: `write` is done when the client has taken it, so nothing piles up.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_core::Stream;
use http::header::{HeaderName, HeaderValue};

use crate::ambient;
use crate::error::Result;

/// Where [`Response::writer`](crate::Response::writer) writes its body.
///
/// ```
/// use waystation::{Response, testing::TestRequest};
///
/// fn get() -> Response {
///     Response::writer(|mut writer| async move {
///         writer.write("one ").await?;
///         writer.write("two").await
///     })
/// }
///
/// assert_eq!(TestRequest::get("/").call(get).chunks(), ["one ", "two"]);
/// ```
#[derive(Debug)]
pub struct Writer {
    slot: Rc<Slot>,
}

impl Writer {
    /// Sends one chunk and waits until the client has taken it.
    ///
    /// If the client leaves, the block that writes is dropped at this point, with all that it holds.
    ///
    /// # Errors
    ///
    /// None today; the `Result` leaves room for it.
    pub async fn write(&mut self, chunk: impl Into<Bytes>) -> Result<()> {
        let chunk = chunk.into();
        if chunk.is_empty() {
            return Ok(());
        }
        self.slot.chunk.set(Some(chunk));
        std::future::poll_fn(|cx| self.slot.poll_taken(cx)).await;
        Ok(())
    }

    /// Sends a header when the body is over, such as a checksum of it. Over HTTP/1.1 it arrives if the answer's `trailer` header has named
    /// it and the client has said `te: trailers`.
    ///
    /// ```
    /// use waystation::{Response, Result};
    ///
    /// pub async fn get() -> Result<Response> {
    ///     let mut response = Response::writer(|mut writer| async move {
    ///         writer.write("hello").await?;
    ///         writer.trailer("x-length", 5)
    ///     });
    ///     response.headers_mut().insert("trailer", "x-length".parse()?);
    ///     Ok(response)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// If the name or value cannot be sent, such as one with a line end.
    pub fn trailer<N, V>(&mut self, name: N, value: V) -> Result<()>
    where
        N: TryInto<HeaderName>,
        N::Error: Into<http::Error>,
        V: TryInto<HeaderValue>,
        V::Error: Into<http::Error>,
    {
        let name = name.try_into().map_err(Into::into)?;
        let value = value.try_into().map_err(Into::into)?;
        let call = ambient::current("trailer()");
        call.trailers().sent.borrow_mut().append(name, value);
        Ok(())
    }
}

/// Runs `write` as a stream of what it writes.
pub(crate) fn written<F, W>(write: F) -> impl Stream<Item = Result<Bytes>>
where
    F: FnOnce(Writer) -> W,
    W: Future<Output = Result<()>>,
{
    let slot = Rc::new(Slot::default());
    let task = Box::pin(write(Writer { slot: slot.clone() }));
    Written {
        task: Some(task),
        slot,
    }
}

/// One chunk on its way, and who waits for it to be taken.
#[derive(Default)]
struct Slot {
    chunk: Cell<Option<Bytes>>,
    waiting: Cell<Option<Waker>>,
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Slot")
    }
}

impl Slot {
    fn poll_taken(&self, cx: &mut Context<'_>) -> Poll<()> {
        let chunk = self.chunk.take();
        if chunk.is_none() {
            return Poll::Ready(());
        }
        self.chunk.set(chunk);
        self.waiting.set(Some(cx.waker().clone()));
        Poll::Pending
    }

    fn take(&self) -> Option<Bytes> {
        let chunk = self.chunk.take();
        if let (Some(_), Some(waiting)) = (&chunk, self.waiting.take()) {
            waiting.wake();
        }
        chunk
    }
}

struct Written<W> {
    task: Option<Pin<Box<W>>>,
    slot: Rc<Slot>,
}

impl<W: Future<Output = Result<()>>> Stream for Written<W> {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(task) = &mut self.task else {
            return Poll::Ready(None);
        };
        let ended = task.as_mut().poll(cx);
        if ended.is_ready() {
            self.task = None;
        }
        match (self.slot.take(), ended) {
            (_, Poll::Ready(Err(error))) => Poll::Ready(Some(Err(error))),
            (Some(chunk), _) => Poll::Ready(Some(Ok(chunk))),
            (None, Poll::Ready(Ok(()))) => Poll::Ready(None),
            (None, Poll::Pending) => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use futures_util::{StreamExt, pin_mut};
    use std::cell::RefCell;

    #[test]
    fn each_write_waits_for_the_reader() {
        let log = Rc::new(RefCell::new(Vec::new()));
        let written = written({
            let log = log.clone();
            move |mut writer| async move {
                for n in 1..=2 {
                    writer.write(format!("{n}")).await?;
                    log.borrow_mut().push(format!("{n} was taken"));
                }
                Ok(())
            }
        });
        pin_mut!(written);
        let mut next = || {
            futures_util::FutureExt::now_or_never(written.next())
                .expect("never pending")
                .map(Result::unwrap)
        };
        assert_eq!(next().as_deref(), Some(&b"1"[..]));
        assert!(log.borrow().is_empty());
        assert_eq!(next().as_deref(), Some(&b"2"[..]));
        assert_eq!(log.borrow().len(), 1);
        assert_eq!(next(), None);
        assert_eq!(log.borrow().len(), 2);
    }

    #[test]
    fn an_error_is_the_last_item() {
        let written = written(|mut writer| async move {
            writer.write("a").await?;
            Err(Error::message("the tap ran dry"))
        });
        let items = futures_util::FutureExt::now_or_never(written.collect::<Vec<_>>())
            .expect("never pending");
        assert_eq!(items.len(), 2);
        assert!(items[1].is_err());
    }
}
