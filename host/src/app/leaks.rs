//! What `waystation dev --find-leaks` has told already.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::sandbox::Guest;

/// The routes of which it was told that something outlives a request. New code of a route is looked at anew.
#[derive(Debug, Default)]
pub struct Leaks(Mutex<BTreeSet<(String, String)>>);

impl Leaks {
    /// Whether this code of a route was told of.
    pub fn knows(&self, guest: &Guest) -> bool {
        self.with(|told| told.contains(&named(guest)))
    }

    /// Remembers that it is told of; false if it was before.
    pub fn tell(&self, guest: &Guest) -> bool {
        self.with(|told| told.insert(named(guest)))
    }

    fn with<T>(&self, act: impl FnOnce(&mut BTreeSet<(String, String)>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn named(guest: &Guest) -> (String, String) {
    (guest.route().to_owned(), guest.release().to_owned())
}
