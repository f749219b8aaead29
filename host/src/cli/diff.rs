//! `waystation diff`: says what is different between two releases.

use std::process::ExitCode;

use serde_json::Value;

use super::inspect::{kilobytes, open, word};
use super::{args, report};
use crate::deploy::diff::{Change, Compared, Diff, Field, Measured, Side, Words};

pub(super) fn run(args: &args::Diff) -> anyhow::Result<ExitCode> {
    let (from, to) = (open(&args.from)?, open(&args.to)?);
    let diff = Diff::of(&from.release, &to.release);
    if args.json {
        let json = serde_json::to_string_pretty(&diff)?;
        return Ok(report::data(&format!("{json}\n")));
    }
    Ok(report::data(&shown(&diff)))
}

fn shown(diff: &Diff) -> String {
    let (from, to) = (&diff.from, &diff.to);
    if from.digest == to.digest {
        return format!("Both are {}\n", from.digest);
    }
    let side = |sign: &str, side: &Side| {
        let (name, bytes) = (report::line(&side.name), kilobytes(side.bytes));
        format!("{sign} {name}  {}  {bytes}", side.digest)
    };
    let mut lines = vec![side("-", from), side("+", to)];
    let compared = [
        ("Routes", &diff.routes),
        ("Proxies", &diff.proxies),
        ("Files", &diff.files),
        ("Kept answers", &diff.answers),
    ];
    for (heading, compared) in compared {
        section(&mut lines, heading, parts(compared));
    }
    section(&mut lines, "Imports", words(&diff.imports));
    section(&mut lines, "Outbound hosts", words(&diff.outbound));
    let settings = diff.settings.then(|| "waystation.toml".to_owned());
    section(&mut lines, "Settings", settings.into_iter().collect());
    if lines.len() == 2 {
        lines.push("\nNothing that the manifests name is different".to_owned());
    }
    lines.join("\n") + "\n"
}

/// A heading and what is below it, if there is something.
fn section(lines: &mut Vec<String>, heading: &str, below: Vec<String>) {
    if !below.is_empty() {
        lines.push(format!("\n{heading}"));
        let below = below.iter().map(|line| report::line(line));
        lines.extend(below.map(|line| format!("  {line}")));
    }
}

fn words(words: &Words) -> Vec<String> {
    let removed = words.removed.iter().map(|word| format!("- {word}"));
    let added = words.added.iter().map(|word| format!("+ {word}"));
    removed.chain(added).collect()
}

fn parts(compared: &Compared) -> Vec<String> {
    let line = |sign| move |part: &_| sized(sign, part);
    let removed = compared.removed.iter().map(line("-"));
    let added = compared.added.iter().map(line("+"));
    let changed = compared.changed.iter().map(change);
    removed.chain(added).chain(changed).collect()
}

fn sized(sign: &str, part: &Measured) -> String {
    format!("{sign} {}  {}", part.name, kilobytes(part.bytes))
}

/// `~ /items  560 kB -> 562 kB  methods +POST, config.maxDuration 5 -> 10, other code`
fn change(change: &Change) -> String {
    let [from, to] = change.bytes.map(kilobytes);
    let bytes = match from == to {
        true => from,
        false => format!("{from} -> {to}"),
    };
    let fields: Vec<_> = change.fields.iter().map(field).collect();
    format!("~ {}  {bytes}  {}", change.name, fields.join(", "))
}

fn field(field: &Field) -> String {
    let Field { field, from, to } = field;
    match (field.as_str(), from, to) {
        ("component", ..) => "other code".to_owned(),
        ("content", ..) => "other content".to_owned(),
        (_, Value::Array(from), Value::Array(to)) => {
            let removed = from.iter().filter(|value| !to.contains(value));
            let removed = removed.map(|value| format!(" -{}", word(value)));
            let added = to.iter().filter(|value| !from.contains(value));
            let added = added.map(|value| format!(" +{}", word(value)));
            let all: String = removed.chain(added).collect();
            format!("{field}{all}")
        }
        _ => format!("{field} {} -> {}", value(from), value(to)),
    }
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "unset".to_owned(),
        set => word(set),
    }
}
