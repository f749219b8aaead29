//! Forms, read whole, as a type, or field by field as they arrive; and who sent them.

use serde_json::json;
use waystation_tests::raw::{self, Socket};

use crate::support::{Edited, fixture};

const URLENCODED: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const MULTIPART: (&str, &str) = ("content-type", "multipart/form-data; boundary=B");

#[tokio::test]
async fn both_kinds_of_form_are_read() {
    let path = "/request/form";
    let seen = fixture()
        .post(path, &[URLENCODED], "a=1+2&b=%C3%A9&a=")
        .await;
    assert_eq!(seen.json(), json!([["a", "1 2"], ["b", "é"], ["a", ""]])); // Q11
    let form = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\
                --B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.png\"\r\nContent-Type: image/png\r\n\r\n12345\r\n\
                --B--\r\n";
    let seen = fixture().post(path, &[MULTIPART], form).await;
    assert_eq!(
        seen.json(),
        json!([["a", "1"], ["f", "x.png", "image/png", 5]])
    ); // Q11
}

#[tokio::test]
async fn texts_become_a_type() {
    let order = "item=a+lamp&quantity=2&tag=x&tag=y";
    let answer = fixture()
        .post("/request/form/typed", &[URLENCODED], order)
        .await;
    assert_eq!(
        answer.line(),
        r#"200 {"item":"a lamp","quantity":2,"tag":["x","y"]}"#
    );
}

#[tokio::test]
async fn a_wrong_form_is_a_bad_request_that_says_why() {
    refused(
        "/request/form/typed",
        URLENCODED,
        "item=lamp&quantity=x&tag=y",
        "400 quantity: invalid digit found in string",
    )
    .await;
    refused(
        "/request/form/typed",
        URLENCODED,
        "quantity=1&tag=y",
        "400 missing field `item`",
    )
    .await;
    // Q11, but 400
    refused(
        "/request/form",
        ("content-type", "text/plain"),
        "a=1",
        "400 multipart/form-data or application/x-www-form-urlencoded",
    )
    .await;
    refused(
        "/request/form",
        MULTIPART,
        "--B\r\n",
        "400 the body is not well-formed multipart/form-data",
    )
    .await;
    refused(
        "/request/form",
        URLENCODED,
        &"a=1&".repeat(1_001),
        "413 the form has more than 1000 fields",
    )
    .await;
}

/// Asks, and expects a status and a part of the message, which development shows.
async fn refused(path: &str, content_type: (&str, &str), body: &str, expected: &str) {
    let answer = fixture().post(path, &[content_type], body).await;
    let (status, message) = expected.split_once(' ').unwrap();
    assert_eq!(answer.status.as_str(), status, "{body}");
    assert!(answer.text().contains(message), "{}", answer.text());
}

#[tokio::test]
async fn a_form_over_the_limit_is_refused() {
    let form = format!(
        "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n{}\r\n--B--",
        "x".repeat(10_000)
    );
    let answer = fixture().post("/request/form", &[MULTIPART], &form).await;
    assert_eq!(answer.status, 413, "{}", answer.line());

    // Without a length, it is counted while the handler reads.
    let (name, value) = MULTIPART;
    let chunked = format!(
        "POST /request/form HTTP/1.1\r\nhost: a\r\n{name}: {value}\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{form}\r\n0\r\n\r\n",
        form.len()
    );
    let line = raw::status_line(fixture().address(), chunked).await;
    assert!(line.starts_with("HTTP/1.1 413 "), "{line}");
}

#[tokio::test]
async fn a_field_is_there_before_the_form_is() {
    let mut socket = Socket::open(fixture().address()).await;
    let (name, value) = MULTIPART;
    socket
        .send(format!("POST /request/upload HTTP/1.1\r\nhost: a\r\n{name}: {value}\r\ntransfer-encoding: chunked\r\n\r\n"))
        .await;
    let first = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n12345\r\n--B\r\n";
    socket
        .send(format!("{:x}\r\n{first}\r\n", first.len()))
        .await;
    socket.read_until("a has 5 bytes").await; // Q14
    let second = "Content-Disposition: form-data; name=\"b\"\r\n\r\n\r\n--B--";
    socket
        .send(format!("{:x}\r\n{second}\r\n0\r\n\r\n", second.len()))
        .await;
    socket.read_until("b has 0 bytes").await;
    socket.read_until("0\r\n\r\n").await;
}

#[tokio::test]
async fn a_file_passes_through() {
    let form = format!(
        "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n{}\r\n--B--",
        "x".repeat(1_000_000)
    );
    let answer = fixture().post("/request/upload", &[MULTIPART], &form).await;
    assert_eq!(answer.text(), "f has 1000000 bytes\n");
}

#[tokio::test]
async fn a_handler_knows_who_asks() {
    let who = async |agent: &str| {
        let headers = [("user-agent", agent)];
        fixture()
            .ask("GET", "/request/user-agent", &headers, "")
            .await
            .json()
    };
    let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/17.2 Mobile/15E148 Safari/604.1";
    let seen = who(phone).await;
    assert_eq!(seen["ua"], phone); // Q18
    assert_eq!(
        seen["browser"],
        json!({"name": "Mobile Safari", "version": "17.2", "major": "17"})
    );
    assert_eq!(
        seen["device"],
        json!({"model": "iPhone", "type": "mobile", "vendor": "Apple"})
    );
    assert_eq!(seen["isBot"], false);
    assert_eq!(
        who("Mozilla/5.0 (compatible; bingbot/2.0)").await["isBot"],
        true
    );
    let nobody = fixture().get("/request/user-agent").await.json();
    assert_eq!(nobody["ua"], ""); // Q18
    assert_eq!(nobody["browser"], json!({}));
}

const UPLOAD: &str = r#"use waystation::{Request, Result};

pub const BODY_LIMIT: u64 = 200 << 20;
pub const CPU_MS: u32 = 60_000;
pub const MAX_DURATION: u32 = 120;

pub async fn post(request: Request) -> Result<String> {
    let mut form = request.multipart()?;
    let mut bytes = 0;
    while let Some(mut field) = form.next_field().await? {
        while let Some(chunk) = field.chunk().await? {
            bytes += chunk.len();
        }
    }
    Ok(format!("{bytes} bytes"))
}
"#;

/// An upload streams through: 100 MB leave no more in memory than 1 MB did.
#[tokio::test]
async fn a_large_upload_takes_little_memory() {
    let limits = "[limits]\nbody_limit = 209715200\ncpu_ms = 60000\nmax_duration = 120\n";
    let app = Edited::new(&[("waystation.toml", limits), ("app/upload/route.rs", UPLOAD)]).await;
    upload(&app, 1 << 20).await;
    let before = app.host.peak_memory();
    upload(&app, 100 << 20).await;
    let grown = app.host.peak_memory() - before;
    assert!(grown < 8 << 20, "it grew by {grown} bytes");
}

async fn upload(app: &Edited, bytes: usize) {
    let head = "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n";
    let tail = "\r\n--B--\r\n";
    let length = head.len() + bytes + tail.len();
    let mut socket = Socket::open(app.host.address()).await;
    let start = format!(
        "POST /upload HTTP/1.1\r\nhost: a\r\ncontent-type: multipart/form-data; boundary=B\r\ncontent-length: {length}\r\n\r\n{head}"
    );
    socket.send(start).await;
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..bytes / piece.len() {
        socket.send(&piece).await;
    }
    socket.send(tail).await;
    socket.read_until(&format!("{bytes} bytes")).await;
}
