//! What can be asked for of registries.

use std::path::PathBuf;

use clap::Args as Arguments;

use crate::deploy::registry::Reference;

#[derive(Debug, Arguments)]
pub(in crate::cli) struct Push {
    /// What it is called there, such as `ghcr.io/me/shop:live`; who asks is what `docker login` has been told
    #[arg(value_name = "REF")]
    pub(in crate::cli) reference: Reference,
    /// An app's folder, a file of `pack`, or the first digits of the digest of a build in this folder
    #[arg(default_value = ".", value_name = "DIR|FILE|DIGEST")]
    pub(in crate::cli) what: PathBuf,
    /// The file that `minisign -Sm` has made of the release, for nodes that follow the tag and trust a key
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) signature: Option<PathBuf>,
}

#[derive(Debug, Arguments)]
pub(in crate::cli) struct Pull {
    /// What it is called there, such as `ghcr.io/me/shop:live` or `ghcr.io/me/shop@sha256:..`
    #[arg(value_name = "REF")]
    pub(in crate::cli) reference: Reference,
    /// Where it goes: a folder, of which it becomes the latest build, or one file if the name ends in `.tar`
    #[arg(short, long, value_name = "DIR|FILE", default_value = ".")]
    pub(in crate::cli) output: PathBuf,
}
