//! Rewrites to other servers.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::sync::mpsc;
use waystation_tests::raw::{self, Socket};
use waystation_tests::upstream::{self, Upstream, streamed};
use waystation_tests::{PATIENCE, wait_for};

use crate::fetch::{answer, files};
use crate::support::{Edited, borrowed};

#[tokio::test]
async fn a_rewrite_hands_a_request_to_another_server() {
    let upstream = Upstream::new(answer).await;
    let files = files(&upstream);
    let app = Edited::new(&borrowed(&files)).await;

    let sent = app
        .client
        .post(
            "/ext/echo?q=1",
            &[
                ("cookie", "a=b"),
                ("te", "trailers"),
                ("x-forwarded-for", "1.2.3.4"),
            ],
            "tea",
        )
        .await;
    assert_eq!(sent.line(), "201 POST tea"); // CF3
    assert_eq!(
        (sent.header("x-from"), sent.header("x-hop")),
        ("upstream", "")
    );
    let head = upstream.heads().pop().unwrap();
    assert!(head.starts_with("POST /echo?q=1\n"), "{head}");
    for line in [
        format!("host: {}", upstream.origin().trim_start_matches("http://")),
        "cookie: a=b".into(),
        "x-forwarded-for: 127.0.0.1".into(),
        "content-length: 3".into(),
    ] {
        assert!(head.contains(&line), "{line} in {head}");
    }
    assert!(!head.contains("\nte:"), "{head}");
    // The body of a GET does not go on, so its length must not: it would be taken from the next request on the same connection.
    let request =
        "GET /ext/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nconnection: close\r\n\r\ntea";
    raw::exchange(app.client.address(), request).await;
    let head = upstream.heads().pop().unwrap();
    assert!(head.starts_with("GET /echo"), "{head}");
    assert!(!head.contains("content-length: 3"), "{head}");
    let before = upstream.heads().len();
    assert_eq!(
        app.client.ask("TRACE", "/ext/echo", &[], "").await.status,
        405
    ); // M4
    assert_eq!(upstream.heads().len(), before);

    assert_eq!(app.client.get("/ext/gone").await.line(), "404 gone");
    let found = app.client.get("/ext/found").await;
    assert_eq!(
        (found.status.as_u16(), found.header("location")),
        (302, "/echo")
    );
    assert_eq!(
        app.client.ask("HEAD", "/ext/x", &[], "").await.line(),
        "200"
    );

    let toml = "[[rewrites.fallback]]\nsource = \"/ext/:path*\"\ndestination = \"http://10.0.0.1/:path*\"\n";
    app.app.write("waystation.toml", toml);
    app.answers("/ext/x", "502, and why", |answer| {
        answer.status == 502
            && answer
                .text()
                .contains("leads to 10.0.0.1, which is not public")
    })
    .await;
}

/// Row ST7, which Next is reported to buffer: a piece reaches the client before the next is written, and a client that leaves is noticed.
#[tokio::test]
async fn pieces_stream_through_a_rewrite_and_a_handler() {
    for path in ["/ext/events", "/relay"] {
        check_pieces(path).await;
    }
}

async fn check_pieces(path: &str) {
    let (sender, served) = streamed();
    let waiting = std::sync::Arc::new(std::sync::Mutex::new(Some(served)));
    let upstream = Upstream::new(move |_| {
        let first = waiting.lock().unwrap().take();
        async move { first.unwrap_or_else(|| upstream::served(500, &[], "asked twice")) }
    })
    .await;
    let files = files(&upstream);
    let app = Edited::new(&borrowed(&files)).await;
    let mut socket = Socket::open(app.host.address()).await;
    socket
        .send(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n"))
        .await;
    sender.send(Bytes::from("first")).await.unwrap();
    socket.read_until("first").await;
    sender.send(Bytes::from("second")).await.unwrap();
    socket.read_until("second").await;
    drop(socket);
    wait_for("the server to learn that nobody listens", async || {
        sender.is_closed().then_some(())
    })
    .await;
}

/// The same in the other direction: a piece of a request reaches the server before the client writes the next.
#[tokio::test]
async fn pieces_of_a_request_stream_through_a_rewrite_and_a_handler() {
    let (pieces, mut received) = mpsc::unbounded_channel();
    let upstream = Upstream::new(move |request| {
        let pieces = pieces.clone();
        async move {
            let mut body = request.into_body();
            while let Some(Ok(frame)) = body.frame().await {
                pieces.send(frame.into_data().unwrap()).unwrap();
            }
            upstream::served(200, &[], "that is all")
        }
    })
    .await;
    let mut next = async || {
        let piece = tokio::time::timeout(PATIENCE, received.recv()).await;
        piece.expect("a piece in time")
    };
    let files = files(&upstream);
    let app = Edited::new(&borrowed(&files)).await;
    let handler = format!("/ask?url={}/x", upstream.origin());
    for path in ["/ext/x", &handler] {
        let mut socket = Socket::open(app.host.address()).await;
        let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
        socket.send(head + "5\r\nfirst\r\n").await;
        assert_eq!(next().await.unwrap(), "first", "{path}");
        socket.send("6\r\nsecond\r\n0\r\n\r\n").await;
        assert_eq!(next().await.unwrap(), "second", "{path}");
        socket.read_until("that is all").await;
    }
}
