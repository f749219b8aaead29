//! A request body that proxies and then the route read, each only so far.
//!
//! One that is not read to its end, because the answer came first, is read on for a little while: a client that sends a short body then
//! sees the answer and can go on with its connection. Of a long one the rest is not wanted, and the connection ends (threat model, 3.1).

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::EXPECT;
use http_body::{Body as _, Frame, SizeHint};
use wasmtime_wasi_http::{Error, WasiBody};

/// What is read of a body that nobody wants, and for how long.
const DRAINED: usize = 64 << 10;
const DRAINING: Duration = Duration::from_secs(1);

/// A client's body on its way to the route, with what a proxy has read of it (row PX10).
///
/// Nothing is read ahead: what no proxy asks for is not held.
#[derive(Debug, Default)]
pub struct Upload {
    read: VecDeque<Read>,
    /// None once it is with somebody else.
    incoming: Option<Incoming>,
    /// All of it has come.
    is_done: bool,
    /// The client waits for 100 before it sends the body, so there is nothing to read on.
    is_awaited: bool,
}

/// Where a body comes from.
#[derive(Debug)]
enum Incoming {
    Client(hyper::body::Incoming),
    /// A handler of the same app.
    Guest(WasiBody),
}

/// A part that was read.
#[derive(Clone, Debug)]
enum Read {
    Data(Bytes),
    Trailers(HeaderMap),
    /// The client went away here.
    Broken,
}

/// A body that a proxy may read while its request waits.
#[derive(Debug)]
pub struct Lent(Arc<Mutex<Upload>>);

/// A client's body under a guest's `BODY_LIMIT`.
///
/// It counts what arrives, so a body without `Content-Length` cannot pass the limit either.
#[derive(Debug)]
pub struct RequestBody {
    source: Source,
    left: u64,
    limit: u64,
}

#[derive(Debug)]
enum Source {
    None,
    /// To the end.
    Own(Upload),
    /// From this part on, for another will read it too.
    Lent(Arc<Mutex<Upload>>, usize),
}

impl Upload {
    /// A client's request, whose body nobody has read.
    pub fn of_client(request: http::Request<hyper::body::Incoming>) -> http::Request<Self> {
        let is_awaited = request.headers().contains_key(EXPECT);
        request.map(|body| Self::new(Incoming::Client(body), is_awaited))
    }

    /// What a handler of the same app sends.
    pub fn of_guest(body: WasiBody) -> Self {
        Self::new(Incoming::Guest(body), false)
    }

    fn new(incoming: Incoming, is_awaited: bool) -> Self {
        Self {
            read: VecDeque::new(),
            incoming: Some(incoming),
            is_done: false,
            is_awaited,
        }
    }

    /// Lends it to a proxy.
    pub fn lend(self) -> Lent {
        Lent(Arc::new(Mutex::new(self)))
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Read, Error>>> {
        if self.is_done {
            return Poll::Ready(None);
        }
        let Some(incoming) = &mut self.incoming else {
            return Poll::Ready(Some(Ok(Read::Broken))); // it was taken back: an end would be taken for the body's
        };
        let frame = ready!(incoming.poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.incoming = None;
            self.is_done = frame.is_none();
        }
        Poll::Ready(frame.map(|frame| {
            Ok(match frame?.into_data() {
                Ok(data) => Read::Data(data),
                Err(frame) => frame.into_trailers().map_or(Read::Broken, Read::Trailers),
            })
        }))
    }

    fn is_over(&self, at: usize) -> bool {
        let is_over = self.is_done || self.incoming.as_ref().is_some_and(Incoming::is_end_stream);
        self.read.len() <= at && is_over
    }

    fn size_hint(&self) -> SizeHint {
        let read = self.read.iter().map(Read::length).sum::<u64>();
        let rest = match (&self.incoming, self.is_done) {
            (_, true) => SizeHint::with_exact(0),
            (Some(incoming), false) => incoming.size_hint(),
            (None, false) => SizeHint::default(),
        };
        let mut hint = SizeHint::new();
        hint.set_lower(read + rest.lower());
        if let Some(upper) = rest.upper() {
            hint.set_upper(read + upper);
        }
        hint
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(Incoming::Client(body)) = self.incoming.take()
            && !body.is_end_stream()
            && !self.is_awaited
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(tokio::time::timeout(DRAINING, drain(body)));
        }
    }
}

/// Reads on; dropping a body before its end ends the connection, or resets the stream.
async fn drain(mut body: hyper::body::Incoming) {
    let mut left = DRAINED;
    while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(length) {
            Some(less) => left = less,
            None => return,
        }
    }
}

impl Incoming {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self {
            Self::Client(body) => Pin::new(body).poll_frame(cx).map_err(Error::from),
            Self::Guest(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Client(body) => body.is_end_stream(),
            Self::Guest(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Client(body) => body.size_hint(),
            Self::Guest(body) => body.size_hint(),
        }
    }
}

impl Read {
    fn length(&self) -> u64 {
        match self {
            Self::Data(data) => data.len() as u64,
            Self::Trailers(_) | Self::Broken => 0,
        }
    }

    fn into_frame(self) -> Result<Frame<Bytes>, Error> {
        match self {
            Self::Data(data) => Ok(Frame::data(data)),
            Self::Trailers(trailers) => Ok(Frame::trailers(trailers)),
            Self::Broken => Err(Error::HttpProtocolError),
        }
    }
}

impl Lent {
    /// The body for the proxy, which may read `limit` bytes of it.
    pub fn body(&self, limit: u64) -> RequestBody {
        RequestBody {
            source: Source::Lent(Arc::clone(&self.0), 0),
            left: limit,
            limit,
        }
    }

    /// Takes it back whole. What the proxy still reads is an error to it.
    pub fn take_back(self) -> Upload {
        std::mem::take(&mut *lock(&self.0))
    }
}

impl RequestBody {
    /// Lets `limit` bytes of `body` through.
    pub fn limited(body: Upload, limit: u64) -> Self {
        Self {
            source: Source::Own(body),
            left: limit,
            limit,
        }
    }

    /// No body, whatever the client sends: what GET and HEAD get (row Q8).
    pub fn none() -> Self {
        Self {
            source: Source::None,
            left: 0,
            limit: 0,
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Read, Error>>> {
        match &mut self.source {
            Source::None => Poll::Ready(None),
            Source::Own(upload) => match upload.read.pop_front() {
                Some(read) => Poll::Ready(Some(Ok(read))),
                None => upload.poll(cx),
            },
            Source::Lent(upload, at) => {
                let mut upload = lock(upload);
                let read = match upload.read.get(*at).cloned() {
                    Some(read) => Ok(read),
                    None => {
                        let Some(read) = ready!(upload.poll(cx)) else {
                            return Poll::Ready(None);
                        };
                        let kept = read.as_ref().map_or(Read::Broken, Read::clone);
                        upload.read.push_back(kept);
                        read
                    }
                };
                *at += 1;
                Poll::Ready(Some(read))
            }
        }
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let read = match ready!(self.poll_read(cx)) {
            None => return Poll::Ready(None),
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            Some(Ok(read)) => read,
        };
        match self.left.checked_sub(read.length()) {
            Some(left) => {
                self.left = left;
                Poll::Ready(Some(read.into_frame()))
            }
            None => {
                self.source = Source::None;
                Poll::Ready(Some(Err(Error::HttpRequestBodySize(Some(self.limit)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::None => true,
            Source::Own(upload) => upload.is_over(0),
            Source::Lent(upload, at) => lock(upload).is_over(*at),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::None => SizeHint::with_exact(0),
            Source::Own(upload) => upload.size_hint(),
            Source::Lent(..) => SizeHint::default(),
        }
    }
}

fn lock(upload: &Mutex<Upload>) -> MutexGuard<'_, Upload> {
    upload.lock().unwrap_or_else(PoisonError::into_inner)
}
