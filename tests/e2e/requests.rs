//! The request that a handler sees: its address, headers, body and facts.

use serde_json::json;
use waystation_tests::raw::{self, Socket};

use crate::support::{fixture, fixture_host, fixture_http2};

#[tokio::test]
async fn a_handler_sees_the_request_as_it_was_sent() {
    let seen = fixture().get("/request?q=a+b&q=%C3%A9&x").await.json();
    let origin = format!("http://localhost:{}", fixture().address().port());
    assert_eq!(seen["method"], "GET");
    assert_eq!(seen["href"], format!("{origin}/request?q=a+b&q=%C3%A9&x")); // Q2
    assert_eq!(seen["pathname"], "/request");
    assert_eq!(seen["search"], "?q=a+b&q=%C3%A9&x");
    assert_eq!(seen["q"], json!(["a b", "é"])); // Q3
    assert_eq!(seen["client"], "127.0.0.1");
    assert_eq!(seen["pattern"], "/request");
    assert_eq!(seen["host"], json!([fixture().address().to_string()]));
}

#[tokio::test]
async fn the_address_never_comes_from_the_client() {
    let headers = [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
    ];
    let seen = fixture().ask("GET", "/request", &headers, "").await.json();
    let href = seen["href"].as_str().unwrap();
    assert!(href.starts_with("http://localhost:"), "{href}"); // Q2, section 19, 11
    assert_eq!(seen["host"], json!(["evil.example"]));
}

#[tokio::test]
async fn http2_tells_the_same() {
    let seen = fixture_http2().get("/request?q=1").await.json();
    assert_eq!(seen["q"], json!(["1"]));
    assert_eq!(seen["client"], "127.0.0.1");
    let href = seen["href"].as_str().unwrap();
    assert!(href.starts_with("http://localhost:"), "{href}");
    assert_eq!(seen["host"].as_array().unwrap().len(), 1, "{seen}");
}

#[tokio::test]
async fn repeated_headers_stay_apart() {
    let headers = [("x", "1"), ("x", "2"), ("X", "3")];
    let seen = fixture().ask("GET", "/request", &headers, "").await.json();
    assert_eq!(seen["x"], json!(["1", "2", "3"])); // H3
}

#[tokio::test]
async fn internal_headers_of_next_are_taken_off() {
    let headers = [
        ("x-middleware-subrequest", "1"),
        ("x-middleware-rewrite", "/x"),
        ("x-matched-path", "/x"),
        ("x-nextjs-data", "1"),
        ("x-invoke-path", "/x"),
        ("x-prerender-revalidate", "1"),
        ("x-waystation-anything", "1"),
        ("next-resume", "1"),
        ("x-mine", "kept"),
    ];
    let seen = fixture().ask("GET", "/request", &headers, "").await.json();
    let names = seen["names"].as_array().unwrap();
    for (name, _) in headers {
        let is_there = names.iter().any(|seen| seen == name);
        assert_eq!(is_there, name == "x-mine", "{name}: {names:?}"); // U12, threat model R1
    }
}

#[tokio::test]
async fn each_request_has_an_id_that_the_log_repeats() {
    let first = fixture().get("/request").await.json()["id"].clone();
    let second = fixture().get("/request").await.json()["id"].clone();
    assert_ne!(first, second);
    let failed = fixture().get("/error?kind=plain").await;
    let id = failed.header("x-request-id").to_owned();
    assert!(!id.is_empty()); // section 19, 9
    let host = fixture_host();
    host.wait_for_line("the error with its request", |line| {
        line.contains(&id) && line.contains("the shelf is empty")
    });
    host.wait_for_line("what the guest printed", |line| {
        line.contains(&format!("request {id}"))
    });
}

#[tokio::test]
async fn a_body_is_read_as_text() {
    let seen = fixture().post("/request", &[], "two\nlines é").await.json();
    assert_eq!(seen["body"], "two\nlines é"); // Q7
    let seen = fixture()
        .ask("DELETE", "/request", &[], "gone")
        .await
        .json();
    assert_eq!(seen["body"], "gone"); // Q9
    let bytes = b"POST /request HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nconnection: close\r\n\r\n\xff\xfe";
    let answer = raw::exchange(fixture().address(), bytes).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn get_and_head_have_no_body() {
    let seen = fixture()
        .ask("GET", "/request", &[], "ignored")
        .await
        .json();
    assert_eq!(seen["body"], ""); // Q8
    let length = async |method| {
        let answer = fixture().ask(method, "/request", &[], "ignored").await;
        answer.header("content-length").parse::<u32>().unwrap()
    };
    assert_eq!(length("HEAD").await, length("GET").await + 1); // as without a body: `HEAD` is a letter longer
}

#[tokio::test]
async fn a_chunked_body_is_whole() {
    let request = "POST /request HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n\
                   3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\n\r\n";
    let answer = raw::exchange(fixture().address(), request).await;
    assert!(answer.contains(r#""body":"abcdefg""#), "{answer}");
}

#[tokio::test]
async fn a_broken_chunked_body_is_never_taken_for_whole() {
    let request = "POST /request HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n";
    let answer = raw::exchange(fixture().address(), request).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 400 "),
        "{answer}"
    ); // threat model 3.2
}

#[tokio::test]
async fn json_becomes_a_type() {
    let order = r#"{"item":"lamp","lines":[{"quantity":2}]}"#;
    assert_eq!(
        fixture().post("/request/json", &[], order).await.line(),
        format!("200 {order}")
    );
}

#[tokio::test]
async fn a_wrong_json_body_is_a_bad_request_that_names_the_field() {
    wrong_json("", "EOF while parsing a value at line 1 column 0").await; // Q10, but 400
    wrong_json("{\"item\":", "EOF while parsing a value at line 1 column 8").await;
    wrong_json(
        r#"{"item":"lamp","lines":[{"quantity":"x"}]}"#,
        "lines[0].quantity: invalid type: string \"x\", expected u32 at line 1 column 39",
    )
    .await;
    wrong_json(
        r#"{"item":"lamp"}"#,
        "missing field `lines` at line 1 column 15",
    )
    .await;
    wrong_json(
        r#"{"item":"lamp","lines":[]} 1"#,
        "trailing characters at line 1 column 28",
    )
    .await;
}

async fn wrong_json(body: &str, error: &str) {
    let answer = fixture().post("/request/json", &[], body).await;
    assert_eq!(answer.status, 400, "{body}");
    let text = answer.text();
    assert!(text.contains("the body is not the expected JSON"), "{text}");
    assert!(text.contains(error), "{text}");
}

#[tokio::test]
async fn a_body_is_streamed_both_ways() {
    let mut socket = Socket::open(fixture().address()).await;
    socket
        .send("POST /request/echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    socket.send("5\r\nfirst\r\n").await;
    socket.read_until("first").await; // Q14: it came back before the rest was sent
    socket.send("6\r\nsecond\r\n").await;
    socket.read_until("second").await;
    socket.send("0\r\n\r\n").await;
    socket.read_until("0\r\n\r\n").await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let at_limit = fixture()
        .post("/request/small", &[], &"x".repeat(1_000))
        .await;
    assert_eq!(at_limit.line(), "200 1000 bytes");
    let over = fixture()
        .post("/request/small", &[], &"x".repeat(1_001))
        .await;
    assert_eq!(over.status, 413, "{}", over.line());

    // Refused from its length alone, before a byte of it was sent.
    let early = "POST /request/small HTTP/1.1\r\nhost: a\r\ncontent-length: 1001\r\n\r\n";
    let line = raw::status_line(fixture().address(), early).await;
    assert!(line.starts_with("HTTP/1.1 413 "), "{line}");

    // Without a length, it is counted while it comes.
    let chunked = format!(
        "POST /request/small HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3e9\r\n{}\r\n0\r\n\r\n",
        "x".repeat(1_001)
    );
    let line = raw::status_line(fixture().address(), chunked).await;
    assert!(line.starts_with("HTTP/1.1 413 "), "{line}");
}

#[tokio::test]
async fn an_unread_body_does_not_spoil_the_next_request() {
    let mut sender = fixture().connect().await;
    for _ in 0..3 {
        let answer = sender
            .ask("POST", "/request/unread", &[], &"x".repeat(5_000))
            .await;
        assert_eq!(answer.unwrap().line(), "200 not read");
    }
    let mut socket = Socket::open(fixture().address()).await;
    let smuggled = "GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\n";
    let request = format!(
        "POST /request/unread HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{smuggled}GET /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        smuggled.len()
    );
    socket.send(request).await;
    let answers = socket.read_to_end().await;
    assert!(!answers.contains(" 404 "), "{answers}");
}

#[tokio::test]
async fn headers_that_come_after_the_body_are_read() {
    let request = "POST /request HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\nconnection: close\r\n\r\n\
                   5\r\nhello\r\n0\r\nx-sum: 7\r\n\r\n";
    let answer = raw::exchange(fixture().address(), request).await;
    assert!(answer.contains(r#""trailers":1"#), "{answer}");
}

#[tokio::test]
async fn an_early_answer_reads_a_short_body_to_its_end_and_not_a_long_one() {
    for target in [
        "POST /nowhere",
        "DELETE /hello",
        "GET /hello",
        "POST /request/small",
    ] {
        let mut socket = Socket::open(fixture().address()).await;
        let head = format!("{target} HTTP/1.1\r\nhost: a\r\ncontent-length: 5000\r\n\r\n");
        socket.send(head).await;
        socket.send("x".repeat(2_000)).await;
        socket.read_until("\r\n\r\n").await; // the answer, while the client still sends
        socket.send("x".repeat(3_000)).await;
        socket
            .send("GET /rss.xml HTTP/1.1\r\nhost: a\r\n\r\n")
            .await;
        socket.read_until("HTTP/1.1 200 OK").await;
    }
    let mut socket = Socket::open(fixture().address()).await;
    let long = "POST /nowhere HTTP/1.1\r\nhost: a\r\ncontent-length: 100000000\r\n\r\n";
    socket.send(long).await;
    let answer = socket.read_to_end().await; // within the second that it is read on
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
}

#[tokio::test]
async fn heads_that_two_readers_could_read_differently_are_refused() {
    for (what, request) in [
        ("no host", "GET /hello HTTP/1.1\r\n\r\n"),
        (
            "two hosts",
            "GET /hello HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        ),
        (
            "a host that is none",
            "GET /hello HTTP/1.1\r\nhost: a/b@c\r\n\r\n",
        ),
        (
            "another host in the target",
            "GET http://evil/hello HTTP/1.1\r\nhost: a\r\n\r\n",
        ),
        ("no path", "GET hello HTTP/1.1\r\nhost: a\r\n\r\n"),
        (
            "two lengths",
            "POST /request HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nabcd",
        ),
        (
            "a signed length",
            "POST /request HTTP/1.1\r\nhost: a\r\ncontent-length: +3\r\n\r\nabc",
        ),
        (
            "a folded header",
            "GET /hello HTTP/1.1\r\nhost: a\r\nx: 1\r\n 2\r\n\r\n",
        ),
        (
            "a space before the colon",
            "GET /hello HTTP/1.1\r\nhost: a\r\nx : 1\r\n\r\n",
        ),
    ] {
        let line = raw::status_line(fixture().address(), request).await;
        assert!(line.starts_with("HTTP/1.1 400 "), "{what}: {line}"); // threat model 3.2
    }
}

#[tokio::test]
async fn a_length_beside_chunks_ends_the_connection() {
    for lengths in [
        "content-length: 4\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 4",
    ] {
        let next = "GET /hello HTTP/1.1\r\nhost: a\r\n\r\n";
        let request =
            format!("POST /request HTTP/1.1\r\nhost: a\r\n{lengths}\r\n\r\n0\r\n\r\n{next}");
        let answers = raw::exchange(fixture().address(), request).await;
        // RFC 9112, 6.3: the chunks count, and the connection ends. hyper takes the length away, so the host cannot refuse it.
        assert!(
            answers.contains("connection: close\r\n") && answers.contains(r#""body":"""#),
            "{answers}"
        );
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
    }
}

#[tokio::test]
async fn what_is_too_long_is_refused() {
    let url = format!("/hello?{}", "x".repeat(9_000));
    assert_eq!(fixture().get(&url).await.status, 414);
    let long = "x".repeat(40_000);
    let answer = fixture()
        .try_ask("GET", "/hello", &[("x", &long)], "")
        .await;
    let status = answer.map(|answer| answer.status.as_u16());
    assert!(
        status.as_ref().is_ok_and(|status| *status == 431),
        "{status:?}"
    );
    let longer = "x".repeat(60_000); // hyper does not read so far
    let answer = fixture()
        .try_ask("GET", "/hello", &[("x", &longer)], "")
        .await;
    // It may close the connection before all was sent, and the client does not see the answer then.
    assert!(answer.map_or(true, |answer| answer.status == 431));
    let many = format!("a={}", "b; a=".repeat(4_000)); // within the limit
    let many = [("cookie", many.as_str())];
    let answer = fixture().ask("GET", "/hello", &many, "").await;
    assert_eq!(answer.line(), "200 hello");
    assert_eq!(fixture().get("/hello").await.line(), "200 hello");
}

#[tokio::test]
async fn an_expectation_is_met() {
    let mut socket = Socket::open(fixture().address()).await;
    socket.send("POST /request HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n").await;
    socket.read_until("HTTP/1.1 100 Continue\r\n\r\n").await;
    socket.send("hi").await;
    let head = socket.read_until("\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
}
