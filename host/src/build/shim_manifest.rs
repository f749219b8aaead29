//! The `Cargo.toml` of a route's package: the app's dependencies and features, and nothing else of it. A route with tests has the
//! dependencies of tests too, and `cargo test --workspace` runs them natively.
//!
//! It also names an example that does not exist, in the route's own folder. rust-analyzer reads only the folders that a package's targets
//! are in, so without it the `#[path]` to `route.rs` leads nowhere. A feature that nobody asks for keeps cargo from building it.

use crate::project::CargoToml;
use crate::project::routes::RouteSource;
use toml::{Table, Value};

/// From a route's package to the app's root.
const TO_ROOT: &str = "../../..";

/// The table of what only tests depend on.
const OF_TESTS: &str = "dev-dependencies";

/// The feature that keeps cargo from building the example.
const EDITOR: &str = "waystation-editor";

/// What a route's files make use of.
pub(super) struct Uses {
    /// The app's own library, which is one more dependency then.
    pub(super) library: bool,
    /// Tests.
    pub(super) tests: bool,
}

/// Writes the manifest of a route's package.
#[must_use]
pub(super) fn render(route: &RouteSource, app: &CargoToml, uses: &Uses) -> String {
    let package = &route.package;
    let mut tables = Table::new();
    let of_tests = uses.tests.then_some(OF_TESTS);
    for name in ["dependencies", "features", "target"]
        .into_iter()
        .chain(of_tests)
    {
        if let Some(Value::Table(table)) = app.table.get(name) {
            tables.insert(name.to_owned(), Value::Table(table.clone()));
        }
    }
    if let Some(Value::Table(targets)) = tables.get_mut("target") {
        for target in targets
            .iter_mut()
            .filter_map(|(_, target)| target.as_table_mut())
        {
            target.retain(|name, _| name == "dependencies");
            move_paths(target, "dependencies");
        }
    }
    move_paths(&mut tables, "dependencies");
    move_paths(&mut tables, OF_TESTS);
    if uses.library {
        let own = Table::from_iter([("path".to_owned(), Value::from(TO_ROOT))]);
        let dependencies = tables
            .entry("dependencies")
            .or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(dependencies) = dependencies {
            dependencies.insert(app.name.clone(), Value::Table(own));
        }
    }
    let features = tables
        .entry("features")
        .or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(features) = features {
        features.insert(EDITOR.to_owned(), Value::Array(Vec::new()));
    }
    let folder = route.file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let tests = uses.tests;
    let nothing = Value::from(format!("{TO_ROOT}/{folder}/none.rs").replace("//", "/"));
    format!(
        "# Written by `waystation`; changes here are lost.\n\
         [package]\n\
         name = {package:?}\n\
         version = \"0.0.0\"\n\
         edition = \"2024\"\n\
         publish = false\n\n\
         [lib]\n\
         crate-type = [\"cdylib\"]\n\
         test = {tests}\n\
         doctest = false\n\n\
         # Never built: it tells rust-analyzer that the route's folder is part of this package.\n\
         [[example]]\n\
         name = \"{package}-folder\"\n\
         path = {nothing}\n\
         required-features = [{EDITOR:?}]\n\n\
         {tables}"
    )
}

/// Rewrites the relative paths in a table of dependencies, which start from the app's root, to start from the package.
fn move_paths(table: &mut Table, name: &str) {
    let Some(Value::Table(dependencies)) = table.get_mut(name) else {
        return;
    };
    for dependency in dependencies
        .iter_mut()
        .filter_map(|(_, dependency)| dependency.as_table_mut())
    {
        if let Some(Value::String(path)) = dependency.get_mut("path")
            && !std::path::Path::new(path).has_root()
        {
            *path = format!("{TO_ROOT}/{path}");
        }
    }
}
