//! The values of `cached` that one call makes for others too: however many ask for one at once, it is made once.
//!
//! In: a call that looks for a value, keeps it, or could not make it. Out: the value, or that the call has to make it.
//!
//! No circle of calls waits for long: none waits for one that has made a value for more than ten seconds, nor when half of its own time is
//! over, nor for a value that it asks for while it makes another. Whoever does not wait makes the value as well. A call that ends has given
//! up what it did not make.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use waystation_rules::caching::{Life, Served, State};

use crate::store::{Entry, Flight, Landed, Store};

/// The longest time that another call may take to make a value. One that still streams when it has made it may have no end.
const PATIENCE: Duration = Duration::from_secs(10);

/// What one call makes.
pub(super) struct Held {
    flights: Mutex<HashMap<String, Flight>>,
    /// Since when the call makes what it did not find, by key: a value is no newer than that.
    begun: Mutex<HashMap<String, u64>>,
    /// When half of the call's time is over: the rest is left to make what did not come. None for a call that a handler waits for, which
    /// may be the one that makes the value.
    half_time: Option<Instant>,
    /// How long another call may take.
    patience: Duration,
}

/// A value that a call asks for.
pub(super) struct Sought<'a> {
    pub(super) key: &'a str,
    /// How old it may be.
    pub(super) life: Life,
    /// What takes it out of date, beside what it carries itself.
    pub(super) tags: &'a [String],
    /// One that is stale will do while it is made anew.
    pub(super) takes_stale: bool,
}

impl Held {
    /// Of a call with so many handlers between it and the client, which began then and has so much time.
    pub(super) fn new(depth: u8, began: Instant, time: Duration) -> Self {
        Self {
            flights: Mutex::default(),
            begun: Mutex::default(),
            half_time: (depth == 0).then(|| began + time / 2),
            patience: PATIENCE,
        }
    }

    /// What is kept; nothing if the call has to make it. One that is stale is called so to one call, which makes it anew, and to others when
    /// that does not come.
    pub(super) async fn find(
        &self,
        store: &Store,
        sought: &Sought<'_>,
    ) -> Option<(Arc<Entry>, Served)> {
        let found = self.found(store, sought).await;
        if !matches!(found, Some((_, Served::Hit))) {
            let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
            begun.entry(sought.key.to_owned()).or_insert(store.begin());
        }
        found
    }

    /// When the call began to make a value, once; none if it has not looked for it since.
    pub(super) fn take_begun(&self, key: &str) -> Option<u64> {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.remove(key)
    }

    async fn found(&self, store: &Store, sought: &Sought<'_>) -> Option<(Arc<Entry>, Served)> {
        let Sought {
            key, takes_stale, ..
        } = *sought;
        let good = async || {
            let kept = store.get_for(key, sought.life, sought.tags).await;
            kept.filter(|(_, state)| takes_stale || *state == State::Fresh)
        };
        if let Some((entry, state)) = good().await {
            let flight = (state == State::Stale).then(|| store.try_flight(key));
            let served = match flight {
                Some(Some(flight)) => match store.renewal(&entry, flight, Duration::ZERO).await {
                    Some(flight) => {
                        self.flights().insert(key.to_owned(), flight);
                        Served::Stale
                    }
                    None => Served::Hit,
                },
                Some(None) if store.is_late(key, self.patience) => Served::Stale,
                _ => Served::Hit,
            };
            return Some((entry, served));
        }
        let flight = match self.half_time {
            Some(half_time) if self.flights().is_empty() && !store.is_late(key, self.patience) => {
                let latest = half_time.min(Instant::now() + self.patience);
                timeout_at(latest, store.flight(key)).await.ok()?
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
        self.take_begun(key);
        let flight = self.flights().remove(key);
        if let Some(flight) = flight {
            flight.land(Landed::NotKept);
        }
    }

    /// The call could not make a value: the next one tries.
    pub(super) fn failed(&self, key: &str) {
        self.take_begun(key);
        let flight = self.flights().remove(key);
        drop(flight);
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<String, Flight>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
