//! Turns components into routes that are ready to answer.

use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use waystation_rules::segment::{Declared, Limits};

use super::compiled::CodeCache;
use crate::sandbox::{Favour, Guest, Sandbox};

/// A component and what is known of it.
pub struct Source<'a> {
    /// The pattern it answers, such as `/items/[slug]`.
    pub pattern: &'a str,
    /// The component.
    pub wasm: &'a [u8],
    /// What its module's constants say; none for a component of another make.
    pub declared: Option<&'a Declared>,
}

/// Where components are compiled and their code is kept.
#[derive(Clone)]
pub struct Loader {
    sandbox: Arc<Sandbox>,
    /// None where code cannot be kept safely.
    cache: Option<Arc<CodeCache>>,
    favour: Favour,
}

impl Loader {
    /// Sets up a sandbox with `limits`, and the cache in `folder`.
    ///
    /// # Errors
    ///
    /// As [`Sandbox::new`]. A cache that cannot be used is only logged.
    pub fn open(folder: &Path, limits: Limits, favour: Favour) -> anyhow::Result<Self> {
        let sandbox = Arc::new(Sandbox::new(limits, favour)?);
        let cache = match CodeCache::open(folder) {
            Ok(cache) => Some(Arc::new(cache)),
            Err(error) => {
                tracing::warn!("compiled code is not kept, so each start compiles: {error:#}");
                None
            }
        };
        Ok(Self {
            sandbox,
            cache,
            favour,
        })
    }

    /// The same with other limits: a sandbox of its own.
    ///
    /// # Errors
    ///
    /// As [`Sandbox::new`].
    pub fn with_limits(&self, limits: Limits) -> anyhow::Result<Self> {
        let sandbox = Arc::new(Sandbox::new(limits, self.favour)?);
        Ok(Self {
            sandbox,
            cache: self.cache.clone(),
            favour: self.favour,
        })
    }

    /// The same without keeping code: what is edited would fill the cache with what nobody serves any more.
    pub fn without_cache(&self) -> Self {
        Self {
            cache: None,
            ..self.clone()
        }
    }

    /// Whether this loader made `guest`.
    pub fn made(&self, guest: &Guest) -> bool {
        guest.runs_in(&self.sandbox)
    }
}

/// Compiles a component, or takes its code from the cache, and gets it ready.
///
/// # Errors
///
/// If the component is not valid, needs what this host does not have, or declares a configuration that the operator does not allow.
pub fn guest(loader: &Loader, source: &Source<'_>) -> anyhow::Result<Arc<Guest>> {
    let silent = Declared::default();
    let config = source
        .declared
        .unwrap_or(&silent)
        .settle(loader.sandbox.limits())?;
    let component = match &loader.cache {
        Some(cache) => cache.component(&loader.sandbox, source.wasm),
        None => loader.sandbox.compile(source.wasm),
    };
    let component = component.with_context(|| format!("cannot compile `{}`", source.pattern))?;
    Ok(Arc::new(Guest::load(
        &loader.sandbox,
        &component,
        source.pattern,
        config,
    )?))
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
