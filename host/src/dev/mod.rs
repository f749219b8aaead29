//! Serves an app while it is edited: what is saved is live without a restart.
//!
//! In: hints that files changed. Out: another [`App`](crate::app::App) in [`Current`], and [`News`] for the one who reads along.
//!
//! The loop compares what the files hold with what the served routes were built for, until there is no difference. So a change during
//! a build is not lost, whenever it came and whatever missed it.

mod files;
mod scan;
mod session;
mod watch;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use waystation_rules::reload::{self, Scope, Snapshot};

use crate::app::Current;
use crate::build::Cancel;

pub use files::Files;
pub use session::{Built, Change, Session, SessionError};

/// What happened, for the terminal.
pub enum News<'a> {
    /// These files changed, and a build begins.
    Building(&'a BTreeSet<String>),
    /// A build is over and what it made is served.
    Live {
        /// What is different now.
        change: &'a Change,
        /// From the first sign of the change to the first request that can see it.
        took: Duration,
    },
    /// Nothing could be built.
    Refused {
        /// Why.
        error: &'a SessionError,
        /// How many routes, built before, are still served.
        served: usize,
    },
}

/// Keeps `current` in step with the files until it is dropped.
pub async fn follow(
    mut session: Session,
    mut files: Files,
    current: Arc<Current>,
    tell: impl Fn(News<'_>),
) {
    session.loader = session.loader.without_cache();
    loop {
        let hinted = files.changed().await;
        let mut now = files.scan();
        while files.scope(&now) != Scope::Nothing {
            now = step(&mut session, &mut files, &current, now, hinted, &tell).await;
        }
    }
}

/// Builds what differs between what is served and `now`, and serves it. Returns what the files hold afterwards.
async fn step(
    session: &mut Session,
    files: &mut Files,
    current: &Current,
    now: Snapshot,
    hinted: Instant,
    tell: &impl Fn(News<'_>),
) -> Snapshot {
    let scope = files.scope(&now);
    tell(News::Building(&files.differences(&now)));
    let built = build(session, files, &now, scope).await;

    let newer = files.scan();
    let is_overtaken = newer != now;
    match built {
        Err(SessionError::Cancelled) => {}
        // What fails while files still change, as in the middle of a checkout, is not worth a word.
        Err(_) if is_overtaken => {}
        Ok(built) if is_overtaken && built.has_failures() => {}
        Err(error) => {
            tell(News::Refused {
                error: &error,
                served: session.len(),
            });
            files.mark_refused(now);
        }
        Ok(built) => {
            files.mark_built(now);
            let change = session.adopt(built);
            match session.app() {
                Ok(app) => current.replace(app),
                Err(conflicts) => tracing::error!("routes in conflict were built: {conflicts:#}"),
            }
            tell(News::Live {
                change: &change,
                took: hinted.elapsed(),
            });
        }
    }
    newer
}

/// Builds, and stops if what is being built changes meanwhile.
async fn build(
    session: &Session,
    files: &mut Files,
    now: &Snapshot,
    scope: Scope,
) -> Result<Built, SessionError> {
    files.begin();
    let cancel = Cancel::default();
    let mut build = std::pin::pin!(session.build(scope.clone(), &cancel, |_| {}));
    loop {
        tokio::select! {
            built = &mut build => return built,
            _ = files.changed() => {
                let newer = files.scan();
                if reload::overtakes(&reload::scope(now, &newer), &scope) {
                    cancel.cancel();
                }
            }
        }
    }
}
