//! A message's body: nothing, bytes known at once, or bytes still being made.

use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http::HeaderMap;
use wasip3::http::types as wasi;

use crate::call::Call;
use crate::error::{Error, Result};
use crate::outgoing;

/// The body of a request or a response.
///
/// As a [`Stream`] it gives the chunks in order. A chunk that is an error is the last: the body is cut short, and the client sees a
/// broken connection, never a clean end.
///
/// ```
/// use futures_util::stream;
/// use waystation::{Body, Response, Result};
///
/// pub fn get() -> Result<Response> {
///     Response::builder().header("content-type", "text/csv").body(Body::stream(stream::iter(["a,b\n", "1,2\n"])))
/// }
/// ```
pub struct Body(pub(crate) Kind);

pub(crate) enum Kind {
    Whole(Bytes),
    /// The same, made of text.
    Text(Bytes),
    Stream(Pin<Box<dyn Chunked>>),
}

/// A stream of chunks that brings the code to send it along, so that a route which streams nothing does not carry that code.
pub(crate) trait Chunked: Stream<Item = Result<Bytes>> {
    fn send(
        self: Pin<Box<Self>>,
        call: Rc<Call>,
        status: u16,
        headers: &HeaderMap,
    ) -> wasi::Response;
}

impl<S: Stream<Item = Result<Bytes>> + 'static> Chunked for S {
    fn send(
        self: Pin<Box<Self>>,
        call: Rc<Call>,
        status: u16,
        headers: &HeaderMap,
    ) -> wasi::Response {
        outgoing::send(call, status, headers, Body(Kind::Stream(self)))
    }
}

impl Body {
    /// No body.
    pub const fn empty() -> Self {
        Self(Kind::Whole(Bytes::new()))
    }

    /// A body that is made while it is sent. Each item is one chunk: bytes, text, or a `Result` of them.
    ///
    /// The next item is asked for when the client has taken the last one.
    pub fn stream<S>(stream: S) -> Self
    where
        S: Stream + 'static,
        S::Item: IntoChunk,
    {
        Self(Kind::Stream(Box::pin(Chunks(Box::pin(stream)))))
    }

    /// Whether it is known to hold nothing.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(&self.0, Kind::Whole(bytes) | Kind::Text(bytes) if bytes.is_empty())
    }

    /// Waits for the next chunk; `None` at the end.
    pub async fn chunk(&mut self) -> Option<Result<Bytes>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Waits for all of it.
    ///
    /// # Errors
    ///
    /// The stream's own, such as a request body that ended early.
    pub async fn bytes(mut self) -> Result<Bytes> {
        if let Kind::Whole(bytes) | Kind::Text(bytes) = self.0 {
            return Ok(bytes);
        }
        let mut all = Vec::new();
        while let Some(chunk) = self.chunk().await {
            all.extend_from_slice(&chunk?);
        }
        Ok(all.into())
    }
}

impl Stream for Body {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.get_mut().0 {
            Kind::Whole(bytes) | Kind::Text(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Whole(bytes) | Kind::Text(bytes) => Poll::Ready(Some(Ok(std::mem::take(bytes)))),
            Kind::Stream(stream) => stream.as_mut().poll_next(cx),
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Whole(bytes) | Kind::Text(bytes) => f.debug_tuple("Body").field(bytes).finish(),
            Kind::Stream(_) => f.write_str("Body(stream)"),
        }
    }
}

macro_rules! body_from {
    ($kind:ident: $($source:ty),*) => {$(
        impl From<$source> for Body {
            fn from(whole: $source) -> Self {
                Self(Kind::$kind(whole.into()))
            }
        }
    )*};
}

body_from!(Whole: Bytes, Vec<u8>, &'static [u8]);
body_from!(Text: String, &'static str);

impl From<()> for Body {
    fn from((): ()) -> Self {
        Self::empty()
    }
}

/// What a stream of a body may hold: bytes, text, or a `Result` of them.
///
/// ```
/// use futures_util::{Stream, StreamExt, stream};
/// use waystation::{Error, IntoChunk, Response};
///
/// fn lines() -> impl Stream<Item = impl IntoChunk> {
///     stream::iter(["1", "2", "x"]).map(|text| Ok::<_, Error>(format!("{}\n", text.parse::<u32>()?)))
/// }
///
/// pub fn get() -> Response {
///     Response::stream(lines()) // "1\n2\n", then it is cut short
/// }
/// ```
pub trait IntoChunk {
    /// The chunk, or why there are no more.
    ///
    /// # Errors
    ///
    /// If the item is an `Err`; the body ends there, cut short.
    fn into_chunk(self) -> Result<Bytes>;
}

macro_rules! chunk_from {
    ($($source:ty),*) => {$(
        impl IntoChunk for $source {
            fn into_chunk(self) -> Result<Bytes> {
                Ok(self.into())
            }
        }
    )*};
}

chunk_from!(Bytes, Vec<u8>, String, &'static str, &'static [u8]);

impl<T: Into<Bytes>, E: Into<Error>> IntoChunk for std::result::Result<T, E> {
    fn into_chunk(self) -> Result<Bytes> {
        self.map(Into::into).map_err(Into::into)
    }
}

struct Chunks<S>(Pin<Box<S>>);

impl<S> Stream for Chunks<S>
where
    S: Stream,
    S::Item: IntoChunk,
{
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0
            .as_mut()
            .poll_next(cx)
            .map(|next| next.map(IntoChunk::into_chunk))
    }
}
