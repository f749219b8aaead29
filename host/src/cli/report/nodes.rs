//! What is said of nodes and of releases on them.

use std::net::SocketAddr;
use std::time::Duration;

use anstream::eprintln;
use owo_colors::OwoColorize as _;
use waystation_rules::forwarded::Scheme;
use waystation_rules::rollout::{AppName, Percent};

use super::{few, step, time, url, warning};
use crate::deploy::Address;
use crate::deploy::api::{App, Outcome, Staged, Watched};
use crate::node::Follow;
use crate::project::digest::Digest;

/// `node` serves.
pub(in crate::cli) fn node(
    scheme: Scheme,
    address: SocketAddr,
    (apps, active): (usize, usize),
    (admin, follows): (&[String], &[Follow]),
    took: Duration,
) {
    eprintln!(
        "{} Waystation {} serves {active} of {apps} apps on {}, ready in {}",
        "▲".bold(),
        env!("CARGO_PKG_VERSION"),
        url(scheme, address),
        time(took)
    );
    for address in admin {
        eprintln!("  - Deploy to: {address}");
    }
    for follow in follows {
        eprintln!("  - Follows:   {follow}");
    }
}

/// A node serves a release now.
pub(in crate::cli) fn deployed(
    node: &Address,
    app: &AppName,
    staged: &Staged,
    percent: Option<Percent>,
) {
    let to = percent.map_or_else(String::new, |percent| {
        format!(" to {percent} of its clients")
    });
    let release = staged.release.short();
    eprintln!(" {} {node} serves {app} {release}{to}", "✓".green());
    eprintln!("  - Preview: {}", staged.preview);
    if !staged.checked.is_empty() {
        eprintln!("  - Checked: {}", few(&staged.checked));
    }
}

/// The app has no name that a client could ask for.
pub(in crate::cli) fn no_hosts() {
    warning("the app answers no host but its previews'; name one with `--host`, or `*` for any");
}

/// A route would rather be somewhere else.
pub(in crate::cli) fn unsuited(file: &str, preferred: &[String]) {
    let regions = preferred.join(" or ");
    warning(&format!(
        "{file} prefers {regions}, where none of these nodes is; they serve it all the same"
    ));
}

/// `deploy` waits for what becomes of the release.
pub(in crate::cli) fn waiting() {
    step("watching how it does; `--no-wait` leaves that to the nodes");
}

/// What became of a new release.
pub(in crate::cli) fn verdict(node: &Address, watched: &Watched) {
    let Watched {
        release,
        outcome,
        answers,
        failed,
    } = watched;
    let release = release.short();
    match outcome {
        Outcome::Kept | Outcome::Watching => {
            eprintln!(
                " {} {node}: {release} stays; {failed} of {answers} answers failed",
                "✓".green()
            );
        }
        Outcome::RolledBack => eprintln!(
            "{}: {node} has taken {release} back: {failed} of {answers} answers failed\n\nhint: what was before it serves again; look at {release} under its preview, and at the node's log",
            "error".red().bold()
        ),
        Outcome::Replaced => eprintln!(
            "{}: {node} serves another release than {release} by now",
            "error".red().bold()
        ),
    }
}

/// What a node serves after a step.
pub(in crate::cli) fn active(node: &Address, app: &App) {
    let active = app
        .releases
        .active
        .as_ref()
        .map_or("nothing", Digest::short);
    eprintln!(" {} {node} serves {} {active}", "✓".green(), app.app);
}
