//! How long another server may take, and how much it may send.

use std::time::Duration;

use crate::segment::Limits;

/// Until the head of an answer to a handler, unless the handler says less.
const HEAD: Duration = Duration::from_secs(30);
/// Between two pieces of its body, unless the handler says less.
const PIECE: Duration = Duration::from_secs(30);
/// Bytes of its body.
const BODY: u64 = 100 << 20;

/// How long to wait for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Until its head, the connection and the request's body included.
    pub head: Duration,
    /// Between two pieces of its body.
    pub piece: Duration,
    /// Bytes of its body, at most.
    pub body: u64,
}

impl Patience {
    /// With a server that a handler asks, whose own timeouts of `wasi:http` can only shorten it: until the connection, from then until the
    /// head, and between pieces.
    #[must_use]
    pub fn of_handler(
        connect: Option<Duration>,
        first_byte: Option<Duration>,
        between_bytes: Option<Duration>,
    ) -> Self {
        let connect = connect.unwrap_or_default();
        Self {
            head: first_byte.map_or(HEAD, |first| connect.saturating_add(first).min(HEAD)),
            piece: between_bytes.unwrap_or(PIECE).min(PIECE),
            body: BODY,
        }
    }

    /// With a server that a rewrite leads to: as with a handler of the app, and of any length.
    #[must_use]
    pub const fn of_rewrite(limits: &Limits) -> Self {
        Self {
            head: limits.max_duration,
            piece: limits.stream_duration,
            body: u64::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_can_only_shorten_it() {
        check([None, None, None], [30_000, 30_000]);
        check([Some(100), Some(200), Some(300)], [300, 300]);
        check([None, Some(50), None], [50, 30_000]);
        check([Some(50), None, None], [30_000, 30_000]);
        check([Some(20_000), Some(20_000), Some(90_000)], [30_000, 30_000]);
        check([Some(u64::MAX), Some(u64::MAX), None], [30_000, 30_000]);
    }

    /// All in milliseconds.
    #[track_caller]
    fn check(timeouts: [Option<u64>; 3], [head, piece]: [u64; 2]) {
        let [connect, first_byte, between_bytes] =
            timeouts.map(|timeout| timeout.map(Duration::from_millis));
        let expected = Patience {
            head: Duration::from_millis(head),
            piece: Duration::from_millis(piece),
            body: 100 << 20,
        };
        let patience = Patience::of_handler(connect, first_byte, between_bytes);
        assert_eq!(patience, expected);
    }

    #[test]
    fn a_rewrite_has_the_limits_of_the_app() {
        let limits = Limits::default();
        let patience = Patience::of_rewrite(&limits);
        assert_eq!(patience.head, limits.max_duration);
        assert_eq!(patience.piece, limits.stream_duration);
        assert_eq!(patience.body, u64::MAX);
    }
}
