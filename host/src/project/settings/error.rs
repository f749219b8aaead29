//! Why `waystation.toml` cannot be used, in words that name the place and the fix.

use std::path::PathBuf;

use waystation_rules::base_path::BasePathError;
use waystation_rules::config::ConfigError;
use waystation_rules::environment::NameError;
use waystation_rules::forwarded::TrustError;
use waystation_rules::outbound::OutboundError;
use waystation_rules::segment::Excess;

use super::FILE;
use crate::project::place::Place;
use crate::project::suggest::nearest;

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

    /// Limits of a route that the app does not have.
    #[error(
        "`limits.routes.\"{route}\"` is for a route that is not there\n  --> {FILE}\n\nhint: {hint}"
    )]
    NoRoute {
        /// As it was written.
        route: String,
        /// What it could have been.
        hint: String,
    },

    /// A limit of a route that only the app has.
    #[error(
        "`limits.routes.\"{route}\".{key}` is no limit of a route; `[limits]` has it for the whole app"
    )]
    NotOfRoute {
        /// The route's pattern.
        route: String,
        /// The limit.
        key: &'static str,
    },

    /// A limit of a route that is higher than the app's.
    #[error("`limits.routes.\"{route}\".{}` is {}, and `limits.{}` gives {} at most", .excess.key, .excess.asked, .excess.key, .excess.most)]
    RouteLimit {
        /// The route's pattern.
        route: String,
        /// By how much.
        excess: Excess,
    },

    /// A node of `[nodes]` has a certificate without its key, or a key alone.
    #[error("`nodes.{0}` has one of `cert` and `key`; give both, or neither")]
    HalfIdentity(String),

    /// No TOML, or a value of the wrong kind or size.
    #[error("{message}\n  --> {FILE}:{place}")]
    Value {
        /// Where.
        place: Place,
        /// What is wrong.
        message: String,
    },
}

impl SettingsError {
    /// What serde says of the text.
    pub(super) fn of(error: &toml::de::Error, text: &str) -> Self {
        let place = Place::of(text, &error.span().unwrap_or_default());
        let message = error.message().to_owned();
        match unknown_field(&message) {
            Some((key, known)) => Self::UnknownKey {
                hint: hint(&key, &known),
                key,
                place,
            },
            None => Self::Value { place, message },
        }
    }

    /// Limits of a route that is none of these.
    pub(super) fn no_route(route: &str, served: &[String]) -> Self {
        let hint = match nearest(route, served.iter().map(String::as_str)) {
            Some(name) => format!("did you mean `{name}`?"),
            None => {
                "a route is named by its pattern, such as `/items/[slug]`, and a proxy by its file"
                    .to_owned()
            }
        };
        Self::NoRoute {
            route: route.to_owned(),
            hint,
        }
    }

    /// The same with the place of each value that is at fault.
    pub(super) fn placed(self, text: &str) -> Self {
        let placed = |fault: &dyn std::fmt::Display| placed(&fault.to_string(), text);
        Self::Placed(match &self {
            Self::BasePath(fault) => vec![placed(fault)],
            Self::Trust(fault) => vec![placed(fault)],
            Self::Environment(fault) => vec![placed(fault)],
            Self::Rules(faults) => faults.iter().map(|fault| placed(fault)).collect(),
            Self::Outbound(fault) => vec![placed(fault)],
            Self::TwoPlaces
            | Self::HalfIdentity(_)
            | Self::NotOfRoute { .. }
            | Self::RouteLimit { .. } => vec![placed(&self)],
            Self::Read { .. }
            | Self::UnknownKey { .. }
            | Self::Value { .. }
            | Self::NoRoute { .. }
            | Self::Placed(_) => {
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
