//! `[cache]`: what is kept, where, and how long.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::Deserialize;
use waystation_rules::caching;

/// `[cache]`: what is kept, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cache {
    /// MiB of memory for what is kept: 64 if it is not said.
    pub memory_mb: Option<u32>,
    /// MiB of disk for what is kept, below `.waystation/`, so that a restart finds it; none if it is not said.
    pub disk_mb: Option<NonZeroU32>,
    /// A Redis that the nodes of the app share, such as `redis://127.0.0.1:6379`, in place of the disk. `$NAME` takes it from the environment.
    pub redis: Option<String>,
    /// Seconds until an answer that goes stale expires, as with Next's `expireTime`: a year if it is not said.
    pub expire_time: Option<NonZeroU32>,
    /// `[cache.profiles.biweekly]`: lifetimes with a name, as with Next's `cacheLife`.
    pub profiles: BTreeMap<String, Profile>,
}

/// `[cache.profiles.NAME]`: a lifetime with a name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Seconds until it is stale.
    pub revalidate: u32,
    /// Seconds until it expires; never if it is not said.
    pub expire: Option<u32>,
}

impl Cache {
    /// Bytes of memory for what is kept.
    #[must_use]
    pub fn memory(&self) -> u64 {
        u64::from(self.memory_mb.unwrap_or(64)) << 20
    }

    /// Whether it keeps things in another place or amount, which takes a new start.
    #[must_use]
    pub fn is_elsewhere(&self, other: &Self) -> bool {
        let place = |cache: &Self| (cache.memory(), cache.disk_mb, cache.redis.clone());
        place(self) != place(other)
    }

    /// Whether the text itself has a password, rather than the name of a variable.
    #[must_use]
    pub fn says_a_password(&self) -> bool {
        let redis = self.redis.as_deref().unwrap_or_default();
        let server = redis.split_once("://").map_or("", |(_, server)| server);
        server
            .split('/')
            .next()
            .is_some_and(|server| server.contains('@'))
    }

    /// Seconds until an answer that goes stale expires.
    #[must_use]
    pub fn expire_time(&self) -> u32 {
        self.expire_time.map_or(caching::YEAR, NonZeroU32::get)
    }

    /// The lifetimes that have a name.
    #[must_use]
    pub fn profiles(&self) -> caching::Profiles {
        let profile = |profile: &Profile| caching::Profile {
            revalidate: profile.revalidate,
            expire: profile.expire,
        };
        let own = self.profiles.iter();
        caching::Profiles::new(own.map(|(name, own)| (name.clone(), profile(own))))
    }
}
