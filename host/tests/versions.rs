//! No dependency is older than the release that closed its last known hole.
//!
//! When wasmtime 48 has a new patch: `cargo update -p wasmtime -p wasmtime-wasi -p wasmtime-wasi-http`, raise the table, run the tests.
//! Its WASI 0.3 support is experimental and gets fixes in such patches only, so the newest 48.0.x is always the one to have.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so best by panicking"
)]

/// The least version of each, and what it closed.
const LEAST: [(&str, [u64; 3], &str); 6] = [
    (
        "wasmtime",
        [48, 0, 8],
        "the newest of the LTS line when this was written",
    ),
    ("wasmtime-wasi", [48, 0, 8], "goes with wasmtime"),
    ("wasmtime-wasi-http", [48, 0, 8], "goes with wasmtime"),
    (
        "hyper",
        [1, 11, 0],
        "Content-Length beside Transfer-Encoding",
    ),
    (
        "h2",
        [0, 4, 20],
        "floods of small DATA frames (RUSTSEC-2026-0258)",
    ),
    ("tokio", [1, 53, 0], "the LTS line"),
];

#[test]
fn the_lock_file_holds_nothing_older() {
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock");
    let lock: toml::Table = std::fs::read_to_string(lock).unwrap().parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    for (name, least, why) in LEAST {
        let locked = packages
            .iter()
            .filter(|package| package["name"].as_str() == Some(name));
        let versions: Vec<_> = locked
            .map(|package| package["version"].as_str().unwrap())
            .collect();
        assert!(
            !versions.is_empty(),
            "{name} is not locked: take it off the table"
        );
        for version in versions {
            assert!(
                least <= parts(version),
                "{name} {version} is older than {least:?}: {why}"
            );
        }
    }
}

fn parts(version: &str) -> [u64; 3] {
    let mut parts = version
        .split(['.', '+', '-'])
        .map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}
