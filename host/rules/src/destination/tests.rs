use proptest::prelude::*;

use super::*;
use crate::source::Source;

#[test]
fn a_redirect_fills_in_its_params() {
    redirect("/old/:slug", "/old/a", "/new/:slug", "/new/a"); // CF2
    redirect("/old/:path*", "/old/a/b", "/new/:path*", "/new/a/b");
    redirect("/old/:path*", "/old/a/b", "/new/:path", "/new/a/b");
    redirect("/old/:path*", "/old", "/new/:path*", "/new");
    redirect("/:lang?/docs", "/docs", "/d/:lang/x", "/d/x");
    redirect("/post/:id(\\d+)", "/post/1", "/p-:id.html", "/p-1.html");
    redirect("/:a/:b", "/1/2", "/:b/:a?a=:a#:b", "/2/1?a=1#2");
    redirect("/a", "/a", "/b\\:c", "/b:c");
    redirect("/a", "/a", "/ü x", "/%C3%BC%20x");
}

#[test]
fn a_redirect_keeps_the_query_that_it_does_not_use() {
    redirect("/a", "/a?x=1&y=2", "/b", "/b?x=1&y=2"); // CF2
    redirect("/a", "/a?x=1&y=2&x=3", "/b?x=0", "/b?y=2&x=0");
    redirect("/a", "/a?%78=1", "/b?x=0", "/b?x=0");
    redirect("/a", "/a?q=a+b%20c", "/b", "/b?q=a+b%20c");
    redirect("/a", "/a?&&", "/b", "/b");
    redirect(
        "/a",
        "/a?x",
        "https://example.com/b#c",
        "https://example.com/b?x#c",
    );
}

#[test]
fn a_redirect_goes_to_another_origin() {
    redirect(
        "/:path*",
        "/a/b",
        "https://Example.com/:path*",
        "https://example.com/a/b",
    );
    redirect("/a", "/a", "https://example.com", "https://example.com/");
    redirect(
        "/a",
        "/a",
        "http://localhost:3001?x=1",
        "http://localhost:3001/?x=1",
    );
    redirect("/a", "/a", "http://[::1]:80/x", "http://[::1]:80/x");
}

#[test]
fn a_base_path_goes_before_a_path_and_no_origin() {
    // U6
    let location = |text: &str| {
        let destination = Destination::parse(text, &[]).unwrap();
        destination
            .location(&Captures::default(), None, "/docs")
            .unwrap()
    };
    assert_eq!(location("/b"), "/docs/b");
    assert_eq!(location("/"), "/docs");
    assert_eq!(location("https://example.com/"), "https://example.com/");
}

#[test]
fn a_param_stays_where_it_was_put() {
    redirect("/x:p(.*)", "/x/evil.example", "/:p", "/evil.example"); // threat model, R5
    redirect("/:p", "/%2Fevil.example", "/:p", "/%2Fevil.example");
    redirect("/:p", "/%5Cevil.example", "/:p", "/%5Cevil.example");
    redirect(
        "/:p",
        "/a%3Fb%23c",
        "/:p?p=:p#:p",
        "/a%3Fb%23c?p=a%3Fb%23c#a%3Fb%23c",
    );
    redirect("/:p", "/a%26b=c%25", "/x?p=:p", "/x?p=a%26b%3Dc%25");
    redirect("/:p*", "/a/b", "/x?p=:p*", "/x?p=a%2Fb");
    redirect("/:p", "/a%0D%0Ab", "/:p?p=:p", "/a%0D%0Ab?p=a%0D%0Ab");
    redirect("/:p", "/%3Ap", "/:p", "/:p");
}

#[test]
fn a_param_does_not_climb() {
    let fault = |path: &str| {
        format!("`{path}` has a dot segment that came out of the request and would lead elsewhere")
    };
    redirect("/x:p(.*)", "/x..", "/api/:p", &fault("/api/.."));
    redirect("/x:p(.*)", "/x.", "/:p./a", &fault("/../a"));
    rewrite(
        "/x:p(.*)",
        "/x%2E%2E/a",
        "https://example.com/public/:p",
        &fault("/public/../a"),
    );
    rewrite("/x:p(.*)", "/x.../a", "/:p", "/.../a");
}

#[test]
fn a_rewrite_adds_params_that_its_path_does_not_use() {
    rewrite("/old/:a/:b", "/old/1/2", "/new", "/new?a=1&b=2"); // CF3
    rewrite("/old/:a/:b", "/old/1/2", "/new/:a", "/new/1");
    rewrite("/old/:a/:b", "/old/1/2", "/new/:a?b=:b", "/new/1?b=2");
    rewrite("/old/:a/:b", "/old/1/2", "/new?a=:b", "/new?a=2&b=2");
    rewrite("/old/:a", "/old/1?x=2&a=3", "/new", "/new?x=2&a=1");
    rewrite(
        "/old/:path*",
        "/old/a/b%20c",
        "/new",
        "/new?path=a&path=b%20c",
    );
    rewrite("/old/:path(.*)", "/old/a/b", "/new", "/new?path=a%2Fb");
    rewrite(
        "/old/:path*",
        "/old/a/b",
        "/new?x=:path",
        "/new?x=a%2Fb&path=a&path=b",
    );
    rewrite("/old/:path*", "/old", "/new", "/new");
    rewrite("/old/(.*)", "/old/a", "/new", "/new");
}

#[test]
fn a_rewrite_is_a_path_to_route_or_a_url() {
    rewrite("/:path*", "/a/b", "/x/:path*", "/x/a/b"); // CF3
    rewrite("/:path*", "/", "/x/:path*", "/x");
    rewrite("/:path*", "/", "/:path*", "/");
    rewrite("/:path*", "/a", "/%61bc/:path*#top", "/abc/a");
    rewrite(
        "/:path*",
        "/a?x=1",
        "https://example.com/v1/:path*",
        "other https://example.com/v1/a?x=1",
    );
}

#[test]
fn a_destination_that_cannot_be_is_told_what_to_be() {
    let kind = "is neither a path nor an origin; write `/…`, `http://…` or `https://…`";
    redirect("/a", "/a", "b", &format!("`b` {kind}"));
    redirect(
        "/a",
        "/a",
        "javascript:alert(1)",
        &format!("`javascript:alert(1)` {kind}"),
    );
    redirect(
        "/a",
        "/a",
        "//b",
        "`//b` is another host to a browser; write `https://b`, or one slash for a path",
    );
    redirect(
        "/a",
        "/a",
        "https://me@b",
        "`me@b` is no host name with an optional port",
    );
    redirect(
        "/a",
        "/a",
        "https://",
        "`` is no host name with an optional port",
    );
    redirect(
        "/:a",
        "/a",
        "https://:a.b/",
        "the host has a param, so a client could choose it; write a rule for each host",
    );
    redirect(
        "/:a/:b",
        "/a/b",
        "/:c",
        "`:c` is no param of this rule; it has `:a`, `:b`, and `\\:` is a colon",
    );
    redirect(
        "/(.*)",
        "/a",
        "/?t=:0",
        "`:0` is no param of this rule; it has none, and `\\:` is a colon",
    );
    let sign = "means nothing in a destination; name the param in the source and write `:name`";
    redirect(
        "/(.*)",
        "/a",
        "/b/(.*)",
        &format!("`(` {sign}, or `\\(` for the character"),
    );
    redirect(
        "/:p*",
        "/a",
        "/b/*",
        &format!("`*` {sign}, or `\\*` for the character"),
    );
    redirect(
        "/a",
        "/a",
        "/a/../b",
        "`/a/../b` has a dot segment; write where it leads",
    );
    redirect(
        "/a",
        "/a",
        "/a/%2e",
        "`/a/.` has a dot segment; write where it leads",
    );
    redirect(
        "/a",
        "/a",
        "/a%",
        "`a%` has a `%` without two hexadecimal digits; a percent sign is written `%25`",
    );
}

#[track_caller]
fn redirect(source: &str, url: &str, destination: &str, expected: &str) {
    check(
        source,
        url,
        destination,
        expected,
        |destination, captures, query| destination.location(captures, query, ""),
    );
}

#[track_caller]
fn rewrite(source: &str, url: &str, destination: &str, expected: &str) {
    check(
        source,
        url,
        destination,
        expected,
        |destination, captures, query| {
            Ok(match destination.target(captures, query)? {
                Target::Own { path, query: None } => path.as_str().to_owned(),
                Target::Own {
                    path,
                    query: Some(query),
                } => format!("{}?{query}", path.as_str()),
                Target::Other { url } => format!("other {url}"),
            })
        },
    );
}

#[track_caller]
fn check(
    source: &str,
    url: &str,
    destination: &str,
    expected: &str,
    lead: impl Fn(&Destination, &Captures, Option<&str>) -> Result<String, Climb>,
) {
    let source = Source::parse(source).unwrap();
    let known: Vec<_> = source.names().map(str::to_owned).collect();
    let (path, query) = url
        .split_once('?')
        .map_or((url, None), |(path, query)| (path, Some(query)));
    let Ok(Normal::Serve(path)) = normalise(path, false) else {
        panic!("{path} is not served")
    };
    let captures = source.find(&path).expect("the source matches");
    let found = match Destination::parse(destination, &known) {
        Err(error) => error.to_string(),
        Ok(destination) => {
            lead(&destination, &captures, query).unwrap_or_else(|climb| climb.to_string())
        }
    };
    assert_eq!(found, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Threat model, R5; whatever the path, a redirect to a path stays on this host and is printable, and a rewrite routes what any request
    /// could ask.
    #[test]
    fn a_param_never_leads_elsewhere(
        source in prop::sample::select(vec!["/:p(.*)", "/x:p(.*)", "/:p*", "/:p/:q(.*)?"]),
        destination in prop::sample::select(vec!["/:p", "/a:p", "/:p:p", "/./:p", "/:p?p=:p#:p", "/:p./a", "/a/:p*/b"]),
        raw in "/(x|%2e|%2F|%5c|%0d%0a|%00|[a/.\\\\@: %é\u{202e}?#]){0,10}",
        query in proptest::option::of("[a-c=&%+ é\\n]{0,8}"),
    ) {
        let source = Source::parse(source).unwrap();
        let known: Vec<_> = source.names().map(str::to_owned).collect();
        if let Ok(Normal::Serve(path)) = normalise(&raw, false)
            && let Some(captures) = source.find(&path)
            && let Ok(destination) = Destination::parse(destination, &known)
        {
            if let Ok(location) = destination.location(&captures, query.as_deref(), "") {
                prop_assert!(location.starts_with('/') && !location.starts_with("//"), "{}", location);
                prop_assert!(location.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'), "{}", location);
            }
            if let Ok(Target::Own { path, .. }) = destination.target(&captures, query.as_deref()) {
                prop_assert_eq!(normalise(path.as_str(), false), Ok(Normal::Serve(path.clone())));
            }
        }
    }

    /// Any text is a destination or is refused.
    #[test]
    fn any_text_is_a_destination_or_refused(text in "(/|https?://)?(\\PC|[/:a(.*)?#&=+\\\\{}%\\[\\]@]){0,24}") {
        let known = ["a".to_owned()];
        if let Ok(destination) = Destination::parse(&text, &known) {
            let _ = destination.target(&Captures::default(), None);
        }
    }
}
