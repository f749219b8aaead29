//! Decides what happens to a method: the guest's handler, an answer of the host's own, or a refusal.
//!
//! In: the method's token and the methods that the route implements.
//! Out: a [`Dispatch`].

use serde::{Deserialize, Serialize};

/// A method that a route module can define.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Reads, and may be kept.
    Get,
    /// Reads the head only.
    Head,
    /// Submits.
    Post,
    /// Replaces.
    Put,
    /// Changes a part.
    Patch,
    /// Removes.
    Delete,
    /// Describes.
    Options,
    /// Reads with a body (RFC 10008).
    Query,
}

/// A set of methods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Method>", into = "Vec<Method>")]
pub struct Methods(u8);

/// What to do about the method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dispatch {
    /// Run the guest's own handler for this method.
    Run(Method),
    /// Run the handler for GET, with `HEAD` as the request's method, and send no body.
    HeadFromGet,
    /// Answer 204 with [`Methods::allow`].
    Allow,
    /// Answer 405 with [`Methods::allow`] and an empty body.
    NotAllowed,
    /// Answer 400: the token is no method that a route could define. Methods are case-sensitive, so `get` is one of these.
    Unknown,
    /// Answer 405: TRACE and CONNECT never reach a handler.
    Refused,
}

/// Decides what happens to the method `token` of a route that implements `implemented`.
#[must_use]
pub fn dispatch(token: &str, implemented: Methods) -> Dispatch {
    let Some(method) = Method::named(token) else {
        return if matches!(token, "TRACE" | "CONNECT") {
            Dispatch::Refused
        } else {
            Dispatch::Unknown
        };
    };
    match method {
        method if implemented.contains(method) => Dispatch::Run(method),
        Method::Head if implemented.contains(Method::Get) => Dispatch::HeadFromGet,
        Method::Options => Dispatch::Allow,
        _ => Dispatch::NotAllowed,
    }
}

impl Method {
    /// Every method, in the order of the manual.
    pub const ALL: [Self; 8] = [
        Self::Get,
        Self::Head,
        Self::Post,
        Self::Put,
        Self::Patch,
        Self::Delete,
        Self::Options,
        Self::Query,
    ];

    /// The method with this token, such as `GET`.
    #[must_use]
    pub fn named(token: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|method| method.as_str() == token)
    }

    /// The token in a request, such as `GET`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Query => "QUERY",
        }
    }

    /// The name of the WIT interface and of the handler, such as `get`.
    #[must_use]
    pub const fn interface(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Head => "head",
            Self::Post => "post",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::Options => "options",
            Self::Query => "query",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl Methods {
    /// Every method: what a plain `wasi:http` component implements.
    pub const ALL: Self = Self(u8::MAX);

    /// No method.
    pub const NONE: Self = Self(0);

    /// Adds a method.
    pub const fn insert(&mut self, method: Method) {
        self.0 |= method.bit();
    }

    /// Whether the set holds a method.
    #[must_use]
    pub const fn contains(self, method: Method) -> bool {
        self.0 & method.bit() != 0
    }

    /// Whether the set holds no method.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The methods in the order of the manual.
    pub fn iter(self) -> impl Iterator<Item = Method> {
        Method::ALL
            .into_iter()
            .filter(move |method| self.contains(*method))
    }

    /// The value of `Allow`: what is implemented and what the host answers on the route's behalf, sorted, such as `GET, HEAD, OPTIONS`.
    #[must_use]
    pub fn allow(self) -> String {
        let is_answered =
            |method: &Method| !matches!(dispatch(method.as_str(), self), Dispatch::NotAllowed);
        let mut names: Vec<_> = Method::ALL
            .into_iter()
            .filter(is_answered)
            .map(Method::as_str)
            .collect();
        names.sort_unstable();
        names.join(", ")
    }
}

impl FromIterator<Method> for Methods {
    fn from_iter<I: IntoIterator<Item = Method>>(methods: I) -> Self {
        let mut set = Self::NONE;
        methods.into_iter().for_each(|method| set.insert(method));
        set
    }
}

impl From<Vec<Method>> for Methods {
    fn from(methods: Vec<Method>) -> Self {
        methods.into_iter().collect()
    }
}

impl From<Methods> for Vec<Method> {
    fn from(methods: Methods) -> Self {
        methods.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_defined_method_runs() {
        check("GET POST", "GET", "run GET"); // M1
        check("GET HEAD", "HEAD", "run HEAD"); // M7
        check("OPTIONS", "OPTIONS", "run OPTIONS"); // M9
        check("QUERY", "QUERY", "run QUERY"); // M19
        for method in Method::ALL {
            assert_eq!(
                dispatch(method.as_str(), Methods::ALL),
                Dispatch::Run(method)
            );
        }
    }

    #[test]
    fn a_missing_method_is_not_allowed() {
        check("GET", "POST", "405 GET, HEAD, OPTIONS"); // M2, decision 19.6
        check("POST", "HEAD", "405 OPTIONS, POST"); // M6
        check("HEAD", "GET", "405 HEAD, OPTIONS");
        check("", "GET", "405 OPTIONS"); // M11
        check("GET", "QUERY", "405 GET, HEAD, OPTIONS"); // M19
    }

    #[test]
    fn head_is_made_from_get() {
        check("GET", "HEAD", "run GET without a body"); // M5
    }

    #[test]
    fn options_is_answered_by_the_host() {
        // M8, M8a
        check("GET", "OPTIONS", "204 GET, HEAD, OPTIONS");
        check("POST", "OPTIONS", "204 OPTIONS, POST");
        check("HEAD", "OPTIONS", "204 HEAD, OPTIONS");
        check("QUERY", "OPTIONS", "204 OPTIONS, QUERY"); // M19
        check("", "OPTIONS", "204 OPTIONS");
        check(
            "GET HEAD POST PUT PATCH DELETE",
            "OPTIONS",
            "204 DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT",
        );
    }

    #[test]
    fn an_unknown_token_is_a_bad_request() {
        // M3
        for token in ["PROPFIND", "LINK", "HEADER", "get", "Get", ""] {
            check("GET", token, "400");
        }
    }

    #[test]
    fn trace_and_connect_never_reach_a_handler() {
        // M4, decision 19.7
        assert_eq!(dispatch("TRACE", Methods::ALL), Dispatch::Refused);
        assert_eq!(dispatch("CONNECT", Methods::ALL), Dispatch::Refused);
    }

    #[test]
    fn a_set_travels_as_a_list() {
        let methods: Methods = serde_json::from_str(r#"["POST","GET"]"#).unwrap();
        assert_eq!(
            serde_json::to_string(&methods).unwrap(),
            r#"["GET","POST"]"#
        );
        assert!(Methods::default().is_empty());
        assert_eq!(Method::ALL.into_iter().collect::<Methods>(), Methods::ALL);
    }

    #[track_caller]
    fn check(implemented: &str, token: &str, expected: &str) {
        let implemented: Methods = implemented
            .split_whitespace()
            .map(|token| Method::named(token).unwrap())
            .collect();
        let found = match dispatch(token, implemented) {
            Dispatch::Run(method) => format!("run {}", method.as_str()),
            Dispatch::HeadFromGet => "run GET without a body".to_owned(),
            Dispatch::Allow => format!("204 {}", implemented.allow()),
            Dispatch::NotAllowed => format!("405 {}", implemented.allow()),
            Dispatch::Unknown => "400".to_owned(),
            Dispatch::Refused => "405".to_owned(),
        };
        assert_eq!(found, expected);
    }
}
