//! Tells HTTP/2 from HTTP/1.1 by its first bytes. Over TLS that is what was agreed on before.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

/// What a client of HTTP/2 sends first (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection whose first bytes were read and will be read again.
pub(super) struct Sniffed<S> {
    stream: S,
    first: [u8; PREFACE.len()],
    read: usize,
    given: usize,
    /// Whether the client speaks HTTP/2.
    pub(super) is_http2: bool,
}

/// Reads until it is clear which protocol the client speaks. None if it left without a word.
pub(super) async fn sniff<S: AsyncRead + Unpin>(mut stream: S) -> io::Result<Option<Sniffed<S>>> {
    let mut first = [0; PREFACE.len()];
    let mut read = 0;
    while read < PREFACE.len() && first[..read] == PREFACE[..read] {
        match stream.read(&mut first[read..]).await? {
            0 if read == 0 => return Ok(None),
            0 => break,
            more => read += more,
        }
    }
    Ok(Some(Sniffed {
        stream,
        first,
        read,
        given: 0,
        is_http2: first == PREFACE,
    }))
}

/// What follows the first bytes comes with them if it is here: hyper makes its buffer twice as large for a head that takes it two reads.
impl<S: AsyncRead + Unpin> AsyncRead for Sniffed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.given < self.read {
            let length = buf.remaining().min(self.read - self.given);
            buf.put_slice(&self.first[self.given..self.given + length]);
            self.given += length;
            if buf.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            return match Pin::new(&mut self.stream).poll_read(cx, buf) {
                Poll::Pending => Poll::Ready(Ok(())),
                more => more,
            };
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Sniffed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt as _, duplex};

    use super::*;

    const HEAD: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

    #[tokio::test]
    async fn a_head_that_came_at_once_is_read_at_once() {
        let mut sniffed = sniff(HEAD).await.unwrap().unwrap();
        let mut read = [0; 100];
        assert_eq!(sniffed.read(&mut read).await.unwrap(), HEAD.len());
        assert_eq!(read[..HEAD.len()], *HEAD);
        assert_eq!(sniffed.read(&mut read).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn first_bytes_do_not_wait_for_more() {
        let (first, rest) = HEAD.split_at(5);
        let (mut client, server) = duplex(100);
        client.write_all(first).await.unwrap();
        let mut sniffed = sniff(server).await.unwrap().unwrap();
        let mut read = [0; 100];
        assert_eq!(sniffed.read(&mut read).await.unwrap(), first.len());
        client.write_all(rest).await.unwrap();
        assert_eq!(sniffed.read(&mut read).await.unwrap(), rest.len());
    }

    #[tokio::test]
    async fn a_small_buffer_loses_nothing() {
        let mut sniffed = sniff(HEAD).await.unwrap().unwrap();
        let mut all = Vec::new();
        let mut read = [0; 7];
        loop {
            match sniffed.read(&mut read).await.unwrap() {
                0 => break,
                more => all.extend_from_slice(&read[..more]),
            }
        }
        assert_eq!(all, HEAD);
    }
}
