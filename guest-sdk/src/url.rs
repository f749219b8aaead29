//! A request's address.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

/// The address of a request.
///
/// | part | of `https://shop.test:8443/a%2Fb?q=1&q=2` |
/// |---|---|
/// | [`href`](Self::href) | all of it |
/// | [`origin`](Self::origin) | `https://shop.test:8443` |
/// | [`scheme`](Self::scheme) | `https` |
/// | [`host`](Self::host) | `shop.test:8443` |
/// | [`hostname`](Self::hostname) | `shop.test` |
/// | [`port`](Self::port) | `8443` |
/// | [`pathname`](Self::pathname) | `/a%2Fb`, still encoded |
/// | [`search`](Self::search) | `?q=1&q=2` |
/// | [`search_params`](Self::search_params) | `q` twice, decoded |
///
/// ```
/// use waystation::{Request, testing::TestRequest};
///
/// fn get(request: Request) -> String {
///     let url = request.url();
///     format!("{} {} {}", url.host(), url.pathname(), url.search())
/// }
///
/// let response = TestRequest::get("https://shop.test:8443/a%2Fb?q=1").call(get);
/// assert_eq!(response.text(), "shop.test:8443 /a%2Fb ?q=1");
/// ```
pub struct Url {
    scheme: String,
    authority: String,
    target: String,
    /// Whether more than the path was read.
    is_read: Cell<bool>,
}

impl Url {
    pub(crate) fn new(scheme: String, authority: String, target: String) -> Self {
        Self {
            scheme,
            authority,
            target,
            is_read: Cell::new(false),
        }
    }

    /// Whether more than the path was read since this was last asked (row Q16).
    pub(crate) fn take_read(&self) -> bool {
        self.is_read.take()
    }

    /// The host, for the SDK itself.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    fn read(&self) -> &Self {
        self.is_read.set(true);
        self
    }

    /// The whole address, such as `https://shop.test/items?q=1`.
    pub fn href(&self) -> String {
        self.to_string()
    }

    /// Scheme and host, such as `https://shop.test`.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme(), self.authority)
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &str {
        &self.read().scheme
    }

    /// Host and port, such as `shop.test:8443`; without the port if it is the scheme's own.
    pub fn host(&self) -> &str {
        &self.read().authority
    }

    /// The host without its port, such as `shop.test` or `[::1]`.
    ///
    /// ```
    /// use waystation::{Request, testing::TestRequest};
    ///
    /// fn get(request: Request) -> String {
    ///     request.url().hostname().to_owned()
    /// }
    ///
    /// assert_eq!(TestRequest::get("https://shop.test:8443/").call(get).text(), "shop.test");
    /// ```
    pub fn hostname(&self) -> &str {
        self.named().0
    }

    /// The port, such as 8443; none if it is the scheme's own.
    ///
    /// ```
    /// use waystation::{Request, testing::TestRequest};
    ///
    /// fn get(request: Request) -> String {
    ///     format!("{:?}", request.url().port())
    /// }
    ///
    /// assert_eq!(TestRequest::get("https://shop.test:8443/").call(get).text(), "Some(8443)");
    /// assert_eq!(TestRequest::get("https://shop.test/").call(get).text(), "None");
    /// ```
    pub fn port(&self) -> Option<u16> {
        self.named().1
    }

    fn named(&self) -> (&str, Option<u16>) {
        let host = self.host();
        let named = host
            .rsplit_once(':')
            .map(|(name, port)| (name, port.parse()));
        match named {
            Some((name, Ok(port))) => (name, Some(port)),
            _ => (host, None), // no port, or `[::1]`
        }
    }

    /// The path, still percent-encoded, such as `/a%2Fb`.
    pub fn pathname(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(&self.target, |(path, _)| path)
    }

    /// The query with its question mark, such as `?q=1`; empty for none.
    pub fn search(&self) -> &str {
        match self.read().target.find('?') {
            Some(start) if start + 1 < self.target.len() => &self.target[start..],
            _ => "",
        }
    }

    /// The query's values, decoded.
    pub fn search_params(&self) -> SearchParams<'_> {
        SearchParams {
            query: self.search().strip_prefix('?').unwrap_or_default(),
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.target)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A copy can be read as a whole, so it counts as read.
impl Clone for Url {
    fn clone(&self) -> Self {
        let Self {
            scheme,
            authority,
            target,
            ..
        } = self.read();
        Self::new(scheme.clone(), authority.clone(), target.clone())
    }
}

impl PartialEq for Url {
    fn eq(&self, other: &Self) -> bool {
        self.href() == other.href()
    }
}

impl Eq for Url {}

/// The values of a query, decoded as forms are: `+` is a space.
///
/// ```
/// use waystation::{Request, testing::TestRequest};
///
/// fn get(request: Request) -> String {
///     let params = request.url().search_params();
///     let tags: Vec<_> = params.get_all("tag").collect();
///     format!("{:?} {}", tags, params.has("page"))
/// }
///
/// assert_eq!(TestRequest::get("/?tag=tea&tag=a+b").call(get).text(), r#"["tea", "a b"] false"#);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SearchParams<'a> {
    query: &'a str,
}

impl<'a> SearchParams<'a> {
    /// The first value of this name.
    pub fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        self.iter()
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// All values of this name, in order.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = Cow<'a, str>> {
        self.iter()
            .filter_map(move |(key, value)| (key == name).then_some(value))
    }

    /// Whether there is a value of this name, be it empty.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// All names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> + use<'a> {
        form_urlencoded::parse(self.query.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_stays_encoded() {
        check("/live/a%2Fb?q=1", "/live/a%2Fb", "?q=1");
        check("/a", "/a", "");
        check("/a?", "/a", "");
        check("/?a?b", "/", "?a?b");
    }

    #[track_caller]
    fn check(target: &str, pathname: &str, search: &str) {
        let url = Url::new("http".into(), "localhost:3000".into(), target.into());
        assert_eq!((url.pathname(), url.search()), (pathname, search));
        assert_eq!(url.href(), format!("http://localhost:3000{target}"));
    }

    #[test]
    fn a_host_is_a_name_and_perhaps_a_port() {
        let check = |host: &str, expected: (&str, Option<u16>)| {
            let url = Url::new("http".into(), host.into(), "/".into());
            assert_eq!((url.hostname(), url.port()), expected);
        };
        check("localhost:3000", ("localhost", Some(3000))); // Q3
        check("shop.test", ("shop.test", None));
        check("[::1]", ("[::1]", None));
        check("[::1]:3000", ("[::1]", Some(3000)));
    }

    #[test]
    fn query_values_are_decoded_as_forms_are() {
        let url = Url::new(
            "http".into(),
            "x".into(),
            "/?q=a+b&q=%C3%A9&empty&bad=%E0%A4".into(),
        );
        let params = url.search_params();
        assert_eq!(params.get("q").as_deref(), Some("a b"));
        assert_eq!(params.get_all("q").collect::<Vec<_>>(), ["a b", "é"]);
        assert_eq!(params.get("empty").as_deref(), Some(""));
        assert!(params.has("bad") && !params.has("Q"));
        assert_eq!(params.iter().count(), 4);
    }
}
