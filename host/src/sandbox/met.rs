//! How the runtime's refusals are told apart: which limit of a guest was met.
//!
//! In: the runtime's error. Out: the [`Met`] limit, if it is one.
//!
//! Where the runtime has no public type for a refusal, its words are compared: those of the innermost error, in which nothing is the guest's
//! own. `tests/e2e/attacks.rs` meets each limit, so that other words of a later runtime are noticed.

use wasmtime::Trap;
use wasmtime::component::ResourceTableError;
use wasmtime_wasi_http::FieldMapError;
use waystation_rules::segment::Limits;

use crate::telemetry::Stop;

/// Header fields that one answer may have, and cookies that it may set.
pub(super) const MOST_FIELDS: usize = 1_000;
/// Bytes of the stack that a guest's calls are on.
pub(super) const STACK_BYTES: usize = 512 << 10;

/// A limit that the runtime holds a guest to, with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Met {
    /// `STACK_BYTES`.
    #[error("its calls need more than {} KiB of stack; is there a recursion without an end?", STACK_BYTES >> 10)]
    Stack,

    /// `handles`.
    #[error("it holds more than {0} handles at once; drop what is no longer needed")]
    Handles(usize),

    /// `call_bytes`.
    #[error("it hands over more than {0} bytes at once; a body that is longer can be a stream")]
    CallBytes(usize),

    /// `field_bytes`.
    #[error("it builds header fields of more than {0} bytes")]
    FieldBytes(usize),

    /// `random_bytes`.
    #[error("it asks for more than {0} bytes of randomness in one call")]
    RandomBytes(usize),
}

impl Met {
    /// The limit that stopped a guest; nothing if it was something else.
    pub(super) fn of(error: &wasmtime::Error, limits: &Limits) -> Option<Self> {
        if let Some(Trap::StackOverflow) = error.downcast_ref() {
            return Some(Self::Stack);
        }
        if let Some(ResourceTableError::Full) = error.downcast_ref() {
            return Some(Self::Handles(limits.resources()));
        }
        if let Some(FieldMapError::TotalSizeTooBig | FieldMapError::TooManyFields) =
            error.downcast_ref()
        {
            return Some(Self::FieldBytes(limits.field_bytes));
        }
        let words = error.root_cause().to_string();
        if words.ends_with("store handle limit exceeded") {
            return Some(Self::Handles(limits.handles));
        }
        if words.ends_with("fuel allocated for hostcalls has been exhausted") {
            return Some(Self::CallBytes(limits.call_bytes));
        }
        let random = words.strip_prefix("requested len ");
        let is_random = random.is_some_and(|rest| rest.contains("exceeds limit"));
        is_random.then_some(Self::RandomBytes(limits.random_bytes))
    }

    /// What it is counted as.
    pub(super) fn stop(self) -> Stop {
        match self {
            Self::Stack => Stop::Stack,
            Self::Handles(_) => Stop::Handles,
            Self::CallBytes(_) => Stop::CallBytes,
            Self::FieldBytes(_) => Stop::Fields,
            Self::RandomBytes(_) => Stop::RandomBytes,
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
        says("fields", MOST_FIELDS as u64);
        says("cookies", MOST_FIELDS as u64);
    }

    #[test]
    fn a_limit_is_told_from_what_the_runtime_says() {
        let limits = Limits {
            handles: 10,
            field_bytes: 20,
            random_bytes: 30,
            call_bytes: 40,
            ..Limits::default()
        };
        let called = |error: Error| Met::of(&error.context("error while executing"), &limits);
        let said = |words: &'static str| called(Error::msg(words));
        assert_eq!(called(Trap::StackOverflow.into()), Some(Met::Stack));
        let full = ResourceTableError::Full;
        assert_eq!(called(full.into()), Some(Met::Handles(10)));
        let big = FieldMapError::TotalSizeTooBig;
        assert_eq!(called(big.into()), Some(Met::FieldBytes(20)));
        assert_eq!(
            said("cannot lend resource: store handle limit exceeded"),
            Some(Met::Handles(10))
        );
        assert_eq!(
            said("requested len 70000 exceeds limit 65536"),
            Some(Met::RandomBytes(30))
        );
        assert_eq!(
            said("fuel allocated for hostcalls has been exhausted"),
            Some(Met::CallBytes(40))
        );
    }

    /// A guest chooses the names of its functions, which are in the backtrace around the cause.
    #[test]
    fn no_word_of_a_guest_s_makes_a_limit_of_a_trap() {
        let of = |error: &Error| Met::of(error, &Limits::default());
        let trace = "0: 0x2a - fuel allocated for hostcalls has been exhausted";
        let error = Error::from(Trap::UnreachableCodeReached).context(trace);
        assert_eq!(of(&error), None);
        assert_eq!(of(&FieldMapError::Forbidden.into()), None);
        assert_eq!(of(&ResourceTableError::NotPresent.into()), None);
    }
}
