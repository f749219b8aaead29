//! The limits of a guest that no setting moves, and how the runtime's refusals are told apart.
//!
//! In: the runtime's error. Out: the [`Fixed`] limit that was met, if it is one.
//!
//! Where the runtime has no public type for a refusal, its words are compared: those of the innermost error, in which nothing is the guest's
//! own. `tests/e2e/attacks.rs` meets each limit, so that other words of a later runtime are noticed.

use wasmtime::Trap;
use wasmtime::component::ResourceTableError;
use wasmtime_wasi_http::FieldMapError;

use crate::telemetry::Stop;

/// Resources and handles that a guest may hold at once.
pub(super) const HANDLES: usize = 10_000;
/// Bytes that a guest may hand to the host in one call, and in one answer.
pub(super) const CALL_BYTES: usize = 16 << 20;
/// Bytes of header fields that a guest may build, in memory.
pub(super) const FIELD_BYTES: usize = 128 << 10;
/// Header fields that one answer may have, and cookies that it may set.
pub(super) const MOST_FIELDS: usize = 1_000;
/// Bytes of randomness that one call may ask for.
pub(super) const RANDOM_BYTES: u64 = 64 << 10;
/// Bytes of the stack that a guest's calls are on.
pub(super) const STACK_BYTES: usize = 512 << 10;

/// A limit that no setting moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fixed {
    /// `STACK_BYTES`.
    #[error("its calls need more than {} KiB of stack; is there a recursion without an end?", STACK_BYTES >> 10)]
    Stack,

    /// `HANDLES`.
    #[error("it holds more than {HANDLES} handles at once; drop what is no longer needed")]
    Handles,

    /// `CALL_BYTES`.
    #[error("it hands over more than {} MiB at once; a body that is longer can be a stream", CALL_BYTES >> 20)]
    CallBytes,

    /// `FIELD_BYTES`.
    #[error("it builds header fields of more than {} KiB", FIELD_BYTES >> 10)]
    FieldBytes,

    /// `RANDOM_BYTES`.
    #[error("it asks for more than {} KiB of randomness in one call", RANDOM_BYTES >> 10)]
    RandomBytes,
}

impl Fixed {
    /// The limit that stopped a guest; nothing if it was something else.
    pub(super) fn of(error: &wasmtime::Error) -> Option<Self> {
        if let Some(Trap::StackOverflow) = error.downcast_ref() {
            return Some(Self::Stack);
        }
        if let Some(ResourceTableError::Full) = error.downcast_ref() {
            return Some(Self::Handles);
        }
        if let Some(FieldMapError::TotalSizeTooBig | FieldMapError::TooManyFields) =
            error.downcast_ref()
        {
            return Some(Self::FieldBytes);
        }
        let words = error.root_cause().to_string();
        if words.ends_with("store handle limit exceeded") {
            return Some(Self::Handles);
        }
        if words.ends_with("fuel allocated for hostcalls has been exhausted") {
            return Some(Self::CallBytes);
        }
        let random = words.strip_prefix("requested len ");
        let is_random = random.is_some_and(|rest| rest.contains("exceeds limit"));
        is_random.then_some(Self::RandomBytes)
    }

    /// What it is counted as.
    pub(super) fn stop(self) -> Stop {
        match self {
            Self::Stack => Stop::Stack,
            Self::Handles => Stop::Handles,
            Self::CallBytes => Stop::CallBytes,
            Self::FieldBytes => Stop::Fields,
            Self::RandomBytes => Stop::RandomBytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::Error;

    use super::*;
    use crate::telemetry::limits_page::says;

    #[test]
    fn the_page_says_what_is_fixed() {
        says("stack", STACK_BYTES as u64);
        says("handles", HANDLES as u64);
        says("bytes of a call", CALL_BYTES as u64);
        says("field bytes", FIELD_BYTES as u64);
        says("fields", MOST_FIELDS as u64);
        says("cookies", MOST_FIELDS as u64);
        says("random bytes", RANDOM_BYTES);
    }

    #[test]
    fn a_limit_is_told_from_what_the_runtime_says() {
        let called = |error: Error| Fixed::of(&error.context("error while executing"));
        let said = |words: &'static str| called(Error::msg(words));
        assert_eq!(called(Trap::StackOverflow.into()), Some(Fixed::Stack));
        assert_eq!(
            called(ResourceTableError::Full.into()),
            Some(Fixed::Handles)
        );
        let big = FieldMapError::TotalSizeTooBig;
        assert_eq!(called(big.into()), Some(Fixed::FieldBytes));
        assert_eq!(
            said("cannot lend resource: store handle limit exceeded"),
            Some(Fixed::Handles)
        );
        assert_eq!(
            said("requested len 70000 exceeds limit 65536"),
            Some(Fixed::RandomBytes)
        );
    }

    /// A guest chooses the names of its functions, which are in the backtrace around the cause.
    #[test]
    fn no_word_of_a_guest_s_makes_a_limit_of_a_trap() {
        let trace = "0: 0x2a - fuel allocated for hostcalls has been exhausted";
        let error = Error::from(Trap::UnreachableCodeReached).context(trace);
        assert_eq!(Fixed::of(&error), None);
        assert_eq!(Fixed::of(&FieldMapError::Forbidden.into()), None);
        assert_eq!(Fixed::of(&ResourceTableError::NotPresent.into()), None);
    }
}
