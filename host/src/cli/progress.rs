//! A bar for what takes long: on a terminal it moves, elsewhere it says each step once.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};

use crate::build::Progress;
use crate::deploy::{self, Client};

/// How many of so many bytes are done, if that takes long enough to be seen.
pub(super) struct Bytes(ProgressBar);

impl Bytes {
    /// `what` is a word of eight letters or less, such as `Packing`.
    pub(super) fn new(what: &str, bytes: u64) -> Self {
        Self(of_bytes(what, bytes))
    }

    /// So many more are done.
    pub(super) fn add(&self, bytes: u64) {
        self.0.inc(bytes);
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn of_bytes(what: &str, bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(bytes);
    let style = format!("  {what:<8} [{{bar:28}}] {{decimal_bytes}}/{{decimal_total_bytes}}");
    if let Ok(style) = ProgressStyle::with_template(&style) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

/// How much of a release a registry has taken, or given.
pub(super) struct Moving {
    bar: ProgressBar,
    total: AtomicU64,
}

impl Moving {
    /// `what` is a word of eight letters or less, such as `Pushing`.
    pub(super) fn new(what: &str) -> Self {
        Self {
            bar: of_bytes(what, 0),
            total: AtomicU64::new(0),
        }
    }

    /// Takes what is said of it.
    pub(super) fn reader(&self) -> impl Fn(deploy::Progress) + Sync {
        |progress| {
            self.total.store(progress.total, Ordering::Relaxed);
            self.bar.set_length(progress.total);
            self.bar.set_position(progress.sent);
        }
    }

    /// How many bytes had to be moved.
    pub(super) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }
}

impl Drop for Moving {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// How far cargo is.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("  Building [{bar:28}] {pos}/{len} {wide_msg}");
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("=> "));
        }
        if !std::io::stderr().is_terminal() {
            super::report::step("building the routes; the first time takes a while");
        }
        Self(bar)
    }

    /// Takes what a build says.
    pub(super) fn reader(&self) -> impl Fn(Progress) + Send + Sync + 'static + use<> {
        let bar = self.0.clone();
        move |progress| match progress {
            Progress::Told(line) => bar.suspend(|| super::report::step(&line)),
            Progress::Step(step) => bar.set_message(step),
            Progress::Units {
                done,
                total,
                current,
            } => {
                bar.set_length(total as u64);
                bar.set_position(done as u64);
                bar.set_message(current);
            }
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// How much of a release the nodes have, all together.
pub(super) struct Sending {
    bar: ProgressBar,
    nodes: Mutex<BTreeMap<String, deploy::Progress>>,
}

impl Sending {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new(0);
        let style =
            ProgressStyle::with_template("  Sending [{bar:28}] {bytes}/{total_bytes} {wide_msg}");
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("=> "));
        }
        Self {
            bar,
            nodes: Mutex::default(),
        }
    }

    /// Takes what is said of each node.
    pub(super) fn reader(&self) -> impl Fn(&Client, deploy::Progress) + Sync {
        |node, progress| {
            let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
            nodes.insert(node.address().to_string(), progress);
            self.bar
                .set_length(nodes.values().map(|progress| progress.total).sum());
            self.bar
                .set_position(nodes.values().map(|progress| progress.sent).sum());
            if nodes
                .values()
                .all(|progress| progress.sent == progress.total)
            {
                self.bar.set_message("getting ready");
            }
        }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
