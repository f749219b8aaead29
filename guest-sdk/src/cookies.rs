//! Cookies: what came with the request, and what goes out with the answer.
//!
//! In: the request's names and decoded values. Out: the edits, in the order in which their names first appeared. As for a browser, a cookie of
//! another path or domain is another cookie.
//!
//! The host writes the `Set-Cookie` lines; nothing here encodes a value.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::SystemTime;

use crate::ambient;
use crate::bindings::outcome::{self, Reads};
use crate::call::Call;
use crate::cookie::Cookie;
use crate::error::{Error, Result};

/// The cookies of the request being answered, to read and to set.
///
/// # Panics
///
/// If no handler is running.
///
/// ```
/// use std::time::Duration;
/// use waystation::{Cookie, cookies};
///
/// pub async fn get() -> String {
///     let cookies = cookies();
///     cookies.set(Cookie::new("seen", "yes").max_age(Duration::from_secs(3600)).http_only(true));
///     cookies.delete("trial");
///     cookies.get("theme").unwrap_or_else(|| "light".to_owned())
/// }
/// ```
pub fn cookies() -> Cookies {
    Cookies {
        call: ambient::current("cookies()"),
    }
}

/// The cookies of one request. What was set can be read back at once.
///
/// Edits go out with the answer and with redirects; "not found", refusals and errors drop them.
///
/// ```
/// use waystation::{cookies, testing::TestRequest};
///
/// fn get() -> String {
///     let cookies = cookies();
///     cookies.set(("theme", "dark"));
///     cookies.delete("trial");
///     format!("{:?}", cookies.get_all())
/// }
///
/// let response = TestRequest::get("/").cookie("trial", "yes").call(get);
/// assert_eq!(response.text(), r#"[("trial", ""), ("theme", "dark")]"#);
/// ```
#[derive(Clone)]
pub struct Cookies {
    call: Rc<Call>,
}

impl Cookies {
    /// The value of a cookie. One that was deleted in this request is there and empty.
    pub fn get(&self, name: &str) -> Option<String> {
        self.jar()
            .borrow()
            .find(name)
            .map(|entry| entry.value.clone())
    }

    /// Whether there is such a cookie, deleted or not.
    pub fn has(&self, name: &str) -> bool {
        self.jar().borrow().find(name).is_some()
    }

    /// All names and values.
    pub fn get_all(&self) -> Vec<(String, String)> {
        let jar = self.jar().borrow();
        jar.entries
            .iter()
            .map(|entry| (entry.name.clone(), entry.value.clone()))
            .collect()
    }

    /// Sets a cookie: `cookies.set(("theme", "dark"))`, or a [`Cookie`] with options. The last one of a name, path and domain counts.
    ///
    /// # Panics
    ///
    /// If the answer's head has already been sent, as it is once a body is being streamed.
    pub fn set(&self, cookie: impl Into<Cookie>) {
        self.call.noted().change("cookies().set()");
        self.call.jar().borrow_mut().set(cookie.into());
    }

    /// Deletes a cookie. One that was set with a path or domain needs them again: `cookies.delete(Cookie::named("a").path("/shop"))`. How long
    /// it was to live does not matter.
    ///
    /// # Panics
    ///
    /// As for [`set`](Self::set).
    pub fn delete(&self, cookie: impl Into<Deletion>) {
        let Deletion(mut cookie) = cookie.into();
        cookie.max_age = None; // it would count, and not the date
        self.set(cookie.value("").expires(SystemTime::UNIX_EPOCH));
    }

    /// The jar, to be read.
    fn jar(&self) -> &RefCell<Jar> {
        self.call.read(Reads::COOKIES).jar()
    }
}

impl std::fmt::Debug for Cookies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.get_all()).finish()
    }
}

/// A cookie to delete: its name, or a [`Cookie`] with the path and domain it was set with.
///
/// ```
/// use waystation::{Cookie, cookies};
///
/// pub fn get() {
///     cookies().delete("trial");
///     cookies().delete(Cookie::named("basket").path("/shop"));
/// }
/// ```
#[derive(Debug)]
pub struct Deletion(Cookie);

impl From<&str> for Deletion {
    fn from(name: &str) -> Self {
        Self(Cookie::named(name))
    }
}

impl From<Cookie> for Deletion {
    fn from(cookie: Cookie) -> Self {
        Self(cookie)
    }
}

/// The cookies that came with a request; they do not change.
///
/// ```
/// use waystation::{Request, testing::TestRequest};
///
/// fn get(request: Request) -> String {
///     format!("{:?}", request.cookies().get("tag"))
/// }
///
/// let request = TestRequest::get("/").cookie("tag", "tea").cookie("tag", "milk");
/// assert_eq!(request.call(get).text(), r#"Some("milk")"#); // of several with one name, the last
/// ```
#[derive(Clone, Copy)]
pub struct RequestCookies<'a> {
    pairs: &'a [(String, String)],
}

impl<'a> RequestCookies<'a> {
    pub(crate) fn new(pairs: &'a [(String, String)]) -> Self {
        Self { pairs }
    }

    /// The value of a cookie; of several with one name, the last.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.get_all(name).next()
    }

    /// The values of one name: that of the last cookie with it, if there is one (row Q6).
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.iter()
            .filter_map(move |(key, value)| (key == name).then_some(value))
    }

    /// Whether there is such a cookie.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// All names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl std::fmt::Debug for RequestCookies<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The request's cookies and the edits to them, one entry a name.
#[derive(Debug)]
pub(crate) struct Jar {
    entries: Vec<Entry>,
    sealed: bool,
}

#[derive(Debug)]
struct Entry {
    name: String,
    value: String,
    /// One for each path and domain.
    edits: Vec<Cookie>,
}

impl Jar {
    pub(crate) fn new(pairs: &[(String, String)], is_sealed: bool) -> Self {
        let mut jar = Self {
            entries: Vec::with_capacity(pairs.len()),
            sealed: is_sealed,
        };
        for (name, value) in pairs {
            jar.entry(name).value.clone_from(value);
        }
        jar
    }

    fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    fn entry(&mut self, name: &str) -> &mut Entry {
        let known = self.entries.iter().position(|entry| entry.name == name);
        let at = known.unwrap_or_else(|| {
            self.entries.push(Entry {
                name: name.to_owned(),
                value: String::new(),
                edits: Vec::new(),
            });
            self.entries.len() - 1
        });
        &mut self.entries[at]
    }

    fn set(&mut self, cookie: Cookie) {
        assert!(
            !self.sealed,
            "the cookie `{}` was set after the answer's head was sent; set cookies before the handler returns",
            cookie.name
        );
        let entry = self.entry(&cookie.name);
        entry.value.clone_from(&cookie.value);
        match entry.edits.iter_mut().find(|edit| edit.is_same(&cookie)) {
            Some(edit) => *edit = cookie,
            None => entry.edits.push(cookie),
        }
    }

    /// The edits, once the handler has returned. After this none can be made.
    pub(crate) fn seal(&mut self) -> Result<Vec<outcome::Cookie>> {
        self.sealed = true;
        let edits = self
            .entries
            .iter_mut()
            .flat_map(|entry| std::mem::take(&mut entry.edits));
        edits
            .map(|cookie| {
                if is_token(&cookie.name) {
                    Ok(cookie.into_edit())
                } else {
                    Err(bad_name(&cookie.name))
                }
            })
            .collect()
    }
}

fn bad_name(name: &str) -> Error {
    Error::message(format!(
        "`{name}` cannot name a cookie: use letters, digits and !#$%&'*+-.^_`|~"
    ))
}

/// An RFC 6265 name.
fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::in_call;
    use std::time::Duration;

    #[test]
    fn what_was_set_is_read_back() {
        in_call("GET", "/", &[("cookie", "a=1; b=2; a=3")], "", || {
            let cookies = cookies();
            assert_eq!(cookies.get("a").as_deref(), Some("3"));
            cookies.set(("c", "4"));
            assert_eq!(cookies.get("c").as_deref(), Some("4"));
            cookies.delete("b");
            assert_eq!(
                (cookies.has("b"), cookies.get("b").as_deref()),
                (true, Some(""))
            );
            assert!(!cookies.has("d"));
            assert_eq!(cookies.get_all().len(), 3);
        });
    }

    #[test]
    fn edits_go_out_in_the_order_of_first_appearance() {
        let edits = in_call("GET", "/", &[("cookie", "a=1; b=2")], "", || {
            let cookies = cookies();
            cookies.set(("z", "1"));
            cookies.set(
                Cookie::new("b", "3")
                    .path("/x")
                    .max_age(Duration::from_secs(60))
                    .secure(true),
            );
            cookies.set(("z", "2"));
            ambient::current("test").jar().borrow_mut().seal().unwrap()
        });
        let lines: Vec<_> = edits
            .iter()
            .map(|edit| {
                format!(
                    "{}={} {} {:?}",
                    edit.name, edit.value, edit.path, edit.max_age
                )
            })
            .collect();
        assert_eq!(lines, ["b=3 /x Some(60)", "z=2 / None"]);
    }

    #[test]
    fn another_path_is_another_cookie_and_a_deletion_has_no_age() {
        let edits = in_call("GET", "/", &[], "", || {
            let cookies = cookies();
            let old = Cookie::named("session").path("/admin");
            cookies.delete(old.max_age(Duration::from_secs(3600)));
            cookies.set(("session", "new"));
            assert_eq!(cookies.get("session").as_deref(), Some("new"));
            ambient::current("test").jar().borrow_mut().seal().unwrap()
        });
        let shown: Vec<_> = edits
            .iter()
            .map(|edit| (&*edit.path, &*edit.value, edit.expires, edit.max_age))
            .collect();
        assert_eq!(
            shown,
            [("/admin", "", Some(0), None), ("/", "new", None, None)]
        );
    }

    #[test]
    fn a_name_must_be_a_token() {
        let fault = in_call("GET", "/", &[], "", || {
            cookies().set(("a b", "1"));
            ambient::current("test")
                .jar()
                .borrow_mut()
                .seal()
                .unwrap_err()
        });
        assert!(fault.to_string().starts_with("`a b` cannot name a cookie"));
    }

    #[test]
    #[should_panic(expected = "after the answer's head was sent")]
    fn a_streamed_body_comes_too_late() {
        in_call("GET", "/", &[], "", || {
            ambient::current("test").jar().borrow_mut().seal().unwrap();
            cookies().set(("a", "1"));
        });
    }

    #[test]
    fn the_request_keeps_its_own() {
        let pairs = [("a".to_owned(), "1".to_owned())];
        let cookies = RequestCookies::new(&pairs);
        assert_eq!(cookies.get("a"), Some("1"));
        assert_eq!(cookies.get_all("a").collect::<Vec<_>>(), ["1"]);
        assert!(!cookies.has("b"));
    }

    #[test]
    #[should_panic(expected = "after the answer's head")]
    fn a_jar_first_used_after_the_head_takes_no_edits() {
        let call = crate::testing::call("GET", "/", &[], "");
        assert!(call.take_edits().is_ok_and(|edits| edits.is_empty()));
        call.jar().borrow_mut().set(Cookie::new("late", "1"));
    }
}
