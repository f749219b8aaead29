//! The redb database of a folder: which entries there are, the small ones themselves, and the tag clock.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::{
    Database, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _,
    TableDefinition,
};
use waystation_rules::caching::{Lapse, MOST_LAPSES, fold};

/// The digest of an entry's key.
pub(super) type Digest = [u8; blake3::OUT_LEN];

/// By digest: bytes it takes, milliseconds since the epoch when it was made, and whether it is a file.
const ROWS: TableDefinition<'_, Digest, (u64, u64, bool)> = TableDefinition::new("rows");
/// By digest: the bytes of an entry that is no file.
const SMALL: TableDefinition<'_, Digest, &[u8]> = TableDefinition::new("small");
/// By tag: a [`Lapse`] as JSON.
const LAPSES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("lapses");

/// Bytes of the database to have in memory; redb would take a gigabyte.
const MEMORY: usize = 8 << 20;

/// What is known of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Bytes it takes on disk, about.
    pub weight: u64,
    /// Milliseconds since the epoch.
    pub stored: u64,
    pub is_file: bool,
}

/// What becomes of the entry with a digest.
pub(super) enum Change {
    /// Its bytes are here.
    Small(Row, Vec<u8>),
    /// Its bytes are in a file.
    File(Row),
    Gone,
}

/// An open database; nothing only while it is dropped.
pub(super) struct Index(Option<Database>);

/// What a database says when it is opened.
#[derive(Default)]
pub(super) struct Contents {
    pub rows: Vec<(Digest, Row)>,
    pub lapses: Vec<(String, Lapse)>,
}

impl Index {
    /// Opens a database, or begins one. All of it is read, which takes about a millisecond per MiB.
    ///
    /// # Errors
    ///
    /// What redb or the system says of it; [`is_damage`] tells if it is of no use any more.
    pub(super) fn open(path: &Path) -> Result<(Self, Contents), redb::Error> {
        guarded(|| {
            let database = Database::builder()
                .set_cache_size(MEMORY)
                .set_check_integrity_on_open(true) // else a damaged page may end the process: redb panics while it unwinds
                .create(path)?;
            let index = Self(Some(database));
            let contents = match index.contents() {
                Err(redb::Error::TableDoesNotExist(_)) => {
                    index.commit(&[], &[])?; // which makes the tables
                    Contents::default()
                }
                contents => contents?,
            };
            Ok((index, contents))
        })
    }

    fn database(&self) -> &Database {
        self.0.as_ref().expect("it is open until it is dropped")
    }

    fn contents(&self) -> Result<Contents, redb::Error> {
        let mut contents = Contents::default();
        let reading = self.database().begin_read()?;
        for row in reading.open_table(ROWS)?.iter()? {
            let (digest, row) = row?;
            let (weight, stored, is_file) = row.value();
            let row = Row {
                weight,
                stored,
                is_file,
            };
            contents.rows.push((digest.value(), row));
        }
        for lapse in reading.open_table(LAPSES)?.iter()? {
            let (tag, lapse) = lapse?;
            let lapse = read_lapse(lapse.value())?;
            contents.lapses.push((tag.value().to_owned(), lapse));
        }
        Ok(contents)
    }

    /// The bytes of an entry that is no file.
    pub(super) fn small(&self, digest: &Digest) -> Result<Option<Vec<u8>>, redb::Error> {
        guarded(|| {
            let small = self.database().begin_read()?.open_table(SMALL)?;
            Ok(small.get(digest)?.map(|bytes| bytes.value().to_vec()))
        })
    }

    /// Changes everything named, or nothing. It is on the disk when this returns.
    pub(super) fn commit(
        &self,
        changes: &[(Digest, Change)],
        lapses: &[(String, Lapse)],
    ) -> Result<(), redb::Error> {
        guarded(|| {
            let mut writing = self.database().begin_write()?;
            writing.set_quick_repair(true); // after a crash it is open at once, however large it is
            write_changes(&writing, changes)?;
            write_lapses(&writing, lapses)?;
            Ok(writing.commit()?)
        })
    }
}

impl Drop for Index {
    /// A damaged one panics once more.
    fn drop(&mut self) {
        let closed = guarded(|| {
            drop(self.0.take());
            Ok(())
        });
        if let Err(error) = closed {
            tracing::warn!("an index could not be closed: {error}");
        }
    }
}

fn write_changes(
    writing: &redb::WriteTransaction,
    changes: &[(Digest, Change)],
) -> Result<(), redb::Error> {
    let mut rows = writing.open_table(ROWS)?;
    let mut small = writing.open_table(SMALL)?;
    for (digest, change) in changes {
        match change {
            Change::Small(row, bytes) => {
                rows.insert(digest, (row.weight, row.stored, false))?;
                small.insert(digest, bytes.as_slice())?;
            }
            Change::File(row) => {
                rows.insert(digest, (row.weight, row.stored, true))?;
                small.remove(digest)?;
            }
            Change::Gone => {
                rows.remove(digest)?;
                small.remove(digest)?;
            }
        }
    }
    Ok(())
}

fn write_lapses(
    writing: &redb::WriteTransaction,
    lapses: &[(String, Lapse)],
) -> Result<(), redb::Error> {
    let mut table = writing.open_table(LAPSES)?;
    for (tag, lapse) in lapses {
        let mut merged = *lapse;
        if let Some(known) = table.get(tag.as_str())? {
            merged.merge(&read_lapse(known.value())?);
        }
        table.insert(tag.as_str(), lapse_json(&merged).as_slice())?;
    }
    match table.len()? <= MOST_LAPSES as u64 {
        true => Ok(()),
        false => fold_lapses(&mut table),
    }
}

fn fold_lapses(table: &mut redb::Table<'_, &str, &[u8]>) -> Result<(), redb::Error> {
    let mut lapses = HashMap::new();
    for lapse in table.iter()? {
        let (tag, lapse) = lapse?;
        lapses.insert(tag.value().to_owned(), read_lapse(lapse.value())?);
    }
    fold(&mut lapses, MOST_LAPSES);
    table.retain(|_, _| false)?;
    for (tag, lapse) in lapses {
        table.insert(tag.as_str(), lapse_json(&lapse).as_slice())?;
    }
    Ok(())
}

fn lapse_json(lapse: &Lapse) -> Vec<u8> {
    serde_json::to_vec(lapse).expect("numbers are JSON")
}

fn read_lapse(json: &[u8]) -> Result<Lapse, redb::Error> {
    serde_json::from_slice(json).map_err(|error| redb::Error::Corrupted(error.to_string()))
}

/// redb panics at some damage to its file.
fn guarded<T>(work: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, redb::Error> {
    let panicked = || redb::Error::Corrupted("it made redb panic".to_owned());
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(panicked()))
}

/// Whether the file itself is at fault, so that another attempt comes to the same.
pub(super) fn is_damage(error: &redb::Error) -> bool {
    use redb::Error;
    match error {
        Error::Io(error) => matches!(
            error.kind(),
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof
        ),
        error => matches!(
            error,
            Error::Corrupted(_)
                | Error::UpgradeRequired(_)
                | Error::TableTypeMismatch { .. }
                | Error::TypeDefinitionChanged { .. }
        ),
    }
}
