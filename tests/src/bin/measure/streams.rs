//! What a connection costs in memory: one that is idle, and one over which a guest streams.
//!
//! A page that the instances of a component share, for none of them has written to it, counts once.

use std::net::SocketAddr;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use waystation_tests::{App, Client, Program};

use super::steady::{self, Look};
use super::{HELLO, built};

/// As many as a host that is not told otherwise has places.
const CONNECTIONS: usize = 1_000;
/// How many are opened at once.
const AT_ONCE: usize = 16;
const LINE: &str = "a line of the stream";
/// What a stream should take at most.
const TARGET: u64 = 100 << 10;

/// Measures a new host for each kind, so that none has the memory of another.
pub(crate) async fn run(program: &Program) -> anyhow::Result<()> {
    let stream = format!(
        "use std::time::Duration;\nuse waystation::*;\n\n\
         pub fn get() -> Response {{\n    Response::writer(async |mut body: Writer| {{\n        \
         body.write({LINE:?}).await?;\n        sleep(Duration::from_secs(3_600)).await;\n        Ok(())\n    }})\n}}\n"
    );
    let app = App::new(&[
        (
            "app/hello/route.rs",
            &format!("pub fn get() -> &'static str {{ {HELLO:?} }}\n"),
        ),
        ("app/stream/route.rs", &stream),
        (
            "waystation.toml",
            &format!("[limits]\nroute_concurrency = {CONNECTIONS}\n"),
        ),
    ]);
    built(program, &app)?;
    println!(
        "| {CONNECTIONS} connections | memory before | with all | each | once they are closed |"
    );
    println!("|---|---|---|---|---|");
    let mut each = 0;
    for (what, path, until) in [
        ("idle after an answer", "/hello", HELLO),
        ("each with a stream that goes on", "/stream", LINE),
    ] {
        let host = program.start(app.root());
        let address = host.address();
        let sockets = steady::sockets(&host.descriptors()); // of nobody who is connected
        Client::new(address).get("/hello").await;
        Look::at(&host, sockets).await?;
        let before = host.memory_of_its_own();
        let open: Vec<_> = stream::iter(0..CONNECTIONS)
            .map(|_| open(address, path, until))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let all = host.memory_of_its_own();
        each = all.saturating_sub(before) / CONNECTIONS as u64;
        drop(open);
        Look::at(&host, sockets).await?;
        let after = host.memory_of_its_own();
        println!(
            "| {what} | {} MiB | {} MiB | {} KiB | {} MiB |",
            before >> 20,
            all >> 20,
            each >> 10,
            after >> 20
        );
    }
    anyhow::ensure!(
        each <= TARGET,
        "a stream takes {} KiB, and may take {}",
        each >> 10,
        TARGET >> 10
    );
    Ok(())
}

/// A connection that has asked once, and has read up to the end of `until`.
async fn open(address: SocketAddr, path: &str, until: &str) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer
        .windows(until.len())
        .any(|part| part == until.as_bytes())
    {
        anyhow::ensure!(stream.read_buf(&mut answer).await? > 0, "it hung up");
    }
    let head = String::from_utf8_lossy(&answer);
    anyhow::ensure!(head.starts_with("HTTP/1.1 200"), "it answers: {head}");
    Ok(stream)
}
