//! Why an app, or one route of it, has no component.

use super::Diagnostic;
use super::cargo::CargoError;
use super::inspect::InspectError;
use super::toolchain::ToolchainError;
use crate::project::ProjectErrors;
use crate::project::routes::RouteSource;
use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;

/// Why no route of an app could be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildFailure {
    /// The app's folders or its `Cargo.toml` are at fault: every fault at once.
    #[error(transparent)]
    Project(#[from] ProjectErrors),

    /// There is nothing to build with.
    #[error(transparent)]
    Toolchain(#[from] ToolchainError),

    /// Cargo stopped before compiling, or was stopped.
    #[error(transparent)]
    Cargo(#[from] CargoError),
}

/// A route without a component.
#[derive(Debug)]
pub struct FailedRoute {
    /// The route.
    pub source: RouteSource,
    /// Why.
    pub fault: RouteFault,
}

/// Why a route has no component.
#[derive(Debug, thiserror::Error)]
pub enum RouteFault {
    /// It does not compile.
    #[error("{}", rendered(.0))]
    Compile(Vec<Diagnostic>),

    /// What was compiled, or handed in as `route.wasm`, cannot be served.
    #[error(transparent)]
    Inspect(#[from] InspectError),

    /// It compiles, but this host or its operator does not allow what it needs or declares.
    #[error("{0:#}")]
    Refused(anyhow::Error),

    /// The component cannot be read.
    #[error("cannot be read: {error}\n  --> {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
}

/// The faults as they look on a terminal, each once: what is wrong with shared code is the same for each route that uses it.
#[must_use]
pub fn terminal(failed: &[FailedRoute]) -> Vec<String> {
    let mut seen = HashSet::new();
    let texts = failed.iter().flat_map(|route| match &route.fault {
        RouteFault::Compile(errors) => errors
            .iter()
            .map(|error| error.rendered_ansi.clone())
            .collect(),
        RouteFault::Inspect(_) | RouteFault::Refused(_) | RouteFault::Read { .. } => {
            vec![format!("error: {route}\n")]
        }
    });
    texts.filter(|text| seen.insert(text.clone())).collect()
}

/// As it is shown to the author: the compiler's words, or what is wrong with the file.
impl fmt::Display for FailedRoute {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            RouteFault::Inspect(error) => {
                let text = error.to_string();
                let (what, hint) = text
                    .split_once("\n\nhint: ")
                    .map_or((text.as_str(), None), |(what, hint)| (what, Some(hint)));
                write!(out, "{what}\n  --> {}", self.source.file)?;
                hint.map_or(Ok(()), |hint| write!(out, "\n\nhint: {hint}"))
            }
            RouteFault::Refused(error) => write!(out, "{error:#}\n  --> {}", self.source.file),
            fault => fault.fmt(out),
        }
    }
}

fn rendered(diagnostics: &[Diagnostic]) -> String {
    let texts: Vec<_> = diagnostics
        .iter()
        .map(|diagnostic| diagnostic.rendered.trim_end())
        .collect();
    texts.join("\n\n")
}
