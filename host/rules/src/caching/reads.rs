//! What a handler read of the request.

use std::fmt;

/// Something of the request that an answer to be kept must not depend on (rows Q16 and K1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// The headers.
    Headers,
    /// The cookies.
    Cookies,
    /// The query, or the URL as a whole.
    Query,
    /// The body.
    Body,
    /// Who asks.
    Client,
    /// Nothing of it, but that there is one.
    Connection,
}

impl Read {
    /// Every one of them.
    pub const ALL: [Self; 6] = [
        Self::Headers,
        Self::Cookies,
        Self::Query,
        Self::Body,
        Self::Client,
        Self::Connection,
    ];

    /// The SDK's words for it.
    #[must_use]
    pub const fn spelled(self) -> &'static str {
        match self {
            Self::Headers => "headers()",
            Self::Cookies => "cookies()",
            Self::Query => "request.url()",
            Self::Body => "the request's body",
            Self::Client => "context.client_address()",
            Self::Connection => "connection()",
        }
    }

    /// The contract's word for it, as in `wit/outcome.wit`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Headers => "headers",
            Self::Cookies => "cookies",
            Self::Query => "query",
            Self::Body => "body",
            Self::Client => "client",
            Self::Connection => "connection",
        }
    }
}

/// A set of [`Read`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads(u8);

impl Reads {
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// The set of such words as `cookies query`. One that this host does not know stands for a request as such.
    #[must_use]
    pub fn of_words(words: &str) -> Self {
        let read = |word| Read::ALL.into_iter().find(|read| read.word() == word);
        let words = words.split_ascii_whitespace();
        words
            .map(|word| read(word).unwrap_or(Read::Connection))
            .collect()
    }

    /// What either has.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether nothing was read.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Read> for Reads {
    fn from_iter<T: IntoIterator<Item = Read>>(reads: T) -> Self {
        Self(reads.into_iter().fold(0, |set, read| set | 1 << read as u8))
    }
}

impl fmt::Display for Reads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Read::ALL
            .into_iter()
            .filter(|&read| self.0 & 1 << read as u8 != 0)
            .map(|read| format!("`{}`", read.spelled()));
        f.write_str(&words.next().unwrap_or_default())?;
        words.try_for_each(|word| write!(f, " and {word}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_have_the_contracts_words() {
        let contract = include_str!("../../../../wit/outcome.wit");
        let (_, flags) = contract.split_once("flags reads {").unwrap();
        let (flags, _) = flags.split_once('}').unwrap();
        let words = flags.lines().map(str::trim);
        let words = words.filter_map(|line| line.strip_suffix(','));
        let words: Vec<_> = words.filter(|line| !line.starts_with("///")).collect();
        assert_eq!(words, Read::ALL.map(Read::word));
        let all: Reads = Read::ALL.into_iter().collect();
        assert_eq!(Reads::of_words(&words.join(" ")), all);
    }

    #[test]
    fn they_are_told_in_the_words_of_the_sdk() {
        let reads: Reads = [Read::Cookies, Read::Query].into_iter().collect();
        assert_eq!(reads.to_string(), "`cookies()` and `request.url()`");
        assert!(Reads::NONE.is_empty() && !reads.is_empty());
    }
}
