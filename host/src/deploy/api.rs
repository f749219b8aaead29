//! What is said over a node's admin API, as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use waystation_rules::rollout::{AppName, HostName, Percent, Region, Releases};

use crate::project::digest::Digest;

/// A blob that a node is asked about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Which.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
}

/// A blob that a node does not have whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Missing {
    /// Which.
    pub digest: Digest,
    /// How many of its bytes are there.
    pub held: u64,
}

/// Get a release ready, whose blobs are there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Which.
    pub release: Digest,
    /// When it was made, in seconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<u64>,
    /// The hosts that the app answers from its next activation on; as before if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<HostName>>,
    /// What minisign says of the release's image manifest: the text of its `.minisig` file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// A release is ready.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Staged {
    /// Which.
    pub release: Digest,
    /// The URL under which it answers from now on.
    pub preview: String,
    /// What shows it under the app's own hosts, as the value of the header `x-waystation-preview`.
    pub preview_header: String,
    /// The paths that were asked.
    pub checked: Vec<String>,
}

/// Serve a release that is ready.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activate {
    /// Which.
    pub release: Digest,
    /// To how many of the clients; to all if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Percent>,
}

/// Serve what was served before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollBack {
    /// Which; the one before if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Digest>,
}

/// The hosts of an app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hosts {
    /// All of them.
    pub hosts: Vec<HostName>,
}

/// Variables to set, or to unset where there is no value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Variables(pub BTreeMap<String, Option<String>>);

/// An app on a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct App {
    /// Its name.
    pub app: AppName,
    /// What it answers.
    pub hosts: Vec<HostName>,
    /// Its releases.
    pub releases: Releases<Digest>,
    /// Where the node is, if it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// Why a release of these does not serve.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub broken: BTreeMap<Digest, String>,
    /// Where the node fetched a release of these, if nobody sent it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<Digest, String>,
}

/// How a release does in its first minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Watched {
    /// Which.
    pub release: Digest,
    /// What became of it.
    pub outcome: Outcome,
    /// How many answers it gave meanwhile.
    pub answers: u64,
    /// How many of them said that it failed.
    pub failed: u64,
}

/// What became of a release in its first minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The minute is not over.
    Watching,
    /// It stays.
    Kept,
    /// It failed too often, and what was before it serves again.
    RolledBack,
    /// Somebody has had another one take its place.
    Replaced,
}

/// A line of an app's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// Seconds since the epoch.
    pub time: u64,
    /// Whose token it was; `socket` for the node's own user, `registry` for a tag that the node follows, `node` for the node itself.
    pub by: String,
    /// What was done.
    pub what: String,
    /// With which release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Digest>,
    /// What else there is to say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
}

/// Why a node does not do it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Refused {
    /// In words.
    pub error: String,
    /// Each fault of a release, all at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}
