//! What can be asked of a repository: each a request of the OCI distribution specification, version 1.1.

use bytes::Bytes;
use http::{HeaderName, Method, Response, StatusCode};
use hyper::body::Incoming;

use super::client::{Asked, Content};
use super::{Registry, RegistryError};
use crate::project::digest::Digest;
use crate::project::layout::{Descriptor, IMAGE_TYPE, Image, TITLE};
use crate::project::release::SIGNATURE_TYPE;

/// Bytes of a manifest: registries take no longer ones.
const MOST_MANIFEST: u64 = 4 << 20;
/// Bytes of a signature.
const MOST_SIGNATURE: u64 = 16 << 10;

/// What a tag may lead to. What is no release is told to be none, rather than not to be there.
const KINDS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
                     application/vnd.docker.distribution.manifest.v2+json";

/// Where a registry says which release a tag is.
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// The tag of what minisign says of a release.
pub(super) fn signature_tag(release: &Digest) -> String {
    format!("sha256-{release}.minisig")
}

impl Registry {
    /// Which release the reference names now. Nothing of it is fetched.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Missing`], and those of asking.
    pub async fn digest(&self) -> Result<Digest, RegistryError> {
        let name = self.reference.name();
        let response = self.manifest_at(Method::HEAD, &name).await?;
        let told = response.headers().get(CONTENT_DIGEST);
        let told = told.and_then(|told| Digest::of_oci(told.to_str().ok()?).ok());
        let digest = match told {
            Some(digest) => digest,
            None => {
                let response = self.manifest_at(Method::GET, &name).await?;
                Digest::of(&self.whole(response, MOST_MANIFEST).await?)
            }
        };
        match self.reference.digest() {
            Some(pinned) if *pinned != digest => Err(self.answer("it names another release")),
            _ => Ok(digest),
        }
    }

    /// The image manifest with this digest.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Answer`] if what comes is another one or too long, and those of asking.
    pub async fn manifest(&self, digest: &Digest) -> Result<Bytes, RegistryError> {
        let response = self.manifest_at(Method::GET, &digest.to_oci()).await?;
        let manifest = self.whole(response, MOST_MANIFEST).await?;
        match Digest::of(&manifest) == *digest {
            true => Ok(manifest),
            false => Err(self.answer(&format!("what came is not {digest}"))),
        }
    }

    /// What minisign says of a release, if somebody has brought it there.
    ///
    /// # Errors
    ///
    /// Those of asking.
    pub async fn signature(&self, release: &Digest) -> Result<Option<String>, RegistryError> {
        let tag = signature_tag(release);
        let response = match self.manifest_at(Method::GET, &tag).await {
            Err(RegistryError::Missing(_)) => return Ok(None),
            response => response?,
        };
        let manifest = self.whole(response, MOST_MANIFEST).await?;
        let no_signature = || self.answer(&format!("`{tag}` is no signature"));
        let image = serde_json::from_slice::<Image>(&manifest).ok();
        let image = image.filter(|image| image.artifact_type == SIGNATURE_TYPE);
        let image = image.ok_or_else(no_signature)?;
        let [layer] = &image.layers[..] else {
            return Err(no_signature());
        };
        let response = self.blob(&layer.digest, 0).await?;
        let text = self.whole(response, MOST_SIGNATURE).await?;
        match String::from_utf8(text.into()) {
            Ok(text) if Digest::of(text.as_bytes()) == layer.digest => Ok(Some(text)),
            _ => Err(no_signature()),
        }
    }

    async fn manifest_at(
        &self,
        method: Method,
        name: &str,
    ) -> Result<Response<Incoming>, RegistryError> {
        let asked = Asked {
            method,
            url: self.url(&format!("manifests/{name}")),
            accept: Some(KINDS),
            from: 0,
            content: Content::Nothing,
        };
        let response = self.ask(&asked).await?;
        let reference = &self.reference;
        match response.status() {
            StatusCode::OK => Ok(response),
            StatusCode::NOT_FOUND => {
                let sign = if name.contains(':') { '@' } else { ':' };
                let (registry, repository) = (reference.registry(), reference.repository());
                let what = format!("{registry}/{repository}{sign}{name}");
                Err(RegistryError::Missing(what))
            }
            _ => Err(self.refused(response).await),
        }
    }

    /// A blob from a byte on. The answer is [`StatusCode::OK`] if the registry gives all of it all the same.
    pub(super) async fn blob(
        &self,
        digest: &Digest,
        from: u64,
    ) -> Result<Response<Incoming>, RegistryError> {
        let response = self.ask(&self.asked(Method::GET, digest, from)).await?;
        match response.status() {
            StatusCode::OK => Ok(response),
            StatusCode::PARTIAL_CONTENT if 0 < from => Ok(response),
            StatusCode::NOT_FOUND => Err(self.missing(digest)),
            _ => Err(self.refused(response).await),
        }
    }

    /// Whether the registry has a blob.
    pub(super) async fn has(&self, digest: &Digest) -> Result<bool, RegistryError> {
        let response = self.ask(&self.asked(Method::HEAD, digest, 0)).await?;
        match response.status() {
            StatusCode::OK => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(self.refused(response).await),
        }
    }

    fn asked(&self, method: Method, digest: &Digest, from: u64) -> Asked {
        Asked {
            method,
            url: self.url(&format!("blobs/{}", digest.to_oci())),
            accept: None,
            from,
            content: Content::Nothing,
        }
    }

    fn missing(&self, digest: &Digest) -> RegistryError {
        let (registry, repository) = (self.reference.registry(), self.reference.repository());
        RegistryError::Missing(format!("{registry}/{repository}@{}", digest.to_oci()))
    }

    /// Brings a blob there.
    pub(super) async fn put_blob(
        &self,
        digest: &Digest,
        content: Content,
    ) -> Result<(), RegistryError> {
        let begun = Asked {
            method: Method::POST,
            url: self.url("blobs/uploads/"),
            accept: None,
            from: 0,
            content: Content::Nothing,
        };
        let response = self.ask(&begun).await?;
        if response.status() != StatusCode::ACCEPTED {
            return Err(self.refused(response).await);
        }
        let place = self.location(&self.parsed(&begun.url)?, &response)?;
        let sign = if place.contains('?') { '&' } else { '?' };
        let put = Asked {
            method: Method::PUT,
            url: format!("{place}{sign}digest={}", digest.to_oci()),
            content,
            ..begun
        };
        self.put(&put).await
    }

    /// Brings a manifest there, under its tag or its digest.
    pub(super) async fn put_manifest(
        &self,
        name: &str,
        manifest: Bytes,
    ) -> Result<(), RegistryError> {
        let put = Asked {
            method: Method::PUT,
            url: self.url(&format!("manifests/{name}")),
            accept: None,
            from: 0,
            content: Content::Whole(IMAGE_TYPE, manifest),
        };
        self.put(&put).await
    }

    async fn put(&self, put: &Asked) -> Result<(), RegistryError> {
        let response = self.ask(put).await?;
        match response.status() {
            StatusCode::CREATED => Ok(()),
            _ => Err(self.refused(response).await),
        }
    }
}

/// What a part of a release is called.
pub(super) fn title(part: &Descriptor) -> String {
    let title = part.annotations.get(TITLE);
    super::error::plain(title.map_or("the manifest", String::as_str))
}
