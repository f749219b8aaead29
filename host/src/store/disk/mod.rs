//! Keeps entries in a folder, which one process has at a time.
//!
//! In: entries, and what became of tags. Out: what was kept, whole or not at all, however the process ended.
//!
//! An entry is on the disk some milliseconds after it was saved and may be lost until then; a lapse is on the disk when [`Behind::lapse`]
//! returns. What was longest unused goes when the folder is full. Nothing here waits for the disk on a thread of the runtime, but opening
//! the folder and dropping it, which carries out what was ordered.

mod folder;
mod index;
mod ledger;
mod writer;

use std::collections::HashMap;
use std::fmt::Display;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use bytes::Bytes;
use tokio::sync::{Semaphore, oneshot};
use waystation_rules::caching::Lapse;

use super::{Answer, Behind, BehindError, Clock, Entry};
use folder::Folder;
use index::Digest;
use writer::{Done, Order, Writer};

/// Kibibytes of entries that may wait for the disk; others are kept in memory alone.
const QUEUE: usize = 64 << 10;
/// The least budget, in bytes.
const LEAST: u64 = 1 << 20;

/// A folder of entries.
pub struct Disk {
    folder: Arc<Folder>,
    /// What was known of tags when the folder was opened.
    lapses: Vec<(String, Lapse)>,
    queue: Arc<Semaphore>,
    /// Nothing only while this is dropped.
    orders: Option<Sender<Order>>,
    writer: Option<JoinHandle<()>>,
}

/// Why a folder does not keep entries.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// Another process has it, or another app of this one.
    #[error("another process keeps its answers there; give each a folder of its own")]
    Locked,

    /// Less than `LEAST`.
    #[error("{0} bytes are too few; it takes {LEAST}")]
    Budget(u64),

    /// The system refuses.
    #[error(transparent)]
    Io(#[from] io::Error),

    /// redb refuses.
    #[error("its index: {0}")]
    Index(#[from] redb::Error),

    /// It could not be opened again after a fault.
    #[error("its index is closed after a fault")]
    Closed,
}

impl Disk {
    /// Opens a folder, or makes one; waits for the disk, about a second per GiB of small entries. It keeps up to `bytes` of
    /// entries; the index may take a megabyte or two more.
    ///
    /// # Errors
    ///
    /// [`DiskError::Locked`] if another process has it, [`DiskError::Budget`] for less than `LEAST`, or what the system says.
    pub fn open(path: &Path, bytes: u64) -> Result<Self, DiskError> {
        if bytes < LEAST {
            return Err(DiskError::Budget(bytes));
        }
        let (folder, lapses) = Folder::open(path, bytes)?;
        let folder = Arc::new(folder);
        let writer = Writer {
            folder: Arc::clone(&folder),
            owed: HashMap::new(),
            is_failing: false,
        };
        let (orders, ordered) = channel();
        let thread = std::thread::Builder::new().name("disk".to_owned());
        Ok(Self {
            folder,
            lapses,
            queue: Arc::new(Semaphore::new(QUEUE)),
            orders: Some(orders),
            writer: Some(thread.spawn(move || writer.run(&ordered))?),
        })
    }

    fn order(&self, order: Order) -> Result<(), BehindError> {
        let sent = self.orders.as_ref().map(|orders| orders.send(order));
        let is_sent = sent.is_some_and(|sent| sent.is_ok());
        is_sent
            .then_some(())
            .ok_or_else(|| self.error("its thread has ended"))
    }

    /// Gives an order and waits until it is carried out.
    async fn carried_out(&self, order: impl FnOnce(Done) -> Order) -> Result<(), BehindError> {
        let (done, told) = oneshot::channel();
        self.order(order(done))?;
        let carried_out = told.await.map_err(|_| self.error("its thread has ended"))?;
        carried_out.map_err(|error| self.error(error))
    }

    async fn read(&self, key: &str) -> Result<Option<Entry>, BehindError> {
        let digest = digest(key);
        let Some(is_file) = self.folder.touch(&digest) else {
            return Ok(None);
        };
        let folder = Arc::clone(&self.folder);
        let read = tokio::task::spawn_blocking(move || {
            let bytes = folder.read(&digest, is_file)?;
            Ok(bytes.map(|bytes| Entry::from_bytes(&Bytes::from(bytes))))
        });
        match read.await.map_err(|error| self.error(error))? {
            Ok(None) => Ok(None),
            Ok(Some(Ok(entry))) => Ok(Some(entry)),
            Ok(Some(Err(reason))) => {
                tracing::warn!("{}: an entry is dropped: {reason}", self.place());
                let (done, _nobody_waits) = oneshot::channel();
                self.order(Order::Remove(digest, done))?;
                Ok(None)
            }
            Err(error) => Err(self.hurt(error)),
        }
    }

    /// A read failed: has the index opened anew, once however many reads fail.
    fn hurt(&self, error: DiskError) -> BehindError {
        let told = self.error(&error);
        match self.folder.is_hurt.swap(true, Ordering::AcqRel) {
            true => told,
            false => self.order(Order::Mend(error)).err().unwrap_or(told),
        }
    }

    fn enqueue(&self, entry: &Arc<Entry>) -> Result<(), BehindError> {
        let size = entry.size();
        if self.folder.budget / 4 < size as u64 {
            return Err(self.error(format_args!("{size} bytes are more than a quarter of it")));
        }
        let kibibytes = u32::try_from(size.div_ceil(1024)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.queue).try_acquire_many_owned(kibibytes);
        let room = room.map_err(|_| self.error("more waits for the disk than it can take"))?;
        self.order(Order::Save(Arc::clone(entry), room))
    }

    fn error(&self, reason: impl Display) -> BehindError {
        BehindError {
            place: self.place(),
            reason: reason.to_string(),
        }
    }

    fn place(&self) -> String {
        self.folder.path.display().to_string()
    }
}

impl Behind for Disk {
    fn follow(&self, clock: &Arc<Clock>) {
        for (tag, lapse) in &self.lapses {
            clock.merge(tag, lapse);
        }
    }

    fn load<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Entry>> {
        Box::pin(self.read(key))
    }

    fn save<'a>(&'a self, entry: &'a Arc<Entry>) -> Answer<'a, ()> {
        Box::pin(std::future::ready(self.enqueue(entry)))
    }

    fn remove<'a>(&'a self, key: &'a str) -> Answer<'a, ()> {
        Box::pin(self.carried_out(move |done| Order::Remove(digest(key), done)))
    }

    fn lapse<'a>(&'a self, lapses: &'a [(String, Lapse)]) -> Answer<'a, ()> {
        Box::pin(self.carried_out(move |done| Order::Lapse(lapses.to_vec(), done)))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.orders.take());
        let ended = self.writer.take().map(JoinHandle::join);
        if let Some(Err(_panic)) = ended {
            tracing::error!("the thread that writes to {} panicked", self.place());
        }
    }
}

fn digest(key: &str) -> Digest {
    *blake3::hash(key.as_bytes()).as_bytes()
}

#[cfg(test)]
mod tests;
