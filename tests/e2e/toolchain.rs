//! What a machine lacks, the program installs and says so, or it names what to install.
//!
//! The compiler and rustup are stand-ins here: small scripts that know just what is asked of them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use waystation_tests::{App, Exit};

use crate::support::{program, text_route};

const ADDS: &str = "case $1 in target) mkdir \"$(dirname \"$0\")/libdir\";; esac";

#[test]
fn a_target_that_is_missing_is_added_and_told() {
    let told = "adding the target wasm32-wasip2: rustup target add wasm32-wasip2";
    let exit = check_with(&[("rustup", ADDS)]);
    assert!(exit.stderr.contains(told), "{}", exit.stderr);
    // It went on to the next step, and there is no cargo among the stand-ins.
    assert!(
        exit.stderr.contains("`cargo` cannot be started"),
        "{}",
        exit.stderr
    );
}

#[test]
fn a_target_that_cannot_be_added_is_told_in_rustup_s_words() {
    let exit = check_with(&[(
        "rustup",
        "case $1 in target) echo 'no network' >&2; exit 1;; esac",
    )]);
    assert_eq!(exit.code, Some(1));
    let told = "`rustup target add wasm32-wasip2` failed\n\nno network\n\nhint: run it by hand in the app's folder";
    assert!(exit.stderr.contains(told), "{}", exit.stderr);
}

#[test]
fn without_rustup_it_says_what_to_install() {
    let exit = check_with(&[]);
    assert_eq!(exit.code, Some(1));
    assert!(
        exit.stderr
            .contains("this Rust cannot build for wasm32-wasip2"),
        "{}",
        exit.stderr
    );
    assert!(
        exit.stderr.contains("rust-std-static-wasm32-wasip2"),
        "{}",
        exit.stderr
    );
}

/// Runs `waystation check` with a rustc that lacks the target, and with these other programs.
fn check_with(programs: &[(&str, &str)]) -> Exit {
    let folder = tempfile::tempdir().unwrap();
    let app = App::new(&[("app/a/route.rs", &text_route("a"))]);
    stand_in(
        folder.path(),
        "rustc",
        "echo /nowhere; echo \"$(dirname \"$0\")/libdir\"",
    );
    for (name, script) in programs {
        stand_in(folder.path(), name, script);
    }
    for tool in ["sh", "mkdir", "dirname"] {
        std::os::unix::fs::symlink(Path::new("/bin").join(tool), folder.path().join(tool)).unwrap();
    }
    let path = folder.path().to_string_lossy();
    program()
        .command("check", app.root())
        .env("PATH", &path)
        .env("RUSTC", "rustc")
        .run()
}

fn stand_in(folder: &Path, name: &str, script: &str) {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}
