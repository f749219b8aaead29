//! `waystation inspect`: says what is in a release.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};
use waystation_rules::method::Methods;
use waystation_rules::segment::Declared;

use super::progress::Bytes;
use super::{args, report};
use crate::deploy::inspect::{Summary, imports};
use crate::deploy::{self, Opened};
use crate::project::manifest::{File, Manifest};

pub(super) fn run(args: &args::Inspect) -> anyhow::Result<ExitCode> {
    let opened = open(&args.what)?;
    let summary = Summary::of(&opened.release);
    if args.json {
        let json = serde_json::to_string_pretty(&summary)?;
        return Ok(report::data(&format!("{json}\n")));
    }
    Ok(report::data(&shown(&summary)))
}

/// Opens a release that a person named, with a bar for an archive.
pub(super) fn open(what: &Path) -> anyhow::Result<Opened> {
    let bytes = what.metadata().map_or(0, |metadata| metadata.len());
    let bar = Bytes::new("Reading", bytes);
    Ok(deploy::open(what, Path::new("."), &|more| bar.add(more))?)
}

/// Bytes as people read them.
pub(super) fn kilobytes(bytes: u64) -> String {
    format!("{} kB", bytes.div_ceil(1000))
}

/// What is set of a route's or a proxy's constants: `maxDuration=5`.
pub(super) fn config(declared: Option<&Declared>) -> String {
    let Value::Object(fields) = json!(declared) else {
        return String::new();
    };
    let set = fields.iter().filter(|(_, value)| !value.is_null());
    let set: Vec<_> = set
        .map(|(name, value)| format!("{name}={}", word(value)))
        .collect();
    set.join(" ")
}

/// A value of JSON in a line of words: a text without its quotes.
pub(super) fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn shown(summary: &Summary<'_>) -> String {
    let manifest = summary.manifest;
    let created = summary.created.as_deref().unwrap_or("unknown");
    let mut text = format!(
        "{}  {}\nMade {created}, {} in {} blobs\n",
        report::line(&manifest.name),
        summary.digest,
        kilobytes(summary.bytes),
        summary.blobs
    );
    let width = width(manifest);
    section(&mut text, "Routes", manifest.routes.iter(), |route| {
        let (methods, bytes) = (methods(route.methods), kilobytes(route.component.bytes));
        let config = config(route.config.as_ref());
        format!("{:<width$} {bytes:>9}  {methods}  {config}", route.pattern)
    });
    section(&mut text, "Proxies", manifest.proxies.iter(), |proxy| {
        let bytes = kilobytes(proxy.component.bytes);
        let config = config(Some(&proxy.config));
        format!("{:<width$} {bytes:>9}  {config}", proxy.file)
    });
    let imports = imports(manifest).into_iter();
    let components = manifest.routes.len() + manifest.proxies.len();
    section(&mut text, "Imports", imports, |(import, by)| {
        match by.len() == components {
            true => import.to_owned(),
            false => format!("{import:<width$}  {}", by.join(" ")),
        }
    });
    let outbound = manifest.outbound.iter();
    section(&mut text, "Outbound hosts", outbound, String::clone);
    section(&mut text, "Files", manifest.files.iter(), |file| {
        let bytes = kilobytes(file.blob.bytes);
        format!("{:<width$} {bytes:>9}  {}", file.pattern, encodings(file))
    });
    let answers = manifest.routes.iter();
    let answers = answers.flat_map(|route| route.kept.iter().flatten());
    section(&mut text, "Kept answers", answers, |answer| {
        let bytes = kilobytes(answer.blob.bytes);
        let life = answer.life.revalidate;
        let life = life.map_or_else(String::new, |seconds| format!("stale after {seconds} s"));
        format!("{:<width$} {bytes:>9}  {life}", answer.path)
    });
    text
}

/// A heading and a line for each item; nothing where there is none.
fn section<T>(
    text: &mut String,
    heading: &str,
    items: impl Iterator<Item = T>,
    line: impl Fn(T) -> String,
) {
    let mut items = items.peekable();
    if items.peek().is_none() {
        return;
    }
    let _always_fits = writeln!(text, "\n{heading}");
    for item in items {
        let _always_fits = writeln!(text, "  {}", report::line(&line(item)));
    }
}

/// That of the longest name.
fn width(manifest: &Manifest) -> usize {
    let routes = manifest.routes.iter();
    let answers = routes.clone().flat_map(|route| route.kept.iter().flatten());
    let names = routes
        .map(|route| &route.pattern)
        .chain(manifest.proxies.iter().map(|proxy| &proxy.file))
        .chain(manifest.files.iter().map(|file| &file.pattern))
        .chain(answers.map(|answer| &answer.path));
    names.map(|name| name.chars().count()).max().unwrap_or(0)
}

fn methods(methods: Methods) -> String {
    let names: Vec<_> = methods.iter().map(|method| method.as_str()).collect();
    names.join(" ")
}

fn encodings(file: &File) -> String {
    let encoded = file.encoded.iter();
    let names: Vec<_> = encoded.map(|(encoding, _)| encoding.token()).collect();
    names.join(" ")
}
