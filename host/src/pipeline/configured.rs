//! Asks the rules of `waystation.toml` about a request, and adds the headers that they have for its answer.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use waystation_rules::config::{Asked, Rules};
use waystation_rules::finish::is_appendable;
use waystation_rules::path::Path;
use waystation_rules::resolve::{ResolveError, Resolved, resolve};
use waystation_rules::table::Table;

use crate::app::Route;

/// What of a request the rules look at.
pub(super) struct Facts<'a> {
    /// The path from the root of the host.
    pub(super) path: &'a Path<'a>,
    /// The path below the base path.
    pub(super) inside: Option<&'a Path<'a>>,
    /// The query as it came.
    pub(super) query: Option<&'a str>,
    /// The host that was settled.
    pub(super) host: &'a str,
    /// The request's headers.
    pub(super) headers: &'a HeaderMap,
    /// The request's cookies.
    pub(super) cookies: &'a [(String, String)],
}

/// The headers for an answer.
pub(super) type Added = Vec<(String, String)>;

/// Finds what answers a request, and the headers for the answer unless that is a redirect of the rules (row CF1).
///
/// # Errors
///
/// A [`ResolveError`] is answered with 400.
pub(super) fn resolved<'t>(
    rules: &Rules,
    table: &'t Table<Route>,
    facts: &Facts<'_>,
) -> Result<(Resolved<'t, Route>, Added), ResolveError> {
    let lines = facts.headers.iter();
    let lines: Vec<_> = lines
        .filter_map(|(name, value)| {
            Some((name.as_str(), std::str::from_utf8(value.as_bytes()).ok()?))
        })
        .collect();
    let asked = Asked {
        path: facts.path,
        inside: facts.inside,
        query: facts.query,
        host: facts.host,
        headers: &lines,
        cookies: facts.cookies,
    };
    let resolved = resolve(rules, table, &asked)?;
    let added = match resolved {
        Resolved::Redirect(_) => Added::new(),
        _ => rules.headers(&asked),
    };
    Ok((resolved, added))
}

/// Puts the rules' headers on an answer: they win over a handler's, and go before those that can stand side by side (rows S5 and C19).
pub(super) fn add(added: Added, headers: &mut HeaderMap) {
    let mut own = Vec::new();
    for (name, _) in &added {
        let Ok(name) = HeaderName::try_from(name) else {
            continue;
        };
        let kept = headers.get_all(&name).iter().cloned();
        if is_appendable(name.as_str()) {
            own.extend(kept.map(|value| (name.clone(), value)));
        }
        headers.remove(name);
    }
    let added = added.into_iter().filter_map(|(name, value)| {
        Some((
            HeaderName::try_from(name).ok()?,
            HeaderValue::try_from(value).ok()?,
        ))
    });
    for (name, value) in added.chain(own) {
        headers.append(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_headers_win_or_go_first() {
        check("x-a: rule", "x-a: own, x-b: own", "x-b: own, x-a: rule"); // S5
        check(
            "set-cookie: a=rule, set-cookie: b=rule",
            "set-cookie: a=own",
            "set-cookie: a=rule, set-cookie: b=rule, set-cookie: a=own",
        ); // C19
        check("vary: accept", "vary: cookie", "vary: accept, vary: cookie");
        check("", "x-a: own", "x-a: own");
    }

    #[track_caller]
    fn check(rules: &str, own: &str, expected: &str) {
        let pairs = |text: &str| -> Vec<(String, String)> {
            let pairs = text.split(", ").filter_map(|line| line.split_once(": "));
            pairs
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect()
        };
        let mut headers = HeaderMap::new();
        for (name, value) in pairs(own) {
            headers.append(
                HeaderName::try_from(name).unwrap(),
                HeaderValue::try_from(value).unwrap(),
            );
        }
        add(pairs(rules), &mut headers);
        let shown: Vec<_> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        assert_eq!(shown.join(", "), expected);
    }
}
