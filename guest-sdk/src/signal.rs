//! Whether the client is still there, for handlers that ask (row Q15).
//!
//! The host drops the instance of a client that has left. One that has asked for the signal lives on, as it does for `after()`: its body
//! goes on until it would write again.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::call::Call;

/// Tells that the client has left while the body was sent to it: [`Request::signal`](crate::Request::signal).
///
/// ```
/// use std::time::Duration;
/// use waystation::{Request, Response, sleep, testing::TestRequest};
///
/// fn get(request: Request) -> Response {
///     let signal = request.signal();
///     Response::writer(|mut writer| async move {
///         while !signal.aborted() {
///             writer.write("tick ").await?;
///             sleep(Duration::from_secs(1)).await;
///         }
///         println!("the client has left"); // in the log
///         Ok(())
///     })
/// }
///
/// let response = TestRequest::get("/").leave_after(2).call(get);
/// assert_eq!(response.chunks(), ["tick ", "tick "]);
/// ```
#[derive(Clone)]
pub struct AbortSignal {
    call: Rc<Call>,
}

impl AbortSignal {
    pub(crate) fn new(call: Rc<Call>) -> Self {
        call.signal().is_asked.set(true);
        Self { call }
    }

    /// Whether the client has left.
    #[must_use]
    pub fn aborted(&self) -> bool {
        self.call.signal().aborted()
    }

    /// Waits until the client leaves; for ever if it stays to the end.
    ///
    /// ```
    /// use futures_util::future::{Either, select};
    /// use std::pin::pin;
    /// use waystation::{Request, Response};
    ///
    /// pub async fn get(request: Request) -> Response {
    ///     let signal = request.signal();
    ///     Response::writer(|mut writer| async move {
    ///         match select(pin!(work()), pin!(signal.until_aborted())).await {
    ///             Either::Left((result, _)) => writer.write(result).await,
    ///             Either::Right(((), _)) => tidy_up().await, // `work` is dropped where it stands
    ///         }
    ///     })
    /// }
    /// # async fn work() -> String { "done".into() }
    /// # async fn tidy_up() -> waystation::Result<()> { Ok(()) }
    /// ```
    pub async fn until_aborted(&self) {
        poll_fn(|cx| self.call.signal().poll_aborted(cx)).await;
    }
}

impl fmt::Debug for AbortSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortSignal")
            .field("aborted", &self.aborted())
            .finish()
    }
}

/// What all signals of one request share.
#[derive(Default)]
pub(crate) struct Signal {
    is_asked: Cell<bool>,
    is_aborted: Cell<bool>,
    waiting: RefCell<Vec<Waker>>,
}

impl Signal {
    pub(crate) fn is_asked(&self) -> bool {
        self.is_asked.get()
    }

    pub(crate) fn aborted(&self) -> bool {
        self.is_aborted.get()
    }

    /// Tells whoever has asked that the client has left; false if nobody has.
    pub(crate) fn abort(&self) -> bool {
        if self.is_asked() {
            self.is_aborted.set(true);
            self.waiting.take().into_iter().for_each(Waker::wake);
        }
        self.is_asked()
    }

    fn poll_aborted(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.aborted() {
            return Poll::Ready(());
        }
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            waiting.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{call, now};
    use futures_util::FutureExt;

    #[test]
    fn whoever_has_asked_is_told() {
        let call = call("GET", "/", &[], "");
        assert!(!call.signal().abort(), "nobody has asked");
        let signal = AbortSignal::new(call.clone());
        assert!(!signal.aborted(), "it left before anybody asked");
        assert!(signal.until_aborted().now_or_never().is_none());
        assert!(call.signal().abort());
        assert!(signal.clone().aborted());
        now(signal.until_aborted());
    }
}
