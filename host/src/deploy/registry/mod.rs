//! A registry as a place where releases are brought and found: any that speaks OCI's distribution protocol.
//!
//! In: a [`Reference`], and a release here or the digest of one there. Out: the release there, under its tag; or here, in which every blob is
//! what its name says. Docker's config says who asks.
//!
//! What a registry answers is nobody's word: a manifest has a length that it may have, a blob is written to the disk as it comes and is no
//! longer than the manifest says, everything ends in time, and nothing counts before its digest is right. That is why it is not
//! `oci-client` that asks: it takes manifests, tokens and reasons into memory however long they are.

mod authorize;
mod client;
mod credentials;
mod error;
mod pull;
mod push;
mod reference;
mod repository;

pub use client::{Access, Registry};
pub use error::RegistryError;
pub use push::push;
pub use reference::{Reference, ReferenceError};

#[cfg(test)]
mod tests;
