//! Keeps entries in Redis (6 or later), which the nodes of an app share, and the secrets of draft mode.
//!
//! In: entries, and what became of tags. Out: what any node kept, and what became of tags on every node.
//!
//! Redis may be slow, gone or full: a request waits once, for 35 ms at most, then nobody asks until it is well again. What became of tags
//! is never lost while a node lives that knows it: the nodes' clocks and the one in Redis are merged whenever they meet, so Redis itself
//! need not keep anything over a restart. Messages of Redis only make that sooner.
//!
//! Times are those of the nodes, whose clocks have to agree. A full Redis had best evict `volatile-lru`: entries have an end, the clock has
//! none. What comes out of it is not checked against somebody who may write to it, and who may read it can enter draft mode.

mod follow;
mod keys;
mod lapses;
mod link;
mod secrets;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::redis::{Client, ConnectionAddr, IntoConnectionInfo as _, ProtocolVersion, cmd};
use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use waystation_rules::caching::Lapse;

use super::{Answer, Behind, BehindError, Clock, Entry, Lease, Leasing, Secret};
use follow::Follower;
use keys::Keys;
use link::Link;
use secrets::Secrets;

/// Bytes of the longest entry: a longer one would hold up what others ask meanwhile.
const LONGEST: usize = 1 << 20;
/// The longest time an entry is there, in milliseconds; one that lives on is made again then.
const MONTH: u64 = 30 * 24 * 60 * 60 * 1000;
/// How long a node may make something before others do so too.
const LEASE: Duration = Duration::from_secs(5);

/// Deletes a lease if it is still the one that was taken.
const GIVE_BACK: &str = "
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0";

/// A Redis that nodes share.
pub struct Redis {
    client: Client,
    keys: Arc<Keys>,
    link: Arc<Link>,
    secrets: Arc<Secrets>,
    /// They end with this.
    followers: Mutex<JoinSet<()>>,
}

/// Why a URL does not name a Redis. None of them repeats it, as it may hold a password.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedisError {
    /// It is no such URL.
    #[error("it is not like `redis://user:password@host:6379/0`")]
    Url,

    /// It asks for TLS.
    #[error("`rediss` is not supported: Redis has to be reached over a network that is private")]
    Tls,
}

impl Redis {
    /// Will use the Redis at a URL once it is [followed](Behind::follow), for one app: others may share it.
    ///
    /// # Errors
    ///
    /// A [`RedisError`]. That it does not answer is none: it may later.
    pub fn open(url: &str, app: &str) -> Result<Self, RedisError> {
        if url.starts_with("rediss:") {
            return Err(RedisError::Tls);
        }
        let info = url.into_connection_info().map_err(|_| RedisError::Url)?;
        let settings = info.redis_settings().clone();
        let info = info.set_redis_settings(settings.set_protocol(ProtocolVersion::RESP3));
        let place = match info.addr() {
            ConnectionAddr::Unix(path) => format!("redis+unix://{}", path.display()),
            address => format!("redis://{address}"),
        };
        Ok(Self {
            client: Client::open(info).map_err(|_| RedisError::Url)?,
            keys: Arc::new(Keys::new(app)),
            link: Arc::new(Link::new(place)),
            secrets: Arc::default(),
            followers: Mutex::default(),
        })
    }

    async fn read(&self, key: &str) -> Result<Option<Entry>, BehindError> {
        let name = self.keys.entry(key);
        let bytes: Option<Bytes> = self.link.ask(cmd("GET").arg(&name)).await?;
        let Some(bytes) = bytes else {
            return Ok(None);
        };
        match Entry::from_bytes(&bytes) {
            Ok(entry) => Ok(Some(entry)),
            Err(reason) => {
                tracing::warn!("{}: {name} is dropped: {reason}", self.link.place);
                self.link.ask::<()>(cmd("DEL").arg(&name)).await?;
                Ok(None)
            }
        }
    }

    async fn write(&self, entry: &Entry) -> Result<(), BehindError> {
        let bytes = entry.to_bytes();
        if LONGEST < bytes.len() {
            let reason = format!("{} bytes are more than {LONGEST}", bytes.len());
            return Err(self.link.error(reason));
        }
        let times = entry.times;
        let life = times
            .stale_until
            .map(|end| end.saturating_sub(times.stored));
        let life = life.unwrap_or(MONTH).clamp(1, MONTH);
        let name = self.keys.entry(&entry.key);
        let mut set = cmd("SET");
        self.link
            .ask(set.arg(name).arg(bytes).arg("PX").arg(life))
            .await
    }

    async fn add(&self, lapses: &[(String, Lapse)]) -> Result<(), BehindError> {
        let write = async |mut connection| lapses::write(&mut connection, &self.keys, lapses).await;
        let written = self.link.within_answer(write).await;
        if written.is_err() {
            self.link.owed.notify_one();
        }
        written
    }

    async fn take_lease(&self, key: &str) -> Result<Leasing, BehindError> {
        let token = getrandom::u64().map_err(|error| self.link.error(error))?;
        let name = self.keys.lease(key);
        let mut set = cmd("SET");
        set.arg(&name).arg(token).arg("NX");
        set.arg("PX").arg(LEASE.as_millis() as u64);
        let taken: Option<String> = self.link.ask(&set).await?;
        Ok(match taken {
            Some(_ok) => Leasing::Mine(self.lease_of(name, token)),
            None => Leasing::Taken,
        })
    }

    fn lease_of(&self, name: String, token: u64) -> Lease {
        let (link, runtime) = (Arc::clone(&self.link), Handle::current());
        let give_back = async move {
            let mut eval = cmd("EVAL");
            eval.arg(GIVE_BACK).arg(1).arg(name).arg(token);
            if let Err(error) = link.ask::<()>(&eval).await {
                tracing::debug!("a lease is left to run out: {error}");
            }
        };
        Lease::new(move || drop(runtime.spawn(give_back)))
    }
}

impl Behind for Redis {
    /// Begins to use Redis; in a runtime.
    fn follow(&self, clock: &Arc<Clock>) {
        let follower = Follower {
            client: self.client.clone(),
            keys: Arc::clone(&self.keys),
            link: Arc::clone(&self.link),
            clock: Arc::clone(clock),
            secrets: Arc::clone(&self.secrets),
        };
        let mut followers = self
            .followers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        followers.spawn(follower.run());
    }

    fn load<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Entry>> {
        Box::pin(self.read(key))
    }

    fn save<'a>(&'a self, entry: &'a Arc<Entry>) -> Answer<'a, ()> {
        Box::pin(self.write(entry))
    }

    fn remove<'a>(&'a self, key: &'a str) -> Answer<'a, ()> {
        Box::pin(async move { self.link.ask(cmd("DEL").arg(self.keys.entry(key))).await })
    }

    fn lapse<'a>(&'a self, lapses: &'a [(String, Lapse)]) -> Answer<'a, ()> {
        Box::pin(self.add(lapses))
    }

    fn lease<'a>(&'a self, key: &'a str) -> Pin<Box<dyn Future<Output = Leasing> + Send + 'a>> {
        Box::pin(async move { self.take_lease(key).await.unwrap_or(Leasing::Alone) })
    }

    fn share(&self, secret: &Arc<Secret>) {
        self.secrets.add(secret);
        self.link.has_secret.notify_one();
    }

    fn ready<'a>(&'a self) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(self.link.opened())
    }
}

#[cfg(test)]
mod joining;
#[cfg(test)]
mod server;
#[cfg(test)]
mod tests;
