//! What is in a release, for programs as JSON and for [`cli`](crate) to put into words.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::project::manifest::Manifest;
use crate::project::release::Release;

/// A release at a glance: its manifest, and what that does not say of itself.
#[derive(Debug, Serialize)]
pub struct Summary<'a> {
    /// Its name, with `sha256:`.
    pub digest: String,
    /// When it was made, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Bytes of all of it.
    pub bytes: u64,
    /// How many blobs it has beside its image manifest.
    pub blobs: usize,
    /// What is in it.
    #[serde(flatten)]
    pub manifest: &'a Manifest,
}

impl<'a> Summary<'a> {
    /// That of a release.
    #[must_use]
    pub fn of(release: &'a Release) -> Self {
        Self {
            digest: release.digest.to_oci(),
            created: release.created_text(),
            bytes: release.bytes(),
            blobs: release.blobs().count(),
            manifest: &release.manifest,
        }
    }
}

/// Every interface that the components of a release ask of the host, and the routes and proxies that do.
#[must_use]
pub fn imports(manifest: &Manifest) -> BTreeMap<&str, Vec<&str>> {
    let routes = manifest.routes.iter();
    let routes = routes.map(|route| (&route.pattern, &route.imports));
    let proxies = manifest.proxies.iter();
    let proxies = proxies.map(|proxy| (&proxy.file, &proxy.imports));
    let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, imports) in routes.chain(proxies) {
        for import in imports {
            all.entry(import).or_default().push(name);
        }
    }
    all
}
