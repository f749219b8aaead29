//! What the params of a rule hold.

use std::borrow::Cow;

use percent_encoding::{CONTROLS, utf8_percent_encode};

use crate::cookies::COMPONENT;
use crate::path;

/// The params of a rule that matched, by name: from its source, then from its conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captures(Vec<(String, Captured)>);

/// Where a value came from, which decides how it is escaped elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Captured {
    /// A part of the path, as [`path::Path::spelt`]; a slash in it is one. Of a param that may stand there often, with what parts it.
    Path(String, Option<char>),
    /// Any text that the client sent elsewhere.
    Text(String),
}

impl Captures {
    /// The params as they would stand in a path: still escaped.
    pub fn iter(&self) -> impl Iterator<Item = (&str, String)> {
        self.0
            .iter()
            .map(|(name, value)| (&**name, value.in_path()))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &Captured)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Captured> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value)
    }

    /// Adds a param; nothing if its name or its value is empty. A later one wins.
    pub(crate) fn add(&mut self, name: &str, value: Captured) {
        if name.is_empty() || value.is_empty() {
            return;
        }
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, earlier)) => *earlier = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }
}

impl Captured {
    fn is_empty(&self) -> bool {
        let (Self::Path(text, _) | Self::Text(text)) = self;
        text.is_empty()
    }

    /// As a part of a path or a hash. A text is one segment, whatever it holds.
    pub(crate) fn in_path(&self) -> String {
        match self {
            Self::Path(text, _) => text.clone(),
            Self::Text(text) => path::escape(text),
        }
    }

    /// As the value of a query's pair, as `encodeURIComponent` spells it.
    pub(crate) fn in_query(&self) -> String {
        match self {
            Self::Path(text, _) => path_in_query(text),
            Self::Text(text) => text_in_query(text),
        }
    }

    /// The same for a pair each, where a param may stand there often.
    pub(crate) fn pairs_in_query(&self) -> Vec<String> {
        match self {
            Self::Path(text, Some(sign)) => text.split(*sign).map(path_in_query).collect(),
            _ => vec![self.in_query()],
        }
    }

    /// As a part of a header: what would break out of one is escaped.
    pub(crate) fn in_header(&self) -> String {
        let (Self::Path(text, _) | Self::Text(text)) = self;
        utf8_percent_encode(text, CONTROLS).to_string()
    }
}

fn path_in_query(text: &str) -> String {
    text_in_query(&path::decode_text(text).unwrap_or(Cow::Borrowed(text)))
}

fn text_in_query(text: &str) -> String {
    utf8_percent_encode(text, COMPONENT).to_string()
}
