//! `waystation.toml`: what the operator of an app sets. The file may be absent; every key may be.
//!
//! In: the text. Out: [`Settings`], or a [`SettingsError`] with the line, the column and the key that was probably meant.
//!
//! Whether a value makes sense together with what a route asks for is decided in `waystation_rules::segment`; what the rules for headers,
//! redirects and rewrites mean, in `waystation_rules::config`.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use waystation_rules::base_path::BasePath;
use waystation_rules::config::{Declared, Rules, declared};
use waystation_rules::environment;
use waystation_rules::forwarded::Trust;
use waystation_rules::outbound;

mod cache;
mod error;
mod limits;
mod node;
mod server;

pub use cache::{Cache, Profile};
pub use error::SettingsError;
pub use limits::Limits;
pub use node::Node;
pub use server::{Certificate, Log, Server};

/// The file's name.
pub const FILE: &str = "waystation.toml";

/// Everything `waystation.toml` can say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `[server]`.
    pub server: Server,
    /// `[log]`.
    pub log: Log,
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
    /// `hosts = ["example.com"]`: whom the client may have meant, as a trusted proxy says or by the `Host` that it keeps.
    pub hosts: Vec<String>,
    /// `env = ["DATABASE_URL"]`: the variables that guests see. Their values come from the environment and from `.env` files.
    pub env: Vec<String>,
    /// `[nodes]`: where `waystation deploy` sends the app, by names: `fra = "https://fra.example.com:4000"`, or the path of a socket.
    pub nodes: BTreeMap<String, Node>,
    /// `[checks]`.
    pub checks: Checks,
}

/// `[checks]`: what a node asks a release before anybody else can.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Checks {
    /// What has to answer GET below 400, such as `/health`; if it is not said, each route that has GET and no params must not fail.
    pub paths: Option<Vec<String>>,
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

impl Settings {
    /// Reads the file in an app's root; without one, every setting is at its default.
    ///
    /// # Errors
    ///
    /// [`SettingsError`]: unreadable, an unknown key, a value that does not fit, a rule that cannot be.
    pub fn read(root: &Path) -> Result<Settings, SettingsError> {
        Settings::text(root)?.map_or_else(|| Ok(Settings::default()), |text| Settings::parse(&text))
    }

    /// Reads the text of the file in an app's root, if there is one.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Read`].
    pub fn text(root: &Path) -> Result<Option<String>, SettingsError> {
        let path = root.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(SettingsError::Read { path, error }),
        }
    }

    /// Reads the file's text.
    ///
    /// # Errors
    ///
    /// As [`Settings::read`].
    pub fn parse(text: &str) -> Result<Settings, SettingsError> {
        let settings: Settings =
            toml::from_str(text).map_err(|error| SettingsError::of(&error, text))?;
        settings.check().map_err(|error| error.placed(text))?;
        Ok(settings)
    }

    /// Whether the values, each of its kind, make sense.
    fn check(&self) -> Result<(), SettingsError> {
        self.rules()?;
        self.trust()?;
        self.outbound(false)?;
        self.limits.check()?;
        if self.cache.disk_mb.is_some() && self.cache.redis.is_some() {
            return Err(SettingsError::TwoPlaces);
        }
        if let Some((name, _)) = self.nodes.iter().find(|(_, node)| node.is_half()) {
            return Err(SettingsError::HalfIdentity(name.clone()));
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

#[cfg(test)]
mod tests;
