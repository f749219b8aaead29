//! The packages that an app is made of: its own, and those it depends on by path, as their `Cargo.toml` say.

use std::fs;
use std::path::{Path, PathBuf};

/// What was found.
#[derive(Debug)]
pub struct Packages {
    /// Each once; the app's own first.
    pub packages: Vec<Package>,
    /// The roots of workspaces that some of them take dependencies from.
    pub workspaces: Vec<PathBuf>,
}

/// A package.
#[derive(Debug)]
pub struct Package {
    /// Its folder, absolute and without links.
    pub folder: PathBuf,
    /// Its `Cargo.toml`. One that cannot be read says nothing: cargo says what is wrong with it.
    pub manifest: toml::Table,
}

/// Finds the package at `root`, and whatever it depends on by path, on any target.
#[must_use]
pub fn by_path(root: &Path) -> Packages {
    let mut found = Packages {
        packages: Vec::new(),
        workspaces: Vec::new(),
    };
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        if found.packages.iter().any(|seen| seen.folder == folder) {
            continue;
        }
        let manifest = manifest(&folder);
        let (inherited, own): (Vec<_>, _) = dependencies(&manifest)
            .partition(|(_, dependency)| dependency.get("workspace").is_some());
        folders.extend(paths(&folder, own.into_iter()));
        if !inherited.is_empty()
            && let Some((root, dependencies)) = workspace(&folder)
        {
            let names = inherited.into_iter();
            let named = names.filter_map(|(name, _)| dependencies.get_key_value(name));
            folders.extend(paths(&root, named));
            found.workspaces.push(root);
        }
        found.packages.push(Package { folder, manifest });
    }
    found
}

fn manifest(package: &Path) -> toml::Table {
    let text = fs::read_to_string(package.join("Cargo.toml")).unwrap_or_default();
    text.parse().unwrap_or_default()
}

/// What a manifest says that the package depends on, on any target.
fn dependencies(manifest: &toml::Table) -> impl Iterator<Item = (&String, &toml::Value)> {
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let targets = targets.into_iter().flat_map(toml::Table::values);
    let tables = targets.filter_map(toml::Value::as_table).chain([manifest]);
    let kinds = tables.flat_map(|table| {
        let kinds = ["dependencies", "build-dependencies"].into_iter();
        kinds.filter_map(|kind| table.get(kind)?.as_table())
    });
    kinds.flatten()
}

/// The folders of those that are named by a path from `folder`.
fn paths<'a>(
    folder: &Path,
    dependencies: impl Iterator<Item = (&'a String, &'a toml::Value)>,
) -> Vec<PathBuf> {
    let paths = dependencies.filter_map(|(_, dependency)| dependency.get("path")?.as_str());
    paths
        .filter_map(|path| folder.join(path).canonicalize().ok())
        .collect()
}

/// The root of the workspace that a package is in, and `[workspace.dependencies]` there.
fn workspace(package: &Path) -> Option<(PathBuf, toml::Table)> {
    package.ancestors().find_map(|folder| {
        let dependencies = manifest(folder)
            .get("workspace")?
            .get("dependencies")?
            .clone();
        Some((folder.to_owned(), dependencies.as_table()?.clone()))
    })
}
