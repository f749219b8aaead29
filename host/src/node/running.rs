//! A release as it runs: the app that was made of it, and how it has answered.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::StatusCode;
use http::uri::Authority;
use waystation_rules::environment;
use waystation_rules::forwarded::Scheme;
use waystation_rules::rollout::{AppName, Count, Region};
use waystation_rules::segment::AppLimits;

use super::cap::Cap;
use crate::app::{self, App, Loader, Policy};
use crate::project::digest::Digest;
use crate::project::layout::Blobs;
use crate::project::release::Release;
use crate::project::settings::{Cache, Settings};
use crate::store::Kept;
use crate::telemetry::AppCounts;

/// A release as it runs.
pub(super) struct Running {
    /// Which.
    pub(super) digest: Digest,
    /// What answers.
    pub(super) app: Arc<App>,
    /// What shows it before it is active, in a header.
    pub(super) preview: String,
    answered: Arc<Answered>,
}

/// How a release has answered, whichever app was made of it: another one is when its variables change.
#[derive(Default)]
pub(super) struct Answered {
    answers: AtomicU64,
    failed: AtomicU64,
}

impl Running {
    /// A release that has answered so.
    pub(super) fn new(
        name: &AppName,
        digest: Digest,
        app: App,
        answered: Arc<Answered>,
    ) -> anyhow::Result<Self> {
        let secret = app::secret("preview", name.as_str(), digest.as_str())?;
        Ok(Self {
            preview: format!("{}.{secret}", digest.short()),
            digest,
            app: Arc::new(app),
            answered,
        })
    }

    /// Counts an answer.
    pub(super) fn count(&self, status: StatusCode) {
        self.answered.answers.fetch_add(1, Ordering::Relaxed);
        if status.is_server_error() {
            self.answered.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// For another app of the same release.
    pub(super) fn answered(&self) -> Arc<Answered> {
        Arc::clone(&self.answered)
    }

    /// How it has answered so far.
    pub(super) fn counted(&self) -> Count {
        Count {
            answers: self.answered.answers.load(Ordering::Relaxed),
            failed: self.answered.failed.load(Ordering::Relaxed),
        }
    }
}

/// The variable that says where the node is, unless it is set to something else.
const REGION: &str = "REGION";

/// Makes apps of releases.
pub(super) struct Maker {
    /// Of an app that asks for nothing. Its sandbox stays.
    first: Loader,
    /// A loader for each app; those that ask for the same room share a sandbox, whose pool of instances takes address space.
    loaders: Mutex<Vec<(AppName, Loader)>>,
    cap: Cap,
}

/// What an app is made of beside its release.
pub(super) struct Means<'a> {
    /// What it is called.
    pub(super) name: &'a AppName,
    /// What `request.url` calls it.
    pub(super) origin: Authority,
    /// How clients speak to it.
    pub(super) scheme: Scheme,
    /// What is counted of it, whichever release answers.
    pub(super) counts: Arc<AppCounts>,
    /// Where the node is.
    pub(super) region: Option<&'a Region>,
    /// What its operator sets.
    pub(super) variables: &'a BTreeMap<String, String>,
    /// The app's own folder.
    pub(super) folder: &'a std::path::Path,
    /// Where the release before keeps its answers, and as which settings say.
    pub(super) kept: Option<&'a (Cache, Arc<Kept>)>,
}

impl Maker {
    /// Makes apps with what `loader` has, up to a cap.
    pub(super) fn new(loader: Loader, cap: Cap) -> Self {
        Self {
            first: loader,
            loaders: Mutex::default(),
            cap,
        }
    }

    /// Makes an app of a release. It blocks, and takes all processors while it compiles.
    ///
    /// # Errors
    ///
    /// If the release cannot be served here.
    pub(super) fn make(
        &self,
        blobs: &Blobs,
        release: &Release,
        settings: &Settings,
        means: Means<'_>,
    ) -> anyhow::Result<App> {
        let limits = self.cap.of(means.name).limits(settings);
        let cache = self.cache(means.name, settings);
        let region = means.region.map(ToString::to_string);
        let value = |name: &str| {
            let set = means.variables.get(name).cloned();
            set.or_else(|| region.clone().filter(|_| name == REGION))
        };
        let environment = environment::resolve(&settings.env, &[], value);
        let environment = environment.unwrap_or_default(); // only files have faults
        let loader = self.loader(means.name, limits.clone())?;
        let loader = loader.in_environment(environment);
        let (name, digest) = (means.name.as_str(), release.digest.as_str());
        let kept = match means.kept {
            Some((before, kept)) if is_same_place(before, &cache) => {
                app::keep_beside(kept, &cache, digest)
            }
            _ => app::keep(&cache, means.folder, name, digest, true)?,
        };
        let policy = Policy {
            scheme: means.scheme,
            counts: means.counts,
            limits,
            ..Policy::of(settings, means.origin, false, kept)?
        };
        app::release::load(&loader, blobs, release, policy)
    }

    /// Where an app with these settings keeps its answers.
    pub(super) fn cache(&self, app: &AppName, settings: &Settings) -> Cache {
        self.cap.of(app).cache(settings)
    }

    /// What the file with the code of a component is called.
    pub(super) fn code_file(&self, component: &Digest) -> String {
        self.first.code_file(component)
    }

    /// The loader of an app for these limits. One that nobody uses any more goes.
    fn loader(&self, app: &AppName, limits: AppLimits) -> anyhow::Result<Loader> {
        let mut loaders = self.loaders.lock().unwrap_or_else(PoisonError::into_inner);
        loaders.retain(|(_, loader)| !loader.is_idle());
        let has_room = |loader: &Loader| loader.has_room_of(&limits.all);
        let mut same = loaders.iter().filter(|(_, loader)| has_room(loader));
        if let Some((_, own)) = same.clone().find(|(name, _)| name == app) {
            return own.with_limits(limits);
        }
        let loader = match same.next() {
            Some((_, other)) => other.for_another_app(),
            None if has_room(&self.first) => self.first.for_another_app(),
            None => self.first.with_limits(limits.clone())?,
        };
        loaders.push((app.clone(), loader.clone()));
        loader.with_limits(limits)
    }
}

/// Two stores cannot have one folder, and need not have one Redis.
fn is_same_place(a: &Cache, b: &Cache) -> bool {
    (a.disk_mb.is_some(), &a.redis) == (b.disk_mb.is_some(), &b.redis)
}
