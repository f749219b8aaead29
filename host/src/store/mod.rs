//! Keeps answers, and values of `fetch` and `cached`, by key: in memory, and behind it on disk or with other nodes.
//!
//! In: an [`Entry`], a key, a tag that lapses. Out: what is kept and what it is good for now. What may be kept and for how long is
//! decided in `waystation_rules::caching`; nothing here looks into an answer.
//!
//! Tags are a clock that is compared on read: to invalidate is to note a time, however many entries carry the tag.

mod behind;
mod built;
mod clock;
mod disk;
mod entry;
mod flight;
mod kept;
mod memory;
mod open;
mod redis;
mod secret;
mod underway;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt as _;
use futures_util::future::Shared;
use waystation_rules::caching::{EVERY, Lapsing, Life, State, Times};

pub use behind::{Answer, Behind, BehindError, Lease, Leasing};
pub use built::ReadBuilt;
pub use clock::Clock;
pub use disk::{Disk, DiskError};
pub use entry::{Entry, EntryError, Kind, Prepared};
pub use flight::{Flight, Landed, PATIENCE};
pub use kept::{Kept, LapseFault};
pub use memory::Spot;
pub use open::{OpenError, Place, open};
pub use redis::{Redis, RedisError};
pub use secret::Secret;

use built::Built;
use memory::Memory;

/// What an app keeps. Cloning shares it.
#[derive(Clone)]
pub struct Store {
    memory: Arc<Memory>,
    clock: Arc<Clock>,
    behind: Option<Arc<dyn Behind>>,
    built: Arc<Built>,
    loads: Arc<Loads>,
    flights: Arc<flight::Flights>,
    now: Arc<dyn Fn() -> u64 + Send + Sync>,
    made: Instant,
}

/// What is being read from behind memory. Whoever waits drives it, so nobody who does not go on holds up the others.
type Loads = underway::Underway<OnceLock<Shared<Load>>>;
type Load = Pin<Box<dyn Future<Output = Option<Arc<Entry>>> + Send>>;

impl Store {
    /// Keeps up to `bytes` in memory, headers and keys counted, and everything in `behind` if there is one.
    pub fn new(bytes: u64, behind: Option<Arc<dyn Behind>>) -> Self {
        let clock = Arc::new(Clock::default());
        if let Some(behind) = &behind {
            behind.follow(&clock);
        }
        Self {
            memory: Arc::new(Memory::new(bytes)),
            clock,
            behind,
            built: Arc::default(),
            loads: Arc::default(),
            flights: Arc::default(),
            now: Arc::new(NOW.get().copied().unwrap_or(since_the_epoch)),
            made: Instant::now(),
        }
    }

    /// The same by another clock.
    #[cfg(test)]
    fn by(self, now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        let now = Arc::new(now);
        Self { now, ..self }
    }

    /// Waits until what other nodes say is known here, until `patience` after this was made at most: a place that does not answer is no reason
    /// not to serve.
    pub async fn ready(&self, patience: Duration) {
        if let Some(behind) = &self.behind {
            let left = patience.saturating_sub(self.made.elapsed());
            if tokio::time::timeout(left, behind.ready()).await.is_err() {
                tracing::warn!(
                    "what went out of date on other nodes is not known yet; the build's answers are served meanwhile"
                );
            }
        }
    }

    /// Has a secret be the same on all nodes, where there are others.
    pub fn share(&self, secret: &Arc<Secret>) {
        if let Some(behind) = &self.behind {
            behind.share(secret);
        }
    }

    /// Milliseconds since the epoch.
    pub fn now(&self) -> u64 {
        (self.now)()
    }

    /// When something to be kept is begun now: later than every lapse so far.
    pub fn begin(&self) -> u64 {
        self.clock.begin(self.now())
    }

    /// What is kept under a key, and what it is good for; nothing if it has expired.
    pub async fn get(&self, key: &str) -> Option<(Arc<Entry>, State)> {
        if let Some(entry) = self.memory.get(key) {
            match self.state(&entry, self.now()) {
                State::Expired => {}
                state => return Some((entry, state)),
            }
        }
        if self.behind.is_none() && self.built.find(key).is_none() {
            return None;
        }
        let entry = self.loaded(key).await?;
        let state = self.state(&entry, self.now());
        (state != State::Expired).then_some((entry, state))
    }

    /// What is kept behind memory, read once for all who miss it now.
    async fn loaded(&self, key: &str) -> Option<Arc<Entry>> {
        let underway = self.loads.of(key);
        let load = underway.get_or_init(|| {
            let (store, key) = (self.clone(), key.to_owned());
            let load = async move {
                let loaded = store.load(&key).await;
                store.loads.end(&key);
                loaded
            };
            (Box::pin(load) as Load).shared()
        });
        load.clone().await
    }

    /// As [`Store::get`], judged by the caller's own lifetime and tags as well: another may have kept it with others.
    pub async fn get_for(
        &self,
        key: &str,
        life: Life,
        tags: &[String],
    ) -> Option<(Arc<Entry>, State)> {
        let (entry, _) = self.get(key).await?;
        let life = match entry.kind {
            Kind::Value => life.shortest(entry.life), // that of all that went into it
            Kind::Answer | Kind::Fetch => life,
        };
        let times = life.times(entry.times.began, entry.times.stored);
        let now = self.now();
        let by = |tags: &[String]| times.state(&self.clock.of(tags), now);
        let state = by(&entry.tags).max(by(tags));
        (state != State::Expired).then_some((entry, state))
    }

    /// What memory has under the key of a spot if it is fresh, and the time at which it was.
    pub fn fresh(&self, spot: &Spot, key: &str) -> Option<(Arc<Entry>, u64)> {
        let now = self.now();
        let entry = self.memory.get_at(spot, key, now)?;
        (self.state(&entry, now) == State::Fresh).then_some((entry, now))
    }

    /// Takes what is kept behind memory into memory, unless memory has a newer one.
    async fn load(&self, key: &str) -> Option<Arc<Entry>> {
        let behind = match &self.behind {
            None => None,
            Some(behind) => behind.load(key).await.unwrap_or_else(|error| {
                tracing::debug!("the store behind memory did not answer: {error}");
                None
            }),
        };
        let loaded = match behind.filter(|entry| *entry.key == *key) {
            Some(entry) => Arc::new(entry),
            None => Arc::new(self.read_built(key).await?),
        };
        self.clock.has_begun(loaded.times.began);
        if self.state(&loaded, self.now()) == State::Expired {
            return None;
        }
        let kept = self.memory.get(key);
        if kept.is_none_or(|kept| kept.times.stored < loaded.times.stored) {
            self.memory.put(Arc::clone(&loaded));
        }
        Some(loaded)
    }

    async fn read_built(&self, key: &str) -> Option<Entry> {
        let read = self.built.find(key)?;
        let read = tokio::task::spawn_blocking(move || read());
        let entry = read.await.ok().flatten()?;
        (*entry.key == *key).then_some(entry)
    }

    /// Has the answers that the build of a release has made be found as long as there are no newer ones, whether memory has room for them or not.
    pub fn add_built(&self, release: &str, answers: HashMap<Arc<str>, ReadBuilt>) {
        self.built.add(release, answers);
    }

    fn state(&self, entry: &Entry, now: u64) -> State {
        let lapse = self.clock.of(&entry.tags);
        entry.times.state(&lapse, now)
    }

    /// Keeps an entry in place of what has its key. It is served from memory when this returns; where it cannot be kept behind memory,
    /// that is only logged.
    pub async fn put(&self, entry: Entry) -> Arc<Entry> {
        let entry = Arc::new(entry);
        self.built.forget(&entry.key);
        self.memory.put(Arc::clone(&entry));
        if let Some(behind) = &self.behind
            && let Err(error) = behind.save(&entry).await
        {
            tracing::debug!("an entry is kept in memory alone: {error}");
        }
        entry
    }

    /// Whether an entry that was put is found by those who wait for it: one that is longer than all of memory is not.
    pub fn holds(&self, entry: &Entry) -> bool {
        self.behind.is_some() || self.memory.has_room_for(entry)
    }

    /// Notes that an entry could not be made anew, so that it is not tried again at once (row I6).
    pub fn postpone(&self, entry: &Entry) {
        let times = entry.times.failed(entry.life, self.now());
        self.replace_times(entry, times);
    }

    fn replace_times(&self, entry: &Entry, times: Times) {
        let entry = Entry {
            times,
            ..entry.clone()
        };
        self.memory.put(Arc::new(entry));
    }

    /// Forgets an entry.
    pub async fn remove(&self, key: &str) {
        self.built.forget(key);
        self.memory.remove(key);
        if let Some(behind) = &self.behind
            && let Err(error) = behind.remove(key).await
        {
            tracing::warn!("an entry could not be removed behind memory: {error}");
        }
    }

    /// Tags go out of date, now.
    pub async fn lapse(&self, tags: &[(String, Lapsing)]) {
        let now = self.clock.lapse(self.now());
        let add = |(tag, lapsing): &(String, _)| (tag.clone(), self.clock.add(tag, *lapsing, now));
        let lapses: Vec<_> = tags.iter().map(add).collect();
        if let Some(behind) = &self.behind
            && let Err(error) = behind.lapse(&lapses).await
        {
            tracing::warn!("tags went out of date on this node alone for now: {error}");
        }
    }

    /// Everything expires, on disk and on other nodes too.
    pub async fn purge(&self) {
        self.lapse(&[(EVERY.to_owned(), Lapsing::Expire(0))]).await;
        self.memory.clear();
    }

    /// Everything that is kept in memory, in no order.
    pub fn entries(&self) -> Vec<(Arc<Entry>, State)> {
        let entries = self.memory.all();
        entries
            .map(|entry| {
                let state = self.state(&entry, self.now());
                (entry, state)
            })
            .collect()
    }

    /// Takes part in making what has this key, unless somebody is making it now.
    pub fn try_flight(&self, key: &str) -> Option<Flight> {
        self.flights.try_join(key)
    }

    /// The flight that makes a stale entry anew; none if another node makes it, or if somebody has just made it or failed to. Waits for another
    /// node for `patience` at most, and then has in memory what that has made.
    pub async fn renewal(
        &self,
        stale: &Entry,
        mut flight: Flight,
        patience: Duration,
    ) -> Option<Flight> {
        let key = &stale.key;
        if let Some(behind) = &self.behind {
            let may = flight.lease(&**behind, key, patience).await;
            if flight.is_leased() {
                self.load(key).await;
            }
            may.then_some(())?;
        }
        match self.get(key).await {
            Some((kept, _)) if stale.times.began < kept.times.began => {
                flight.land(Landed::Kept);
                None
            }
            Some((kept, _)) if !kept.times.may_refresh(self.now()) => None,
            _ => Some(flight),
        }
    }

    /// Whether somebody has been making what has this key for longer than that.
    pub fn is_late(&self, key: &str, time: Duration) -> bool {
        self.flights.is_late(key, time)
    }

    /// Takes part in making what has this key; see [`Flight`]. What another node made meanwhile is in memory when this returns.
    pub async fn flight(&self, key: &str) -> Flight {
        let flight = self.flights.join(key, self.behind.as_ref()).await;
        if flight.is_leased() {
            self.load(key).await;
        }
        flight
    }
}

static NOW: OnceLock<fn() -> u64> = OnceLock::new();

/// Has every store of this process take the time from `now`, in milliseconds since the epoch: for tests of the whole program. The first call
/// counts.
pub fn tell_time_by(now: fn() -> u64) {
    NOW.get_or_init(|| now);
}

fn since_the_epoch() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

#[cfg(test)]
mod tests;
