//! The way of a release to several nodes: all get ready, then all change; where one cannot, none does.

use futures_util::future::join_all;
use http::{Method, StatusCode};
use waystation_rules::rollout::{AppName, Canary, HostName, Percent};

use super::api::{Activate, App, Hosts, Outcome, RollBack, Stage, Staged, Watched};
use super::push::{Progress, push};
use super::{AskError, Client};
use crate::project::layout::Blobs;
use crate::project::release::Release;

/// What is deployed.
pub struct Deploying<'a> {
    /// Under which name.
    pub app: &'a AppName,
    /// The release.
    pub release: &'a Release,
    /// Where its blobs are.
    pub blobs: &'a Blobs,
    /// What the app answers from now on; as before if it is not said.
    pub hosts: Option<Vec<HostName>>,
    /// What minisign says of it.
    pub signature: Option<String>,
    /// To how many of the clients; to all if it is not said.
    pub percent: Option<Percent>,
}

/// Why no node serves the release.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// Some nodes cannot get ready. No node has changed what it serves.
    #[error("{}\n\nnote: nothing has changed on any node", joined(.0))]
    Staging(Vec<String>),

    /// Some nodes could not change. The others serve what they served before, unless that failed too.
    #[error("{}\n\nnote: {}", joined(failed), back(stuck))]
    Activation {
        /// What they said.
        failed: Vec<String>,
        /// What those said that could not go back.
        stuck: Vec<String>,
    },
}

/// Each after the first says `error` itself.
fn joined(texts: &[String]) -> String {
    texts.join("\n\nerror: ")
}

fn back(stuck: &[String]) -> String {
    match stuck {
        [] => "the other nodes serve what they served before".to_owned(),
        stuck => format!("these could not go back: {}", stuck.join("; ")),
    }
}

/// Brings a release to all nodes and has them serve it. Returns what each said when it was ready.
///
/// # Errors
///
/// [`Failed`]: no node serves it.
pub async fn deploy(
    nodes: &[Client],
    what: &Deploying<'_>,
    on_progress: &(dyn Fn(&Client, Progress) + Sync),
) -> Result<Vec<Staged>, Failed> {
    let staged = join_all(nodes.iter().map(|node| stage(node, what, on_progress))).await;
    let (ready, failed) = divided(staged);
    if !failed.is_empty() {
        return Err(Failed::Staging(failed));
    }
    let activated = join_all(nodes.iter().map(|node| activate(node, what))).await;
    let befores: Vec<_> = nodes
        .iter()
        .zip(&ready)
        .map(|(node, (_, before))| (node, before))
        .collect();
    let changed = befores.iter().zip(&activated);
    let changed = changed.filter(|(_, activated)| activated.is_ok());
    let changed: Vec<_> = changed.map(|(before, _)| *before).collect();
    let (_, failed) = divided(activated);
    if failed.is_empty() {
        return Ok(ready.into_iter().map(|(staged, _)| staged).collect());
    }
    let restored = changed
        .into_iter()
        .map(|(node, before)| restore(node, what, before));
    let (_, stuck) = divided(join_all(restored).await);
    Err(Failed::Activation { failed, stuck })
}

/// Sends what is missing, has it made ready, and tells what the app was before.
async fn stage(
    node: &Client,
    what: &Deploying<'_>,
    on_progress: &(dyn Fn(&Client, Progress) + Sync),
) -> anyhow::Result<(Staged, Option<App>)> {
    push(node, what.blobs, what.release, &|progress| {
        on_progress(node, progress)
    })
    .await?;
    let before = app(node, what.app).await?;
    let stage = Stage {
        release: what.release.digest.clone(),
        created: what.release.created,
        hosts: what.hosts.clone(),
        signature: what.signature.clone(),
    };
    let path = format!("/v1/apps/{}/releases", what.app);
    Ok((node.send(Method::POST, &path, &stage).await?, before))
}

async fn activate(node: &Client, what: &Deploying<'_>) -> anyhow::Result<App> {
    let activate = Activate {
        release: what.release.digest.clone(),
        percent: what.percent,
    };
    let path = format!("/v1/apps/{}/activate", what.app);
    Ok(node.send(Method::POST, &path, &activate).await?)
}

/// Has a node serve what it served before.
async fn restore(node: &Client, what: &Deploying<'_>, before: &Option<App>) -> anyhow::Result<()> {
    let at = |step| format!("/v1/apps/{}/{step}", what.app);
    let hosts = before.as_ref().map(|app| app.hosts.clone());
    let hosts = Hosts {
        hosts: hosts.unwrap_or_default(),
    };
    let Some(active) = before.as_ref().and_then(|app| app.releases.active.clone()) else {
        let _: App = node.send(Method::POST, &at("withdraw"), &()).await?;
        let _: App = node.send(Method::PUT, &at("hosts"), &hosts).await?;
        return Ok(());
    };
    if active != what.release.digest {
        let to = Some(active);
        let _: App = node
            .send(Method::POST, &at("rollback"), &RollBack { to })
            .await?;
    }
    if let Some(Canary { release, percent }) =
        before.as_ref().and_then(|app| app.releases.canary.clone())
    {
        let percent = Some(percent);
        let activate = Activate { release, percent };
        let _: App = node.send(Method::POST, &at("activate"), &activate).await?;
    }
    let _: App = node.send(Method::PUT, &at("hosts"), &hosts).await?;
    Ok(())
}

/// What a node knows of an app; nothing if it does not know it.
///
/// # Errors
///
/// An [`AskError`].
async fn app(node: &Client, app: &AppName) -> Result<Option<App>, AskError> {
    match node.get(&format!("/v1/apps/{app}")).await {
        Ok(app) => Ok(Some(app)),
        Err(AskError::Refused { status, .. }) if status == StatusCode::NOT_FOUND => Ok(None),
        Err(error) => Err(error),
    }
}

/// Waits until it is clear what became of the release on all nodes. Where one has taken it back, the others go back too.
///
/// # Errors
///
/// Of the first node that cannot be asked.
pub async fn verdicts(nodes: &[Client], what: &Deploying<'_>) -> Result<Vec<Watched>, AskError> {
    let watched = join_all(nodes.iter().map(|node| verdict(node, what))).await;
    let mut watched = watched.into_iter().collect::<Result<Vec<_>, _>>()?;
    let is_back = |watched: &Watched| watched.outcome == Outcome::RolledBack;
    if watched.iter().any(is_back) {
        let path = format!("/v1/apps/{}/rollback", what.app);
        for (node, watched) in nodes.iter().zip(&mut watched) {
            if watched.outcome == Outcome::Kept {
                let _: App = node.send(Method::POST, &path, &RollBack::default()).await?;
                watched.outcome = Outcome::RolledBack;
            }
        }
    }
    Ok(watched)
}

async fn verdict(node: &Client, what: &Deploying<'_>) -> Result<Watched, AskError> {
    let (app, release) = (what.app, &what.release.digest);
    let path = format!("/v1/apps/{app}/verdict?release={release}");
    loop {
        let watched: Watched = node.get(&path).await?; // it answers when there is news, or after a while
        if watched.outcome != Outcome::Watching {
            return Ok(watched);
        }
    }
}

fn divided<T>(all: Vec<anyhow::Result<T>>) -> (Vec<T>, Vec<String>) {
    let mut failed = Vec::new();
    let done = all.into_iter().filter_map(|one| match one {
        Ok(done) => Some(done),
        Err(error) => {
            failed.push(format!("{error:#}"));
            None
        }
    });
    (done.collect(), failed)
}
