//! Asks the rules of `waystation.toml`, the proxies and the routes which of them a request is for, and adds the headers that rules and
//! proxies have for its answer.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use waystation_rules::config::Asked;
use waystation_rules::finish::is_appendable;
use waystation_rules::resolve::{self, ResolveError, Routing, resolve};

use super::proxy::Passage;
use crate::app::{App, Proxy, Route};

/// What answers a request.
pub(super) type Resolved<'t> = resolve::Resolved<'t, Route, Proxy>;

/// The headers for an answer, whoever gives it: names in lower case.
pub(super) type Added = Vec<(HeaderName, HeaderValue)>;

/// Finds what answers a request, or the next proxy to ask. The first time, also finds the headers for the answer, unless that is a redirect
/// of the rules (row CF1).
///
/// # Errors
///
/// A [`ResolveError`] is answered with 400.
pub(super) fn resolved<'t>(
    app: &'t App,
    passage: &Passage<'_>,
    added: &mut Added,
) -> Result<Resolved<'t>, ResolveError> {
    let lines = app.looks_at_requests();
    let lines = lines.then(|| passage.request.headers().iter());
    let lines: Vec<_> = lines
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| {
            Some((name.as_str(), std::str::from_utf8(value.as_bytes()).ok()?))
        })
        .collect();
    let asked = Asked {
        path: passage.path,
        inside: passage.inside.as_ref(),
        query: passage.query.as_deref(),
        host: &passage.settled.host,
        headers: &lines,
        cookies: &passage.cookies,
    };
    let routing = Routing {
        rules: &app.policy.rules,
        proxies: &app.proxies,
        table: &app.table,
    };
    let resolved = resolve(&routing, &asked, &passage.tried)?;
    if passage.tried.proxies.is_empty() && !matches!(resolved, Resolved::Redirect(_)) {
        *added = typed(app.policy.rules.headers(&asked));
    }
    Ok(resolved)
}

fn typed(headers: Vec<(String, String)>) -> Added {
    let headers = headers.into_iter().filter_map(|(name, value)| {
        Some((
            HeaderName::try_from(name).ok()?,
            HeaderValue::try_from(value).ok()?,
        ))
    });
    headers.collect()
}

/// Adds a proxy's headers to those for the answer. Of two values the later one stands, but for headers that can stand side by side.
pub(super) fn also(added: &mut Added, headers: &HeaderMap) {
    added.retain(|(name, _)| is_appendable(name.as_str()) || !headers.contains_key(name));
    added.extend(
        headers
            .iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_headers_replace_the_rules_or_stand_beside_them() {
        let mut added = typed(vec![
            ("x-a".to_owned(), "rule".to_owned()),
            ("set-cookie".to_owned(), "a=rule".to_owned()),
        ]);
        let proxys = [("x-a", "proxy"), ("set-cookie", "b=proxy")];
        let proxys = proxys.map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        also(&mut added, &HeaderMap::from_iter(proxys)); // PX6
        let shown: Vec<_> = added
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        assert_eq!(
            shown.join(", "),
            "set-cookie: a=rule, x-a: proxy, set-cookie: b=proxy"
        );
    }
}
