//! Server-sent events: a stream of text messages that a browser reads with `EventSource`.
//!
//! In: [`Event`]s. Out: a `text/event-stream` body. How an event is written down is here and nowhere else.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;

use crate::body::{Body, Chunked};
use crate::error::{Error, Result};
use crate::into_response::IntoResponse;
use crate::response::Response;
use crate::time::sleep;
use crate::writer::{Writer as ChunkWriter, written};

/// One event.
///
/// ```
/// use waystation::sse::Event;
///
/// let event = Event::data("two\nlines").event("update").id("7");
/// assert_eq!(event.to_string(), "event: update\nid: 7\ndata: two\ndata: lines\n\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    fields: String,
    data: Option<String>,
}

impl Event {
    /// An event with this text, of one or more lines.
    pub fn data(text: impl Into<String>) -> Self {
        Self {
            fields: String::new(),
            data: Some(text.into()),
        }
    }

    /// An event with a value as JSON.
    ///
    /// # Errors
    ///
    /// If the value cannot be JSON, such as a map whose keys are not strings.
    pub fn json(value: &(impl serde::Serialize + ?Sized)) -> Result<Self> {
        Ok(Self::data(serde_json::to_string(value)?))
    }

    /// A comment: browsers ignore it, and proxies see that the connection lives.
    ///
    /// ```
    /// # use waystation::sse::Event;
    /// assert_eq!(Event::comment("still here").to_string(), ": still here\n\n");
    /// ```
    pub fn comment(text: impl AsRef<str>) -> Self {
        let mut event = Self::default();
        for line in lines(text.as_ref()) {
            event.push("", line);
        }
        event
    }

    /// Names the event; the browser calls the listeners of this name.
    #[must_use]
    pub fn event(self, name: impl AsRef<str>) -> Self {
        self.field("event", name.as_ref())
    }

    /// What the browser sends as `Last-Event-ID` when it connects again.
    #[must_use]
    pub fn id(self, id: impl AsRef<str>) -> Self {
        let id = id.as_ref().replace('\0', "");
        self.field("id", &id)
    }

    /// How long the browser waits before it connects again; sent in milliseconds.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use waystation::sse::Event;
    /// let event = Event::data("full").retry(Duration::from_secs(3));
    /// assert_eq!(event.to_string(), "retry: 3000\ndata: full\n\n");
    /// ```
    #[must_use]
    pub fn retry(self, wait: Duration) -> Self {
        self.field("retry", &wait.as_millis().to_string())
    }

    /// A field that has one line: line ends would start another field, so they become spaces.
    fn field(mut self, name: &str, value: &str) -> Self {
        self.push(name, &value.replace(['\r', '\n'], " "));
        self
    }

    fn push(&mut self, name: &str, line: &str) {
        write_field(&mut self.fields, name, line);
    }
}

/// The event as it is sent, with its empty line.
impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.fields)?;
        let mut data = String::new();
        for line in self.data.iter().flat_map(|text| lines(text)) {
            write_field(&mut data, "data", line);
        }
        writeln!(f, "{data}")
    }
}

fn write_field(into: &mut String, name: &str, line: &str) {
    into.push_str(name);
    into.push_str(": ");
    into.push_str(line);
    into.push('\n');
}

/// Lines as an event stream counts them: ended by `\r\n`, `\n` or `\r`.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\r', '\n']) else {
            return rest.take();
        };
        let after = if text[end..].starts_with("\r\n") {
            end + 2
        } else {
            end + 1
        };
        rest = Some(&text[after..]);
        Some(&text[..end])
    })
}

/// An answer made of events.
///
/// ```
/// use std::time::Duration;
/// use waystation::sse::{Event, Sse};
/// use waystation::sleep;
///
/// pub async fn get() -> Sse {
///     Sse::writer(|mut events| async move {
///         for n in 0..10 {
///             events.send(Event::data(n.to_string())).await?;
///             sleep(Duration::from_secs(60)).await;
///         }
///         Ok(())
///     })
///     .keep_alive(Duration::from_secs(15))
/// }
/// ```
#[must_use = "events are sent once the handler returns them"]
pub struct Sse {
    chunks: Pin<Box<dyn Chunked>>,
    keep_alive: Option<Duration>,
}

impl Sse {
    /// The events of a stream; an `Err` cuts the answer short.
    pub fn new<S>(events: S) -> Self
    where
        S: Stream + 'static,
        S::Item: IntoEvent,
    {
        Self {
            chunks: Box::pin(Events(Box::pin(events))),
            keep_alive: None,
        }
    }

    /// The events that an async block sends; an `Err` cuts the answer short.
    pub fn writer<F, W>(write: F) -> Self
    where
        F: FnOnce(Writer) -> W + 'static,
        W: Future<Output = Result<()>> + 'static,
    {
        Self {
            chunks: Box::pin(written(|writer| write(Writer(writer)))),
            keep_alive: None,
        }
    }

    /// Sends a comment whenever nothing else was sent for so long, so that no proxy closes the connection.
    pub fn keep_alive(mut self, every: Duration) -> Self {
        self.keep_alive = Some(every);
        self
    }

    pub(crate) fn into_answer(self) -> Response {
        let body = match self.keep_alive {
            None => Body(crate::body::Kind::Stream(self.chunks)),
            Some(every) => Body::stream(KeepAlive {
                chunks: self.chunks,
                every,
                quiet: None,
            }),
        };
        Response::event_stream(body)
    }
}

impl IntoResponse for Sse {
    fn into_response(self) -> Result<Response> {
        Ok(self.into_answer())
    }
}

impl std::fmt::Debug for Sse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sse")
            .field("keep_alive", &self.keep_alive)
            .finish_non_exhaustive()
    }
}

/// Where [`Sse::writer`] sends its events.
///
/// ```
/// use waystation::sse::{Event, Sse};
/// use waystation::testing::TestRequest;
///
/// fn get() -> Sse {
///     Sse::writer(|mut events| async move { events.send(Event::data("hello")).await })
/// }
///
/// assert_eq!(TestRequest::get("/").call(get).text(), "data: hello\n\n");
/// ```
#[derive(Debug)]
pub struct Writer(ChunkWriter);

impl Writer {
    /// Sends one event and waits until the client has taken it.
    ///
    /// # Errors
    ///
    /// As for [`crate::Writer::write`].
    pub async fn send(&mut self, event: Event) -> Result<()> {
        self.0.write(event.to_string()).await
    }
}

/// What a stream of events may hold: an [`Event`] or a `Result` of one.
///
/// ```
/// use futures_util::{Stream, stream};
/// use waystation::sse::{Event, IntoEvent, Sse};
///
/// fn ticks() -> impl Stream<Item = impl IntoEvent> {
///     stream::iter([Event::json(&1), Event::json(&2)]) // each a `Result`
/// }
///
/// pub fn get() -> Sse {
///     Sse::new(ticks())
/// }
/// ```
pub trait IntoEvent {
    /// The event, or why there are no more.
    ///
    /// # Errors
    ///
    /// If the item is an `Err`; the answer ends there, cut short.
    fn into_event(self) -> Result<Event>;
}

impl IntoEvent for Event {
    fn into_event(self) -> Result<Event> {
        Ok(self)
    }
}

impl<E: Into<Error>> IntoEvent for std::result::Result<Event, E> {
    fn into_event(self) -> Result<Event> {
        self.map_err(Into::into)
    }
}

struct Events<S>(Pin<Box<S>>);

impl<S> Stream for Events<S>
where
    S: Stream,
    S::Item: IntoEvent,
{
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let written = |item: S::Item| item.into_event().map(|event| event.to_string().into());
        self.0.as_mut().poll_next(cx).map(|next| next.map(written))
    }
}

struct KeepAlive {
    chunks: Pin<Box<dyn Chunked>>,
    every: Duration,
    quiet: Option<Pin<Box<dyn Future<Output = ()>>>>,
}

impl Stream for KeepAlive {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(next) = self.chunks.as_mut().poll_next(cx) {
            self.quiet = None;
            return Poll::Ready(next);
        }
        let every = self.every;
        let quiet = self.quiet.get_or_insert_with(|| Box::pin(sleep(every)));
        if quiet.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.quiet = None;
        Poll::Ready(Some(Ok(Bytes::from_static(b":\n\n"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_written_field_by_field() {
        check(Event::data("hi"), "data: hi\n\n");
        check(
            Event::data("a\nb\r\nc\rd"),
            "data: a\ndata: b\ndata: c\ndata: d\n\n",
        );
        check(Event::data(""), "data: \n\n");
        check(
            Event::data("x").event("a\nb").id("1\0"),
            "event: a b\nid: 1\ndata: x\n\n",
        );
        check(
            Event::default().retry(Duration::from_secs(3)),
            "retry: 3000\n\n",
        );
        check(Event::comment("two\nlines"), ": two\n: lines\n\n");
        check(Event::json(&[1, 2]).unwrap(), "data: [1,2]\n\n");
    }

    #[track_caller]
    fn check(event: Event, written: &str) {
        assert_eq!(event.to_string(), written);
    }

    #[test]
    fn the_answer_is_an_event_stream() {
        let response = Response::sse(futures_util::stream::iter([Event::data("hi")]));
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-cache");
    }
}
