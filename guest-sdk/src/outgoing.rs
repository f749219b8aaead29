//! A body on its way out, chunk by chunk.
//!
//! In: a body that is still being made. Out: a response or the contents of a request of the host's, and a task that writes. Each chunk waits until the client has taken
//! the one before. A body that fails is cut short: its end is told as an error, so the host breaks the connection.

use std::rc::Rc;

use http::HeaderMap;
use wasip3::http::types as wasi;
use wit_bindgen::rt::async_support::{FutureReader, FutureWriter, StreamReader, StreamWriter};

use crate::ambient::Scope;
use crate::body::Body;
use crate::call::Call;
use crate::error::Result;

/// A response of the host's, whose body a task of its own writes. A header that the host keeps to itself is left out.
pub(crate) fn send(call: Rc<Call>, status: u16, headers: &HeaderMap, body: Body) -> wasi::Response {
    let fields = wasi::Fields::new();
    for (name, value) in headers {
        let _kept_by_the_host = fields.append(name.as_str(), value.as_bytes());
    }
    let (reader, ended) = contents(call, body);
    let (response, sent) = wasi::Response::new(fields, Some(reader), ended);
    drop(sent);
    // Only a status outside 100 to 999 is refused, and `StatusCode` holds none.
    let _always_valid = response.set_status_code(status);
    response
}

/// The contents of a message, which a task of the call's own writes.
pub(crate) fn contents(call: Rc<Call>, body: Body) -> (StreamReader<u8>, FutureReader<Ended>) {
    let (writer, reader) = wasip3::wit_stream::new();
    // If the task goes away without a word, the body was not all.
    let (end, ended) = wasip3::wit_future::new(|| Err(wasi::ErrorCode::InternalError(None)));
    wit_bindgen::spawn_local(Scope {
        call,
        future: Box::pin(write(body, writer, end)),
    });
    (reader, ended)
}

type Ended = Result<Option<wasi::Trailers>, wasi::ErrorCode>;
type End = FutureWriter<Ended>;

/// Writes each chunk as it comes, and at the end whether it was all. If the reader has gone, the body is dropped.
async fn write(mut body: Body, mut writer: StreamWriter<u8>, end: End) {
    while let Some(chunk) = body.chunk().await {
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
        if !unsent.is_empty() {
            return;
        }
    }
    drop(writer);
    let _reader_gone = end.write(Ok(None)).await;
}
