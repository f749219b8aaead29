//! Sends a node what it does not have of a release.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::{Method, StatusCode};

use super::api::{Missing, Wanted};
use super::{AskError, Client};
use crate::project::digest::Digest;
use crate::project::layout::Blobs;
use crate::project::release::Release;

/// What is sent at once: what a broken connection costs, and what a node holds in memory.
const PIECE: u64 = 4 << 20;
/// How long another deployer who sends the same blob is waited for.
const PAUSE: Duration = Duration::from_millis(100);

/// How far the sending is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that the other side has of what it did not have.
    pub sent: u64,
    /// Bytes that it did not have.
    pub total: u64,
}

/// Sends what the node behind `client` does not have. What broke off goes on where it did.
///
/// # Errors
///
/// If the node cannot be asked or refuses, or a blob cannot be read.
pub async fn push(
    client: &Client,
    blobs: &Blobs,
    release: &Release,
    on_progress: &(dyn Fn(Progress) + Sync),
) -> anyhow::Result<()> {
    let sizes = sizes(blobs, release)?;
    let wanted = sizes.iter().map(|(digest, size)| Wanted {
        digest: digest.clone(),
        size: *size,
    });
    let wanted: Vec<_> = wanted.collect();
    let missing: Vec<Missing> = client
        .send(Method::POST, "/v1/blobs/missing", &wanted)
        .await?;
    let left = |missing: &Missing| Some(sizes.get(&missing.digest)?.saturating_sub(missing.held));
    let mut progress = Progress {
        sent: 0,
        total: missing.iter().filter_map(left).sum(),
    };
    on_progress(progress);
    for Missing { digest, held } in missing {
        let size = sizes.get(&digest).copied();
        let size = size.with_context(|| format!("{} asks for more", client.address()))?;
        let path = blobs.path(&digest);
        let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut at = held;
        loop {
            let piece = piece(&file, at, size)?;
            let before = at;
            at = put(client, &digest, at, size, piece).await?;
            progress.sent += at.saturating_sub(before);
            on_progress(progress);
            if size <= at {
                break;
            }
        }
    }
    Ok(())
}

/// Every blob of a release with its length, its own name among them.
fn sizes(blobs: &Blobs, release: &Release) -> anyhow::Result<BTreeMap<Digest, u64>> {
    let image = blobs.path(&release.digest);
    let size = std::fs::metadata(&image);
    let size = size.with_context(|| format!("cannot read {}", image.display()))?;
    let own = (release.digest.clone(), size.len());
    let all = release.blobs().map(|blob| (blob.digest.clone(), blob.size));
    Ok(all.chain([own]).collect())
}

/// The next piece of a file.
fn piece(file: &File, at: u64, size: u64) -> io::Result<Bytes> {
    let length = size.saturating_sub(at).min(PIECE);
    let mut piece = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_exact_at(&mut piece, at)?;
    Ok(piece.into())
}

/// Adds a piece to a blob. Returns how many bytes the node has now: fewer than that if somebody else has sent another piece.
async fn put(
    client: &Client,
    digest: &Digest,
    at: u64,
    size: u64,
    piece: Bytes,
) -> Result<u64, AskError> {
    let path = format!("/v1/blobs/{digest}?at={at}&size={size}");
    match client.ask(Method::PUT, &path, piece).await {
        Ok(Missing { held, .. }) => Ok(held),
        // Two deployers send the same blob: go on where the other one is.
        Err(AskError::Refused { status, .. }) if status == StatusCode::CONFLICT => {
            let wanted = [Wanted {
                digest: digest.clone(),
                size,
            }];
            tokio::time::sleep(PAUSE).await;
            let missing: Vec<Missing> = client
                .send(Method::POST, "/v1/blobs/missing", &wanted)
                .await?;
            Ok(missing.first().map_or(size, |missing| missing.held))
        }
        Err(error) => Err(error),
    }
}
