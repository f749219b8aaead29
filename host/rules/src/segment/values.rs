//! The values of the constants, spelled in JSON as Next spells them.

use serde::{Deserialize, Serialize};

/// `pub const DYNAMIC: Dynamic = Dynamic::ForceStatic;`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dynamic {
    /// Kept if nothing of the request was read.
    #[default]
    Auto,
    /// As `force-static`, but reading the request is an error.
    Error,
    /// Always kept; cookies, headers and query are empty.
    ForceStatic,
    /// Never kept.
    ForceDynamic,
}

/// `pub const REVALIDATE: Revalidate = Revalidate::seconds(60);`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Option<RevalidateJson>", into = "Option<RevalidateJson>")]
pub enum Revalidate {
    /// The route says nothing: `null` in JSON.
    #[default]
    Unset,
    /// Kept until invalidated: `false` in JSON.
    Never,
    /// Fresh for so many seconds; 0 means never kept.
    Seconds(u32),
}

/// `pub const FETCH_CACHE: FetchCache = FetchCache::ForceCache;`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FetchCache {
    /// Each fetch decides for itself.
    #[default]
    Auto,
    /// Kept unless the fetch says otherwise.
    DefaultCache,
    /// A fetch that asks not to be kept is an error.
    OnlyCache,
    /// Always kept.
    ForceCache,
    /// Not kept unless the fetch says otherwise.
    DefaultNoStore,
    /// A fetch that asks to be kept is an error.
    OnlyNoStore,
    /// Never kept.
    ForceNoStore,
}

/// `pub const RUNTIME: Runtime = Runtime::Edge;` A hint: both run in the same sandbox, so neither keeps a route from being static.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    /// Next's default name for the server runtime.
    #[default]
    Nodejs,
    /// Next's name for the edge runtime.
    Edge,
}

/// `pub const ISOLATION: Isolation = Isolation::Shared;`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// A fresh instance for each request.
    #[default]
    Request,
    /// One request at a time per instance.
    Shared,
}

#[derive(Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "REVALIDATE is a whole number of seconds or false"
)]
enum RevalidateJson {
    Flag(bool),
    Seconds(u32),
}

impl TryFrom<Option<RevalidateJson>> for Revalidate {
    type Error = &'static str;

    fn try_from(json: Option<RevalidateJson>) -> Result<Self, Self::Error> {
        match json {
            None => Ok(Self::Unset),
            Some(RevalidateJson::Flag(false)) => Ok(Self::Never),
            Some(RevalidateJson::Flag(true)) => {
                Err("REVALIDATE is a whole number of seconds or false")
            }
            Some(RevalidateJson::Seconds(seconds)) => Ok(Self::Seconds(seconds)),
        }
    }
}

impl From<Revalidate> for Option<RevalidateJson> {
    fn from(revalidate: Revalidate) -> Self {
        match revalidate {
            Revalidate::Unset => None,
            Revalidate::Never => Some(RevalidateJson::Flag(false)),
            Revalidate::Seconds(seconds) => Some(RevalidateJson::Seconds(seconds)),
        }
    }
}

/// A duration as a whole number of seconds.
pub(super) mod seconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(in crate::segment) fn serialize<S: Serializer>(
        time: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(time.as_secs())
    }

    pub(in crate::segment) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_secs)
    }
}

/// A duration as a whole number of milliseconds.
pub(super) mod milliseconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(in crate::segment) fn serialize<S: Serializer>(
        time: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    pub(in crate::segment) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}
