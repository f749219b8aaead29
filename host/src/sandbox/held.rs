//! The values of `cached` that one call makes for others too: however many ask for one at once, it is made once.
//!
//! In: a call that looks for a value, keeps it, or could not make it. Out: the value, or that the call has to make it.
//!
//! No circle of calls can wait: one waits only while it makes nothing itself and no handler waits for it, and then not for long. Whoever is
//! not to wait makes the value as well. A call that ends has given up what it did not make.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use waystation_rules::caching::{Served, State};

use crate::store::{Entry, Flight, Landed, Store};

/// The longest time to wait for a value that another call makes.
const PATIENCE: Duration = Duration::from_secs(10);

/// What one call makes.
pub(super) struct Held {
    flights: Mutex<HashMap<String, Flight>>,
    /// None for a call that a handler waits for: that may be the one that makes the value.
    patience: Option<Duration>,
}

impl Held {
    /// Of a call with so many handlers between it and the client, and so much time: half of it is left to make what did not come.
    pub(super) fn new(depth: u8, time: Duration) -> Self {
        Self {
            flights: Mutex::default(),
            patience: (depth == 0).then(|| PATIENCE.min(time / 2)),
        }
    }

    /// What is kept; nothing if the call has to make it. One that is stale is called so to one call alone, which makes it anew.
    pub(super) async fn find(
        &self,
        store: &Store,
        key: &str,
        takes_stale: bool,
    ) -> Option<(Arc<Entry>, Served)> {
        let good = async || {
            let kept = store.get(key).await;
            kept.filter(|(_, state)| takes_stale || *state == State::Fresh)
        };
        if let Some((entry, state)) = good().await {
            let stale = (state == State::Stale).then(|| store.try_flight(key));
            let Some(flight) = stale.flatten() else {
                return Some((entry, Served::Hit));
            };
            self.flights().insert(key.to_owned(), flight);
            return Some((entry, Served::Stale));
        }
        let flight = match self.patience {
            Some(patience) if self.flights().is_empty() => {
                let flight = tokio::time::timeout(patience, store.flight(key)).await;
                flight.ok()?
            }
            _ => store.try_flight(key)?,
        };
        if let Some((entry, _)) = good().await {
            flight.land(Landed::Kept);
            return Some((entry, Served::Hit));
        }
        if flight.is_awaited() {
            self.flights().insert(key.to_owned(), flight);
        }
        None
    }

    /// The call has kept a value. One that nobody can use, as it lives for no time or went out of date meanwhile, all make for themselves.
    pub(super) async fn kept(&self, store: &Store, key: &str) {
        let flight = self.flights().remove(key);
        if let Some(flight) = flight {
            flight.land(match store.get(key).await {
                Some((_, State::Fresh)) => Landed::Kept,
                _ => Landed::NotKept,
            });
        }
    }

    /// The call has made a value that cannot be kept: all make it for themselves.
    pub(super) fn not_kept(&self, key: &str) {
        let flight = self.flights().remove(key);
        if let Some(flight) = flight {
            flight.land(Landed::NotKept);
        }
    }

    /// The call could not make a value: the next one tries.
    pub(super) fn failed(&self, key: &str) {
        let flight = self.flights().remove(key);
        drop(flight);
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<String, Flight>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
