//! Every line that a person reads. Words go to standard error; they read the same without colour.

mod nodes;

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice, eprint, eprintln, print};
use owo_colors::OwoColorize as _;

use waystation_rules::forwarded::Scheme;

use super::prerender::{self, Answers};
use crate::build::{FailedRoute, failure};
use crate::deploy::registry::Reference;
use crate::dev::{Change, News};
use crate::project::environment::Found;
use crate::project::release::Release;
use crate::project::template::Sdk;
use crate::telemetry::{self, Format};

pub(super) use nodes::{active, deployed, no_hosts, node, unsuited, verdict, waiting};

/// What went wrong, and what to do.
pub(super) fn error(error: &anyhow::Error) {
    match telemetry::format() {
        Format::Text => line_of_log(&format!("{}: {error:#}", "error".red().bold())),
        Format::Json => tracing::error!("{error:#}"),
    }
}

/// A line of `start`, which goes to the log where a program reads it.
fn say(mark: impl Display, words: &str) {
    match telemetry::format() {
        Format::Text => line_of_log(&format!("{mark} {words}")),
        Format::Json => tracing::info!(target: "host", "{words}"),
    }
}

/// Text that says `error` itself, such as a compiler's.
pub(super) fn words(text: &str) {
    eprint!("{text}");
    if !text.ends_with('\n') {
        eprintln!();
    }
}

/// Prints a line the way the log is written: no request waits for whoever reads it.
fn line_of_log(line: &str) {
    let line = match AutoStream::choice(&std::io::stderr()) {
        ColorChoice::Never => format!("{}\n", strip_str(line)),
        _ => format!("{line}\n"),
    };
    telemetry::write_line(line.as_bytes());
}

/// What a program reads.
pub(super) fn data(text: &str) -> ExitCode {
    print!("{text}");
    ExitCode::SUCCESS
}

/// A line of what others wrote, such as a name in an archive: nothing in it moves a cursor or begins another line.
pub(super) fn line(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.trim_end().chars().map(shown).collect()
}

/// `new` is done: the next three commands.
pub(super) fn made(folder: &Path, name: &str, sdk: &Sdk) {
    let shown = folder.display();
    eprintln!(" {} Made {name} in {shown}", "✓".green());
    match sdk {
        Sdk::Folder(folder) => step(&format!("It depends on the SDK in {}", folder.display())),
        Sdk::Registry => step("It depends on the SDK of crates.io"),
    }
    eprintln!(
        "\nNext:\n\n  cd {shown}\n  waystation dev     # serve it and rebuild what you save\n  waystation test    # run its tests"
    );
}

/// `test` serves the app for the tests.
pub(super) fn serving_tests(url: &str) {
    step(&format!("Serving on {url} while the tests run"));
}

/// The first lines of `dev` and `build`.
pub(super) fn banner(what: &str, folder: &Path) {
    eprintln!(
        "{} {} ({what})",
        "▲".bold(),
        format_args!("Waystation {}", env!("CARGO_PKG_VERSION")).bold()
    );
    eprintln!("  - App:   {}", folder.display());
}

/// Where it listens; `asked` is the port that was taken, if it was.
pub(super) fn listening(address: SocketAddr, asked: u16) {
    if asked != 0 && address.port() != asked {
        eprintln!(
            "  Port {asked} is in use, using available port {} instead.",
            address.port()
        );
    }
    eprintln!("  - Local: {}", url(Scheme::Http, address));
}

/// Which `.env` files were read (row CL3), and which names that guests expect are set nowhere.
pub(super) fn environment(found: &Found, listed: &[String]) {
    if !found.files.is_empty() {
        say("  -", &format!("Environments: {}", found.files.join(", ")));
    }
    for name in found.environment.missing(listed) {
        warning(&format!(
            "`{name}` is in `env` of waystation.toml and set nowhere; guests do not see it"
        ));
    }
}

/// `dev` serves.
pub(super) fn ready(routes: usize, took: Duration) {
    eprintln!(
        " {} Ready in {} with {}",
        "✓".green(),
        time(took),
        count(routes)
    );
}

/// `start` serves.
pub(super) fn started(scheme: Scheme, address: SocketAddr, routes: usize, took: Duration) {
    let words = format!(
        "Waystation {} serves {} on {}, ready in {}",
        env!("CARGO_PKG_VERSION"),
        count(routes),
        url(scheme, address),
        time(took)
    );
    say("▲".bold(), &words);
}

/// A signal came.
pub(super) fn stopping() {
    step("Finishing what is running; again to stop at once");
}

/// Everything is over; the exit code says whether something was cut off.
pub(super) fn stopped(finished: bool) -> ExitCode {
    if finished {
        return ExitCode::SUCCESS;
    }
    warning("some connections did not end in time and were closed");
    ExitCode::FAILURE
}

/// What works and could be better.
pub(super) fn warning(text: &str) {
    match telemetry::format() {
        Format::Text => line_of_log(&format!("{}: {text}", "warning".yellow().bold())),
        Format::Json => tracing::warn!("{text}"),
    }
}

/// A change in `dev`.
pub(super) fn news(news: &News<'_>) {
    match news {
        News::Building(changed) => {
            let first = changed
                .iter()
                .next()
                .map(String::as_str)
                .unwrap_or_default();
            let more = match changed.len() {
                0 | 1 => String::new(),
                files => format!(" and {} more", files - 1),
            };
            eprintln!(" {} {first}{more} changed ...", "○".dimmed());
        }
        News::Live { change, took } => live(change, *took),
        News::Refused { error, served } => {
            eprintln!("{}: {error}", "error".red().bold());
            let state = match served {
                0 => "nothing is served until this is mended and saved",
                _ => "what was served before is still served",
            };
            eprintln!("\n{}: {state}", "note".bold());
        }
    }
}

/// What the compiler said of a change: its warnings, then its errors.
pub(super) fn said(change: &Change) {
    change
        .warnings
        .iter()
        .chain(&change.broken)
        .for_each(|text| words(text));
}

fn live(change: &Change, took: Duration) {
    let took = time(took);
    said(change);
    if change.broken.is_some() {
        eprintln!(
            " {} Not compiled ({took}); the other routes serve on",
            "✗".red()
        );
    }
    if !change.routes.is_empty() {
        eprintln!(" {} {} live in {took}", "✓".green(), few(&change.routes));
    }
    if !change.gone.is_empty() {
        eprintln!(" {} {} gone in {took}", "✓".green(), few(&change.gone));
    }
    if change.broken.is_none() && change.routes.is_empty() && change.gone.is_empty() {
        eprintln!(" {} No route is different ({took})", "✓".green());
    }
}

/// One step of something that takes long.
pub(super) fn step(line: &str) {
    say(format_args!(" {}", "○".dimmed()), line);
}

/// What a build could not make.
pub(super) fn failures(failed: &[FailedRoute]) {
    failure::terminal(failed)
        .iter()
        .for_each(|text| words(text));
    let files: Vec<_> = failed
        .iter()
        .map(|route| route.source.file.clone())
        .collect();
    eprintln!("{}: {} cannot be built", "error".red().bold(), few(&files));
}

/// `build` is done.
pub(super) fn built(release: &Release, root: &Path, took: Duration) {
    eprintln!(
        "\n {} Built {} in {}; serve it with `waystation start {}`",
        "✓".green(),
        release.digest.to_oci(),
        time(took),
        root.display()
    );
}

/// `pack` is done.
pub(super) fn packed(release: &Release, file: &Path) {
    eprintln!(
        " {} Packed {} into {}",
        "✓".green(),
        release.digest.to_oci(),
        file.display()
    );
}

/// `push` is done; so many bytes were not there.
pub(super) fn pushed(release: &Release, reference: &Reference, bytes: u64) {
    let (digest, all) = (release.digest.short(), release.bytes());
    let [sent, all] = [bytes, all].map(|bytes| bytes.div_ceil(1000));
    let done = "✓".green();
    eprintln!(" {done} Pushed {digest} to {reference}, {sent} of {all} kB");
}

/// `pull` is done.
pub(super) fn pulled(release: &Release, to: &Path) {
    let (digest, to) = (release.digest.to_oci(), to.display());
    eprintln!(" {} Pulled {digest} into {to}", "✓".green());
}

/// `check` is done.
pub(super) fn checked(routes: usize, took: Duration) {
    eprintln!(
        " {} {} without a fault in {}",
        "✓".green(),
        count(routes),
        time(took)
    );
}

/// The routes of a build that asked for their answers to be kept, and cannot have it.
pub(super) fn not_kept(all: &prerender::All) {
    for (file, answers) in all {
        if let Answers::Dynamic(reason) = answers {
            warning(&format!("{file} is answered on demand: {reason}"));
        }
    }
}

fn url(scheme: Scheme, address: SocketAddr) -> String {
    let scheme = scheme.as_str();
    match address.ip().is_loopback() || address.ip().is_unspecified() {
        true => format!("{scheme}://localhost:{}", address.port()),
        false => format!("{scheme}://{address}"),
    }
}

fn count(routes: usize) -> String {
    if routes == 1 {
        "1 route".to_owned()
    } else {
        format!("{routes} routes")
    }
}

fn few(routes: &[String]) -> String {
    match routes {
        [first, second, third, rest @ ..] if !rest.is_empty() => {
            format!("{first} {second} {third} and {} more", rest.len())
        }
        routes => routes.join(" "),
    }
}

fn time(took: Duration) -> String {
    match took.as_millis() {
        millis @ 0..10_000 => format!("{millis} ms"),
        _ => format!("{:.1} s", took.as_secs_f64()),
    }
}
