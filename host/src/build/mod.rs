//! Makes components of an app's routes: discover, write a package each, run cargo once, look at what came out.
//!
//! In: a [`Project`]. Out: a [`Build`] with a [`BuiltRoute`] or a [`FailedRoute`] for each route; one that fails hides none of the others.
//!
//! All of it blocks the thread it runs on. In async code:
//!
//! ```ignore
//! let cancel = Cancel::default();
//! let _stop = cancel.on_drop(); // dropping this future kills cargo
//! tokio::task::spawn_blocking(move || build::build(&project, &options, &cancel, &on_progress)).await
//! ```

pub mod cancel;
pub mod cargo;
mod definition;
pub mod diagnostics;
mod environment;
pub mod failure;
pub mod inspect;
mod profile;
mod progress;
mod remap;
pub mod shim;
mod shim_manifest;
mod sources;
pub mod test;
pub mod toolchain;

pub use cancel::Cancel;
pub use definition::told;
pub use diagnostics::Diagnostic;
pub use failure::{BuildFailure, FailedRoute, RouteFault};
pub use inspect::Inspected;
pub use profile::Profile;
pub use progress::Progress;

use crate::project::digest::Digest;
use crate::project::routes::{self, RouteKind, RouteSource};
use crate::project::{Project, manifest};
use bytes::Bytes;
use cargo::{Finished, Job, Outcome};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toolchain::Toolchain;
use waystation_rules::proxy::Reach;
use waystation_rules::segment::Declared;

/// How to build.
#[derive(Debug, Clone)]
pub struct Options {
    /// For the shortest build or the smallest component.
    pub profile: Profile,
    /// Where cargo keeps what it has compiled; `.waystation/target` if absent.
    pub target_dir: Option<PathBuf>,
}

/// What came of a build.
#[derive(Debug, Default)]
pub struct Build {
    /// The routes that have a component, in the order they were given in.
    pub built: Vec<BuiltRoute>,
    /// The routes that have none, in the same order.
    pub failed: Vec<FailedRoute>,
    /// The compiler's warnings about all of them, each once.
    pub warnings: Vec<Diagnostic>,
}

/// A route and its component.
#[derive(Debug, Clone)]
pub struct BuiltRoute {
    /// What it was made from.
    pub source: RouteSource,
    /// The component's binary, read once, so that digest, facts and code are of the same bytes.
    pub component: Bytes,
    /// The name of the component's content.
    pub digest: Digest,
    /// What the component is.
    pub inspected: Inspected,
    /// Whether cargo had nothing to do for it; always so for a `route.wasm`.
    pub fresh: bool,
}

impl BuiltRoute {
    /// What its module's constants say; none for a component of another make.
    #[must_use]
    pub fn declared(&self) -> Option<&Declared> {
        let section = self.inspected.section.as_ref();
        section.map(|section| &section.config)
    }

    /// The component as a release names it.
    fn blob(&self) -> manifest::Blob {
        manifest::Blob {
            digest: self.digest.clone(),
            bytes: self.component.len() as u64,
        }
    }
}

/// Builds every route of an app.
///
/// # Errors
///
/// A [`BuildFailure`] if no route could be tried. Routes that fail are in [`Build::failed`].
pub fn build(
    project: &Project,
    options: &Options,
    cancel: &Cancel,
    on_progress: &(dyn Fn(Progress) + Sync),
) -> Result<Build, BuildFailure> {
    let routes = routes::discover(project)?;
    shim::write(project, &routes)?;
    let toolchain = toolchain::prepare(&project.root, &|line| {
        on_progress(Progress::Told(line.to_owned()))
    })?;
    build_packages(project, &toolchain, &routes, options, cancel, on_progress)
}

/// Builds some routes of an app whose packages are written; see [`shim::write`].
///
/// # Errors
///
/// [`BuildFailure::Cargo`] if cargo had nothing to say about any of them.
pub fn build_packages(
    project: &Project,
    toolchain: &Toolchain,
    routes: &[RouteSource],
    options: &Options,
    cancel: &Cancel,
    on_progress: &(dyn Fn(Progress) + Sync),
) -> Result<Build, BuildFailure> {
    let rust = routes.iter().filter(|route| route.kind.is_built());
    let packages: Vec<String> = rust.map(|route| route.package.clone()).collect();
    let own_target = || project.own_dir().join("target");
    let target_dir = &options.target_dir.clone().unwrap_or_else(own_target);
    let job = Job {
        project,
        toolchain,
        packages: &packages,
        profile: options.profile,
        target_dir,
    };
    let mut finished = match packages.is_empty() {
        true => Finished {
            packages: BTreeMap::new(),
            warnings: Vec::new(),
        },
        false => cargo::run(&job, cancel, on_progress)?,
    };
    let mut build = Build {
        warnings: finished.warnings,
        ..Build::default()
    };
    for source in routes {
        let outcome = match source.kind {
            RouteKind::Rust | RouteKind::Proxy => finished.packages.remove(&source.package),
            RouteKind::Wasm => Some(Outcome::Built {
                wasm: project.root.join(&source.file),
                fresh: true,
            }),
        };
        match built(source, outcome) {
            Ok(route) => build.built.push(route),
            Err(fault) => build.failed.push(FailedRoute {
                source: source.clone(),
                fault,
            }),
        }
    }
    Ok(build)
}

fn built(source: &RouteSource, outcome: Option<Outcome>) -> Result<BuiltRoute, RouteFault> {
    let (wasm, fresh) = match outcome {
        Some(Outcome::Built { wasm, fresh }) => (wasm, fresh),
        Some(Outcome::Failed { diagnostics }) => return Err(RouteFault::Compile(diagnostics)),
        None => return Err(RouteFault::Compile(vec![unanswered(source)])),
    };
    let component = read(&wasm)?;
    let inspected = inspect::inspect(&component)?;
    let is_proxy = inspected.interface == manifest::Interface::Proxy;
    if is_proxy != (source.kind == RouteKind::Proxy) {
        let exports = inspected.exports;
        return Err(inspect::InspectError::NoHandler { exports }.into());
    }
    let section = inspected.section.as_ref();
    if let Some(matcher) = section.and_then(|section| section.config.matcher.as_ref()) {
        Reach::of(&source.file).matching(matcher)?;
    }
    Ok(BuiltRoute {
        source: source.clone(),
        digest: Digest::of(&component),
        component,
        inspected,
        fresh,
    })
}

/// What is said of a package that cargo was asked for and said nothing about.
fn unanswered(source: &RouteSource) -> Diagnostic {
    Diagnostic::plain(format!(
        "error: cargo did not say whether this route was built\n  --> {}\n\nhint: run `cargo build` in the app's folder to see what it says\n",
        source.file
    ))
}

fn read(wasm: &Path) -> Result<Bytes, RouteFault> {
    let content = std::fs::read(wasm);
    content.map(Bytes::from).map_err(|error| RouteFault::Read {
        path: wasm.to_path_buf(),
        error,
    })
}

impl Build {
    /// The manifest of the build, without what is no route and no proxy.
    #[must_use]
    pub fn manifest(&self, project: &Project) -> manifest::Manifest {
        let route = |route: &BuiltRoute| manifest::Route {
            pattern: route.source.pattern.to_string(),
            file: route.source.file.clone(),
            kind: route.source.kind,
            interface: route.inspected.interface,
            component: route.blob(),
            imports: route.inspected.imports.clone(),
            methods: route.inspected.methods,
            lists_params: route.inspected.lists_params(),
            config: route.declared().cloned(),
            kept: None,
        };
        let proxy = |proxy: &BuiltRoute| manifest::Proxy {
            file: proxy.source.file.clone(),
            component: proxy.blob(),
            imports: proxy.inspected.imports.clone(),
            config: proxy.declared().cloned().unwrap_or_default(),
        };
        let (proxies, routes): (Vec<_>, Vec<_>) = self
            .built
            .iter()
            .partition(|route| route.source.kind == RouteKind::Proxy);
        manifest::Manifest {
            version: manifest::VERSION,
            name: project.name.clone(),
            routes: routes.into_iter().map(route).collect(),
            proxies: proxies.into_iter().map(proxy).collect(),
            files: Vec::new(),
            settings: None,
            outbound: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use waystation_rules::pattern::RoutePattern;

    #[test]
    fn a_route_that_cargo_says_nothing_about_is_not_without_a_word() {
        let source = RouteSource {
            pattern: RoutePattern::parse("hello").unwrap(),
            file: "app/hello/route.rs".to_owned(),
            kind: RouteKind::Rust,
            package: "route-hello".to_owned(),
        };
        assert_eq!(
            built(&source, None).unwrap_err().to_string(),
            "\
error: cargo did not say whether this route was built
  --> app/hello/route.rs

hint: run `cargo build` in the app's folder to see what it says"
        );
    }
}
