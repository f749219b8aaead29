//! Where in a text file something is, as a person and an editor count.

use std::fmt;
use std::ops::Range;

/// A line and a column, both from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The first line is 1.
    pub line: usize,
    /// The first character of a line is 1.
    pub column: usize,
}

impl Place {
    /// Where a byte of a text stands. A span past the end is the end.
    #[must_use]
    pub fn of(text: &str, span: &Range<usize>) -> Place {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Place {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_from_one_and_by_characters() {
        assert_eq!(Place::of("ab\nçd", &(0..1)).to_string(), "1:1");
        assert_eq!(Place::of("ab\nçd", &(5..6)).to_string(), "2:2");
        assert_eq!(Place::of("ab", &(9..9)).to_string(), "1:3");
    }
}
