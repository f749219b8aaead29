//! An app on a node: what it is, written down, and which of its releases answers, as one pointer.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::watch;
use waystation_rules::rollout::{AppName, PREFIX, Percent, Side};

use super::now;
use super::record::{self, Record};
use super::running::Running;
use super::tokens::Access;
use crate::deploy::api::{LogLine, Watched};
use crate::project::digest::Digest;
use crate::project::settings::Cache;
use crate::store::Kept;
use crate::telemetry::AppCounts;

/// An app on a node.
pub(super) struct Tenant {
    /// What it is called.
    pub(super) name: AppName,
    /// Its folder.
    pub(super) folder: PathBuf,
    /// What is counted of it, whichever release answers.
    pub(super) counts: Arc<AppCounts>,
    live: ArcSwap<Live>,
    known: Mutex<Known>,
    /// One step of the app at a time, however long it compiles.
    turn: Mutex<()>,
    /// How the newest release does in its first minute.
    pub(super) watched: watch::Sender<Option<Watched>>,
    /// Which watch that is: one that is over must not speak for the next.
    pub(super) watches: AtomicU64,
}

/// What only one step at a time may change.
#[derive(Default)]
pub(super) struct Known {
    /// What is written down.
    pub(super) record: Record,
    /// The releases that are ready to answer.
    pub(super) running: BTreeMap<Digest, Arc<Running>>,
    /// Why others are not.
    pub(super) broken: BTreeMap<Digest, String>,
    /// Where answers are kept, and as which settings say.
    pub(super) kept: Option<(Cache, Arc<Kept>)>,
}

/// What requests look at. It is replaced, never changed.
#[derive(Default)]
struct Live {
    active: Option<Arc<Running>>,
    canary: Option<(Arc<Running>, Percent)>,
    /// The active one among them.
    all: Vec<Arc<Running>>,
}

impl Tenant {
    /// An app in its folder.
    pub(super) fn new(name: AppName, folder: PathBuf, record: Record) -> Self {
        let known = Known {
            record,
            ..Known::default()
        };
        Self {
            counts: Arc::new(AppCounts::new(name.as_str().into())),
            name,
            folder,
            live: ArcSwap::default(),
            known: Mutex::new(known),
            turn: Mutex::default(),
            watched: watch::Sender::new(None),
            watches: AtomicU64::new(0),
        }
    }

    /// Waits for its turn to take a step.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a moment in which nobody else looks at what is known.
    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has requests see what is known, from the next one on. Releases that nobody may ask for are let go of.
    pub(super) fn publish(&self, known: &mut Known) {
        let releases = &known.record.releases;
        let last = releases.previous.first();
        let is_asked = |digest: &Digest| {
            releases.previous.iter().all(|previous| previous != digest) || last == Some(digest)
        };
        let is_known = |digest: &Digest| releases.all().any(|release| release == digest);
        known
            .running
            .retain(|digest, _| is_known(digest) && is_asked(digest));
        known.broken.retain(|digest, _| is_known(digest));
        let running = |digest: &Digest| known.running.get(digest).cloned();
        let canary = releases.canary.as_ref();
        self.live.store(Arc::new(Live {
            active: releases.active.as_ref().and_then(running),
            canary: canary.and_then(|canary| Some((running(&canary.release)?, canary.percent))),
            all: known.running.values().cloned().collect(),
        }));
    }

    /// The release that answers everybody, or all but those who try another one.
    pub(super) fn active(&self) -> Option<Arc<Running>> {
        self.live.load().active.clone()
    }

    /// The release that answers a client, who is looked at only if it makes a difference.
    pub(super) fn release_for(
        &self,
        key: impl FnOnce(&Running) -> Vec<u8>,
    ) -> Option<Arc<Running>> {
        let live = self.live.load();
        let active = live.active.as_ref()?;
        let Some((canary, percent)) = &live.canary else {
            return Some(Arc::clone(active));
        };
        match percent.side(canary.digest.as_str(), &key(active)) {
            Side::Old => Some(Arc::clone(active)),
            Side::New => Some(Arc::clone(canary)),
        }
    }

    /// The release whose name begins so.
    pub(super) fn preview(&self, prefix: &str) -> Option<Arc<Running>> {
        let live = self.live.load();
        let mut all = live.all.iter();
        all.find(|running| running.digest.as_str().get(..PREFIX) == Some(prefix))
            .cloned()
    }

    /// The release that this header shows. The comparison takes as long however much of it is right.
    pub(super) fn shown_by(&self, header: &[u8]) -> Option<Arc<Running>> {
        let shown = blake3::hash(header); // `Hash` compares in constant time
        let live = self.live.load();
        let mut all = live.all.iter();
        all.find(|running| blake3::hash(running.preview.as_bytes()) == shown)
            .cloned()
    }

    /// Adds a line to the app's log. What was done is done: a disk that is full does not undo it.
    pub(super) fn note(&self, by: &Access, what: &str, release: Option<&Digest>, words: String) {
        let line = LogLine {
            time: now(),
            by: by.name.clone(),
            what: what.to_owned(),
            release: release.cloned(),
            words,
        };
        if let Err(error) = record::log(&self.folder, &line) {
            tracing::error!("{}: the deploy log cannot be written: {error}", self.name);
        }
        let short = release.map_or("", Digest::short);
        tracing::info!("{} {short} {what} by {}", self.name, by.name);
    }
}
