//! Writes the small package that makes a component of each `route.rs`.
//!
//! In: the routes and the app's `Cargo.toml`. Out: `.waystation/routes/<package>/` with a manifest and a `lib.rs` that names the route
//! module by path. Files are touched only where their content changes, so cargo sees an unchanged route as fresh.
//!
//! Cargo stops at a member folder without a manifest, so a package appears whole and disappears whole, by a rename.

use super::shim_manifest;
use crate::project::routes::{RouteKind, RouteSource};
use crate::project::{CargoToml, Project, ProjectError, atomic};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Brings the packages below `.waystation/routes` in line with the routes.
///
/// Packages of routes that are not in the list are removed, so the list is always that of the whole app.
///
/// # Errors
///
/// What the app's `Cargo.toml` lacks: [`ProjectError::NotInWorkspace`], [`ProjectError::NoSdk`], [`ProjectError::NoLibrary`]; else
/// [`ProjectError::Read`] or [`ProjectError::Write`].
pub fn write(project: &Project, routes: &[RouteSource]) -> Result<(), ProjectError> {
    let cargo_toml = CargoToml::read(&project.root)?;
    let rust: Vec<_> = routes
        .iter()
        .filter(|route| route.kind == RouteKind::Rust)
        .collect();
    if !rust.is_empty() {
        check(&project.root, &cargo_toml)?;
    }
    let folder = folder(project);
    remove_others(project, &rust).map_err(write_error(&folder))?;
    for route in rust {
        let library = uses_library(&project.root, route, &cargo_toml)?;
        let manifest = shim_manifest::render(&route.package, &cargo_toml, library);
        let package = folder.join(&route.package);
        write_package(project, &package, &manifest, &source(route))
            .map_err(write_error(&package))?;
    }
    Ok(())
}

/// Where the packages are.
#[must_use]
pub fn folder(project: &Project) -> PathBuf {
    project.own_dir().join("routes")
}

fn check(root: &Path, cargo_toml: &CargoToml) -> Result<(), ProjectError> {
    if !cargo_toml.takes_in_routes() {
        return Err(ProjectError::NotInWorkspace);
    }
    let dependencies = cargo_toml
        .table
        .get("dependencies")
        .and_then(toml::Value::as_table);
    if !dependencies.is_some_and(|table| table.contains_key("waystation")) {
        return Err(ProjectError::NoSdk);
    }
    let binary = cargo_toml.table.contains_key("bin") || root.join("src").join("main.rs").is_file();
    if cargo_toml.library.is_none() && !binary {
        return Err(ProjectError::NoLibrary);
    }
    Ok(())
}

fn source(route: &RouteSource) -> String {
    let RouteSource { pattern, file, .. } = route;
    let pattern = pattern.to_string();
    let path = format!("../../../../{file}");
    format!(
        "// Written by `waystation`; changes here are lost.\n\
         #[path = {path:?}]\n\
         mod route;\n\
         waystation::route! {{ root = \"../../..\", file = {file:?}, pattern = {pattern:?} }}\n"
    )
}

/// Whether a route's own sources say the name of the app's library.
///
/// A module included by path could say it too, so a route that includes one counts as a user: a dependency too many costs a rebuild, one
/// too few would be an error.
fn uses_library(
    root: &Path,
    route: &RouteSource,
    cargo_toml: &CargoToml,
) -> Result<bool, ProjectError> {
    let Some(library) = &cargo_toml.library else {
        return Ok(false);
    };
    let file = root.join(&route.file);
    let folder = file.parent().unwrap_or(root);
    let says_it =
        |text: &str| says(text, library) || text.contains("#[path") || text.contains("include!");
    any_source(folder, &says_it).map_err(|source| ProjectError::Read {
        path: folder.to_path_buf(),
        source,
    })
}

/// Looks through the Rust files of a folder and below it, up to the folders of other routes.
fn any_source(folder: &Path, found: &dyn Fn(&str) -> bool) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let hit = if path.is_dir() {
            !path.join("route.rs").is_file() && any_source(&path, found)?
        } else {
            let is_rust = path.extension().is_some_and(|extension| extension == "rs");
            is_rust && found(&String::from_utf8_lossy(&fs::read(&path)?))
        };
        if hit {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a text has a word, not as a part of another.
fn says(text: &str, word: &str) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    text.split(|c| !in_word(c)).any(|found| found == word)
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

fn write_error(path: &Path) -> impl FnOnce(io::Error) -> ProjectError {
    let path = path.to_path_buf();
    move |source| ProjectError::Write { path, source }
}

#[cfg(test)]
mod tests;
