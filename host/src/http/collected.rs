//! Reads a body to its end, or as far as it may be held.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;

/// What came of reading a body.
pub enum Collected<B> {
    /// All of it.
    Whole(Bytes),
    /// It is longer, or has trailers: what was read, and the rest.
    Longer(Begun<B>),
}

/// A body whose beginning was read already.
pub struct Begun<B> {
    ready: VecDeque<Frame<Bytes>>,
    rest: B,
}

/// Reads up to `limit` bytes of a body.
///
/// # Errors
///
/// The body's own.
pub async fn collect<B>(mut body: B, limit: usize) -> Result<Collected<B>, B::Error>
where
    B: Body<Data = Bytes> + Unpin,
{
    let (mut ready, mut length) = (VecDeque::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame?;
        length += frame.data_ref().map_or(0, Bytes::len);
        let is_data = frame.is_data();
        ready.push_back(frame);
        if !is_data || limit < length {
            return Ok(Collected::Longer(Begun { ready, rest: body }));
        }
    }
    let mut pieces = ready.into_iter().filter_map(|frame| frame.into_data().ok());
    let first = pieces.next().unwrap_or_default();
    let Some(second) = pieces.next() else {
        return Ok(Collected::Whole(first));
    };
    let mut whole = BytesMut::from(first);
    whole.extend_from_slice(&second);
    pieces.for_each(|piece| whole.extend_from_slice(&piece));
    Ok(Collected::Whole(whole.freeze()))
}

impl<B: Body<Data = Bytes> + Unpin> Body for Begun<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.ready.pop_front() {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None => Pin::new(&mut self.rest).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ready.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.ready.is_empty() {
            true => self.rest.size_hint(),
            false => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Empty;

    #[tokio::test]
    async fn what_is_too_long_is_still_all_there() {
        assert_eq!(check(6).await, "whole abcdef");
        assert_eq!(check(5).await, "longer abcdef");
    }

    async fn check(limit: usize) -> String {
        let body = Begun {
            ready: ["ab", "cd", "ef"]
                .map(|piece| Frame::data(piece.into()))
                .into(),
            rest: Empty::new(),
        };
        let (word, bytes) = match collect(body, limit).await.unwrap() {
            Collected::Whole(bytes) => ("whole", bytes),
            Collected::Longer(begun) => ("longer", begun.collect().await.unwrap().to_bytes()),
        };
        format!("{word} {}", std::str::from_utf8(&bytes).unwrap())
    }
}
