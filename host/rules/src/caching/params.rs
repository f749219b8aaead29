//! What `generate_static_params` lists, and the paths that it means (section 10).

use percent_encoding::utf8_percent_encode;

use crate::cookies::COMPONENT;
use crate::pattern::{RoutePattern, Segment};
use crate::table::{Param, ParamValue};

/// Why a list cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsFault {
    /// A segment that is no param of the route.
    #[error("`generate_static_params` gives `{name}`, and {pattern} has no such segment")]
    Unknown {
        /// As it was given.
        name: String,
        /// The route's.
        pattern: String,
    },

    /// One value for a catch-all, or several for one segment (row SP3).
    #[error("`generate_static_params` gives `{name}` {given}, and {pattern} takes {taken}")]
    Kind {
        /// The segment.
        name: String,
        /// What was given.
        given: &'static str,
        /// What it takes.
        taken: &'static str,
        /// The route's.
        pattern: String,
    },
}

/// The params to make answers for, in the pattern's order and each once: those of a list that give every segment a value. If one of them
/// does not, the whole list counts as empty, and answers are made on demand (rows SP3 and SP4).
///
/// # Errors
///
/// A [`ParamsFault`], which fails the build.
pub fn listed(
    pattern: &RoutePattern,
    list: Vec<Vec<Param>>,
) -> Result<Vec<Vec<Param>>, ParamsFault> {
    let mut all: Vec<Vec<Param>> = Vec::new();
    for given in list {
        fits(pattern, &given)?;
        let Some(params) = in_order(pattern, given) else {
            return Ok(Vec::new());
        };
        if !all.contains(&params) {
            all.push(params);
        }
    }
    Ok(all)
}

fn fits(pattern: &RoutePattern, given: &[Param]) -> Result<(), ParamsFault> {
    for Param { name, value } in given {
        let named = |segment: &&Segment| segment.name() == Some(name.as_str());
        let segment = pattern.segments().iter().find(named);
        let (name, pattern) = (name.clone(), pattern.to_string());
        let (given, taken) = match (segment, value) {
            (None, _) => return Err(ParamsFault::Unknown { name, pattern }),
            (Some(Segment::One(_)), ParamValue::Many(_)) => ("several values", "one"),
            (Some(Segment::Rest(_) | Segment::OptionalRest(_)), ParamValue::One(_)) => {
                ("one value", "a list")
            }
            _ => continue,
        };
        return Err(ParamsFault::Kind {
            name,
            given,
            taken,
            pattern,
        });
    }
    Ok(())
}

fn in_order(pattern: &RoutePattern, given: Vec<Param>) -> Option<Vec<Param>> {
    let mut params = Vec::new();
    for segment in pattern.segments() {
        let Some(name) = segment.name() else { continue };
        let param = given.iter().find(|param| param.name == name);
        let is_empty = |param: &&Param| match &param.value {
            ParamValue::One(value) => value.is_empty(),
            ParamValue::Many(values) => values.is_empty() || values.iter().any(String::is_empty),
        };
        match (param.filter(|param| !is_empty(param)), segment) {
            (Some(param), _) => params.push(param.clone()),
            (None, Segment::OptionalRest(_)) => {}
            (None, _) => return None,
        }
    }
    Some(params)
}

/// The path of a route with these params, encoded (row SP9); each value is as it is after decoding.
#[must_use]
pub fn path(pattern: &RoutePattern, params: &[Param]) -> String {
    let mut path = String::new();
    let mut push = |text: &str| {
        path.push('/');
        path.extend(utf8_percent_encode(text, COMPONENT));
    };
    for segment in pattern.segments() {
        match segment {
            Segment::Static(text) => push(text),
            _ => {
                let named = |param: &&Param| segment.name() == Some(param.name.as_str());
                match params.iter().find(named).map(|param| &param.value) {
                    Some(ParamValue::One(value)) => push(value),
                    Some(ParamValue::Many(values)) => values.iter().for_each(|value| push(value)),
                    None => {}
                }
            }
        }
    }
    if path.is_empty() {
        path.push('/');
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, value: &str) -> Param {
        Param {
            name: name.to_owned(),
            value: ParamValue::One(value.to_owned()),
        }
    }

    fn many(name: &str, values: &[&str]) -> Param {
        Param {
            name: name.to_owned(),
            value: ParamValue::Many(values.iter().map(|&value| value.to_owned()).collect()),
        }
    }

    #[test]
    fn a_list_gives_paths() {
        let item = |value| vec![one("id", value)];
        check(
            "items/[id]",
            vec![item("a"), item("b"), item("a")],
            "/items/a /items/b",
        );
        check("items/[id]", vec![item("a/b é")], "/items/a%2Fb%20%C3%A9"); // SP9
        check("items/[id]", vec![item("a"), vec![]], ""); // SP3
        check("items/[id]", vec![item("")], "");
        check("items/[id]", vec![], ""); // SP4
        let two = vec![many("rest", &["x", "y"]), one("id", "1")];
        check("[id]/[...rest]", vec![two], "/1/x/y");
        check(
            "docs/[[...rest]]",
            vec![vec![], vec![many("rest", &["a"])]],
            "/docs /docs/a",
        ); // SP3
        check("[[...rest]]", vec![vec![]], "/");
    }

    #[test]
    fn a_list_that_does_not_fit_fails_the_build() {
        check(
            "items/[id]",
            vec![vec![one("slug", "a")]],
            "`generate_static_params` gives `slug`, and /items/[id] has no such segment",
        );
        check(
            "items/[id]",
            vec![vec![many("id", &["a"])]],
            "`generate_static_params` gives `id` several values, and /items/[id] takes one",
        );
    }

    #[track_caller]
    fn check(pattern: &str, list: Vec<Vec<Param>>, expected: &str) {
        let pattern = RoutePattern::parse(pattern).unwrap();
        let actual = match listed(&pattern, list) {
            Ok(all) => {
                let paths = all.iter().map(|params| path(&pattern, params));
                paths.collect::<Vec<_>>().join(" ")
            }
            Err(fault) => fault.to_string(),
        };
        assert_eq!(actual, expected);
    }
}
