//! The files of a project, and what the served routes were built for.

use std::collections::BTreeSet;
use std::time::{Instant, SystemTime};

use waystation_rules::reload::{self, Scope, Snapshot};

use super::scan::Scanner;
use super::watch::Watch;
use crate::project::Project;

/// The files of a project while they are edited.
pub struct Files {
    project: Project,
    scanner: Scanner,
    watch: Watch,
    /// What the served routes were built for.
    built: Snapshot,
    /// What could not be built at all, so that it is not tried for ever.
    refused: Option<Snapshot>,
    /// When the last build began.
    began: Option<SystemTime>,
}

impl Files {
    /// Begins to watch, and takes what the files hold now as what is about to be built.
    pub fn of(project: &Project) -> Self {
        let project = project.clone();
        let (scanner, watch) = (Scanner::new(&project), Watch::new());
        let mut files = Self {
            project,
            scanner,
            watch,
            built: Snapshot::default(),
            refused: None,
            began: None,
        };
        files.built = files.scan();
        files.begin();
        files
    }

    /// Waits until it is worth to look. Returns when the first sign of a change came.
    pub(super) async fn changed(&mut self) -> Instant {
        self.watch.changed().await
    }

    /// Reads what there is now.
    pub(super) fn scan(&mut self) -> Snapshot {
        let scan = || self.scanner.scan(&self.project, self.began);
        let now = tokio::task::block_in_place(scan);
        self.watch.follow(&self.scanner.roots());
        now
    }

    /// Notes that a build begins.
    pub(super) fn begin(&mut self) {
        self.began = Some(SystemTime::now());
    }

    /// What has to be built for the routes to be those of `now`; nothing if that was tried and refused.
    pub(super) fn scope(&self, now: &Snapshot) -> Scope {
        match &self.refused {
            Some(refused) if refused == now => Scope::Nothing,
            _ => reload::scope(&self.built, now),
        }
    }

    /// Notes that what is served is what `now` holds.
    pub(super) fn mark_built(&mut self, now: Snapshot) {
        self.built = now;
        self.refused = None;
    }

    /// Notes that `now` cannot be built. What differs from what is served still has to be.
    pub(super) fn mark_refused(&mut self, now: Snapshot) {
        self.refused = Some(now);
    }

    /// Notes that nothing could be built yet: whatever is there has to be, once it changes.
    pub fn mark_first_refused(&mut self) {
        self.refused = Some(std::mem::take(&mut self.built));
    }

    /// The files that differ from those that the routes were built for.
    pub(super) fn differences(&self, now: &Snapshot) -> BTreeSet<String> {
        reload::changed(&self.built, now)
    }
}
