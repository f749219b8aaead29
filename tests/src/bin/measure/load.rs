//! A load: the same request again and again over connections that stay open, each waiting for its answer.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// As many as wrk is usually given.
const CONNECTIONS: usize = 64;

/// What came of a load.
pub(crate) struct Load {
    /// Answers per second.
    pub(crate) rate: f64,
    /// The time of each answer, sorted.
    times: Vec<Duration>,
}

impl Load {
    /// The time within which such a share of the answers came: 0.99 is p99.
    pub(crate) fn within(&self, share: f64) -> Duration {
        let last = self.times.len() - 1;
        self.times[(last as f64 * share) as usize]
    }
}

/// Asks for a path for so long. Every answer has to be 200.
pub(crate) async fn run(address: SocketAddr, path: &str, time: Duration) -> anyhow::Result<Load> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n");
    let times = RefCell::new(Vec::new());
    let began = Instant::now();
    let connections = (0..CONNECTIONS).map(|_| ask(address, &request, began + time, &times));
    futures_util::future::try_join_all(connections).await?;
    let rate = times.borrow().len() as f64 / began.elapsed().as_secs_f64();
    let mut times = times.into_inner();
    ensure!(!times.is_empty(), "{path} was not answered");
    times.sort_unstable();
    Ok(Load { rate, times })
}

async fn ask(
    address: SocketAddr,
    request: &str,
    until: Instant,
    times: &RefCell<Vec<Duration>>,
) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(16 << 10);
    loop {
        let began = Instant::now();
        if began >= until {
            return Ok(());
        }
        stream.write_all(request.as_bytes()).await?;
        buffer.clear();
        let mut missing = None;
        while missing != Some(0) {
            ensure!(stream.read_buf(&mut buffer).await? > 0, "it hung up");
            let whole = head(&buffer)?.map(|(head, body)| head + body);
            missing = whole.map(|whole| whole.saturating_sub(buffer.len()));
        }
        times.borrow_mut().push(began.elapsed());
    }
}

/// How long an answer's head and body are, once the head is there.
fn head(answer: &[u8]) -> anyhow::Result<Option<(usize, usize)>> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&answer[..end])?;
    ensure!(head.starts_with("HTTP/1.1 200 "), "it answers: {head}");
    let length = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let (_, length) = length.context("an answer without a length")?;
    Ok(Some((end + 4, length.parse()?)))
}
