//! The routes of a project as they were last built, each with its component or its compiler's words.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use waystation_rules::proxy::{Proxies, Reach};
use waystation_rules::reload::Scope;
use waystation_rules::segment::Declared;
use waystation_rules::table::Entry;

use crate::app::{self, App, Broken, Loader, Policy, Proxy, Route, Source};
use crate::build::cargo::CargoError;
use crate::build::toolchain::Toolchain;
use crate::build::{
    self, BuildFailure, BuiltRoute, Cancel, FailedRoute, Options, Progress, RouteFault, failure,
    shim,
};
use crate::project::Project;
use crate::project::digest::Digest;
use crate::project::environment::{self, EnvironmentError, Mode};
use crate::project::files::FileSource;
use crate::project::routes::{self, Discovered, RouteKind, RouteSource};
use crate::project::settings::{Settings, SettingsError};
use crate::sandbox::Guest;

/// What is being developed.
#[derive(Clone)]
pub struct Session {
    /// The app.
    pub project: Project,
    /// What builds it.
    pub toolchain: Toolchain,
    /// How.
    pub options: Options,
    /// What compiles and runs its components.
    pub loader: Loader,
    /// How requests are treated.
    pub policy: Policy,
    /// What `waystation.toml` said when `loader` and `policy` were made.
    pub settings: Settings,
    served: BTreeMap<String, Served>,
    /// What is sent as it is.
    files: Vec<FileSource>,
}

/// A route as it was last built.
#[derive(Clone)]
struct Served {
    source: RouteSource,
    digest: Option<Digest>,
    /// What its module's constants say; nothing if it did not compile.
    declared: Option<Declared>,
    guest: Result<Arc<Guest>, Arc<Broken>>,
}

impl Served {
    /// What its guest sees, if it has one.
    fn environment(&self) -> Option<&environment::Environment> {
        self.guest.as_ref().ok().map(|guest| guest.environment())
    }
}

/// What a build came to.
pub struct Built {
    /// The settings, and what was made by them.
    settled: (Settings, Loader, Policy),
    /// Every route and file that there is now.
    sources: Discovered,
    /// Those that were built, by file.
    routes: BTreeMap<String, Served>,
    /// The errors as they look on a terminal, each once.
    errors: Vec<String>,
    /// The warnings, likewise.
    warnings: Vec<String>,
}

/// What is different after a build was adopted.
pub struct Change {
    /// The patterns whose component or environment is another, or that answer again.
    pub routes: Vec<String>,
    /// The patterns that nothing answers any more.
    pub gone: Vec<String>,
    /// What the compiler said of the routes that it refused.
    pub broken: Option<String>,
    /// What it warned of.
    pub warnings: Vec<String>,
}

/// Why nothing could be built.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// A newer change came.
    #[error("a newer change came")]
    Cancelled,

    /// `waystation.toml` cannot be read.
    #[error(transparent)]
    Settings(#[from] SettingsError),

    /// A `.env` file makes no sense.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),

    /// The new limits cannot be had.
    #[error("{0:#}")]
    Limits(anyhow::Error),

    /// The routes are in each other's way, or cargo cannot begin.
    #[error(transparent)]
    Build(BuildFailure),
}

impl From<BuildFailure> for SessionError {
    fn from(failure: BuildFailure) -> Self {
        match failure {
            BuildFailure::Cargo(CargoError::Cancelled) => Self::Cancelled,
            failure => Self::Build(failure),
        }
    }
}

impl Session {
    /// A session that has built nothing yet.
    pub fn new(
        project: Project,
        toolchain: Toolchain,
        options: Options,
        loader: Loader,
        policy: Policy,
        settings: Settings,
    ) -> Self {
        Self {
            project,
            toolchain,
            options,
            loader,
            policy,
            settings,
            served: BTreeMap::new(),
            files: Vec::new(),
        }
    }

    /// Builds the routes that `scope` names, on a thread of its own.
    ///
    /// # Errors
    ///
    /// A [`SessionError`] if no route could be tried. Dropping the future, or `cancel`, stops cargo.
    pub async fn build(
        &self,
        scope: Scope,
        cancel: &Cancel,
        progress: impl Fn(Progress) + Send + Sync + 'static,
    ) -> Result<Built, SessionError> {
        let (session, cancel) = (self.clone(), cancel.clone());
        let _stop = cancel.on_drop();
        let built = tokio::task::spawn_blocking({
            let cancel = cancel.clone();
            move || session.build_here(&scope, &cancel, &progress)
        });
        match built.await {
            Ok(built) => built,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }

    fn build_here(
        &self,
        scope: &Scope,
        cancel: &Cancel,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Built, SessionError> {
        let settled = self.settle()?;
        let sources = routes::discover_all(&self.project).map_err(BuildFailure::Project)?;
        let (settings, ..) = &settled;
        settings.limits.check_routes(&sources.names())?;
        shim::write(&self.project, &sources.routes).map_err(BuildFailure::from)?;
        let is_concerned = |source: &&RouteSource| match scope {
            Scope::Everything => true,
            Scope::Routes(files) => {
                files.contains(&source.file) || !self.served.contains_key(&source.file)
            }
            Scope::Nothing => false,
        };
        let concerned: Vec<_> = sources
            .routes
            .iter()
            .filter(is_concerned)
            .cloned()
            .collect();
        let build = build::build_packages(
            &self.project,
            &self.toolchain,
            &concerned,
            &self.options,
            cancel,
            progress,
        )?;
        let mut failed = build.failed;
        let mut routes = BTreeMap::new();
        for route in build.built {
            match self.load(&route, &settled.1) {
                Ok(served) => drop(routes.insert(served.source.file.clone(), served)),
                Err(error) => {
                    let told = build::told(&self.project.root, &route.source.file, &error);
                    let fault = RouteFault::Refused(told);
                    failed.push(FailedRoute {
                        source: route.source,
                        fault,
                    });
                }
            }
        }
        let errors = failure::terminal(&failed);
        let warnings = build
            .warnings
            .into_iter()
            .map(|warning| warning.rendered_ansi)
            .collect();
        routes.extend(
            failed
                .into_iter()
                .map(|route| (route.source.file.clone(), broken(route))),
        );
        Ok(Built {
            settled,
            sources,
            routes,
            errors,
            warnings,
        })
    }

    /// What the settings of now make: what there is, unless they changed.
    fn settle(&self) -> Result<(Settings, Loader, Policy), SessionError> {
        let settings = Settings::read(&self.project.root)?;
        let Policy {
            origin,
            shows_errors,
            ..
        } = &self.policy;
        let kept = app::keep_on(&self.policy.kept, &settings.cache);
        let mut policy = Policy::of(&settings, origin.clone(), *shows_errors, kept)?;
        policy.counts = Arc::clone(&self.policy.counts);
        policy.leaks.clone_from(&self.policy.leaks);
        if settings.server != self.settings.server {
            tracing::warn!("[server] of waystation.toml holds from the next start on");
        }
        if settings.cache.is_elsewhere(&self.settings.cache) {
            tracing::warn!(
                "memory_mb, disk_mb and redis of [cache] in waystation.toml hold from the next start on"
            );
        }
        let loader = self.loader.with_limits(policy.limits.clone());
        let loader = loader.map_err(SessionError::Limits)?;
        let found = environment::read(&self.project.root, &settings.env, Mode::Development)?;
        let is_same =
            found.environment == *loader.environment() && settings.env == self.settings.env;
        if !is_same {
            for name in found.environment.missing(&settings.env) {
                tracing::warn!("`{name}` is in `env` of waystation.toml and set nowhere");
            }
        }
        Ok((settings, loader.in_environment(found.environment), policy))
    }

    /// Gets a component ready, unless it is the one that is served already.
    fn load(&self, route: &BuiltRoute, loader: &Loader) -> anyhow::Result<Served> {
        let BuiltRoute {
            source,
            component,
            digest,
            ..
        } = route;
        if let Some(served) = self.served.get(&source.file)
            && served.digest.as_ref() == Some(digest)
            && served.source == *source
            && let Ok(guest) = &served.guest
            && let Some(guest) = loader.refit(guest)
        {
            let guest = Ok(guest);
            return Ok(Served {
                guest,
                ..served.clone()
            });
        }
        let guest = app::guest(
            loader,
            &Source {
                pattern: &source.name(),
                wasm: component,
                digest,
                declared: route.declared(),
            },
        )?;
        Ok(Served {
            source: source.clone(),
            digest: Some(digest.clone()),
            declared: route.declared().cloned(),
            guest: Ok(guest),
        })
    }

    /// Takes over what was built; what was not concerned stays as it is.
    pub fn adopt(&mut self, built: Built) -> Change {
        let Built {
            settled,
            sources,
            mut routes,
            errors,
            warnings,
        } = built;
        (self.settings, self.loader, self.policy) = settled;
        let mut before = std::mem::take(&mut self.served);
        let answered = |files: &[FileSource]| -> BTreeSet<String> {
            let patterns = files.iter().map(|file| file.pattern.to_string());
            patterns.collect()
        };
        let (old_files, files) = (answered(&self.files), answered(&sources.files));
        self.files = sources.files;
        let mut changed: BTreeSet<_> = files.difference(&old_files).cloned().collect();
        for source in sources.routes {
            let file = source.file.clone();
            let old = before.remove(&file);
            let Some(served) = routes.remove(&file).or_else(|| old.clone()) else {
                continue;
            };
            let was_live = old.as_ref().is_some_and(|old| old.guest.is_ok());
            let is_same = old.is_some_and(|old| {
                old.digest == served.digest && old.environment() == served.environment()
            });
            if served.guest.is_ok() && !(was_live && is_same) {
                changed.insert(served.source.name());
            }
            self.served.insert(file, served);
        }
        let gone = before.into_values().map(|old| old.source.name());
        let gone = gone.chain(old_files.difference(&files).cloned());
        let gone = gone.filter(|pattern| !changed.contains(pattern)).collect();
        let broken = (!errors.is_empty()).then(|| errors.join("\n"));
        Change {
            routes: changed.into_iter().collect(),
            gone,
            broken,
            warnings,
        }
    }

    /// What is to be served now.
    ///
    /// # Errors
    ///
    /// Never in effect: routes in each other's way were refused when they were discovered.
    pub fn app(&self) -> anyhow::Result<App> {
        let entries = self.routes().map(|served| Entry {
            pattern: served.source.pattern.clone(),
            file: served.source.file.clone(),
            route: Route {
                pattern: served.source.pattern.to_string().into(),
                file: served.source.file.clone(),
                handler: served.guest.clone().into(),
            },
        });
        let files = self.files.iter().map(Route::of_file);
        let proxies = self.served.values();
        let proxies = proxies.filter(|served| served.source.kind == RouteKind::Proxy);
        let table = app::table(entries.chain(files).collect())?;
        let proxies = Proxies::new(proxies.map(proxy).collect());
        Ok(App::new(table, proxies, self.policy.clone()))
    }

    fn routes(&self) -> impl Iterator<Item = &Served> {
        let served = self.served.values();
        served.filter(|served| served.source.kind != RouteKind::Proxy)
    }

    /// How many routes there are.
    pub fn len(&self) -> usize {
        self.routes().count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A proxy as it is asked. One that has not compiled is about all that is below its folder: which of it its `MATCHER` names is not known.
fn proxy(served: &Served) -> (Reach, Proxy) {
    let file = &served.source.file;
    let declared = served.declared.as_ref();
    let matcher = declared.and_then(|declared| declared.matcher.as_deref());
    let whole = Reach::of(file);
    let part = matcher.and_then(|matcher| whole.clone().matching(matcher).ok()); // or it was not built
    let guest = served.guest.clone();
    let file = file.as_str().into();
    (part.unwrap_or(whole), Proxy { file, guest })
}

impl Built {
    /// Whether a route was refused.
    pub fn has_failures(&self) -> bool {
        !self.errors.is_empty()
    }
}

fn broken(failed: FailedRoute) -> Served {
    let broken = Broken {
        text: format!("{failed}\n"),
    };
    Served {
        source: failed.source,
        digest: None,
        declared: None,
        guest: Err(Arc::new(broken)),
    }
}
