//! A load: the same request again and again over connections that stay open, each waiting for its answer.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::ensure;
use bytes::Bytes;
use futures_util::future::try_join_all;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2 as client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// As many as wrk is usually given.
const CONNECTIONS: usize = 64;
/// Over HTTP/2 as many requests are under way at once, so many over each connection.
const STREAMS: usize = 16;

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

/// What is asked, again and again.
#[derive(Clone)]
pub(crate) struct Question {
    /// The paths, in turn.
    paths: Vec<String>,
    /// What is posted; nothing to a GET.
    body: Option<Bytes>,
    is_http2: bool,
}

impl Question {
    /// GET.
    pub(crate) fn get(path: &str) -> Self {
        Self::each([path.to_owned()])
    }

    /// GET of each path in turn.
    pub(crate) fn each(paths: impl IntoIterator<Item = String>) -> Self {
        Self {
            paths: paths.into_iter().collect(),
            body: None,
            is_http2: false,
        }
    }

    /// POST of so many bytes.
    pub(crate) fn post(path: &str, bytes: usize) -> Self {
        Self {
            body: Some(vec![b'x'; bytes].into()),
            ..Self::get(path)
        }
    }

    /// The same over HTTP/2, without asking for it first.
    pub(crate) fn over_http2(self) -> Self {
        Self {
            is_http2: true,
            ..self
        }
    }
}

/// Asks for so long. Every answer has to be a good one.
pub(crate) async fn run(
    address: SocketAddr,
    question: &Question,
    time: Duration,
) -> anyhow::Result<Load> {
    let times = RefCell::new(Vec::new());
    let began = Instant::now();
    let until = began + time;
    if question.is_http2 {
        let connections =
            (0..CONNECTIONS / STREAMS).map(|_| http2(address, question, until, &times));
        try_join_all(connections).await?;
    } else {
        let requests = question
            .paths
            .iter()
            .map(|path| http1(address, path, question));
        let requests: Vec<_> = requests.collect();
        let connections =
            (0..CONNECTIONS).map(|first| ask(address, &requests, first, until, &times));
        try_join_all(connections).await?;
    }
    let rate = times.borrow().len() as f64 / began.elapsed().as_secs_f64();
    let mut times = times.into_inner();
    ensure!(!times.is_empty(), "nothing was answered");
    times.sort_unstable();
    Ok(Load { rate, times })
}

/// A request as it is sent.
fn http1(address: SocketAddr, path: &str, question: &Question) -> Vec<u8> {
    let request = match &question.body {
        None => format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n"),
        Some(body) => {
            let length = body.len();
            format!("POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}\r\n\r\n")
        }
    };
    let mut request = request.into_bytes();
    request.extend_from_slice(question.body.as_deref().unwrap_or_default());
    request
}

/// One connection over which one request at a time is asked, from the `first` on.
async fn ask(
    address: SocketAddr,
    requests: &[Vec<u8>],
    first: usize,
    until: Instant,
    times: &RefCell<Vec<Duration>>,
) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(16 << 10);
    let all = requests.iter().cycle();
    for request in all.skip(first * requests.len() / CONNECTIONS) {
        let began = Instant::now();
        if began >= until {
            break;
        }
        stream.write_all(request).await?;
        buffer.clear();
        let mut end = None;
        while !end.is_some_and(|end: End| end.is_reached(&buffer)) {
            ensure!(stream.read_buf(&mut buffer).await? > 0, "it hung up");
            end = match end {
                None => head(&buffer)?,
                known => known,
            };
        }
        times.borrow_mut().push(began.elapsed());
    }
    Ok(())
}

/// Where an answer ends.
#[derive(Clone, Copy)]
enum End {
    /// After so many bytes.
    Bytes(usize),
    /// With the last chunk.
    LastChunk,
}

impl End {
    fn is_reached(self, answer: &[u8]) -> bool {
        match self {
            Self::Bytes(all) => all <= answer.len(),
            Self::LastChunk => answer.ends_with(b"\r\n0\r\n\r\n"),
        }
    }
}

/// Where an answer ends, once its head is there.
fn head(answer: &[u8]) -> anyhow::Result<Option<End>> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&answer[..end])?;
    ensure!(head.starts_with("HTTP/1.1 2"), "it answers: {head}");
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    for (name, value) in fields {
        if name.eq_ignore_ascii_case("content-length") {
            return Ok(Some(End::Bytes(end + 4 + value.trim().parse::<usize>()?)));
        }
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return Ok(Some(End::LastChunk));
        }
    }
    anyhow::bail!("an answer without an end: {head}")
}

/// One connection over which [`STREAMS`] requests at a time are asked.
async fn http2(
    address: SocketAddr,
    question: &Question,
    until: Instant,
    times: &RefCell<Vec<Duration>>,
) -> anyhow::Result<()> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) =
        client::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let streams = (0..STREAMS).map(|first| {
        let mut sender = sender.clone();
        async move {
            for path in question.paths.iter().cycle().skip(first) {
                let began = Instant::now();
                if began >= until {
                    break;
                }
                let request = http::Request::builder()
                    .method(if question.body.is_some() {
                        "POST"
                    } else {
                        "GET"
                    })
                    .uri(format!("http://{address}{path}"))
                    .body(Full::new(question.body.clone().unwrap_or_default()))?;
                let answer = sender.send_request(request).await?;
                ensure!(
                    answer.status().is_success(),
                    "it answers: {}",
                    answer.status()
                );
                answer.into_body().collect().await?;
                times.borrow_mut().push(began.elapsed());
            }
            Ok(())
        }
    });
    try_join_all(streams).await?;
    drop(sender);
    Ok(connection.await??)
}
