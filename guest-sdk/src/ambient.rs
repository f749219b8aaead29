//! Which request is being answered, for `cookies()` and `headers()`.
//!
//! A host may run several requests in one instance, so the answer is set anew whenever one of them is polled.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::call::Call;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Call>>> = const { RefCell::new(None) };
}

/// The request being answered.
///
/// # Panics
///
/// If there is none.
pub(crate) fn current(asked_by: &str) -> Rc<Call> {
    find().unwrap_or_else(|| {
        panic!("`{asked_by}` was called outside of a request; call it in a handler")
    })
}

/// The request being answered, if there is one.
pub(crate) fn find() -> Option<Rc<Call>> {
    CURRENT.with_borrow(Clone::clone)
}

/// What stands in for the host natively: that of the request being answered, or the thread's own.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn world() -> Rc<crate::testing::World> {
    thread_local! {
        static OWN: Rc<crate::testing::World> = Rc::default();
    }
    let of_call = CURRENT.with_borrow(|call| call.as_ref().map(|call| call.world()));
    of_call.unwrap_or_else(|| OWN.with(Rc::clone))
}

/// A future that belongs to one request.
pub(crate) struct Scope<T> {
    pub(crate) call: Rc<Call>,
    pub(crate) future: Pin<Box<dyn Future<Output = T>>>,
}

impl<T> Future for Scope<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let _restore = enter(self.call.clone());
        self.future.as_mut().poll(cx)
    }
}

/// Makes `call` the current one until the guard is dropped.
fn enter(call: Rc<Call>) -> Restore {
    Restore(CURRENT.replace(Some(call)))
}

struct Restore(Option<Rc<Call>>);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{call, now};
    use crate::{ambient::Scope, cookies};
    use futures_util::FutureExt;
    use std::task::Poll;

    #[test]
    fn two_requests_in_turn_keep_their_own() {
        let ask = |value: &str| {
            let call = call("GET", "/", &[("cookie", &format!("who={value}"))], "");
            let future = Box::pin(async {
                let before = cookies().get("who");
                yield_once().await;
                (before, cookies().get("who"))
            });
            Scope { call, future }
        };
        let (first, second) = now(async {
            let (mut first, mut second) = (ask("a"), ask("b"));
            assert!((&mut first).now_or_never().is_none());
            assert!((&mut second).now_or_never().is_none());
            (first.await, second.await)
        });
        assert_eq!(first, (Some("a".into()), Some("a".into())));
        assert_eq!(second, (Some("b".into()), Some("b".into())));
    }

    async fn yield_once() {
        let mut yielded = false;
        let turn = |_: &mut std::task::Context<'_>| match std::mem::replace(&mut yielded, true) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        };
        std::future::poll_fn(turn).await;
    }

    #[test]
    #[should_panic(expected = "`cookies()` was called outside of a request")]
    fn outside_of_a_request_it_says_so() {
        cookies();
    }
}
