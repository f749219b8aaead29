//! Names requests.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Names one request in the log, to the guest, and to the client: 16 hexadecimal digits.
///
/// Not a secret and not guessable either: a counter under a keyed hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(u64);

impl RequestId {
    /// A new name.
    #[expect(clippy::new_without_default, reason = "each one is different")]
    pub fn new() -> Self {
        static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        static COUNT: AtomicU64 = AtomicU64::new(0);
        Self(KEY.hash_one(COUNT.fetch_add(1, Ordering::Relaxed)))
    }

    /// As bytes of ASCII, for each answer has it in a header.
    #[must_use]
    pub fn digits(self) -> [u8; 16] {
        let mut digits = [0; 16];
        for (digit, at) in digits.iter_mut().rev().zip(0_u32..) {
            let nibble = (self.0 >> (4 * at)) & 0xf;
            *digit = b"0123456789abcdef"[nibble as usize];
        }
        digits
    }

    /// The name as a number.
    pub(super) fn bits(self) -> u64 {
        self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.digits()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_number_in_sixteen_digits() {
        for number in [0, 0x12, 0xfedc_ba98_7654_3210, u64::MAX] {
            assert_eq!(RequestId(number).to_string(), format!("{number:016x}"));
        }
    }
}
