//! What a place behind memory has to do: a disk, or a server that several nodes share.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use waystation_rules::caching::Lapse;

use super::{Clock, Entry, Secret};

/// Keeps entries past memory. Every call may take a while and may fail; the caller goes on without it.
pub trait Behind: Send + Sync {
    /// Has the clock told of every tag that lapses elsewhere, and of those that lapsed before this program began.
    fn follow(&self, clock: &Arc<Clock>);

    /// What is kept under a key.
    fn load<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Entry>>;

    /// Keeps an entry in place of what has its key: whole or not at all.
    fn save<'a>(&'a self, entry: &'a Arc<Entry>) -> Answer<'a, ()>;

    /// Forgets an entry.
    fn remove<'a>(&'a self, key: &'a str) -> Answer<'a, ()>;

    /// Adds what this node knows of tags to what is known there. A place that fails owes it: it is added as soon as it can be, whatever
    /// this answers.
    fn lapse<'a>(&'a self, lapses: &'a [(String, Lapse)]) -> Answer<'a, ()>;

    /// Asks to be the one node that makes what has this key. A place that does not answer lets everybody.
    fn lease<'a>(&'a self, key: &'a str) -> Pin<Box<dyn Future<Output = Leasing> + Send + 'a>> {
        let _one_node_has_no_others = key;
        Box::pin(std::future::ready(Leasing::Alone))
    }

    /// Has a secret be the same on all nodes that share one of this name, as soon as they can be asked.
    fn share(&self, secret: &Arc<Secret>) {
        let _one_node_has_no_others = secret;
    }

    /// Waits until the clock was told what lapsed elsewhere.
    fn ready<'a>(&'a self) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(std::future::ready(()))
    }
}

/// What a call comes to.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, BehindError>> + Send + 'a>>;

/// Which node makes something.
pub enum Leasing {
    /// There are no others, or they cannot be asked.
    Alone,
    /// This one; another may have made it just before.
    Mine(Lease),
    /// Another is making it now.
    Taken,
}

/// The right to make something, given back when this is dropped.
pub struct Lease(Option<Box<dyn FnOnce() + Send>>);

impl Lease {
    /// `give_back` is called on drop, wherever that is: it must not wait.
    pub fn new(give_back: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(give_back)))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(give_back) = self.0.take() {
            give_back();
        }
    }
}

/// Why a place behind memory could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct BehindError {
    /// Which, such as `redis://127.0.0.1:6379` without a password, or a folder.
    pub place: String,
    /// What is wrong with it.
    pub reason: String,
}
