//! Takes what is kept out of date, by tag or by path.
//!
//! Until the head goes out a lapse is noted, and the host applies it before the answer leaves (row V9). Later ones are sent to the host.

use std::rc::Rc;

use crate::after;
use crate::ambient;
use crate::bindings::outcome::{self, Effect, Lapsing, PathLapse, TagLapse};
use crate::call::Call;
use crate::fetch::store;

/// Takes what carries a tag out of date: answers, what [`fetch`](crate::fetch()) kept, and values of [`cached`](crate::cached()).
///
/// `expire` says how: the name of a lifetime, such as `"max"`, or an [`Expire`]. What this handler itself asks for again is made anew at
/// once. A tag or a name that the host does not accept is told in its log.
///
/// # Panics
///
/// If no handler is running.
///
/// ```
/// use waystation::{Expire, revalidate_tag};
///
/// pub async fn post() -> &'static str {
///     revalidate_tag("posts", "max"); // sent once more while they are made anew (row V1)
///     revalidate_tag("rates", Expire::seconds(60)); // no longer than a minute (row V4)
///     "revalidated"
/// }
/// # use waystation::testing::TestRequest;
/// # assert_eq!(TestRequest::post("/").call(post).revalidated_tags(), ["posts", "rates"]);
/// ```
pub fn revalidate_tag(tag: impl Into<String>, expire: impl Into<Expire>) {
    lapse_tag("revalidate_tag()", tag.into(), expire.into());
}

/// Makes what carries a tag expire at once: the next request waits for what is new (row V2).
///
/// # Panics
///
/// If no handler is running.
///
/// ```
/// use waystation::update_tag;
///
/// pub async fn post() {
///     update_tag("basket");
/// }
/// # use waystation::testing::TestRequest;
/// # assert_eq!(TestRequest::post("/").call(post).revalidated_tags(), ["basket"]);
/// ```
pub fn update_tag(tag: impl Into<String>) {
    lapse_tag("update_tag()", tag.into(), Expire::NOW);
}

/// Makes the kept answers of a path expire at once (rows V5 to V7); with a [`PathKind`], of all paths of a route, or below a folder.
///
/// # Panics
///
/// If no handler is running.
///
/// ```
/// use waystation::{PathKind, revalidate_path};
///
/// pub async fn post() {
///     revalidate_path("/blog/tea");
///     revalidate_path(("/blog/[slug]", PathKind::Page)); // every post
///     revalidate_path(("/", PathKind::Layout)); // everything
/// }
/// # use waystation::testing::TestRequest;
/// # assert_eq!(TestRequest::post("/").call(post).revalidated_paths(), ["/blog/tea", "/blog/[slug]", "/"]);
/// ```
pub fn revalidate_path(paths: impl Into<Paths>) {
    let Paths(lapse) = paths.into();
    note("revalidate_path()", Effect::RevalidatePath(lapse));
}

/// When what carries a tag expires. It is stale from now on: sent once more while it is made anew.
///
/// A name is that of a lifetime, as in [`Life`](crate::Life): `"hours"` is a day, the `expire` of that lifetime; `"max"` is never.
///
/// ```
/// use waystation::{Expire, revalidate_tag};
///
/// pub fn post() {
///     revalidate_tag("posts", "hours");
///     revalidate_tag("posts", Expire::seconds(3600));
///     revalidate_tag("posts", Expire::NOW);
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Expire(Lapsing);

impl Expire {
    /// At once: the next request waits for what is new.
    pub const NOW: Self = Self::seconds(0);

    /// So many seconds later.
    pub const fn seconds(seconds: u32) -> Self {
        Self(Lapsing::Expire(seconds))
    }
}

impl From<&str> for Expire {
    fn from(profile: &str) -> Self {
        Self(Lapsing::Profile(profile.to_owned()))
    }
}

/// What of a path is meant.
///
/// ```
/// use waystation::{PathKind, revalidate_path};
///
/// pub fn post() {
///     revalidate_path(("/blog", PathKind::Layout)); // `/blog`, `/blog/tea` and whatever else is below
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// The route with this pattern, whatever its params: `/blog/[slug]`.
    Page,
    /// Every route at or below it: `/blog`.
    Layout,
}

/// The paths whose answers expire: one, such as `"/blog/tea"`, or with a [`PathKind`] all of a pattern.
///
/// ```
/// use waystation::{PathKind, Paths, revalidate_path};
///
/// fn changed(slug: Option<&str>) -> Paths {
///     match slug {
///         Some(slug) => format!("/blog/{slug}").into(),
///         None => ("/blog/[slug]", PathKind::Page).into(),
///     }
/// }
///
/// pub fn post() {
///     revalidate_path(changed(Some("tea")));
///     revalidate_path(changed(None));
/// }
/// # use waystation::testing::TestRequest;
/// # assert_eq!(TestRequest::post("/").call(post).revalidated_paths(), ["/blog/tea", "/blog/[slug]"]);
/// ```
#[derive(Clone, Debug)]
pub struct Paths(PathLapse);

impl From<&str> for Paths {
    fn from(path: &str) -> Self {
        path.to_owned().into()
    }
}

impl From<String> for Paths {
    fn from(path: String) -> Self {
        Self(PathLapse { path, kind: None })
    }
}

impl<P: Into<String>> From<(P, PathKind)> for Paths {
    fn from((path, kind): (P, PathKind)) -> Self {
        let kind = match kind {
            PathKind::Page => outcome::PathKind::Page,
            PathKind::Layout => outcome::PathKind::Layout,
        };
        let (path, kind) = (path.into(), Some(kind));
        Self(PathLapse { path, kind })
    }
}

fn lapse_tag(by: &'static str, tag: String, Expire(lapsing): Expire) {
    note(by, Effect::RevalidateTag(TagLapse { tag, lapsing }));
}

fn note(by: &'static str, lapse: Effect) {
    let call = ambient::current(by);
    let noted = call.noted();
    noted.change(by);
    if call.is_answered() && store::is_there() {
        after::leave(&call, by, store::lapse(vec![lapse.clone()]));
    }
    noted.lapses.borrow_mut().push(lapse);
    noted.send_lapses.set(Some(send));
}

/// Where the handler fails there is no outcome; what it changed until then is out of date all the same.
fn send(call: &Rc<Call>) {
    if store::is_there() {
        let lapses = call.noted().lapses.borrow().clone();
        after::leave(
            call,
            "revalidation by a handler that failed",
            store::lapse(lapses),
        );
    }
}
