//! Keeps the folders of this machine out of what is built for production: nobody learns from a component who built it where, and the same
//! sources make the same component under another cargo home.
//!
//! rustc writes a source's path into each panic. Sources of the app are named from its root; those of cargo's home and of packages outside of
//! the app get other names here. What stays is the path of the target folder, in code that a build script writes.
//!
//! The user's own flags stay: these go with them, where cargo takes them from. Where a configuration file has `target.*.rustflags`, cargo takes
//! those and no others, and paths stay.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::project::packages;

/// What cargo separates the flags by in [`ENCODED`].
const SEPARATOR: &str = "\x1f";
const ENCODED: &str = "CARGO_ENCODED_RUSTFLAGS";
const PLAIN: &str = "RUSTFLAGS";

/// How cargo is told.
#[derive(Debug, PartialEq)]
enum Told {
    /// [`ENCODED`].
    Variable(String),
    /// `--config`, which adds to what configuration files say.
    Argument(String),
}

/// Adds the flags to a command that builds the app at `root`.
pub(super) fn add(command: &mut Command, root: &Path) {
    let variable = |name| env::var(name).ok();
    match told(&flags(root), variable(ENCODED), variable(PLAIN)) {
        Told::Variable(flags) => command.env(ENCODED, flags),
        Told::Argument(config) => command.arg("--config").arg(config),
    };
}

fn told(flags: &[String], encoded: Option<String>, plain: Option<String>) -> Told {
    let words = |plain: String| plain.split_whitespace().collect::<Vec<_>>().join(SEPARATOR);
    match encoded.or(plain.map(words)) {
        Some(own) => {
            let own = Some(own).filter(|own| !own.is_empty());
            let all: Vec<_> = own.into_iter().chain(flags.iter().cloned()).collect();
            Told::Variable(all.join(SEPARATOR))
        }
        None => {
            let flags: toml::Value = flags.to_vec().into();
            Told::Argument(format!("build.rustflags={flags}"))
        }
    }
}

/// One for each folder, and one that leaves the words of errors alone.
fn flags(root: &Path) -> Vec<String> {
    let packages = packages::by_path(root).packages;
    let outside = packages
        .iter()
        .filter(|package| !package.folder.starts_with(root));
    let named = outside.filter_map(|package| {
        let name = package.manifest.get("package")?.get("name")?.as_str()?;
        Some((package.folder.clone(), format!("/{name}")))
    });
    let home = cargo_home(root).map(|home| (home, "/cargo".to_owned()));
    let flags = named.chain(home).filter_map(|(from, to)| {
        let from = from.to_str()?;
        Some(format!("--remap-path-prefix={from}={to}"))
    });
    flags
        .chain(["--remap-path-scope=object".to_owned()])
        .collect()
}

fn cargo_home(root: &Path) -> Option<PathBuf> {
    match env::var_os("CARGO_HOME").filter(|home| !home.is_empty()) {
        Some(home) => Some(root.join(home)),
        None => Some(env::home_dir()?.join(".cargo")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_s_flags_stay() {
        let ours = ["-a".to_owned(), "-b=c d".to_owned()];
        let check = |encoded: Option<&str>, plain: Option<&str>, expected: Told| {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            assert_eq!(told(&ours, owned(encoded), owned(plain)), expected);
        };
        let variable = |flags: &str| Told::Variable(flags.replace(',', SEPARATOR));
        check(None, Some("-x  -y"), variable("-x,-y,-a,-b=c d"));
        check(
            Some("-x\x1f-y z"),
            Some("-n"),
            variable("-x,-y z,-a,-b=c d"),
        );
        check(None, Some(""), variable("-a,-b=c d"));
        let argument = "build.rustflags=[\"-a\", \"-b=c d\"]".to_owned();
        check(None, None, Told::Argument(argument));
    }

    #[test]
    fn what_is_outside_of_the_app_gets_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let write = |file: &str, text: &str| {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let depends = "[dependencies]\nin = { path = \"in\" }\nout = { path = \"../out\" }\n";
        write("app/Cargo.toml", depends);
        write("app/in/Cargo.toml", "[package]\nname = \"in\"\n");
        write("out/Cargo.toml", "[package]\nname = \"out\"\n");
        let flags = flags(&folder.join("app"));
        let out = format!("--remap-path-prefix={}=/out", folder.join("out").display());
        assert_eq!(flags[0], out);
        assert!(flags[1].ends_with("=/cargo"), "{flags:?}");
        assert_eq!(flags[2..], ["--remap-path-scope=object"]);
    }
}
