//! Names what compiles components: with another `Cargo.lock`, or other code around the compiler, it may make other code of one, and what was
//! kept before is not used any more.

use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};

/// What decides how a component is compiled, in the package's folder.
const COMPILES: [&str; 3] = [
    "src/sandbox/engine.rs",
    "src/sandbox/relink.rs",
    "src/sandbox/relink",
];

fn main() -> std::io::Result<()> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let locks = [package, &package.join("..")].map(|folder| folder.join("Cargo.lock"));
    let mut files: Vec<_> = locks
        .into_iter()
        .find(|lock| lock.exists())
        .into_iter()
        .collect();
    for place in COMPILES {
        files.extend(files_at(&package.join(place))?);
    }
    let mut hasher = DefaultHasher::new();
    for file in files {
        println!("cargo::rerun-if-changed={}", file.display());
        hasher.write(&std::fs::read(&file)?);
    }
    println!(
        "cargo::rustc-env=WAYSTATION_COMPILER={:016x}",
        hasher.finish()
    );
    Ok(())
}

/// A file, or those in a folder, in order.
fn files_at(place: &Path) -> std::io::Result<Vec<PathBuf>> {
    if place.is_file() {
        return Ok(vec![place.to_owned()]);
    }
    let entries = std::fs::read_dir(place)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files = entries.collect::<Result<Vec<_>, _>>()?;
    files.sort();
    Ok(files)
}
