//! What a request says of keeping its answer (section 11.1).

use http::HeaderValue;

use super::store;
use crate::ambient;
use crate::segment::Revalidate;

/// The host takes it off the request.
pub(super) const HEADER: &str = "x-waystation-fetch";

/// Whether the answer may come from the store: `fetch(url).cache(CacheMode::ForceCache)`.
///
/// ```
/// use waystation::{Result, fetch, fetch::CacheMode};
///
/// pub async fn get() -> Result<String> {
///     fetch("https://api.example.com/rates").cache(CacheMode::ForceCache).await?.text().await
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheMode {
    /// It is kept until it is invalidated, or for as long as `revalidate` says (row FC2).
    ForceCache,
    /// It is asked for each time (row FC4).
    NoStore,
}

/// How long an answer is fresh: so many seconds, or a [`Revalidate`].
///
/// ```
/// use waystation::{Result, Revalidate, fetch};
///
/// pub async fn get() -> Result<String> {
///     let rates = fetch("https://api.example.com/rates").revalidate(60).await?;
///     let names = fetch("https://api.example.com/names").revalidate(Revalidate::NEVER).await?;
///     Ok(rates.text().await? + &names.text().await?)
/// }
/// ```
pub trait IntoRevalidate {
    /// How long.
    fn into_revalidate(self) -> Revalidate;
}

impl IntoRevalidate for Revalidate {
    fn into_revalidate(self) -> Self {
        self
    }
}

// `From` would have the compiler advise `.into()` for a constant of the wrong type, where it cannot stand.
impl IntoRevalidate for u32 {
    fn into_revalidate(self) -> Revalidate {
        Revalidate::seconds(self)
    }
}

/// What was said.
#[derive(Debug, Default)]
pub(super) struct Keep {
    pub(super) cache: Option<CacheMode>,
    pub(super) revalidate: Option<Revalidate>,
    pub(super) tags: Vec<String>,
}

impl Keep {
    /// As the host is told, such as `cache=force-cache; tag=posts`; none if there is nothing to tell, or nobody.
    ///
    /// While a value of `cached` is made, everything is asked for anew (section 11.5), and so is in each handler what it has taken out of
    /// date itself (row V9).
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let call = ambient::find();
        let call = call.as_deref();
        if call.is_some_and(|call| call.is_foreign()) {
            return None;
        }
        if call.is_some_and(|call| call.noted().is_apart()) {
            return Some(HeaderValue::from_static("renew"));
        }
        let is_lapsed = call.is_some_and(|call| call.noted().has_lapsed(&self.tags));
        let fields = self.fields(is_lapsed);
        let says = !fields.is_empty() || !self.tags.is_empty();
        says.then(|| store::line(&fields, &self.tags))
    }

    fn fields(&self, is_lapsed: bool) -> Vec<(&'static str, String)> {
        let cache = self.cache.map(|cache| match cache {
            CacheMode::ForceCache => ("cache", "force-cache".to_owned()),
            CacheMode::NoStore => ("cache", "no-store".to_owned()),
        });
        let revalidate = self.revalidate.map(|Revalidate(seconds)| {
            let never = || "never".to_owned();
            ("revalidate", seconds.map_or_else(never, |s| s.to_string()))
        });
        let renew = is_lapsed.then(|| ("renew", String::new()));
        [cache, revalidate, renew].into_iter().flatten().collect()
    }
}
