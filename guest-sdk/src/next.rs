//! What a proxy returns for a request that goes on.
//!
//! In: where to, and what to change of the request's headers and the answer's. Out: a [`Response`] that says so, which only a proxy may
//! give: so a proxy can return either from its branches.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::bindings::verdict::{self, HeaderChange};
use crate::error::{Error, Result};
use crate::into_response::IntoResponse;
use crate::response::Response;

/// The request goes on to its route, or to another one.
///
/// Cookies that a proxy sets through [`cookies()`](crate::cookies()) are seen by what comes after, and go out with the answer. What a
/// proxy has read of the body, the route reads again.
///
/// ```
/// use waystation::{Next, Request, Result, redirect};
///
/// pub async fn proxy(request: Request) -> Result<Next> {
///     let Some(session) = request.cookies().get("session") else {
///         redirect("/login")?;
///         unreachable!("a redirect ends the proxy");
///     };
///     Ok(Next::new().request_header("x-session", session).header("x-frame-options", "DENY"))
/// }
/// ```
///
/// Where one branch goes on and another answers, both become a [`Response`]:
///
/// ```
/// use waystation::{IntoResponse, Next, Request, Response, Result};
///
/// pub async fn proxy(request: Request) -> Result<Response> {
///     match request.url().pathname() {
///         "/closed" => Response::builder().status(503).body("back soon"),
///         path => Next::rewrite(format!("/v2{path}")).into_response(),
///     }
/// }
/// ```
#[derive(Debug)]
#[must_use = "a proxy returns it"]
pub struct Next {
    onward: Onward,
    headers: HeaderMap,
    fault: Option<Error>,
}

/// What becomes of the request.
#[derive(Debug, Default)]
pub(crate) struct Onward {
    rewrite: Option<String>,
    changes: Vec<HeaderChange>,
    /// In place of all of the request's headers.
    whole: Option<HeaderMap>,
}

impl Next {
    /// The request goes on as it was asked.
    #[expect(
        clippy::new_without_default,
        reason = "`Next::default()` would not read as what it does"
    )]
    pub fn new() -> Self {
        Self {
            onward: Onward::default(),
            headers: HeaderMap::new(),
            fault: None,
        }
    }

    /// The request goes on as one for another path, such as `/v2/items?a=1`; the client does not see it. The query is the target's own.
    pub fn rewrite(target: impl Into<String>) -> Self {
        let mut next = Self::new();
        next.onward.rewrite = Some(target.into());
        next
    }

    /// Sets a header of the request for what comes after, in place of all values that the client sent.
    ///
    /// The host keeps what it settles itself: `host`, `forwarded`, `x-forwarded-*`, `x-real-ip` and the headers that frame a message.
    pub fn request_header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        N::Error: Into<http::Error>,
        V: TryInto<HeaderValue>,
        V::Error: Into<http::Error>,
    {
        if let Some((name, value)) = self.checked(name, value) {
            let (name, value) = (name.as_str().to_owned(), value.as_bytes().to_vec());
            self.onward.changes.push(HeaderChange::Set((name, value)));
        }
        self
    }

    /// Takes a header off the request.
    ///
    /// ```
    /// use waystation::Next;
    ///
    /// pub fn proxy() -> Next {
    ///     Next::new().remove_request_header("x-debug")
    /// }
    /// ```
    pub fn remove_request_header(mut self, name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        self.onward.changes.push(HeaderChange::Remove(name));
        self
    }

    /// Puts these headers in place of all of the request's, as `NextResponse.next({ request: { headers } })` does: what is not among them
    /// is taken off, but for what the host settles itself. Start from a copy of [`Request::headers`](crate::Request::headers).
    ///
    /// ```
    /// use waystation::{Next, Request};
    ///
    /// pub fn proxy(request: Request) -> Next {
    ///     let mut headers = request.headers().clone();
    ///     headers.remove("x-debug");
    ///     Next::new().request_headers(headers)
    /// }
    /// ```
    pub fn request_headers(mut self, headers: HeaderMap) -> Self {
        self.onward.whole = Some(headers);
        self
    }

    /// Adds a header to the answer, whoever gives it. It wins over one of the same name of the route's, but `Set-Cookie`, `Vary` and the
    /// like stand side by side.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        N::Error: Into<http::Error>,
        V: TryInto<HeaderValue>,
        V::Error: Into<http::Error>,
    {
        if let Some((name, value)) = self.checked(name, value) {
            self.headers.append(name, value);
        }
        self
    }

    fn checked<N, V>(&mut self, name: N, value: V) -> Option<(HeaderName, HeaderValue)>
    where
        N: TryInto<HeaderName>,
        N::Error: Into<http::Error>,
        V: TryInto<HeaderValue>,
        V::Error: Into<http::Error>,
    {
        let name = name.try_into().map_err(Into::into);
        let value = value.try_into().map_err(Into::into);
        match name.and_then(|name| Ok((name, value?))) {
            Ok(header) => Some(header),
            Err(fault) => {
                let fault: http::Error = fault;
                self.fault
                    .get_or_insert_with(|| Error::from(fault).context("going on with the request"));
                None
            }
        }
    }
}

impl IntoResponse for Next {
    fn into_response(self) -> Result<Response> {
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok(Response::onward(self.onward, self.headers)),
        }
    }
}

impl Onward {
    /// The host's word for it. `asked` are the request's headers, read only where all of them are replaced.
    pub(crate) fn settle<'a>(
        self,
        asked: impl FnOnce() -> &'a HeaderMap,
        headers: Vec<(String, Vec<u8>)>,
    ) -> verdict::Onward {
        let mut changes = self
            .whole
            .map_or_else(Vec::new, |whole| differences(asked(), &whole));
        changes.extend(self.changes);
        verdict::Onward {
            rewrite: self.rewrite,
            request_headers: changes,
            response_headers: headers,
            effects: Vec::new(),
        }
    }
}

/// The changes that make `whole` of `asked`. A name with several values gets them in one line, as proxies may join them (RFC 9110, 5.2).
fn differences(asked: &HeaderMap, whole: &HeaderMap) -> Vec<HeaderChange> {
    let gone = asked.keys().filter(|name| !whole.contains_key(*name));
    let gone = gone.map(|name| HeaderChange::Remove(name.as_str().to_owned()));
    let is_other = |name: &&HeaderName| !asked.get_all(*name).iter().eq(whole.get_all(*name));
    let set = whole.keys().filter(is_other).map(|name| {
        let values: Vec<_> = whole
            .get_all(name)
            .iter()
            .map(HeaderValue::as_bytes)
            .collect();
        let between: &[u8] = if name == http::header::COOKIE {
            b"; "
        } else {
            b", "
        };
        HeaderChange::Set((name.as_str().to_owned(), values.join(between)))
    });
    gone.chain(set).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handler::{Handler, verdict};
    use crate::testing::{call, now};
    use crate::{cookies, redirect};

    #[test]
    fn a_request_goes_on_with_its_changes() {
        check(|_| Box::pin(async { Next::new().into_response() }), "on");
        check(
            |_| {
                Box::pin(async {
                    let next = Next::rewrite("/b").request_header("X-A", "1");
                    let next = next.remove_request_header("X-B").header("x-c", "2");
                    cookies().set(("d", "3"));
                    next.into_response()
                })
            },
            "on to /b, x-a = 1, no x-b; x-c: 2; d=3",
        );
    }

    #[test]
    fn headers_as_a_whole_are_what_they_differ_in() {
        check(
            |call| {
                Box::pin(async move {
                    let mut headers = call.headers().clone();
                    headers.remove("x-old");
                    headers.insert("x-new", HeaderValue::from_static("1"));
                    headers.append("x-new", HeaderValue::from_static("2"));
                    Next::new().request_headers(headers).into_response()
                })
            },
            "on, no x-old, x-new = 1, 2",
        );
    }

    #[test]
    fn a_proxy_may_answer_instead() {
        check(|_| Box::pin(async { "no".into_response() }), "200");
        check(|_| Box::pin(async { redirect("/login") }), "307");
        check(
            |_| Box::pin(async { Err(Error::message("no")) }),
            "failed: no",
        );
        check(
            |_| Box::pin(async { Next::new().header("a b", "").into_response() }),
            "failed: going on with the request\ninvalid HTTP header name",
        );
    }

    #[test]
    fn a_route_cannot_go_on() {
        let handler: Handler = |_| Box::pin(async { Next::new().into_response() });
        let call = call("GET", "/", &[], "");
        let error = now(crate::handler::routed(call, handler)).unwrap_err(); // M16, M17
        assert_eq!(error.status, 500);
        assert!(
            error.message.starts_with("only a proxy"),
            "{}",
            error.message
        );
    }

    #[track_caller]
    fn check(handler: Handler, expected: &str) {
        let call = call("GET", "/a", &[("x-old", "1")], "");
        let found = match now(verdict(call, handler)) {
            Err(error) => format!("failed: {}", error.message),
            Ok(verdict::Verdict::Answer(outcome)) => match outcome.answer {
                crate::bindings::outcome::Answer::Reply(reply) => reply.status.to_string(),
                crate::bindings::outcome::Answer::Stream(_) => "a stream".to_owned(),
            },
            Ok(verdict::Verdict::Onward(onward)) => {
                let mut text = "on".to_owned();
                if let Some(rewrite) = onward.rewrite {
                    text += &format!(" to {rewrite}");
                }
                for change in onward.request_headers {
                    text += &match change {
                        HeaderChange::Set((name, value)) => {
                            format!(", {name} = {}", String::from_utf8(value).unwrap())
                        }
                        HeaderChange::Remove(name) => format!(", no {name}"),
                    };
                }
                for (name, value) in onward.response_headers {
                    text += &format!("; {name}: {}", String::from_utf8(value).unwrap());
                }
                for effect in onward.effects {
                    let crate::bindings::outcome::Effect::SetCookie(cookie) = effect else {
                        panic!("nothing was left for later");
                    };
                    text += &format!("; {}={}", cookie.name, cookie.value);
                }
                text
            }
        };
        assert_eq!(found, expected);
    }
}
