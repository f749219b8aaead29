//! A body on its way in: a request's, or that of an answer to a request of the handler's.
//!
//! A body that ends early is an error, never a shorter body: the host says at the end whether it was all.

use std::rc::Rc;

use bytes::Bytes;
use http::StatusCode;
use wasip3::http::types as wasi;
use wit_bindgen::rt::async_support::{FutureReader, StreamReader, StreamResult};

use crate::body::{Body, Kind};
use crate::call::{Call, copy};
use crate::error::{Error, Result};
use crate::writer::written;

/// Bytes asked for at a time.
const CHUNK: usize = 16 * 1024;

/// A body that was taken from its message.
pub(crate) enum Incoming {
    #[cfg(not(target_family = "wasm"))]
    Whole(Bytes),
    Host {
        bytes: StreamReader<u8>,
        end: End,
    },
}

/// Says whether the body was all, and what comes after it.
pub(crate) struct End {
    ended: FutureReader<Result<Option<wasi::Trailers>, wasi::ErrorCode>>,
    of: Of,
}

/// Whose body it is.
enum Of {
    Request(Rc<Call>),
    /// An answer to a request of the handler's, from this URL.
    #[cfg(target_family = "wasm")]
    Answer(String),
}

impl End {
    async fn reached(self) -> Result<()> {
        match (self.of, self.ended.await) {
            (Of::Request(call), Ok(Some(trailers))) => {
                call.trailers().received.replace(copy(&trailers));
                Ok(())
            }
            (_, Ok(_)) => Ok(()),
            (Of::Request(_), Err(error)) => Err(unfinished(error)),
            #[cfg(target_family = "wasm")]
            (Of::Answer(url), Err(code)) => Err(crate::fetch::cut(&url, code).into()),
        }
    }
}

impl Incoming {
    pub(crate) fn request(request: wasi::Request, call: Rc<Call>) -> Self {
        let (_, handled) = wasip3::wit_future::new(|| Ok(()));
        let (bytes, ended) = wasi::Request::consume_body(request, handled);
        let of = Of::Request(call);
        Self::Host {
            bytes,
            end: End { ended, of },
        }
    }

    #[cfg(target_family = "wasm")]
    pub(crate) fn answer(answer: wasi::Response, url: String) -> Self {
        let (_, handled) = wasip3::wit_future::new(|| Ok(()));
        let (bytes, ended) = wasi::Response::consume_body(answer, handled);
        let of = Of::Answer(url);
        Self::Host {
            bytes,
            end: End { ended, of },
        }
    }

    /// Waits for all of it.
    pub(crate) async fn bytes(self) -> Result<Bytes> {
        let (mut bytes, end) = match self {
            #[cfg(not(target_family = "wasm"))]
            Self::Whole(bytes) => return Ok(bytes),
            Self::Host { bytes, end } => (bytes, end),
        };
        let mut all = Vec::with_capacity(CHUNK);
        loop {
            if all.len() == all.capacity() {
                all.reserve(CHUNK);
            }
            let (result, read) = bytes.read(all).await;
            all = read;
            if result == StreamResult::Dropped {
                break;
            }
        }
        drop(bytes);
        end.reached().await?;
        Ok(all.into())
    }

    /// Hands it on as it arrives.
    pub(crate) fn stream(self) -> Body {
        let (mut bytes, end) = match self {
            #[cfg(not(target_family = "wasm"))]
            Self::Whole(bytes) => return bytes.into(),
            Self::Host { bytes, end } => (bytes, end),
        };
        Body(Kind::Stream(Box::pin(written(|mut writer| async move {
            loop {
                let (result, chunk) = bytes.read(Vec::with_capacity(CHUNK)).await;
                writer.write(chunk).await?;
                if result == StreamResult::Dropped {
                    break;
                }
            }
            drop(bytes);
            end.reached().await?;
            Ok(())
        }))))
    }
}

fn unfinished(error: wasi::ErrorCode) -> Error {
    match error {
        wasi::ErrorCode::HttpRequestBodySize(_) => Error::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is longer than this route accepts",
        ),
        error => Error::new(StatusCode::BAD_REQUEST, "the body ended early").because(error),
    }
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Incoming")
    }
}
