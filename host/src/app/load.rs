//! Turns components into routes that are ready to answer.

use std::sync::Arc;

use anyhow::Context as _;
use waystation_rules::segment::Declared;

use super::compiled::CodeCache;
use crate::sandbox::{Guest, Sandbox};

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
    /// Compiles and runs.
    pub sandbox: Arc<Sandbox>,
    /// Keeps the code for the next start; none where it cannot be kept safely.
    pub cache: Option<Arc<CodeCache>>,
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
