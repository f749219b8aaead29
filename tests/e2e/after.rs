//! Work that goes on when the answer is over.

use waystation_tests::Client;
use waystation_tests::raw::Socket;

use crate::limits::Limited;
use crate::support::{fixture, fixture_host, fixture_http2, production, program};

#[tokio::test]
async fn it_runs_whatever_the_answer_is() {
    for (kind, line) in [
        ("reply", "200 answered"),
        ("redirect", "307"),
        ("missing", "404"),
        ("error", "500 out of order"),
        ("stream", "200 One"),
    ] {
        for client in [fixture(), fixture_http2()] {
            let seen = fixture_host().lines();
            let answer = client.get(&format!("/after?kind={kind}")).await;
            assert_eq!(answer.line(), line); // A1
            says_after(seen, &format!("after {kind} is done"));
        }
    }
}

#[tokio::test]
async fn it_runs_when_the_client_has_left() {
    let mut socket = Socket::open(fixture().address()).await;
    let request = "GET /after?kind=left HTTP/1.1\r\nhost: a\r\n\r\n";
    socket.send(request).await;
    socket.read_until("hello").await;
    drop(socket); // the guest sleeps for an hour in the middle of its body
    says_after(0, "after left is done");
}

#[tokio::test]
async fn what_goes_wrong_is_logged_with_the_route() {
    for (kind, said) in [
        (
            "fails",
            "error: in a future passed to `after()`: the letter is lost",
        ),
        ("panics", "the letter is on fire"),
        (
            "writes",
            "the cookie `late` was set after the answer's head was sent",
        ), // C16
    ] {
        let answer = fixture().get(&format!("/after?kind={kind}")).await;
        assert_eq!(answer.line(), "200", "{kind}");
        let line = says_after(0, said);
        assert!(kind != "fails" || line.contains("/after"), "{line}");
    }
    says_after(0, "/after");
}

#[tokio::test]
async fn it_may_go_on_and_reads_what_the_handler_read() {
    fixture().get("/after?kind=nested").await;
    says_after(0, "after after is done");
    let headers = [("cookie", "who=ada"), ("x-token", "four")];
    fixture()
        .ask("GET", "/after?kind=reads", &headers, "")
        .await;
    says_after(0, "ada has a token of Some(4) bytes"); // H4
}

#[tokio::test]
async fn it_is_stopped_by_its_limits() {
    let limited = Limited::new("max_duration = 1\ncpu_ms = 100\n").await;
    let client = Client::new(limited.host.address());
    assert_eq!(client.get("/after?kind=spins").await.line(), "200 answered");
    let stopped = "stopped after its answer: it executed for more than 100 ms (CPU_MS)";
    limited
        .host
        .wait_for_line(stopped, |line| line.contains(stopped));
    assert_eq!(client.get("/after?kind=slow").await.line(), "200 answered");
    let stopped = "stopped after its answer: still at work 1 s after its answer (MAX_DURATION)";
    limited
        .host
        .wait_for_line(stopped, |line| line.contains(stopped));
}

#[tokio::test]
async fn shutdown_waits_for_it() {
    let mut host = program().start(production().root());
    let client = Client::new(host.address());
    assert_eq!(client.get("/after?kind=slow").await.line(), "200 answered");
    host.terminate(); // A4
    host.wait_for_line("that the work is done", |line| {
        line.contains("the slow work is done")
    });
    assert_eq!(host.wait_for_exit().code(), Some(0), "{}", host.stderr());
}

fn says_after(seen: usize, said: &str) -> String {
    fixture_host().wait_for_line_after(seen, said, |line| line.contains(said))
}
