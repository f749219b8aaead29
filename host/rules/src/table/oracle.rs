//! The manual's algorithm, written to be obviously right and never fast, against which the table is held.
//!
//! Patterns are sorted by a walk of Next's trie, then each is tried against the whole path. Nothing is shared with the table but the
//! parsers of patterns and paths.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::tests::{entry, found};
use super::{Param, ParamValue, Table, conflict};
use crate::path::{Normal, Path, decode, normalise};
use crate::pattern::{RoutePattern, Segment};

/// A node of `getSortedRoutes`.
#[derive(Default)]
struct Node {
    own: Option<RoutePattern>,
    statics: BTreeMap<String, Node>,
    one: Option<Box<Node>>,
    rest: Option<RoutePattern>,
    optional_rest: Option<RoutePattern>,
}

impl Node {
    fn insert(&mut self, pattern: &RoutePattern, depth: usize) {
        match pattern.segments().get(depth) {
            None => self.own = Some(pattern.clone()),
            Some(Segment::Static(text)) => self
                .statics
                .entry(text.clone())
                .or_default()
                .insert(pattern, depth + 1),
            Some(Segment::One(_)) => self.one.get_or_insert_default().insert(pattern, depth + 1),
            Some(Segment::Rest(_)) => self.rest = Some(pattern.clone()),
            Some(Segment::OptionalRest(_)) => self.optional_rest = Some(pattern.clone()),
        }
    }

    fn walk(self, sorted: &mut Vec<RoutePattern>) {
        sorted.extend(self.own);
        self.statics
            .into_values()
            .chain(self.one.map(|one| *one))
            .for_each(|node| node.walk(sorted));
        sorted.extend(self.rest.into_iter().chain(self.optional_rest));
    }
}

fn sorted(patterns: &[RoutePattern]) -> Vec<RoutePattern> {
    let (mut root, mut sorted) = (Node::default(), Vec::new());
    patterns.iter().for_each(|pattern| root.insert(pattern, 0));
    root.walk(&mut sorted);
    sorted
}

/// What the pattern captures of the decoded segments, if it matches all of them.
fn capture(pattern: &[Segment], path: &[String]) -> Option<Vec<Param>> {
    let many = |name: &String| Param {
        name: name.clone(),
        value: ParamValue::Many(path.to_vec()),
    };
    match (pattern, path) {
        ([], []) | ([Segment::OptionalRest(_)], []) => Some(vec![]),
        ([Segment::Rest(name) | Segment::OptionalRest(name)], [_, ..]) => Some(vec![many(name)]),
        ([Segment::Static(text), pattern @ ..], [first, path @ ..]) if text == first => {
            capture(pattern, path)
        }
        ([Segment::One(name), pattern @ ..], [first, path @ ..]) => {
            let mut params = vec![Param {
                name: name.clone(),
                value: ParamValue::One(first.clone()),
            }];
            params.extend(capture(pattern, path)?);
            Some(params)
        }
        _ => None,
    }
}

/// All that match, in the order of trial.
fn expected(sorted: &[RoutePattern], path: &Path<'_>) -> Vec<(usize, Vec<Param>)> {
    let segments: Vec<String> = path
        .segments()
        .map(|segment| decode(segment).unwrap().into_owned())
        .collect();
    let captured = sorted
        .iter()
        .map(|pattern| capture(pattern.segments(), &segments));
    let captured = captured.enumerate();
    captured
        .filter_map(|(place, params)| Some((place, params?)))
        .collect()
}

/// A folder from few names, so that routes meet; param names belong to their depth, so that most sets are legal.
fn folder() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        6 => prop::sample::select(vec!["a", "b", "ab", "A", "a b", "é", "<1>", "a%2Fb", "[x]y", "日本"]).prop_map(str::to_owned),
        4 => Just("[]".to_owned()),
        1 => "[a-c<>*%/ é\u{1F600}]{1,3}".prop_map(|text| text.replace('/', "(")),
    ];
    let last = prop_oneof![3 => Just(""), 1 => Just("[...r]"), 1 => Just("[[...r]]")];
    (prop::collection::vec(segment, 0..4), last).prop_map(|(segments, last)| {
        let named = segments.iter().enumerate().map(|(depth, name)| {
            if name == "[]" {
                format!("[p{depth}]")
            } else {
                name.clone()
            }
        });
        let folders: Vec<_> = named
            .chain((!last.is_empty()).then(|| last.to_owned()))
            .collect();
        folders.join("/")
    })
}

fn path() -> impl Strategy<Value = String> {
    let known = vec![
        "a", "b", "ab", "A", "a%20b", "a b", "é", "%C3%A9", "%61", "%3C1%3e", "<1>", "a%252Fb",
        "a%2Fb", "%5Bx]y", "日本", "z",
    ];
    let segment = prop_oneof![8 => prop::sample::select(known).prop_map(str::to_owned), 1 => "[a-c<>*+;=é\u{1F600}]{1,3}"];
    (prop::collection::vec(segment, 0..6), any::<bool>()).prop_map(|(segments, slash)| {
        let slash = if slash && !segments.is_empty() {
            "/"
        } else {
            ""
        };
        format!("/{}{slash}", segments.join("/"))
    })
}

proptest! {
    // The variable `PROPTEST_CASES` asks for another number of sets.
    #![proptest_config(ProptestConfig::with_cases(100_000))]

    /// Every path finds what the manual's algorithm finds, with the same params; and where that refuses them, what it finds next (row R3).
    #[test]
    fn the_table_is_the_manuals_algorithm(
        folders in prop::collection::vec(folder(), 1..12),
        paths in prop::collection::vec(path(), 1..6),
    ) {
        let mut legal = Vec::new();
        for folder in &folders {
            legal.push(entry(folder));
            if !conflict::all(&legal).is_empty() {
                legal.pop();
            }
        }
        let patterns: Vec<_> = legal.iter().map(|entry| entry.pattern.clone()).collect();
        let sorted = sorted(&patterns);
        let table = Table::build(legal).unwrap();
        prop_assert!(table.entries().map(|entry| &entry.pattern).eq(&sorted));

        for raw in &paths {
            let Ok(Normal::Serve(path)) = normalise(raw, raw.ends_with('/')) else { continue };
            let expected = expected(&sorted, &path);
            let mut refused = Vec::new();
            for expected in expected.into_iter().map(Some).chain([None]) {
                let next = table.find_but(&path, &refused).unwrap();
                let next = next.map(|found| (found.place, found.params));
                refused.extend(next.clone());
                prop_assert_eq!(next, expected, "{} in {:?}: {}", raw, sorted, found(&table, &path));
            }
        }
    }

    /// Any text is a path, a redirect that is not redirected again, or refused; a second reading changes nothing.
    #[test]
    fn a_path_has_one_spelling(raw in "/[a-c./\\\\%2eE5cF0é \u{1F600}\t]{0,12}", trailing_slash: bool) {
        match normalise(&raw, trailing_slash) {
            Err(_) => {}
            Ok(Normal::Serve(path)) => {
                prop_assert_eq!(normalise(path.as_str(), trailing_slash), Ok(Normal::Serve(path.clone())));
            }
            Ok(Normal::Redirect(to)) => {
                prop_assert!(!to.starts_with("//") && to.is_ascii() && !to.contains('\\'));
                let again = normalise(&to, trailing_slash);
                prop_assert!(matches!(&again, Ok(Normal::Serve(path)) if path.as_str() == to), "{:?}", again);
            }
        }
    }
}
