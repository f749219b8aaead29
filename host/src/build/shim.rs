//! Writes the small package that makes a component of each `route.rs` and `proxy.rs`.
//!
//! In: the routes and the app's `Cargo.toml`. Out: `.waystation/routes/<package>/` with a manifest and a `lib.rs` that names the route
//! module by path. Files are touched only where their content changes, so cargo sees an unchanged route as fresh.
//!
//! Cargo stops at a member folder without a manifest, so a package appears whole and disappears whole, by a rename.

use super::shim_manifest;
use super::sources::Sources;
use crate::project::routes::{RouteKind, RouteSource};
use crate::project::{CargoToml, Project, ProjectError, ProjectErrors, atomic};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};
use waystation_rules::metadata::Metadata;

/// Brings the packages below `.waystation/routes` in line with the routes.
///
/// Packages of routes that are not in the list are removed, so the list is always that of the whole app.
///
/// # Errors
///
/// All that the app's `Cargo.toml` lacks: [`ProjectError::NoSdk`], [`ProjectError::NoLibrary`], [`ProjectError::NotInWorkspace`]; else
/// [`ProjectError::Read`] or [`ProjectError::Write`].
pub fn write(project: &Project, routes: &[RouteSource]) -> Result<(), ProjectErrors> {
    let cargo_toml = CargoToml::read(&project.root)?;
    let rust: Vec<_> = routes
        .iter()
        .filter(|route| route.kind.is_built())
        .collect();
    let lacks = lacks(&project.root, &cargo_toml);
    if !rust.is_empty() && !lacks.is_empty() {
        return Err(ProjectErrors(lacks));
    }
    let folder = folder(project);
    remove_others(project, &rust).map_err(|error| ProjectError::Write {
        path: folder,
        error,
    })?;
    let faults: Vec<_> = rust
        .into_iter()
        .filter_map(|route| write_route(project, route, &cargo_toml).err())
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(ProjectErrors(faults))
    }
}

/// Where the packages are.
#[must_use]
pub fn folder(project: &Project) -> PathBuf {
    project.own_dir().join("routes")
}

fn lacks(root: &Path, cargo_toml: &CargoToml) -> Vec<ProjectError> {
    let mut lacks = Vec::new();
    let dependencies = cargo_toml
        .table
        .get("dependencies")
        .and_then(toml::Value::as_table);
    if !dependencies.is_some_and(|table| table.contains_key("waystation")) {
        lacks.push(ProjectError::NoSdk);
    }
    let binary = cargo_toml.table.contains_key("bin") || root.join("src").join("main.rs").is_file();
    if cargo_toml.library.is_none() && !binary {
        lacks.push(ProjectError::NoLibrary);
    }
    if !cargo_toml.takes_in_routes() {
        lacks.push(ProjectError::NotInWorkspace);
    }
    lacks
}

fn write_route(
    project: &Project,
    route: &RouteSource,
    cargo_toml: &CargoToml,
) -> Result<(), ProjectError> {
    let sources = Sources::read(&project.root, route).map_err(|error| ProjectError::Read {
        path: project.root.join(&route.file),
        error,
    })?;
    let library = cargo_toml.library.as_ref();
    let uses = shim_manifest::Uses {
        library: library.is_some_and(|library| sources.use_library(library)),
        tests: sources.have_tests(),
    };
    let manifest = shim_manifest::render(route, cargo_toml, &uses);
    let path = folder(project).join(&route.package);
    write_package(project, &path, &manifest, &root_module(route, &sources))
        .map_err(|error| ProjectError::Write { path, error })
}

/// The package's `lib.rs`.
fn root_module(route: &RouteSource, sources: &Sources) -> String {
    let RouteSource { pattern, file, .. } = route;
    let (pattern, digest) = (pattern.to_string(), sources.digest());
    let path = format!("../../../../{file}");
    let module = match route.kind {
        RouteKind::Proxy => "proxy",
        RouteKind::Rust | RouteKind::Wasm => "route",
    };
    let convention = match route.metadata() {
        Some(Metadata::Code {
            function, lists, ..
        }) => {
            let lists = lists.map(|lists| format!(", lists = {lists:?}"));
            format!(", function = {function:?}{}", lists.unwrap_or_default())
        }
        _ => String::new(),
    };
    format!(
        "// Written by `waystation` for sources {digest}; changes here are lost.\n\
         #[path = {path:?}]\n\
         mod {module};\n\
         waystation::{module}! {{ root = \"../../..\", file = {file:?}, pattern = {pattern:?}{convention} }}\n"
    )
}

fn write_package(
    project: &Project,
    package: &Path,
    manifest: &str,
    source: &str,
) -> io::Result<()> {
    if package.join("Cargo.toml").is_file() {
        atomic::write_if_changed(&package.join("src").join("lib.rs"), source.as_bytes())?;
        atomic::write_if_changed(&package.join("Cargo.toml"), manifest.as_bytes())?;
        return Ok(());
    }
    let aside = tempfile::tempdir_in(project.own_dir())?;
    let whole = aside.path().join("package");
    fs::create_dir_all(whole.join("src"))?;
    fs::write(whole.join("src").join("lib.rs"), source)?;
    fs::write(whole.join("Cargo.toml"), manifest)?;
    if package.exists() {
        fs::rename(package, aside.path().join("broken"))?;
    }
    fs::rename(whole, package)
}

/// Removes whatever is below `.waystation/routes` and is no package of these routes. Makes the folder if there is none.
fn remove_others(project: &Project, routes: &[&RouteSource]) -> io::Result<()> {
    let folder = folder(project);
    fs::create_dir_all(&folder)?;
    let keep: BTreeSet<_> = routes
        .iter()
        .map(|route| folder.join(&route.package))
        .collect();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if !keep.contains(&path) {
            let aside = tempfile::tempdir_in(project.own_dir())?;
            fs::rename(&path, aside.path().join("gone"))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
