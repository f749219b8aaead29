//! A cookie to set.

use std::time::{Duration, SystemTime};

use crate::bindings::outcome;

/// A cookie to set, with its options: what [`Cookies::set`](crate::Cookies::set) takes.
///
/// ```
/// use std::time::Duration;
/// use waystation::{Cookie, SameSite};
///
/// let cookie = Cookie::new("session", "4711")
///     .max_age(Duration::from_secs(3600))
///     .secure(true)
///     .http_only(true)
///     .same_site(SameSite::Lax);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a cookie is set by `cookies().set(cookie)`"]
pub struct Cookie {
    pub(crate) name: String,
    pub(crate) value: String,
    path: Option<String>,
    expires: Option<SystemTime>,
    pub(crate) max_age: Option<Duration>,
    domain: Option<String>,
    secure: bool,
    http_only: bool,
    same_site: Option<SameSite>,
    partitioned: bool,
    priority: Option<Priority>,
}

/// When a cookie may be sent along with requests from other sites.
///
/// ```
/// use waystation::{Cookie, SameSite, cookies};
///
/// pub fn get() {
///     cookies().set(Cookie::new("session", "4711").same_site(SameSite::Strict));
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Never.
    Strict,
    /// On top-level navigation.
    Lax,
    /// Always; needs `secure`.
    None,
}

/// Which cookies a browser drops first when it has too many.
///
/// ```
/// use waystation::{Cookie, Priority, cookies};
///
/// pub fn get() {
///     cookies().set(Cookie::new("session", "4711").priority(Priority::High));
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// First.
    Low,
    /// Then.
    Medium,
    /// Last.
    High,
}

impl Cookie {
    /// A cookie of the path `/`, for this host only, until the browser closes. The value may be any text.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            path: None,
            expires: None,
            max_age: None,
            domain: None,
            secure: false,
            http_only: false,
            same_site: None,
            partitioned: false,
            priority: None,
        }
    }

    /// A cookie without a value: the one to delete.
    pub fn named(name: impl Into<String>) -> Self {
        Self::new(name, "")
    }

    /// Replaces the value.
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }

    /// Sent for this path and below; `/` otherwise.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Kept until then.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use waystation::Cookie;
    ///
    /// let at = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    /// let cookie = Cookie::new("a", "1").expires(at); // Expires=Sun, 06 Nov 1994 08:49:37 GMT
    /// ```
    pub fn expires(mut self, at: SystemTime) -> Self {
        self.expires = Some(at);
        self
    }

    /// Kept for so long, in whole seconds.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Sent to this domain and those below it; otherwise to this host only.
    ///
    /// ```
    /// # use waystation::Cookie;
    /// let cookie = Cookie::new("a", "1").domain("shop.example");
    /// ```
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Sent over TLS only.
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Out of reach for scripts.
    pub fn http_only(mut self, http_only: bool) -> Self {
        self.http_only = http_only;
        self
    }

    /// When it is sent along with requests from other sites.
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = Some(same_site);
        self
    }

    /// Kept apart for each top-level site.
    ///
    /// ```
    /// # use waystation::Cookie;
    /// let cookie = Cookie::new("a", "1").secure(true).partitioned(true);
    /// ```
    pub fn partitioned(mut self, partitioned: bool) -> Self {
        self.partitioned = partitioned;
        self
    }

    /// Which cookies a browser drops first.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Whether a browser would take one in place of the other.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let path = |cookie: &Self| cookie.path.clone().unwrap_or_else(root);
        self.name == other.name && self.domain == other.domain && path(self) == path(other)
    }

    pub(crate) fn into_edit(self) -> outcome::Cookie {
        outcome::Cookie {
            name: self.name,
            value: self.value,
            path: self.path.unwrap_or_else(root),
            expires: self.expires.map(since_epoch),
            max_age: self
                .max_age
                .map(|age| i64::try_from(age.as_secs()).unwrap_or(i64::MAX)),
            domain: self.domain,
            secure: self.secure,
            http_only: self.http_only,
            same_site: self.same_site.map(|same_site| match same_site {
                SameSite::Strict => outcome::SameSite::Strict,
                SameSite::Lax => outcome::SameSite::Lax,
                SameSite::None => outcome::SameSite::None,
            }),
            partitioned: self.partitioned,
            priority: self.priority.map(|priority| match priority {
                Priority::Low => outcome::Priority::Low,
                Priority::Medium => outcome::Priority::Medium,
                Priority::High => outcome::Priority::High,
            }),
        }
    }
}

impl<N: Into<String>, V: Into<String>> From<(N, V)> for Cookie {
    fn from((name, value): (N, V)) -> Self {
        Self::new(name, value)
    }
}

/// The path of a cookie that says none.
fn root() -> String {
    "/".to_owned()
}

fn since_epoch(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => {
            i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |seconds| -seconds)
        }
    }
}
