//! Watches a new release in its first minute, and has the one before it serve again if it fails too often.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;
use waystation_rules::rollout::{Count, Releases, StepError, Verdict};

use super::Node;
use super::error::NodeError;
use super::running::Running;
use super::tenant::Tenant;
use super::tokens::Access;
use crate::deploy::api::{App, Outcome, Watched};
use crate::project::digest::Digest;

/// How often it is judged: a release that fails is gone soon after.
const PAUSE: Duration = Duration::from_millis(200);

impl Node {
    /// Begins to watch the release that a step has brought, beside the one that answered before.
    ///
    /// A first release is not watched: there is nothing to go back to.
    pub(super) fn watch(self: &Arc<Self>, shown: &App, old: Option<Arc<Running>>) {
        let Ok(tenant) = self.tenant(&shown.app) else {
            return;
        };
        let canary = shown.releases.canary.as_ref().map(|canary| &canary.release);
        let newest = canary.or(shown.releases.active.as_ref());
        let new = newest.and_then(|newest| tenant.known().running.get(newest).cloned());
        let (Some(new), Some(old)) = (new, old) else {
            return;
        };
        if new.digest == old.digest {
            return;
        }
        let number = tenant.watches.fetch_add(1, Ordering::Relaxed) + 1;
        tenant.watched.send_replace(Some(Watched {
            release: new.digest.clone(),
            outcome: Outcome::Watching,
            answers: 0,
            failed: 0,
        }));
        let watching = follow(Arc::clone(self), tenant, number, new, old);
        tokio::spawn(watching);
    }
}

/// Judges a release until it is clear what becomes of it.
async fn follow(
    node: Arc<Node>,
    tenant: Arc<Tenant>,
    number: u64,
    new: Arc<Running>,
    old: Arc<Running>,
) {
    let is_last = || tenant.watches.load(Ordering::Relaxed) == number;
    let (began, before) = (Instant::now(), new.counted());
    let mut pause = tokio::time::interval(PAUSE);
    loop {
        pause.tick().await;
        if !is_last() {
            return; // a newer step has begun a watch of its own
        }
        let now = new.counted();
        let count = Count {
            answers: now.answers - before.answers,
            failed: now.failed - before.failed,
        };
        let verdict = match serves(&tenant, &new.digest) {
            true => node
                .policy
                .judge
                .judge(count, old.counted(), began.elapsed()),
            false => return tell(&tenant, &new.digest, Outcome::Replaced, count),
        };
        match verdict {
            Verdict::Wait => {}
            Verdict::Keep => return tell(&tenant, &new.digest, Outcome::Kept, count),
            Verdict::RollBack => {
                let outcome = take_back(&node, &tenant, &new.digest, count).await;
                return tell(&tenant, &new.digest, outcome, count);
            }
        }
    }
}

/// Has the release before serve again.
async fn take_back(
    node: &Arc<Node>,
    tenant: &Arc<Tenant>,
    digest: &Digest,
    count: Count,
) -> Outcome {
    let Count { answers, failed } = count;
    let (name, short) = (&tenant.name, digest.short());
    tracing::warn!("{name} {short} is taken back: {failed} of {answers} answers failed");
    let stepped = tokio::task::spawn_blocking({
        let (node, name, digest) = (Arc::clone(node), name.clone(), digest.clone());
        move || {
            let by = Access::everything("node");
            node.step(&name, &by, "taken back", |releases| {
                without(releases, &digest)
            })
        }
    });
    let stepped = stepped
        .await
        .unwrap_or_else(|panic| Err(NodeError::Own(panic.into())));
    match stepped {
        Ok(_) => Outcome::RolledBack,
        Err(error) => {
            tracing::error!("{name} cannot be rolled back: {error}");
            Outcome::Replaced
        }
    }
}

/// Whether a release answers clients.
fn serves(tenant: &Tenant, digest: &Digest) -> bool {
    let known = tenant.known();
    let releases = &known.record.releases;
    let canary = releases.canary.as_ref().map(|canary| &canary.release);
    releases
        .active
        .iter()
        .chain(canary)
        .any(|serving| serving == digest)
}

/// The releases without one that fails, wherever it answers by now.
fn without(releases: &Releases<Digest>, digest: &Digest) -> Result<Releases<Digest>, StepError> {
    if releases
        .canary
        .as_ref()
        .is_some_and(|canary| canary.release == *digest)
    {
        return releases.roll_back(None);
    }
    match releases.active.as_ref() == Some(digest) {
        true => releases.roll_back(Some(
            releases.previous.first().ok_or(StepError::NoPrevious)?,
        )),
        false => Err(StepError::Unknown),
    }
}

/// Says what became of a release, unless a newer one is watched by now.
fn tell(tenant: &Tenant, digest: &Digest, outcome: Outcome, count: Count) {
    tenant.watched.send_if_modified(|watched| match watched {
        Some(watched) if watched.release == *digest => {
            watched.outcome = outcome;
            (watched.answers, watched.failed) = (count.answers, count.failed);
            true
        }
        _ => false,
    });
}
