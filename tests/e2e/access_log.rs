//! The log for programs: `--log-format json`, a JSON object a line and one for each request.

use http::Version;
use serde_json::Value;
use tokio::net::{TcpSocket, TcpStream};
use waystation_tests::raw::{Socket, exchange};
use waystation_tests::{Client, Host, Sender};

use crate::support::{production, program};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn serve() -> Host {
    let command = program().command("start", production().root());
    command
        .arg("--log-format")
        .arg("json")
        .on_a_free_port()
        .serve()
}

#[tokio::test]
async fn each_line_is_an_object_whatever_a_client_sends() {
    let host = serve();
    let agent = format!("me\u{1b}[31m\\\"{}", "é".repeat(200));
    let request = format!(
        "GET /items/%0a%22x?secret=1 HTTP/1.1\r\nhost: a\r\nuser-agent: {agent}\r\nauthorization: secret\r\ncookie: a=secret\r\nconnection: close\r\n\r\n"
    );
    let refused = exchange(host.address(), &request).await;
    assert!(refused.starts_with("HTTP/1.1 400 "), "{refused}"); // hyper takes no escape in a header
    let answer = exchange(host.address(), request.replace('\u{1b}', "\u{9b}")).await;
    let line = line(&host, "/items/%0a%22x");
    assert_eq!(line["status"], 200);
    assert_eq!(line["method"], "GET");
    assert_eq!(line["route"], "/items/[id]");
    assert_eq!(line["client"], "127.0.0.1");
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    assert_eq!(line["bytes"], body.len());
    let seen = line["agent"].as_str().unwrap();
    assert!(
        seen.starts_with("me\u{9b}[31m\\\"é") && seen.len() < 260,
        "{seen}"
    );
    let id = answer.split("x-request-id: ").nth(1).unwrap();
    assert_eq!(line["request"], id[..16]);
    assert!(line["guest_ms"].as_f64().unwrap() <= line["ms"].as_f64().unwrap());
    assert!(!host.stderr().contains("secret"), "{}", host.stderr());
    all_are_objects(&host);
}

#[tokio::test]
async fn a_start_that_fails_says_so_in_its_log() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let command = program().command("start", production().root());
    let command = command
        .arg("--log-format")
        .arg("json")
        .arg("--port")
        .arg(&port);
    let exit = command.arg("--hostname").arg("127.0.0.1").run();
    assert_eq!(exit.code, Some(1));
    let last = exit.stderr.lines().last().unwrap();
    let line: Value = serde_json::from_str(last).unwrap();
    assert_eq!(line["level"], "error");
    assert!(line["message"].as_str().unwrap().contains(&port), "{last}");
}

/// Becomes the program, and reads of its log where it serves and is watched, and then nothing.
const READS_NO_MORE: &str = r#"exec "$@" 2> >(
    while [ "$seen" != .. ] && read -r line; do
        echo "$line" >&2
        case "$line" in *" serves "*://* | *"monitors are answered"*) seen=$seen. ;; esac
    done
    exec tail --pid=$$ -f /dev/null >/dev/null 2>&1)"#;

#[tokio::test]
async fn a_log_that_nobody_reads_holds_nobody_up() {
    let command = program().command("start", production().root());
    let command = command.arg("--log-format").arg("json").on_a_free_port();
    let command = command.arg("--status").arg("127.0.0.1:0");
    let mut host = command
        .under("bash", &["-c", READS_NO_MORE, "bash"])
        .serve();
    let mut sender = Client::new(host.address()).connect().await;
    // More than a pipe and the lines that may wait have room for.
    for _ in 0..6_000 {
        let answer = sender.ask("GET", "/robots.txt", &[], "").await;
        assert_eq!(answer.unwrap().status, 200);
    }
    let status = Client::new(host.status_address());
    let answer = status.get("/metrics").await;
    let text = answer.text();
    let dropped = text
        .lines()
        .find_map(|line| line.strip_prefix("waystation_log_lines_dropped_total "));
    let dropped: u32 = dropped.unwrap().parse().unwrap();
    assert!((1..6_000).contains(&dropped), "{dropped}");
    host.terminate();
    assert!(host.wait_for_exit().success());
}

#[tokio::test]
async fn a_request_belongs_to_the_trace_that_a_trusted_proxy_names() {
    let host = serve();
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let headers = [
        ("traceparent", &*parent),
        ("x-forwarded-for", "203.0.113.9"),
    ];
    let address = host.address();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap(); // trusted by the app's waystation.toml
    let proxy: TcpStream = socket.connect(address).await.unwrap();
    let proxy = Sender::over(proxy, Version::HTTP_11, "http", address.to_string());
    let mut proxy = proxy.await.unwrap();
    proxy
        .ask("GET", "/items/proxy", &headers, "")
        .await
        .unwrap();
    let client = Client::new(address);
    client.ask("GET", "/items/client", &headers, "").await;

    let [trusted, unknown] = ["proxy", "client"].map(|id| line(&host, &format!("/items/{id}")));
    assert_eq!(trusted["trace"], TRACE);
    assert_eq!(trusted["client"], "203.0.113.9");
    let made = unknown["trace"].as_str().unwrap();
    assert!(made != TRACE && made.len() == 32, "{made}");
    assert_eq!(unknown["client"], "127.0.0.1");
}

#[tokio::test]
async fn a_stream_is_told_when_it_is_over_with_what_was_sent() {
    let host = serve();
    let client = Client::new(host.address());
    client.get("/stream?kind=writer").await;
    let whole = line(&host, "/stream");
    assert_eq!(whole["bytes"], "OneTwoThree".len());
    assert_eq!(whole["cut"], Value::Null);

    let seen = host.lines();
    let mut leaves = Socket::open(host.address()).await;
    leaves
        .send("GET /stream?kind=endless HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    leaves.read_until("tick").await;
    drop(leaves);
    let text = host.wait_for_line_after(seen, "that it was cut", |line| {
        line.contains("\"path\":\"/stream\"")
    });
    let cut: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(cut["cut"], true);
    assert!(0 < cut["bytes"].as_u64().unwrap(), "{cut}");
    let head = client.ask("HEAD", "/hello", &[], "").await;
    assert_eq!(head.header("content-length"), "5");
    assert_eq!(line(&host, "/hello")["bytes"], 0);
}

#[tokio::test]
async fn what_guests_and_the_host_say_is_told_apart() {
    let mut host = serve();
    let answer = Client::new(host.address()).get("/error?kind=plain").await;
    let id = answer.header("x-request-id");
    host.terminate();
    assert_eq!(host.wait_for_exit().code(), Some(0));
    let lines = all_are_objects(&host);
    let said = |kind: &str, words: &str| {
        let is_it = |line: &&Value| {
            line["kind"] == kind
                && line["message"]
                    .as_str()
                    .is_some_and(|said| said.contains(words))
        };
        lines
            .iter()
            .find(is_it)
            .unwrap_or_else(|| panic!("{kind}: {words}: {lines:#?}"))
    };
    let guest = said("guest", &format!("request {id}"));
    assert_eq!(
        (&guest["request"], &guest["route"]),
        (&id.into(), &"/error".into())
    );
    assert_eq!(said("host", "the shelf is empty")["level"], "error");
    said("host", " serves ");
    said("host", "Finishing what is running");
}

/// The line of a request for this path.
fn line(host: &Host, path: &str) -> Value {
    let path = format!("\"path\":{}", Value::from(path));
    let line = host.wait_for_line("the request's line", |line| line.contains(&path));
    serde_json::from_str(&line).unwrap()
}

fn all_are_objects(host: &Host) -> Vec<Value> {
    let text = host.stderr();
    let objects = text.lines().map(|line| {
        let object = serde_json::from_str::<Value>(line);
        object.unwrap_or_else(|error| panic!("{error}: {line}"))
    });
    objects.collect()
}
