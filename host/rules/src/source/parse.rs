//! Takes a source apart.

use super::{SourceError, compile};
use crate::path;

/// A part of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// As a path would be spelt.
    Text(String),
    Param(Param),
}

/// `:name`, `:name(group)` or `(group)`, with the sign after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Param {
    pub(super) name: Option<String>,
    /// The `/` or `.` that comes and goes with it.
    pub(super) before: Option<char>,
    /// A regular expression without a group that captures; none for one segment.
    pub(super) group: Option<String>,
    /// What `group` excludes at its beginning.
    pub(super) never: Vec<String>,
    pub(super) times: Times,
}

/// How often a param may stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Times {
    Once,
    /// `?`
    Optional,
    /// `+`
    Many,
    /// `*`
    Any,
}

/// Reads the parts of a source; neighbouring texts are one.
pub(super) fn pieces(source: &str) -> Result<Vec<Piece>, SourceError> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut before = None; // the last character of `text`, if it can belong to a param
    let mut rest = source;
    while let Some(sign) = rest.chars().next() {
        match sign {
            ':' | '(' => {
                if before.is_some() {
                    text.pop();
                }
                flush(&mut text, &mut pieces)?;
                let (param, after) = param(rest, before)?;
                check(&param, &pieces)?;
                pieces.push(Piece::Param(param));
                (before, rest) = (None, after);
                continue;
            }
            '*' | '+' | '?' => return Err(SourceError::NothingToRepeat { sign }),
            '{' | '}' => return Err(SourceError::Brace { brace: sign }),
            '\\' => {
                rest = &rest[1..];
                text.push(rest.chars().next().ok_or(SourceError::NothingEscaped)?);
                before = None;
            }
            sign => {
                text.push(sign);
                before = matches!(sign, '/' | '.').then_some(sign);
            }
        }
        rest = &rest[rest.chars().next().map_or(0, char::len_utf8)..];
    }
    let is_root = pieces.is_empty() && text.len() == 1;
    if before == Some('/') && !is_root {
        text.pop();
    }
    flush(&mut text, &mut pieces)?;
    Ok(pieces)
}

fn flush(text: &mut String, pieces: &mut Vec<Piece>) -> Result<(), SourceError> {
    if !text.is_empty() {
        pieces.push(Piece::Text(path::spell(text)?));
        text.clear();
    }
    Ok(())
}

/// Reads the param that a text starts with, and returns what comes after it.
fn param(text: &str, before: Option<char>) -> Result<(Param, &str), SourceError> {
    let (name, rest) = match text.strip_prefix(':') {
        None => (None, text),
        Some(rest) => match name(rest) {
            ("", _) => return Err(SourceError::NoName),
            (name, rest) => (Some(name.to_owned()), rest),
        },
    };
    let (whole, rest) = match rest.starts_with('(') {
        false => (None, rest),
        true => {
            let (group, rest) = group(rest)?;
            (Some(group), rest)
        }
    };
    let (times, rest) = match rest.as_bytes().first() {
        Some(b'?') => (Times::Optional, &rest[1..]),
        Some(b'+') => (Times::Many, &rest[1..]),
        Some(b'*') => (Times::Any, &rest[1..]),
        _ => (Times::Once, rest),
    };
    let (never, group) = match whole {
        None => (Vec::new(), None),
        Some(whole) => {
            let (never, group) = never(whole)?;
            (never, Some(group.to_owned()))
        }
    };
    let param = Param {
        name,
        before,
        group,
        never,
        times,
    };
    Ok((param, rest))
}

/// The name that a text starts with, and what comes after it.
pub(crate) fn name(text: &str) -> (&str, &str) {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split_at(text.find(|c| !is_name(c)).unwrap_or(text.len()))
}

/// What is between the parenthesis that a text starts with and its partner, and what comes after that.
fn group(text: &str) -> Result<(&str, &str), SourceError> {
    let mut depth = 0;
    let mut is_escaped = false;
    for (at, sign) in text.char_indices() {
        match sign {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok((&text[1..at], &text[at + 1..]));
        }
    }
    Err(SourceError::OpenGroup {
        group: text.to_owned(),
    })
}

/// Takes every `(?!…)` off the beginning of a group.
fn never(whole: &str) -> Result<(Vec<String>, &str), SourceError> {
    let mut never = Vec::new();
    let mut rest = whole;
    while rest.starts_with("(?!") {
        let (ahead, after) = group(rest)?;
        never.push(ahead["?!".len()..].to_owned());
        rest = after;
    }
    Ok((never, rest))
}

/// Whether a param can follow the pieces before it.
fn check(param: &Param, pieces: &[Piece]) -> Result<(), SourceError> {
    let is_text = |piece: &Piece| matches!(piece, Piece::Text(_));
    let is_first = param.times == Times::Once && pieces.iter().all(is_text);
    if !is_first && !param.never.is_empty() {
        return Err(SourceError::Never);
    }
    let is_named = |piece: &Piece| matches!(piece, Piece::Param(other) if other.name == param.name);
    if let Some(name) = &param.name
        && pieces.iter().any(is_named)
    {
        return Err(SourceError::RepeatedName { name: name.clone() });
    }
    for group in param.group.iter().chain(&param.never) {
        if group.is_empty() {
            return Err(SourceError::EmptyGroup);
        }
        if group.starts_with('?') {
            return Err(SourceError::MarkedGroup {
                group: group.clone(),
            });
        }
        if 1 < compile(&format!("(?:{group})"), group)?.captures_len() {
            return Err(SourceError::CapturingGroup {
                group: group.clone(),
            });
        }
    }
    Ok(())
}
