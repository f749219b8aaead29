//! A deploy that goes wrong on its way: a node that cannot change, a connection that breaks, a release of another make.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use waystation_tests::upstream::{Served, Upstream};
use waystation_tests::{Client, Exit, Paused, output, wait_for};

use crate::edge::{Edge, FAILING, Forged, build};
use crate::support::program;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_one_node_cannot_change_the_others_change_back() {
    let (serving, empty) = (Edge::new(), Edge::new());
    serving.deploy("one");
    let full = Upstream::new(|request| {
        let answer = full(&request);
        async { answer }
    })
    .await;
    let nodes = [serving.socket(), empty.socket(), full.origin()];
    let line = program().line("deploy --no-wait --app shop --host * --to");
    let line = line.arg(&nodes.join(","));
    let exit = line.arg(build("two").to_str().unwrap()).run();
    assert_eq!(exit.code, Some(1));
    for words in [
        "its disk is full",
        "the other nodes serve what they served before",
    ] {
        assert!(exit.stderr.contains(words), "{}", exit.stderr);
    }
    assert_eq!(serving.serves().await, "one");
    let nothing = "421 no app of this node answers this host";
    assert_eq!(empty.serves().await, nothing);
    let log = fs::read_to_string(serving.data().join("apps/shop/deploy.log")).unwrap();
    assert!(log.contains("\"what\":\"rolled back\""), "{log}");
}

/// Answers as a node does whose disk is full once a release is to be activated.
fn full<B>(request: &http::Request<B>) -> Served {
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::POST, "/v1/blobs/missing") => (StatusCode::OK, "[]".to_owned()),
        (&Method::POST, "/v1/apps/shop/releases") => {
            let digest = output::digest(&build("two"));
            let staged = format!(
                "{{\"release\":\"{digest}\",\"preview\":\"\",\"preview_header\":\"\",\"checked\":[]}}"
            );
            (StatusCode::OK, staged)
        }
        (&Method::POST, "/v1/apps/shop/activate") => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "{\"error\":\"its disk is full\"}".to_owned(),
        ),
        _ => (StatusCode::NOT_FOUND, "{\"error\":\"none\"}".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)).boxed());
    *response.status_mut() = status;
    response
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_broken_connection_has_brought_is_not_sent_again() {
    const FILE: u64 = 9 << 20;
    let edge = Edge::with(&["--admin", "127.0.0.1:0"]);
    let (url, token) = edge.network();
    let node = url.rsplit('/').next().unwrap().parse().unwrap();
    let long = Forged::new("one");
    let content: Vec<u8> = (0..FILE).map(|at| at.to_le_bytes()[1]).collect();
    long.replace_file(&content);
    let deploy = |wire: &Wire| -> Exit {
        let line = program().line("deploy --no-wait --app shop --host * --to");
        let line = line.arg(&wire.url()).env("WAYSTATION_TOKEN", &token);
        line.arg(long.root().to_str().unwrap()).run()
    };
    let breaks = Wire::to(node, FILE * 2 / 3).await; // in the second of three pieces
    let exit = deploy(&breaks);
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    assert!(exit.stderr.contains("cannot be reached"), "{}", exit.stderr);

    let holds = Wire::to(node, u64::MAX).await;
    let exit = deploy(&holds);
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert_eq!(edge.serves().await, "one");
    let sent = holds.sent();
    assert!((5 << 20..6 << 20).contains(&sent), "{sent} bytes"); // the first piece was there: 4 MiB
    let logo = edge.client().get("/logo.txt").await;
    assert_eq!(logo.body.len() as u64, FILE);
}

#[tokio::test]
async fn a_release_of_another_version_is_refused_by_the_node_itself() {
    let edge = Edge::with(&["--admin", "127.0.0.1:0"]);
    let (url, token) = edge.network();
    let admin = Client::new(url.rsplit('/').next().unwrap().parse().unwrap());
    let bearer = format!("Bearer {token}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let foreign = Forged::new("two");
    foreign.edit(|manifest| manifest["version"] = 99.into());
    let release = output::digest(foreign.root());
    let config = output::image(foreign.root())["config"]["digest"].clone();
    let config = config.as_str().unwrap().trim_start_matches("sha256:");
    for digest in [release.as_str(), config] {
        let text = fs::read_to_string(output::blob(foreign.root(), digest)).unwrap();
        let path = format!("/v1/blobs/{digest}?at=0&size={}", text.len());
        let put = admin.ask("PUT", &path, &headers, &text).await;
        assert_eq!(put.status, 200, "{}", put.line());
    }
    let stage = format!("{{\"release\":\"{release}\"}}");
    let refused = admin.post("/v1/apps/shop/releases", &headers, &stage).await;
    assert_eq!(refused.status, 422, "{}", refused.line());
    let fault = refused.json()["faults"][0].clone();
    assert!(fault.as_str().unwrap().contains("format 99"), "{fault}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_compiles_keeps_no_other_from_changing() {
    let edge = Edge::new();
    for release in ["one", "two", FAILING] {
        edge.deploy(release);
    }
    let blog = |line: &str| {
        let line = program().line(line).arg("--app").arg("blog");
        line.arg("--to").arg(&edge.socket())
    };
    for release in ["one", "two"] {
        let line = blog("deploy --no-wait --host blog.example");
        let exit = line.arg(build(release).to_str().unwrap()).run();
        assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    }
    for code in fs::read_dir(edge.data().join("code")).unwrap() {
        fs::remove_file(code.unwrap().path()).unwrap();
    }
    let digest = output::digest(&build("one")); // two steps back, so it is not loaded any more
    let back = edge.command("rollback", &build("one"));
    let mut back = back.arg("--release").arg(&digest[..12]).spawn();
    let compiler = wait_for("a compiler stands still", async || {
        edge.host.children().into_iter().find_map(Paused::of)
    })
    .await;

    let other = blog("rollback").arg(build("one").to_str().unwrap()).run();
    assert_eq!(other.code, Some(0), "{}", other.stderr);
    assert_eq!(edge.asked(&[("host", "blog.example")]).await, "one");
    assert!(edge.serves().await.starts_with("500"));
    assert!(back.is_running(), "{}", back.stderr());
    drop(compiler);
    assert_eq!(back.wait_for_exit().code(), Some(0), "{}", back.stderr());
    assert_eq!(edge.serves().await, "one");
}

/// What stands between a deployer and a node, counts what the deployer sends, and breaks after so many bytes.
struct Wire {
    address: SocketAddr,
    sent: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

impl Wire {
    async fn to(node: SocketAddr, most: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let sent = Arc::new(AtomicU64::new(0));
        let accepting = tokio::spawn({
            let sent = Arc::clone(&sent);
            async move {
                while let Ok((deployer, _)) = listener.accept().await {
                    if sent.load(Ordering::Relaxed) <= most {
                        tokio::spawn(carry(deployer, node, Arc::clone(&sent), most));
                    }
                }
            }
        });
        Self {
            address,
            sent,
            accepting,
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Carries bytes both ways until either end leaves, or the wire breaks.
async fn carry(deployer: TcpStream, node: SocketAddr, sent: Arc<AtomicU64>, most: u64) {
    let node = TcpStream::connect(node).await.unwrap();
    let (mut from_deployer, mut to_deployer) = deployer.into_split();
    let (mut from_node, mut to_node) = node.into_split();
    let forth = async {
        let mut bytes = vec![0; 16 << 10];
        while let Ok(read @ 1..) = from_deployer.read(&mut bytes).await {
            let all = sent.fetch_add(read as u64, Ordering::Relaxed) + read as u64;
            if most < all || to_node.write_all(&bytes[..read]).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = forth => {}
        _ = tokio::io::copy(&mut from_node, &mut to_deployer) => {}
    }
}
