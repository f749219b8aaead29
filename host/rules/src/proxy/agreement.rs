//! Proxies and routes agree on the path (threat model, R2): whatever reaches a route was shown to every proxy that is about it, and the route
//! has the params that its path holds, whatever the query says.
//!
//! Which proxies and which params those are is worked out here by other means: from the decoded segments alone, for each spelling that a
//! client can send, and for apps that have some of the routes and proxies.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::subsequence;

use super::*;
use crate::config::Rules;
use crate::path::{Normal, normalise};
use crate::resolve::{Resolved, Routing, Tried, resolve};
use crate::table::{Entry, ParamValue, Table};

/// The folders of routes, in the order in which they are tried.
const ROUTES: [&str; 6] = [
    "",
    "(shop)/cart",
    "items/all",
    "items/[slug]",
    "[team]/members",
    "[...rest]",
];

/// Of each kind of proxy one, in the order in which they are asked: everything, a matcher, a plain folder, a group, one with params.
const PROXIES: [&str; 5] = [
    "proxy.rs",
    "app/proxy.rs",
    "app/items/proxy.rs",
    "app/(shop)/proxy.rs",
    "app/[team]/proxy.rs",
];

/// The one with a matcher.
static MATCHING: LazyLock<Reach> = LazyLock::new(|| {
    let items = Matcher {
        source: "/items/:path*".to_owned(),
        has: Vec::new(),
        missing: Vec::new(),
    };
    Reach::of("app/proxy.rs").matching(&[items]).unwrap()
});

/// An app with some of them.
struct App {
    routes: Vec<&'static str>,
    files: Vec<&'static str>,
    table: Table<&'static str>,
    proxies: Proxies<&'static str>,
}

impl App {
    fn new(routes: &[&'static str], files: &[&'static str]) -> Self {
        let entry = |folder: &&'static str| Entry {
            pattern: RoutePattern::parse(folder).unwrap(),
            file: format!("app/{folder}/route.rs").replace("//", "/"),
            route: *folder,
        };
        let reach = |file: &&'static str| match *file {
            "app/proxy.rs" => (MATCHING.clone(), *file),
            file => (Reach::of(file), file),
        };
        Self {
            table: Table::build(routes.iter().map(entry).collect()).unwrap(),
            proxies: Proxies::new(files.iter().map(reach).collect()),
            routes: routes.to_vec(),
            files: files.to_vec(),
        }
    }
}

/// Paths as clients send them: right ones, and whatever was ever tried to get around a matcher.
fn raw_path() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        Just("items"),
        Just("Items"),
        Just("%69tems"),
        Just("i%74em%73"),
        Just("items%2Fa"),
        Just("items;x"),
        Just("items.rsc"),
        Just("cart"),
        Just("c%61rt"),
        Just("members"),
        Just("m%65mbers"),
        Just("all"),
        Just("red"),
        Just("a%20b"),
        Just("%C3%A9"),
        Just(""),
        Just("."),
        Just(".."),
        Just("%2e"),
        Just("%2E%2e"),
        Just("%252e"),
        Just("%5Citems"),
        Just("_next"),
        Just("%00"),
        Just("%zz"),
    ];
    let slash = prop_oneof![8 => Just("/"), 1 => Just("//"), 1 => Just("\\"), 1 => Just("/./"), 1 => Just("/x/../")];
    let parts = prop::collection::vec((slash, segment), 1..5);
    (parts, any::<bool>()).prop_map(|(parts, ends)| {
        let path: String = parts
            .iter()
            .flat_map(|(slash, segment)| [*slash, *segment])
            .collect();
        let path = path.replacen('\\', "/", usize::from(path.starts_with('\\')));
        if ends { path + "/" } else { path }
    })
}

/// What becomes of a path: the proxies that are asked, each with the params that it is told, and the route with its own.
type Walked = (Vec<Told>, Option<Told>);
type Told = (&'static str, Vec<Param>);

/// What becomes of a path, by its decoded segments.
fn expected(app: &App, segments: &[String]) -> Walked {
    let mut routes = app.routes.iter();
    let route = routes.find_map(|route| Some((*route, params(route, segments)?)));
    let first = segments.first().map_or("", String::as_str);
    let below = |folder: &str| {
        let (_, params) = route
            .as_ref()
            .filter(|(route, _)| route.starts_with(folder))?;
        Some(params.clone())
    };
    let is_told = |proxy: &&'static str| {
        let params = match *proxy {
            "proxy.rs" => Some(Vec::new()),
            "app/proxy.rs" => first.eq_ignore_ascii_case("items").then(Vec::new),
            "app/items/proxy.rs" => (first == "items").then(Vec::new),
            "app/(shop)/proxy.rs" => below("(shop)/"),
            _ => below("[team]/"),
        };
        Some((*proxy, params?))
    };
    (app.files.iter().filter_map(is_told).collect(), route)
}

/// The params of a route, if it answers the segments.
fn params(route: &str, segments: &[String]) -> Option<Vec<Param>> {
    let segments: Vec<_> = segments.iter().map(String::as_str).collect();
    let param = |name: &str, value| {
        let name = name.to_owned();
        Some(vec![Param { name, value }])
    };
    let one = |name, value: &str| param(name, ParamValue::One(value.to_owned()));
    match (route, &*segments) {
        ("", []) | ("(shop)/cart", ["cart"]) | ("items/all", ["items", "all"]) => Some(vec![]),
        ("items/[slug]", ["items", slug]) => one("slug", slug),
        ("[team]/members", [team, "members"]) => one("team", team),
        ("[...rest]", rest @ [_, ..]) => {
            let rest = rest.iter().map(|segment| (*segment).to_owned());
            param("rest", ParamValue::Many(rest.collect()))
        }
        _ => None,
    }
}

/// What becomes of a path: each proxy lets it go on.
fn walked(app: &App, path: &Path<'_>, query: Option<&str>) -> Walked {
    let rules = Rules::default();
    let routing = Routing {
        rules: &rules,
        proxies: &app.proxies,
        table: &app.table,
    };
    let asked = Asked {
        path,
        inside: Some(path),
        query,
        host: "localhost",
        headers: &[],
        cookies: &[],
    };
    let (mut tried, mut told) = (Tried::default(), Vec::new());
    loop {
        match resolve(&routing, &asked, &tried).unwrap() {
            Resolved::Proxy { turn, rewritten } => {
                assert!(rewritten.is_none());
                told.push((*turn.proxy, turn.params));
                tried.proxies.push(turn.index);
            }
            Resolved::Route { found, rewritten } => {
                assert!(rewritten.is_none());
                return (told, Some((*found.route, found.params)));
            }
            Resolved::Nothing => return (told, None),
            other => panic!("{other:?}"),
        }
    }
}

/// Holds one path to what it says above, with a query and without.
fn agree(app: &App, raw: &str, trailing_slash: bool, query: &str) -> Result<(), TestCaseError> {
    let Ok(Normal::Serve(path)) = normalise(raw, trailing_slash) else {
        return Ok(()); // redirected or refused: neither proxy nor route sees it
    };
    let segments = path.segments().map(|segment| decode(segment).unwrap());
    let segments: Vec<_> = segments.map(Cow::into_owned).collect();
    let expected = expected(app, &segments);
    for query in [None, Some(query)] {
        prop_assert_eq!(
            &walked(app, &path, query),
            &expected,
            "{} ? {:?}",
            raw,
            query
        );
    }
    Ok(())
}

proptest! {
    // 100,000 paths.
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn whatever_reaches_a_route_was_shown_to_its_proxies(
        routes in subsequence(ROUTES.to_vec(), 0..=ROUTES.len()),
        proxies in subsequence(PROXIES.to_vec(), 0..=PROXIES.len()),
        raw in prop::collection::vec(raw_path(), 20),
        trailing_slash: bool,
        query in prop_oneof![Just("slug=x&team=x&rest=x&path=x".to_owned()), any::<String>()],
    ) {
        let app = App::new(&routes, &proxies);
        for raw in raw {
            agree(&app, &raw, trailing_slash, &query)?;
        }
    }
}

/// Guards the test above against generating nothing that counts.
#[test]
fn every_route_and_every_proxy_is_reached() {
    let app = App::new(&ROUTES, &PROXIES);
    let (mut routes, mut proxies) = (Vec::new(), BTreeSet::new());
    for raw in [
        "/",
        "/c%61rt",
        "/i%74em%73/all",
        "/items/%69tems",
        "/x/../red/members",
        "/a%20b",
    ] {
        let Ok(Normal::Serve(path)) = normalise(raw, false) else {
            panic!("{raw}")
        };
        let (told, route) = walked(&app, &path, None);
        routes.extend(route.map(|(route, _)| route));
        proxies.extend(told.into_iter().map(|(proxy, _)| proxy));
    }
    assert_eq!(routes, ROUTES);
    assert_eq!(proxies, BTreeSet::from(PROXIES));
}
