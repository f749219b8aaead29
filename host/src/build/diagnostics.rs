//! The compiler's words as the author of a route should read them.
//!
//! In: rustc's JSON. Out: a [`Diagnostic`] that names `app/items/[slug]/route.rs` and never the package that was written for it.
//!
//! Dropped: sums ("aborting due to 2 previous errors"), advice about the compiler, and what is said twice.

use crate::project::place::Place;
use cargo_metadata::diagnostic::{Diagnostic as Raw, DiagnosticLevel};
use std::collections::HashSet;

/// One error or warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it keeps the route from being built.
    pub level: Level,
    /// The file from the app's root, or absolute for one outside; absent if it is about no file.
    pub file: Option<String>,
    /// Where in the file.
    pub place: Option<Place>,
    /// The text as rustc prints it, without colour.
    pub rendered: String,
    /// The text with terminal colours.
    pub rendered_ansi: String,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// The route is not built.
    Error,
    /// The route is built all the same.
    Warning,
}

impl Diagnostic {
    /// An error that is about no line of a file.
    #[must_use]
    pub fn plain(text: String) -> Diagnostic {
        Diagnostic {
            level: Level::Error,
            file: None,
            place: None,
            rendered_ansi: text.clone(),
            rendered: text,
        }
    }
}

/// Reads what rustc said: nothing if it is of no use to anybody, several where the SDK's macro tells all faults of a file in one message.
#[must_use]
pub fn read(raw: &Raw) -> Vec<Diagnostic> {
    let level = match raw.level {
        DiagnosticLevel::Error | DiagnosticLevel::Ice => Level::Error,
        DiagnosticLevel::Warning => Level::Warning,
        _ => return Vec::new(),
    };
    if raw.spans.is_empty() && is_sum(&raw.message) {
        return Vec::new();
    }
    let primary = raw.spans.iter().find(|span| span.is_primary);
    if primary.is_some_and(|span| is_written(&span.file_name)) && raw.message.contains(ARROW) {
        return raw
            .message
            .split("\n\nerror: ")
            .map(|message| told(level, message))
            .collect();
    }
    let rendered_ansi = as_the_author_sees(raw.rendered.as_deref().unwrap_or(&raw.message));
    vec![Diagnostic {
        level,
        file: primary.map(|span| as_the_author_sees(&span.file_name)),
        place: primary.map(|span| Place {
            line: span.line_start,
            column: span.column_start,
        }),
        rendered: anstream::adapter::strip_str(&rendered_ansi).to_string(),
        rendered_ansi,
    }]
}

/// Each of some diagnostics once, in their order.
#[must_use]
pub fn distinct(diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut seen = HashSet::new();
    diagnostics
        .into_iter()
        .filter(|diagnostic| seen.insert((diagnostic.level, diagnostic.rendered.clone())))
        .collect()
}

/// The part of cargo's own words that says what is wrong.
pub(super) fn cargo_error(words: &str) -> String {
    let is_noise = |line: &&str| {
        line.starts_with("error: could not compile")
            || line.starts_with("warning: build failed, waiting")
            || (line.starts_with("warning: `") && line.contains(") generated "))
    };
    let lines: Vec<_> = words.lines().filter(|line| !is_noise(line)).collect();
    as_the_author_sees(lines.join("\n").trim())
}

/// Counts of what was said before, which only confuse once the list is another one.
fn is_sum(message: &str) -> bool {
    message.starts_with("aborting due to ")
        || message.ends_with(" warning emitted")
        || message.ends_with(" warnings emitted")
}

/// What stands before a place in a message.
const ARROW: &str = "--> ";

/// The SDK's macro reads `route.rs` itself and cannot point there, so its messages bring their place and source line along as text.
fn told(level: Level, message: &str) -> Diagnostic {
    let (word, colour) = match level {
        Level::Error => ("error", "\u{1b}[1m\u{1b}[91m"),
        Level::Warning => ("warning", "\u{1b}[1m\u{1b}[33m"),
    };
    let message = message.trim_end();
    let (file, place) = told_place(message);
    let (first, rest) = message.split_at(message.find('\n').unwrap_or(message.len()));
    Diagnostic {
        level,
        file,
        place,
        rendered: format!("{word}: {message}\n\n"),
        rendered_ansi: format!("{colour}{word}\u{1b}[0m\u{1b}[1m: {first}\u{1b}[0m{rest}\n\n"),
    }
}

/// Reads `--> app/x/route.rs:3:8`, or only the file.
fn told_place(message: &str) -> (Option<String>, Option<Place>) {
    let Some(text) = message
        .lines()
        .find_map(|line| line.trim_start().strip_prefix(ARROW))
    else {
        return (None, None);
    };
    let mut parts = text.trim().rsplitn(3, ':');
    let mut number = || parts.next().and_then(|part| part.parse().ok());
    match (number(), number()) {
        (Some(column), Some(line)) => (
            parts.next().map(str::to_owned),
            Some(Place { line, column }),
        ),
        _ => (Some(text.trim().to_owned()), None),
    }
}

/// The start of the path to every file that was written for a route.
const WRITTEN: &str = ".waystation/routes/";

/// From there back to the app's root.
const BACK: &str = "/src/../../../../";

fn is_written(file: &str) -> bool {
    as_the_author_sees(file).contains(WRITTEN)
}

/// Shortens `.waystation/routes/x/src/../../../../app/y/route.rs` to `app/y/route.rs` wherever it stands in a text.
fn as_the_author_sees(text: &str) -> String {
    let mut parts = text.split(WRITTEN);
    let mut short = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(BACK) {
            Some((package, rest)) if !package.contains(['/', '\n']) => short.push_str(rest),
            _ => {
                short.push_str(WRITTEN);
                short.push_str(part);
            }
        }
    }
    short
}

#[cfg(test)]
mod tests;
