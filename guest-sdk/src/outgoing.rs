//! A body on its way out, chunk by chunk.
//!
//! In: a body that is still being made. Out: a response or the contents of a request of the host's, and a task that writes. Each chunk waits until the client has taken
//! the one before. A body that fails is cut short: its end is told as an error, so the host breaks the connection. What was left for after
//! the answer begins when it is over, be it sent or the client gone.

use std::future::{Future, IntoFuture, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use http::{HeaderMap, HeaderName, HeaderValue};
use wasip3::http::types as wasi;
#[cfg(target_family = "wasm")]
use wit_bindgen::rt::async_support::StreamReader;
use wit_bindgen::rt::async_support::{FutureReader, FutureWriter, StreamWriter};

use crate::after;
#[cfg(target_family = "wasm")]
use crate::ambient;
use crate::ambient::Scope;
use crate::body::Body;
use crate::call::Call;
use crate::error::Result;
use crate::noted;
use crate::signal::Signal;

/// A trailer that the host keeps to itself: what a stream has read of the request when it is over.
const READS: HeaderName = HeaderName::from_static("x-waystation-reads");

/// A response of the host's, whose body a task of its own writes.
pub(crate) fn send(call: Rc<Call>, status: u16, headers: &HeaderMap, body: Body) -> wasi::Response {
    let fields = fields(headers);
    let (writer, reader) = wasip3::wit_stream::new();
    // If the task goes away without a word, the body was not all.
    let (end, ended) = wasip3::wit_future::new(|| Err(wasi::ErrorCode::InternalError(None)));
    let (response, sent) = wasi::Response::new(fields, Some(reader), ended);
    // Only a status outside 100 to 999 is refused, and `StatusCode` holds none.
    let _always_valid = response.set_status_code(status);
    // Without anything to do then, the host drops the whole instance when the client leaves.
    let sent = call.outlives_client().then_some(sent);
    wit_bindgen::spawn_local(Scope {
        call: call.clone(),
        future: Box::pin(async move {
            let write = write(body, writer, end, Some(&call));
            match sent {
                Some(sent) => while_read(write, sent, call.signal()).await,
                None => write.await,
            }
            after::begin(&call);
        }),
    });
    response
}

/// The contents of a request, which a task of its own writes, of the call if there is one.
#[cfg(target_family = "wasm")]
pub(crate) fn contents(body: Body) -> (StreamReader<u8>, FutureReader<Ended>) {
    let (writer, reader) = wasip3::wit_stream::new();
    let (end, ended) = wasip3::wit_future::new(|| Err(wasi::ErrorCode::InternalError(None)));
    let write = Box::pin(write(body, writer, end, None));
    match ambient::find() {
        Some(call) => wit_bindgen::spawn_local(Scope {
            call,
            future: write,
        }),
        None => wit_bindgen::spawn_local(write),
    };
    (reader, ended)
}

type Ended = Result<Option<wasi::Trailers>, wasi::ErrorCode>;
type End = FutureWriter<Ended>;

/// Drops `write`, wherever it waits, when the reader has gone and no signal was asked for.
async fn while_read(
    write: impl Future<Output = ()>,
    sent: FutureReader<Result<(), wasi::ErrorCode>>,
    signal: &Signal,
) {
    let (mut write, mut sent) = (pin!(write), pin!(sent.into_future()));
    let mut is_sent = false;
    poll_fn(|cx| {
        if !is_sent && let Poll::Ready(result) = sent.as_mut().poll(cx) {
            is_sent = true;
            if result.is_err() && !signal.abort() {
                return Poll::Ready(());
            }
        }
        write.as_mut().poll(cx)
    })
    .await;
}

/// Writes each chunk as it comes, and at the end whether it was all; after the answer to a call, its trailers too. If the reader has gone,
/// the body is dropped, or, if it has asked for the signal, when it would write again.
async fn write(mut body: Body, mut writer: StreamWriter<u8>, end: End, answered: Option<&Call>) {
    let signal = answered.map(Call::signal);
    while let Some(chunk) = body.chunk().await {
        if signal.is_some_and(Signal::aborted) {
            return;
        }
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => {
                drop(writer);
                let _reader_gone = end
                    .write(Err(wasi::ErrorCode::InternalError(Some(format!(
                        "{error:?}"
                    )))))
                    .await;
                return;
            }
        };
        let unsent = writer.write_all(chunk.into()).await;
        if !unsent.is_empty() && !signal.is_some_and(Signal::abort) {
            return;
        }
    }
    drop(writer);
    let trailers = answered.map(|call| {
        let mut trailers = call.trailers().sent.take();
        let reads = noted::words(call.reads());
        if !reads.is_empty()
            && !call.is_foreign()
            && let Ok(reads) = HeaderValue::try_from(reads)
        {
            trailers.insert(READS, reads);
        }
        trailers
    });
    let trailers = trailers.filter(|trailers| !trailers.is_empty());
    let trailers = trailers.map(|trailers| fields(&trailers));
    let _reader_gone = end.write(Ok(trailers)).await;
}

/// A header that the host keeps to itself is left out.
///
/// # Panics
///
/// If there are more than the host takes: an answer that lacks some of its headers is another answer.
fn fields(headers: &HeaderMap) -> wasi::Fields {
    let fields = wasi::Fields::new();
    for (name, value) in headers {
        let appended = fields.append(name.as_str(), value.as_bytes());
        let is_too_much = matches!(appended, Err(wasi::HeaderError::SizeExceeded));
        assert!(!is_too_much, "the headers are more than the host takes");
    }
    fields
}
