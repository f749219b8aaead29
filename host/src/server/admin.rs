//! The operator's side of a running app, on a Unix socket that only its owner can reach: what is kept, and taking it out of date.
//!
//! What monitors ask of [`status`], and: `GET /cache` lists what memory holds, `DELETE /cache` has all of it expire, wherever it is kept, `POST /revalidate` takes a [`Revalidate`] as JSON.

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;
use waystation_rules::caching::{self, LapseWords, Lapsing, PathKind, Served};

use super::status;
use crate::app::{App, Current, Handler};
use crate::project::OWN_DIR;
use crate::store::{Kept, Kind, LapseFault};

/// Bytes of a request's body.
const MOST: usize = 1 << 20;

/// How often it looks whether another process has ended.
const WAIT: Duration = Duration::from_secs(1);

/// What is to go out of date.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Revalidate {
    /// These tags.
    pub tags: Vec<String>,
    /// The answers of these paths; of patterns, with a word on what is meant: `/posts/[slug]`.
    pub paths: Vec<String>,
    /// The tags as this lifetime says, such as `max`; at once if it is not said.
    pub profile: Option<String>,
    /// What of the paths is meant: `page` or `layout`.
    pub kind: Option<Kinded>,
}

/// What of a path is meant.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Kinded {
    /// The route with this pattern.
    Page,
    /// Every route at or below it.
    Layout,
}

/// What is kept, and how often that was of use.
#[derive(Debug, Serialize, Deserialize)]
pub struct Listing {
    /// The routes that were answered from it, in the order in which they are tried.
    pub routes: Vec<Counted>,
    /// What memory holds, by label.
    pub entries: Vec<Listed>,
}

/// How often the answers of a route were kept, since its code was loaded.
#[derive(Debug, Serialize, Deserialize)]
pub struct Counted {
    /// The route.
    pub pattern: String,
    /// They were fresh.
    pub hit: u64,
    /// They were stale.
    pub stale: u64,
    /// They were made.
    pub miss: u64,
}

/// One thing that is kept.
#[derive(Debug, Serialize, Deserialize)]
pub struct Listed {
    /// What it is.
    pub kind: Kind,
    /// A path, a URL or a name.
    pub label: String,
    /// `HIT` if it is fresh, `STALE`, or `MISS` if it has expired.
    pub state: String,
    /// Seconds since it was made.
    pub age: u64,
    /// Bytes in memory.
    pub bytes: usize,
    /// What takes it out of date.
    pub tags: Vec<String>,
}

/// Where the app in `root` listens for its operator.
#[must_use]
pub fn socket(root: &Path) -> PathBuf {
    root.join(OWN_DIR).join("admin.sock")
}

/// Listens there; what an earlier process has left is removed, and of two at once the first keeps it.
///
/// # Errors
///
/// The system's.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    use std::os::unix::fs::PermissionsExt as _;
    if std::os::unix::net::UnixStream::connect(path).is_err() {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers the operator of the app in `root`, and makes way for the next process when this one stops. As long as another has the place, it
/// waits for that one's end.
///
/// # Errors
///
/// The system's, if the socket cannot be made.
pub async fn serve_in(
    root: &Path,
    current: &Arc<Current>,
    stopping: &CancellationToken,
) -> io::Result<()> {
    let path = socket(root);
    let listener = tokio::select! {
        listener = bind_when_free(&path) => listener?,
        () = stopping.cancelled() => return Ok(()),
    };
    tokio::select! {
        () = serve(listener, current, stopping) => Ok(()),
        () = stopping.cancelled() => std::fs::remove_file(path),
    }
}

async fn bind_when_free(path: &Path) -> io::Result<UnixListener> {
    let mut was_told = false;
    loop {
        match bind(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                if !std::mem::replace(&mut was_told, true) {
                    tracing::warn!(
                        "another process serves this folder: until it ends, `waystation revalidate` and `cache` reach that one"
                    );
                }
                tokio::time::sleep(WAIT).await;
            }
            bound => return bound,
        }
    }
}

async fn serve(listener: UnixListener, current: &Arc<Current>, stopping: &CancellationToken) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await; // out of descriptors
            continue;
        };
        let (current, stopping) = (Arc::clone(current), stopping.clone());
        tokio::spawn(async move {
            let answer = service_fn(move |request| {
                let (app, stopping) = (current.app(), stopping.clone());
                async move { Ok::<_, Infallible>(answer(&app, request, &stopping).await) }
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
            if let Err(error) = connection.await {
                tracing::debug!("the operator's connection broke: {error}");
            }
        });
    }
}

async fn answer(
    app: &App,
    request: Request<Incoming>,
    stopping: &CancellationToken,
) -> Response<Full<Bytes>> {
    let (method, path) = (request.method(), request.uri().path());
    if let Some(response) = status::answer(method, path, [app], stopping) {
        return response;
    }
    let kept = &app.policy.kept;
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/cache") => json(&listing(app)),
        (&Method::DELETE, "/cache") => json(&purge(kept).await),
        (&Method::POST, "/revalidate") => match asked(request.into_body()).await {
            Ok(asked) => match revalidate(kept, asked).await {
                Ok(lapsed) => json(&lapsed),
                Err(fault) => plain(StatusCode::BAD_REQUEST, fault.to_string()),
            },
            Err(reason) => plain(StatusCode::BAD_REQUEST, reason),
        },
        _ => plain(StatusCode::NOT_FOUND, "there is no such thing\n".to_owned()),
    }
}

/// What an app keeps, and how often that was of use.
#[must_use]
pub fn listing(app: &App) -> Listing {
    Listing {
        routes: count(app),
        entries: list(&app.policy.kept),
    }
}

/// Has all of it expire, wherever it is kept. Returns how much of it was in memory.
pub async fn purge(kept: &Kept) -> usize {
    let held = kept.store.entries().len();
    kept.store.purge().await;
    held
}

fn count(app: &App) -> Vec<Counted> {
    let counted = app.table.entries().filter_map(|entry| {
        let Handler::Guest(guest) = &entry.route.handler else {
            return None;
        };
        let [hit, stale, miss] =
            [Served::Hit, Served::Stale, Served::Miss].map(|served| guest.counted(served));
        (0 < hit + stale + miss).then(|| Counted {
            pattern: entry.pattern.to_string(),
            hit,
            stale,
            miss,
        })
    });
    counted.collect()
}

fn list(kept: &Kept) -> Vec<Listed> {
    let now = kept.store.now();
    let listed = kept
        .store
        .entries()
        .into_iter()
        .map(|(entry, state)| Listed {
            kind: entry.kind,
            label: entry.label.clone(),
            state: Served::of(state).as_str().to_owned(),
            age: caching::age(&entry.times, now),
            bytes: entry.size(),
            tags: entry.tags.clone(),
        });
    let mut listed: Vec<_> = listed.collect();
    listed.sort_by(|a, b| a.label.cmp(&b.label));
    listed
}

async fn asked(body: Incoming) -> Result<Revalidate, String> {
    let body = Limited::new(body, MOST).collect().await;
    let body = body.map_err(|error| error.to_string())?.to_bytes();
    serde_json::from_slice(&body).map_err(|error| error.to_string())
}

/// Takes what is asked for out of date, all or nothing. Returns how many tags that were.
///
/// # Errors
///
/// A [`LapseFault`].
pub async fn revalidate(kept: &Kept, asked: Revalidate) -> Result<usize, LapseFault> {
    let tag = |tag: String| match &asked.profile {
        None => LapseWords::Tag(tag, Lapsing::Expire(0)),
        Some(profile) => LapseWords::Profile(tag, profile.clone()),
    };
    let kind = asked.kind.map(|kind| match kind {
        Kinded::Page => PathKind::Page,
        Kinded::Layout => PathKind::Layout,
    });
    let paths = asked
        .paths
        .into_iter()
        .map(|path| LapseWords::Path(path, kind));
    let lapses = asked.tags.into_iter().map(tag).chain(paths);
    let lapses = lapses.map(|words| kept.lapsing(&words));
    let lapses = lapses.collect::<Result<Vec<_>, _>>()?;
    kept.store.lapse(&lapses).await;
    Ok(lapses.len())
}

fn json(value: &impl Serialize) -> Response<Full<Bytes>> {
    match serde_json::to_vec(value) {
        Ok(json) => Response::new(Full::new(json.into())),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

fn plain(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response
}
