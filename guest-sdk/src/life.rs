//! How long a value is kept.

/// How long a value of [`cached`](crate::cached()) is kept: a lifetime of one's own, or by its name one of these (row CC4) or of
/// `waystation.toml`.
///
/// | name | fresh for | expires after |
/// |---|---|---|
/// | `"default"` | 15 minutes | never |
/// | `"seconds"` | 1 second | 1 minute |
/// | `"minutes"` | 1 minute | 1 hour |
/// | `"hours"` | 1 hour | 1 day |
/// | `"days"` | 1 day | 1 week |
/// | `"weeks"` | 1 week | 30 days |
/// | `"max"` | 30 days | 1 year |
///
/// ```
/// use waystation::{Life, Result, cached};
///
/// pub async fn get() -> Result<String> {
///     let life = Life::seconds(60).expire(3600); // fresh for a minute, sent for an hour
///     cached("greeting", life, async || Ok("hello".to_owned())).await
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Named(String),
    Seconds {
        revalidate: u32,
        expire: Option<u32>,
    },
}

impl Life {
    /// Fresh for so many seconds; after that it is given once more while it is made anew.
    pub const fn seconds(revalidate: u32) -> Self {
        Self(Kind::Seconds {
            revalidate,
            expire: None,
        })
    }

    /// Not given any more after so many seconds: whoever asks then waits for a new one. A lifetime with a name keeps its own.
    #[must_use]
    pub fn expire(mut self, seconds: u32) -> Self {
        if let Kind::Seconds { expire, .. } = &mut self.0 {
            *expire = Some(seconds);
        }
        self
    }

    /// As the host is told: `revalidate=60; expire=3600`, or `profile=hours`.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        match &self.0 {
            Kind::Named(name) => vec![("profile", name.clone())],
            Kind::Seconds { revalidate, expire } => {
                let expire = expire.map(|seconds| ("expire", seconds.to_string()));
                let revalidate = ("revalidate", revalidate.to_string());
                [revalidate].into_iter().chain(expire).collect()
            }
        }
    }
}

impl From<&str> for Life {
    fn from(name: &str) -> Self {
        Self(Kind::Named(name.to_owned()))
    }
}
