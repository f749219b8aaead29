//! Writes the log of a server on a thread of its own, so that no request waits for who reads it.
//!
//! In: lines. Out: the same on standard error, or a count of those that there was no room for. Before the thread has begun and once it has
//! ended, and for a thread that panics, lines are written at once.

use std::cell::Cell;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Lines that may wait to be written.
const WAITING: usize = 4_096;
/// How long the end waits for lines that are still to be written.
const END: Duration = Duration::from_secs(1);

/// The way to the thread, and what it tells when it has written everything.
struct Thread {
    lines: SyncSender<Vec<u8>>,
    ended: Receiver<()>,
}

static THREAD: Mutex<Option<Thread>> = Mutex::new(None);
static DROPPED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static IS_AT_ONCE: Cell<bool> = const { Cell::new(false) };
}

fn thread() -> MutexGuard<'static, Option<Thread>> {
    THREAD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins the thread. If there can be none, lines are written at once as before.
pub(super) fn begin() {
    let (lines, written) = sync_channel::<Vec<u8>>(WAITING);
    let (end, ended) = channel();
    let write = move || {
        for line in written {
            let _nobody_could_be_told = io::stderr().write_all(&line);
        }
        let _the_end_waits_no_more = end.send(());
    };
    let begun = std::thread::Builder::new().name("log".into()).spawn(write);
    if begun.is_ok() {
        *thread() = Some(Thread { lines, ended });
    }
}

/// Writes what still waits, for a second at most, and ends the thread.
pub(super) fn end() {
    let taken = thread().take();
    if let Some(Thread { lines, ended }) = taken {
        drop(lines);
        let _may_take_too_long = ended.recv_timeout(END);
    }
}

/// Does what tells the log something, which is written before this returns: the process may end at once.
pub(super) fn at_once(tell: impl FnOnce()) {
    IS_AT_ONCE.set(true);
    tell();
    IS_AT_ONCE.set(false);
}

/// How many lines were dropped.
pub(super) fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Where a line goes that is written whole.
pub(super) struct Line;

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if IS_AT_ONCE.get() {
            return io::stderr().write(line);
        }
        let thread = thread();
        let Some(Thread { lines, .. }) = &*thread else {
            drop(thread);
            return io::stderr().write(line);
        };
        match lines.try_send(line.to_vec()) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                DROPPED.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_how_many_lines_may_wait() {
        super::super::limits_page::says("log lines", WAITING as u64);
    }
}
