use super::*;
use crate::base_path::BasePath;
use crate::config::{Declared, Rules};
use crate::path::{Normal, normalise};
use crate::resolve::{Resolved, Routing, Tried, resolve};
use crate::table::{Entry, ParamValue, Table};

#[test]
fn without_a_matcher_a_proxy_beside_the_app_sees_every_path() {
    check(&["proxy.rs"], "", "/", "proxy.rs, app/route.rs"); // PX2
    check(&["proxy.rs"], "", "/none", "proxy.rs, nothing");
    check(
        &["src/proxy.rs"],
        "",
        "/items/a",
        "src/proxy.rs, app/items/[slug]/route.rs",
    );
    check(&["app/proxy.rs"], "", "/none", "app/proxy.rs, nothing");
}

#[test]
fn a_matcher_is_anchored_at_both_ends() {
    let about = |path: &str, expected: &str| matched(r#"[{"source":"/about"}]"#, path, expected);
    about("/about", "asked"); // PX3
    about("/about/", "asked");
    about("/ABOUT", "asked");
    about("/%61bout", "asked");
    about("/about/team", "not asked");
    about("/x/about", "not asked");
    let two = r#"[{"source":"/about/:path*"},{"source":"/blog"}]"#;
    matched(two, "/about/team", "asked");
    matched(two, "/blog", "asked");
    matched(two, "/", "not asked");
    matched(r#"[{"source":"/((?!api|_next).*)"}]"#, "/apix", "not asked");
    matched(r#"[{"source":"/((?!api|_next).*)"}]"#, "/blog", "asked");
}

#[test]
fn a_matcher_can_ask_for_more_than_a_path() {
    let header = r#"[{"source":"/a","has":[{"type":"header","key":"X-Role","value":"ad.*"}]}]"#;
    matched(header, "/a", "asked"); // PX4
    matched(&header.replace("ad.*", "d"), "/a", "not asked");
    let missing = r#"[{"source":"/a","missing":[{"type":"cookie","key":"session"}]}]"#;
    matched(missing, "/a", "not asked");
    matched(&missing.replace("session", "other"), "/a", "asked");
    matched(
        r#"[{"source":"/a","has":[{"type":"query","key":"q"}]}]"#,
        "/a?q=1",
        "asked",
    );
    matched(
        r#"[{"source":"/a","has":[{"type":"host","value":"localhost"}]}]"#,
        "/a",
        "asked",
    );
}

#[test]
fn a_proxy_in_a_folder_is_about_what_is_below_it() {
    let proxies = [
        "app/items/[slug]/proxy.rs",
        "app/items/proxy.rs",
        "proxy.rs",
    ];
    check(
        &proxies,
        "",
        "/items/a",
        "proxy.rs, app/items/proxy.rs, app/items/[slug]/proxy.rs [slug=a], app/items/[slug]/route.rs",
    );
    check(
        &proxies,
        "",
        "/items",
        "proxy.rs, app/items/proxy.rs, nothing",
    );
    check(&proxies, "", "/", "proxy.rs, app/route.rs");
    check(
        &["app/items/proxy.rs"],
        "",
        "/items/a/b",
        "app/items/proxy.rs, nothing",
    );
    check(&["app/items/proxy.rs"], "", "/itemsx", "nothing");
    check(
        &["app/items/proxy.rs"],
        "",
        "/it%65ms/a",
        "app/items/proxy.rs, app/items/[slug]/route.rs",
    );
    check(&["app/items/proxy.rs"], "", "/Items/a", "nothing");
}

#[test]
fn a_folder_that_no_path_tells_is_told_by_the_route() {
    check(
        &["app/(shop)/proxy.rs"],
        "",
        "/cart",
        "app/(shop)/proxy.rs, app/(shop)/cart/route.rs",
    );
    check(
        &["app/(shop)/proxy.rs"],
        "",
        "/items/a",
        "app/items/[slug]/route.rs",
    );
    check(
        &["app/[team]/proxy.rs"],
        "",
        "/items/a",
        "app/items/[slug]/route.rs",
    );
    check(
        &["app/[team]/proxy.rs"],
        "",
        "/red/members",
        "app/[team]/proxy.rs [team=red], app/[team]/members/route.rs",
    );
}

#[test]
fn a_rewrite_of_the_operators_leads_around_no_proxy() {
    let rules = "[[rewrites.before_files]]\nsource = '/i-:slug'\ndestination = '/items/:slug'\n\
                 [[rewrites.fallback]]\nsource = '/team-:team'\ndestination = '/:team/members'";
    check(
        &["app/items/proxy.rs"],
        rules,
        "/i-a",
        "app/items/proxy.rs at /items/a [slug=a], app/items/[slug]/route.rs at /items/a",
    );
    check(
        &["app/[team]/proxy.rs"],
        rules,
        "/team-red",
        "app/[team]/proxy.rs at /red/members [team=red], app/[team]/members/route.rs at /red/members",
    );
}

#[test]
fn the_operators_redirects_come_first() {
    let rules = "[[redirects]]\nsource = '/cart'\ndestination = '/'\npermanent = true";
    check(&["proxy.rs"], rules, "/cart", "308 /");
}

#[test]
fn a_proxy_that_cannot_be_says_why() {
    refused(
        r#"[{"source":"about"}]"#,
        "`MATCHER[0].source`: `about` does not start with a slash; write `/about`",
    );
    refused(
        r#"[{"source":"/a","has":[{"type":"header","key":"x","value":"("}]},{"source":"/b","missing":[{"type":"cookie"}]}]"#,
        "`MATCHER[0].has[0].value`",
    );
    refused(
        "[]",
        "`MATCHER` is empty, so the proxy would never be asked; leave it out to match everything",
    );
}

#[test]
fn a_rewrite_leads_to_a_path_or_to_another_origin() {
    leads("/b?c=1#d", "/b ?c=1"); // PX7
    leads("/b/", "/b");
    leads("/", "/");
    leads("http://localhost:3000/b?c", "/b ?c");
    leads("http://localhost:3000", "/");
    leads("http://localhost:3000?c", "/ ?c");
    leads(
        "http://localhost:3000.example/b",
        "`localhost:3000.example` is no host name with an optional port",
    );
    leads("https://example.com/b?c", "to https://example.com/b?c");
    leads("/caf\u{e9}", "/caf%C3%A9");
    leads("/a/../b", "/b");
    leads("/a//b", "write it `/a/b`");
    leads(
        "b",
        "`b` is neither a path nor an origin; write `/…`, `http://…` or `https://…`",
    );
    leads(
        "//evil.example/b",
        "`//evil.example/b` is another host to a browser; write `https://evil.example/b`, or one slash for a path",
    );
    leads(
        "/%zz",
        "`%zz` has a `%` without two hexadecimal digits; a percent sign is written `%25`",
    );
}

#[test]
fn a_location_on_this_host_is_a_path() {
    let sent = |location: &str, expected: &str| {
        assert_eq!(relative(location, "http://localhost:3000"), expected);
    };
    sent("http://localhost:3000/login?a#b", "/login?a#b"); // PX8
    sent("http://localhost:3000", "/");
    sent("http://localhost:3000?a", "/?a");
    sent(
        "http://localhost:30001/login",
        "http://localhost:30001/login",
    );
    sent(
        "http://localhost:3000//evil.example",
        "http://localhost:3000//evil.example",
    );
    sent(
        "https://localhost:3000/login",
        "https://localhost:3000/login",
    );
    sent("login", "login");
}

#[test]
fn what_the_host_settles_a_proxy_does_not_change() {
    for name in [
        "x-user",
        "authorization",
        "cookie",
        "content-type",
        "accept",
        "x-forwarded",
    ] {
        assert!(may_change(name), "{name}"); // PX5
    }
    let settled = forwarded::HEADERS
        .into_iter()
        .chain(admit::INTERNAL_HEADERS);
    let others = [
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "te",
        "x-middleware-next",
        "x-waystation-a",
    ];
    for name in settled.chain(others) {
        assert!(!may_change(name), "{name}"); // threat model, R1
    }
}

/// The routes that the tests share.
const ROUTES: [&str; 5] = [
    "",
    "(shop)/cart",
    "[team]/members",
    "items/[slug]",
    "items/all",
];

/// Asks each proxy in its turn and lets the request go on.
#[track_caller]
fn check(files: &[&str], toml: &str, path: &str, expected: &str) {
    let reaches = files.iter().map(|file| (Reach::of(file), *file));
    assert_eq!(
        passed(&Proxies::new(reaches.collect()), toml, path),
        expected
    );
}

#[track_caller]
fn matched(matcher: &str, path: &str, expected: &str) {
    let matcher: Vec<Matcher> = serde_json::from_str(matcher).unwrap();
    let proxies = Proxies::new(vec![(
        Reach::of("proxy.rs").matching(&matcher).unwrap(),
        "proxy.rs",
    )]);
    let found = match passed(&proxies, "", path).starts_with("proxy.rs") {
        true => "asked",
        false => "not asked",
    };
    assert_eq!(found, expected);
}

#[track_caller]
fn refused(matcher: &str, expected: &str) {
    let matcher: Vec<Matcher> = serde_json::from_str(matcher).unwrap();
    let error = Reach::of("proxy.rs")
        .matching(&matcher)
        .unwrap_err()
        .to_string();
    assert!(error.starts_with(expected), "{error}");
}

#[track_caller]
fn leads(text: &str, expected: &str) {
    let found = match target(text, "http://localhost:3000") {
        Ok(Target::Other { url }) => format!("to {url}"),
        Ok(Target::Own { path, query }) => {
            let query = query.map_or_else(String::new, |query| format!(" ?{query}"));
            format!("{}{query}", path.as_str())
        }
        Err(error) => error.to_string(),
    };
    assert_eq!(found, expected);
}

fn passed(proxies: &Proxies<&str>, toml: &str, target: &str) -> String {
    let declared: Declared = toml::from_str(toml).unwrap();
    let rules = Rules::compile(&declared, BasePath::default()).unwrap();
    let table = table();
    let (raw, query) = target
        .split_once('?')
        .map_or((target, None), |(raw, query)| (raw, Some(query)));
    let path = match normalise(raw, raw.ends_with('/')).unwrap() {
        Normal::Serve(path) => path,
        Normal::Redirect(path) => return format!("308 {path}"),
    };
    let asked = Asked {
        path: &path,
        inside: Some(&path),
        query,
        host: "localhost:3000",
        headers: &[("x-role", "admin")],
        cookies: &[("session".to_owned(), "1".to_owned())],
    };
    let routing = Routing {
        rules: &rules,
        proxies,
        table: &table,
    };
    let (mut tried, mut seen) = (Tried::default(), Vec::new());
    loop {
        match resolve(&routing, &asked, &tried).unwrap() {
            Resolved::Redirect(redirect) => {
                return format!("{} {}", redirect.status, redirect.location);
            }
            Resolved::Other { url } => seen.push(format!("to {url}")),
            Resolved::Nothing => seen.push("nothing".to_owned()),
            Resolved::Route { found, rewritten } => {
                let at =
                    rewritten.map_or_else(String::new, |to| format!(" at {}", to.path.as_str()));
                seen.push(format!("{}{at}", found.file));
            }
            Resolved::Proxy { turn, rewritten } => {
                let at =
                    rewritten.map_or_else(String::new, |to| format!(" at {}", to.path.as_str()));
                let params = turn.params.iter().map(|param| match &param.value {
                    ParamValue::One(value) => format!(" [{}={value}]", param.name),
                    ParamValue::Many(values) => format!(" [{}={values:?}]", param.name),
                });
                seen.push(format!("{}{at}{}", turn.proxy, params.collect::<String>()));
                tried.proxies.push(turn.index);
                continue;
            }
        }
        return seen.join(", ");
    }
}

fn table() -> Table<()> {
    let entries = ROUTES.map(|folder| Entry {
        pattern: RoutePattern::parse(folder).unwrap(),
        file: format!("app/{folder}/route.rs").replace("//", "/"),
        route: (),
    });
    Table::build(entries.to_vec()).unwrap()
}
