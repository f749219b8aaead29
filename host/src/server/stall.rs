//! Ends a connection whose client takes nothing of what is sent to it, which would hold that for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::Sleep;

/// How long a client may take nothing.
pub(super) const LONGEST: Duration = Duration::from_secs(30);

/// Since when nothing could be written.
pub(super) struct Stall {
    longest: Duration,
    ends: Option<Pin<Box<Sleep>>>,
}

impl Stall {
    pub(super) fn new(longest: Duration) -> Self {
        Self {
            longest,
            ends: None,
        }
    }

    /// Whether something could be written; an error if nothing could for too long.
    pub(super) fn judge<T>(
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::super::sniff::sniff;
    use super::*;

    /// One that takes little is not one that takes nothing.
    #[tokio::test]
    async fn a_client_that_takes_nothing_is_left() {
        const WAIT: Duration = Duration::from_millis(300);
        let (mut client, server) = tokio::io::duplex(16);
        client.write_all(b"GET / HTTP/1.1").await.unwrap();
        let mut server = sniff(server, WAIT).await.unwrap().unwrap();
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
