//! Finds the routes of an app: one for each folder below `app/` that holds a `route.rs` or a `route.wasm`; and its proxies, the `proxy.rs`
//! beside `app/` (row PX1) and in folders of it.
//!
//! In: the folders on disk. Out: a [`RouteSource`] each, in the order of their files, or every fault at once.
//!
//! What a folder name means, and which routes are in each other's way, is `waystation_rules`' to say.

use super::{CargoToml, Project, ProjectError, ProjectErrors, names};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use waystation_rules::pattern::{self, RoutePattern};
use waystation_rules::table::{Entry, Table};

/// One route, or one proxy, as its author wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSource {
    /// What it matches; for a proxy, its folder.
    pub pattern: RoutePattern,
    /// The file from the app's root with forward slashes: `app/items/[slug]/route.rs`.
    pub file: String,
    /// Whether it is built or taken as it is.
    pub kind: RouteKind,
    /// What its package is called, and its component: `route-items-slug`, `proxy-app-admin`.
    pub package: String,
}

/// What a route is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteKind {
    /// `route.rs`: compiled by cargo.
    Rust,
    /// `route.wasm`: a component that somebody else compiled.
    Wasm,
    /// `proxy.rs`: compiled by cargo, and asked before routes.
    Proxy,
}

impl RouteKind {
    /// Whether cargo compiles it.
    #[must_use]
    pub const fn is_built(self) -> bool {
        matches!(self, Self::Rust | Self::Proxy)
    }
}

impl RouteSource {
    /// What a person calls it: a route by its pattern, a proxy by its file.
    #[must_use]
    pub fn name(&self) -> String {
        match self.kind {
            RouteKind::Rust | RouteKind::Wasm => self.pattern.to_string(),
            RouteKind::Proxy => self.file.clone(),
        }
    }
}

/// Finds every route and every proxy of an app, sorted by file.
///
/// # Errors
///
/// Every fault of every folder: [`ProjectError::Pattern`], [`ProjectError::Conflict`], [`ProjectError::TwoKinds`],
/// [`ProjectError::NotUtf8`], [`ProjectError::Loop`], [`ProjectError::Read`]; and what [`CargoToml::read`] raises.
pub fn discover(project: &Project) -> Result<Vec<RouteSource>, ProjectErrors> {
    let cargo_toml = CargoToml::read(&project.root)?;
    let mut walk = Walk::new(project);
    walk.proxy_file(project.app_dir.parent().unwrap_or(&project.root), "");
    walk.folder(&project.app_dir, "");
    let Walk {
        mut found,
        mut faults,
        ..
    } = walk;
    found.sort_by(|a, b| a.file.cmp(&b.file));

    let mut parsed = Vec::new();
    for Found { folder, file, kind } in found {
        match RoutePattern::parse(&folder) {
            Ok(pattern) => parsed.push((pattern, file, kind)),
            Err(error) => faults.push(ProjectError::Pattern { file, error }),
        }
    }
    faults.extend(conflicts(&parsed));
    if !faults.is_empty() {
        return Err(ProjectErrors(faults));
    }

    let named: Vec<_> = parsed
        .iter()
        .map(|(pattern, file, kind)| match kind {
            RouteKind::Rust | RouteKind::Wasm => (pattern.to_string(), file.clone()),
            // Several proxies can have one pattern: groups tell them apart.
            RouteKind::Proxy => (file.replace("proxy.rs", ""), file.clone()),
        })
        .collect();
    let packages = names::packages(&named, &taken(&cargo_toml));
    let sources = parsed.into_iter().zip(packages);
    Ok(sources
        .map(|((pattern, file, kind), package)| RouteSource {
            pattern,
            file,
            kind,
            package,
        })
        .collect())
}

fn conflicts(routes: &[(RoutePattern, String, RouteKind)]) -> Vec<ProjectError> {
    let routes = routes
        .iter()
        .filter(|(_, _, kind)| *kind != RouteKind::Proxy);
    let entries = routes.enumerate().map(|(route, (pattern, file, _))| Entry {
        pattern: pattern.clone(),
        file: file.clone(),
        route,
    });
    match Table::build(entries.collect()) {
        Ok(_) => Vec::new(),
        Err(conflicts) => conflicts
            .into_iter()
            .map(|conflict| ProjectError::Conflict(Box::new(conflict)))
            .collect(),
    }
}

/// The package names that `cargo build -p` could take for a route's: the app's own and its dependencies'.
fn taken(cargo_toml: &CargoToml) -> BTreeSet<String> {
    let dependencies = cargo_toml
        .table
        .get("dependencies")
        .and_then(toml::Value::as_table);
    let names = dependencies
        .into_iter()
        .flat_map(|table| table.keys().cloned());
    names.chain([cargo_toml.name.clone()]).collect()
}

/// A route's or a proxy's file and the folder it is in, from `app/`: `items/[slug]`, and nothing for `app/` itself.
struct Found {
    folder: String,
    file: String,
    kind: RouteKind,
}

struct Walk<'a> {
    project: &'a Project,
    /// The folders that the walk is in, without links, to notice one that leads back.
    inside: Vec<PathBuf>,
    found: Vec<Found>,
    faults: Vec<ProjectError>,
}

impl<'a> Walk<'a> {
    fn new(project: &'a Project) -> Walk<'a> {
        Walk {
            project,
            inside: Vec::new(),
            found: Vec::new(),
            faults: Vec::new(),
        }
    }

    fn folder(&mut self, path: &Path, folder: &str) {
        match path.canonicalize() {
            Ok(real) if self.inside.contains(&real) => {
                let folder = self.below_root(path);
                return self.faults.push(ProjectError::Loop { folder });
            }
            Ok(real) => self.inside.push(real),
            Err(error) => return self.unreadable(path, error),
        }
        self.route_file(path, folder);
        self.proxy_file(path, folder);
        for name in self.folders_in(path) {
            if !pattern::is_private(&name) {
                let below = if folder.is_empty() {
                    name.clone()
                } else {
                    format!("{folder}/{name}")
                };
                self.folder(&path.join(&name), &below);
            }
        }
        self.inside.pop();
    }

    fn route_file(&mut self, path: &Path, folder: &str) {
        let kind = match (
            path.join("route.rs").is_file(),
            path.join("route.wasm").is_file(),
        ) {
            (false, false) => return,
            (true, false) => RouteKind::Rust,
            (false, true) => RouteKind::Wasm,
            (true, true) => {
                let folder = self.below_root(path);
                return self.faults.push(ProjectError::TwoKinds { folder });
            }
        };
        let name = match kind {
            RouteKind::Wasm => "route.wasm",
            _ => "route.rs",
        };
        self.push(path, folder, name, kind);
    }

    fn proxy_file(&mut self, path: &Path, folder: &str) {
        if path.join("proxy.rs").is_file() {
            self.push(path, folder, "proxy.rs", RouteKind::Proxy);
        }
    }

    fn push(&mut self, path: &Path, folder: &str, name: &str, kind: RouteKind) {
        self.found.push(Found {
            folder: folder.to_owned(),
            file: self.below_root(&path.join(name)),
            kind,
        });
    }

    fn folders_in(&mut self, path: &Path) -> Vec<String> {
        let entries =
            match fs::read_dir(path).and_then(Iterator::collect::<std::io::Result<Vec<_>>>) {
                Ok(entries) => entries,
                Err(error) => {
                    self.unreadable(path, error);
                    return Vec::new();
                }
            };
        let mut names = Vec::new();
        for entry in entries.iter().filter(|entry| entry.path().is_dir()) {
            match entry.file_name().into_string() {
                Ok(name) => names.push(name),
                Err(_) => self
                    .faults
                    .push(ProjectError::NotUtf8 { path: entry.path() }),
            }
        }
        names.sort();
        names
    }

    fn unreadable(&mut self, path: &Path, error: std::io::Error) {
        self.faults.push(ProjectError::Read {
            path: path.to_path_buf(),
            error,
        });
    }

    /// A path below the root as a person writes it: `app/items/[slug]`.
    fn below_root(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.project.root).unwrap_or(path);
        let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
        parts.join("/")
    }
}

#[cfg(test)]
mod tests;
