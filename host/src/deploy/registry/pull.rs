//! Fetches a release: what is not here of it, piece by piece onto the disk, and its image manifest last.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, TryStreamExt as _};
use http::StatusCode;
use http_body_util::BodyExt as _;

use super::client::patience;
use super::repository::title;
use super::{Registry, RegistryError};
use crate::deploy::api::{Missing, Wanted};
use crate::deploy::{Arrivals, ArriveError, Progress};
use crate::project::digest::Digest;
use crate::project::layout::Descriptor;
use crate::project::release;

/// Blobs that are fetched at once.
const FETCHED: usize = 4;
/// Bytes of a blob that are in memory before they are written.
const PIECE: usize = 1 << 20;

impl Registry {
    /// Fetches what is not here of a release of up to `most` bytes, whose image manifest was [asked for](Self::manifest). Each blob is what its name says, and no longer than the manifest says;
    /// what broke off goes on the next time.
    ///
    /// # Errors
    ///
    /// A [`RegistryError`]; the image manifest is then not here.
    pub async fn fetch(
        &self,
        release: &Digest,
        manifest: Bytes,
        arrivals: &Arc<Arrivals>,
        most: u64,
        on_progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<(), RegistryError> {
        let no_release = |message: String| RegistryError::NoRelease {
            what: self.reference.at(release).to_string(),
            message,
        };
        let image = release::read_image(&manifest);
        let image = image.map_err(|what| no_release(format!("is no release: {what}")))?;
        let parts: Vec<&Descriptor> = [&image.config].into_iter().chain(&image.layers).collect();
        let names: BTreeSet<_> = parts.iter().map(|part| &part.digest).collect();
        if names.len() < parts.len() {
            return Err(no_release("names a part twice".to_owned()));
        }
        let bytes = parts.iter().map(|part| part.size);
        let bytes = bytes.fold(0, u64::saturating_add);
        if most < bytes {
            return Err(no_release(format!(
                "has {bytes} bytes, and {most} is the most"
            )));
        }
        let wanted = parts.iter().map(|part| Wanted {
            digest: part.digest.clone(),
            size: part.size,
        });
        let wanted: Vec<_> = wanted.collect();
        let missing = self.missing_of(arrivals, wanted.clone()).await?;
        let left = missing.iter().filter_map(|missing| {
            let part = parts.iter().find(|part| part.digest == missing.digest)?;
            Some((*part, missing.held))
        });
        let left: Vec<_> = left.collect();
        let total = left
            .iter()
            .map(|(part, held)| part.size.saturating_sub(*held))
            .sum();
        let sent = AtomicU64::new(0);
        on_progress(Progress { sent: 0, total });
        stream::iter(left.into_iter().map(Ok))
            .try_for_each_concurrent(FETCHED, async |(part, held)| {
                let on_bytes = |more| {
                    let sent = sent.fetch_add(more, Ordering::Relaxed) + more;
                    on_progress(Progress {
                        sent: sent.min(total),
                        total,
                    });
                };
                let fetching = self.fetch_part(part, held, arrivals, &on_bytes);
                let fetched = tokio::time::timeout(patience(part.size), fetching).await;
                fetched.map_err(|late| self.unreachable(&late))?
            })
            .await?;
        let whole = Wanted {
            digest: release.clone(),
            size: manifest.len() as u64,
        };
        let title = "the image manifest".to_owned();
        self.take(arrivals, whole, 0, manifest, title).await?;
        Ok(())
    }

    async fn missing_of(
        &self,
        arrivals: &Arc<Arrivals>,
        wanted: Vec<Wanted>,
    ) -> Result<Vec<Missing>, RegistryError> {
        let arrivals = Arc::clone(arrivals);
        let missing = tokio::task::spawn_blocking(move || arrivals.missing(&wanted)).await;
        missing.map_err(|panic| RegistryError::Read(panic.into()))
    }

    /// Fetches a blob, of which so many bytes are here.
    async fn fetch_part(
        &self,
        part: &Descriptor,
        held: u64,
        arrivals: &Arc<Arrivals>,
        on_bytes: &(dyn Fn(u64) + Sync),
    ) -> Result<(), RegistryError> {
        let wanted = Wanted {
            digest: part.digest.clone(),
            size: part.size,
        };
        let take = |at, piece| self.take(arrivals, wanted.clone(), at, piece, title(part));
        if held == part.size {
            take(held, Bytes::new()).await?; // it was whole, and a crash came before it was seen to be
            return Ok(());
        }
        let response = self.blob(&part.digest, held).await?;
        let mut at = match response.status() {
            StatusCode::PARTIAL_CONTENT => held,
            _ => 0,
        };
        let (mut body, mut piece) = (response.into_body(), BytesMut::new());
        loop {
            let frame = body.frame().await.transpose();
            let frame = frame.map_err(|error| self.unreachable(&error))?;
            let is_end = frame.is_none();
            let data = frame.and_then(|frame| frame.into_data().ok());
            piece.extend_from_slice(&data.unwrap_or_default());
            let is_over = part.size < at.saturating_add(piece.len() as u64);
            if !piece.is_empty() && (is_end || is_over || PIECE <= piece.len()) {
                let piece = piece.split().freeze();
                let more = piece.len() as u64;
                at = take(at, piece).await?; // which refuses what is too long
                on_bytes(more);
            }
            if is_end {
                break;
            }
        }
        match at < part.size {
            true => Err(self.answer(&format!("`{}` ends before its end", title(part)))),
            false => Ok(()),
        }
    }

    /// Writes a piece of a blob. Returns how much of it is here.
    async fn take(
        &self,
        arrivals: &Arc<Arrivals>,
        wanted: Wanted,
        at: u64,
        piece: Bytes,
        part: String,
    ) -> Result<u64, RegistryError> {
        let arrivals = Arc::clone(arrivals);
        let taking = tokio::task::spawn_blocking(move || arrivals.take(&wanted, at, &piece));
        let taken = taking.await.map_err(std::io::Error::from);
        let taken = taken.map_err(ArriveError::from).flatten();
        taken.map_err(|error| RegistryError::Part {
            what: self.reference.to_string(),
            part,
            error,
        })
    }
}
