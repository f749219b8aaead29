//! A matcher that tries everything in order, against which the compiled sources are held.
//!
//! It shares nothing with them but the parser of paths: a source is generated as parts, spelt for the one and walked by the other.

use proptest::prelude::*;

use super::Source;
use super::tests::found;
use crate::path::{Normal, normalise};

#[derive(Clone, Debug)]
enum Part {
    Text(&'static str),
    /// The sign before it, the group, the sign after it.
    Param(&'static str, Group, &'static str),
}

#[derive(Clone, Copy, Debug)]
enum Group {
    /// None: one segment, as short as it can be.
    Segment,
    /// `(\d+)`, as long as it can be.
    Digits,
    /// `(.*)`, as long as it can be.
    Anything,
    /// `(a|ab)`, in this order.
    Words,
}

impl Group {
    fn spelt(self) -> &'static str {
        match self {
            Self::Segment => "",
            Self::Digits => "(\\d+)",
            Self::Anything => "(.*)",
            Self::Words => "(a|ab)",
        }
    }

    /// The lengths that it can take of a text, the preferred one first.
    fn lengths(self, text: &str) -> Vec<usize> {
        let run = |is_in: fn(char) -> bool| text.find(|c| !is_in(c)).unwrap_or(text.len());
        match self {
            Self::Segment => (1..=run(|c| c != '/')).collect(),
            Self::Digits => (1..=run(|c| c.is_ascii_digit())).rev().collect(),
            Self::Anything => (0..=text.len()).rev().collect(),
            Self::Words => {
                let begins = |word: &&str| text.to_ascii_lowercase().starts_with(*word);
                ["a", "ab"]
                    .iter()
                    .filter(|word| begins(word))
                    .map(|word| word.len())
                    .collect()
            }
        }
    }

    /// The lengths of one or more of it with a sign between each, the preferred one first: as often as it can be.
    fn lengths_of_many(self, sign: &str, text: &str) -> Vec<usize> {
        let mut all = Vec::new();
        for length in self.lengths(text) {
            if let Some(rest) = text[length..].strip_prefix(sign) {
                let more = self.lengths_of_many(sign, rest).into_iter();
                all.extend(more.map(|more| length + sign.len() + more));
            }
            all.push(length);
        }
        all
    }
}

/// What the params take of a text, if the parts can take all of it; none for a param that takes nothing.
fn walk(parts: &[Part], text: &str) -> Option<Vec<Option<String>>> {
    let Some((part, parts)) = parts.split_first() else {
        return matches!(text, "" | "/").then(Vec::new);
    };
    match *part {
        Part::Text(expected) => {
            let begins = text.get(..expected.len())?.eq_ignore_ascii_case(expected);
            begins.then(|| walk(parts, &text[expected.len()..]))?
        }
        Part::Param(before, group, times) => {
            let with = text.strip_prefix(before).and_then(|text| {
                let lengths = match times {
                    "*" | "+" => group.lengths_of_many(before, text),
                    _ => group.lengths(text),
                };
                lengths.into_iter().find_map(|length| {
                    let mut values = walk(parts, &text[length..])?;
                    values.insert(0, Some(text[..length].to_owned()));
                    Some(values)
                })
            });
            let without = || {
                let mut values = walk(parts, text)?;
                values.insert(0, None);
                Some(values)
            };
            with.or_else(|| matches!(times, "?" | "*").then(without).flatten())
        }
    }
}

fn part() -> impl Strategy<Value = Part> {
    let text = prop::sample::select(vec!["/a", "/ab", "/1", "/A.b", "/a-", "-", "-b"]);
    let group = prop_oneof![
        4 => Just(Group::Segment),
        1 => Just(Group::Digits),
        1 => Just(Group::Anything),
        1 => Just(Group::Words),
    ];
    let before = prop::sample::select(vec!["/", "/", "."]);
    let times = prop::sample::select(vec!["", "", "?", "*", "+"]);
    prop_oneof![
        1 => text.prop_map(Part::Text),
        2 => (before, group, times).prop_map(|(before, group, times)| Part::Param(before, group, times)),
    ]
}

fn spelt(parts: &[Part]) -> String {
    let spelt = parts.iter().enumerate().map(|(place, part)| match part {
        Part::Text(text) => (*text).to_owned(),
        Part::Param(before, group, times) => format!("{before}:p{place}{}{times}", group.spelt()),
    });
    spelt.collect()
}

fn expected(parts: &[Part], path: &str) -> String {
    let names = parts
        .iter()
        .enumerate()
        .filter(|(_, part)| matches!(part, Part::Param(..)));
    let Some(values) = walk(parts, path) else {
        return "no match".to_owned();
    };
    if values.is_empty() {
        return "match".to_owned();
    }
    let params = names.zip(values).filter_map(|((place, _), value)| {
        let value = value.filter(|value| !value.is_empty())?;
        Some(format!("p{place} = {value}"))
    });
    params.collect::<Vec<_>>().join(", ")
}

proptest! {
    // A second or two for 10,000 pairs of a source and a path.
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// CF5: a compiled source matches what the manual's expression matches, and its params hold the same.
    #[test]
    fn a_source_is_what_trying_everything_finds(
        parts in prop::collection::vec(part(), 0..4),
        paths in prop::collection::vec("(/(a|b|ab|A|1|12|\\.|-){1,4}){1,4}/?", 10),
    ) {
        let parts = [&[Part::Text("/")][..parts.is_empty().into()], &parts].concat();
        let text = spelt(&parts);
        let Ok(source) = Source::parse(&text) else {
            prop_assert!(!text.starts_with('/'), "{} is refused", text);
            return Ok(());
        };
        for raw in &paths {
            let Ok(Normal::Serve(path)) = normalise(raw, raw.ends_with('/')) else { continue };
            prop_assert_eq!(found(&source, raw), expected(&parts, path.as_str()), "{} in {}", text, raw);
        }
    }

    /// Any text is a source or is refused, and any source can be asked about any path.
    #[test]
    fn any_text_is_a_source_or_refused(text in "/(\\PC|[/:a(.*)?+\\\\{}%\\[\\]|!^$-]){0,24}", path in "/[a-c./%2F]{0,8}") {
        if let Ok(source) = Source::parse(&text)
            && let Ok(Normal::Serve(path)) = normalise(&path, false)
        {
            let _ = source.find(&path);
        }
    }
}

/// A matcher that backtracks would not come to an end here.
#[test]
fn a_long_path_takes_no_longer_than_its_length() {
    let source = Source::parse("/:a(.*)-:b(.*)-:c((?:x|x.)*)-:d(\\d)").unwrap();
    assert_eq!(
        found(&source, &format!("/{}", "x-".repeat(2_000))),
        "no match"
    );
}
