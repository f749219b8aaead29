//! What `cached` asks a store, and what it makes of the answers.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;

use super::*;
use crate::testing::{HAS_STORE, TestRequest, TestResponse};
use crate::{
    Expire, Life, PathKind, Response, StatusCode, cookies, draft_mode, fetch, headers,
    revalidate_path, revalidate_tag,
};

/// Answers to be made with `"made"`.
async fn post() -> Result<String> {
    let life = Life::seconds(60).expire(3600);
    let value = cached("a b", life, async || Ok("made".to_owned()));
    value.tags(["posts", "é"]).await
}

const LINE: &str = "revalidate=60; expire=3600; tag=posts; tag=%C3%A9";

#[test]
fn what_is_not_there_is_made_and_kept() {
    check("404", post, "made", &[&get(), &put()]);
}

#[test]
fn what_is_fresh_is_not_made() {
    check("HIT", post, "kept", &[&get()]);
}

#[test]
fn what_is_stale_is_given_once_more() {
    check("STALE", post, "kept", &[&get(), &put()]);
}

#[test]
fn what_the_handler_took_out_of_date_is_made_anew() {
    let lapsed = || async {
        revalidate_tag("posts", "max"); // V9
        post().await
    };
    check("HIT", lapsed, "made", &[&put()]);
    let part = || async {
        revalidate_tag("all", "max"); // of what went into it
        post().await
    };
    check("HIT", part, "made", &[&get(), &put()]);
}

#[test]
fn a_value_of_too_many_parts_is_given_and_not_kept() {
    let parts = || async {
        let outer = cached("outer", "max", async || {
            for number in 0..128 {
                cached(
                    format!("part {number}"),
                    Life::seconds(number),
                    async || Ok(1),
                )
                .await?;
            }
            Ok("made".to_owned())
        });
        outer.await
    };
    let (response, asked) = ask("404", parts);
    assert_eq!(response.text(), "made");
    assert_eq!(asked.last().unwrap(), "DELETE /value/outer?not-kept");
}

#[test]
fn what_goes_into_a_value_is_kept_with_it() {
    let nested = || async {
        let outer = cached("outer", "max", async || {
            let middle = cached("middle", "days", async || {
                cached("inner", "hours", async || Ok(1)).tags(["i"]).await
            });
            Ok(middle.tags(["m"]).await? + 1)
        });
        outer.await.map(|number| number.to_string())
    };
    let asked = [
        "GET /value/outer profile=max",
        "GET /value/middle?fresh profile=days; tag=m",
        "GET /value/inner?fresh profile=hours; tag=i",
        "PUT /value/inner profile=hours; tag=i 1",
        "PUT /value/middle profile=days; tag=m profile=hours; tag=i 1",
        "PUT /value/outer profile=max profile=days; tag=m profile=hours; tag=i 2",
    ];
    check("404", nested, "2", &asked);

    let of_what_is_kept = || async {
        let call = ambient::find().expect("it runs");
        let mut inside = Vec::new();
        let mut step = Box::pin(post());
        let polled = |cx: &mut Context<'_>| call.apart(&mut inside, || step.as_mut().poll(cx)).0;
        std::future::poll_fn(polled).await?;
        Ok(format!("{inside:?}"))
    };
    let asked = get().replace("a%20b ", "a%20b?fresh ");
    let inside = r#"["revalidate=9; tag=all"]"#;
    check("HIT", of_what_is_kept, inside, &[&asked]);
}

#[test]
fn a_lifetime_that_the_host_does_not_know_is_an_error() {
    let value = || async {
        cached("a", "nope", async || Ok(1))
            .await
            .map(|one| one.to_string())
    };
    let expected = "500 looking up `a`\nno lifetime is named `nope`";
    check("400", value, expected, &["GET /value/a profile=nope"]);
}

#[test]
fn a_store_that_fails_is_as_good_as_none() {
    let (response, _) = ask("500", post);
    assert_eq!(response.text(), "made");
}

#[test]
fn a_value_of_another_type_is_made_anew() {
    let number = || async {
        cached("a b", Life::seconds(60), async || Ok(7))
            .await
            .map(|n| n.to_string())
    };
    let (response, asked) = ask("HIT", number);
    assert_eq!((response.text().as_str(), asked.len()), ("7", 2));
}

#[test]
fn a_value_that_is_too_long_is_given_and_not_kept() {
    let long = || async { cached("long", "hours", async || Ok("x".repeat(2 << 20))).await };
    let (response, asked) = ask("404", long);
    assert_eq!(response.bytes().len(), 2 << 20);
    let given_up = "DELETE /value/long?not-kept";
    assert_eq!(asked, ["GET /value/long profile=hours", given_up]);
}

#[test]
fn those_who_wait_are_told_of_a_value_that_cannot_be_made() {
    let none = || async { cached("a", "hours", async || Err(Error::message("no tea"))).await };
    let asked = ["GET /value/a profile=hours", "DELETE /value/a"];
    check("404", none, "500 no tea", &asked);
}

#[test]
fn without_a_store_it_is_made_each_time() {
    let response = TestRequest::get("/").call(post);
    assert_eq!(response.text(), "made");
}

#[test]
fn a_value_for_all_requests_is_made_without_this_one() {
    // CC3
    misuse("cookies()", || drop(cookies().get("a")));
    misuse("headers()", || drop(headers().get("a").cloned()));
    // V11
    misuse("revalidate_tag()", || revalidate_tag("a", "max"));
    misuse("revalidate_path()", || revalidate_path("/"));
    misuse("draft_mode()", || draft_mode().enable());
    misuse("cookies().set()", || cookies().set(("a", "1")));
}

#[track_caller]
fn misuse(used: &str, by: impl FnOnce() + 'static) {
    let handler = || async {
        let before = cookies().get("a"); // the handler itself may
        let value = cached("a", "hours", async || {
            by();
            Ok(1)
        });
        value.await.map(|one: u32| format!("{before:?} {one}"))
    };
    let response = TestRequest::get("/").call(handler);
    let error = response.error().expect("it cannot be made").to_string();
    assert!(error.contains(&format!("`{used}`")), "{error}");
}

#[test]
fn a_fetch_that_makes_a_value_is_asked_anew() {
    let value = || async {
        let value = cached("a", "hours", async || {
            let answer = fetch("http://a.test/")
                .revalidate(60)
                .tags(["posts"])
                .await?;
            answer.text().await
        });
        value.await
    };
    let put = r#"PUT /value/a profile=hours "made""#;
    check(
        "404",
        value,
        "made",
        &["GET /value/a profile=hours", "GET / renew", put],
    );
}

#[test]
fn what_lapses_after_the_head_is_sent_to_the_host() {
    let handler = || async {
        crate::after(async {
            revalidate_tag("a b", "hours");
            revalidate_tag("a", Expire::seconds(9));
            revalidate_path(("/blog", PathKind::Layout));
            revalidate_path("/blog");
        });
        Ok(String::new())
    };
    let expected = [
        "POST /lapse tag=a%20b; profile=hours",
        "POST /lapse tag=a; expire=9",
        "POST /lapse path=%2Fblog; kind=layout",
        "POST /lapse path=%2Fblog",
    ];
    check("204", handler, "", &expected);
}

#[test]
fn what_a_handler_took_out_of_date_before_it_failed_is_sent_too() {
    HAS_STORE.set(true);
    let call = crate::testing::call("POST", "/", &[], "");
    let handler = |_| -> crate::handler::Pending {
        Box::pin(async {
            revalidate_tag("a", "max");
            Err(Error::message("no"))
        })
    };
    crate::testing::now(crate::handler::answer(&call, handler)).unwrap_err();
    assert!(call.later().is_empty());
    call.noted().send_lapses.get().expect("a sender")(&call);
    assert!(!call.later().is_empty());
}

fn get() -> String {
    format!("GET /value/a%20b {LINE}")
}

fn put() -> String {
    format!(r#"PUT /value/a%20b {LINE} "made""#)
}

/// Runs a handler before a store that answers so, and compares its answer and what the store was asked.
#[track_caller]
fn check<H, F>(store: &'static str, handler: H, expected: &str, asked: &[&str])
where
    H: FnOnce() -> F + 'static,
    F: Future<Output = Result<String>> + 'static,
{
    let (response, log) = ask(store, handler);
    let shown = match response.error() {
        None => response.text(),
        Some(error) => format!("{} {error:?}", response.status().as_u16()),
    };
    assert_eq!(shown, expected);
    assert_eq!(log, asked);
}

fn ask<H, F>(store: &'static str, handler: H) -> (TestResponse, Vec<String>)
where
    H: FnOnce() -> F + 'static,
    F: Future<Output = Result<String>> + 'static,
{
    HAS_STORE.set(true);
    let log = Rc::new(RefCell::new(Vec::new()));
    let kept = log.clone();
    let request = TestRequest::get("/").fetch(move |request| {
        kept.borrow_mut().push(line(&request));
        answer(store, &request)
    });
    let response = request.call(handler);
    let log = log.borrow().clone();
    (response, log)
}

fn line(request: &http::Request<Bytes>) -> String {
    let headers = request.headers().iter();
    let own = headers.filter(|(name, _)| name.as_str().starts_with("x-waystation-"));
    let lines: Vec<_> = own.map(|(_, value)| value.to_str().unwrap()).collect();
    let body = std::str::from_utf8(request.body()).unwrap();
    let path = request.uri().path_and_query().unwrap();
    let line = format!("{} {path} {} {body}", request.method(), lines.join(" "));
    line.trim_end().to_owned()
}

fn answer(store: &str, request: &http::Request<Bytes>) -> Result<Response> {
    if request.uri().host() == Some("a.test") {
        return Ok(Response::text("made"));
    }
    match (request.method().as_str(), store) {
        ("PUT" | "POST" | "DELETE", _) => Ok(Response::new(StatusCode::NO_CONTENT)),
        (_, "HIT" | "STALE") => Response::builder()
            .header("x-waystation-cache", store)
            .header("x-waystation-value", "revalidate=9; tag=all")
            .body(r#""kept""#),
        (_, "400") => {
            Ok(Response::text("no lifetime is named `nope`").with_status(StatusCode::BAD_REQUEST))
        }
        (_, status) => Ok(Response::new(status.parse().unwrap())),
    }
}
