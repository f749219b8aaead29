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
use waystation_rules::proxy::MatcherError;

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

    /// The proxy's `MATCHER` is none.
    #[error(transparent)]
    Matcher(#[from] MatcherError),

    /// It compiles, but this host or its operator does not allow what it needs or declares.
    /// As it is [`told`](super::told).
    #[error("{0}")]
    Refused(String),

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
        RouteFault::Inspect(_)
        | RouteFault::Matcher(_)
        | RouteFault::Refused(_)
        | RouteFault::Read { .. } => {
            vec![format!("{route}\n")]
        }
    });
    texts.filter(|text| seen.insert(text.clone())).collect()
}

/// As the author reads it, on a page and, less the compiler's colours, on a terminal: an `error: ` before each thing that is wrong.
impl fmt::Display for FailedRoute {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            RouteFault::Inspect(error) => {
                write!(out, "error: {error}\n  --> {}", self.source.file)?;
                match error.hint() {
                    Some(hint) => write!(out, "\n\nhint: {hint}"),
                    None => Ok(()),
                }
            }
            RouteFault::Matcher(error) => {
                write!(out, "error: {error}\n  --> {}", self.source.file)
            }
            RouteFault::Compile(_) => self.fault.fmt(out),
            RouteFault::Refused(_) | RouteFault::Read { .. } => {
                write!(out, "error: {}", self.fault)
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::inspect::inspect;
    use crate::project::routes::RouteKind;
    use waystation_rules::pattern::RoutePattern;

    #[test]
    fn a_file_that_is_no_component_is_named_with_what_to_do() {
        check(
            inspect(b"(component)").unwrap_err().into(),
            "\
error: this is WebAssembly text
  --> app/x/route.wasm

hint: turn it into a component with `wasm-tools parse`",
        );
        check(
            inspect(b"").unwrap_err().into(),
            "error: the file is empty\n  --> app/x/route.wasm",
        );
    }

    #[test]
    fn a_route_that_is_not_allowed_is_named() {
        let told = "too long\n  --> app/x/route.rs:3:11";
        check(
            RouteFault::Refused(told.to_owned()),
            &format!("error: {told}"),
        );
    }

    #[test]
    fn a_matcher_that_is_none_is_named() {
        check(
            RouteFault::Matcher(MatcherError::Empty),
            "error: `MATCHER` is empty, so the proxy would never be asked; leave it out to match everything\n  --> app/x/route.wasm",
        );
    }

    #[test]
    fn a_component_that_cannot_be_read_is_an_error_too() {
        let fault = RouteFault::Read {
            path: "x.wasm".into(),
            error: std::io::Error::other("the cause"),
        };
        check(fault, "error: cannot be read: the cause\n  --> x.wasm");
    }

    #[test]
    fn the_compiler_s_words_bring_their_own_error() {
        let text = "error: no\n  --> app/x/route.rs:1:1";
        check(
            RouteFault::Compile(vec![Diagnostic::plain(text.to_owned())]),
            text,
        );
    }

    #[track_caller]
    fn check(fault: RouteFault, expected: &str) {
        let source = RouteSource {
            pattern: RoutePattern::parse("x").unwrap(),
            file: "app/x/route.wasm".to_owned(),
            kind: RouteKind::Wasm,
            package: "route-x".to_owned(),
        };
        let route = FailedRoute { source, fault };
        assert_eq!(route.to_string(), expected);
        let terminal = terminal(&[route]).concat();
        assert_eq!(terminal.trim_end(), expected);
    }
}
