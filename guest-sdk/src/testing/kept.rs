//! What a test sees of an answer beside itself: whether it may be kept, and what it takes out of date.

use crate::bindings::outcome::{Effect, Reads};
use crate::call::Call;

use super::{TestRequest, TestResponse};

/// What a handler did beside its answer.
#[derive(Debug)]
pub(super) struct Beside {
    lapses: Vec<Effect>,
    draft_mode: Option<bool>,
    reads: Reads,
}

impl Beside {
    /// What is not known of an answer that was sent.
    pub(super) const NOTHING: Self = Self {
        lapses: Vec::new(),
        draft_mode: None,
        reads: Reads::empty(),
    };

    pub(super) fn of(call: &Call) -> Self {
        let noted = call.noted();
        Self {
            lapses: noted.lapses.borrow().clone(),
            draft_mode: noted.draft_mode.get(),
            reads: call.reads(),
        }
    }
}

impl TestRequest {
    /// Lets the client be in draft mode.
    ///
    /// ```
    /// use waystation::{draft_mode, testing::TestRequest};
    ///
    /// let get = || draft_mode().is_enabled().to_string();
    /// assert_eq!(TestRequest::get("/").draft_mode(true).call(get).text(), "true");
    /// ```
    #[must_use]
    pub fn draft_mode(mut self, is_enabled: bool) -> Self {
        self.is_draft = is_enabled;
        self
    }
}

/// What the host is told beside the answer. None of it is known of an answer that was sent (`TestRequest::send`).
///
/// ```
/// use waystation::{cookies, revalidate_path, revalidate_tag, testing::TestRequest};
///
/// fn post() {
///     revalidate_tag("posts", "max");
///     revalidate_path("/blog");
/// }
///
/// let response = TestRequest::post("/").call(post);
/// assert_eq!(response.revalidated_tags(), ["posts"]);
/// assert_eq!(response.revalidated_paths(), ["/blog"]);
/// assert!(!response.has_read_request());
///
/// let response = TestRequest::get("/").call(|| cookies().get("theme").unwrap_or_default());
/// assert!(response.has_read_request()); // it cannot be kept
/// ```
impl TestResponse {
    /// The tags that the handler, and what it left for after the answer, took out of date.
    #[must_use]
    pub fn revalidated_tags(&self) -> Vec<&str> {
        let lapses = self.beside.lapses.iter();
        let tags = lapses.filter_map(|lapse| match lapse {
            Effect::RevalidateTag(lapse) => Some(lapse.tag.as_str()),
            _ => None,
        });
        tags.collect()
    }

    /// The paths of which the kept answers expire.
    #[must_use]
    pub fn revalidated_paths(&self) -> Vec<&str> {
        let lapses = self.beside.lapses.iter();
        let paths = lapses.filter_map(|lapse| match lapse {
            Effect::RevalidatePath(lapse) => Some(lapse.path.as_str()),
            _ => None,
        });
        paths.collect()
    }

    /// Whether draft mode was switched on or off; none if neither.
    #[must_use]
    pub fn draft_mode(&self) -> Option<bool> {
        self.beside.draft_mode
    }

    /// Whether the handler read more of the request than its method, its path and the params: if so, its answer is not kept (rows Q16 and
    /// K1).
    #[must_use]
    pub fn has_read_request(&self) -> bool {
        !self.beside.reads.is_empty()
    }
}
