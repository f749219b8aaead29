//! Makes the answers that are kept, while a bar counts them.

use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

use crate::app::{App, Handler};
use crate::pipeline::{Prerendered, prerender};

/// What came of each route, by its file.
pub(super) type All = Vec<(String, Prerendered)>;

/// Makes the answers of all routes, as many routes at once as there are cores.
///
/// # Errors
///
/// The first route that fails, with its words.
pub(super) async fn all(app: &Arc<App>) -> anyhow::Result<All> {
    let guests = app.table.entries().enumerate();
    let guests = guests.filter(|(_, entry)| matches!(entry.route.handler, Handler::Guest(_)));
    let mut waiting: Vec<_> = guests.map(|(index, _)| index).collect();
    let bar = ProgressBar::new(waiting.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("  Answering [{bar:28}] {pos}/{len} {wide_msg}")
    {
        bar.set_style(style.progress_chars("=> "));
    }
    let background = TaskTracker::new();
    let (mut all, mut running) = (Vec::new(), JoinSet::new());
    let at_once = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    loop {
        while running.len() < at_once
            && let Some(index) = waiting.pop()
        {
            let (app, background) = (Arc::clone(app), background.clone());
            running.spawn(async move {
                let entry = app.table.entries().nth(index).expect("it was counted");
                let done = prerender(&app, entry, &background).await;
                done.map(|done| (entry.file.clone(), done))
            });
        }
        let Some(done) = running.join_next().await else {
            break;
        };
        let (file, done) = done??;
        bar.set_message(file.clone());
        bar.inc(1);
        all.push((file, done));
    }
    background.close();
    background.wait().await;
    bar.finish_and_clear();
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(all)
}
