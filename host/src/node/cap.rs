//! The most that a release may ask for, as the node's operator says: a file with some of the keys of waystation.toml.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroU32;
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;
use waystation_rules::rollout::AppName;
use waystation_rules::segment::{self, AppLimits};

use super::inspect::Fault;
use crate::project::settings::{Cache, Limits, Settings};

/// The most that a release may ask for. What is not said has no cap, but for `handles`, `call_bytes`, `field_bytes` and `random_bytes`, of
/// which a release gets the defaults at most.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cap {
    limits: Limits,
    cache: CacheCap,
    /// What holds for an app of this name in place of that.
    apps: BTreeMap<AppName, AppCap>,
}

/// The most that a release of one app may ask for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AppCap {
    limits: Limits,
    cache: CacheCap,
}

/// What of `[cache]` has a cap.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CacheCap {
    /// MiB.
    memory_mb: Option<u32>,
    /// MiB.
    disk_mb: Option<NonZeroU32>,
    /// Whether a release may name a Redis, which the node then connects to.
    redis: bool,
}

impl Default for CacheCap {
    fn default() -> Self {
        Self {
            memory_mb: None,
            disk_mb: None,
            redis: true,
        }
    }
}

impl Cap {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or says something else.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(file);
        let text = text.with_context(|| format!("cannot read {}", file.display()))?;
        let cap: Self =
            toml::from_str(&text).with_context(|| format!("{} makes no sense", file.display()))?;
        let mut limits = cap.apps.values().map(|app| &app.limits);
        anyhow::ensure!(
            cap.limits.routes.is_empty() && limits.all(|limits| limits.routes.is_empty()),
            "{} caps a route; a cap is for all routes of an app: remove `limits.routes`",
            file.display()
        );
        Ok(cap)
    }

    /// What holds for an app.
    pub(super) fn of(&self, app: &AppName) -> Cow<'_, Self> {
        match self.apps.get(app) {
            None => Cow::Borrowed(self),
            Some(AppCap { limits, cache }) => Cow::Owned(Self {
                limits: limits.clone(),
                cache: cache.clone(),
                apps: BTreeMap::new(),
            }),
        }
    }

    /// Everything for which settings ask beyond it.
    pub(super) fn faults(&self, settings: &Settings) -> Vec<Fault> {
        let limits = settings.limits.of_app(self.defaults());
        let excess = limits.beyond(&self.most()).into_iter().map(Fault::Excess);
        let mut faults: Vec<_> = excess.collect();
        let (asked, cap) = (&settings.cache, &self.cache);
        let mebibytes = NonZeroU32::get;
        for (key, asked, most) in [
            ("memory_mb", asked.memory_mb, cap.memory_mb),
            (
                "disk_mb",
                asked.disk_mb.map(mebibytes),
                cap.disk_mb.map(mebibytes),
            ),
        ] {
            if let (Some(asked), Some(most)) = (asked, most)
                && most < asked
            {
                faults.push(Fault::Kept { key, asked, most });
            }
        }
        if asked.redis.is_some() && !cap.redis {
            faults.push(Fault::Redis);
        }
        faults
    }

    /// What a release gets that asks for nothing.
    pub(super) fn defaults(&self) -> segment::Limits {
        segment::Limits::default().within(&self.most())
    }

    /// What a release gets. One that was taken under a higher cap is held to this one.
    pub(super) fn limits(&self, settings: &Settings) -> AppLimits {
        settings.limits.of_app(self.defaults()).within(&self.most())
    }

    /// What a release may keep, likewise.
    pub(super) fn cache(&self, settings: &Settings) -> Cache {
        let (asked, cap) = (&settings.cache, &self.cache);
        let memory = cap.memory_mb.map(|most| {
            let asked = asked.memory() >> 20;
            most.min(u32::try_from(asked).unwrap_or(u32::MAX))
        });
        let disk = |asked: NonZeroU32| cap.disk_mb.map_or(asked, |most| most.min(asked));
        Cache {
            memory_mb: memory.or(asked.memory_mb),
            disk_mb: asked.disk_mb.map(disk),
            redis: asked.redis.clone().filter(|_| cap.redis),
            ..asked.clone()
        }
    }

    /// What the host holds in memory for a guest in one call has a cap in any case.
    fn most(&self) -> segment::Limits {
        let defaults = segment::Limits::default();
        self.limits.over(segment::Limits {
            handles: defaults.handles,
            call_bytes: defaults.call_bytes,
            field_bytes: defaults.field_bytes,
            random_bytes: defaults.random_bytes,
            ..segment::Limits::none()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAP: &str = "[limits]\nmemory_mb = 64\nconcurrency = 10\n\n\
        [cache]\nmemory_mb = 16\ndisk_mb = 100\nredis = false\n";

    #[test]
    fn a_release_that_asks_for_nothing_gets_what_the_cap_leaves() {
        let (cap, nothing): (Cap, _) = (toml::from_str(CAP).unwrap(), Settings::default());
        assert!(cap.faults(&nothing).is_empty());
        assert_eq!(cap.limits(&nothing).all.memory, 64 << 20);
        assert_eq!(cap.limits(&nothing).all.url_bytes, 8192);
        assert_eq!(cap.cache(&nothing).memory(), 16 << 20);
        let greedy = Settings::parse("[cache]\nredis = \"redis://10.0.0.1\"\n").unwrap();
        assert_eq!(cap.cache(&greedy).redis, None); // of a release that was taken before
        assert_eq!(Cap::default().limits(&nothing), AppLimits::default());
        assert_eq!(Cap::default().cache(&nothing), nothing.cache);
    }

    #[test]
    fn everything_beyond_it_is_named() {
        check(
            "[limits]\nmemory_mb = 65\nconcurrency = 1000\nurl_bytes = 100000\n",
            "`limits.memory_mb` of waystation.toml is 65, and this node gives 64 at most\n\
             `limits.concurrency` of waystation.toml is 1000, and this node gives 10 at most",
        );
        check(
            "[cache]\nmemory_mb = 17\ndisk_mb = 101\n",
            "`cache.memory_mb` of waystation.toml is 17, and this node gives 16 at most\n\
             `cache.disk_mb` of waystation.toml is 101, and this node gives 100 at most",
        );
        check(
            "[cache]\nredis = \"redis://10.0.0.1\"\n",
            "`cache.redis` of waystation.toml names a Redis, and this node's operator lets no release have one",
        );
        check("[limits]\nmemory_mb = 64\n", "");
    }

    #[test]
    fn an_app_has_a_cap_of_its_own_if_it_is_named() {
        let text = format!("{CAP}\n[apps.shop.limits]\nmemory_mb = 256\n");
        let cap: Cap = toml::from_str(&text).unwrap();
        let memory = |app: &str| {
            let cap = cap.of(&AppName::try_from(app.to_owned()).unwrap());
            let asked = Settings::parse("[limits]\nmemory_mb = 256\n").unwrap();
            (
                cap.limits(&asked).all.memory >> 20,
                cap.faults(&asked).len(),
            )
        };
        assert_eq!(memory("shop"), (256, 0));
        assert_eq!(memory("blog"), (64, 1));
        assert!(toml::from_str::<Cap>("[apps.'no name'.limits]\n").is_err());
    }

    #[test]
    fn what_the_host_holds_for_one_call_has_a_cap_without_a_word() {
        let asked = "[limits]\nmemory_mb = 1000\nrandom_bytes = 65537\nhandles = 10001\n";
        let settings = Settings::parse(asked).unwrap();
        let faults = Cap::default().faults(&settings);
        let texts: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "`limits.handles` of waystation.toml is 10001, and this node gives 10000 at most",
                "`limits.random_bytes` of waystation.toml is 65537, and this node gives 65536 at most"
            ]
        );
        let more: Cap =
            toml::from_str("[limits]\nrandom_bytes = 100000\nhandles = 20000\n").unwrap();
        assert!(more.faults(&settings).is_empty());
    }

    #[track_caller]
    fn check(settings: &str, expected: &str) {
        let cap: Cap = toml::from_str(CAP).unwrap();
        let faults = cap.faults(&Settings::parse(settings).unwrap());
        let texts: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(texts.join("\n"), expected);
    }
}
