//! What an app keeps, as its settings say.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::compiled;
use crate::project;
use crate::project::settings::Cache;
use crate::store::{self, Kept, Place, Secret, Store};

/// Sets up what the app in `root` keeps. `release` names all of its code, and is empty for code that is edited meanwhile; `keeps_answers` is for
/// answers of routes, not for `fetch` and `cached`. Redis needs a Tokio runtime.
///
/// # Errors
///
/// If the place that `[cache]` names cannot be used.
pub fn keep(
    cache: &Cache,
    root: &Path,
    app: &str,
    release: &str,
    keeps_answers: bool,
) -> anyhow::Result<Arc<Kept>> {
    let behind = store::open(&place(cache, root)?, app)?;
    let store = Store::new(cache.memory(), behind);
    let secret = draft_secret(app, release);
    let kept = kept(store, cache, app.into(), secret);
    Ok(Arc::new(Kept {
        is_edited: release.is_empty(),
        keeps_answers,
        ..kept
    }))
}

/// The same in memory alone, for `build` and `test`, which end.
#[must_use]
pub fn keep_for_now(cache: &Cache, app: &str) -> Arc<Kept> {
    let store = Store::new(cache.memory(), None);
    Arc::new(kept(store, cache, app.into(), draft_secret(app, "")))
}

/// What was kept before, under other settings.
#[must_use]
pub fn keep_on(old: &Kept, cache: &Cache) -> Arc<Kept> {
    beside(old, cache, Arc::clone(&old.draft_secret))
}

/// The same place for another release of the app.
#[must_use]
pub fn keep_beside(old: &Kept, cache: &Cache, release: &str) -> Arc<Kept> {
    beside(old, cache, draft_secret(&old.app, release))
}

fn beside(old: &Kept, cache: &Cache, draft_secret: Arc<Secret>) -> Arc<Kept> {
    let app = Arc::clone(&old.app);
    Arc::new(Kept {
        is_edited: old.is_edited,
        keeps_answers: old.keeps_answers,
        ..kept(old.store.clone(), cache, app, draft_secret)
    })
}

fn kept(store: Store, cache: &Cache, app: Arc<str>, draft_secret: Arc<Secret>) -> Kept {
    store.share(&draft_secret);
    Kept {
        store,
        app,
        profiles: cache.profiles(),
        expire_time: cache.expire_time(),
        is_edited: false,
        keeps_answers: true,
        draft_secret,
    }
}

fn place(cache: &Cache, root: &Path) -> anyhow::Result<Place> {
    if let Some(url) = &cache.redis {
        let url = match url.strip_prefix('$') {
            None => url.clone(),
            Some(name) => std::env::var(name).with_context(|| {
                format!("`redis` of waystation.toml is `${name}`, and that is not set")
            })?,
        };
        return Ok(Place::Redis { url });
    }
    Ok(match cache.disk_mb {
        None => Place::Memory,
        Some(mib) => Place::Disk {
            folder: project::kept(root),
            bytes: u64::from(mib.get()) << 20,
        },
    })
}

/// What a client in draft mode has to know (row D4). Without a key, and other nodes that have one, there is no draft mode.
fn draft_secret(app: &str, release: &str) -> Arc<Secret> {
    const PURPOSE: &str = "draft mode";
    let secret = secret(PURPOSE, app, release);
    let secret = secret.inspect_err(|error| {
        tracing::warn!("draft mode cannot be enabled: {error:#}");
    });
    let name = format!("{PURPOSE} {release}");
    Arc::new(Secret::new(name, secret.unwrap_or_default()))
}

/// What a client has to know for something: another for each release, and nobody can make it who does not have the node's key.
///
/// # Errors
///
/// If there is no key, and none can be made.
pub fn secret(purpose: &str, app: &str, release: &str) -> anyhow::Result<String> {
    let mut hasher = blake3::Hasher::new_keyed(&compiled::node_key()?);
    for field in [purpose, app, release] {
        hasher.update(&(field.len() as u64).to_le_bytes());
        hasher.update(field.as_bytes());
    }
    Ok(hasher.finalize().to_hex().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draft_mode_takes_the_secret_of_this_release() {
        let root = Path::new("/");
        let kept = |release| keep(&Cache::default(), root, "shop", release, true).unwrap();
        let (one, two) = (kept("1"), kept("2"));
        assert!(one.is_draft(&one.draft_secret.current())); // D4
        assert!(!one.is_draft(&two.draft_secret.current()));
        assert!(!one.is_draft(""));
    }
}
