//! `waystation.toml`: what the operator of an app sets. The file may be absent; every key may be.
//!
//! In: the text. Out: [`Settings`], or a [`SettingsError`] with the line, the column and the key that was probably meant.
//!
//! Whether a value makes sense together with what a route asks for is decided in `waystation_rules::segment`; what the rules for headers,
//! redirects and rewrites mean, in `waystation_rules::config`.

use super::place::Place;
use super::suggest::nearest;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;
use waystation_rules::base_path::{BasePath, BasePathError};
use waystation_rules::caching;
use waystation_rules::config::{ConfigError, Declared, Rules, declared};
use waystation_rules::environment::{self, NameError};
use waystation_rules::forwarded::{Trust, TrustError};
use waystation_rules::outbound::{self, OutboundError};
use waystation_rules::segment;

/// The file's name.
pub const FILE: &str = "waystation.toml";

/// Everything `waystation.toml` can say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `[server]`.
    pub server: Server,
    /// `[limits]`.
    pub limits: Limits,
    /// `[outbound]`.
    pub outbound: Outbound,
    /// `[cache]`.
    pub cache: Cache,
    /// `trailing_slash = true`: paths end in a slash, as with Next's `trailingSlash`.
    pub trailing_slash: bool,
    /// `compression = false`: answers are sent as they are, as with Next's `compress`, for instance where a proxy in front compresses them.
    pub compression: Option<bool>,
    /// `base_path = "/docs"`: the path that the app is below.
    pub base_path: String,
    /// `[[headers]]`: what goes with answers.
    pub headers: Vec<declared::Headers>,
    /// `[[redirects]]`: where clients are sent.
    pub redirects: Vec<declared::Redirect>,
    /// `[[rewrites.before_files]]`, `after_files` and `fallback`: which paths are answered as others.
    pub rewrites: declared::Rewrites,
    /// `trusted_proxies = ["10.0.0.0/8"]`: who may say who asks.
    pub trusted_proxies: Vec<String>,
    /// `hosts = ["example.com"]`: whom a trusted proxy may say the client meant.
    pub hosts: Vec<String>,
    /// `env = ["DATABASE_URL"]`: the variables that guests see. Their values come from the environment and from `.env` files.
    pub env: Vec<String>,
}

/// `[server]`: where to listen. The command line and the environment win over it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// An address or a name, such as `127.0.0.1`.
    pub host: Option<String>,
    /// 0 for any free one.
    pub port: Option<u16>,
}

/// `[outbound]`: which other servers handlers may ask; none by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Outbound {
    /// Such as `https://api.example.com`, `https://*.example.com` and `http://localhost:*`.
    pub hosts: Vec<String>,
    /// Ranges that may be reached though they are not public, such as `10.0.0.0/8`.
    pub addresses: Vec<String>,
}

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

/// `[limits]`: what one request may use. A key that is absent keeps its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Seconds of wall-clock time until the response head.
    pub max_duration: Option<NonZeroU32>,
    /// Seconds of wall-clock time for a streamed body.
    pub stream_duration: Option<NonZeroU32>,
    /// Milliseconds of execution.
    pub cpu_ms: Option<NonZeroU32>,
    /// MiB of memory, summed over all memories and tables.
    pub memory_mb: Option<NonZeroU32>,
    /// Bytes of request body.
    pub body_limit: Option<u64>,
    /// Bytes of header section.
    pub header_bytes: Option<NonZeroU32>,
    /// Bytes of URL.
    pub url_bytes: Option<NonZeroU32>,
    /// Requests at once.
    pub concurrency: Option<NonZeroU32>,
    /// Milliseconds that a request waits for its turn.
    pub queue_wait_ms: Option<u64>,
    /// Outgoing requests of one request.
    pub fetches: Option<NonZeroU32>,
    /// Outgoing requests of one request that are open at once.
    pub fetches_at_once: Option<NonZeroU32>,
    /// Bytes that one request may log.
    pub log_bytes: Option<usize>,
}

/// Why `waystation.toml` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It is there but cannot be read.
    #[error("cannot be read: {error}\n  --> {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },

    /// A key that means nothing.
    #[error("`{key}` is not a setting here\n  --> {FILE}:{place}\n\nhint: {hint}")]
    UnknownKey {
        /// As it was written.
        key: String,
        /// Where.
        place: Place,
        /// What it could have been.
        hint: String,
    },

    /// `base_path` is none.
    #[error("{0}\n  --> {FILE}")]
    BasePath(BasePathError),

    /// `trusted_proxies` or `hosts` holds something else.
    #[error("{0}\n  --> {FILE}")]
    Trust(TrustError),

    /// `env` lists what guests may not be told.
    #[error("{0}\n  --> {FILE}")]
    Environment(NameError),

    /// Every fault of the rules. Each after the first brings its own `error: `, as the faults of a project do.
    #[error("{}", joined(.0))]
    Rules(Vec<ConfigError>),

    /// `[outbound]` holds something else.
    #[error("{0}\n  --> {FILE}")]
    Outbound(OutboundError),

    /// One or more of those above in words, each with the line and the column of its value.
    #[error("{}", .0.join("\n\nerror: "))]
    Placed(Vec<String>),

    /// `[cache]` names two places.
    #[error("`cache.redis` and `cache.disk_mb` are two places for the same answers; keep one")]
    TwoPlaces,

    /// No TOML, or a value of the wrong kind or size.
    #[error("{message}\n  --> {FILE}:{place}")]
    Value {
        /// Where.
        place: Place,
        /// What is wrong.
        message: String,
    },
}

impl Settings {
    /// Reads the file in an app's root; without one, every setting is at its default.
    ///
    /// # Errors
    ///
    /// [`SettingsError`]: unreadable, an unknown key, a value that does not fit, a rule that cannot be.
    pub fn read(root: &Path) -> Result<Settings, SettingsError> {
        let path = root.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Settings::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Settings::default()),
            Err(error) => Err(SettingsError::Read { path, error }),
        }
    }

    /// Reads the file's text.
    ///
    /// # Errors
    ///
    /// As [`Settings::read`].
    pub fn parse(text: &str) -> Result<Settings, SettingsError> {
        let settings: Settings = toml::from_str(text).map_err(|error: toml::de::Error| {
            let place = Place::of(text, &error.span().unwrap_or_default());
            let message = error.message().to_owned();
            match unknown_field(&message) {
                Some((key, known)) => SettingsError::UnknownKey {
                    hint: hint(&key, &known),
                    key,
                    place,
                },
                None => SettingsError::Value { place, message },
            }
        })?;
        settings.check().map_err(|error| error.placed(text))?;
        Ok(settings)
    }

    /// Whether the values, each of its kind, make sense.
    fn check(&self) -> Result<(), SettingsError> {
        self.rules()?;
        self.trust()?;
        self.outbound(false)?;
        if self.cache.disk_mb.is_some() && self.cache.redis.is_some() {
            return Err(SettingsError::TwoPlaces);
        }
        environment::check_names(&self.env).map_err(SettingsError::Environment)
    }

    /// The rules for headers, redirects and rewrites, ready to be asked.
    ///
    /// # Errors
    ///
    /// [`SettingsError::BasePath`] or [`SettingsError::Rules`]; never for settings that were read.
    pub fn rules(&self) -> Result<Rules, SettingsError> {
        let base = BasePath::parse(&self.base_path).map_err(SettingsError::BasePath)?;
        let declared = Declared {
            headers: self.headers.clone(),
            redirects: self.redirects.clone(),
            rewrites: self.rewrites.clone(),
        };
        Rules::compile(&declared, base).map_err(SettingsError::Rules)
    }

    /// Which other servers may be asked. In development this machine is one of them.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Outbound`]; never for settings that were read.
    pub fn outbound(&self, is_development: bool) -> Result<outbound::Outbound, SettingsError> {
        let Outbound { hosts, addresses } = &self.outbound;
        outbound::Outbound::new(hosts, addresses, is_development).map_err(SettingsError::Outbound)
    }

    /// Whom to trust to say who asks.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Trust`]; never for settings that were read.
    pub fn trust(&self) -> Result<Trust, SettingsError> {
        Trust::new(&self.trusted_proxies, &self.hosts).map_err(SettingsError::Trust)
    }
}

impl SettingsError {
    /// The same with the place of each value that is at fault.
    fn placed(self, text: &str) -> Self {
        let placed = |fault: &dyn std::fmt::Display| placed(&fault.to_string(), text);
        Self::Placed(match &self {
            Self::BasePath(fault) => vec![placed(fault)],
            Self::Trust(fault) => vec![placed(fault)],
            Self::Environment(fault) => vec![placed(fault)],
            Self::Rules(faults) => faults.iter().map(|fault| placed(fault)).collect(),
            Self::Outbound(fault) => vec![placed(fault)],
            Self::TwoPlaces => vec![placed(&self)],
            Self::Read { .. } | Self::UnknownKey { .. } | Self::Value { .. } | Self::Placed(_) => {
                return self;
            }
        })
    }
}

/// A fault with its place: its words begin with the key, as in "`hosts[1]`: `b c` is no host name".
fn placed(fault: &str, text: &str) -> String {
    let key = fault.split('`').nth(1).unwrap_or_default();
    match Place::of_key(text, key) {
        Some(place) => format!("{fault}\n  --> {FILE}:{place}"),
        None => format!("{fault}\n  --> {FILE}"),
    }
}

fn joined(faults: &[ConfigError]) -> String {
    let texts: Vec<_> = faults
        .iter()
        .map(|fault| format!("{fault}\n  --> {FILE}"))
        .collect();
    texts.join("\n\nerror: ")
}

/// Takes serde's sentence apart: "unknown field `prot`, expected `host` or `port`".
fn unknown_field(message: &str) -> Option<(String, Vec<String>)> {
    let quoted = message.strip_prefix("unknown field ")?;
    let mut names = quoted.split('`').skip(1).step_by(2).map(str::to_owned);
    Some((names.next()?, names.collect()))
}

fn hint(key: &str, known: &[String]) -> String {
    match nearest(key, known.iter().map(String::as_str)) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("the settings here are {}", known.join(", ")),
    }
}

impl Limits {
    /// The operator's limits: what the file says, over the defaults.
    #[must_use]
    pub fn over(&self, defaults: segment::Limits) -> segment::Limits {
        let seconds = |value: Option<NonZeroU32>, default| {
            value.map_or(default, |value| Duration::from_secs(value.get().into()))
        };
        let count = |value: Option<NonZeroU32>, default| {
            value.map_or(default, |value| value.get() as usize)
        };
        segment::Limits {
            max_duration: seconds(self.max_duration, defaults.max_duration),
            stream_duration: seconds(self.stream_duration, defaults.stream_duration),
            cpu: self.cpu_ms.map_or(defaults.cpu, |value| {
                Duration::from_millis(value.get().into())
            }),
            memory: self
                .memory_mb
                .map_or(defaults.memory, |value| (value.get() as usize) << 20),
            body: self.body_limit.unwrap_or(defaults.body),
            header_bytes: count(self.header_bytes, defaults.header_bytes),
            url_bytes: count(self.url_bytes, defaults.url_bytes),
            concurrency: count(self.concurrency, defaults.concurrency),
            queue_wait: self
                .queue_wait_ms
                .map_or(defaults.queue_wait, Duration::from_millis),
            fetches: count(self.fetches, defaults.fetches),
            fetches_at_once: count(self.fetches_at_once, defaults.fetches_at_once),
            log_bytes: self.log_bytes.unwrap_or(defaults.log_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_is_every_default() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Settings::read(folder.path()).unwrap(), Settings::default());
    }

    #[test]
    fn every_key_is_read() {
        let text = "trailing_slash = true\ncompression = false\n[server]\nhost = '::1'\nport = 80\n[limits]\nmax_duration = 5\nbody_limit = 0";
        let settings = Settings::parse(text).unwrap();
        assert_eq!(
            settings.server,
            Server {
                host: Some("::1".to_owned()),
                port: Some(80)
            }
        );
        assert_eq!(settings.limits.max_duration.map(NonZeroU32::get), Some(5));
        assert!(settings.trailing_slash);
        assert_eq!(settings.compression, Some(false));
    }

    #[test]
    fn limits_that_are_set_win_over_the_defaults() {
        let settings = Settings::parse("limits = { memory_mb = 64, cpu_ms = 50 }").unwrap();
        let defaults = segment::Limits::default();
        let expected = segment::Limits {
            memory: 64 << 20,
            cpu: Duration::from_millis(50),
            ..defaults.clone()
        };
        assert_eq!(settings.limits.over(defaults), expected);
    }

    #[test]
    fn a_slip_names_the_key_that_was_meant() {
        check(
            "[server]\nprot = 80",
            "`prot` is not a setting here\n  --> waystation.toml:2:1\n\nhint: did you mean `port`?",
        );
        check(
            "[limit]\ncpu_ms = 80",
            "`limit` is not a setting here\n  --> waystation.toml:1:2\n\nhint: did you mean `limits`?",
        );
        check(
            "colour = 1",
            "`colour` is not a setting here\n  --> waystation.toml:1:1\n\nhint: the settings here are server, limits, outbound, cache, trailing_slash, compression, base_path, headers, redirects, rewrites, trusted_proxies, hosts, env",
        );
    }

    #[test]
    fn a_rule_is_read_and_compiled() {
        let text = "base_path = '/docs'\ntrusted_proxies = ['10.0.0.0/8']\nhosts = ['example.com']\n\
                    [[redirects]]\nsource = '/a/:b'\ndestination = '/c/:b'\npermanent = true\n\
                    [[rewrites.fallback]]\nsource = '/:path*'\ndestination = '/all/:path*'";
        let settings = Settings::parse(text).unwrap();
        assert_eq!(settings.redirects.len(), 1);
        assert_eq!(settings.rules().unwrap().fallback().len(), 1);
        assert_ne!(settings.trust().unwrap(), Trust::default());
    }

    #[test]
    fn a_slip_in_a_rule_names_the_key_that_was_meant() {
        check(
            "[[redirects]]\nsource = '/a'\ndestination = '/b'\npermanant = true",
            "`permanant` is not a setting here\n  --> waystation.toml:4:1\n\nhint: did you mean `permanent`?",
        );
        check(
            "[[rewrites.after_fils]]\nsource = '/a'",
            "`after_fils` is not a setting here\n  --> waystation.toml:1:12\n\nhint: did you mean `after_files`?",
        );
        check(
            "[[headers]]\nsource = '/a'\nheaders = []\nhas = [{ type = 'host', valeu = 'a' }]",
            "`valeu` is not a setting here\n  --> waystation.toml:4:25\n\nhint: did you mean `value`?",
        );
    }

    #[test]
    fn every_fault_of_the_rules_is_told() {
        check(
            "[[redirects]]\nsource = 'a'\ndestination = '/b'",
            "`redirects[0].source`: `a` does not start with a slash; write `/a`\n  --> waystation.toml:2:10\n\nerror: \
             `redirects[0].permanent`: it is missing; write `permanent = true` for 308, which browsers keep, or `permanent = false` for 307\n  --> waystation.toml:1:1",
        );
        check(
            "[outbound]\nhosts = ['api.example.com']",
            "`outbound.hosts[0]`: `api.example.com` is no server; write one such as `https://api.example.com`, `https://*.example.com` or `http://localhost:*`\n  --> waystation.toml:2:10",
        );
        check(
            "base_path = '/docs/'",
            "`base_path` is `/docs/`; write it `/docs`\n  --> waystation.toml:1:13",
        );
        check(
            "env = ['A', 'WAYSTATION_TOKEN']",
            "`env[1]`: `WAYSTATION_TOKEN` is the host's own, and guests see none that begin with `WAYSTATION_`; give it another name\n  --> waystation.toml:1:13",
        );
        check(
            "hosts = ['a', 'b c']",
            "`hosts[1]`: `b c` is no host name; write one such as `example.com`, with a port if only that one counts\n  --> waystation.toml:1:15",
        );
    }

    #[test]
    fn a_wrong_value_says_what_it_should_be() {
        check(
            "[server]\nport = 'x'",
            "invalid type: string \"x\", expected u16\n  --> waystation.toml:2:8",
        );
        check(
            "[limits]\ncpu_ms = 0",
            "invalid value: integer `0`, expected a nonzero u32\n  --> waystation.toml:2:10",
        );
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(Settings::parse(text).unwrap_err().to_string(), expected);
    }
}
