//! Handlers of every shape, made alike: what `route!` does for the build, done here by types.

use std::future::Future;
use std::rc::Rc;

use crate::call::Call;
use crate::handler::{FromCall, Pending};
use crate::into_response::IntoResponse;

/// A handler that [`TestRequest::call`](super::TestRequest::call) takes: any function that a route module may export.
///
/// `Shape` is found by the compiler.
///
/// ```
/// use waystation::testing::{TestHandler, TestRequest};
/// use waystation::{Request, Result};
///
/// /// For handlers that should all answer 400 to a body that is no JSON.
/// fn assert_refuses<Shape>(handler: impl TestHandler<Shape>) {
///     assert_eq!(TestRequest::post("/").body("{").call(handler).status(), 400);
/// }
///
/// async fn post(request: Request) -> Result<String> {
///     request.json().await
/// }
///
/// assert_refuses(post);
/// ```
#[diagnostic::on_unimplemented(
    message = "this is no handler",
    label = "not a handler",
    note = "a handler is a function of nothing, `Request`, `Context<Params>` or both, and answers with what is `IntoResponse`"
)]
pub trait TestHandler<Shape> {
    /// The pattern of the route that its `Params` belong to.
    #[doc(hidden)]
    const PATTERN: Option<&'static str>;

    /// Begins the handler's work.
    #[doc(hidden)]
    fn start(self, call: Rc<Call>) -> Pending;
}

/// What a handler returns: an answer, or a future of one.
pub trait Answers<Kind> {
    /// Waits for the answer.
    fn answer(self) -> Pending;
}

/// Of a `fn`.
#[derive(Debug)]
pub struct AtOnce;

/// Of an `async fn`.
#[derive(Debug)]
pub struct Later;

impl<T: IntoResponse + 'static> Answers<AtOnce> for T {
    fn answer(self) -> Pending {
        Box::pin(async { self.into_response() })
    }
}

impl<F: Future<Output: IntoResponse> + 'static> Answers<Later> for F {
    fn answer(self) -> Pending {
        Box::pin(async { self.await.into_response() })
    }
}

impl<F, R, Kind> TestHandler<(Kind,)> for F
where
    F: FnOnce() -> R + 'static,
    R: Answers<Kind>,
{
    const PATTERN: Option<&'static str> = None;

    fn start(self, _: Rc<Call>) -> Pending {
        Box::pin(async { self().answer().await })
    }
}

impl<F, A, R, Kind> TestHandler<(Kind, A)> for F
where
    F: FnOnce(A) -> R + 'static,
    A: FromCall,
    R: Answers<Kind>,
{
    const PATTERN: Option<&'static str> = A::PATTERN;

    fn start(self, call: Rc<Call>) -> Pending {
        Box::pin(async move { self(A::from_call(&call)?).answer().await })
    }
}

impl<F, A, B, R, Kind> TestHandler<(Kind, A, B)> for F
where
    F: FnOnce(A, B) -> R + 'static,
    A: FromCall,
    B: FromCall,
    R: Answers<Kind>,
{
    const PATTERN: Option<&'static str> = match A::PATTERN {
        None => B::PATTERN,
        pattern => pattern,
    };

    fn start(self, call: Rc<Call>) -> Pending {
        Box::pin(async move {
            let (first, second) = (A::from_call(&call)?, B::from_call(&call)?);
            self(first, second).answer().await
        })
    }
}
