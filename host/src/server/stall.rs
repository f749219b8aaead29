//! Ends a connection whose client takes nothing of what is sent to it, which would hold that for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// How long a client may take nothing.
pub(super) const LONGEST: Duration = Duration::from_secs(30);

/// A stream whose writes end in an error once nothing could be written for a while.
pub(super) struct Watched<S> {
    stream: S,
    longest: Duration,
    /// When a write that waits is given up.
    ends: Option<Pin<Box<Sleep>>>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, longest: Duration) -> Self {
        Self {
            stream,
            longest,
            ends: None,
        }
    }

    /// Passes on what came of a write; an error once nothing could be written for too long.
    fn judge<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.ends = None;
            return written;
        }
        let longest = self.longest;
        let ends = self
            .ends
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(longest)));
        ready!(ends.as_mut().poll(cx));
        let error = format!("the client took nothing for {longest:?}");
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, error)))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.judge(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.judge(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.judge(cx, shut)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.judge(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// One that takes little is not one that takes nothing.
    #[tokio::test]
    async fn a_client_that_takes_nothing_is_left() {
        const WAIT: Duration = Duration::from_millis(300);
        let (mut client, server) = tokio::io::duplex(16);
        let mut server = Watched::new(server, WAIT);
        let reads = tokio::spawn(async move {
            let begun = tokio::time::Instant::now();
            while begun.elapsed() < WAIT * 2 {
                client.read_u8().await.unwrap();
                tokio::time::sleep(WAIT / 20).await; // a slow client
            }
            client
        });
        let begun = tokio::time::Instant::now();
        let error = server.write_all(&[0; 1000]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(WAIT * 2 < begun.elapsed(), "{:?}", begun.elapsed());
        drop(reads.await.unwrap());
    }

    #[test]
    fn the_page_says_how_long_a_client_may_take_nothing() {
        crate::telemetry::limits_page::says_time("write stall", LONGEST);
    }
}
