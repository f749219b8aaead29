//! Where in a text file something is, as a person and an editor count.

use std::fmt;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

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

    /// Where the value of a key stands in a TOML text, such as `redirects[0].source`; of a key that is not there, the table that lacks it.
    /// None if the text is no TOML, or not even its first table is there.
    #[must_use]
    pub fn of_key(text: &str, key: &str) -> Option<Place> {
        let root = DeTable::parse(text).ok()?;
        let mut steps = steps(key);
        let mut found = root.get_ref().get(steps.next()?)?;
        for step in steps {
            let next = match found.get_ref() {
                DeValue::Table(table) => table.get(step),
                DeValue::Array(array) => step.parse().ok().and_then(|at: usize| array.get(at)),
                _ => None,
            };
            match next {
                Some(next) => found = next,
                None => break,
            }
        }
        Some(Place::of(text, &found.span()))
    }
}

/// The steps of a key; what stands in quotes is one.
fn steps(key: &str) -> impl Iterator<Item = &str> {
    let parts = key.split('"').enumerate();
    let steps = parts.flat_map(|(at, part)| {
        let is_quoted = at % 2 == 1;
        part.split(move |c: char| !is_quoted && matches!(c, '.' | '[' | ']'))
    });
    steps.filter(|step| !step.is_empty())
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

    #[test]
    fn a_key_is_found_or_else_the_table_that_lacks_it() {
        let text = "a = 1\n\n[[b.c]]\nd = 'x'\n\n[[b.c]]\nd = [{ e = 1 }, { e = 2 }]\n\n[h.'/i.j/[k]']\nl = 1\n";
        check(text, "a", "1:5");
        check(text, "b.c[0].d", "4:5");
        check(text, "b.c[1].d[1].e", "7:23");
        check(text, "b.c[1].f", "6:1");
        check(text, "b.c[1].d[1].f", "7:17");
        check(text, "h.\"/i.j/[k]\".l", "10:5");
        assert_eq!(Place::of_key(text, "g"), None);
        assert_eq!(Place::of_key("a =", "a"), None);
    }

    #[track_caller]
    fn check(text: &str, key: &str, expected: &str) {
        assert_eq!(Place::of_key(text, key).unwrap().to_string(), expected);
    }
}
