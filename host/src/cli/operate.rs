//! `waystation revalidate` and `waystation cache`: what an operator asks of the app that runs in a folder.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use super::{args, report};
use crate::server::admin::{self, Counted, Listed, Listing, Revalidate};

pub(super) fn revalidate(args: args::Revalidate) -> anyhow::Result<ExitCode> {
    let asked = Revalidate {
        tags: args.tags,
        paths: args.paths,
        profile: args.profile,
        kind: args.kind,
    };
    let body = serde_json::to_vec(&asked)?;
    ask(&args.app.dir, Method::POST, "/revalidate", body)?;
    let mut what = asked.tags.iter().chain(&asked.paths);
    let first = what.next().cloned().unwrap_or_default();
    let what = what.fold(first, |all, next| all + ", " + next);
    report::step(&format!("out of date: {what}"));
    Ok(ExitCode::SUCCESS)
}

pub(super) fn cache(args: &args::Cache) -> anyhow::Result<ExitCode> {
    if args.purge {
        let purged = ask(&args.app.dir, Method::DELETE, "/cache", Vec::new())?;
        report::step(&format!("removed: {}", String::from_utf8_lossy(&purged)));
        return Ok(ExitCode::SUCCESS);
    }
    let listed = ask(&args.app.dir, Method::GET, "/cache", Vec::new())?;
    if args.json {
        return Ok(report::data(&format!(
            "{}\n",
            String::from_utf8_lossy(&listed)
        )));
    }
    let listed: Listing = serde_json::from_slice(&listed)?;
    Ok(report::data(
        &(counts(&listed.routes) + &table(&listed.entries)),
    ))
}

/// A line for each route, and an empty one.
fn counts(routes: &[Counted]) -> String {
    let line = |route: &Counted| {
        let Counted {
            pattern,
            hit,
            stale,
            miss,
        } = route;
        format!("{pattern}: {hit} HIT, {stale} STALE, {miss} MISS\n")
    };
    let lines: String = routes.iter().map(line).collect();
    match lines.is_empty() {
        true => lines,
        false => lines + "\n",
    }
}

/// A line for each entry.
fn table(listed: &[Listed]) -> String {
    let width = listed.iter().map(|entry| entry.label.chars().count()).max();
    let width = width.unwrap_or_default();
    let line = |entry: &Listed| {
        let kind = format!("{:?}", entry.kind).to_lowercase();
        let (label, state, age) = (&entry.label, &entry.state, entry.age);
        let tags = entry.tags.iter().filter(|tag| !tag.starts_with("_N_T_"));
        let tags: Vec<_> = tags.map(String::as_str).collect();
        let (kilobytes, tags) = (entry.bytes.div_ceil(1000), tags.join(" "));
        let line = format!(
            "{kind:<6}  {label:<width$}  {state:<5}  {age:>6} s  {kilobytes:>5} kB  {tags}"
        );
        format!("{}\n", line.trim_end())
    };
    listed.iter().map(line).collect()
}

/// Asks the app that runs in a folder.
fn ask(dir: &Path, method: Method, path: &str, body: Vec<u8>) -> anyhow::Result<Bytes> {
    let socket = admin::socket(dir);
    let request = Request::builder().method(method).uri(path);
    let request = request
        .header("host", "admin")
        .body(Full::new(Bytes::from(body)))?;
    let (status, answer) = super::runtime()?.block_on(async {
        let stream = UnixStream::connect(&socket).await;
        let stream = stream.with_context(|| {
            let dir = dir.display();
            format!(
                "no app is running in {dir}\n\nhint: `waystation start` or `dev` has to run there"
            )
        })?;
        let (mut send, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let answer = send.send_request(request).await?;
        let status = answer.status();
        anyhow::Ok((status, answer.into_body().collect().await?.to_bytes()))
    })?;
    anyhow::ensure!(
        status == StatusCode::OK,
        "{}",
        String::from_utf8_lossy(&answer)
    );
    Ok(answer)
}
