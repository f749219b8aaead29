//! Reads the `source` of a rule, as Next's configuration spells it, and finds it in paths (row CF5).
//!
//! In: a source such as `/blog/:slug(\d+)` or `/docs/:path*`, once; then one [`Path`] per request.
//! Out: the [`Captures`] of its params, or the [`SourceError`] that says what to write instead.
//!
//! | source | matches |
//! |---|---|
//! | `/about` | `/about`, `/About`, `/about/` and nothing below it |
//! | `/:slug` | one segment |
//! | `/:slug?`, `/:path*`, `/:path+` | none or one, none or more, one or more, with the slash before each |
//! | `/:id(\d+)`, `/(.*)` | what the regular expression matches; without a name it is not kept |
//! | `/((?!api\|static).*)` | what does not go on so, where only text stands before it |
//! | `\(` | the character itself |
//!
//! What is matched is the path as a browser would escape it, in ASCII: `/caf%C3%A9`, which a source may also write `/café`. The matching
//! is done by `regex`, in time linear in the path's length whatever the source.

use regex::bytes::{Regex, RegexBuilder};

use crate::path::{Path, PathError};

mod captures;
mod parse;

pub(crate) use captures::Captured;
pub use captures::Captures;
pub(crate) use parse::name;
use parse::{Piece, Times};

/// Which paths a rule is about.
#[derive(Clone, Debug)]
pub struct Source {
    text: String,
    regex: Regex,
    /// The names of the regex's groups, and what parts a value that may stand there often; unnamed ones are not kept.
    names: Vec<Option<(String, Option<char>)>>,
    /// What the text must not go on with where a group begins.
    never: Vec<Never>,
}

#[derive(Clone, Debug)]
struct Never {
    group: usize,
    regex: Regex,
}

/// Why a text is no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// `about` or `https://example.com/about`.
    #[error("`{source_text}` does not start with a slash; write `/{}`", .source_text.trim_start_matches('/'))]
    NoSlash {
        /// The source.
        source_text: String,
    },

    /// Longer than [`LONGEST`].
    #[error("it has {length} bytes and can have {LONGEST}; make it several rules")]
    Long {
        /// Its bytes.
        length: usize,
    },

    /// Short, but of a matcher that would take too much memory: `/:a(\w{9999})`.
    #[error("it counts too far to be matched quickly; use `*` or `+` instead of large counts")]
    Large,

    /// `/a:/b`.
    #[error("`:` has no name after it; write `\\:` for the character")]
    NoName,

    /// One name used twice: `/:id/:id`.
    #[error("`:{name}` stands there twice; rename one of them")]
    RepeatedName {
        /// The name.
        name: String,
    },

    /// `/blog/*` or `/a?b=c`.
    #[error(
        "`{sign}` follows neither a param nor a group; write `:name{sign}`, or `\\{sign}` for the character{}",
        if *.sign == '?' { "; a query is matched with `has`" } else { "" }
    )]
    NothingToRepeat {
        /// `*`, `+` or `?`.
        sign: char,
    },

    /// `/a{/b}?`.
    #[error("`{brace}` means nothing here; write `\\{brace}` for the character, or two rules")]
    Brace {
        /// The brace.
        brace: char,
    },

    /// A backslash with nothing after it.
    #[error("`\\` at the end escapes nothing; remove it")]
    NothingEscaped,

    /// `/:id(\d+`.
    #[error("`{group}` has no `)` that ends it")]
    OpenGroup {
        /// From its parenthesis on.
        group: String,
    },

    /// `/:id()`.
    #[error("`()` holds no regular expression; write `(.*)` for anything")]
    EmptyGroup,

    /// `/(?:a|b)`.
    #[error("`({group})` is a group already; write it without the `?` and what belongs to it")]
    MarkedGroup {
        /// Between its parentheses.
        group: String,
    },

    /// `/:id((\d)+)`.
    #[error("`({group})` captures inside of what is captured; write `(?:` for the inner `(`")]
    CapturingGroup {
        /// Between its parentheses.
        group: String,
    },

    /// `/:a/((?!b).*)` or `/((?!b).*)+`.
    #[error(
        "`(?!…)` can only begin a group that has nothing but text before it and no sign after it"
    )]
    Never,

    /// `/:id([z-a])`.
    #[error("`({group})` is no regular expression: {fault}")]
    Regex {
        /// Between its parentheses.
        group: String,
        /// What is wrong.
        fault: String,
    },

    /// `/100%`.
    #[error(transparent)]
    Text(#[from] PathError),
}

/// Bytes that a source can have, as with Next.
pub const LONGEST: usize = 4096;

impl Source {
    /// Reads a source.
    ///
    /// Letters match in either case. A slash at the end may be there or not, in the source as in the path.
    ///
    /// # Errors
    ///
    /// The first [`SourceError`].
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        if LONGEST < text.len() {
            return Err(SourceError::Long { length: text.len() });
        }
        if !text.starts_with('/') {
            return Err(SourceError::NoSlash {
                source_text: text.to_owned(),
            });
        }
        let mut expression = "^".to_owned();
        let (mut names, mut never) = (Vec::new(), Vec::new());
        for piece in parse::pieces(text)? {
            match piece {
                Piece::Text(text) => expression += &regex::escape(&text),
                Piece::Param(param) => {
                    expression += &param.expression();
                    let parts = match param.times {
                        Times::Many | Times::Any => param.before,
                        Times::Once | Times::Optional => None,
                    };
                    names.push(param.name.map(|name| (name, parts)));
                    for ahead in &param.never {
                        let group = names.len();
                        let regex = compile(&format!("^(?:{ahead})"), ahead)?;
                        never.push(Never { group, regex });
                    }
                }
            }
        }
        Ok(Self {
            text: text.to_owned(),
            regex: compile(&(expression + "/?$"), text)?,
            names,
            never,
        })
    }

    /// The source as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of its params, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().flatten().map(|(name, _)| name.as_str())
    }

    /// What the params hold in a path; none if the path is another. A param that is optional, or that matched nothing, is left out.
    #[must_use]
    pub fn find(&self, path: &Path<'_>) -> Option<Captures> {
        let text = path.spelt();
        let found = self.regex.captures(text.as_bytes())?;
        let goes_on = |never: &Never| {
            let rest = found
                .get(never.group)
                .map(|at| &text.as_bytes()[at.start()..]);
            rest.is_some_and(|rest| never.regex.is_match(rest))
        };
        if self.never.iter().any(goes_on) {
            return None;
        }
        let mut captures = Captures::default();
        for (place, name) in self.names.iter().enumerate() {
            let value = found.get(place + 1).and_then(|at| text.get(at.range()));
            if let (Some((name, parts)), Some(value)) = (name, value) {
                captures.add(name, Captured::Path(value.to_owned(), *parts));
            }
        }
        Some(captures)
    }
}

impl parse::Param {
    /// The param as a part of a regular expression, with exactly one capturing group.
    fn expression(&self) -> String {
        let before = self
            .before
            .map_or_else(String::new, |sign| regex::escape(&sign.to_string()));
        let one = self.group.as_deref().unwrap_or("[^/]+?");
        match (self.times, &*before) {
            (Times::Once, _) => format!("{before}({one})"),
            (Times::Optional, _) => format!("(?:{before}({one}))?"),
            (Times::Many, "") => format!("((?:{one})+)"),
            (Times::Any, "") => format!("((?:{one})*)"),
            (Times::Many, _) => format!("{before}((?:{one})(?:{before}(?:{one}))*)"),
            (Times::Any, _) => format!("(?:{before}((?:{one})(?:{before}(?:{one}))*))?"),
        }
    }
}

/// Compiles an expression that matches ASCII; `group` is what an error shows of it.
fn compile(expression: &str, group: &str) -> Result<Regex, SourceError> {
    let regex = RegexBuilder::new(expression)
        .unicode(false)
        .case_insensitive(true)
        .dot_matches_new_line(true)
        .size_limit(LARGEST)
        .build();
    regex.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => SourceError::Large,
        error => SourceError::Regex {
            group: group.to_owned(),
            fault: fault(&error),
        },
    })
}

/// The last line of what `regex` says, which shows the place first.
pub(crate) fn fault(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

/// Bytes that a compiled expression may take.
pub(crate) const LARGEST: usize = 1 << 20;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
