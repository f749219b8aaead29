//! What guests take of the machine's memory: each store's sum, each app's, and the sum of all.
//!
//! wasmtime's own limits are per memory. What was allowed and then failed counts as taken: wasmtime tells of failures that it did not ask
//! about.

use std::fs;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

use bytes::Bytes;
use wasmtime::ResourceLimiter;
use waystation_rules::share;

/// What each store has at most that is not counted with the others, so that an ordinary request takes no part in it where there is enough.
const UNCOUNTED: usize = 2 << 20;
/// An answer of so many bytes is not counted while it waits for its client.
const SHORT_ANSWER: usize = 64 << 10;

static BOUND: OnceLock<usize> = OnceLock::new();

/// Says how many MiB of memory all guests of this process may take together, before the first of its sandboxes is there. What was said first holds.
pub fn bound_guests(memory: NonZeroU32) {
    BOUND.get_or_init(|| (memory.get() as usize) << 20);
}

/// The memory that all guests of this process may take together.
#[derive(Debug)]
pub(super) struct Total {
    taken: AtomicUsize,
    limit: usize,
    /// How many apps could want it.
    apps: AtomicUsize,
}

/// What the guests of one app take of it.
#[derive(Debug)]
pub(super) struct OfApp {
    taken: AtomicUsize,
    total: Arc<Total>,
}

impl Total {
    /// Of this process: what its operator says, or five eighths of what the machine has, or its control group.
    pub(super) fn of_process() -> Arc<Self> {
        static TOTAL: LazyLock<Arc<Total>> = LazyLock::new(|| {
            let machine = || of_control_group().unwrap_or(usize::MAX).min(installed());
            let limit = BOUND.get().copied();
            Arc::new(Total::new(limit.unwrap_or_else(|| machine() / 8 * 5)))
        });
        Arc::clone(&TOTAL)
    }

    /// What of each of so many stores or memories is not counted: for all of them a sixth of the limit at most.
    pub(super) fn uncounted(&self, each: usize) -> usize {
        UNCOUNTED.min(self.limit / 6 / each.max(1))
    }

    /// What code that can be loaded again may take beside it, in bytes: a sixth as much.
    pub(super) fn for_code(&self) -> usize {
        self.limit / 6
    }

    /// What one more app takes of it.
    pub(super) fn of_app(self: &Arc<Self>) -> Arc<OfApp> {
        self.apps.fetch_add(1, Ordering::Relaxed);
        Arc::new(OfApp {
            taken: AtomicUsize::new(0),
            total: Arc::clone(self),
        })
    }

    fn new(limit: usize) -> Self {
        Self {
            taken: AtomicUsize::new(0),
            limit,
            apps: AtomicUsize::new(0),
        }
    }
}

impl OfApp {
    /// The same bytes, counted until nobody has them any more; of few, nothing is counted.
    ///
    /// # Errors
    ///
    /// The limit, if they would be beyond it, or what is left of it is for other apps.
    pub(super) fn counted(self: &Arc<Self>, bytes: Bytes) -> Result<Bytes, usize> {
        match bytes.len() {
            ..=SHORT_ANSWER => Ok(bytes),
            more if self.take(more) => Ok(Bytes::from_owner(Counted {
                bytes,
                of_app: Arc::clone(self),
            })),
            _ => Err(self.total.limit),
        }
    }

    /// As of places, an app leaves some to the others, if there are any.
    fn take(&self, more: usize) -> bool {
        let Total { taken, limit, apps } = &*self.total;
        let own = self.taken.fetch_add(more, Ordering::Relaxed) + more;
        let is_shared = 1 < apps.load(Ordering::Relaxed);
        // In one step, so that nobody is refused for what another is refused too.
        let is_taken = taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
            let sum = taken.checked_add(more)?;
            let free = limit.checked_sub(sum)?;
            share::may_have(own, free, is_shared).then_some(sum)
        });
        if is_taken.is_err() {
            self.taken.fetch_sub(more, Ordering::Relaxed);
        }
        is_taken.is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.taken.fetch_sub(bytes, Ordering::Relaxed);
        self.total.taken.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for OfApp {
    fn drop(&mut self) {
        self.total.apps.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Bytes outside of any guest that count as if they were in one.
struct Counted {
    bytes: Bytes,
    of_app: Arc<OfApp>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.of_app.give_back(self.bytes.len());
    }
}

fn installed() -> usize {
    let machine = rustix::system::sysinfo();
    let unit = u64::from(machine.mem_unit).max(1);
    let bytes = machine.totalram.saturating_mul(unit);
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// The least that the group's files say, of either version of control groups, where they are mounted as is usual.
fn of_control_group() -> Option<usize> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let root = Path::new("/sys/fs/cgroup");
    let files = groups.lines().flat_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, group) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
        let (folder, file) = match controllers {
            "" => (root.to_owned(), "memory.max"),
            "memory" => (root.join("memory"), "memory.limit_in_bytes"),
            _ => return Vec::new(),
        };
        let own = folder.join(group.trim_start_matches('/'));
        let groups = own.ancestors().take_while(|at| at.starts_with(&folder));
        groups.map(|at| at.join(file)).collect() // a container sees its own group as the root
    });
    let limits = files.filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok());
    limits.min()
}

/// Why a guest was refused memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It would have had more than so many bytes.
    Own(usize),
    /// All guests together would have had more than so many bytes, or what is left of them is for other apps.
    All(usize),
}

/// What the memories and tables of a store take.
#[derive(Debug)]
pub(super) struct Memory {
    taken: usize,
    limit: usize,
    /// What of it counts in the sum of all, and what does not.
    counted: usize,
    uncounted: usize,
    of_app: Arc<OfApp>,
    refused: Option<Refused>,
}

impl Memory {
    /// Of a guest that may have so many bytes, of which so many are not counted with the others'.
    pub(super) fn new(limit: usize, uncounted: usize, of_app: Arc<OfApp>) -> Self {
        Self {
            taken: 0,
            limit,
            counted: 0,
            uncounted,
            of_app,
            refused: None,
        }
    }

    /// Whether the guest asked for more than it may have.
    pub(super) fn refused(&self) -> Option<Refused> {
        self.refused
    }

    /// The bytes that the guest has.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// Whether all guests together have more than half of what they may: then none should wait for its next request with more than others.
    pub(super) fn is_scarce(&self) -> bool {
        let total = &self.of_app.total;
        0 < self.counted && total.limit / 2 < total.taken.load(Ordering::Relaxed)
    }

    /// Forgets what was refused to the request before.
    pub(super) fn start(&mut self) {
        self.refused = None;
    }

    fn grow(&mut self, more: usize) -> bool {
        let taken = self.taken.saturating_add(more);
        if self.limit < taken {
            self.refused = Some(Refused::Own(self.limit));
            return false;
        }
        let counted = taken.saturating_sub(self.uncounted);
        if self.counted < counted && !self.of_app.take(counted - self.counted) {
            self.refused = Some(Refused::All(self.of_app.total.limit));
            return false;
        }
        (self.taken, self.counted) = (taken, counted);
        true
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if 0 < self.counted {
            self.of_app.give_back(self.counted);
        }
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(desired.saturating_sub(current)))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let elements = desired.saturating_sub(current);
        Ok(self.grow(elements.saturating_mul(size_of::<usize>())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// wasmtime tells of a table that cannot grow as its length would overflow, though it has not asked whether it may.
    #[test]
    fn what_fails_gives_nothing_back() {
        let mut memory = Memory::new(1000, 0, Total::of_process().of_app());
        for _ in 0..2 {
            assert!(memory.memory_growing(0, 400, None).unwrap());
            let failed = wasmtime::Error::msg("too long");
            memory.table_grow_failed(failed).unwrap();
        }
        assert_eq!(memory.taken(), 800);
        assert!(!memory.table_growing(0, 30, None).unwrap());
        assert_eq!(memory.refused(), Some(Refused::Own(1000)));
    }

    #[test]
    fn all_guests_together_have_a_limit_and_give_back_what_they_took() {
        const MIB: usize = 1 << 20;
        let total = Arc::new(Total::new(10 * MIB));
        let of_app = total.of_app();
        let store = || Memory::new(100 * MIB, UNCOUNTED, Arc::clone(&of_app));
        let (mut first, mut second) = (store(), store());
        assert!(first.memory_growing(0, 8 * MIB, None).unwrap());
        assert!(second.memory_growing(0, 6 * MIB, None).unwrap());
        assert!(!second.memory_growing(6 * MIB, 7 * MIB, None).unwrap());
        assert_eq!(second.refused(), Some(Refused::All(10 * MIB)));
        let mut small: Vec<_> = (0..100).map(|_| store()).collect();
        for store in &mut small {
            assert!(store.memory_growing(0, UNCOUNTED, None).unwrap());
        }
        assert!(first.is_scarce() && !small[0].is_scarce());
        drop(first);
        assert!(second.memory_growing(6 * MIB, 12 * MIB, None).unwrap());
        drop(second);
        assert_eq!(total.taken.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn an_answer_counts_as_long_as_somebody_has_it() {
        let total = Arc::new(Total::new(3 * SHORT_ANSWER));
        let taken = || total.taken.load(Ordering::Relaxed);
        let of_app = total.of_app();
        let answer = || of_app.counted(Bytes::from(vec![1; 2 * SHORT_ANSWER]));
        let first = answer().unwrap();
        let part = first.slice(10..20);
        assert_eq!((&part[..], taken()), (&[1; 10][..], 2 * SHORT_ANSWER));
        assert_eq!(answer().unwrap_err(), 3 * SHORT_ANSWER);
        assert!(of_app.counted(Bytes::from(vec![1; SHORT_ANSWER])).is_ok());
        drop(first);
        assert_eq!(taken(), 2 * SHORT_ANSWER);
        drop(part);
        assert_eq!(taken(), 0);
    }

    #[test]
    fn an_app_leaves_memory_to_others() {
        let total = Arc::new(Total::new(1000));
        let (greedy, modest) = (total.of_app(), total.of_app());
        let mut first = Memory::new(5000, 0, Arc::clone(&greedy));
        assert!(first.memory_growing(0, 800, None).unwrap());
        assert!(!first.memory_growing(800, 801, None).unwrap());
        assert_eq!(first.refused(), Some(Refused::All(1000)));
        let mut other = Memory::new(5000, 0, Arc::clone(&modest));
        assert!(other.memory_growing(0, 160, None).unwrap());
        assert!(!other.memory_growing(160, 161, None).unwrap());
        drop((other, modest));
        assert!(first.memory_growing(800, 1000, None).unwrap(), "alone");
        drop((first, greedy));
        assert_eq!(total.taken.load(Ordering::Relaxed), 0);
        assert_eq!(total.apps.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn the_machine_has_some() {
        let total = Total::of_process();
        assert!(64 << 20 < total.limit && total.limit < installed());
        for stores in [0, 1, 1_000, 100_000] {
            let uncounted = total.uncounted(stores);
            assert!(uncounted <= UNCOUNTED && uncounted * stores <= total.limit / 6);
        }
    }
}
