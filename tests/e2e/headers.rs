//! `headers()`: the request's headers from anywhere in a handler.

use crate::support::fixture;

#[tokio::test]
async fn names_are_in_lower_case_and_the_connection_s_own_are_left_out() {
    let headers = [
        ("X-Mine", "1"),
        ("connection", "keep-alive"),
        ("keep-alive", "1"),
        ("upgrade", "h2c"),
    ];
    let seen = fixture().ask("GET", "/request", &headers, "").await.json();
    let names = seen["names"].as_array().unwrap();
    assert!(names.iter().any(|name| name == "x-mine"), "{names:?}"); // H3
    assert!(names.iter().any(|name| name == "host"), "{names:?}");
    for name in ["connection", "keep-alive", "upgrade"] {
        assert!(!names.iter().any(|seen| seen == name), "{name}: {names:?}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_reach_the_handler() {
    let request = b"GET /request HTTP/1.1\r\nhost: a\r\nx: \xff\xfe\r\nconnection: close\r\n\r\n";
    let answer = waystation_tests::raw::exchange(fixture().address(), request).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}"); // threat model 3.2
}

#[tokio::test]
async fn answers_in_development_are_not_cached_and_carry_no_banner() {
    let answer = fixture().get("/hello").await;
    assert_eq!(answer.header("cache-control"), ""); // Y1
    assert_eq!(answer.header("x-powered-by"), ""); // S10
    assert_eq!(answer.header("server"), "");
    let missing = fixture().get("/nowhere").await;
    assert_eq!(
        missing.header("cache-control"),
        "private, no-cache, no-store, max-age=0, must-revalidate"
    ); // U11
}
