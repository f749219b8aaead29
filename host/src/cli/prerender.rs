//! Makes the answers that are kept, while a bar counts them.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::task::TaskTracker;
use waystation_rules::caching::NotKept;
use waystation_rules::table::Param;

use crate::app::App;
use crate::pipeline::{Planned, Prerendered, plan};
use crate::store::Entry;

/// What there is of the answers of each route that asked for its answers to be kept, by its file.
pub(super) type All = BTreeMap<String, Answers>;

/// What there is of a route's answers.
pub(super) enum Answers {
    /// Each request runs the handler, for this reason.
    Dynamic(NotKept),
    /// These are kept, by their params. None of a route with params that lists none: they are made on demand.
    Kept(Vec<(Vec<Param>, Arc<Entry>)>),
}

/// Makes the answers of all routes, as many at once as there are cores.
///
/// # Errors
///
/// The first that cannot be made, with its words.
pub(super) async fn all(app: &Arc<App>) -> anyhow::Result<All> {
    let background = TaskTracker::new();
    let plans = (0..app.table.entries().count()).map(|place| {
        let (app, background) = (Arc::clone(app), background.clone());
        async move {
            let entry = app.table.entries().nth(place).expect("it was counted");
            let planned = plan(&app, entry, &background).await?;
            anyhow::Ok(planned.map(|planned| (entry.file.clone(), planned)))
        }
    });
    let plans: Vec<_> = at_once(plans).try_collect().await?;
    let (files, plans): (Vec<_>, Vec<_>) = plans.into_iter().flatten().unzip();
    let nothing = || Answers::Kept(Vec::new());
    let mut all: All = files.into_iter().map(|file| (file, nothing())).collect();

    let plans: Vec<_> = plans.into_iter().flatten().collect();
    let bar = bar(plans.len());
    let mut made = at_once(plans.into_iter().map(made));
    while let Some((planned, made)) = made.try_next().await? {
        bar.set_message(planned.path());
        bar.inc(1);
        let answers = all.entry(planned.file().to_owned()).or_insert_with(nothing);
        match (made, answers) {
            (Prerendered::Dynamic(reason), answers) => *answers = Answers::Dynamic(reason), // SP7
            (Prerendered::Kept(entry), Answers::Kept(entries)) => {
                entries.push((planned.params().to_vec(), entry));
            }
            (Prerendered::Kept(_), Answers::Dynamic(_)) => {}
        }
    }
    background.close();
    background.wait().await;
    bar.finish_and_clear();
    Ok(all)
}

async fn made(planned: Planned) -> anyhow::Result<(Planned, Prerendered)> {
    let made = planned.make().await?;
    Ok((planned, made))
}

/// Does as much at once as there are cores. What comes out is in the order of what went in.
fn at_once<T, F>(work: impl Iterator<Item = F>) -> impl Stream<Item = anyhow::Result<T>> + Unpin
where
    T: Send + 'static,
    F: Future<Output = anyhow::Result<T>> + Send + 'static,
{
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let done = stream::iter(work).map(tokio::spawn).buffered(cores);
    done.map(|done| done?)
}

fn bar(answers: usize) -> ProgressBar {
    let bar = ProgressBar::new(answers as u64);
    if let Ok(style) = ProgressStyle::with_template("  Answering [{bar:28}] {pos}/{len} {wide_msg}")
    {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}
