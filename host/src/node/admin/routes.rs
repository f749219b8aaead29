//! What can be asked, each a few lines around what the node does.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::{BytesRejection, JsonRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Deserialize;
use waystation_rules::rollout::{AppName, HostName};

use super::refusal::Refusal;
use crate::deploy::api::{
    self, Activate, Hosts, LogLine, Missing, Outcome, RollBack, Stage, Staged, Variables, Wanted,
    Watched,
};
use crate::node::error::NodeError;
use crate::node::tenant::Tenant;
use crate::node::tokens::Access;
use crate::node::{Node, record};
use crate::project::digest::Digest;
use crate::sandbox::loaded_code;
use crate::server::admin::{self, Listing, Revalidate};
use crate::telemetry;

/// Bytes of a request's body: a piece of a blob.
const MOST: usize = 8 << 20;
/// How long a question waits for news.
const NEWS: Duration = Duration::from_secs(20);
/// Lines of a log.
const MOST_LINES: usize = 1000;

type Answer<T> = Result<Json<T>, Refusal>;
type Sent<T> = Result<Json<T>, JsonRejection>;
type Asked<T> = Result<Query<T>, QueryRejection>;
type Here = State<Arc<Node>>;
type By = Extension<Access>;

/// What needs access. `openapi.json` lists the same, and a test compares them.
pub(super) fn guarded() -> Router<Arc<Node>> {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/v1/apps", get(apps))
        .route("/v1/apps/{app}", get(app))
        .route("/v1/apps/{app}/hosts", put(hosts))
        .route("/v1/apps/{app}/releases", post(stage))
        .route("/v1/apps/{app}/activate", post(activate))
        .route("/v1/apps/{app}/promote", post(promote))
        .route("/v1/apps/{app}/rollback", post(roll_back))
        .route("/v1/apps/{app}/withdraw", post(withdraw))
        .route("/v1/apps/{app}/verdict", get(verdict))
        .route("/v1/apps/{app}/env", get(variables).patch(set_variables))
        .route("/v1/apps/{app}/log", get(log))
        .route("/v1/apps/{app}/cache", get(cache).delete(purge))
        .route("/v1/apps/{app}/revalidate", post(revalidate))
        .route("/v1/blobs/missing", post(missing))
        .route("/v1/blobs/{digest}", put(take))
        .layer(DefaultBodyLimit::max(MOST))
}

/// What anybody may ask who reaches the listener.
pub(super) fn open() -> Router<Arc<Node>> {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/v1/openapi.json", get(openapi))
}

async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], super::OPENAPI)
}

/// Ready once each app that has an active release serves it.
async fn ready(State(node): Here) -> impl IntoResponse {
    let broken = node.broken();
    match broken {
        0 => (StatusCode::OK, "ready\n".to_owned()),
        broken => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{broken} apps do not serve\n"),
        ),
    }
}

/// What is counted of the apps that the sender may see.
async fn metrics(State(node): Here, Extension(by): By) -> impl IntoResponse {
    let tenants: Vec<_> = node.tenants().values().cloned().collect();
    let tenants = tenants.iter().filter(|tenant| by.allows(&tenant.name));
    let active = tenants.filter_map(|tenant| tenant.active());
    let apps = active.map(|running| running.app.snapshot()).collect();
    let content_type = (CONTENT_TYPE, telemetry::CONTENT_TYPE);
    ([content_type], telemetry::metrics(apps, loaded_code()))
}

async fn apps(State(node): Here, Extension(by): By) -> Answer<Vec<api::App>> {
    let tenants: Vec<_> = node.tenants().values().cloned().collect();
    let tenants = tenants.iter().filter(|tenant| by.allows(&tenant.name));
    Ok(Json(tenants.map(|tenant| node.shown(tenant)).collect()))
}

async fn app(State(node): Here, Extension(by): By, Path(app): Path<String>) -> Answer<api::App> {
    let app = allowed(&by, app)?;
    let tenant = node.tenant(&app)?;
    Ok(Json(node.shown(&tenant)))
}

async fn hosts(
    State(node): Here,
    Extension(by): By,
    Path(app): Path<String>,
    sent: Sent<Hosts>,
) -> Answer<api::App> {
    let app = allowed(&by, app)?;
    let Json(Hosts { hosts }) = sent?;
    allowed_hosts(&by, &hosts)?;
    blocking(move || node.set_hosts(&app, hosts, &by)).await
}

async fn stage(
    State(node): Here,
    Extension(by): By,
    Path(app): Path<String>,
    sent: Sent<Stage>,
) -> Answer<Staged> {
    let app = allowed(&by, app)?;
    let Json(asked) = sent?;
    allowed_hosts(&by, asked.hosts.as_deref().unwrap_or_default())?;
    Ok(Json(node.stage(app, asked, by).await?))
}

async fn activate(
    State(node): Here,
    Extension(by): By,
    Path(app): Path<String>,
    sent: Sent<Activate>,
) -> Answer<api::App> {
    let app = allowed(&by, app)?;
    let Json(asked) = sent?;
    blocking(move || node.activate(&app, &asked, &by)).await
}

async fn promote(
    State(node): Here,
    Extension(by): By,
    Path(app): Path<String>,
) -> Answer<api::App> {
    let app = allowed(&by, app)?;
    blocking(move || {
        let old = node.tenant(&app)?.active();
        let shown = node.step(&app, &by, "promoted", |releases| releases.promote())?;
        node.watch(&shown, old);
        Ok(shown)
    })
    .await
}

async fn roll_back(
    State(node): Here,
    Extension(by): By,
    Path(app): Path<String>,
    sent: Sent<RollBack>,
) -> Answer<api::App> {
    let app = allowed(&by, app)?;
    let Json(RollBack { to }) = sent?;
    blocking(move || {
        node.step(&app, &by, "rolled back", |releases| {
            releases.roll_back(to.as_ref())
        })
    })
    .await
}

async fn withdraw(
    State(node): Here,
    Extension(by): By,
    Path(app): Path<String>,
) -> Answer<api::App> {
    let app = allowed(&by, app)?;
    blocking(move || node.step(&app, &by, "withdrawn", |releases| Ok(releases.withdrawn()))).await
}

#[derive(Deserialize)]
struct OfRelease {
    release: Digest,
}

/// Answers when it is clear what becomes of a release, or after a while that it is not.
async fn verdict(
    State(node): Here,
    Extension(by): By,
    Path(app): Path<String>,
    asked: Asked<OfRelease>,
) -> Answer<Watched> {
    let app = allowed(&by, app)?;
    let Query(OfRelease { release }) = asked?;
    let tenant = node.tenant(&app)?;
    let mut news = tenant.watched.subscribe();
    let is_clear = |watched: &Option<Watched>| {
        let watched = watched.as_ref();
        watched.is_none_or(|watched| {
            watched.release != release || watched.outcome != Outcome::Watching
        })
    };
    let waited = tokio::time::timeout(NEWS, news.wait_for(is_clear)).await;
    drop(waited); // late or not, the last word counts
    let watched = tenant.watched.borrow().clone();
    let of_release = watched.filter(|watched| watched.release == release);
    Ok(Json(
        of_release.unwrap_or_else(|| unwatched(&tenant, release)),
    ))
}

/// A release that nobody watches, such as the first one, or one from before a restart: it is there or it is not.
fn unwatched(tenant: &Tenant, release: Digest) -> Watched {
    let is_active = tenant
        .active()
        .is_some_and(|active| active.digest == release);
    Watched {
        outcome: match is_active {
            true => Outcome::Kept,
            false => Outcome::Replaced,
        },
        release,
        answers: 0,
        failed: 0,
    }
}

/// The names alone: values are never told.
async fn variables(
    State(node): Here,
    Extension(by): By,
    Path(app): Path<String>,
) -> Answer<Vec<String>> {
    let app = allowed(&by, app)?;
    let tenant = node.tenant(&app)?;
    let variables = record::variables(&tenant.folder).map_err(NodeError::from)?;
    Ok(Json(variables.into_keys().collect()))
}

async fn set_variables(
    State(node): Here,
    Extension(by): By,
    Path(app): Path<String>,
    sent: Sent<Variables>,
) -> Answer<()> {
    let app = allowed(&by, app)?;
    let Json(changes) = sent?;
    blocking(move || node.set_variables(&app, changes, &by)).await
}

async fn log(
    State(node): Here,
    Extension(by): By,
    Path(app): Path<String>,
) -> Answer<Vec<LogLine>> {
    let app = allowed(&by, app)?;
    let tenant = node.tenant(&app)?;
    let logged = record::logged(&tenant.folder, MOST_LINES);
    Ok(Json(logged.map_err(|error| NodeError::Own(error.into()))?))
}

async fn cache(State(node): Here, Extension(by): By, Path(app): Path<String>) -> Answer<Listing> {
    let app = allowed(&by, app)?;
    let active = node.tenant(&app)?.active().ok_or(NodeError::NoApp(app))?;
    Ok(Json(admin::listing(&active.app)))
}

async fn purge(State(node): Here, Extension(by): By, Path(app): Path<String>) -> Answer<usize> {
    let app = allowed(&by, app)?;
    let active = node.tenant(&app)?.active().ok_or(NodeError::NoApp(app))?;
    Ok(Json(admin::purge(&active.app.policy.kept).await))
}

async fn revalidate(
    State(node): Here,
    Extension(by): By,
    Path(app): Path<String>,
    sent: Sent<Revalidate>,
) -> Answer<usize> {
    let app = allowed(&by, app)?;
    let Json(asked) = sent?;
    let active = node.tenant(&app)?.active().ok_or(NodeError::NoApp(app))?;
    let lapsed = admin::revalidate(&active.app.policy.kept, asked).await;
    Ok(Json(
        lapsed.map_err(|fault| Refusal::Malformed(fault.to_string()))?,
    ))
}

async fn missing(State(node): Here, sent: Sent<Vec<Wanted>>) -> Answer<Vec<Missing>> {
    let Json(wanted) = sent?;
    blocking(move || Ok(node.arrivals().missing(&wanted))).await
}

#[derive(Deserialize)]
struct Piece {
    at: u64,
    size: u64,
}

async fn take(
    State(node): Here,
    Path(digest): Path<String>,
    asked: Asked<Piece>,
    sent: Result<Bytes, BytesRejection>,
) -> Answer<Missing> {
    let digest = Digest::try_from(digest).map_err(|error| Refusal::Malformed(error.to_string()))?;
    let Query(Piece { at, size }) = asked?;
    let piece = sent?;
    let wanted = Wanted { digest, size };
    let taken = tokio::task::spawn_blocking(move || {
        let held = node.arrivals().take(&wanted, at, &piece)?;
        let digest = wanted.digest;
        Ok(Missing { digest, held })
    });
    taken.await.map_err(panicked)?.map(Json)
}

/// The app of a path, if the sender may do something with it.
fn allowed(by: &Access, app: String) -> Result<AppName, Refusal> {
    let app = AppName::try_from(app)?;
    match by.allows(&app) {
        true => Ok(app),
        false => Err(Refusal::OtherApp),
    }
}

fn allowed_hosts(by: &Access, hosts: &[HostName]) -> Result<(), Refusal> {
    match by.forbidden(hosts) {
        None => Ok(()),
        Some(host) => Err(Refusal::OtherHost(host.clone())),
    }
}

/// Does what waits for the disk away from the threads that serve.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, NodeError> + Send + 'static,
) -> Answer<T> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(Json(done.map_err(panicked)??))
}

fn panicked(panic: tokio::task::JoinError) -> Refusal {
    Refusal::Node(NodeError::Own(panic.into()))
}
