//! Decides what the rules of `waystation.toml` do to a request: Next's `headers`, `redirects` and `rewrites` (rows CF1 to CF5).
//!
//! In: what the file declares, once; then what was [`Asked`].
//! Out: headers for the answer, the [`Redirect`] to answer with, or the [`Target`] to go on with; every [`ConfigError`] of the file.
//!
//! A request meets them in Next's order (fact 1): headers, redirects, the proxy, [`Rules::before_files`], routes without params,
//! [`Rules::after_files`], routes with params, [`Rules::fallback`]. The headers are for whatever answers but a redirect. Next keeps its
//! own paths, `/_next`, from being redirected; nothing is served here but the app's own, so no path is kept.

use crate::base_path::BasePath;
use crate::destination::{Climb, Destination, Target};
use crate::finish;
use crate::path::Path;
use crate::source::{Captured, Captures, Source};
use crate::template::Template;

mod compile;
mod condition;
pub mod declared;
mod error;

use condition::Condition;
pub use declared::Declared;
pub use error::{ConfigError, Fault};

/// So many rules are compared without being felt.
const MANY: usize = 1_000;

/// The rules of an app, ready to be asked.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    base: BasePath,
    headers: Vec<HeaderRule>,
    redirects: Vec<RedirectRule>,
    before_files: Vec<Rewrite>,
    after_files: Vec<Rewrite>,
    fallback: Vec<Rewrite>,
}

/// What the rules look at. Two of them never see a different path: both are read by [`normalise`](crate::path::normalise).
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The path from the root of the host.
    pub path: &'a Path<'a>,
    /// The path below the base path, or what it was rewritten to; none if it is not below it.
    pub inside: Option<&'a Path<'a>>,
    /// The query, still encoded, without its question mark.
    pub query: Option<&'a str>,
    /// The host that was settled, with or without a port.
    pub host: &'a str,
    /// Every line of the request's header, the names in lower case.
    pub headers: &'a [(&'a str, &'a str)],
    /// The request's cookies, as [`cookies::parse`](crate::cookies::parse) reads them.
    pub cookies: &'a [(String, String)],
}

/// An answer that sends the client elsewhere; its body is the location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// 301, 302, 303, 307 or 308.
    pub status: u16,
    /// The value of `Location`: printable ASCII.
    pub location: String,
}

/// A rewrite.
#[derive(Clone, Debug)]
pub struct Rewrite {
    rule: Rule,
    destination: Destination,
}

#[derive(Clone, Debug)]
struct HeaderRule {
    rule: Rule,
    headers: Vec<(Template, Template)>,
}

#[derive(Clone, Debug)]
struct RedirectRule {
    rule: Rule,
    status: u16,
    destination: Destination,
}

/// Which requests a rule is about.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    source: Source,
    has: Vec<Condition>,
    missing: Vec<Condition>,
    base_path: bool,
}

impl Rules {
    /// Reads what the file declares, for an app below `base`.
    ///
    /// # Errors
    ///
    /// Every [`ConfigError`], in the order of the file.
    pub fn compile(declared: &Declared, base: BasePath) -> Result<Self, Vec<ConfigError>> {
        let mut faults = Vec::new();
        let rewrites = &declared.rewrites;
        let rules = Self {
            base,
            headers: compile::all("headers", &declared.headers, &mut faults, compile::headers),
            redirects: compile::all(
                "redirects",
                &declared.redirects,
                &mut faults,
                compile::redirect,
            ),
            before_files: compile::all(
                "rewrites.before_files",
                &rewrites.before_files,
                &mut faults,
                compile::rewrite,
            ),
            after_files: compile::all(
                "rewrites.after_files",
                &rewrites.after_files,
                &mut faults,
                compile::rewrite,
            ),
            fallback: compile::all(
                "rewrites.fallback",
                &rewrites.fallback,
                &mut faults,
                compile::rewrite,
            ),
        };
        match faults.is_empty() {
            true => Ok(rules),
            false => Err(faults),
        }
    }

    /// What the operator should know of them: a thousand are fine, and more are compared with each request all the same (row CF4).
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let rewrites = [&self.before_files, &self.after_files, &self.fallback];
        let rewrites: usize = rewrites.iter().map(|rules| rules.len()).sum();
        let count = self.headers.len() + self.redirects.len() + rewrites;
        (MANY < count).then(|| {
            format!(
                "waystation.toml has {count} rules, and each request is compared with them until one fits; more than {MANY} make \
                 every answer slower. hint: one rule with a param stands for many"
            )
        })
    }

    /// Whether there are no headers, redirects and rewrites: then no rule looks at any request.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.headers.is_empty()
            && self.redirects.is_empty()
            && self.before_files.is_empty()
            && self.after_files.is_empty()
            && self.fallback.is_empty()
    }

    /// The path that every path of the app is below.
    #[must_use]
    pub const fn base(&self) -> &BasePath {
        &self.base
    }

    /// The headers for the answer (row CF1): names in lower case, each once but `set-cookie`. Of two values the later rule's stands.
    ///
    /// A param in a name can make it one that cannot be sent; it is left out then.
    #[must_use]
    pub fn headers(&self, asked: &Asked<'_>) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = Vec::new();
        for rule in &self.headers {
            let Some(captures) = rule.rule.find(asked) else {
                continue;
            };
            for (name, value) in &rule.headers {
                let name = name
                    .fill(&captures, Captured::in_header)
                    .to_ascii_lowercase();
                let value = value.fill(&captures, Captured::in_header);
                if !is_token(&name) || finish::is_forbidden(&name) {
                    continue;
                }
                match all
                    .iter_mut()
                    .find(|(known, _)| *known == name && name != "set-cookie")
                {
                    Some(earlier) => earlier.1 = value,
                    None => all.push((name, value)),
                }
            }
        }
        all
    }

    /// The first redirect that is about the request (row CF2); its location begins with the base path unless the rule says otherwise.
    ///
    /// # Errors
    ///
    /// A [`Climb`] is answered with 400.
    pub fn redirect(&self, asked: &Asked<'_>) -> Result<Option<Redirect>, Climb> {
        let found = self
            .redirects
            .iter()
            .find_map(|rule| Some((rule, rule.rule.find(asked)?)));
        let Some((rule, captures)) = found else {
            return Ok(None);
        };
        let base = if rule.rule.base_path {
            self.base.as_str()
        } else {
            ""
        };
        let location = rule.destination.location(&captures, asked.query, base)?;
        let status = rule.status;
        Ok(Some(Redirect { status, location }))
    }

    /// The rewrites to ask before anything is looked for. Each in turn is asked about what those before it made of the request.
    #[must_use]
    pub fn before_files(&self) -> &[Rewrite] {
        &self.before_files
    }

    /// The rewrites to ask when no route without params has the path. After each that is about it, routes are looked for again.
    #[must_use]
    pub fn after_files(&self) -> &[Rewrite] {
        &self.after_files
    }

    /// The rewrites to ask when nothing has the path. After each that is about it, routes are looked for again.
    #[must_use]
    pub fn fallback(&self) -> &[Rewrite] {
        &self.fallback
    }
}

impl Rewrite {
    /// Where the request goes, if the rewrite is about it (row CF3).
    ///
    /// # Errors
    ///
    /// A [`Climb`] is answered with 400.
    pub fn target(&self, asked: &Asked<'_>) -> Result<Option<Target>, Climb> {
        let captures = self.rule.find(asked);
        captures
            .map(|captures| self.destination.target(&captures, asked.query))
            .transpose()
    }
}

impl Redirect {
    /// The value of `Refresh`, which goes with 308 for clients that do not know it.
    #[must_use]
    pub fn refresh(&self) -> Option<String> {
        (self.status == 308).then(|| format!("0;url={}", self.location))
    }
}

/// Reads a proxy's `MATCHER`: a request is matched if one of the rules is about it.
///
/// # Errors
///
/// Every [`ConfigError`], in the order of the constant.
pub(crate) fn matchers(declared: &[declared::Matcher]) -> Result<Vec<Rule>, Vec<ConfigError>> {
    let mut faults = Vec::new();
    let rules = compile::all("MATCHER", declared, &mut faults, compile::matcher);
    match faults.is_empty() {
        true => Ok(rules),
        false => Err(faults),
    }
}

impl Rule {
    /// What its params hold, if it is about the request.
    pub(crate) fn find(&self, asked: &Asked<'_>) -> Option<Captures> {
        let path = if self.base_path {
            asked.inside?
        } else {
            asked.path
        };
        let mut captures = self.source.find(path)?;
        let has = self
            .has
            .iter()
            .all(|condition| condition.holds(asked, &mut captures));
        let is_missing = |condition: &Condition| !condition.holds(asked, &mut Captures::default());
        (has && self.missing.iter().all(is_missing)).then_some(captures)
    }

    /// The params that the rule has for its destination or its headers.
    fn names(&self) -> Vec<String> {
        let own = self.source.names().map(str::to_owned);
        own.chain(self.has.iter().flat_map(Condition::names))
            .collect()
    }
}

/// A header's name, or a method (RFC 9110, 5.6.2).
fn is_token(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_token)
}

#[cfg(test)]
mod tests;
