//! Names what compiles components: with another `Cargo.lock` it may make other code of one, and what was kept before is not used any more.

use std::hash::{DefaultHasher, Hasher as _};
use std::path::Path;

fn main() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut hasher = DefaultHasher::new();
    for folder in [package, &package.join("..")] {
        let file = folder.join("Cargo.lock");
        if let Ok(lock) = std::fs::read(&file) {
            println!("cargo::rerun-if-changed={}", file.display());
            hasher.write(&lock);
            break;
        }
    }
    println!("cargo::rustc-env=WAYSTATION_LOCK={:016x}", hasher.finish());
}
