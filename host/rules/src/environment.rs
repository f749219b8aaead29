//! What of the environment do guests see?
//!
//! In: the names that `waystation.toml` lists, the text of each `.env` file, and a look at the process's environment. Out: a value for
//! each listed name, or every fault of the files. A guest never sees a name that is not listed, nor one of the host's own.
//!
//! The files are read as Next reads them (row CL9): dotenv's grammar for lines, dotenv-expand's for `$NAME`. It is written out here
//! because the crates for it differ: `dotenvy` ends `$DB_HOST` at the underscore and asks the process itself, `dotenv-parser` knows no
//! empty value. Messages never quote a line: it may hold a secret.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What begins the names that are the host's own and never a guest's.
pub const OWN: &str = "WAYSTATION_";

/// What the program runs for. It says which files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `waystation dev`.
    Development,
    /// `waystation start`, and `build`.
    Production,
    /// `waystation test`: without `.env.local`, so that a test is the same on each machine.
    Test,
}

impl Mode {
    /// The files in the app's root that may be there, those that win first (row CL9).
    #[must_use]
    pub fn files(self) -> Vec<String> {
        let mode = match self {
            Mode::Development => "development",
            Mode::Production => "production",
            Mode::Test => "test",
        };
        let mut files = vec![format!(".env.{mode}.local")];
        if self != Mode::Test {
            files.push(".env.local".to_owned());
        }
        files.extend([format!(".env.{mode}"), ".env".to_owned()]);
        files
    }
}

/// What guests see of the environment: names and values. Its `Debug` shows the names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(Vec<(String, String)>);

impl Environment {
    /// The names and values, in the order in which the names are listed.
    #[must_use]
    pub fn values(&self) -> &[(String, String)] {
        &self.0
    }

    /// The listed names that have no value.
    #[must_use]
    pub fn missing<'a>(&self, listed: &'a [String]) -> Vec<&'a str> {
        let is_set = |name: &str| self.0.iter().any(|(set, _)| set == name);
        let names = listed.iter().map(String::as_str);
        names.filter(|name| !is_set(name)).collect()
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

/// What is wrong with a name in `env` of `waystation.toml`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No name that a program could ask for.
    #[error(
        "`env[{at}]`: `{name}` is no name of a variable; write letters, digits and `_`, such as `DATABASE_URL`"
    )]
    Malformed {
        /// Its place in the list, from 0.
        at: usize,
        /// As it was written.
        name: String,
    },

    /// One of the host's own.
    #[error(
        "`env[{at}]`: `{name}` is the host's own, and guests see none that begin with `{OWN}`; give it another name"
    )]
    Own {
        /// Its place in the list, from 0.
        at: usize,
        /// As it was written.
        name: String,
    },
}

/// What is wrong in a `.env` file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// A line that sets nothing.
    #[error(
        "this line sets nothing\n  --> {file}:{line}\n\nhint: write `NAME=value`, or begin it with `#`"
    )]
    Line {
        /// The file's name.
        file: String,
        /// From 1.
        line: usize,
    },

    /// `A=$B` and `B=$A`.
    #[error(
        "`{name}` is made of itself\n  --> {file}:{line}\n\nhint: write one of the values out; `\\$` is a plain `$`"
    )]
    Circle {
        /// The variable.
        name: String,
        /// The file's name.
        file: String,
        /// From 1.
        line: usize,
    },
}

/// Whether guests may be told of these names.
///
/// # Errors
///
/// A [`NameError`] for the first that they may not.
pub fn check_names(listed: &[String]) -> Result<(), NameError> {
    for (at, name) in listed.iter().enumerate() {
        let name = name.clone();
        let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !starts_well || !name.bytes().all(is_word) {
            return Err(NameError::Malformed { at, name });
        }
        if name.starts_with(OWN) {
            return Err(NameError::Own { at, name });
        }
    }
    Ok(())
}

/// Settles the value of each listed name: what the process has, else what the first file says that sets it (row CL9).
///
/// `files` are names and texts, those that win first. `process` looks a name up in the process's own environment.
///
/// # Errors
///
/// Every [`FileError`] of the files, in their order.
pub fn resolve(
    listed: &[String],
    files: &[(String, String)],
    process: impl Fn(&str) -> Option<String>,
) -> Result<Environment, Vec<FileError>> {
    let mut faults = Vec::new();
    let mut set = BTreeMap::new();
    for (file, text) in files {
        for (name, value) in read(file, text, &mut faults) {
            set.entry(name).or_insert(value);
        }
    }
    let process = |name: &str| match name.starts_with(OWN) {
        true => None,
        false => process(name),
    };
    let mut expansion = Expansion {
        set: &set,
        process: &process,
        inside: Vec::new(),
        faults: Vec::new(),
    };
    let mut values: Vec<(String, String)> = Vec::new();
    for name in listed {
        let is_first = values.iter().all(|(known, _)| known != name);
        if let Some(value) = expansion.value(name).filter(|_| is_first) {
            values.push((name.clone(), value));
        }
    }
    faults.extend(expansion.faults);
    match faults.is_empty() {
        true => Ok(Environment(values)),
        false => Err(faults),
    }
}

/// What a file says of one name, before its references are filled in.
struct Set {
    value: String,
    file: String,
    line: usize,
}

/// dotenv's grammar: `export` before and a comment behind, in quotes over several lines, `:` for `=`; the last one of a name counts.
fn read(file: &str, text: &str, faults: &mut Vec<FileError>) -> BTreeMap<String, Set> {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r#"(?m)^\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\n]+)?\s*(?:#.*)?$"#;
        Regex::new(pattern).expect("a pattern that the tests compile")
    });
    let text = text.trim_start_matches('\u{feff}');
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut set = BTreeMap::new();
    let mut end = 0;
    for found in LINE.captures_iter(&text) {
        let (Some(whole), Some(name)) = (found.get(0), found.get(1)) else {
            continue;
        };
        check_gap(file, &text, end..whole.start(), faults);
        end = whole.end();
        let value = unquoted(found.get(2).map_or("", |value| value.as_str()).trim());
        let (file, line) = (file.to_owned(), line_of(&text, name.start()));
        set.insert(name.as_str().to_owned(), Set { value, file, line });
    }
    check_gap(file, &text, end..text.len(), faults);
    set
}

/// What is between two settings may be empty lines and comments.
fn check_gap(file: &str, text: &str, gap: std::ops::Range<usize>, faults: &mut Vec<FileError>) {
    let mut at = gap.start;
    for line in text[gap].split_inclusive('\n') {
        let said = line.trim_start();
        if !said.is_empty() && !said.starts_with('#') {
            faults.push(FileError::Line {
                file: file.to_owned(),
                line: line_of(text, at + line.len() - said.len()),
            });
        }
        at += line.len();
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Takes the quotes off. Between double ones, `\n` and `\r` are the characters.
fn unquoted(value: &str) -> String {
    let inside = ['\'', '"', '`'].iter().find_map(|quote| {
        let inside = value.strip_prefix(*quote)?.strip_suffix(*quote)?;
        Some((quote, inside))
    });
    match inside {
        Some(('"', inside)) => inside.replace("\\n", "\n").replace("\\r", "\r"),
        Some((_, inside)) => inside.to_owned(),
        None => value.to_owned(),
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Fills references in, those in the values of others too.
struct Expansion<'a> {
    set: &'a BTreeMap<String, Set>,
    process: &'a dyn Fn(&str) -> Option<String>,
    /// The names whose values are being filled in.
    inside: Vec<String>,
    faults: Vec<FileError>,
}

impl Expansion<'_> {
    fn value(&mut self, name: &str) -> Option<String> {
        if let Some(value) = (self.process)(name) {
            return Some(value);
        }
        let Set { value, file, line } = self.set.get(name)?;
        if self.inside.iter().any(|outer| outer == name) {
            let fault = FileError::Circle {
                name: name.to_owned(),
                file: file.clone(),
                line: *line,
            };
            if !self.faults.contains(&fault) {
                self.faults.push(fault);
            }
            return None;
        }
        self.inside.push(name.to_owned());
        let value = self.fill_in(value).into_owned();
        self.inside.pop();
        Some(value)
    }

    /// `$NAME`, `${NAME}` and `${NAME:-default}`; `\$` is a plain `$`. What is not set, or empty, is the default or nothing.
    fn fill_in<'a>(&mut self, value: &'a str) -> Cow<'a, str> {
        static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
            let pattern = r"\\\$|\$\{([A-Za-z0-9_]+)(?::-([^}\\]*))?\}|\$([A-Za-z0-9_]+)";
            Regex::new(pattern).expect("a pattern that the tests compile")
        });
        REFERENCE.replace_all(value, |found: &Captures<'_>| {
            let Some(name) = found.get(1).or_else(|| found.get(3)) else {
                return "$".to_owned();
            };
            let value = self.value(name.as_str()).filter(|value| !value.is_empty());
            let default = || found.get(2).map_or("", |default| default.as_str());
            value.unwrap_or_else(|| default().to_owned())
        })
    }
}

#[cfg(test)]
mod tests;
