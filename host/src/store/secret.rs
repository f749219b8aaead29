//! What a client has to know for something, the same on all nodes that can tell each other.
//!
//! A node has one of its own, which holds there whatever happens. Where nodes share a place, the first of them says what the others use
//! too; a node that cannot ask uses what it knew last.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// Characters of a secret that nodes share: hexadecimal, 256 bits of chance.
const LENGTH: usize = 64;

/// A secret of an app's nodes. It is never told where it is shown.
pub struct Secret {
    name: String,
    /// Empty if the node has no key to make one.
    own: String,
    shared: RwLock<Shared>,
}

/// What the nodes use, and used before: the place that they share may have forgotten, and not what clients have.
#[derive(Default)]
struct Shared {
    now: Option<String>,
    before: Option<String>,
}

impl Secret {
    /// A secret that is `own` until another is shared under the name, which all nodes give it.
    #[must_use]
    pub fn new(name: String, own: String) -> Self {
        Self {
            name,
            own,
            shared: RwLock::default(),
        }
    }

    /// What a client is to show; empty if there is nothing yet, which nobody can show.
    #[must_use]
    pub fn current(&self) -> String {
        let now = self.shared().now.clone();
        now.unwrap_or_else(|| self.own.clone())
    }

    /// Whether a client has shown it: what is shared, what was until then, or what the node gave out by itself. The comparison takes as long
    /// whatever it has shown.
    #[must_use]
    pub fn is_shown(&self, shown: &str) -> bool {
        // `Hash` compares in constant time; what is compared are digests, so lengths do not show either.
        let shown = blake3::hash(shown.as_bytes());
        let is = |secret: &str| !secret.is_empty() & (shown == blake3::hash(secret.as_bytes()));
        let shared = self.shared();
        let [now, before] =
            [&shared.now, &shared.before].map(|one| one.as_deref().unwrap_or_default());
        is(&self.own) | is(now) | is(before)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What all nodes are to use if they use nothing yet; nothing if there is no chance to be had.
    pub(super) fn offer(&self) -> Option<String> {
        let now = self.shared().now.clone();
        now.or_else(|| {
            let mut bytes = [0; blake3::OUT_LEN];
            getrandom::fill(&mut bytes).ok()?;
            Some(blake3::Hash::from_bytes(bytes).to_hex().to_string())
        })
    }

    /// Takes what all nodes use. What none of them can have made is not taken.
    pub(super) fn learn(&self, told: String) {
        if told.len() == LENGTH && told.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let mut shared = self.shared.write().unwrap_or_else(PoisonError::into_inner);
            if shared.now.as_ref() != Some(&told) {
                shared.before = shared.now.replace(told);
            }
        }
    }

    fn shared(&self) -> RwLockReadGuard<'_, Shared> {
        self.shared.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_empty_and_what_was_given_out_holds() {
        let secret = Secret::new("draft".to_owned(), String::new());
        assert!(!secret.is_shown(""));
        for told in ["", "0", &"x".repeat(LENGTH)] {
            secret.learn(told.to_owned());
            assert!(!secret.is_shown(told), "{told}");
        }
        let offers = [secret.offer().unwrap(), secret.offer().unwrap()];
        assert_ne!(offers[0], offers[1]);
        secret.learn(offers[0].clone());
        assert_eq!(
            secret.offer().as_ref(),
            Some(&offers[0]),
            "what it knew last"
        );
        assert_eq!(secret.current(), offers[0]);
        assert!(
            secret.is_shown(&offers[0]) && !secret.is_shown(&offers[1]) && !secret.is_shown("")
        );

        let secret = Secret::new("draft".to_owned(), "own".to_owned());
        assert_eq!(secret.current(), "own");
        secret.learn(offers[0].clone());
        assert!(secret.is_shown("own") && secret.is_shown(&offers[0]));
        for _ in 0..2 {
            secret.learn(offers[1].clone());
            assert!(secret.is_shown(&offers[1]) && secret.is_shown(&offers[0]));
        }
    }
}
