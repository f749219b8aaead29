//! Hints that files may have changed. A hint is no more than that: the scan decides.
//!
//! The system's watcher misses files in folders that are new, and loses events in a storm. So there is a look of its own at times that
//! grow apart after each hint, and a slow one for ever.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

/// Saving is a few writes in a row: this long for the last of them.
const SETTLE: Duration = Duration::from_millis(4);
/// The first look after a hint, the factor to the next, and the slowest.
const SOON: Duration = Duration::from_millis(25);
const FACTOR: u32 = 3;
const SLOW: Duration = Duration::from_secs(2);
/// The slowest where the system gives no hints.
const SLOW_BLIND: Duration = Duration::from_millis(300);

/// Tells when to look again.
pub(super) struct Watch {
    hints: Arc<Notify>,
    watcher: Option<RecommendedWatcher>,
    watched: HashMap<PathBuf, Watched>,
    /// Something was removed since: perhaps a folder, whose number the next one of its name may have.
    removed: Arc<AtomicBool>,
    pause: Duration,
    slowest: Duration,
}

/// A folder that is watched.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Watched {
    /// Its number on disk. Another folder of the same name has to be watched anew.
    number: u64,
    /// With all that is below it.
    is_deep: bool,
}

impl Watch {
    pub(super) fn new() -> Self {
        let hints = Arc::new(Notify::new());
        let hint = Arc::clone(&hints);
        let removed = Arc::new(AtomicBool::new(false));
        let is_removed = Arc::clone(&removed);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.as_ref().is_ok_and(|event| event.kind.is_remove()) {
                is_removed.store(true, Ordering::Release);
            }
            // Reading a file is an event too; the scan must not wake itself.
            if !event.is_ok_and(|event| event.kind.is_access()) {
                hint.notify_one();
            }
        });
        let mut watch = Self {
            hints,
            watcher: None,
            watched: HashMap::new(),
            removed,
            pause: SOON,
            slowest: SLOW,
        };
        match watcher {
            Ok(watcher) => watch.watcher = Some(watcher),
            Err(error) => watch.go_blind(&error),
        }
        watch
    }

    /// Watches these files and folders. A file is watched through its folder: a watch on the file itself ends when it is replaced.
    pub(super) fn follow(&mut self, roots: &[PathBuf]) {
        if self.removed.swap(false, Ordering::AcqRel) {
            self.watched.clear(); // to watch a folder twice does no harm
        }
        for root in roots {
            let (folder, mode) = match root.is_dir() {
                true => (root.as_path(), RecursiveMode::Recursive),
                false => (
                    root.parent().unwrap_or(Path::new("/")),
                    RecursiveMode::NonRecursive,
                ),
            };
            let Some(watcher) = &mut self.watcher else {
                return;
            };
            let Some(number) = number(folder) else {
                continue;
            };
            let known = self.watched.get(folder).copied();
            let known = known.filter(|known| known.number == number);
            let is_deep = mode == RecursiveMode::Recursive;
            if known.is_some_and(|known| known.is_deep || !is_deep) {
                continue;
            }
            let watched = Watched { number, is_deep };
            self.watched.insert(folder.to_owned(), watched);
            if let Err(error) = watcher.watch(folder, mode) {
                self.go_blind(&error);
            }
        }
    }

    /// Waits for a hint, or for the time to look anyway. Returns when the first hint came.
    pub(super) async fn changed(&mut self) -> Instant {
        match tokio::time::timeout(self.pause, self.hints.notified()).await {
            Ok(()) => {
                let hinted = Instant::now();
                self.pause = SOON;
                tokio::time::sleep(SETTLE).await;
                hinted
            }
            Err(_) => {
                self.pause = (self.pause * FACTOR).min(self.slowest);
                Instant::now()
            }
        }
    }

    fn go_blind(&mut self, error: &notify::Error) {
        tracing::warn!(
            "files are looked at every {} ms instead of watched: {error}",
            SLOW_BLIND.as_millis()
        );
        self.watcher = None;
        self.slowest = SLOW_BLIND;
    }
}

/// The number on disk of a folder, if it is one.
fn number(folder: &Path) -> Option<u64> {
    let metadata = std::fs::metadata(folder).ok()?;
    metadata.is_dir().then(|| metadata.ino())
}
