//! What a guest prints: to the host's log, a line at a time, and only so much of it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// A longer line is cut here.
const LINE: usize = 8 << 10;

/// A guest's standard output and error while it answers one request.
#[derive(Clone)]
pub(super) struct Log(Arc<Mutex<Lines>>);

struct Lines {
    route: String,
    request: String,
    line: Vec<u8>,
    left: usize,
    cut: usize,
}

impl Log {
    pub(super) fn new(route: &str) -> Self {
        Self(Arc::new(Mutex::new(Lines {
            route: route.to_owned(),
            request: String::new(),
            line: Vec::new(),
            left: 0,
            cut: 0,
        })))
    }

    /// Starts a request that may print `allowance` bytes.
    pub(super) fn start(&self, request: &str, allowance: usize) {
        let mut lines = self.lines();
        lines.finish();
        lines.request.clear();
        lines.request.push_str(request);
        lines.left = allowance;
        lines.cut = 0;
    }

    /// Writes out a last line that has no end, and says how much was cut. Returns whether anything was.
    pub(super) fn finish(&self) -> bool {
        self.lines().finish()
    }

    fn lines(&self) -> std::sync::MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) {
        let kept = bytes.len().min(self.left);
        self.left -= kept;
        self.cut += bytes.len() - kept;
        for &byte in &bytes[..kept] {
            if byte != b'\n' {
                self.line.push(byte);
            }
            if byte == b'\n' || LINE <= self.line.len() {
                self.flush();
            }
        }
    }

    fn flush(&mut self) {
        // Control characters are escaped, so a guest cannot forge a line or drive a terminal.
        let text = String::from_utf8_lossy(&self.line)
            .escape_debug()
            .to_string()
            .replace("\\\"", "\"")
            .replace("\\'", "'");
        tracing::info!(target: "guest", route = %self.route, request = %self.request, "{text}");
        self.line.clear();
    }

    fn finish(&mut self) -> bool {
        if !self.line.is_empty() {
            self.flush();
        }
        if 0 < self.cut {
            tracing::warn!(target: "guest", route = %self.route, request = %self.request, "{} more bytes of output were cut", self.cut);
        }
        0 < std::mem::take(&mut self.cut)
    }
}

impl IsTerminal for Log {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Log {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Log {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.lines().take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(1 << 20)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Log {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Log {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.lines().take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_how_long_a_line_is() {
        crate::telemetry::limits_page::says("line", LINE as u64);
    }
}
