//! Bodies that are made while they are sent.

use http_body_util::BodyExt as _;
use waystation_tests::raw::Socket;

use crate::limits::Limited;
use crate::support::{fixture, fixture_host, fixture_http2};

#[tokio::test]
async fn a_stream_is_sent_to_its_end() {
    for client in [fixture(), fixture_http2()] {
        assert_eq!(
            client.get("/stream?kind=items").await.line(),
            "200 <p>One</p><p>Two</p><p>Three</p>"
        );
        assert_eq!(
            client.get("/stream?kind=writer").await.line(),
            "200 OneTwoThree"
        );
        assert_eq!(client.get("/stream?kind=empty").await.line(), "200");
    }
}

#[tokio::test]
async fn events_have_their_type_and_shape() {
    let answer = fixture().get("/stream?kind=sse").await;
    assert!(
        answer
            .header("content-type")
            .starts_with("text/event-stream"),
        "{:?}",
        answer.headers
    );
    assert_eq!(
        answer.text(),
        "event: update\nid: 7\ndata: one\n\ndata: two\ndata: lines\n\n"
    );
}

#[tokio::test]
async fn a_header_may_come_after_the_body() {
    let mut socket = Socket::open(fixture().address()).await;
    let request = "GET /stream?kind=trailer HTTP/1.1\r\nhost: a\r\nte: trailers\r\n\r\n";
    socket.send(request).await;
    let head = socket.read_until("\r\n\r\n").await;
    assert!(head.contains("trailer: x-length\r\n"), "{head}");
    socket.read_until("0\r\nx-length: 9\r\n\r\n").await;

    let mut sender = fixture_http2().connect().await;
    let response = sender.begin("GET", "/stream?kind=trailer", &[], "").await;
    let body = response.unwrap().into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["x-length"], "9");
    assert_eq!(body.to_bytes(), "hello you");
}

#[tokio::test]
async fn the_head_leaves_before_the_first_chunk_is_made() {
    let mut socket = stream("late").await;
    let head = socket.read_until("\r\n\r\n").await; // ST1; the guest sleeps for an hour before its first chunk
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
}

#[tokio::test]
async fn a_chunk_leaves_before_the_next_is_made() {
    let mut socket = stream("silent").await;
    let head = socket.read_until("\r\n\r\n").await; // ST2
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    assert!(!head.contains("content-length"), "{head}");
    socket.read_until("hello").await; // the guest sleeps for an hour after this
}

#[tokio::test]
async fn a_body_that_fails_never_ends_cleanly() {
    for kind in ["error", "panic", "spin"] {
        let mut socket = stream(kind).await;
        socket.read_until("a part").await;
        let rest = socket.read_to_end().await;
        assert!(!rest.contains("0\r\n\r\n"), "{kind}: {rest:?}"); // M18

        let mut sender = fixture_http2().connect().await;
        let whole = sender
            .ask("GET", &format!("/stream?kind={kind}"), &[], "")
            .await;
        assert!(whole.is_err(), "{kind}: {whole:?}");
        let next = sender.ask("GET", "/hello", &[], "").await.unwrap();
        assert_eq!(next.line(), "200 hello", "{kind}"); // only that stream was reset
    }
    for said in ["the tap ran dry", "in the middle of the body", "CPU_MS"] {
        fixture_host().wait_for_line(said, |line| line.contains(said));
    }
}

#[tokio::test]
async fn head_of_a_stream_has_no_body() {
    let answer = fixture().ask("HEAD", "/stream?kind=endless", &[], "").await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
}

#[tokio::test]
async fn a_guest_does_not_run_ahead_of_a_slow_reader() {
    // The guest writes without end, and may for ten minutes; the client reads one piece and no more. What was written but not read is
    // bounded by the buffers between the two, so the guest comes to rest, and goes on when the client does.
    let limits = "cpu_ms = 600000\nmax_duration = 600\nstream_duration = 600\n";
    let app = Limited::new(limits).await;
    let mut socket = Socket::open(app.client.address()).await;
    let request = "GET /stream?kind=flood HTTP/1.1\r\nhost: a\r\n\r\n";
    socket.send(request).await;
    socket.read_until("piece 1\n").await;
    app.host.wait_until_idle();
    for number in 2..=2048 {
        socket.read_until(&format!("piece {number}\n")).await; // 32 MiB, far more than any buffer holds
    }
}

async fn stream(kind: &str) -> Socket {
    let mut socket = Socket::open(fixture().address()).await;
    let request = format!("GET /stream?kind={kind} HTTP/1.1\r\nhost: a\r\n\r\n");
    socket.send(request).await;
    socket
}
