//! A Redis for a test, and a proxy that makes one slow.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::redis::{Client, Cmd, Connection, FromRedisValue};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// How long a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where nothing may go untested, as in `.ci/run`.
const DEMANDED: &str = "WAYSTATION_TEST_REDIS";

/// A redis-server that keeps nothing over a restart. It is killed on drop.
pub(super) struct Server {
    pub port: u16,
    child: Option<Child>,
}

impl Server {
    /// None where there is no `redis-server`, unless [`DEMANDED`] is set: then there has to be one.
    pub(super) fn start() -> Option<Self> {
        let version = Command::new("redis-server").arg("--version").output();
        if version.is_err() && std::env::var_os(DEMANDED).is_none() {
            eprintln!("not tested: there is no `redis-server` (apt-get install redis-server)");
            return None;
        }
        let mut server = Self::none();
        server.restart();
        Some(server)
    }

    /// A port where nothing listens.
    pub(super) fn none() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { port, child: None }
    }

    /// Starts it, empty, on its port.
    pub(super) fn restart(&mut self) {
        let port = self.port.to_string();
        let options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
        let child = Command::new("redis-server")
            .args(["--port", &port])
            .args(options)
            .stdout(Stdio::null())
            .spawn()
            .expect("this test takes a `redis-server`: apt-get install redis-server");
        self.child = Some(child);
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(Instant::now() < until, "redis-server does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// As by a power failure.
    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    pub(super) fn ask<T: FromRedisValue>(&self, command: &Cmd) -> T {
        command.query(&mut self.connection()).unwrap()
    }

    fn connection(&self) -> Connection {
        Client::open(self.url()).unwrap().get_connection().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Forwards to a server, and its answers after a while. In milliseconds.
pub(super) async fn proxy(to: u16) -> (u16, Arc<AtomicU64>) {
    let slowness = Arc::new(AtomicU64::new(0));
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listener = listener.await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let slow = Arc::clone(&slowness);
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let server = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, to));
            let (from_server, to_server) = server.await.unwrap().into_split();
            let (from_client, to_client) = client.into_split();
            tokio::spawn(forward(from_client, to_server, Arc::default()));
            tokio::spawn(forward(from_server, to_client, Arc::clone(&slow)));
        }
    });
    (port, slowness)
}

/// Until either side ends.
async fn forward(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    slowness: Arc<AtomicU64>,
) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        tokio::time::sleep(Duration::from_millis(slowness.load(Ordering::Relaxed))).await;
        if to.write_all(&bytes[..length]).await.is_err() {
            break;
        }
    }
}

/// Looks again and again until it is so, and gives back how long that took.
pub(super) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !is_so().await {
        assert!(
            begun.elapsed() < PATIENCE,
            "not within {PATIENCE:?}: {what}"
        );
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    begun.elapsed()
}
