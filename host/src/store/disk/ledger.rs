//! What is in a folder and when it was last used: decides what has to go.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::index::{Change, Digest, Row};

/// Of ten parts of the budget, how many are left when something has to go: so it is not decided anew with each entry.
const LEFT: u64 = 9;

#[derive(Default)]
pub(super) struct Ledger {
    held: HashMap<Digest, Held>,
    /// Bytes, about.
    total: u64,
    /// Counts uses.
    uses: u64,
}

struct Held {
    row: Row,
    /// The higher, the later.
    used: u64,
}

impl Ledger {
    /// After a start the order of use is that of making.
    pub(super) fn new(mut rows: Vec<(Digest, Row)>) -> Self {
        rows.sort_unstable_by_key(|(_, row)| row.stored);
        let mut ledger = Self::default();
        for (digest, row) in rows {
            ledger.hold(digest, row);
        }
        ledger
    }

    /// Notes that an entry is used now. Whether it is a file; nothing if there is none.
    pub(super) fn touch(&mut self, digest: &Digest) -> Option<bool> {
        let held = self.held.get_mut(digest)?;
        self.uses += 1;
        held.used = self.uses;
        Some(held.row.is_file)
    }

    /// What is too much after these changes; nothing if they fit in the budget, in bytes.
    pub(super) fn excess(&self, changes: &[(Digest, Change)], budget: u64) -> Option<Excess> {
        let weight_before = |digest| self.held.get(digest).map_or(0, |held| held.row.weight);
        let mut total = self.total;
        for (digest, change) in changes {
            total += change.row().map_or(0, |row| row.weight);
            total -= weight_before(digest);
        }
        let held = self.held.iter();
        (budget < total).then(|| Excess {
            bytes: total - budget / 10 * LEFT,
            held: held
                .map(|(digest, held)| (held.used, held.row.weight, *digest))
                .collect(),
        })
    }

    /// Notes what was changed. Gives back what was a file and is none any more.
    pub(super) fn apply(&mut self, changes: &[(Digest, Change)]) -> Vec<Digest> {
        let mut files = Vec::new();
        for (digest, change) in changes {
            let was_file = self.held.get(digest).is_some_and(|held| held.row.is_file);
            let row = change.row();
            if was_file && !row.is_some_and(|row| row.is_file) {
                files.push(*digest);
            }
            match row {
                Some(row) => self.hold(*digest, row),
                None => self.drop(digest),
            }
        }
        files
    }

    fn hold(&mut self, digest: Digest, row: Row) {
        self.uses += 1;
        self.total += row.weight;
        let used = self.uses;
        match self.held.entry(digest) {
            Entry::Vacant(place) => {
                place.insert(Held { row, used });
            }
            Entry::Occupied(mut place) => {
                let before = place.insert(Held { row, used });
                self.total -= before.row.weight;
            }
        }
    }

    fn drop(&mut self, digest: &Digest) {
        if let Some(held) = self.held.remove(digest) {
            self.total -= held.row.weight;
        }
    }
}

/// More than there is room for. It is apart from the ledger because sorting takes a while.
pub(super) struct Excess {
    bytes: u64,
    /// When each was used, its weight and its digest.
    held: Vec<(u64, u64, Digest)>,
}

impl Excess {
    /// What was longest unused, and is not changed anyway.
    pub(super) fn victims(mut self, changes: &[(Digest, Change)]) -> Vec<Digest> {
        let changing: HashSet<_> = changes.iter().map(|(digest, _)| digest).collect();
        self.held
            .retain(|(_, _, digest)| !changing.contains(digest));
        self.held.sort_unstable();
        let mut freed = 0;
        let is_needed = |&&(_, weight, _): &&(u64, u64, Digest)| {
            let is_needed = freed < self.bytes;
            freed += weight;
            is_needed
        };
        let victims = self.held.iter().take_while(is_needed);
        victims.map(|(_, _, digest)| *digest).collect()
    }
}

impl Change {
    fn row(&self) -> Option<Row> {
        match self {
            Self::Small(row, _) | Self::File(row) => Some(*row),
            Self::Gone => None,
        }
    }
}
