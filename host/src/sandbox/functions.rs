//! Remembers compiled functions, so that the component of an edited route compiles only what the edit changed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use wasmtime::CacheStore;

/// Bytes to hold before all are forgotten. A route has about 1 MiB, nearly all of which it shares with the others.
const MOST: usize = 256 << 20;

/// Functions by the key that the compiler gives them: their code before and after.
#[derive(Debug, Default)]
pub(super) struct Functions {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    by_key: HashMap<Vec<u8>, Vec<u8>>,
    bytes: usize,
}

impl CacheStore for Functions {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.by_key.get(key).cloned().map(Cow::Owned)
    }

    fn insert(&self, key: &[u8], value: Vec<u8>) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.bytes += key.len() + value.len();
        if held.bytes > MOST {
            *held = Held::default();
            held.bytes = key.len() + value.len();
        }
        if let Some(old) = held.by_key.insert(key.to_owned(), value) {
            held.bytes -= key.len() + old.len(); // two threads compiled the same
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_stays_below_its_bound() {
        let functions = Functions::default();
        let value = vec![7; MOST / 2 - 1];
        functions.insert(b"a", value.clone());
        functions.insert(b"b", value.clone());
        assert_eq!(functions.get(b"a").as_deref(), Some(&*value));
        functions.insert(b"c", value.clone());
        assert_eq!(functions.get(b"a"), None);
        assert_eq!(functions.get(b"c").as_deref(), Some(&*value));
    }
}
