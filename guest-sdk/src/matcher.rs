//! Which requests a proxy is asked about: the types of its constant `MATCHER`.

/// A path pattern, with what else a request must have or must not have.
///
/// A pattern is anchored at both ends: `/about` is that path, `/about/:path*` also what is below it. `:name` is one segment, `:name*` any
/// number of them, `:id(\\d+)` and `(.*)` are regular expressions. Patterns count from the root of the app, whatever the proxy's folder.
///
/// ```
/// waystation::proxy! { // not written by hand: the build wraps the file in this
///     pattern = "/",
///     mod proxy {
///         use waystation::{Condition, Matcher, Next};
///
///         pub const MATCHER: &[Matcher] = &[
///             Matcher::new("/api/:path*").has(&[Condition::header("authorization").value("Bearer .*")]),
///             Matcher::new("/dashboard/:path*").missing(&[Condition::cookie("session")]),
///         ];
///
///         pub fn proxy() -> Next {
///             Next::new()
///         }
///     }
/// }
/// # fn main() {}
/// ```
///
/// Patterns alone can be written as text: `pub const MATCHER: &[&str] = &["/about", "/dashboard/:path*"];`
#[derive(Clone, Copy, Debug)]
pub struct Matcher {
    pub(crate) source: &'static str,
    pub(crate) has: &'static [Condition],
    pub(crate) missing: &'static [Condition],
}

impl Matcher {
    /// Every request for paths of this pattern.
    pub const fn new(source: &'static str) -> Self {
        Self {
            source,
            has: &[],
            missing: &[],
        }
    }

    /// Only those for which all of these hold.
    #[must_use]
    pub const fn has(self, conditions: &'static [Condition]) -> Self {
        Self {
            has: conditions,
            ..self
        }
    }

    /// Only those for which none of these holds.
    #[must_use]
    pub const fn missing(self, conditions: &'static [Condition]) -> Self {
        Self {
            missing: conditions,
            ..self
        }
    }
}

/// Something that a request has.
///
/// ```
/// use waystation::{Condition, Matcher};
///
/// pub const MATCHER: &[Matcher] = &[
///     Matcher::new("/api/:path*").has(&[Condition::header("x-version").value("v[0-9]+")]),
///     Matcher::new("/cart").has(&[Condition::query("traced"), Condition::host("shop.example")]),
/// ];
/// # let _ = MATCHER;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Condition {
    pub(crate) kind: &'static str,
    pub(crate) key: Option<&'static str>,
    pub(crate) value: Option<&'static str>,
}

impl Condition {
    /// A header, whatever its value; its name is of any case.
    pub const fn header(name: &'static str) -> Self {
        Self::of("header", name)
    }

    /// A cookie.
    pub const fn cookie(name: &'static str) -> Self {
        Self::of("cookie", name)
    }

    /// A pair of the query.
    pub const fn query(name: &'static str) -> Self {
        Self::of("query", name)
    }

    /// This host, as a regular expression for the whole of it without its port.
    pub const fn host(host: &'static str) -> Self {
        Self {
            kind: "host",
            key: None,
            value: Some(host),
        }
    }

    /// Only with this value: a regular expression for the whole of it.
    #[must_use]
    pub const fn value(self, value: &'static str) -> Self {
        Self {
            value: Some(value),
            ..self
        }
    }

    const fn of(kind: &'static str, key: &'static str) -> Self {
        Self {
            kind,
            key: Some(key),
            value: None,
        }
    }
}

/// The constant in each of its forms.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "each is the type it holds")]
pub enum Matchers {
    Source(&'static str),
    Sources(&'static [&'static str]),
    One(Matcher),
    Several(&'static [Matcher]),
}
