//! The route as a plain `wasi:http/handler`, so that any WASI host can run the same component.
//!
//! Waystation's host never calls this. What it does for a route is done here in small: the path is matched, the method chosen, cookies are
//! read and written. There are no limits and nothing is kept.

use std::rc::Rc;

use http::header::{ALLOW, HeaderValue};
use http::{Method, StatusCode};
use wasip3::http::types as wasi;

use crate::bindings::context::Context as Facts;
use crate::bindings::segment as wit;
use crate::body::Body;
use crate::call::Call;
use crate::handler::{Handler, answer};
use crate::outgoing;
use crate::pattern::{Match, find};
use crate::response::Response;
use crate::set_cookie::{self, cookie_pairs};

/// A route: its pattern and its handlers by method.
#[derive(Debug)]
pub struct Route {
    /// Such as `/items/[slug]`.
    pub pattern: &'static str,
    /// Such as `GET`.
    pub handlers: &'static [(&'static str, Handler)],
}

/// Exports the handler, if the SDK's feature `portable` is on.
#[doc(hidden)]
#[cfg(feature = "portable")]
#[macro_export]
macro_rules! __portable {
    ($exported:ident, $pattern:expr, $handlers:expr) => {
        // A development build is for `waystation dev` alone, and each save would wait for this.
        #[cfg(not(debug_assertions))]
        const _: () = {
            impl $crate::__private::wasip3::exports::http::handler::Guest for $exported {
                async fn handle(
                    request: $crate::__private::wasi::Request,
                ) -> ::std::result::Result<$crate::__private::wasi::Response, $crate::__private::wasi::ErrorCode> {
                    const ROUTE: $crate::__private::Route = $crate::__private::Route { pattern: $pattern, handlers: $handlers };
                    ::std::result::Result::Ok($crate::__private::handle_anywhere(request, &ROUTE).await)
                }
            }

            #[cfg(target_family = "wasm")]
            $crate::__private::wasip3::http::service::export!($exported with_types_in $crate::__private::wasip3);
        };
    };
}

/// Answers one request of any WASI host.
pub async fn handle(request: wasi::Request, route: &Route) -> wasi::Response {
    let call = Call::new(request, facts(route));
    let response = match find(route.pattern, call.url().pathname()) {
        Match::No => Response::new(StatusCode::NOT_FOUND),
        Match::BadEscape => Response::new(StatusCode::BAD_REQUEST),
        Match::Params(params) => {
            let facts = Facts {
                params,
                cookies: cookie_pairs(&call.header("cookie")),
                ..facts(route)
            };
            return respond(call.with_facts(facts), route).await;
        }
    };
    finish(call, response)
}

async fn respond(call: Rc<Call>, route: &Route) -> wasi::Response {
    let response = match choose(call.method(), route.handlers) {
        Some(handler) => run(&call, handler).await,
        None => refuse(call.method(), route.handlers),
    };
    finish(call, response)
}

async fn run(call: &Rc<Call>, handler: Handler) -> Response {
    let mut response = match answer(call, handler).await {
        Ok((mut response, cookies)) => {
            set_cookie::merge(response.headers_mut(), &cookies, seconds_now());
            response
        }
        Err(error) => {
            eprintln!(
                "error: {} {}: {error:?}",
                call.method(),
                call.facts().pattern
            );
            Response::new(error.status())
        }
    };
    if call.method() == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    response
}

fn finish(call: Rc<Call>, response: Response) -> wasi::Response {
    let (status, headers, body) = response.into_parts();
    outgoing::send(call, status.as_u16(), &headers, body)
}

/// The handler for a method; HEAD falls back to GET.
fn choose(method: &Method, handlers: &[(&str, Handler)]) -> Option<Handler> {
    let named = |name: &str| handlers.iter().find(|(method, _)| *method == name);
    let found = match method.as_str() {
        "HEAD" => named("HEAD").or_else(|| named("GET")),
        name => named(name),
    };
    found.map(|(_, handler)| *handler)
}

/// The answer to a method without a handler: what there is instead, or 400 for what is no method.
fn refuse(method: &Method, handlers: &[(&str, Handler)]) -> Response {
    let status = match method.as_str() {
        "OPTIONS" => StatusCode::NO_CONTENT,
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "QUERY" | "TRACE" | "CONNECT" => {
            StatusCode::METHOD_NOT_ALLOWED
        }
        _ => return Response::new(StatusCode::BAD_REQUEST),
    };
    let mut response = Response::new(status);
    response.headers_mut().insert(ALLOW, allow(handlers));
    response
}

/// `DELETE, GET, HEAD, OPTIONS`: sorted, with what is answered without a handler.
fn allow(handlers: &[(&str, Handler)]) -> HeaderValue {
    let defined = |name: &str| handlers.iter().any(|(method, _)| *method == name);
    let answered =
        |name: &&str| defined(name) || *name == "OPTIONS" || (*name == "HEAD" && defined("GET"));
    let sorted = [
        "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY",
    ];
    let names: Vec<_> = sorted.into_iter().filter(answered).collect();
    HeaderValue::try_from(names.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"))
}

fn seconds_now() -> i64 {
    let now = crate::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX))
}

/// What a foreign host does not tell, in neutral words.
fn facts(route: &Route) -> Facts {
    Facts {
        request_id: String::new(),
        pattern: route.pattern.to_owned(),
        params: Vec::new(),
        cookies: Vec::new(),
        client_address: String::new(),
        draft_mode: false,
        segment: wit::SegmentConfig {
            dynamic: wit::Dynamic::Auto,
            dynamic_params: true,
            revalidate: wit::Revalidate::Unset,
            fetch_cache: wit::FetchCache::Auto,
            runtime: wit::Runtime::Nodejs,
            preferred_region: Vec::new(),
            max_duration: u32::MAX,
            isolation: wit::Isolation::Shared,
            cpu_ms: u32::MAX,
            body_limit: u64::MAX,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Handler = |_| Box::pin(async { Ok(Response::empty()) });

    #[test]
    fn methods_without_a_handler_are_answered() {
        check("GET", &["GET"], "runs");
        check("HEAD", &["GET"], "runs");
        check("HEAD", &["POST"], "405 OPTIONS, POST");
        check("POST", &["GET", "DELETE"], "405 DELETE, GET, HEAD, OPTIONS");
        check("OPTIONS", &["GET"], "204 GET, HEAD, OPTIONS");
        check("QUERY", &["GET"], "405 GET, HEAD, OPTIONS");
        check("PROPFIND", &["GET"], "400 ");
    }

    #[track_caller]
    fn check(method: &str, handlers: &[&'static str], expected: &str) {
        let handlers: Vec<_> = handlers.iter().map(|name| (*name, NONE)).collect();
        let method = method.parse().unwrap();
        let actual = match choose(&method, &handlers) {
            Some(_) => "runs".to_owned(),
            None => {
                let response = refuse(&method, &handlers);
                let allow = response.headers().get(ALLOW);
                let allow = allow.map_or("", |allow| allow.to_str().unwrap());
                format!("{} {allow}", response.status().as_u16())
            }
        };
        assert_eq!(actual, expected);
    }
}
