//! Decides which pages of other origins may read a route's answers (Fetch standard, 3.3).
//!
//! In: the route's constant `CORS`, and what the browser asks. Out: the headers that let it, on answers and on preflights.
//!
//! Headers that the handler has set itself stand as they are. Whether a route has an `options` of its own is `method::dispatch`'s business.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::finish;
use crate::method::Methods;

/// `pub const CORS: Cors = Cors::new().origins(&["https://shop.example"]);`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Cors {
    /// Who may read: origins as browsers send them, such as `https://shop.example`, or `*` for everybody.
    pub origins: Vec<String>,
    /// The methods that a page may use; those that the route has if there are none.
    pub methods: Vec<String>,
    /// The request headers that a page may send beside the simple ones.
    pub headers: Vec<String>,
    /// The answer's headers that a page may read beside the simple ones.
    pub expose_headers: Vec<String>,
    /// Whether cookies come along. Never where everybody may read.
    pub credentials: bool,
    /// How long a browser may remember a preflight, in seconds.
    pub max_age: Option<u32>,
}

/// Whether a browser asks what it may do, rather than doing it; `asked` are the headers of an OPTIONS request.
#[must_use]
pub fn is_preflight(asked: &HeaderMap) -> bool {
    asked.contains_key(ORIGIN) && asked.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

impl Cors {
    /// Lets the page that asks read the answer, if it may.
    pub fn decorate(&self, asked: &HeaderMap, headers: &mut HeaderMap) {
        if self.allow_origin(asked, headers) {
            list(headers, ACCESS_CONTROL_EXPOSE_HEADERS, &self.expose_headers);
        }
    }

    /// Answers a preflight: what a page of that origin may do to a route with the methods `implemented`.
    ///
    /// A page of another origin learns nothing, which is how a browser knows that it may not.
    pub fn preflight(&self, asked: &HeaderMap, implemented: Methods, headers: &mut HeaderMap) {
        if !self.allow_origin(asked, headers) {
            return;
        }
        match &*self.methods {
            [] => list(
                headers,
                ACCESS_CONTROL_ALLOW_METHODS,
                &[implemented.allow()],
            ),
            methods => list(headers, ACCESS_CONTROL_ALLOW_METHODS, methods),
        }
        list(headers, ACCESS_CONTROL_ALLOW_HEADERS, &self.headers);
        if let Some(seconds) = self.max_age {
            headers.insert(ACCESS_CONTROL_MAX_AGE, seconds.into());
        }
    }

    /// Whether the page may read, and the headers that say so.
    fn allow_origin(&self, asked: &HeaderMap, headers: &mut HeaderMap) -> bool {
        if headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
            return false;
        }
        if self.origins.iter().any(|origin| origin == "*") {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            return true;
        }
        finish::vary(headers, "Origin"); // also for those who may not: a cache must not show them this answer's twin
        let Some(origin) = asked.get(ORIGIN) else {
            return false;
        };
        if !self.origins.iter().any(|allowed| allowed == origin) {
            return false;
        }
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        if self.credentials {
            let yes = HeaderValue::from_static("true");
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        }
        true
    }
}

/// Sets a header to a list, unless that is empty or the handler has set the header.
fn list(headers: &mut HeaderMap, name: HeaderName, values: &[String]) {
    if let (false, Ok(value)) = (values.is_empty(), values.join(", ").try_into()) {
        headers.entry(name).or_insert(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::Method;

    const SHOP: &str = r#"{"origins":["https://shop.example","http://localhost:3000"]}"#;
    const FULL: &str = r#"{"origins":["https://shop.example"],"methods":["GET","PUT"],"headers":["content-type","x-a"],"exposeHeaders":["x-b","x-c"],"credentials":true,"maxAge":600}"#;

    #[test]
    fn a_page_of_an_origin_that_is_named_may_read() {
        let may = "vary: Origin; access-control-allow-origin: https://shop.example";
        check(SHOP, "https://shop.example", may);
        check(
            SHOP,
            "http://localhost:3000",
            "vary: Origin; access-control-allow-origin: http://localhost:3000",
        );
        let all = "access-control-allow-credentials: true; access-control-expose-headers: x-b, x-c";
        check(FULL, "https://shop.example", &format!("{may}; {all}"));
    }

    #[test]
    fn no_other_page_may() {
        for origin in [
            "",
            "null",
            "https://shop.example.evil.test",
            "http://shop.example",
            "https://shop.example:444",
            "https://SHOP.example",
            "http://localhost",
            "*",
        ] {
            check(SHOP, origin, "vary: Origin");
            check(FULL, origin, "vary: Origin");
        }
        check("{}", "https://shop.example", "vary: Origin");
    }

    #[test]
    fn everybody_may_read_but_not_as_somebody() {
        let everybody = "access-control-allow-origin: *";
        check(r#"{"origins":["*"]}"#, "https://a.example", everybody);
        check(r#"{"origins":["*"]}"#, "", everybody);
        let with_cookies = r#"{"origins":["*"],"credentials":true}"#;
        check(with_cookies, "https://a.example", everybody);
    }

    #[test]
    fn a_handler_s_own_headers_stand() {
        let own = "access-control-allow-origin: https://own.example";
        check_over(FULL, "https://shop.example", own, own);
        check_over(
            FULL,
            "https://shop.example",
            "vary: cookie; access-control-expose-headers: x-own",
            "vary: cookie, Origin; access-control-expose-headers: x-own; access-control-allow-origin: https://shop.example; access-control-allow-credentials: true",
        );
    }

    #[test]
    fn a_preflight_learns_what_the_page_may_do() {
        let may = "vary: Origin; access-control-allow-origin: https://shop.example";
        check_preflight(
            SHOP,
            "https://shop.example",
            &format!("{may}; access-control-allow-methods: GET, HEAD, OPTIONS, PUT"),
        );
        check_preflight(
            FULL,
            "https://shop.example",
            &format!(
                "{may}; access-control-allow-credentials: true; access-control-allow-methods: GET, PUT; \
                 access-control-allow-headers: content-type, x-a; access-control-max-age: 600"
            ),
        );
        check_preflight(FULL, "https://other.example", "vary: Origin");
    }

    #[test]
    fn a_preflight_has_an_origin_and_a_method() {
        let is_one = |names: &[HeaderName]| {
            let value = HeaderValue::from_static("x");
            is_preflight(
                &names
                    .iter()
                    .map(|name| (name.clone(), value.clone()))
                    .collect(),
            )
        };
        assert!(is_one(&[ORIGIN, ACCESS_CONTROL_REQUEST_METHOD]));
        assert!(!is_one(&[ORIGIN]));
        assert!(!is_one(&[ACCESS_CONTROL_REQUEST_METHOD]));
    }

    #[track_caller]
    fn check(cors: &str, origin: &str, expected: &str) {
        check_over(cors, origin, "", expected);
    }

    /// `own` are the headers that the answer has already, apart by `;`.
    #[track_caller]
    fn check_over(cors: &str, origin: &str, own: &str, expected: &str) {
        let mut headers = HeaderMap::new();
        for (name, value) in own.split("; ").filter_map(|line| line.split_once(": ")) {
            let name: HeaderName = name.parse().unwrap();
            headers.insert(name, value.parse().unwrap());
        }
        read(cors).decorate(&asked(origin), &mut headers);
        assert_eq!(shown(&headers), expected, "{origin}");
    }

    #[track_caller]
    fn check_preflight(cors: &str, origin: &str, expected: &str) {
        let mut headers = HeaderMap::new();
        let implemented = [Method::Get, Method::Put].into_iter().collect();
        read(cors).preflight(&asked(origin), implemented, &mut headers);
        assert_eq!(shown(&headers), expected);
    }

    fn read(cors: &str) -> Cors {
        serde_json::from_str(cors).unwrap()
    }

    fn asked(origin: &str) -> HeaderMap {
        let mut asked = HeaderMap::new();
        if !origin.is_empty() {
            asked.insert(ORIGIN, origin.parse().unwrap());
        }
        asked
    }

    fn shown(headers: &HeaderMap) -> String {
        let lines = headers.iter();
        let lines: Vec<_> = lines
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.join("; ")
    }
}
