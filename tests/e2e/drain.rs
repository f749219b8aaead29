//! Signals: what runs is finished, what idles is closed, and a second signal ends it all.

use waystation_tests::raw::Socket;
use waystation_tests::{Client, Host};

use crate::support::{Edited, production, program, text_route, turn};

const SLOW: &str = "GET /slow?ms=3000 HTTP/1.1\r\nhost: a\r\n\r\n";
const FOR_EVER: &str = "GET /slow HTTP/1.1\r\nhost: a\r\n\r\n";

#[tokio::test]
async fn a_request_under_way_is_finished_and_idle_connections_close_at_once() {
    for signal in [Host::terminate, Host::interrupt] {
        let mut host = program().start(production().root());
        let mut idle = idle(&host).await;
        let mut unused = Socket::open(host.address()).await;
        let mut slow = begin(&host, SLOW).await;
        signal(&host);
        assert_eq!(idle.read_to_end().await, "");
        assert_eq!(unused.read_to_end().await, "");
        let is_slow_still_running = !host.stderr().contains("slept");
        assert!(is_slow_still_running);
        assert!(host.is_running());
        assert!(
            Client::new(host.address()).try_connect().await.is_err(),
            "it still listens"
        );
        let answer = slow.read_to_end().await;
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("slept"),
            "{answer}"
        );
        assert_eq!(host.wait_for_exit().code(), Some(0), "{}", host.stderr());
    }
}

#[tokio::test]
async fn http2_finishes_its_streams() {
    let mut host = program().start(production().root());
    let client = Client::http2(host.address());
    let mut idle = client.connect().await;
    assert_eq!(
        idle.ask("GET", "/hello", &[], "").await.unwrap().line(),
        "200 hello"
    );
    let slow = tokio::spawn(async move { client.get("/slow?ms=2000").await });
    tokio::task::yield_now().await;
    waystation_tests::wait_for("the guest runs", async || {
        host.stderr().contains("going to sleep").then_some(())
    })
    .await;
    host.terminate();
    waystation_tests::wait_for("the idle connection closes", async || {
        idle.is_closed().then_some(())
    })
    .await;
    assert_eq!(slow.await.unwrap().line(), "200 slept");
    assert_eq!(host.wait_for_exit().code(), Some(0), "{}", host.stderr());
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    for (signal, code) in [(Host::terminate as fn(&Host), 143), (Host::interrupt, 130)] {
        let mut host = program().start(production().root());
        let mut slow = begin(&host, FOR_EVER).await;
        signal(&host);
        host.wait_for_line("that it finishes what is running", |line| {
            line.contains("again to stop at once")
        });
        assert!(host.is_running());
        signal(&host);
        assert_eq!(host.wait_for_exit().code(), Some(code)); // A4
        assert_eq!(slow.read_to_end().await, "");
    }
}

#[tokio::test]
async fn dev_ends_alike() {
    let mut app = Edited::new(&[("app/a/route.rs", &text_route("a"))]).await;
    app.shows("/a", "200 a").await;
    app.host.interrupt();
    assert_eq!(
        app.host.wait_for_exit().code(),
        Some(0),
        "{}",
        app.host.stderr()
    );
}

#[tokio::test]
async fn dev_ends_in_the_middle_of_a_build_and_takes_cargo_with_it() {
    let turn = turn().await;
    let app = turn.app(&[("app/a/route.rs", &text_route("a"))]);
    let mut host = program()
        .command("dev", app.root())
        .on_a_free_port()
        .spawn();
    let is_building = || {
        processes_in(app.root())
            .iter()
            .any(|name| name == "rustc" || name == "cargo")
    };
    waystation_tests::wait("cargo runs", || is_building().then_some(()));
    host.interrupt();
    assert_eq!(host.wait_for_exit().code(), Some(0), "{}", host.stderr());
    waystation_tests::wait("cargo has ended", || (!is_building()).then_some(()));
}

/// The names of the processes that work in a folder or below.
fn processes_in(folder: &std::path::Path) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let inside = processes.filter(|process| {
        std::fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder))
    });
    let names =
        inside.filter_map(|process| std::fs::read_to_string(process.path().join("comm")).ok());
    names.map(|name| name.trim().to_owned()).collect()
}

/// A connection that had an answer and now waits.
async fn idle(host: &Host) -> Socket {
    let mut socket = Socket::open(host.address()).await;
    socket.send("GET /hello HTTP/1.1\r\nhost: a\r\n\r\n").await;
    socket.read_until("\r\n\r\nhello").await;
    socket
}

/// A request whose guest has begun.
async fn begin(host: &Host, request: &str) -> Socket {
    let mut socket = Socket::open(host.address()).await;
    socket.send(request).await;
    host.wait_for_line("the guest runs", |line| line.contains("going to sleep"));
    socket
}
