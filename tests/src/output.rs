//! What `build` left in an app's folder, as any program that knows OCI reads it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The folder.
#[must_use]
pub fn folder(root: &Path) -> PathBuf {
    root.join(".waystation/output")
}

/// The name of the release, without `sha256:`.
///
/// # Panics
///
/// If there is none.
#[must_use]
pub fn digest(root: &Path) -> String {
    let index = json(&folder(root).join("index.json"));
    digest_in(&index["manifests"][0])
}

/// The image that names everything.
///
/// # Panics
///
/// If there is none.
#[must_use]
pub fn image(root: &Path) -> Value {
    json(&blob(root, &digest(root)))
}

/// The manifest of the release.
///
/// # Panics
///
/// If there is none.
#[must_use]
pub fn manifest(root: &Path) -> Value {
    json(&blob(root, &digest_in(&image(root)["config"])))
}

/// The file with this content.
#[must_use]
pub fn blob(root: &Path, digest: &str) -> PathBuf {
    folder(root).join("blobs/sha256").join(digest)
}

/// The largest file of a kind.
///
/// # Panics
///
/// If there is none.
#[must_use]
pub fn largest(root: &Path, media_type: &str) -> PathBuf {
    let image = image(root);
    let layers = image["layers"].as_array().expect("a list").iter();
    let fitting = layers.filter(|layer| layer["mediaType"] == media_type);
    let largest = fitting.max_by_key(|layer| layer["size"].as_u64());
    blob(root, &digest_in(largest.expect("one of this kind")))
}

fn digest_in(descriptor: &Value) -> String {
    let digest = descriptor["digest"].as_str().expect("a digest");
    digest.strip_prefix("sha256:").expect("SHA-256").to_owned()
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("a file of the build");
    serde_json::from_str(&text).expect("JSON")
}
