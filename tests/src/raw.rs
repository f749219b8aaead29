//! Bytes over a socket, for what no client would send and for what comes back exactly.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::wait::PATIENCE;

/// A connection.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Socket {
    /// Connects.
    ///
    /// # Panics
    ///
    /// If nobody listens.
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        Self {
            stream,
            read: Vec::new(),
        }
    }

    /// Sends bytes.
    ///
    /// # Panics
    ///
    /// If the other end has closed.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let sent = self.stream.write_all(bytes.as_ref()).await;
        sent.expect("an open connection");
    }

    /// Reads until the text has come; what came after it stays for the next read.
    ///
    /// # Panics
    ///
    /// If the connection ends before, or it does not come in time.
    pub async fn read_until(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = find(&self.read, text.as_bytes()) {
                let rest = self.read.split_off(at + text.len());
                let read = std::mem::replace(&mut self.read, rest);
                return String::from_utf8_lossy(&read).into_owned();
            }
            let more = self.read_more().await;
            let so_far = String::from_utf8_lossy(&self.read);
            assert!(more, "the connection ended before {text:?}: {so_far:?}");
        }
    }

    /// Reads to the end of the connection, be it clean or not.
    pub async fn read_to_end(&mut self) -> String {
        while self.read_more().await {}
        String::from_utf8_lossy(&std::mem::take(&mut self.read)).into_owned()
    }

    /// Whether nothing has come so far that was not read.
    pub async fn is_silent(&mut self) -> bool {
        tokio::task::yield_now().await;
        let read = self.stream.read_buf(&mut self.read);
        let nothing = tokio::time::timeout(Duration::from_millis(1), read).await;
        nothing.is_err() && self.read.is_empty()
    }

    async fn read_more(&mut self) -> bool {
        let read = self.stream.read_buf(&mut self.read);
        let read = tokio::time::timeout(PATIENCE, read).await;
        let read = read.expect("bytes or the end of the connection, in time");
        read.is_ok_and(|read| 0 < read)
    }
}

/// Sends one request in raw bytes and reads all that comes back until the connection ends.
pub async fn exchange(address: SocketAddr, request: impl AsRef<[u8]>) -> String {
    let mut socket = Socket::open(address).await;
    socket.send(request).await;
    socket.read_to_end().await
}

/// Sends one request in raw bytes and reads the first line that comes back, such as `HTTP/1.1 400 Bad Request`.
pub async fn status_line(address: SocketAddr, request: impl AsRef<[u8]>) -> String {
    let mut socket = Socket::open(address).await;
    socket.send(request).await;
    socket.read_until("\r\n").await.trim_end().to_owned()
}

fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text)
}
