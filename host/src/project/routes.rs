//! Finds the routes of an app: one for each folder below `app/` that holds a `route.rs` or a `route.wasm`, one for each metadata module such
//! as `robots.rs`; its proxies, the `proxy.rs` beside `app/` (row PX1) and in folders of it; and the files that are sent as they are.
//!
//! In: the folders on disk. Out: a [`RouteSource`] or a [`FileSource`] each, in the order of their files, or every fault at once.
//!
//! What a folder name means, and which routes are in each other's way, is `waystation_rules`' to say.

use super::files::{self, FileKind, FileSource};
use super::{CargoToml, Project, ProjectError, ProjectErrors, below, names};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use waystation_rules::metadata::{self, Metadata};
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

impl RouteSource {
    /// What the file's name says, if it is a metadata module.
    #[must_use]
    pub fn metadata(&self) -> Option<Metadata> {
        let name = self.file.rsplit('/').next().unwrap_or_default();
        metadata::of("", name)
    }
}

/// What a route is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteKind {
    /// `route.rs`, or a metadata module such as `robots.rs`: compiled by cargo.
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

/// Everything that an app answers with.
#[derive(Debug, Clone, Default)]
pub struct Discovered {
    /// What is code, sorted by file.
    pub routes: Vec<RouteSource>,
    /// What is sent as it is.
    pub files: Vec<FileSource>,
}

impl Discovered {
    /// What the routes and proxies are called.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.routes.iter().map(RouteSource::name).collect()
    }
}

/// Finds every route and every proxy of an app, sorted by file, and every file that is sent as it is.
///
/// # Errors
///
/// Every fault of every folder: [`ProjectError::Pattern`], [`ProjectError::Conflict`], [`ProjectError::TwoKinds`],
/// [`ProjectError::NotUtf8`], [`ProjectError::Loop`], [`ProjectError::LargeImage`], [`ProjectError::Read`]; and what
/// [`files::public`] and [`CargoToml::read`] raise.
pub fn discover_all(project: &Project) -> Result<Discovered, ProjectErrors> {
    let cargo_toml = CargoToml::read(&project.root)?;
    let mut walk = Walk::new(project);
    walk.proxy_file(project.app_dir.parent().unwrap_or(&project.root), "");
    walk.folder(&project.app_dir, "");
    let Walk {
        mut found,
        mut files,
        mut faults,
        ..
    } = walk;
    found.sort_by(|a, b| a.file.cmp(&b.file));
    match files::public(&project.root) {
        Ok(public) => files.extend(public),
        Err(public) => faults.extend(public),
    }

    let mut parsed = Vec::new();
    for Found { folder, file, kind } in found {
        match RoutePattern::parse(&folder) {
            Ok(pattern) => parsed.push((pattern, file, kind)),
            Err(error) => faults.push(ProjectError::Pattern { file, error }),
        }
    }
    let routes = parsed
        .iter()
        .filter(|(_, _, kind)| *kind != RouteKind::Proxy);
    let all = routes.map(|(pattern, file, _)| (pattern, file));
    let sent = files.iter().map(|source| (&source.pattern, &source.file));
    faults.extend(conflicts(all.chain(sent)));
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
    let routes = sources.map(|((pattern, file, kind), package)| RouteSource {
        pattern,
        file,
        kind,
        package,
    });
    Ok(Discovered {
        routes: routes.collect(),
        files,
    })
}

/// Finds every route of an app; see [`discover_all`].
///
/// # Errors
///
/// As [`discover_all`].
pub fn discover(project: &Project) -> Result<Vec<RouteSource>, ProjectErrors> {
    Ok(discover_all(project)?.routes)
}

fn conflicts<'a>(all: impl Iterator<Item = (&'a RoutePattern, &'a String)>) -> Vec<ProjectError> {
    let entries = all.map(|(pattern, file)| Entry {
        pattern: pattern.clone(),
        file: file.clone(),
        route: (),
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

/// A route's or a proxy's file, and the folder that it answers for, from `app/`: `items/[slug]`, and nothing for `app/` itself.
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
    files: Vec<FileSource>,
    faults: Vec<ProjectError>,
}

impl<'a> Walk<'a> {
    fn new(project: &'a Project) -> Walk<'a> {
        Walk {
            project,
            inside: Vec::new(),
            found: Vec::new(),
            files: Vec::new(),
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
        let (folders, files) = self.names_in(path);
        for name in files {
            if let Some(metadata) = metadata::of(folder, &name) {
                self.metadata_file(&path.join(&name), folder, metadata);
            }
        }
        for name in folders {
            if !pattern::is_private(&name) {
                self.folder(&path.join(&name), &joined(folder, &name));
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

    fn metadata_file(&mut self, path: &Path, folder: &str, metadata: Metadata) {
        let file = self.below_root(path);
        let (answered, limit) = match metadata {
            Metadata::Static { path, limit } => (path, limit),
            Metadata::Code {
                path: one,
                path_of_several,
                lists,
                ..
            } => {
                let text = fs::read_to_string(path).unwrap_or_default();
                let lists = lists.is_some_and(|lists| metadata::defines(&text, lists));
                let answered = path_of_several.filter(|_| lists).unwrap_or(one);
                return self.found.push(Found {
                    folder: joined(folder, &answered),
                    file,
                    kind: RouteKind::Rust,
                });
            }
        };
        let bytes = match fs::metadata(path) {
            Ok(metadata) => metadata.len(),
            Err(error) => return self.unreadable(path, error),
        };
        if let Some(limit) = limit.filter(|limit| *limit < bytes) {
            let fault = ProjectError::LargeImage { file, bytes, limit };
            return self.faults.push(fault);
        }
        match (
            RoutePattern::parse(&joined(folder, &answered)),
            path.canonicalize(),
        ) {
            (Ok(pattern), Ok(path)) => self.files.push(FileSource {
                pattern,
                file,
                path,
                kind: FileKind::Metadata,
                encoded: Vec::new(),
            }),
            (Err(error), _) => self.faults.push(ProjectError::Pattern { file, error }),
            (_, Err(error)) => self.unreadable(path, error),
        }
    }

    /// The names of the folders and of the files in a folder, sorted.
    fn names_in(&mut self, path: &Path) -> (Vec<String>, Vec<String>) {
        let entries =
            match fs::read_dir(path).and_then(Iterator::collect::<std::io::Result<Vec<_>>>) {
                Ok(entries) => entries,
                Err(error) => {
                    self.unreadable(path, error);
                    return Default::default();
                }
            };
        let (mut folders, mut files) = (Vec::new(), Vec::new());
        for entry in entries {
            match (entry.file_name().into_string(), entry.path().is_dir()) {
                (Ok(name), true) => folders.push(name),
                (Ok(name), false) => files.push(name),
                (Err(_), true) => self
                    .faults
                    .push(ProjectError::NotUtf8 { path: entry.path() }),
                (Err(_), false) => {}
            }
        }
        folders.sort();
        files.sort();
        (folders, files)
    }

    fn unreadable(&mut self, path: &Path, error: std::io::Error) {
        self.faults.push(ProjectError::Read {
            path: path.to_path_buf(),
            error,
        });
    }

    fn below_root(&self, path: &Path) -> String {
        below(&self.project.root, path)
    }
}

fn joined(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

#[cfg(test)]
mod tests;
