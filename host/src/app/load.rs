//! Turns components into routes that are ready to answer.

use std::num::NonZero;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use wasmtime::component::Component;
use waystation_rules::environment::Environment;
use waystation_rules::segment::{AppLimits, Declared, Limits};
use waystation_rules::table::{Entry, Table};

use super::Route;
use super::apart::{self, Bounds};
use super::compiled::{self, CodeCache};
use crate::project::digest::Digest;
use crate::project::release::Release;
use crate::sandbox::{Facts, Favour, Guest, Named, OtherFacts, Sandbox, Share, Stacks};

/// A component and what is known of it.
pub struct Source<'a> {
    /// The pattern it answers, such as `/items/[slug]`; for a proxy, its file.
    pub pattern: &'a str,
    /// The component.
    pub wasm: &'a [u8],
    /// Names its content.
    pub digest: &'a Digest,
    /// What its module's constants say; none for a component of another make.
    pub declared: Option<&'a Declared>,
}

/// What is known of a component without reading it.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The pattern it answers; for a proxy, its file.
    pub pattern: &'a str,
    /// Names its content.
    pub digest: &'a Digest,
    /// What its module's constants say; none for a component of another make.
    pub declared: Option<&'a Declared>,
    /// What its type says.
    pub facts: Facts,
}

/// Where components are compiled and their code is kept.
#[derive(Clone)]
pub struct Loader {
    sandbox: Arc<Sandbox>,
    limits: Arc<AppLimits>,
    /// None where code cannot be kept safely.
    cache: Option<Arc<CodeCache>>,
    /// How much the compiler may use, in a process of its own; it has this one if that is not said.
    apart: Option<Bounds>,
    favour: Favour,
    /// What constants ask for beyond the limits is lowered to them rather than refused.
    lowers: bool,
    environment: Arc<Environment>,
    /// What its app has of the sandbox's places, from the first guest on.
    share: Arc<OnceLock<Arc<Share>>>,
}

impl Loader {
    /// Sets up a sandbox with `limits`, and the cache in `folder`.
    ///
    /// # Errors
    ///
    /// As [`Sandbox::new`]. A cache that cannot be used is only logged.
    pub fn open(folder: &Path, limits: AppLimits, favour: Favour) -> anyhow::Result<Self> {
        let sandbox = Sandbox::new(&limits.all, favour)?;
        Ok(Self::of(sandbox, folder, limits, favour))
    }

    /// The same to serve one release, and nothing else.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn for_release(
        folder: &Path,
        limits: AppLimits,
        release: &Release,
    ) -> anyhow::Result<Self> {
        let favour = Favour::Running;
        let stacks = match release.manifest.has_foreign_routes() {
            true => Stacks::Two,
            false => Stacks::One,
        };
        let sandbox = Sandbox::with_stacks(&limits.all, favour, stacks)?;
        Ok(Self::of(sandbox, folder, limits, favour))
    }

    fn of(sandbox: Sandbox, folder: &Path, limits: AppLimits, favour: Favour) -> Self {
        let cache = match CodeCache::open(folder) {
            Ok(cache) => Some(Arc::new(cache)),
            Err(error) => {
                tracing::warn!("compiled code is not kept, so each start compiles: {error:#}");
                None
            }
        };
        Self {
            sandbox: Arc::new(sandbox),
            limits: Arc::new(limits),
            cache,
            apart: None,
            favour,
            lowers: false,
            environment: Arc::default(),
            share: Arc::default(),
        }
    }

    /// The same sandbox for another app, which has a share of its places.
    #[must_use]
    pub fn for_another_app(&self) -> Self {
        Self {
            share: Arc::default(),
            ..self.clone()
        }
    }

    /// The same for components of anybody's, each of which is compiled in a process of its own. For those that favour running.
    #[must_use]
    pub fn compiling_apart(self, bounds: Bounds) -> Self {
        Self {
            apart: Some(bounds),
            ..self
        }
    }

    /// The same for releases that were taken before, maybe under higher limits: what their constants ask for beyond these they do not get.
    /// Whoever takes one refuses it.
    #[must_use]
    pub fn lowering(self) -> Self {
        Self {
            lowers: true,
            ..self
        }
    }

    /// The same for guests that see these variables; those of [`Self::open`] see none.
    pub fn in_environment(self, environment: Environment) -> Self {
        let environment = Arc::new(environment);
        Self {
            environment,
            ..self
        }
    }

    /// The same with other limits: a sandbox of its own, if that has other room.
    ///
    /// # Errors
    ///
    /// As [`Sandbox::new`].
    pub fn with_limits(&self, limits: AppLimits) -> anyhow::Result<Self> {
        let mut other = self.clone();
        if !self.sandbox.has_room_of(&limits.all) {
            other.sandbox = Arc::new(Sandbox::new(&limits.all, self.favour)?);
            other.share = Arc::default();
        }
        other.limits = Arc::new(limits);
        Ok(other)
    }

    /// Whether an app with these limits can have a share of this sandbox.
    #[must_use]
    pub fn has_room_of(&self, limits: &Limits) -> bool {
        self.sandbox.has_room_of(limits)
    }

    /// Whether no guest and no other loader has its share of the sandbox.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let is_own = |share: &Arc<Share>| Arc::strong_count(share) == 1;
        Arc::strong_count(&self.share) == 1 && self.share.get().is_none_or(is_own)
    }

    /// The same without keeping code: what is edited would fill the cache with what nobody serves any more.
    pub fn without_cache(&self) -> Self {
        Self {
            cache: None,
            ..self.clone()
        }
    }

    /// What the file is called that has the code of a component with this digest, in the cache of this loader and of those made of it.
    #[must_use]
    pub fn code_file(&self, digest: &Digest) -> String {
        compiled::name(&self.sandbox, digest)
    }

    /// What guests see of the environment.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// A guest of this sandbox as this loader would make it, without compiling it again; none for a guest of another.
    pub fn refit(&self, guest: &Arc<Guest>) -> Option<Arc<Guest>> {
        if !guest.runs_in(&self.sandbox) || guest.limits() != self.limits.of(guest.route()) {
            return None;
        }
        Some(match *guest.environment() == *self.environment {
            true => Arc::clone(guest),
            false => Arc::new(guest.in_environment(&self.environment)),
        })
    }

    /// A component, of its code in the cache, or compiled. `wasm` is asked for only then.
    fn component<W: AsRef<[u8]>>(
        &self,
        pattern: &str,
        digest: &Digest,
        wasm: impl FnOnce() -> anyhow::Result<W>,
    ) -> anyhow::Result<Component> {
        let (sandbox, apart) = (&self.sandbox, self.apart);
        let compile = |wasm: W| match apart {
            None => sandbox.precompile(wasm.as_ref()),
            Some(bounds) => Ok(apart::compile(wasm.as_ref(), bounds)?),
        };
        let look = |component: &Component| Ok(sandbox.look(component).map(drop)?);
        let component = match (&self.cache, apart) {
            (Some(cache), _) => cache.component(sandbox, digest, || compile(wasm()?), look),
            (None, Some(_)) => wasm()
                .and_then(compile)
                .and_then(|code| sandbox.restore(&code)),
            (None, None) => wasm().and_then(|wasm| sandbox.compile(wasm.as_ref())),
        };
        component.with_context(|| format!("cannot compile `{pattern}`"))
    }

    fn named<'a>(
        &self,
        route: &'a str,
        release: &'a Digest,
        declared: Option<&Declared>,
    ) -> anyhow::Result<Named<'a>> {
        let silent = Declared::default();
        let (declared, limits) = (declared.unwrap_or(&silent), self.limits.of(route));
        let config = match self.lowers {
            true => declared.within(limits).settle(limits)?,
            false => declared.settle(limits)?,
        };
        Ok(Named {
            route,
            release: release.as_str(),
            limits: limits.clone(),
            config,
        })
    }

    fn share(&self) -> Arc<Share> {
        Arc::clone(self.share.get_or_init(|| self.sandbox.share()))
    }
}

/// Compiles a component, or takes its code from the cache, and gets it ready.
///
/// # Errors
///
/// If the component is not valid, needs what this host does not have, or declares a configuration that the operator does not allow.
pub fn guest(loader: &Loader, source: &Source<'_>) -> anyhow::Result<Arc<Guest>> {
    let pattern = source.pattern;
    let named = loader.named(pattern, source.digest, source.declared)?;
    let component = loader.component(pattern, source.digest, || Ok(source.wasm))?;
    let guest = Guest::load(&loader.sandbox, loader.share(), &component, named)?;
    Ok(Arc::new(guest.in_environment(&loader.environment)))
}

/// A component whose code is loaded when it is first asked; `wasm` is read if it has to be compiled. One that never was, here, is compiled and
/// looked at now.
///
/// # Errors
///
/// As [`guest`]; and [`OtherFacts`].
pub fn waiting<W: AsRef<[u8]>>(
    loader: &Loader,
    known: &Known<'_>,
    wasm: impl Fn() -> anyhow::Result<W> + Send + Sync + 'static,
) -> anyhow::Result<Arc<Guest>> {
    let Known {
        pattern,
        digest,
        declared,
        facts,
    } = *known;
    let named = loader.named(pattern, digest, declared)?;
    let is_compiled = |cache: &Arc<CodeCache>| cache.has(&loader.sandbox, digest);
    if !loader.cache.as_ref().is_some_and(is_compiled) {
        let component = loader.component(pattern, digest, &wasm)?;
        anyhow::ensure!(loader.sandbox.look(&component)? == facts, OtherFacts);
        if !loader.cache.as_ref().is_some_and(is_compiled) {
            let guest = Guest::load(&loader.sandbox, loader.share(), &component, named)?;
            return Ok(Arc::new(guest.in_environment(&loader.environment)));
        }
    }
    let source = {
        let (loader, pattern, digest) = (loader.clone(), pattern.to_owned(), digest.clone());
        Arc::new(move || loader.component(&pattern, &digest, &wasm))
    };
    let guest = Guest::waiting(&loader.sandbox, loader.share(), (source, facts), named);
    Ok(Arc::new(guest.in_environment(&loader.environment)))
}

/// The table of routes that are served together.
///
/// # Errors
///
/// Every two that are in each other's way. Each after the first brings the `error: ` that whoever prints this puts before the whole.
pub fn table(entries: Vec<Entry<Route>>) -> anyhow::Result<Table<Route>> {
    Table::build(entries).map_err(|conflicts| {
        let texts: Vec<_> = conflicts.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", texts.join("\n\nerror: "))
    })
}

/// Does the same for each item on all cores: a start waits for the slowest half rather than for the sum.
///
/// # Panics
///
/// If `load` does.
pub fn in_parallel<T: Sync, R: Send>(items: &[T], load: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = items.len().div_ceil(cores).max(1);
    std::thread::scope(|scope| {
        let load = &load;
        let shares = items.chunks(share);
        let workers: Vec<_> = shares
            .map(|share| scope.spawn(move || share.iter().map(load).collect()))
            .collect();
        let done = workers.into_iter().map(|worker| -> Vec<R> {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        done.flatten().collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_beyond_the_limits_are_refused_or_lowered() {
        let folder = tempfile::tempdir().unwrap();
        let limits = AppLimits::default();
        let loader = Loader::open(folder.path(), limits.clone(), Favour::Compiling).unwrap();
        let declared = Declared {
            cpu_ms: Some(2_000),
            ..Declared::default()
        };
        let digest = Digest::of(b"");
        let named = |loader: &Loader| {
            let named = loader.named("/a", &digest, Some(&declared));
            named.map(|named| named.config.cpu)
        };
        assert!(named(&loader).is_err());
        assert_eq!(named(&loader.lowering()).unwrap(), limits.all.cpu);
    }
}
