//! Proxies and routes agree on the path (threat model, R2): whatever reaches a route was shown to every proxy that is about it, and under
//! the very path that the route was found by.
//!
//! Which proxies those are is worked out here by other means: from the decoded segments alone, for each spelling that a client can send.

use std::borrow::Cow;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::tests::table;
use super::*;
use crate::config::Rules;
use crate::path::{Normal, normalise};
use crate::resolve::{Resolved, Routing, Tried, resolve};
use crate::table::Table;

static TABLE: LazyLock<Table<()>> = LazyLock::new(table);

/// Of each kind one: everything, a matcher, a plain folder, one with params, a group.
static PROXIES: LazyLock<Proxies<&'static str>> = LazyLock::new(|| {
    let matcher = [Matcher {
        source: "/items/:path*".to_owned(),
        has: Vec::new(),
        missing: Vec::new(),
    }];
    let reach = |file: &'static str| (Reach::of(file), file);
    let items = Reach::of("app/proxy.rs").matching(&matcher).unwrap();
    Proxies::new(vec![
        reach("proxy.rs"),
        (items, "app/proxy.rs"),
        reach("app/items/proxy.rs"),
        reach("app/[team]/proxy.rs"),
        reach("app/(shop)/proxy.rs"),
    ])
});

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

/// The proxies that are about a route, by its file and the decoded segments of the path.
fn expected(file: &str, segments: &[String]) -> Vec<&'static str> {
    let first = segments.first().map_or("", String::as_str);
    let is_about = |proxy: &&str| match *proxy {
        "proxy.rs" => true,
        "app/proxy.rs" => first.eq_ignore_ascii_case("items"),
        "app/items/proxy.rs" => first == "items",
        "app/[team]/proxy.rs" => file == "app/[team]/members/route.rs",
        _ => file == "app/(shop)/cart/route.rs",
    };
    let all = [
        "proxy.rs",
        "app/proxy.rs",
        "app/items/proxy.rs",
        "app/(shop)/proxy.rs",
        "app/[team]/proxy.rs",
    ];
    all.into_iter().filter(is_about).collect()
}

/// The proxies that were asked, each with the path it was shown.
type Seen = Vec<(&'static str, String)>;

/// Asks the proxies in turn; the route that is reached comes with its path.
fn walked(path: &Path<'_>, query: Option<&str>) -> (Seen, Option<(String, String)>) {
    let rules = Rules::default();
    let routing = Routing {
        rules: &rules,
        proxies: &*PROXIES,
        table: &*TABLE,
    };
    let asked = Asked {
        path,
        inside: Some(path),
        query,
        host: "localhost",
        headers: &[],
        cookies: &[],
    };
    let (mut tried, mut seen) = (Tried::default(), Vec::new());
    loop {
        match resolve(&routing, &asked, &tried).unwrap() {
            Resolved::Proxy { turn, rewritten } => {
                assert!(rewritten.is_none());
                seen.push((*turn.proxy, path.as_str().to_owned()));
                tried.proxies.push(turn.index);
            }
            Resolved::Route { found, rewritten } => {
                assert!(rewritten.is_none());
                return (
                    seen,
                    Some((found.file.to_owned(), path.as_str().to_owned())),
                );
            }
            Resolved::Nothing => return (seen, None),
            other => panic!("{other:?}"),
        }
    }
}

/// Holds one path to what it says above.
fn agree(raw: &str, trailing_slash: bool, query: Option<&str>) -> Result<(), TestCaseError> {
    let Ok(Normal::Serve(path)) = normalise(raw, trailing_slash) else {
        return Ok(()); // redirected or refused: neither proxy nor route sees it
    };
    let (seen, route) = walked(&path, query);
    if let Some((file, at)) = route {
        let segments = path.segments().map(|segment| decode(segment).unwrap());
        let segments: Vec<_> = segments.map(Cow::into_owned).collect();
        let shown: Vec<_> = seen.iter().map(|(proxy, _)| *proxy).collect();
        prop_assert_eq!(shown, expected(&file, &segments));
        prop_assert!(seen.iter().all(|(_, path)| *path == at));
    }
    Ok(())
}

proptest! {
    // 100,000 paths.
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn whatever_reaches_a_route_was_shown_to_its_proxies(
        raw in prop::collection::vec(raw_path(), 20),
        trailing_slash: bool,
        query: Option<String>,
    ) {
        for raw in raw {
            agree(&raw, trailing_slash, query.as_deref())?;
        }
    }
}

/// Guards the test above against generating nothing that counts.
#[test]
fn every_route_and_every_proxy_is_reached() {
    for (raw, file) in [
        ("/", "app/route.rs"),
        ("/items/%69tems", "app/items/[slug]/route.rs"),
        ("/i%74em%73/all", "app/items/all/route.rs"),
        ("/c%61rt", "app/(shop)/cart/route.rs"),
        ("/x/../red/members", "app/[team]/members/route.rs"),
    ] {
        let Ok(Normal::Serve(path)) = normalise(raw, false) else {
            panic!("{raw}")
        };
        let (seen, route) = walked(&path, None);
        assert_eq!(route.unwrap().0, file);
        assert!(!seen.is_empty());
    }
}
