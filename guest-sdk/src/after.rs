//! Work that goes on when the answer is over.
//!
//! In: futures, from handlers and from other such work. Out: tasks of the same instance, which run side by side; what fails is logged.
//!
//! The host learns that there is work, so that it lets a streaming instance live on whose client has left. How long the work may take is
//! the host's business too.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use crate::ambient::{self, Scope};
use crate::call::Call;
use crate::error::{Error, Result};

/// Goes on with `work` once the answer is sent: counts, logs, and letters that no client should wait for (row A1).
///
/// It runs too when the handler has redirected, found nothing or failed, and when the client leaves while the answer is sent. It may call
/// `after` again, and reads [`cookies()`](crate::cookies()) and [`headers()`](crate::headers()) as the handler did; to set a cookie is too
/// late. An error is logged with the route, and so is a panic.
///
/// It has the route's `MAX_DURATION` again, from the end of the answer on, and what the handler has left of `CPU_MS`. A host that shuts
/// down waits for it.
///
/// ```
/// use waystation::{Result, after};
///
/// pub async fn get() -> &'static str {
///     after(async {
///         tell_the_shelf().await?;
///         Ok::<_, waystation::Error>(())
///     });
///     "told"
/// }
/// # async fn tell_the_shelf() -> Result<()> { Ok(()) }
/// ```
pub fn after<F>(work: F)
where
    F: Future + 'static,
    F::Output: IntoDone,
{
    leave(
        &ambient::current("after()"),
        "a future passed to `after()`",
        work,
    );
}

/// Leaves work of a call's until its answer is over; `what` names it in the log.
pub(crate) fn leave<F>(call: &Rc<Call>, what: &'static str, work: F)
where
    F: Future + 'static,
    F::Output: IntoDone,
{
    let work = async move {
        if let Err(error) = work.await.into_done() {
            eprintln!("error: in {what}: {error:?}");
        }
    };
    if let Some(work) = call.later().add(Box::pin(work)) {
        start(call, work);
    }
}

/// How work may end: with nothing, or with a `Result` of nothing.
///
/// ```
/// use waystation::{Error, after};
///
/// pub async fn get() {
///     after(async { println!("answered") });
///     after(async {
///         let count: u32 = "12".parse()?;
///         println!("answered {count} times");
///         Ok::<_, Error>(())
///     });
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "work passed to `after` cannot end with `{Self}`",
    note = "it ends with `()`, or with `Ok::<_, waystation::Error>(())` so that `?` can be used"
)]
pub trait IntoDone {
    /// What went wrong, if anything did.
    ///
    /// # Errors
    ///
    /// The work's own, to be logged.
    fn into_done(self) -> Result<()>;
}

impl IntoDone for () {
    fn into_done(self) -> Result<()> {
        Ok(())
    }
}

impl<E: Into<Error>> IntoDone for Result<(), E> {
    fn into_done(self) -> Result<()> {
        self.map_err(Into::into)
    }
}

type Work = Pin<Box<dyn Future<Output = ()>>>;

/// The work of one request.
#[derive(Default)]
pub(crate) struct Later {
    waiting: RefCell<Vec<Work>>,
    is_answered: Cell<bool>,
}

impl Later {
    /// Keeps work until the answer is over; gives it back if that is so already.
    fn add(&self, work: Work) -> Option<Work> {
        if self.is_answered.get() {
            return Some(work);
        }
        self.waiting.borrow_mut().push(work);
        None
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.borrow().is_empty()
    }

    /// The work so far; what comes later begins at once.
    fn begin(&self) -> Vec<Work> {
        self.is_answered.set(true);
        self.waiting.take()
    }
}

/// Starts what was waiting for the end of the answer.
pub(crate) fn begin(call: &Rc<Call>) {
    for work in call.later().begin() {
        start(call, work);
    }
}

/// Does in a native test what was left for after the answer, and what that leaves in turn.
#[cfg(not(target_family = "wasm"))]
pub(crate) async fn finish(call: &Rc<Call>) {
    loop {
        let waiting = call.later().waiting.take();
        if waiting.is_empty() {
            return;
        }
        for work in waiting {
            work.await;
        }
    }
}

fn start(call: &Rc<Call>, work: Work) {
    wit_bindgen::spawn_local(Scope {
        call: call.clone(),
        future: Box::pin(async move {
            wit_bindgen::yield_async().await; // the host takes the answer before the work begins
            work.await;
        }),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{call, now};

    #[test]
    fn work_waits_for_the_end_of_the_answer() {
        let call = call("GET", "/", &[], "");
        let done = Rc::new(Cell::new(0));
        let count = done.clone();
        let work = async move {
            after(async move {
                count.set(count.get() + 1);
                Err::<(), _>(Error::message("logged"))
            });
        };
        now(Scope {
            call: call.clone(),
            future: Box::pin(work),
        });
        assert!(!call.later().is_empty());
        assert_eq!(done.get(), 0);
        for work in call.later().begin() {
            now(work);
        }
        assert_eq!(done.get(), 1);
        assert!(call.later().add(Box::pin(async {})).is_some());
    }

    #[test]
    #[should_panic(expected = "`after()` was called outside of a request")]
    fn outside_of_a_request_it_says_so() {
        after(async {});
    }
}
