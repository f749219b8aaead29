//! Where nodes are, and where routes would like to be: `PREFERRED_REGION` of their modules.
//!
//! A node serves every route of a release, wherever it is, and hands no request to another node: that is for whoever leads clients to
//! nodes. So a preference moves nothing. It is told to who deploys where no node fulfils it, and a node says where it is.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::names::is_label;

/// Where a node is, as its operator calls it: `fra1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(String);

/// A text that names no region.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` names no region: give letters, digits and `-`, such as `fra1`; `auto`, `global` and `home` are for routes"
)]
pub struct RegionError(String);

/// What routes say that have nothing against any region. Next's `home` is where the app is deployed to, which is what every node is.
const ANYWHERE: [&str; 3] = ["auto", "global", "home"];

impl Region {
    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a route that prefers these regions has this one among them, or prefers none.
    #[must_use]
    pub fn suits(&self, preferred: &[String]) -> bool {
        let is_this = |wish: &String| *wish == self.0 || ANYWHERE.contains(&wish.as_str());
        preferred.is_empty() || preferred.iter().any(is_this)
    }
}

/// The routes that would rather be where none of these nodes is, with where that is. None where a node does not say where it is: it may be
/// there.
#[must_use]
pub fn unsuited<'a>(
    routes: impl IntoIterator<Item = (&'a str, &'a [String])>,
    nodes: &[Option<Region>],
) -> Vec<(&'a str, &'a [String])> {
    let suits = |node: &Option<Region>, preferred: &[String]| {
        node.as_ref().is_none_or(|region| region.suits(preferred))
    };
    let routes = routes.into_iter();
    routes
        .filter(|(_, preferred)| !nodes.iter().any(|node| suits(node, preferred)))
        .collect()
}

impl TryFrom<String> for Region {
    type Error = RegionError;

    fn try_from(text: String) -> Result<Self, RegionError> {
        match is_label(&text) && !ANYWHERE.contains(&text.as_str()) {
            true => Ok(Self(text)),
            false => Err(RegionError(text)),
        }
    }
}

impl std::str::FromStr for Region {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<Self, RegionError> {
        Self::try_from(text.to_owned())
    }
}

impl From<Region> for String {
    fn from(region: Region) -> String {
        region.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_told_of_where_no_node_is_in_its_regions() {
        check("", "iad1", "");
        check("fra1", "fra1", "");
        check("fra1", "iad1", "fra1");
        check("fra1 iad1", "iad1", "");
        check("fra1 ams1", "iad1 cdg1", "fra1 ams1");
        check("fra1", "iad1 fra1", "");
        for anywhere in ANYWHERE {
            check(anywhere, "iad1", "");
        }
    }

    #[test]
    fn a_node_that_does_not_say_where_it_is_may_be_there() {
        check("fra1", "?", "");
        check("fra1", "iad1 ?", "");
    }

    #[test]
    fn a_region_is_one_word_that_no_route_means_otherwise() {
        for name in ["fra1", "eu-west-1", "A"] {
            assert!(Region::try_from(name.to_owned()).is_ok(), "{name}");
        }
        for name in ["", "a b", "a\nb", "auto", "home", "global", "é"] {
            assert!(Region::try_from(name.to_owned()).is_err(), "{name}");
        }
    }

    #[track_caller]
    fn check(preferred: &str, nodes: &str, expected: &str) {
        let preferred: Vec<_> = preferred.split_whitespace().map(str::to_owned).collect();
        let nodes = nodes.split_whitespace();
        let nodes: Vec<_> = nodes.map(|node| node.parse().ok()).collect();
        let told = unsuited([("app/route.rs", &preferred[..])], &nodes);
        let told: Vec<_> = told.into_iter().flat_map(|(_, regions)| regions).collect();
        let told: Vec<_> = told.into_iter().map(String::as_str).collect();
        assert_eq!(told.join(" "), expected);
    }
}
