//! Components of another make: `foreign/`, which knows nothing of Waystation.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The components of `foreign/`.
#[derive(Debug)]
pub struct Foreign {
    folder: PathBuf,
}

impl Foreign {
    /// Compiles them into `target`, in one call of cargo.
    ///
    /// # Panics
    ///
    /// If cargo cannot.
    #[must_use]
    pub fn compile(target: &Path) -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let cargo = Command::new(cargo)
            .args(["build", "--locked", "--release"])
            .args(["--target", "wasm32-wasip2", "--target-dir"])
            .arg(target)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("foreign"))
            .output()
            .expect("cargo");
        let words = String::from_utf8_lossy(&cargo.stderr);
        assert!(cargo.status.success(), "{words}");
        Self {
            folder: target.join("wasm32-wasip2/release"),
        }
    }

    /// The file of a component, such as `foreign_http2`.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name).with_extension("wasm")
    }

    /// A component.
    ///
    /// # Panics
    ///
    /// If there is none of this name.
    #[must_use]
    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.file(name)).expect("a component")
    }
}
