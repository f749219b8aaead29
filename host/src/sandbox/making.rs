//! What an answer that is made to be kept is made of: the tags and the shortest life of all that was kept before and went into it.

use std::sync::{Mutex, PoisonError};

use waystation_rules::caching::{Life, Reads};

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
    /// It asked another server for what is not to be kept (section 11.2).
    pub is_not_kept: bool,
    /// What its stream has read of the request after its head.
    pub reads: Reads,
}

impl Making {
    /// Something with these tags that lives so long goes into it (row CC6).
    pub(super) fn add(&self, tags: &[String], life: Life) {
        self.with(|made| {
            for tag in tags {
                if !made.tags.contains(tag) {
                    made.tags.push(tag.clone());
                }
            }
            made.life = made.life.shortest(life);
        });
    }

    /// Something goes into it that is asked for each time.
    pub(super) fn is_not_kept(&self) {
        self.with(|made| made.is_not_kept = true);
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
