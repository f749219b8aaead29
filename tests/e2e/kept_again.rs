//! What is kept and asked for in the same words again is found without a walk, and whatever else is asked is answered as a walk does.

use std::time::Duration;

use regex::Regex;
use waystation_tests::Client;
use waystation_tests::raw::exchange;

use crate::support::{program, turn};

const ROUTE: &str = "use waystation::*;

pub const REVALIDATE: Revalidate = Revalidate::NEVER;
pub const CORS: Cors = Cors::new().origins(&[\"https://shop.example\"]);

pub fn get() -> String {
    random_u64().to_string().repeat(100)
}
";

const SAME: (&str, &str) = ("GET /kept HTTP/1.1", "host: a");

/// The first line, and headers beside `connection: close`.
const OTHERS: [(&str, &str); 19] = [
    ("GET /kept HTTP/1.1", "host: another.example"),
    ("GET /kept HTTP/1.1", "host: no host"),
    ("GET /kept HTTP/1.1", "host: a\r\nhost: b"),
    ("GET /kept HTTP/1.1", "accept: */*"),
    ("GET /kept?query HTTP/1.1", "host: a"),
    ("GET //kept HTTP/1.1", "host: a"),
    ("GET /kept/ HTTP/1.1", "host: a"),
    ("GET /kep%74 HTTP/1.1", "host: a"),
    ("GET http://a/kept HTTP/1.1", "host: a"),
    ("GET /kept HTTP/1.0", "host: a"),
    ("GET /kept HTTP/1.1", "host: a\r\ncookie: b=1"),
    ("GET /kept HTTP/1.1", "host: a\r\nif-none-match: *"),
    ("GET /kept HTTP/1.1", "host: a\r\naccept-encoding: gzip"),
    (
        "GET /kept HTTP/1.1",
        "host: a\r\norigin: https://shop.example",
    ),
    ("GET /kept HTTP/1.1", "host: a\r\nrange: bytes=0-1"),
    (
        "GET /kept HTTP/1.1",
        "host: a\r\ncontent-length: 0\r\ntransfer-encoding: chunked",
    ),
    ("HEAD /kept HTTP/1.1", "host: a"),
    ("OPTIONS /kept HTTP/1.1", "host: a"),
    ("POST /kept HTTP/1.1", "host: a\r\ncontent-length: 0"),
];

#[tokio::test]
async fn what_is_asked_again_is_answered_without_a_walk_and_as_with_one() {
    let turn = turn().await;
    let limit = "[limits.routes.\"/kept\"]\nheader_bytes = 1000\n";
    let app = turn.app(&[("app/kept/route.rs", ROUTE), ("waystation.toml", limit)]);
    let host = program()
        .command("dev", app.root())
        .arg("--cache")
        .env("WAYSTATION_LOG", "info,waystation_host::pipeline=trace");
    let host = host.on_a_free_port().leashed().serve();
    let ask = async |words, more| ask(&Client::new(host.address()), words, more).await;

    let made = ask(SAME, WALK).await;
    assert!(made.contains("x-waystation-cache: MISS"), "{made}");
    let walked = ask(SAME, WALK).await;
    assert!(walked.contains("x-waystation-cache: HIT"), "{walked}");
    assert!(!host.stderr().contains(FOUND));
    for _ in 0..2 {
        assert_eq!(ask(SAME, "").await, walked);
    }
    host.wait_for_line("without a walk", |line| line.contains(FOUND));
    let long = format!("host: a\r\nuser-agent: {}", "x".repeat(1000));
    let refused = ask(("GET /kept HTTP/1.1", &long), "").await;
    assert!(refused.starts_with("HTTP/1.1 431 "), "{refused}");
    for other in OTHERS {
        let expected = ask(other, WALK).await;
        for _ in 0..2 {
            assert_eq!(ask(other, "").await, expected, "{other:?}");
        }
        assert_eq!(ask(SAME, "").await, walked, "after {other:?}");
    }
}

const FOUND: &str = "found without a walk: a /kept";
/// A header that nobody knows, so that the request is walked.
const WALK: &str = "x-walk: 1\r\n";

/// The answer without what differs each time.
async fn ask(client: &Client, (line, headers): (&str, &str), more: &str) -> String {
    let request = format!("{line}\r\n{headers}\r\n{more}connection: close\r\n\r\n");
    let answer = tokio::time::timeout(Duration::from_secs(30), exchange(client.address(), request));
    let answer = answer.await.expect("an answer");
    let differs = Regex::new("(?m)^(age|date|x-request-id|cache-status): .*$").unwrap();
    differs.replace_all(&answer, "$1").into_owned()
}
