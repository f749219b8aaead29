//! What the host reads of an app's own `Cargo.toml`. It never writes that file.

use super::{ProjectError, place::Place};
use std::path::Path;
use toml::{Table, Value};

/// The line an app's `Cargo.toml` needs so that cargo and editors see the routes.
pub const MEMBERS: &str = ".waystation/routes/*";

/// An app's `Cargo.toml`.
#[derive(Debug, Clone)]
pub struct CargoToml {
    /// `package.name`.
    pub name: String,
    /// The name the app's own library goes by in Rust code, if there is a library.
    pub library: Option<String>,
    /// The whole file.
    pub table: Table,
}

impl CargoToml {
    /// Reads `Cargo.toml` of an app's root.
    ///
    /// # Errors
    ///
    /// [`ProjectError::NoCargoToml`], [`ProjectError::CargoToml`] if it is not TOML, [`ProjectError::NoPackage`].
    pub fn read(root: &Path) -> Result<CargoToml, ProjectError> {
        let path = root.join("Cargo.toml");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(ProjectError::NoCargoToml {
                    root: root.to_path_buf(),
                });
            }
            Err(error) => return Err(ProjectError::Read { path, error }),
        };
        let has_source = root.join("src").join("lib.rs").is_file();
        CargoToml::parse(&text, has_source)
    }

    /// Whether the workspace of this file takes in the packages that are written for the routes.
    #[must_use]
    pub fn takes_in_routes(&self) -> bool {
        let members = get(&self.table, &["workspace", "members"]).and_then(Value::as_array);
        members.is_some_and(|members| {
            members
                .iter()
                .any(|member| member.as_str() == Some(MEMBERS))
        })
    }

    fn parse(text: &str, has_source: bool) -> Result<CargoToml, ProjectError> {
        let table: Table =
            toml::from_str(text).map_err(|error: toml::de::Error| ProjectError::CargoToml {
                place: Place::of(text, &error.span().unwrap_or_default()),
                message: error.message().to_owned(),
            })?;
        let name = get(&table, &["package", "name"]).and_then(Value::as_str);
        let name = name.ok_or(ProjectError::NoPackage)?.to_owned();
        let library = (has_source || table.contains_key("lib")).then(|| {
            let own = get(&table, &["lib", "name"]).and_then(Value::as_str);
            own.map_or_else(|| name.replace('-', "_"), str::to_owned)
        });
        Ok(CargoToml {
            name,
            library,
            table,
        })
    }
}

fn get<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Value> {
    let (last, tables) = path.split_last()?;
    let mut table = table;
    for name in tables {
        table = table.get(*name)?.as_table()?;
    }
    table.get(*last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_goes_by_the_name_that_code_uses() {
        let library = |text, has_source| CargoToml::parse(text, has_source).unwrap().library;
        let package = "[package]\nname = 'my-shop'\n";
        assert_eq!(library(package, true).as_deref(), Some("my_shop"));
        assert_eq!(library(package, false), None);
        let named = format!("{package}[lib]\nname = 'stock'\npath = 'x.rs'");
        assert_eq!(library(&named, false).as_deref(), Some("stock"));
    }

    #[test]
    fn members_must_take_in_the_routes() {
        let takes_in = |text| CargoToml::parse(text, true).unwrap().takes_in_routes();
        assert!(takes_in(
            "package.name = 'a'\nworkspace.members = ['x', '.waystation/routes/*']"
        ));
        assert!(!takes_in("package.name = 'a'\nworkspace.members = ['x']"));
        assert!(!takes_in("package.name = 'a'"));
    }

    #[test]
    fn a_fault_has_a_place() {
        let error = CargoToml::parse("[package]\nname = shop", true)
            .unwrap_err()
            .to_string();
        assert!(error.contains("Cargo.toml:2:8"), "{error}");
        let error = CargoToml::parse("[workspace]", true)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("`Cargo.toml` has no `[package]` with a name"),
            "{error}"
        );
    }
}
