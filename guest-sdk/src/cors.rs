//! Which pages of other origins may read a route's answers.

/// `pub const CORS: Cors`, which the host keeps to.
///
/// ```
/// use waystation::Cors;
///
/// pub const CORS: Cors = Cors::new()
///     .origins(&["https://shop.example"])
///     .headers(&["content-type"])
///     .expose_headers(&["etag"])
///     .credentials()
///     .max_age(600);
///
/// pub async fn get() -> &'static str {
///     "for the shop's pages, with their cookies"
/// }
/// # use waystation::testing::TestRequest;
/// # assert_eq!(TestRequest::get("/").call(get).status(), 200);
/// # let _: Cors = CORS;
/// ```
///
/// The host answers the browser's preflights, and adds the headers to every answer of the route. A route's own `options` answers instead,
/// and an answer that has `access-control-allow-origin` already is left alone. A `proxy.rs` above the route is asked before that, as in Next:
/// one that wants to know who asks has to let `OPTIONS` pass, for browsers send preflights without cookies.
///
/// What cannot be does not compile:
///
/// ```compile_fail
/// # use waystation::Cors;
/// pub const CORS: Cors = Cors::new().any_origin().credentials();
/// # fn main() { let _ = CORS; }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cors {
    pub(crate) origins: &'static [&'static str],
    pub(crate) methods: &'static [&'static str],
    pub(crate) headers: &'static [&'static str],
    pub(crate) expose_headers: &'static [&'static str],
    pub(crate) credentials: bool,
    pub(crate) max_age: Option<u32>,
}

const ANY: &[&str] = &["*"];
const DAY: u32 = 24 * 60 * 60;
const NO_COOKIES: &str = "`CORS`: with `credentials` nothing can be `*`, or any page could act as \
                          its visitor; name the origins, methods and headers";

impl Cors {
    /// Nobody yet, which as a constant does not compile; then the origins are named.
    #[allow(
        clippy::new_without_default,
        reason = "a constant that names nobody does not compile"
    )]
    pub const fn new() -> Self {
        Self {
            origins: &[],
            methods: &[],
            headers: &[],
            expose_headers: &[],
            credentials: false,
            max_age: None,
        }
    }

    /// Pages of these origins, each as browsers send it: `https://shop.example`, with a port if it has one of its own.
    #[track_caller]
    pub const fn origins(mut self, origins: &'static [&'static str]) -> Self {
        let mut at = 0;
        while at < origins.len() {
            assert!(
                is_origin(origins[at].as_bytes()),
                "`CORS`: an origin is a scheme and a host in lower case, without a path or a slash at the end, such as \
                 `https://shop.example`; write `any_origin()` for everybody"
            );
            at += 1;
        }
        self.origins = origins;
        self
    }

    /// Pages of every origin.
    #[track_caller]
    pub const fn any_origin(mut self) -> Self {
        self.origins = ANY;
        self.checked()
    }

    /// The methods that pages may use, such as `["GET", "PUT"]`; without this, those that the route has.
    #[track_caller]
    pub const fn methods(mut self, methods: &'static [&'static str]) -> Self {
        let mut at = 0;
        while at < methods.len() {
            assert!(
                is_method(methods[at].as_bytes()),
                "`CORS`: a method is written in capitals, such as `PUT`"
            );
            at += 1;
        }
        self.methods = methods;
        self.checked()
    }

    /// The request headers that pages may send beside the simple ones, such as `["content-type"]`; `*` for all but `authorization`.
    #[track_caller]
    pub const fn headers(mut self, headers: &'static [&'static str]) -> Self {
        check_names(headers);
        self.headers = headers;
        self.checked()
    }

    /// The answer's headers that pages may read beside the simple ones, such as `["etag"]`; `*` for all.
    #[track_caller]
    pub const fn expose_headers(mut self, headers: &'static [&'static str]) -> Self {
        check_names(headers);
        self.expose_headers = headers;
        self.checked()
    }

    /// Cookies come along. Never with `*`.
    #[track_caller]
    pub const fn credentials(mut self) -> Self {
        self.credentials = true;
        self.checked()
    }

    /// How long a browser may remember a preflight, in seconds: a day at most, and no browser keeps it longer.
    #[track_caller]
    pub const fn max_age(mut self, seconds: u32) -> Self {
        assert!(
            seconds <= DAY,
            "`CORS`: `max_age` counts seconds, and browsers remember a preflight for a day at most: 86_400"
        );
        self.max_age = Some(seconds);
        self
    }

    /// The same as a route's constant: one that lets nobody read has forgotten something.
    #[doc(hidden)]
    #[track_caller]
    pub const fn whole(self) -> Self {
        assert!(
            !self.origins.is_empty(),
            "`CORS` lets no page read: name origins, as in `Cors::new().origins(&[\"https://shop.example\"])`, or write `any_origin()`; \
             without `CORS` no page of another origin may read"
        );
        self
    }

    #[track_caller]
    const fn checked(self) -> Self {
        let any = holds_any(self.origins)
            || holds_any(self.methods)
            || holds_any(self.headers)
            || holds_any(self.expose_headers);
        assert!(!(self.credentials && any), "{}", NO_COOKIES);
        self
    }
}

const fn holds_any(names: &[&str]) -> bool {
    let mut at = 0;
    while at < names.len() {
        if matches!(names[at].as_bytes(), b"*") {
            return true;
        }
        at += 1;
    }
    false
}

#[track_caller]
const fn check_names(names: &[&str]) {
    let mut at = 0;
    while at < names.len() {
        assert!(
            is_token(names[at].as_bytes()),
            "`CORS`: a header's name is letters, digits and dashes, such as `content-type`"
        );
        at += 1;
    }
}

/// `scheme://host` or `scheme://host:port`, as browsers write it.
const fn is_origin(text: &[u8]) -> bool {
    let mut at = 0;
    while at < text.len() && text[at].is_ascii_lowercase() {
        at += 1;
    }
    if at == 0
        || text.len() < at + 4
        || text[at] != b':'
        || text[at + 1] != b'/'
        || text[at + 2] != b'/'
    {
        return false;
    }
    at += 3;
    while at < text.len() {
        let is_allowed =
            matches!(text[at], b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b':' | b'[' | b']');
        if !is_allowed {
            return false;
        }
        at += 1;
    }
    true
}

const fn is_method(text: &[u8]) -> bool {
    matches!(text, b"*") || is_all(text, true)
}

const fn is_token(text: &[u8]) -> bool {
    matches!(text, b"*") || is_all(text, false)
}

/// Whether a text is one or more capitals, or one or more letters, digits and dashes.
const fn is_all(text: &[u8], capitals: bool) -> bool {
    let mut at = 0;
    while at < text.len() {
        let fits = match text[at] {
            byte if capitals => byte.is_ascii_uppercase(),
            byte => byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_',
        };
        if !fits {
            return false;
        }
        at += 1;
    }
    !text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_do() {
        for origin in [
            "https://shop.example",
            "http://localhost:3000",
            "http://[::1]:80",
            "app://x",
        ] {
            assert!(is_origin(origin.as_bytes()), "{origin}");
        }
        for other in [
            "",
            "*",
            "null",
            "shop.example",
            "https://",
            "https://shop.example/",
            "https://Shop.example",
            "HTTPS://a",
            "https://*.example",
        ] {
            assert!(!is_origin(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn cookies_never_go_with_any() {
        let any = |cors: fn() -> Cors| std::panic::catch_unwind(cors).is_err();
        assert!(any(|| Cors::new().any_origin().credentials()));
        assert!(any(|| Cors::new().credentials().any_origin()));
        assert!(any(|| Cors::new().credentials().headers(&["*"])));
        assert!(any(|| Cors::new().expose_headers(&["*"]).credentials()));
        assert!(any(|| Cors::new().methods(&["*"]).credentials()));
        assert!(any(|| Cors::new().methods(&["put"])));
        assert!(any(|| Cors::new().headers(&["x a"])));
        assert!(any(|| Cors::new().max_age(86_401)));
        assert!(any(|| Cors::new().whole()));
        assert!(any(|| Cors::new().origins(&[]).whole()));
        assert!(!any(|| Cors::new()
            .origins(&["https://a.example"])
            .credentials()
            .max_age(86_400)));
    }
}
