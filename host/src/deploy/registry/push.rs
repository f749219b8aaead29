//! Brings a release to a registry: what it does not have of it, and the tag last.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::json;

use super::client::Content;
use super::repository::signature_tag;
use super::{Access, Reference, Registry, RegistryError};
use crate::deploy::Progress;
use crate::project::digest::Digest;
use crate::project::layout::{Blobs, IMAGE_TYPE};
use crate::project::manifest::Blob;
use crate::project::release::{Release, SIGNATURE_TYPE};

/// Blobs that are asked for at once, and of which fewer are sent.
const ASKED: usize = 8;
const SENT: usize = 3;

/// What OCI has for an image that needs no config.
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
const EMPTY: &[u8] = b"{}";

/// Brings a release to a registry, and what minisign says of it. Returns its name there, with its digest.
///
/// Who follows the tag sees the release once all of it is there.
///
/// # Errors
///
/// A [`RegistryError`]; the tag is then what it was before.
pub async fn push(
    reference: &Reference,
    (release, blobs): (&Release, &Blobs),
    signature: Option<&str>,
    on_progress: &(dyn Fn(Progress) + Sync),
) -> Result<Reference, RegistryError> {
    let digest = &release.digest;
    let registry = Registry::new(reference, Access::Push);
    if reference.digest().is_some_and(|named| named != digest) {
        return Err(RegistryError::NoRelease {
            what: reference.to_string(),
            message: format!("is not what would be pushed, which is {}", digest.to_oci()),
        });
    }
    let asked = stream::iter(release.blobs())
        .map(async |part| Ok::<_, RegistryError>((part, registry.has(&part.digest).await?)))
        .buffered(ASKED);
    let asked: Vec<_> = asked.try_collect().await?;
    let missing = asked.into_iter().filter(|(_, has)| !has);
    let missing: Vec<_> = missing.map(|(part, _)| part).collect();
    let total = missing.iter().map(|part| part.size).sum();
    let sent = AtomicU64::new(0);
    on_progress(Progress { sent: 0, total });
    stream::iter(missing.into_iter().map(Ok))
        .try_for_each_concurrent(SENT, async |part| {
            blobs.verify(&part.digest)?;
            let path = blobs.find(&Blob {
                digest: part.digest.clone(),
                bytes: part.size,
            })?;
            let content = Content::File(path, part.size);
            registry.put_blob(&part.digest, content).await?;
            let sent = sent.fetch_add(part.size, Ordering::Relaxed) + part.size;
            on_progress(Progress { sent, total });
            Ok::<_, RegistryError>(())
        })
        .await?;
    let manifest = Bytes::from(blobs.read(digest)?);
    if let Some(text) = signature {
        sign(&registry, digest, manifest.len(), text).await?;
    }
    registry.put_manifest(&reference.name(), manifest).await?;
    Ok(reference.at(digest))
}

/// Brings a signature there, under a tag that says whose it is.
async fn sign(
    registry: &Registry,
    release: &Digest,
    size: usize,
    text: &str,
) -> Result<(), RegistryError> {
    let (config, layer) = (Digest::of(EMPTY), Digest::of(text.as_bytes()));
    for (digest, content) in [(&config, EMPTY), (&layer, text.as_bytes())] {
        if !registry.has(digest).await? {
            let content = Bytes::copy_from_slice(content);
            let content = Content::Whole("application/octet-stream", content);
            registry.put_blob(digest, content).await?;
        }
    }
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": IMAGE_TYPE,
        "artifactType": SIGNATURE_TYPE,
        "config": { "mediaType": EMPTY_TYPE, "digest": config.to_oci(), "size": EMPTY.len() },
        "layers": [{ "mediaType": "text/plain", "digest": layer.to_oci(), "size": text.len() }],
        "subject": { "mediaType": IMAGE_TYPE, "digest": release.to_oci(), "size": size },
    });
    let manifest = manifest.to_string().into();
    registry
        .put_manifest(&signature_tag(release), manifest)
        .await
}
