//! Cookies: read, set, deleted, and merged into an answer.

use waystation_tests::Answer;

use crate::support::{fixture, fixture_http2};

#[tokio::test]
async fn cookies_are_read() {
    let headers = [("cookie", "a=1; flag; b=%C3%A9; bad=%FF; c=x=y; a=2")];
    let shown = fixture()
        .ask("GET", "/cookies?kind=show", &headers, "")
        .await;
    assert_eq!(
        shown.line(),
        r#"200 [["a","2"],["flag","true"],["b","é"],["c","x=y"]]"#
    ); // Q6
    let own = fixture()
        .ask("GET", "/cookies?kind=request", &headers, "")
        .await;
    assert!(own.text().contains(r#"["b","é"]"#), "{}", own.line()); // Q5
}

#[tokio::test]
async fn http2_may_split_the_header() {
    let headers = [("cookie", "a=1"), ("cookie", "b=2")];
    let shown = fixture_http2()
        .ask("GET", "/cookies?kind=show", &headers, "")
        .await;
    assert_eq!(shown.line(), r#"200 [["a","1"],["b","2"]]"#);
}

#[tokio::test]
async fn cookies_are_set() {
    check("simple", &["a=1; Path=/"]).await; // C1
    check("encoded", &["d=%C3%A9%20v%3B; Path=/"]).await; // C4
    check(
        "expires",
        &["e=1; Path=/; Expires=Fri, 02 Jan 1970 00:00:00 GMT"],
    )
    .await;
    check("twice", &["z=2; Path=/", "y=1; Path=/"]).await; // C10
    check("nothing", &[]).await;
}

#[tokio::test]
async fn options_come_in_a_fixed_order() {
    let answer = kind("options").await; // C2
    let lines = answer.all("set-cookie");
    let (before, after) = lines[0].split_once(" Expires=").unwrap();
    let (expires, after) = after.split_once(';').unwrap();
    assert_eq!(before, "b=2; Path=/x;");
    assert!(expires.ends_with(" GMT"), "{expires}");
    assert_eq!(
        after,
        " Max-Age=60; Domain=example.com; Secure; HttpOnly; SameSite=lax; Partitioned; Priority=high"
    );
}

#[tokio::test]
async fn cookies_are_deleted() {
    check(
        "delete",
        &["c=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"],
    )
    .await; // C3
    check(
        "delete-path",
        &["c=; Path=/x; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Domain=example.com"],
    )
    .await; // C3
}

#[tokio::test]
async fn what_was_set_is_read_back() {
    let headers = [("cookie", "a=old; b=1")];
    let answer = fixture()
        .ask("GET", "/cookies?kind=read-back", &headers, "")
        .await;
    assert_eq!(answer.line(), r#"200 ["new",true,"",false]"#); // C9
}

#[tokio::test]
async fn the_response_s_own_cookies_win_and_come_first() {
    // C6; section 19, 4: foreign lines keep their bytes.
    check(
        "merge",
        &[
            "a=fromres; Path=/r; Foo=bar",
            "raw=hello world",
            "z=9; Path=/",
        ],
    )
    .await;
    check("raw", &["a=1; Foo=bar", "b=hello world"]).await; // C7
}

#[tokio::test]
async fn a_stream_carries_cookies_too() {
    let answer = kind("stream").await;
    assert_eq!(answer.line(), "200 one two");
    assert_eq!(answer.all("set-cookie"), ["s=1; Path=/"]);
}

#[tokio::test]
async fn a_name_that_no_browser_takes_is_an_error() {
    let answer = kind("bad-name").await;
    assert_eq!(answer.status, 500);
    assert!(
        answer.text().contains("`a b` cannot name a cookie"),
        "{}",
        answer.text()
    );
}

async fn kind(kind: &str) -> Answer {
    fixture().get(&format!("/cookies?kind={kind}")).await
}

async fn check(name: &str, lines: &[&str]) {
    assert_eq!(kind(name).await.all("set-cookie"), lines, "{name}");
}
