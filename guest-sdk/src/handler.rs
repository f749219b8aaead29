//! From the host's call to the handler and back.
//!
//! In: the host's request and its facts. Out: an outcome, or a failure with the error's words.
//!
//! A whole body travels as a plain value; only a stream becomes a response of the host's.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use http::HeaderMap;
use wasip3::http::types as wasi;

use crate::after;
use crate::ambient::Scope;
use crate::bindings::context::Context as Facts;
use crate::bindings::outcome::{Answer, Cookie, Effect, Failure, Outcome, Reply};
use crate::bindings::verdict::Verdict;
use crate::body::Kind as BodyKind;
use crate::call::Call;
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::forbidden_header::ForbiddenHeader;
use crate::navigation::is_form_post;
use crate::params::FromParams;
use crate::request::Request;
use crate::response::Response;

/// What a handler may take as an argument.
///
/// ```
/// use waystation::{Context, FromCall, Request};
///
/// fn is_argument<T: FromCall>() {}
///
/// is_argument::<Request>();
/// is_argument::<Context>();
/// ```
#[diagnostic::on_unimplemented(
    message = "a handler cannot take `{Self}`",
    label = "not an argument of a handler",
    note = "a handler takes nothing, `Request`, `Context<Params>`, or both: `pub async fn get(request: Request, context: Context<Params>)`"
)]
pub trait FromCall: Sized {
    /// The pattern of the route that this argument belongs to, if it is its `Params`.
    #[doc(hidden)]
    const PATTERN: Option<&'static str> = None;

    /// Takes the argument.
    ///
    /// # Errors
    ///
    /// If the host gave no value for one of the params.
    fn from_call(call: &Rc<Call>) -> Result<Self>;
}

impl FromCall for Request {
    fn from_call(call: &Rc<Call>) -> Result<Self> {
        Ok(Self::new(call.clone()))
    }
}

impl<P: FromParams> FromCall for Context<P> {
    const PATTERN: Option<&'static str> = P::PATTERN;

    fn from_call(call: &Rc<Call>) -> Result<Self> {
        Self::new(call.clone())
    }
}

/// A handler at work.
pub type Pending = Pin<Box<dyn Future<Output = Result<Response>>>>;

/// A handler of a route module, with its arguments and answer made alike.
pub type Handler = fn(Rc<Call>) -> Pending;

/// Answers one request of the host.
///
/// # Errors
///
/// What the handler returned, if it is not a navigation.
pub async fn handle(
    request: wasi::Request,
    facts: Facts,
    handler: Handler,
) -> Result<Outcome, Failure> {
    routed(Call::new(request, facts), handler).await
}

/// Decides about one request of the host, as a proxy.
///
/// # Errors
///
/// What the handler returned, if it is not a navigation.
pub async fn decide(
    request: wasi::Request,
    facts: Facts,
    handler: Handler,
) -> Result<Verdict, Failure> {
    verdict(Call::new(request, facts), handler).await
}

pub(crate) async fn routed(call: Rc<Call>, handler: Handler) -> Result<Outcome, Failure> {
    match answer(&call, handler).await {
        Ok((response, cookies)) => Ok(outcome(call, response, cookies)),
        Err(error) => Err(failure(&call, &error)),
    }
}

pub(crate) async fn verdict(call: Rc<Call>, handler: Handler) -> Result<Verdict, Failure> {
    let (mut response, cookies) = match run(&call, handler).await {
        Ok(answered) => answered,
        Err(error) => return Err(failure(&call, &error)),
    };
    let Some(onward) = response.take_onward() else {
        return Ok(Verdict::Answer(outcome(call, response, cookies)));
    };
    let mut onward = onward.settle(|| call.headers(), list(response.headers()));
    onward.effects = effects(&call, cookies);
    after::begin(&call);
    Ok(Verdict::Onward(onward))
}

fn failure(call: &Rc<Call>, error: &Error) -> Failure {
    if let Some(send) = call.noted().send_lapses.get() {
        send(call);
    }
    after::begin(call);
    Failure {
        status: error.status().as_u16(),
        message: format!("{error:?}"),
        reads: call.reads(),
    }
}

/// Runs a route's handler.
pub(crate) async fn answer(
    call: &Rc<Call>,
    handler: impl FnOnce(Rc<Call>) -> Pending,
) -> Result<(Response, Vec<Cookie>)> {
    let (mut response, cookies) = run(call, handler).await?;
    match response.take_onward() {
        None => Ok((response, cookies)),
        Some(_) => Err(Error::message(
            "only a proxy lets a request go on with `Next`; a route answers it", // rows M16 and M17
        )),
    }
}

/// Runs a handler, and settles what its navigation and cookies mean.
async fn run(
    call: &Rc<Call>,
    handler: impl FnOnce(Rc<Call>) -> Pending,
) -> Result<(Response, Vec<Cookie>)> {
    let result = Scope {
        call: call.clone(),
        future: handler(call.clone()),
    }
    .await;
    let cookies = call.take_edits();
    let error = match result {
        Ok(response) => {
            ForbiddenHeader::check(response.headers(), response.body())?;
            return Ok((response, cookies?));
        }
        Err(error) => error,
    };
    let kind = error.into_kind();
    let is_kept = matches!(&kind, Kind::Navigation(navigation) if navigation.keeps_cookies());
    if !is_kept {
        call.noted().draft_mode.set(None);
    }
    match kind {
        Kind::Navigation(navigation) => {
            let cookies = if is_kept { cookies? } else { Vec::new() };
            let content_type = || call.header("content-type").into_iter().next();
            let after_form = || is_form_post(call.method(), content_type().as_deref());
            Ok((navigation.into_response(after_form), cookies))
        }
        failure => Err(Error::from_kind(failure)),
    }
}

fn outcome(call: Rc<Call>, response: Response, cookies: Vec<Cookie>) -> Outcome {
    let (status, headers, body) = response.into_parts();
    let status = status.as_u16();
    let (effects, reads) = (effects(&call, cookies), call.reads());
    let answer = match body.0 {
        BodyKind::Whole(body) | BodyKind::Text(body) => {
            after::begin(&call);
            Answer::Reply(Reply {
                status,
                headers: list(&headers),
                body: body.into(),
            })
        }
        BodyKind::Stream(stream) => Answer::Stream(stream.send(call, status, &headers)),
    };
    Outcome {
        answer,
        effects,
        reads,
    }
}

fn effects(call: &Call, cookies: Vec<Cookie>) -> Vec<Effect> {
    let noted = call.noted();
    let mut effects: Vec<_> = cookies.into_iter().map(Effect::SetCookie).collect();
    effects.extend(noted.lapses.borrow().iter().cloned());
    effects.extend(noted.draft_mode.get().map(Effect::DraftMode));
    if call.outlives_client() {
        effects.push(Effect::After);
    }
    effects
}

fn list(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::outcome::Reads;
    use crate::into_response::IntoResponse;
    use crate::testing::{call, now};
    use crate::{cookies, not_found, redirect};

    #[test]
    fn cookies_go_with_answers_and_redirects_only() {
        check(|_| Box::pin(async { set("a")?.into_response() }), "200 a");
        check(
            |_| Box::pin(async { set("a").and_then(|()| redirect("/x")) }),
            "307 a",
        );
        check(
            |_| Box::pin(async { set("a").and_then(|()| not_found()) }),
            "404",
        );
        check(
            |_| Box::pin(async { set("a").and_then(|()| Err(Error::message("no"))) }),
            "no",
        );
        check(|_| Box::pin(async { "hi".into_response() }), "200");
    }

    #[test]
    fn a_cookie_set_after_the_answer_was_made_still_goes_with_it() {
        let late: Handler = |_| {
            Box::pin(async {
                let response = Response::text("made"); // C15
                set("late")?;
                Ok(response)
            })
        };
        check(late, "200 late");
    }

    #[test]
    fn arguments_come_in_any_order_and_number() {
        let handler: Handler = |call| {
            Box::pin(async move {
                let (context, request) =
                    (Context::<()>::from_call(&call)?, Request::from_call(&call)?);
                format!("{} {}", context.pattern(), request.text().await?).into_response()
            })
        };
        let (response, _) = now(answer(&call("POST", "/", &[], "hi"), handler)).unwrap();
        assert_eq!(now(response.into_body().bytes()).unwrap(), "/ hi");
    }

    #[test]
    fn a_form_post_redirects_with_303() {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let call = call("POST", "/", &form, "a=1");
        let (response, _) = now(answer(&call, |_| Box::pin(async { redirect("/x") }))).unwrap();
        assert_eq!(response.status(), 303);
        assert_eq!(call.reads(), Reads::empty(), "only the SDK read it");
    }

    #[test]
    fn what_is_read_of_the_request_is_noted() {
        let nothing = Reads::empty();
        check_reads(nothing, |request, context| {
            let _ = (request.method(), request.url().pathname()); // Q16
            let _ = (context.pattern(), context.request_id(), context.segment());
            let _ = (context.param("a"), request.url());
            cookies().set(("a", "1"));
        });
        check_reads(Reads::HEADERS, |request, _| drop(request.headers().clone()));
        check_reads(Reads::HEADERS, |_, _| {
            drop(crate::headers().get("a").cloned())
        });
        check_reads(Reads::HEADERS, |request, _| drop(request.user_agent()));
        check_reads(Reads::COOKIES, |_, _| drop(cookies().get("d")));
        check_reads(Reads::COOKIES, |request, _| {
            let _ = request.cookies().has("d");
        });
        check_reads(Reads::QUERY, |request, _| drop(request.url().href()));
        check_reads(Reads::QUERY, |request, _| drop(request.url().clone()));
        check_reads(Reads::QUERY, |request, _| {
            let _ = request.url().search_params().has("b");
        });
        check_reads(Reads::QUERY, |request, _| {
            let _ = request.url().host();
        });
        check_reads(Reads::BODY, |request, _| drop(request.body()));
        check_reads(Reads::BODY, |request, _| drop(request.multipart()));
        check_reads(Reads::CLIENT, |_, context| {
            let _ = context.client_address();
        });
        check_reads(Reads::CONNECTION, |_, _| now(crate::connection())); // K1
    }

    #[track_caller]
    fn check_reads(expected: Reads, read: impl FnOnce(&Request, &Context) + 'static) {
        let call = call("POST", "/a?b=c", &[("cookie", "d=e")], "hi");
        let handler = |call: Rc<Call>| -> Pending {
            Box::pin(async move {
                read(&Request::from_call(&call)?, &Context::from_call(&call)?);
                Ok(Response::empty())
            })
        };
        now(answer(&call, handler)).unwrap();
        assert_eq!(call.reads(), expected);
    }

    fn set(name: &str) -> Result<()> {
        cookies().set((name, "1"));
        Ok(())
    }

    #[track_caller]
    fn check(handler: Handler, expected: &str) {
        let actual = match now(answer(&call("GET", "/", &[], ""), handler)) {
            Ok((response, cookies)) => {
                let names = cookies.iter().map(|cookie| cookie.name.as_str());
                [response.status().as_str()]
                    .into_iter()
                    .chain(names)
                    .collect::<Vec<_>>()
                    .join(" ")
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(actual, expected);
    }
}
