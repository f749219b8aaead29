//! Draft mode: a client that sees what is not yet for everybody.

use std::rc::Rc;

use crate::ambient;
use crate::call::Call;

/// Draft mode of the client that asks (rows D1 to D4). Nothing kept is sent to a client in draft mode, and nothing is kept of its answers.
///
/// # Panics
///
/// If no handler is running.
///
/// ```
/// use waystation::{Request, Response, Result, draft_mode, redirect};
///
/// pub async fn get(request: Request) -> Result<Response> {
///     if request.url().search_params().get("secret").as_deref() != Some("open sesame") {
///         return Response::builder().status(401).body("invalid token");
///     }
///     draft_mode().enable();
///     redirect("/posts/tea")
/// }
/// ```
pub fn draft_mode() -> DraftMode {
    DraftMode {
        call: ambient::current(ASKED),
    }
}

const ASKED: &str = "draft_mode()";

/// Draft mode of one client. As cookies do, a change goes out with the answer and with redirects; "not found", refusals and errors drop it.
///
/// ```
/// use waystation::{draft_mode, testing::TestRequest};
///
/// fn get() -> &'static str {
///     match draft_mode().is_enabled() {
///         true => "the post as it will be",
///         false => "the post",
///     }
/// }
///
/// assert_eq!(TestRequest::get("/").draft_mode(true).call(get).text(), "the post as it will be");
///
/// let response = TestRequest::get("/").draft_mode(true).call(|| draft_mode().disable());
/// assert_eq!(response.draft_mode(), Some(false));
/// ```
#[derive(Clone)]
pub struct DraftMode {
    call: Rc<Call>,
}

impl DraftMode {
    /// Whether it is on. What this request has changed counts at once.
    pub fn is_enabled(&self) -> bool {
        let changed = self.call.noted().draft_mode.get();
        changed.unwrap_or(self.call.facts().draft_mode)
    }

    /// Switches it on for this client: the host sets its cookie.
    ///
    /// # Panics
    ///
    /// If the answer's head has already been sent, as it is once a body is being streamed.
    pub fn enable(&self) {
        self.set(true);
    }

    /// Switches it off.
    ///
    /// # Panics
    ///
    /// As for [`enable`](Self::enable).
    pub fn disable(&self) {
        self.set(false);
    }

    fn set(&self, is_on: bool) {
        assert!(
            !self.call.is_answered(),
            "draft mode was switched after the answer's head was sent; switch it before the handler returns"
        );
        let noted = self.call.noted();
        noted.change(ASKED);
        noted.draft_mode.set(Some(is_on));
    }
}

impl std::fmt::Debug for DraftMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DraftMode")
            .field("is_enabled", &self.is_enabled())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Result};
    use crate::testing::{TestRequest, call, now};
    use crate::{not_found, redirect};

    #[test]
    fn a_change_goes_where_cookies_go() {
        let end = |end: fn() -> Result| {
            let response = TestRequest::get("/").call(move || {
                draft_mode().enable();
                assert!(draft_mode().is_enabled());
                end()
            });
            response.draft_mode()
        };
        assert_eq!(end(|| redirect("/")), Some(true)); // D1
        assert_eq!(end(not_found), None);
        assert_eq!(end(|| Err(Error::message("no"))), None);
    }

    #[test]
    fn it_is_what_the_host_says() {
        let is_enabled = || draft_mode().is_enabled().to_string();
        let asked = |is_on| TestRequest::get("/").draft_mode(is_on).call(is_enabled);
        assert_eq!(asked(true).text(), "true"); // D4
        assert_eq!(asked(false).text(), "false");
        assert!(!asked(true).has_read_request());
    }

    #[test]
    #[should_panic(expected = "after the answer's head was sent")]
    fn the_head_is_the_last_chance() {
        let call = call("GET", "/", &[], "");
        now(crate::handler::answer(&call, |_| {
            Box::pin(async { Ok(crate::Response::empty()) })
        }))
        .unwrap();
        DraftMode { call }.enable();
    }
}
