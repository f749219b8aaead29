//! A body in fewer bytes.
//!
//! In: a body, and the coding that `waystation_rules::compression` chose. Out: the same content in that coding: whole, with its length,
//! where that is done at once; else piece by piece as hyper asks for it.
//!
//! It is done on the thread that serves the connection: a piece takes less than a millisecond, and a thread of its own would be woken
//! for that. Between two pieces others have their turn.

mod encoder;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame};
use waystation_rules::compression::Coding;

use super::response::{Body, BodyError, whole};
use encoder::Encoder;

/// Up to so many bytes are compressed at once, and sent with their length.
const PIECE: usize = 32 << 10;

/// The body in this coding. An encoder that fails, which it does for want of memory only, cuts the body short.
pub fn compressed(body: Body, coding: Coding) -> Body {
    match body {
        Body::Whole(bytes) if bytes.len() <= PIECE => match at_once(&bytes, coding) {
            Ok(coded) => whole(coded),
            Err(error) => piecewise(Body::Whole(bytes), Err(error)),
        },
        Body::Whole(bytes) => {
            let encoder = Encoder::new(coding, Some(bytes.len()));
            piecewise(Body::Whole(bytes), encoder)
        }
        stream => piecewise(stream, Encoder::new(coding, None)),
    }
}

fn at_once(bytes: &[u8], coding: Coding) -> io::Result<Vec<u8>> {
    let mut encoder = Encoder::new(coding, Some(bytes.len()))?;
    encoder.write(bytes)?;
    encoder.finish()
}

fn piecewise(inner: Body, encoder: io::Result<Encoder>) -> Body {
    Body::Stream(Box::pin(Compressed {
        is_stream: matches!(inner, Body::Stream(_)),
        inner,
        encoder: Some(encoder),
        rest: Bytes::new(),
        trailers: None,
    }))
}

struct Compressed {
    inner: Body,
    is_stream: bool,
    /// None once it has written its end.
    encoder: Option<io::Result<Encoder>>,
    /// What is left of the last chunk.
    rest: Bytes,
    /// What comes after the encoder's end.
    trailers: Option<Frame<Bytes>>,
}

impl Compressed {
    /// Reads on; true at the end of the data.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, BodyError>> {
        while self.rest.is_empty() {
            match ready!(Pin::new(&mut self.inner).poll_frame(cx)?) {
                None => return Poll::Ready(Ok(true)),
                Some(frame) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => {
                        self.trailers = Some(trailers);
                        return Poll::Ready(Ok(true));
                    }
                },
            }
        }
        Poll::Ready(Ok(false))
    }
}

impl http_body::Body for Compressed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        if this.encoder.is_none() {
            return Poll::Ready(this.trailers.take().map(Ok));
        }
        let is_over = ready!(this.poll_rest(cx)?);
        let Some(mut encoder) = this.encoder.take().transpose()? else {
            return Poll::Ready(None);
        };
        let ready = if is_over {
            encoder.finish()?
        } else {
            let piece = this.rest.split_to(this.rest.len().min(PIECE));
            encoder.write(&piece)?;
            if this.is_stream && this.rest.is_empty() {
                encoder.flush()?; // the reader may be waiting for just this chunk
            }
            let ready = encoder.take();
            this.encoder = Some(Ok(encoder));
            ready
        };
        if ready.is_empty() {
            cx.waker().wake_by_ref(); // the encoder holds it back for now; others first
            return Poll::Pending;
        }
        Poll::Ready(Some(Ok(Frame::data(ready.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.encoder.is_none() && self.trailers.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use http::HeaderMap;
    use http_body_util::BodyExt as _;

    use super::*;

    const LINE: &str = "The quick brown fox jumps over the lazy dog.\n";

    #[tokio::test]
    async fn the_content_stays_what_it_is() {
        for length in [0, 1, 100, PIECE, PIECE + 1, 10 * PIECE] {
            let text = LINE.repeat(length / LINE.len() + 1)[..length].to_owned();
            for coding in Coding::ALL {
                let body = compressed(whole(text.clone()), coding);
                let is_whole = matches!(body, Body::Whole(_));
                assert_eq!(is_whole, length <= PIECE, "{length}");
                let coded = body.collect().await.unwrap().to_bytes();
                assert!(decode(coding, &coded) == text, "{length} {coding:?}");
            }
        }
    }

    #[tokio::test]
    async fn each_chunk_of_a_stream_can_be_read_before_the_next_and_trailers_come_last() {
        for coding in Coding::ALL {
            let mut trailers = HeaderMap::new();
            trailers.insert("x-sum", 7.into());
            let frames = [
                Ok(Frame::data(Bytes::from("one "))),
                Ok(Frame::data(Bytes::from("two"))),
                Ok(Frame::trailers(trailers)),
            ];
            let mut body = compressed(Body::Stream(Box::pin(Frames(frames.into()))), coding);
            let mut coded = Vec::new();
            for expected in ["one ", "one two", "one two"] {
                let frame = body.frame().await.unwrap().unwrap();
                coded.extend_from_slice(&frame.into_data().unwrap());
                assert_eq!(decode(coding, &coded), expected, "{coding:?}");
            }
            let last = body.frame().await.unwrap().unwrap();
            assert_eq!(last.into_trailers().unwrap()["x-sum"], "7");
            assert!(body.frame().await.is_none());
        }
    }

    #[tokio::test]
    async fn a_body_that_fails_has_no_end() {
        for coding in Coding::ALL {
            let frames = [Ok(Frame::data(Bytes::from("part"))), Err("no more".into())];
            let body = Body::Stream(Box::pin(Frames(frames.into())));
            let error = compressed(body, coding).collect().await.unwrap_err();
            assert_eq!(error.to_string(), "no more");
        }
    }

    /// As much as can be read so far.
    fn decode(coding: Coding, coded: &[u8]) -> String {
        let mut text = Vec::new();
        let _cut_off = match coding {
            Coding::Gzip => flate2::read::GzDecoder::new(coded).read_to_end(&mut text),
            Coding::Brotli => brotli::Decompressor::new(coded, 4096).read_to_end(&mut text),
            Coding::Zstd => zstd::Decoder::new(coded).unwrap().read_to_end(&mut text),
        };
        String::from_utf8(text).unwrap()
    }

    /// A body that has each frame ready.
    struct Frames(std::collections::VecDeque<Result<Frame<Bytes>, BodyError>>);

    impl http_body::Body for Frames {
        type Data = Bytes;
        type Error = BodyError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
            Poll::Ready(self.0.pop_front())
        }
    }
}
