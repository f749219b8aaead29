//! A folder of entries: its index, its files, and the ledger of both.
//!
//! | in the folder | is |
//! |---|---|
//! | `lock` | locked while a process has the folder |
//! | `index.redb` | see [`index`](super::index) |
//! | `bodies/<digest of the key>` | one large entry, as [`Entry::to_bytes`](super::super::Entry::to_bytes) |
//!
//! A file is written aside and renamed, then the index says that it is there. Whatever happens in between leaves a whole file, old or
//! new; one that the index does not know is removed when the folder is opened. What the system lost of a file that was not yet on the
//! disk is noticed by its digest.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use waystation_rules::caching::Lapse;

use super::DiskError;
use super::index::{Change, Contents, Digest, Index, Row, is_damage};
use super::ledger::Ledger;

/// Entries of more bytes are files of their own.
const LARGE: usize = 16 << 10;
/// Bytes of a block, the least a file takes.
const BLOCK: u64 = 4096;
/// Bytes of a row in the index beside the entry.
const ROW: usize = 128;

pub(super) struct Folder {
    pub path: PathBuf,
    /// Nothing if it could not be opened again after a fault.
    index: RwLock<Option<Index>>,
    ledger: Mutex<Ledger>,
    /// Bytes.
    pub budget: u64,
    /// A read failed: until the index is opened anew, others may too.
    pub is_hurt: AtomicBool,
    _lock: File,
}

impl Folder {
    /// Opens a folder, which is made if there is none. What is in it beyond the budget goes with the next change.
    pub(super) fn open(
        path: &Path,
        budget: u64,
    ) -> Result<(Self, Vec<(String, Lapse)>), DiskError> {
        let bodies = path.join("bodies");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&bodies)?;
        let lock = lock(path)?;
        let (index, contents) = open_or_begin(path)?;
        sweep(&bodies, &contents)?;
        let folder = Self {
            path: path.to_owned(),
            index: RwLock::new(Some(index)),
            ledger: Mutex::new(Ledger::new(contents.rows)),
            budget,
            is_hurt: AtomicBool::new(false),
            _lock: lock,
        };
        Ok((folder, contents.lapses))
    }

    /// Opens the index anew, as it has to be after an error.
    pub(super) fn mend(&self, error: &DiskError) -> Result<(), DiskError> {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        *index = None; // it is closed first
        if let DiskError::Index(error) = error
            && is_damage(error)
        {
            remove(&index_file(&self.path))?;
        }
        let (opened, contents) = open_or_begin(&self.path)?;
        sweep(&self.path.join("bodies"), &contents)?;
        *self.ledger() = Ledger::new(contents.rows);
        *index = Some(opened);
        self.is_hurt.store(false, Ordering::Release);
        Ok(())
    }

    /// Opens the index if it could not be after the last error.
    pub(super) fn ensure_open(&self) -> Result<(), DiskError> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        let is_open = index.is_some();
        drop(index);
        match is_open {
            true => Ok(()),
            false => self.mend(&DiskError::Closed),
        }
    }

    /// Whether the entry with this digest is a file; nothing if there is none. Counts as a use.
    pub(super) fn touch(&self, digest: &Digest) -> Option<bool> {
        self.ledger().touch(digest)
    }

    /// The bytes of an entry. They may be gone since it was touched.
    pub(super) fn read(
        &self,
        digest: &Digest,
        is_file: bool,
    ) -> Result<Option<Vec<u8>>, DiskError> {
        if !is_file {
            let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
            let index = index.as_ref().ok_or(DiskError::Closed)?;
            return Ok(index.small(digest)?);
        }
        match fs::read(self.body(digest)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a large entry to its file already, and says what the index has to know of it.
    pub(super) fn stage(&self, digest: &Digest, bytes: Vec<u8>, stored: u64) -> io::Result<Change> {
        if bytes.len() <= LARGE {
            // A page of redb has 2^n bytes.
            let weight = (bytes.len() + ROW).next_power_of_two() as u64;
            let row = Row {
                weight,
                stored,
                is_file: false,
            };
            return Ok(Change::Small(row, bytes));
        }
        let mut aside = tempfile::NamedTempFile::new_in(self.path.join("bodies"))?;
        aside.write_all(&bytes)?;
        aside.persist(self.body(digest))?;
        let weight = (bytes.len() as u64).next_multiple_of(BLOCK) + ROW as u64;
        Ok(Change::File(Row {
            weight,
            stored,
            is_file: true,
        }))
    }

    /// Makes changes, at most one per digest, and room for them. They and the lapses are on the disk when this returns.
    pub(super) fn commit(
        &self,
        mut changes: Vec<(Digest, Change)>,
        lapses: &[(String, Lapse)],
    ) -> Result<(), DiskError> {
        let excess = self.ledger().excess(&changes, self.budget);
        let victims = excess.map_or(Vec::new(), |excess| excess.victims(&changes));
        changes.extend(victims.into_iter().map(|digest| (digest, Change::Gone)));
        self.change_index(&changes, lapses)?;
        let files = self.ledger().apply(&changes);
        files
            .iter()
            .try_for_each(|digest| remove(&self.body(digest)))?;
        Ok(())
    }

    fn change_index(
        &self,
        changes: &[(Digest, Change)],
        lapses: &[(String, Lapse)],
    ) -> Result<(), DiskError> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        let index = index.as_ref().ok_or(DiskError::Closed)?;
        Ok(index.commit(changes, lapses)?)
    }

    fn body(&self, digest: &Digest) -> PathBuf {
        let name = blake3::Hash::from_bytes(*digest).to_hex();
        self.path.join("bodies").join(name.as_str())
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock(path: &Path) -> Result<File, DiskError> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DiskError::Locked),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// A damaged index is begun anew: what it kept can be made again.
fn open_or_begin(path: &Path) -> Result<(Index, Contents), DiskError> {
    let file = index_file(path);
    match Index::open(&file) {
        Err(error) if is_damage(&error) => {
            tracing::warn!("{} is begun anew: {error}", file.display());
            remove(&file)?;
            Ok(Index::open(&file)?)
        }
        opened => Ok(opened?),
    }
}

fn index_file(path: &Path) -> PathBuf {
    path.join("index.redb")
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes the files that the index does not know.
fn sweep(bodies: &Path, contents: &Contents) -> io::Result<()> {
    let files = contents.rows.iter().filter(|(_, row)| row.is_file);
    let known: HashSet<_> = files
        .map(|(digest, _)| blake3::Hash::from_bytes(*digest).to_hex().to_string())
        .collect();
    for file in fs::read_dir(bodies)? {
        let file = file?;
        if !file
            .file_name()
            .to_str()
            .is_some_and(|name| known.contains(name))
        {
            fs::remove_file(file.path())?;
        }
    }
    Ok(())
}
