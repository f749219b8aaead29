//! Which file answers which path: folders, dynamic segments, groups, and the spelling of URLs.

use waystation_tests::raw;

use crate::support::{fixture, fixture_http2};

#[tokio::test]
async fn a_folder_answers_its_path() {
    check("/", "200 root").await; // F7
    check("/hello", "200 hello").await;
    check("/leaf/route", "200 a folder named route").await; // F7
    check("/rss.xml", "200 <rss/>").await; // F8
    check("/nowhere", "404 no route answers this path").await; // U11
    check("/hello/more", "404 no route answers this path").await;
}

#[tokio::test]
async fn groups_private_folders_and_escapes_are_told_apart() {
    check("/grouped", "200 grouped").await; // F5
    check("/(group)/grouped", "404 no route answers this path").await;
    check("/_private", "404 no route answers this path").await; // F3
    check("/_under", "200 under").await; // F4
}

#[tokio::test]
async fn one_dynamic_segment_takes_one_part() {
    check("/items/1", "200 id=1 path=/items/1").await; // P1
    check("/items", "404 no route answers this path").await; // P1
    check("/items/1/edit", "200 edit 1").await;
}

#[tokio::test]
async fn a_value_is_decoded_once() {
    check("/items/a%20b", "200 id=a b path=/items/a%20b").await; // P4
    check("/items/a%2Fb", "200 id=a/b path=/items/a%2Fb").await; // P4, P6
    check("/items/a%2Fedit", "200 id=a/edit path=/items/a%2Fedit").await;
    check("/items/a+b;c.d", "200 id=a+b;c.d path=/items/a+b;c.d").await; // P4
    check(
        "/items/%C3%A9%E2%82%AC",
        "200 id=é€ path=/items/%C3%A9%E2%82%AC",
    )
    .await;
    check("/items/%252F", "200 id=%2F path=/items/%252F").await;
    check("/blog/a%2Fb/c%20d", r#"200 ["a/b","c d"]"#).await;
}

#[tokio::test]
async fn a_bad_escape_is_a_bad_request() {
    for path in [
        "/items/%E0%A4%A",
        "/items/%",
        "/items/%zz",
        "/items/%FF",
        "/items/%00",
        "/%zz",
    ] {
        let answer = fixture().get(path).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.line()); // P5
    }
}

#[tokio::test]
async fn a_raw_letter_is_escaped_before_it_is_matched() {
    let request = "GET /items/é HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let answer = raw::exchange(fixture().address(), request).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("id=é "), "{answer}");
}

#[tokio::test]
async fn a_catch_all_takes_one_part_or_more() {
    check("/blog/1/2", r#"200 ["1","2"]"#).await; // P2
    check("/blog", "404 no route answers this path").await; // P2
    check("/docs", "200 null").await; // P3
    check("/docs/a", r#"200 ["a"]"#).await; // P3
    check("/docs/a/b/c", r#"200 ["a","b","c"]"#).await;
}

#[tokio::test]
async fn the_more_exact_route_wins() {
    check("/items/fixed", "200 the fixed one").await; // R1
    check("/items/fixe", "200 id=fixe path=/items/fixe").await;
    check("/items/a/b", r#"200 rest=["a", "b"]"#).await;
    check("/items/fixed/edit", "200 edit fixed").await; // R1: no dead end behind the fixed folder
}

#[tokio::test]
async fn params_are_typed_by_the_folder_s_name() {
    check(
        "/users/ann/posts/7",
        "200 ann ann 7 of /users/[user-id]/posts/[number]",
    )
    .await; // P10
    let wrong = fixture().get("/users/ann/posts/seven").await;
    assert_eq!(wrong.status, 404, "{}", wrong.line());
}

#[tokio::test]
async fn brackets_inside_a_name_are_letters() {
    check("/partial/%5Bname%5D.json", "200 a literal name").await; // P9
    check("/partial/x.json", "404 no route answers this path").await; // P9
}

#[tokio::test]
async fn paths_are_case_sensitive() {
    check("/Hello", "404 no route answers this path").await; // P12
}

#[tokio::test]
async fn another_spelling_is_sent_to_the_path_as_it_should_be() {
    redirect("/hello/", "/hello").await; // U1
    redirect("/hello/?a=1&b", "/hello?a=1&b").await; // U1
    redirect("/rss.xml/", "/rss.xml").await; // U2
    redirect("//hello", "/hello").await; // U3
    redirect("/items//1", "/items/1").await; // U3, P11
    redirect("/items\\1", "/items/1").await; // U3
    redirect("//example.com/x", "/example.com/x").await; // never off this host
}

#[tokio::test]
async fn dots_are_resolved_before_a_route_is_looked_for() {
    for (path, status) in [
        ("/nowhere/../hello", "200"),
        ("/items/%2e%2e/hello", "200"),
        ("/../../etc/passwd", "404"),
    ] {
        let answer = exchange(path).await;
        let line = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&line), "{path}: {answer}");
    }
}

#[tokio::test]
async fn http2_is_routed_alike() {
    let client = fixture_http2();
    assert_eq!(
        client.get("/items/a%2Fb").await.line(),
        "200 id=a/b path=/items/a%2Fb"
    );
    assert_eq!(client.get("/hello/").await.header("location"), "/hello");
    assert_eq!(client.get("/nowhere").await.status, 404);
}

async fn check(path: &str, expected: &str) {
    assert_eq!(fixture().get(path).await.line(), expected, "{path}");
}

async fn redirect(path: &str, location: &str) {
    let answer = exchange(path).await;
    let head = answer.split("\r\n\r\n").next().unwrap_or_default();
    assert!(head.starts_with("HTTP/1.1 308 "), "{path}: {answer}");
    assert!(
        head.contains(&format!("location: {location}\r\n")),
        "{path}: {answer}"
    );
    assert!(
        head.contains(&format!("refresh: 0;url={location}\r\n")),
        "{path}: {answer}"
    );
    assert!(
        answer.ends_with(&format!("\r\n\r\n{location}")),
        "{path}: {answer}"
    );
}

/// A request of a client that changes nothing about the path.
async fn exchange(path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    raw::exchange(fixture().address(), request).await
}
