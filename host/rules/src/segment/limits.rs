//! What the operator allows.

use std::time::Duration;

/// The operator's limits: what a route gets that asks for nothing, and the most it may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Wall-clock time from the call of the guest to the response head; at the limit 504.
    pub max_duration: Duration,
    /// Wall-clock time of a whole streamed response; at the limit the stream is cut.
    pub stream_duration: Duration,
    /// Execution time of one request; at the limit 503.
    pub cpu: Duration,
    /// Bytes of one request, summed over its memories and tables; at the limit 500.
    pub memory: usize,
    /// Bytes of a request body; at the limit 413.
    pub body: u64,
    /// Bytes of a request's header section; at the limit 431.
    pub header_bytes: usize,
    /// Bytes of a request's URL; at the limit 414.
    pub url_bytes: usize,
    /// Requests that run at once; the host lowers it to what its pool of instances holds. At the limit a request waits.
    pub concurrency: usize,
    /// How long a request waits for its turn; at the limit 503.
    pub queue_wait: Duration,
    /// Outgoing requests of one request; at the limit the guest gets an error.
    pub fetches: usize,
    /// Outgoing requests of one request that are open at once; at the limit the next one waits.
    pub fetches_at_once: usize,
    /// Bytes that one request may log; at the limit the rest is cut and counted.
    pub log_bytes: usize,
}

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_duration: Duration::from_secs(30),
            stream_duration: Duration::from_secs(300),
            cpu: Duration::from_millis(1_000),
            memory: 128 * MIB,
            body: 10 * MIB as u64,
            header_bytes: 32 * KIB,
            url_bytes: 8 * KIB,
            concurrency: 1_000,
            queue_wait: Duration::from_secs(1),
            fetches: 50,
            fetches_at_once: 6,
            log_bytes: 64 * KIB,
        }
    }
}
