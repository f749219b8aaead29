//! What an answer that is made to be kept is made of: the tags and the shortest life of all that was kept before and went into it.

use std::sync::{Mutex, PoisonError};

use waystation_rules::caching::{Life, NotKept, Reads};

/// What an answer is made of, while it is made.
#[derive(Debug, Default)]
pub struct Making(Mutex<Made>);

/// What an answer is made of.
#[derive(Clone, Debug, Default)]
pub struct Made {
    /// The tags of all that went into it, each once.
    pub tags: Vec<String>,
    /// How long all of that lives.
    pub life: Life,
    /// Why it is not to be kept, if something that goes into it is not.
    pub not_kept: Option<NotKept>,
    /// What its stream has read of the request after its head.
    pub reads: Reads,
}

impl Made {
    /// Something with these tags that lives so long goes into it.
    pub(super) fn add(&mut self, tags: &[String], life: Life) {
        for tag in tags {
            if !self.tags.contains(tag) {
                self.tags.push(tag.clone());
            }
        }
        self.life = self.life.shortest(life);
    }
}

impl Making {
    /// Something with these tags that lives so long goes into it (row CC6).
    pub(super) fn add(&self, tags: &[String], life: Life) {
        self.with(|made| made.add(tags, life));
    }

    /// Something goes into it that is not to be kept.
    pub(super) fn is_not_kept(&self, reason: NotKept) {
        self.with(|made| made.not_kept = Some(reason));
    }

    /// Its stream has read this of the request.
    pub(super) fn read(&self, reads: Reads) {
        self.with(|made| made.reads = made.reads.union(reads));
    }

    /// What there is so far.
    pub fn made(&self) -> Made {
        self.with(|made| made.clone())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Made) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
