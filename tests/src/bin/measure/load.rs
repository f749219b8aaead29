//! A load: the same request again and again over connections that stay open, each waiting for its answer.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
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
pub(crate) const CONNECTIONS: usize = 64;
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
pub(crate) struct Question {
    /// In turn.
    parts: Vec<Part>,
    is_http2: bool,
}

/// One request, and the answer that is a good one.
struct Part {
    path: String,
    /// What is posted; nothing to a GET.
    body: Option<Bytes>,
    status: u16,
    /// Any, if that is not said.
    answer: Option<Bytes>,
}

impl Question {
    /// GET.
    pub(crate) fn get(path: &str) -> Self {
        Self::each([path.to_owned()])
    }

    /// GET of each path in turn.
    pub(crate) fn each(paths: impl IntoIterator<Item = String>) -> Self {
        let part = |path| Part {
            path,
            body: None,
            status: 200,
            answer: None,
        };
        Self {
            parts: paths.into_iter().map(part).collect(),
            is_http2: false,
        }
    }

    /// POST of so many bytes.
    pub(crate) fn post(path: &str, bytes: usize) -> Self {
        let mut question = Self::get(path);
        for part in &mut question.parts {
            part.body = Some(vec![b'x'; bytes].into());
        }
        question
    }

    /// Each of these in turn.
    pub(crate) fn mixed(questions: impl IntoIterator<Item = Self>) -> Self {
        Self {
            parts: questions.into_iter().flat_map(|one| one.parts).collect(),
            is_http2: false,
        }
    }

    /// The same where another status than 200 is the good one.
    pub(crate) fn answered_by(mut self, status: u16) -> Self {
        for part in &mut self.parts {
            part.status = status;
        }
        self
    }

    /// The same where every answer has to have this body.
    pub(crate) fn answered_with(mut self, answer: impl Into<Bytes>) -> Self {
        let answer = answer.into();
        for part in &mut self.parts {
            part.answer = Some(answer.clone());
        }
        self
    }

    /// The same over HTTP/2, without asking for it first.
    pub(crate) fn over_http2(self) -> Self {
        Self {
            is_http2: true,
            ..self
        }
    }
}

/// How much is asked.
#[derive(Clone, Copy)]
pub(crate) enum Amount {
    /// For so long.
    Time(Duration),
    /// So many requests.
    Requests(usize),
}

/// A load on its way.
struct Run {
    until: Option<Instant>,
    left: Cell<usize>,
    times: RefCell<Vec<Duration>>,
}

impl Run {
    fn new(began: Instant, amount: Amount) -> Self {
        let (until, left) = match amount {
            Amount::Time(time) => (Some(began + time), usize::MAX),
            Amount::Requests(requests) => (None, requests),
        };
        Self {
            until,
            left: Cell::new(left),
            times: RefCell::default(),
        }
    }

    /// When the next request begins; none if there is no next.
    fn next(&self) -> Option<Instant> {
        let now = Instant::now();
        let is_late = self.until.is_some_and(|until| until <= now);
        let left = self.left.get().checked_sub(1).filter(|_| !is_late)?;
        self.left.set(left);
        Some(now)
    }
}

/// Asks so much. Every answer has to be a good one.
pub(crate) async fn run(
    address: SocketAddr,
    question: &Question,
    amount: Amount,
) -> anyhow::Result<Load> {
    over(CONNECTIONS, address, question, amount).await
}

/// The same with so many requests at once: a connection each, and over HTTP/2 one for every [`STREAMS`] of them or less.
pub(crate) async fn over(
    at_once: usize,
    address: SocketAddr,
    question: &Question,
    amount: Amount,
) -> anyhow::Result<Load> {
    let began = Instant::now();
    let run = Run::new(began, amount);
    if question.is_http2 {
        let connections = (0..at_once.div_ceil(STREAMS)).map(|_| http2(address, question, &run));
        awake(try_join_all(connections)).await?;
    } else {
        let parts = question.parts.iter();
        let requests: Vec<_> = parts.map(|part| (http1(address, part), part)).collect();
        let connections = (0..at_once).map(|first| ask(address, &requests, first, &run));
        awake(try_join_all(connections)).await?;
    }
    let mut times = run.times.into_inner();
    let rate = times.len() as f64 / began.elapsed().as_secs_f64();
    ensure!(!times.is_empty(), "nothing was answered");
    times.sort_unstable();
    Ok(Load { rate, times })
}

/// Waits without sleeping. Whoever writes to a client that sleeps has to wake its processor, which is some 10 us of a virtual machine's
/// time: a server that is slower than its client would be charged for them at each answer.
async fn awake<T>(load: impl Future<Output = T>) -> T {
    let never = async {
        loop {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        done = load => done,
        () = never => unreachable!("it has no end"),
    }
}

/// A request as it is sent.
fn http1(address: SocketAddr, Part { path, body, .. }: &Part) -> Vec<u8> {
    let request = match body {
        None => format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n"),
        Some(body) => {
            let length = body.len();
            format!("POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}\r\n\r\n")
        }
    };
    let mut request = request.into_bytes();
    request.extend_from_slice(body.as_deref().unwrap_or_default());
    request
}

/// One connection over which one request at a time is asked, from the `first` on.
async fn ask(
    address: SocketAddr,
    requests: &[(Vec<u8>, &Part)],
    first: usize,
    run: &Run,
) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(16 << 10);
    let all = requests.iter().cycle();
    for (request, part) in all.skip(first * requests.len() / CONNECTIONS) {
        let Some(began) = run.next() else {
            break;
        };
        stream.write_all(request).await?;
        buffer.clear();
        let mut end = None;
        let body = loop {
            if let Some((head, end)) = end
                && let Some(body) = whole(&buffer[head..], end)
            {
                break body;
            }
            ensure!(stream.read_buf(&mut buffer).await? > 0, "it hung up");
            end = match end {
                None => head(&buffer, part.status)?,
                known => known,
            };
        };
        run.times.borrow_mut().push(began.elapsed());
        part.check(&body)?;
    }
    Ok(())
}

impl Part {
    fn check(&self, body: &[u8]) -> anyhow::Result<()> {
        let is_good = self.answer.as_ref().is_none_or(|answer| answer == body);
        let said = String::from_utf8_lossy(&body[..body.len().min(200)]);
        ensure!(is_good, "{} is answered with: {said}", self.path);
        Ok(())
    }
}

/// Where a body ends.
#[derive(Clone, Copy)]
enum End {
    /// After so many bytes.
    Bytes(usize),
    /// With the last chunk.
    LastChunk,
}

/// A body, once all of it is there.
fn whole(sent: &[u8], end: End) -> Option<Cow<'_, [u8]>> {
    match end {
        End::Bytes(length) => sent.get(..length).map(Cow::Borrowed),
        End::LastChunk if sent.ends_with(b"0\r\n\r\n") => Some(chunks(sent)?.into()),
        End::LastChunk => None,
    }
}

/// What the chunks hold, once the last one is there.
fn chunks(mut sent: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = sent.windows(2).position(|two| two == b"\r\n")?;
        let length = str::from_utf8(&sent[..end]).ok()?;
        let length = usize::from_str_radix(length, 16).ok()?;
        let chunk = sent.get(end + 2..end + 2 + length)?;
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(chunk);
        sent = sent.get(end + 2 + length + 2..)?;
    }
}

/// How long an answer's head is, and where its body ends, once the head is there.
fn head(answer: &[u8], status: u16) -> anyhow::Result<Option<(usize, End)>> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&answer[..end])?;
    let is_good = head.strip_prefix("HTTP/1.1 ");
    let is_good = is_good.is_some_and(|line| line.starts_with(&status.to_string()));
    ensure!(is_good, "it answers, where {status} is due: {head}");
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    for (name, value) in fields {
        if name.eq_ignore_ascii_case("content-length") {
            return Ok(Some((end + 4, End::Bytes(value.trim().parse()?))));
        }
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return Ok(Some((end + 4, End::LastChunk)));
        }
    }
    anyhow::bail!("an answer without an end: {head}")
}

/// One connection over which [`STREAMS`] requests at a time are asked.
async fn http2(address: SocketAddr, question: &Question, run: &Run) -> anyhow::Result<()> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) =
        client::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let streams = (0..STREAMS).map(|first| {
        let mut sender = sender.clone();
        async move {
            for part in question.parts.iter().cycle().skip(first) {
                let Some(began) = run.next() else {
                    break;
                };
                let method = match part.body {
                    Some(_) => "POST",
                    None => "GET",
                };
                let request = http::Request::builder()
                    .method(method)
                    .uri(format!("http://{address}{}", part.path))
                    .body(Full::new(part.body.clone().unwrap_or_default()))?;
                let answer = sender.send_request(request).await?;
                ensure!(
                    answer.status() == part.status,
                    "it answers, where {} is due: {}",
                    part.status,
                    answer.status()
                );
                let body = answer.into_body().collect().await?.to_bytes();
                run.times.borrow_mut().push(began.elapsed());
                part.check(&body)?;
            }
            Ok(())
        }
    });
    try_join_all(streams).await?;
    drop(sender);
    Ok(connection.await??)
}
