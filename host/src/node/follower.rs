//! Follows tags in registries: what a tag names, its app serves, by the very way that a deploy takes.
//!
//! In: an app, its tag, and how often it is looked at. Out: the release that the tag names is active; or what was active before serves on, and
//! the log says why, once.
//!
//! A tag is acted on when it changes. What was deployed, rolled back or taken back meanwhile stays as it is until then, over a restart too:
//! `followed.json` in the app's folder says what was acted on.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use waystation_rules::rollout::{AppName, Pace};

use super::Node;
use super::error::NodeError;
use super::follow::Follow;
use super::inspect::MOST_RELEASE;
use super::tokens;
use crate::deploy::api::{Activate, Stage};
use crate::deploy::registry::{Access, Registry, RegistryError};
use crate::project::atomic;
use crate::project::digest::Digest;

/// How soon, and how late, a release that was not taken is tried again: its signature may come later, or a disk have space again.
const AGAIN: Pace = Pace {
    interval: Duration::from_secs(60),
    longest: Duration::from_secs(60 * 60),
};

/// Follows a tag until it is dropped.
pub async fn follow(node: Arc<Node>, what: Follow, pace: Pace) {
    let mut follower = Follower::new(node, what);
    follower.settle_hosts().await;
    let (mut failures, mut told) = (0_u32, None);
    loop {
        let (app, reference) = (&follower.what.app, &follower.what.reference);
        match follower.registry.digest().await {
            Ok(digest) => {
                if told.take().is_some() {
                    tracing::info!("{app} follows {reference} again");
                }
                failures = 0;
                follower.act_on(digest).await;
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                let words = error.to_string();
                if told.as_ref() != Some(&words) {
                    tracing::warn!(
                        "{app} cannot follow {reference}, {}: {words}",
                        follower.serves()
                    );
                    told = Some(words);
                }
            }
        }
        tokio::time::sleep(pace.pause(failures, chance())).await;
    }
}

/// From 0 to 1.
fn chance() -> f64 {
    let random = getrandom::u32().unwrap_or(u32::MAX / 2); // without chance it is the middle
    f64::from(random) / f64::from(u32::MAX)
}

/// What follows one tag.
struct Follower {
    node: Arc<Node>,
    what: Follow,
    registry: Registry,
    by: tokens::Access,
    /// What the tag named when it was last acted on.
    settled: Option<Digest>,
    refused: Option<Refused>,
}

/// A release that was not taken.
struct Refused {
    digest: Digest,
    words: String,
    times: u32,
    until: Instant,
}

/// Why a release is not taken.
#[derive(Debug, thiserror::Error)]
enum Failed {
    /// It cannot be fetched.
    #[error(transparent)]
    Registry(#[from] RegistryError),

    /// The node refuses it.
    #[error("{}", .0.words())]
    Node(#[from] NodeError),
}

/// `followed.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Followed {
    reference: String,
    release: Digest,
}

impl Follower {
    fn new(node: Arc<Node>, what: Follow) -> Self {
        let mut follower = Self {
            registry: Registry::new(&what.reference, Access::Pull),
            by: tokens::Access::everything("registry"),
            settled: None,
            refused: None,
            node,
            what,
        };
        let followed = follower.read().unwrap_or_else(|error| {
            let app = &follower.what.app;
            tracing::warn!("{app} takes what its tag names, as if it never had: {error:#}");
            None
        });
        let reference = follower.what.reference.to_string();
        let same = followed.filter(|followed| followed.reference == reference);
        follower.settled = same.map(|followed| followed.release);
        follower
    }

    /// What was followed before, if anything was.
    fn read(&self) -> anyhow::Result<Option<Followed>> {
        let file = self.file();
        match fs::read(&file) {
            Ok(text) => Ok(Some(
                serde_json::from_slice(&text).with_context(|| file.display().to_string())?,
            )),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| file.display().to_string()),
        }
    }

    fn file(&self) -> PathBuf {
        self.node.data.app(&self.what.app).join("followed.json")
    }

    /// Has an app that is there answer what the command line says: another one may have been given since.
    async fn settle_hosts(&self) {
        let (Some(hosts), Ok(tenant)) = (self.what.hosts.clone(), self.node.tenant(&self.what.app))
        else {
            return;
        };
        if tenant.known().record.hosts == hosts {
            return;
        }
        let (node, app, by) = (
            Arc::clone(&self.node),
            self.what.app.clone(),
            self.by.clone(),
        );
        let set = move || node.set_hosts(&app, hosts, &by).map(drop);
        if let Err(error) = blocking(set).await {
            tracing::warn!("{} does not answer its hosts: {error}", self.what.app);
        }
    }

    /// What is served whatever the tag names.
    fn serves(&self) -> String {
        let tenant = self.node.tenant(&self.what.app).ok();
        match tenant.and_then(|tenant| tenant.active()) {
            Some(running) => format!("{} serves on", running.digest.short()),
            None => "and nothing is served".to_owned(),
        }
    }

    /// Has the app serve the release that the tag names now, unless that was seen to already.
    async fn act_on(&mut self, digest: Digest) {
        if self.settled.as_ref() == Some(&digest) {
            self.refused = None;
            return;
        }
        let is_early =
            |refused: &Refused| refused.digest == digest && Instant::now() < refused.until;
        if self.refused.as_ref().is_some_and(is_early) {
            return;
        }
        match self.bring(&digest).await {
            Ok(()) => {
                self.refused = None;
                self.settled = Some(digest);
            }
            Err(failed) => self.refuse(digest, failed.to_string()),
        }
    }

    /// Fetches a release, has it made ready, and has it answer.
    async fn bring(&self, digest: &Digest) -> Result<(), Failed> {
        let app = &self.what.app;
        let tenant = self.node.tenant(app).ok();
        let active = tenant.and_then(|tenant| tenant.known().record.releases.active.clone());
        if active.as_ref() != Some(digest) {
            let manifest = self.registry.manifest(digest).await?;
            let signature = self.signature(digest, &manifest).await?; // before anything more of it is on the disk
            let arrivals = Arc::new(self.node.arrivals());
            self.registry
                .fetch(digest, manifest, &arrivals, MOST_RELEASE, &|_| {})
                .await?;
            let stage = Stage {
                release: digest.clone(),
                created: None,
                hosts: self.what.hosts.clone(),
                signature,
            };
            let ready = self.node.get_ready(app.clone(), stage, self.by.clone());
            ready.await?;
            let activate = {
                let (node, app, by) = (Arc::clone(&self.node), app.clone(), self.by.clone());
                let source = self.what.reference.at(digest).to_string();
                let activate = Activate {
                    release: digest.clone(),
                    percent: None,
                };
                move || {
                    node.note_source(&app, &activate.release, &source, &by)?;
                    node.activate(&app, &activate, &by).map(drop)
                }
            };
            blocking(activate).await?;
        }
        let followed = Followed {
            reference: self.what.reference.to_string(),
            release: digest.clone(),
        };
        let file = self.file();
        let written = blocking(move || {
            let text = serde_json::to_vec(&followed).map_err(std::io::Error::from)?;
            Ok(atomic::write(&file, &text)?)
        });
        if let Err(error) = written.await {
            tracing::error!("{app}: what it follows cannot be written down: {error}");
        }
        Ok(())
    }

    /// What minisign says of a release, where somebody has to have signed it.
    async fn signature(&self, digest: &Digest, manifest: &[u8]) -> Result<Option<String>, Failed> {
        let keys = &self.node.policy.keys;
        if keys.is_empty() {
            return Ok(None);
        }
        let signature = self.registry.signature(digest).await?;
        let signed = keys.check(manifest, signature.as_deref());
        signed.map_err(|error| NodeError::Release(vec![error.into()]))?;
        Ok(signature)
    }

    /// Says why a release is not taken, once, and when it is tried again.
    fn refuse(&mut self, digest: Digest, words: String) {
        let (app, reference) = (&self.what.app, &self.what.reference);
        let before = self.refused.take();
        let before = before.filter(|before| before.digest == digest);
        let times = before
            .as_ref()
            .map_or(0, |before| before.times.saturating_add(1));
        if before.is_none_or(|before| before.words != words) {
            let (short, serves) = (digest.short(), self.serves());
            tracing::error!("{app} does not take {short} from {reference}, {serves}: {words}");
            self.node.note_refusal(app, &digest, &self.by, &words);
            let node = Arc::clone(&self.node);
            tokio::task::spawn_blocking(move || node.collect()); // a registry may name one after the other
        }
        self.refused = Some(Refused {
            until: Instant::now() + AGAIN.pause(times, chance()),
            digest,
            words,
            times,
        });
    }
}

impl Node {
    /// Writes down where a release came from that is ready.
    fn note_source(
        &self,
        app: &AppName,
        release: &Digest,
        source: &str,
        by: &tokens::Access,
    ) -> Result<(), NodeError> {
        let tenant = self.tenant(app)?;
        let turn = tenant.turn();
        {
            let mut known = tenant.known();
            let mut record = known.record.clone();
            if let Some(facts) = record.known.get_mut(release) {
                facts.from = Some(source.to_owned());
            }
            record.write(&tenant.folder)?;
            known.record = record;
        }
        drop(turn);
        tenant.note(by, "fetched", Some(release), source.to_owned());
        Ok(())
    }
}

/// Does what waits for the disk away from the threads that serve.
async fn blocking(
    work: impl FnOnce() -> Result<(), NodeError> + Send + 'static,
) -> Result<(), NodeError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|panic| NodeError::Own(panic.into()))?
}
