//! The thread that writes to a folder: what has gathered meanwhile goes to the disk together.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use waystation_rules::caching::Lapse;

use super::super::Entry;
use super::folder::Folder;
use super::index::{Change, Digest};
use super::{DiskError, digest};

/// Orders that are carried out together, and about how many bytes of entries.
const TOGETHER: usize = 256;
const TOGETHER_BYTES: usize = 1 << 20;
/// How long to wait before lapses that could not be written are tried again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// What to do.
pub(super) enum Order {
    /// Keeps an entry; the permit is its room in the queue.
    Save(Arc<Entry>, OwnedSemaphorePermit),
    /// Forgets one.
    Remove(Digest, Done),
    /// Adds what is known of tags.
    Lapse(Vec<(String, Lapse)>, Done),
    /// Opens the index anew after this error of a read.
    Mend(DiskError),
}

/// Told once an order is on the disk, or why it is not.
pub(super) type Done = oneshot::Sender<Result<(), Arc<DiskError>>>;

pub(super) struct Writer {
    pub folder: Arc<Folder>,
    /// Lapses that are not on the disk yet. They are never given up.
    pub owed: HashMap<String, Lapse>,
    /// So that a full disk is told of once.
    pub is_failing: bool,
}

/// Orders put together: what came later counts.
#[derive(Default)]
struct Batch {
    changes: HashMap<Digest, Change>,
    told: Vec<Done>,
    /// What went wrong on the way.
    failed: Option<Arc<DiskError>>,
}

impl Writer {
    /// Works until nobody can give orders any more, and has carried out all of them then.
    pub(super) fn run(mut self, orders: &Receiver<Order>) {
        while let Some(together) = self.next(orders) {
            let batch = self.gather(together);
            let written = self.write(batch.changes).map_err(Arc::new);
            self.report(written.as_ref().err().or(batch.failed.as_ref()));
            for done in batch.told {
                let _nobody_waits_any_more = done.send(written.clone());
            }
        }
    }

    /// Waits for an order and takes those that are there with it; none if owed lapses are to be tried again.
    fn next(&self, orders: &Receiver<Order>) -> Option<Vec<Order>> {
        let first = match self.owed.is_empty() {
            true => orders.recv().ok()?,
            false => match orders.recv_timeout(TRY_AGAIN) {
                Ok(order) => order,
                Err(RecvTimeoutError::Timeout) => return Some(Vec::new()),
                Err(RecvTimeoutError::Disconnected) => return None,
            },
        };
        let mut bytes = first.bytes();
        let mut together = vec![first];
        while together.len() < TOGETHER
            && bytes < TOGETHER_BYTES
            && let Ok(order) = orders.try_recv()
        {
            bytes += order.bytes();
            together.push(order);
        }
        Some(together)
    }

    fn gather(&mut self, orders: Vec<Order>) -> Batch {
        let mut batch = Batch::default();
        for order in orders {
            match order {
                Order::Save(entry, _room) => match self.stage(&entry) {
                    Ok((digest, change)) => drop(batch.changes.insert(digest, change)),
                    Err(error) => batch.failed = Some(Arc::new(error)),
                },
                Order::Remove(digest, done) => {
                    batch.changes.insert(digest, Change::Gone);
                    batch.told.push(done);
                }
                Order::Lapse(lapses, done) => {
                    for (tag, lapse) in lapses {
                        self.owed.entry(tag).or_default().merge(&lapse);
                    }
                    batch.told.push(done);
                }
                Order::Mend(error) => {
                    let mended = self.folder.mend(&error);
                    batch.failed = mended.err().map(Arc::new).or(batch.failed);
                }
            }
        }
        batch
    }

    fn stage(&self, entry: &Entry) -> Result<(Digest, Change), DiskError> {
        let digest = digest(&entry.key);
        let change = self
            .folder
            .stage(&digest, entry.to_bytes(), entry.times.stored)?;
        Ok((digest, change))
    }

    /// The owed lapses go with whatever is written.
    fn write(&mut self, changes: HashMap<Digest, Change>) -> Result<(), DiskError> {
        self.folder.ensure_open()?;
        let changes = changes.into_iter().collect();
        let owed = self.owed.iter();
        let owed: Vec<_> = owed.map(|(tag, lapse)| (tag.clone(), *lapse)).collect();
        let committed = self.folder.commit(changes, &owed);
        match &committed {
            Ok(()) => self.owed.clear(),
            Err(error) => self.folder.mend(error)?,
        }
        committed
    }

    /// Says so when it begins to fail, and when it does no more.
    fn report(&mut self, failed: Option<&Arc<DiskError>>) {
        let place = self.folder.path.display();
        match failed {
            Some(error) if !self.is_failing => {
                tracing::warn!("answers are kept in memory alone: {place}: {error}");
            }
            None if self.is_failing => tracing::info!("answers are kept in {place} again"),
            _ => {}
        }
        self.is_failing = failed.is_some();
    }
}

impl Order {
    fn bytes(&self) -> usize {
        match self {
            Self::Save(entry, _) => entry.size(),
            _ => 0,
        }
    }
}
