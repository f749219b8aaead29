//! A client that leaves takes its guest with it.
//!
//! There is one place for a guest here, and a guest may run for ten minutes. So whoever is answered after a client left was let in because
//! the guest is gone.

use waystation_tests::Client;
use waystation_tests::raw::Socket;

use crate::limits::Limited;

const ONE_PLACE: &str = "concurrency = 1\nqueue_wait_ms = 600000\ncpu_ms = 600000\nmax_duration = 600\nstream_duration = 600\n";

#[tokio::test]
async fn a_client_that_leaves_cancels_its_guest_wherever_it_stands() {
    let app = Limited::new(ONE_PLACE).await;
    let seen = app.host.lines();

    drop(app.begin("/limits/forever").await);
    is_free(&app, "spinning").await;

    drop(app.begin("/slow").await);
    is_free(&app, "asleep").await;

    let mut streaming = Socket::open(app.client.address()).await;
    streaming
        .send("GET /stream?kind=endless HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    streaming.read_until("tick").await;
    drop(streaming);
    is_free(&app, "streaming").await;

    let mut waiting = Socket::open(app.client.address()).await;
    waiting
        .send("GET /stream?kind=silent HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    waiting.read_until("hello").await;
    drop(waiting);
    is_free(&app, "asleep in the middle of its body").await;

    let mut uploading = Socket::open(app.client.address()).await;
    uploading
        .send("POST /request/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\npart")
        .await;
    uploading.read_until("part").await;
    drop(uploading);
    is_free(&app, "waiting for the rest of a body").await;

    let said = app.host.stderr_after(seen);
    assert!(!said.to_lowercase().contains("panicked"), "{said}");
    assert!(
        !said.contains("ERROR"),
        "a client that leaves is nobody's error: {said}"
    ); // ST4
}

#[tokio::test]
async fn a_handler_that_asks_is_told_that_its_client_has_left() {
    let app = Limited::new(ONE_PLACE).await;
    for (kind, first, last) in [
        ("watched", "tick", "the watched client has left"),
        ("awaited", "hello", "after that, the work is done"),
    ] {
        let seen = app.host.lines();
        let mut socket = Socket::open(app.client.address()).await;
        let request = format!("GET /stream?kind={kind} HTTP/1.1\r\nhost: a\r\n\r\n");
        socket.send(&request).await;
        socket.read_until(first).await;
        let said = app.host.stderr_after(seen);
        assert!(!said.contains("has left"), "while it is there: {said}");
        drop(socket); // Q15
        app.host
            .wait_for_line_after(seen, last, |line| line.contains(last));
        is_free(&app, kind).await;
        let said = app.host.stderr_after(seen);
        assert!(
            said.contains(&format!("the {kind} client has left")),
            "{said}"
        );
        assert!(!said.contains("written to nobody"), "{said}");
        assert!(!said.contains("ERROR"), "{said}");
    }
}

#[tokio::test]
async fn a_spinning_guest_stops_using_the_processor() {
    let app = Limited::new(ONE_PLACE).await;
    drop(app.begin("/limits/forever").await);
    app.host.wait_until_idle();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_http2_that_is_reset_cancels_its_guest_alone() {
    let app = Limited::new(ONE_PLACE).await;
    let mut sender = Client::http2(app.host.address()).connect().await;
    for path in ["/limits/forever", "/slow"] {
        let seen = app.host.lines();
        {
            let request = sender.begin("GET", path, &[], "");
            let begun = async {
                let line = || {
                    app.host
                        .wait_for_line_after(seen, "the guest runs", |line| {
                            line.contains("going to ")
                        })
                };
                tokio::task::block_in_place(line);
            };
            tokio::select! {
                biased;
                answer = request => panic!("{answer:?}"),
                () = after_sending(begun) => {}
            }
        } // dropping the request resets its stream
        let answer = sender.ask("GET", "/hello", &[], "").await.unwrap();
        assert_eq!(answer.line(), "200 hello", "after {path}"); // on the same connection
    }
}

/// Lets the request be written before it is waited for.
async fn after_sending(then: impl Future<Output = ()>) {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    then.await;
}

async fn is_free(app: &Limited, guest: &str) {
    assert_eq!(
        app.client.get("/hello").await.line(),
        "200 hello",
        "after a guest that was {guest}"
    );
}
