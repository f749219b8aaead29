//! `redirect()` and the other ways to leave a handler.

use waystation_tests::Answer;

use crate::support::fixture;

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn a_redirect_keeps_the_location_as_written() {
    check(get("redirect").await, "307 /login;a?x=1"); // N1
    check(get("permanent").await, "308 https://example.com/%C3%A9"); // N3
    check(get("helper").await, "307 /from/a/helper"); // N6
    check(get("value").await, "303 /see-other"); // S2
}

#[tokio::test]
async fn after_a_form_post_the_browser_follows_with_get() {
    check(post("redirect", FORM).await, "303 /login;a?x=1"); // N2
    check(
        post("permanent", FORM).await,
        "303 https://example.com/%C3%A9",
    ); // N3
    check(
        post("redirect", "multipart/form-data; boundary=x").await,
        "303 /login;a?x=1",
    ); // N2
    check(
        post("redirect", "application/json").await,
        "307 /login;a?x=1",
    );
    check(
        post(
            "redirect",
            "application/x-www-form-urlencoded; charset=utf-8",
        )
        .await,
        "307 /login;a?x=1",
    ); // fact 5
}

#[tokio::test]
async fn a_location_cannot_add_a_header() {
    let answer = get("injected").await;
    assert_eq!(answer.header("location"), "/x%0D%0Aset-cookie: evil=1");
    assert_eq!(answer.all("set-cookie"), ["seen=1; Path=/"]);
}

#[tokio::test]
async fn the_others_have_no_body() {
    for (kind, status) in [
        ("not-found", 404),
        ("forbidden", 403),
        ("unauthorized", 401),
    ] {
        let answer = get(kind).await; // N4, N5
        assert_eq!(
            (answer.status.as_u16(), answer.body.len()),
            (status, 0),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_redirect_keeps_cookies_and_the_others_drop_them() {
    for kind in ["redirect", "permanent", "helper"] {
        assert_eq!(
            get(kind).await.all("set-cookie"),
            ["seen=1; Path=/"],
            "{kind}"
        ); // C13
    }
    for kind in ["not-found", "forbidden", "unauthorized"] {
        assert!(get(kind).await.all("set-cookie").is_empty(), "{kind}"); // C14
    }
}

async fn get(kind: &str) -> Answer {
    fixture().get(&format!("/navigate?kind={kind}")).await
}

async fn post(kind: &str, content_type: &str) -> Answer {
    let headers = [("content-type", content_type)];
    fixture()
        .post(&format!("/navigate?kind={kind}"), &headers, "")
        .await
}

#[track_caller]
fn check(answer: Answer, expected: &str) {
    let found = format!("{} {}", answer.status.as_u16(), answer.header("location"));
    assert_eq!(found, expected);
    assert_eq!(answer.body.len(), 0);
}
