//! The environment that cargo is started with: the user's, without what an outer cargo adds for the program that it runs.
//!
//! `cargo run` and `cargo test` describe the host's own package in variables such as `CARGO_PKG_NAME`. Left in place they would be part of
//! the routes' fingerprints, so the same app would be rebuilt when it is served by an installed host. What a user sets to steer cargo
//! (`RUSTFLAGS`, `RUSTC_WRAPPER`, `CARGO_HOME`, `CARGO_NET_OFFLINE`, ...) stays.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// The variables that cargo sets for a program that it runs, beside those that start as [`OUTER_PREFIXES`].
const OUTER: [&str; 9] = [
    "CARGO",
    "CARGO_CRATE_NAME",
    "CARGO_MAKEFLAGS",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_LINKS",
    "CARGO_MANIFEST_PATH",
    "CARGO_PRIMARY_PACKAGE",
    "CARGO_TARGET_TMPDIR",
    "OUT_DIR",
];

const OUTER_PREFIXES: [&str; 4] = ["CARGO_PKG_", "CARGO_BIN_", "CARGO_FEATURE_", "CARGO_CFG_"];

/// Takes the outer cargo's variables from a command that builds the app in `root`.
pub(super) fn clean(command: &mut Command, root: &Path) {
    let names: Vec<OsString> = std::env::vars_os().map(|(name, _)| name).collect();
    for name in to_remove(&names, names_a_toolchain(root)) {
        command.env_remove(name);
    }
}

/// Under an outer cargo, rustup has named the host's toolchain to all programs below it; that must not win over the app's own choice.
fn to_remove(names: &[OsString], app_names_a_toolchain: bool) -> Vec<&OsString> {
    let under_cargo = names.iter().any(|name| name == "CARGO_MANIFEST_DIR");
    let remove = |name: &&OsString| match name.to_str() {
        Some("RUSTUP_TOOLCHAIN") => under_cargo && app_names_a_toolchain,
        Some(name) => {
            OUTER.contains(&name) || OUTER_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        }
        None => false,
    };
    names.iter().filter(remove).collect()
}

fn names_a_toolchain(root: &Path) -> bool {
    let files = ["rust-toolchain.toml", "rust-toolchain"];
    root.ancestors()
        .any(|folder| files.iter().any(|file| folder.join(file).is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_outer_cargo_says_of_the_host_is_removed() {
        check(
            "CARGO CARGO_PKG_NAME CARGO_MANIFEST_DIR OUT_DIR CARGO_BIN_EXE_waystation",
            false,
            "CARGO CARGO_PKG_NAME CARGO_MANIFEST_DIR OUT_DIR CARGO_BIN_EXE_waystation",
        );
    }

    #[test]
    fn what_the_user_says_to_cargo_stays() {
        check(
            "PATH RUSTFLAGS RUSTC_WRAPPER CARGO_HOME CARGO_NET_OFFLINE CARGO_TERM_COLOR RUSTUP_HOME",
            true,
            "",
        );
    }

    #[test]
    fn the_app_s_toolchain_wins_over_the_outer_cargo_s_but_not_over_the_user_s() {
        check(
            "RUSTUP_TOOLCHAIN CARGO_MANIFEST_DIR",
            true,
            "RUSTUP_TOOLCHAIN CARGO_MANIFEST_DIR",
        );
        check(
            "RUSTUP_TOOLCHAIN CARGO_MANIFEST_DIR",
            false,
            "CARGO_MANIFEST_DIR",
        );
        check("RUSTUP_TOOLCHAIN", true, "");
    }

    #[track_caller]
    fn check(names: &str, app_names_a_toolchain: bool, expected: &str) {
        let names: Vec<OsString> = names.split(' ').map(OsString::from).collect();
        let removed: Vec<_> = to_remove(&names, app_names_a_toolchain)
            .iter()
            .map(|name| name.to_string_lossy())
            .collect();
        assert_eq!(removed.join(" "), expected);
    }
}
