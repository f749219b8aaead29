//! Asks a release that nobody else can ask yet, through the pipeline that all requests take.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http::header::HOST;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tokio_util::task::TaskTracker;
use waystation_rules::method::Method;

use super::inspect::Fault;
use crate::app::{App, Handler};
use crate::http::Upload;
use crate::pipeline;
use crate::project::settings::Checks;
use crate::sandbox::Asker;

/// Until an answer begins.
const PATIENCE: Duration = Duration::from_secs(15);

/// Asks each path that the app wants checked, as a client who means `host`. Returns them with what is wrong.
pub(super) async fn check(
    app: &Arc<App>,
    checks: &Checks,
    host: &str,
) -> (Vec<String>, Vec<Fault>) {
    let (paths, limit) = match &checks.paths {
        Some(paths) => (paths.clone(), 400),
        None => (plain(app), 500),
    };
    let mut faults = Vec::new();
    for path in &paths {
        if let Err(what) = ask(app, path, host, limit).await {
            let path = path.clone();
            faults.push(Fault::Check { path, what });
        }
    }
    (paths, faults)
}

/// The paths of the routes that have GET and no params.
fn plain(app: &App) -> Vec<String> {
    let has_get = |handler: &Handler| {
        let mut methods = handler
            .guest()
            .into_iter()
            .flat_map(|guest| guest.methods().iter());
        methods.any(|method| method == Method::Get)
    };
    let entries = app.table.entries();
    let plain =
        entries.filter(|entry| !entry.pattern.is_dynamic() && has_get(&entry.route.handler));
    let base = app.policy.rules.base().as_str();
    let path = |pattern: String| {
        let pattern = utf8_percent_encode(&pattern, ESCAPED).to_string();
        let path = format!("{base}{}", if pattern == "/" { "" } else { &pattern });
        match app.policy.trailing_slash || path.is_empty() {
            true => path + "/",
            false => path,
        }
    };
    plain.map(|entry| path(entry.pattern.to_string())).collect()
}

/// What stands for itself in a folder's name and not in a URL.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`');

/// Asks for one path, whose status has to be below `limit`.
async fn ask(app: &Arc<App>, path: &str, host: &str, limit: u16) -> Result<(), String> {
    let request = Request::get(path).header(HOST, host);
    let request = request.body(Upload::default());
    let request = request.map_err(|error| format!("cannot be asked: {error}"))?;
    let asker = Asker::client(IpAddr::V4(Ipv4Addr::LOCALHOST), app.policy.scheme);
    let asked = pipeline::respond(Arc::clone(app), asker, request, TaskTracker::new());
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(response) if response.status().as_u16() < limit => Ok(()),
        Ok(response) => Err(format!("answers {}", response.status())),
        Err(_) => Err(format!("does not answer within {} s", PATIENCE.as_secs())),
    }
}
