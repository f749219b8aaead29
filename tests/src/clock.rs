//! A clock that a test sets forward, so that it never waits for something to grow old.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;

/// Names the clock's file to the program under test.
pub const VARIABLE: &str = "WAYSTATION_TEST_CLOCK";

/// A clock for one host.
#[derive(Debug)]
pub struct Clock {
    folder: TempDir,
    ahead: AtomicU64,
}

impl Clock {
    /// A clock that shows the time.
    ///
    /// # Panics
    ///
    /// If there is no place for its file.
    #[must_use]
    pub fn new() -> Self {
        let clock = Self {
            folder: tempfile::tempdir().expect("a folder"),
            ahead: AtomicU64::new(0),
        };
        clock.forward(0);
        clock
    }

    /// The file that [`VARIABLE`] names.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ahead")
    }

    /// Sets it forward.
    ///
    /// # Panics
    ///
    /// If its file cannot be written.
    pub fn forward(&self, seconds: u64) {
        let ahead = self.ahead.fetch_add(seconds * 1000, Ordering::Relaxed) + seconds * 1000;
        let aside = self.file().with_extension("aside");
        fs::write(&aside, ahead.to_string()).expect("a file");
        fs::rename(aside, self.file()).expect("its place");
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
