//! HTTP methods: each handler under its name, and what the host answers on a route's behalf.

use waystation_tests::{Answer, raw};

use crate::support::{fixture, fixture_http2};

#[tokio::test]
async fn each_handler_answers_its_method() {
    for method in ["GET", "POST", "PUT", "PATCH"] {
        let answer = ask(method, "/methods/all").await;
        assert_eq!(answer.line(), format!("200 {}", method.to_lowercase())); // M1
    }
    let deleted = fixture().ask("DELETE", "/methods/all", &[], "it").await;
    assert_eq!(deleted.line(), "200 delete it"); // Q9
    let found = fixture().ask("QUERY", "/methods/all", &[], "select").await;
    assert_eq!(found.line(), "200 query select"); // M19
}

#[tokio::test]
async fn http2_carries_every_method() {
    let mut sender = fixture_http2().connect().await;
    for (method, expected) in [
        ("GET", "200 get"),
        ("PATCH", "200 patch"),
        ("QUERY", "200 query x"),
        ("DELETE", "200 delete x"),
    ] {
        let body = if expected.ends_with('x') { "x" } else { "" };
        let answer = sender.ask(method, "/methods/all", &[], body).await.unwrap();
        assert_eq!(answer.line(), expected);
    }
    let refused = sender.ask("PUT", "/hello", &[], "").await.unwrap();
    assert_eq!(
        (refused.status.as_u16(), refused.header("allow")),
        (405, "GET, HEAD, OPTIONS")
    );
}

#[tokio::test]
async fn a_method_without_a_handler_is_refused_with_those_there_are() {
    for method in ["POST", "PUT", "PATCH", "DELETE", "QUERY"] {
        let answer = ask(method, "/hello").await;
        assert_eq!(answer.status, 405, "{method}"); // M2
        assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS", "{method}"); // section 19, 6
    }
    refused("GET", "/methods/post", "OPTIONS, POST").await;
    refused("GET", "/methods/head", "HEAD, OPTIONS").await;
}

#[tokio::test]
async fn an_unknown_method_is_a_bad_request() {
    for method in ["PROPFIND", "LINK", "HEADER", "get"] {
        let answer = ask(method, "/hello").await;
        assert_eq!(answer.status, 400, "{method}: {}", answer.line()); // M3
        assert_eq!(answer.header("allow"), "", "{method}");
    }
}

#[tokio::test]
async fn trace_and_connect_never_reach_a_handler() {
    refused(
        "TRACE",
        "/methods/all",
        "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, QUERY",
    )
    .await; // M4, section 19, 7
    let connect = raw::status_line(
        fixture().address(),
        "CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n",
    )
    .await;
    assert!(connect.starts_with("HTTP/1.1 405 "), "{connect}");
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let get = ask("GET", "/hello").await;
    let head = ask("HEAD", "/hello").await;
    assert_eq!(head.status, 200); // M5
    assert_eq!(head.body.len(), 0);
    assert_eq!(head.header("content-type"), get.header("content-type"));
    assert_eq!(head.header("content-length"), "5");
    refused("HEAD", "/methods/post", "OPTIONS, POST").await; // M6
}

#[tokio::test]
async fn head_sees_its_own_method_in_the_get_handler() {
    let head = ask("HEAD", "/request").await;
    let get = ask("GET", "/request").await;
    assert_eq!(head.status, 200);
    let (head, get): (usize, usize) = (length(&head), length(&get));
    assert_eq!(head, get + 1); // M5: `HEAD` is a letter longer than `GET`
}

#[tokio::test]
async fn a_head_handler_is_used_where_there_is_one() {
    for path in ["/methods/all", "/methods/head"] {
        let answer = ask("HEAD", path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("x-handler")),
            (200, "head"),
            "{path}"
        ); // M7
        assert_eq!(answer.body.len(), 0);
    }
    for client in [fixture(), fixture_http2()] {
        let answer = client.ask("HEAD", "/methods/head", &[], "").await;
        assert_eq!(answer.header("content-length"), "12345");
    }
}

#[tokio::test]
async fn options_lists_the_methods() {
    allowed("/hello", "GET, HEAD, OPTIONS").await; // M8a
    allowed("/methods/post", "OPTIONS, POST").await; // M8a
    allowed("/methods/head", "HEAD, OPTIONS").await; // M8a
    allowed("/navigate", "GET, HEAD, OPTIONS, POST").await;
}

#[tokio::test]
async fn an_options_handler_is_used_where_there_is_one() {
    let answer = fixture()
        .ask("OPTIONS", "/methods/all", &[], "with a body")
        .await;
    assert_eq!(answer.line(), "200 options with a body"); // M9
    assert_eq!(answer.header("x-handler"), "options");
}

#[tokio::test]
async fn the_server_s_own_options_has_an_answer() {
    let line = raw::status_line(fixture().address(), "OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(line, "HTTP/1.1 204 No Content"); // threat model 3.2
}

async fn ask(method: &str, path: &str) -> Answer {
    fixture().ask(method, path, &[], "").await
}

async fn refused(method: &str, path: &str, allow: &str) {
    let answer = ask(method, path).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("allow")),
        (405, allow),
        "{method} {path}"
    );
}

async fn allowed(path: &str, allow: &str) {
    let answer = ask("OPTIONS", path).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("allow")),
        (204, allow),
        "{path}"
    ); // M8
    assert_eq!(answer.body.len(), 0);
    assert_eq!(answer.header("access-control-allow-origin"), ""); // M10
}

fn length(answer: &Answer) -> usize {
    answer.header("content-length").parse().unwrap()
}
