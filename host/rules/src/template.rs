//! Text with params in it: `/blog/:slug`.
//!
//! In: the text and the names that its rule knows, once; then what the params hold. Out: the text filled in.

use crate::source::{Captured, Captures, name};

/// A text, some of whose words are params.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Param(String),
}

/// The name after a colon that names no param of the rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unknown(pub(crate) String);

impl Template {
    /// Reads a text: `:name` is a param, with or without the `*` or `+` that its source has, and `\:` is a colon.
    ///
    /// # Errors
    ///
    /// [`Unknown`] for the first name that `known` lacks.
    pub(crate) fn parse(text: &str, known: &[String]) -> Result<Self, Unknown> {
        let mut template = Self::default();
        let mut rest = text;
        while let Some(at) = rest.find([':', '\\']) {
            let (before, from) = rest.split_at(at);
            template.push(before);
            let after = &from[1..];
            rest = match (from.starts_with('\\'), name(after)) {
                (true, _) => {
                    let (escaped, rest) =
                        after.split_at(after.chars().next().map_or(0, char::len_utf8));
                    template.push(escaped);
                    rest
                }
                (false, ("", rest)) => {
                    template.push(":");
                    rest
                }
                (false, (name, rest)) if known.iter().any(|known| known == name) => {
                    template.0.push(Piece::Param(name.to_owned()));
                    rest.strip_prefix(['*', '+']).unwrap_or(rest)
                }
                (false, (name, _)) => return Err(Unknown(name.to_owned())),
            };
        }
        template.push(rest);
        Ok(template)
    }

    /// Reads a text in which a colon may also be a colon: one before a name that `known` lacks, as in `data:`, stays.
    pub(crate) fn lenient(text: &str, known: &[String]) -> Self {
        let mut template = Self::default();
        let mut rest = text;
        while let Some(at) = rest.find(':') {
            let (before, from) = rest.split_at(at);
            let (word, after) = name(&from[1..]);
            template.push(before);
            if known.iter().any(|known| known == word) {
                template.0.push(Piece::Param(word.to_owned()));
                rest = after.strip_prefix(['*', '+']).unwrap_or(after);
            } else {
                template.push(&from[..1 + word.len()]);
                rest = after;
            }
        }
        template.push(rest);
        template
    }

    /// The same with each of its texts put otherwise.
    ///
    /// # Errors
    ///
    /// The first that `change` gives.
    pub(crate) fn map<E>(
        self,
        mut change: impl FnMut(String) -> Result<String, E>,
    ) -> Result<Self, E> {
        let pieces = self.0.into_iter().map(|piece| match piece {
            Piece::Text(text) => Ok(Piece::Text(change(text)?)),
            param @ Piece::Param(_) => Ok(param),
        });
        pieces.collect::<Result<_, _>>().map(Self)
    }

    /// Its texts without its params.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(&**text),
            Piece::Param(_) => None,
        })
    }

    pub(crate) fn uses(&self, name: &str) -> bool {
        let is_used = |piece: &Piece| matches!(piece, Piece::Param(used) if used == name);
        self.0.iter().any(is_used)
    }

    /// Whether it ends with a param that holds nothing.
    pub(crate) fn ends_with_nothing(&self, captures: &Captures) -> bool {
        matches!(self.0.last(), Some(Piece::Param(name)) if captures.get(name).is_none())
    }

    /// The text with what `spell` makes of each param; one that holds nothing leaves no trace.
    pub(crate) fn fill(&self, captures: &Captures, spell: impl Fn(&Captured) -> String) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(piece) => text += piece,
                Piece::Param(name) => {
                    if let Some(value) = captures.get(name) {
                        text += &spell(value);
                    }
                }
            }
        }
        text
    }

    fn push(&mut self, text: &str) {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Text(last)) => *last += text,
            _ => self.0.push(Piece::Text(text.to_owned())),
        }
    }
}
