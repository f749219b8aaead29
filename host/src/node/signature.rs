//! Whether somebody whom the node trusts has signed a release, with minisign.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use minisign_verify::{PublicKey, Signature};

/// Whom a node trusts. Without a key it takes releases that nobody has signed.
#[derive(Default)]
pub struct Keys(Vec<PublicKey>);

/// Why a release counts as signed by nobody.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SignatureError {
    /// No signature came with it.
    #[error(
        "the release is not signed, and this node takes signed ones only\n\nhint: sign it with `minisign -Sm`, and deploy or push it with `--signature`"
    )]
    None,

    /// What came is no signature.
    #[error("the signature is no signature of minisign's")]
    Malformed,

    /// It is another's, or of another release.
    #[error("none of the keys that this node trusts has made this signature of this release")]
    Wrong,
}

impl Keys {
    /// Reads the keys in a folder, `*.pub` as minisign makes them. No folder is no key.
    ///
    /// # Errors
    ///
    /// If one of them is none.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        let is_key = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "pub");
        let read = |path: PathBuf| {
            let key = PublicKey::from_file(&path);
            key.map_err(|error| anyhow::anyhow!("{error}"))
                .with_context(|| format!("{} is no key of minisign's", path.display()))
        };
        paths
            .filter(is_key)
            .map(read)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether there is none: then nothing has to be signed.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them has signed what is in a file.
    pub(super) fn check_file(
        &self,
        file: PathBuf,
        signature: Option<&str>,
    ) -> Result<(), SignatureError> {
        if self.is_empty() {
            return Ok(());
        }
        let content = fs::read(file).map_err(|_| SignatureError::Wrong)?;
        self.check(&content, signature)
    }

    /// Whether one of them has signed a content.
    pub(super) fn check(
        &self,
        content: &[u8],
        signature: Option<&str>,
    ) -> Result<(), SignatureError> {
        if self.is_empty() {
            return Ok(());
        }
        let signature = signature.ok_or(SignatureError::None)?;
        let signature = Signature::decode(signature).map_err(|_| SignatureError::Malformed)?;
        let is_signed = |key: &PublicKey| key.verify(content, &signature, false).is_ok();
        match self.0.iter().any(is_signed) {
            true => Ok(()),
            false => Err(SignatureError::Wrong),
        }
    }
}
