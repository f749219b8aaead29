//! What monitors ask: health, readiness, and what is counted.

use std::path::Path;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use waystation_tests::raw::Socket;
use waystation_tests::{Client, Host, wait_for};

use crate::support::{Deployed, borrowed, fixture_files, production, program, turn};

pub(crate) fn serve(root: &Path) -> Host {
    let command = program().command("start", root).on_a_free_port();
    command.arg("--status").arg("127.0.0.1:0").serve()
}

#[tokio::test]
async fn requests_are_counted_by_app_and_pattern_and_never_by_path() {
    let host = serve(production().root());
    let client = Client::new(host.address());
    for path in [
        "/items/a",
        "/items/b",
        "/nothing/here",
        "/favicon.ico",
        "/robots.txt",
    ] {
        client.get(path).await;
    }
    client.ask("PUT", "/items/c", &[], "").await;
    client.get("/limits/spin").await;
    client.get("/error?kind=panic").await;
    client.get("/robots.txt").await;
    let cut = client.try_ask("GET", "/stream?kind=spin", &[], "").await;
    assert!(cut.is_err(), "its body ended well");

    let status = Client::new(host.status_address());
    let answer = status.get("/metrics").await;
    let kind = answer.header("content-type");
    assert!(kind.starts_with("application/openmetrics-text;"), "{kind}");
    let text = answer.text();
    let lines: Vec<_> = text.lines().collect();
    for expected in [
        "waystation_requests_total{app=\"shop\",route=\"/items/[id]\",status=\"2xx\"} 2",
        "waystation_requests_total{app=\"shop\",route=\"/items/[id]\",status=\"4xx\"} 1",
        "waystation_requests_total{app=\"shop\",route=\"\",status=\"4xx\"} 1",
        "waystation_requests_total{app=\"shop\",route=\"(files)\",status=\"2xx\"} 1",
        "waystation_request_seconds_count{app=\"shop\",route=\"/items/[id]\"} 3",
        "waystation_kept_answers_total{app=\"shop\",route=\"/robots.txt\",state=\"HIT\"} 2",
        "waystation_limits_total{app=\"shop\",route=\"/limits/spin\",limit=\"cpu_time\"} 1",
        "waystation_limits_total{app=\"shop\",route=\"/stream\",limit=\"cpu_time\"} 1",
        "waystation_errors_total{app=\"shop\",route=\"/error\",error=\"trap\"} 1",
        "waystation_instances{app=\"shop\",state=\"running\"} 0",
        "# EOF",
    ] {
        assert!(lines.contains(&expected), "{expected}\n\n{text}");
    }
    for path in ["/items/a", "nothing", "favicon"] {
        assert!(!text.contains(path), "{path}\n\n{text}");
    }
}

#[tokio::test]
async fn what_is_cut_or_refused_before_an_answer_is_counted_too() {
    let host = serve(production().root());
    let client = Client::new(host.address());
    for asked in ["circle", "fetches"] {
        let answer = client.get(&format!("/limits/asks?for={asked}")).await;
        assert!(
            answer.line().starts_with("200 stopped: "),
            "{}",
            answer.line()
        );
    }
    // Its log is cut too: a line for each value that is not kept.
    let answer = client.get("/limits/asks?for=values").await;
    assert_eq!(answer.line(), "200 all of them");
    let long = "x".repeat(40_000);
    let answer = client.try_ask("GET", "/hello", &[("x", &long)], "").await;
    assert_eq!(answer.unwrap().status, 431);
    let long = format!("/hello?{}", "x".repeat(9_000));
    assert_eq!(client.get(&long).await.status, 414);

    let status = Client::new(host.status_address());
    for (route, limit) in [
        ("/limits/asks", "nested"),
        ("/limits/asks", "fetches"),
        ("/limits/asks", "kept_values"),
        ("/limits/asks", "log"),
        ("", "headers"),
        ("", "url"),
    ] {
        counts(&status, route, limit).await;
    }
}

/// Waits until a limit was met once by a route.
pub(crate) async fn counts(status: &Client, route: &str, limit: &str) {
    let labels = format!("app=\"shop\",route=\"{route}\",limit=\"{limit}\"");
    let expected = format!("waystation_limits_total{{{labels}}} 1");
    wait_for(&expected, async || {
        let answer = status.get("/metrics").await;
        let text = answer.text();
        text.lines().any(|line| line == expected).then_some(())
    })
    .await;
}

/// Memory and places that others have, and times that are short, are asked of a host that has little of each.
#[tokio::test]
async fn what_an_operator_s_limits_stop_is_counted() {
    let turn = turn().await;
    let wanted = [
        "app/after/",
        "app/hello/",
        "app/limits/memory/",
        "app/request/echo/",
        "app/stream/",
        "src/",
    ];
    let mut files = fixture_files(|file| wanted.iter().any(|part| file.starts_with(part)));
    let limits = "[limits]\nconcurrency = 1\nqueue_wait_ms = 0\nmax_duration = 1\nstream_duration = 3\n\n\
                  [server]\nguest_memory_mb = 64\n";
    files.push(("waystation.toml".to_owned(), limits.to_owned()));
    let app = turn.app(&borrowed(&files));
    app.warm_too(production());
    let exit = program().command("build", app.root()).run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let host = serve(app.root());
    let (client, status) = (
        Client::new(host.address()),
        Client::new(host.status_address()),
    );

    assert_eq!(client.get("/hello").await.status, 200); // its code is loaded then
    let mut stream = Socket::open(client.address()).await;
    let asked = "GET /stream?kind=silent HTTP/1.1\r\nhost: a\r\n\r\n";
    stream.send(asked).await;
    stream.read_until("hello").await;
    assert_eq!(client.get("/hello").await.status, 503);
    counts(&status, "/hello", "instances").await;
    stream.read_to_end().await;
    counts(&status, "/stream", "stream_time").await;

    let is_free = async || (client.get("/hello").await.status == 200).then_some(());
    let is_free = async || wait_for("a place", is_free).await;
    is_free().await;
    let long = "x".repeat((1 << 20) + 1); // the route takes a MiB
    assert_eq!(client.post("/request/echo", &[], &long).await.status, 413);
    counts(&status, "/request/echo", "body").await;
    is_free().await;
    let full = client.get("/limits/memory?mib=80").await;
    assert_eq!(full.status, 503);
    counts(&status, "/limits/memory", "all_memory").await;
    is_free().await;
    assert_eq!(client.get("/after?kind=slow").await.line(), "200 answered");
    counts(&status, "/after", "after_time").await;
}

#[tokio::test]
async fn a_shared_instance_that_is_used_up_or_keeps_too_much_is_retired_and_counted() {
    let host = serve(production().root());
    let mut sender = Client::new(host.address()).connect().await;
    let status = Client::new(host.status_address());
    let path = "/count/shared";
    // More than one may answer in turn: one that has answered may not wait yet when the next request comes.
    for (method, body, most, reason) in [
        ("POST", "", 5_000, "uses"),
        ("POST", "grow", 1, "memory"),
        ("PUT", "", 200, "handles"),
    ] {
        let labels = format!("app=\"shop\",route=\"{path}\",reason=\"{reason}\"");
        let counter = format!("waystation_retired_instances_total{{{labels}}} ");
        let mut asked = 0;
        wait_for(&counter, async || {
            let some = (most - asked).min(250);
            for _ in 0..some {
                let answer = sender.ask(method, path, &[], body).await.unwrap();
                assert_eq!(answer.status, 200);
            }
            asked += some;
            let answer = status.get("/metrics").await;
            let text = answer.text();
            text.lines().find(|line| line.starts_with(&counter))?;
            Some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_host_that_finishes_what_runs_lives_and_is_not_ready() {
    let mut host = serve(production().root());
    let status = Client::new(host.status_address());
    assert_eq!(status.get("/healthz").await.line(), "200 ok");
    assert_eq!(status.get("/readyz").await.line(), "200 ready");
    let mut slow = Socket::open(host.address()).await;
    slow.send("GET /slow?ms=3000 HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    host.wait_for_line("the guest runs", |line| line.contains("going to sleep"));
    host.terminate();
    wait_for("it is not ready", async || {
        let answer = status.get("/readyz").await;
        (answer.line() == "503 stopping").then_some(())
    })
    .await;
    assert_eq!(status.get("/healthz").await.line(), "200 ok");
    assert!(slow.read_to_end().await.ends_with("slept"));
    assert_eq!(host.wait_for_exit().code(), Some(0), "{}", host.stderr());
}

#[tokio::test]
async fn monitors_change_nothing_and_the_operator_may_ask_too() {
    let deployed = Deployed::new();
    let host = serve(deployed.root());
    let status = Client::new(host.status_address());
    for (method, path) in [
        ("GET", "/cache"),
        ("DELETE", "/cache"),
        ("POST", "/revalidate"),
        ("POST", "/metrics"),
        ("GET", "/hello"),
    ] {
        assert_eq!(
            status.ask(method, path, &[], "").await.status,
            404,
            "{path}"
        );
    }
    let socket = deployed.path(".waystation/admin.sock");
    wait_for("it listens for the operator", async || {
        socket.exists().then_some(())
    })
    .await;
    for (path, expected) in [
        ("/readyz", "ready"),
        ("/metrics", "# EOF"),
        ("/cache", "\"entries\":"),
    ] {
        let answer = ask_operator(&socket, path).await;
        assert!(
            answer.starts_with("HTTP/1.1 200 OK") && answer.contains(expected),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_told_and_used_once_it_is_free() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let command = program()
        .command("start", production().root())
        .on_a_free_port();
    let host = command.arg("--status").arg(&address.to_string()).serve();
    host.wait_for_line("that it is taken", |line| {
        line.contains(&format!(
            "monitors do not reach this app yet: cannot listen on {address}"
        ))
    });
    drop(taken);
    assert_eq!(host.status_address(), address);
}

async fn ask_operator(socket: &Path, path: &str) -> String {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
