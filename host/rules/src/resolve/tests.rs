use super::*;
use crate::base_path::BasePath;
use crate::config::Declared;
use crate::path::{Normal, normalise};
use crate::pattern::RoutePattern;
use crate::table::{Entry, ParamValue};

const ROUTES: [&str; 6] = [
    "",
    "items",
    "items/[slug]",
    "old/[id]",
    "old/[...rest]",
    "search",
];

#[test]
fn a_path_finds_its_route() {
    check("", "/", "");
    check("", "/items", "items");
    check("", "/items/a?b=c", "items/[slug] /items/a?b=c");
    check("", "/none", "nothing");
}

#[test]
fn a_redirect_comes_before_everything() {
    let rules = "[[redirects]]\nsource = '/items'\ndestination = '/search'\npermanent = true\n\
                 [[rewrites.before_files]]\nsource = '/items'\ndestination = '/'";
    check(rules, "/items?a=1", "308 /search?a=1");
}

#[test]
fn rewrites_before_files_win_over_every_route() {
    let rules = "[[rewrites.before_files]]\nsource = '/items'\ndestination = '/search?q=items'\n\
                 [[rewrites.before_files]]\nsource = '/search'\ndestination = '/items/:q'\nhas = [{ type = 'query', key = 'q', value = '(?<q>.*)' }]";
    check(rules, "/items", "items/[slug] /items/items?q=items"); // each is asked about what the one before made
}

#[test]
fn rewrites_after_files_win_over_routes_with_params_only() {
    let rules =
        "[[rewrites.after_files]]\nsource = '/items/:path*'\ndestination = '/search?at=:path'";
    check(rules, "/items", "items");
    check(rules, "/items/a", "search /search?at=a&path=a"); // CF3: no param is used in the path
}

#[test]
fn a_rewrite_after_files_to_nowhere_leaves_it_to_the_next() {
    let rules = "[[rewrites.after_files]]\nsource = '/items/:path*'\ndestination = '/nowhere'\n\
                 [[rewrites.after_files]]\nsource = '/nowhere'\ndestination = '/search'";
    check(rules, "/items/a", "search /search?path=a");
    let rules = "[[rewrites.after_files]]\nsource = '/items/:path*'\ndestination = '/nowhere'";
    check(rules, "/items/a", "nothing");
}

#[test]
fn fallback_rewrites_are_for_what_nothing_has() {
    let rules =
        "[[rewrites.fallback]]\nsource = '/:path*'\ndestination = 'https://example.com/:path*'";
    check(rules, "/items/a", "items/[slug] /items/a");
    check(rules, "/none/b?c", "to https://example.com/none/b?c");
}

#[test]
fn nothing_outside_of_the_base_path_is_found() {
    check("base_path = '/docs'", "/docs/items", "items");
    check("base_path = '/docs'", "/docs", "");
    check("base_path = '/docs'", "/items", "nothing"); // U6
    let out = "base_path = '/docs'\n[[redirects]]\nsource = '/'\ndestination = '/docs'\npermanent = false\nbase_path = false";
    check(out, "/", "307 /docs");
}

// R3
#[test]
fn a_route_that_refuses_its_params_leaves_them_to_the_next() {
    let other = |found: &Found<'_, &str>| !["items/[slug]", "old/[id]"].contains(found.route);
    check_where(other, "", "/old/a", "old/[...rest] /old/a");
    check_where(other, "", "/items/a", "nothing");
    check_where(other, "", "/items", "items");
    check_where(|_| false, "", "/old/a", "nothing");
    let after = "[[rewrites.after_files]]\nsource = '/items/a'\ndestination = '/old/a'";
    check(after, "/items/a", "old/[id] /old/a");
    check_where(other, after, "/items/a", "old/[...rest] /old/a");
    let fallback = "[[rewrites.fallback]]\nsource = '/items/:slug'\ndestination = '/search'";
    check_where(other, fallback, "/items/a", "search /search?slug=a");
    let fallback = "[[rewrites.fallback]]\nsource = '/:path*'\ndestination = '/items/none'";
    let none = |found: &Found<'_, &str>| match &*found.params {
        [param] => param.value == ParamValue::One("none".to_owned()),
        _ => true,
    };
    let found = "items/[slug] /items/none?path=items&path=a"; // the same route with params that it answers
    check_where(none, fallback, "/items/a", found);
}

/// What the path and query of `target` come to; a route is shown with its path if that is not its own pattern.
#[track_caller]
fn check(toml: &str, target: &str, expected: &str) {
    check_where(|_| true, toml, target, expected);
}

/// The same where only some routes answer the params that they are found with.
#[track_caller]
fn check_where(
    answers: impl Fn(&Found<'_, &str>) -> bool,
    toml: &str,
    target: &str,
    expected: &str,
) {
    let mut toml: toml::Table = toml.parse().unwrap();
    let base = toml.remove("base_path");
    let base = base.as_ref().and_then(toml::Value::as_str);
    let base = BasePath::parse(base.unwrap_or_default()).unwrap();
    let rules = Rules::compile(&toml.try_into::<Declared>().unwrap(), base.clone()).unwrap();
    let entries = ROUTES.map(|folder| Entry {
        pattern: RoutePattern::parse(folder).unwrap(),
        file: folder.to_owned(),
        route: folder,
    });
    let table = Table::build(entries.to_vec()).unwrap();

    let (raw, query) = target
        .split_once('?')
        .map_or((target, None), |(path, query)| (path, Some(query)));
    let Ok(Normal::Serve(path)) = normalise(raw, false) else {
        panic!("{raw} is not served")
    };
    let inside = base.strip(&path);
    let asked = Asked {
        path: &path,
        inside: inside.as_ref(),
        query,
        host: "localhost",
        headers: &[],
        cookies: &[],
    };
    let routing = Routing {
        rules: &rules,
        proxies: &Proxies::<()>::default(),
        table: &table,
    };
    let mut tried = Tried::default();
    let resolved = loop {
        match resolve(&routing, &asked, &tried).unwrap() {
            Resolved::Route { found, .. } if !answers(&found) => {
                tried.routes.push((found.place, found.params));
            }
            resolved => break resolved,
        }
    };
    let found = match resolved {
        Resolved::Proxy { .. } => unreachable!("there is none"),
        Resolved::Redirect(redirect) => format!("{} {}", redirect.status, redirect.location),
        Resolved::Other { url } => format!("to {url}"),
        Resolved::Nothing => "nothing".to_owned(),
        Resolved::Route { found, rewritten } => {
            let (path, query) = match &rewritten {
                Some(rewritten) => (&rewritten.path, rewritten.query.as_deref()),
                None => (inside.as_ref().unwrap(), query),
            };
            let query = query.map_or_else(String::new, |query| format!("?{query}"));
            let at = format!("{}{query}", path.as_str());
            match at.trim_start_matches('/') == *found.route {
                true => (*found.route).to_owned(),
                false => format!("{} {at}", found.route),
            }
        }
    };
    assert_eq!(found, expected);
}
