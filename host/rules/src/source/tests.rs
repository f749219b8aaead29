use super::*;
use crate::path::{Normal, normalise};

#[test]
fn text_is_that_path_and_nothing_below_it() {
    // CF5, PX3
    check("/about", "/about", "match");
    check("/about", "/about/", "match");
    check("/about", "/about/team", "no match");
    check("/about", "/x/about", "no match");
    check("/about", "/aboutx", "no match");
    check("/about/", "/about", "match");
    check("/", "/", "match");
    check("/", "/a", "no match");
    check("/a.b\\+c", "/a.b+c", "match");
    check("/a.b", "/a-b", "no match");
}

#[test]
fn letters_match_in_either_case() {
    check("/About/:id", "/aBOUT/Me", "id = Me"); // CF5
    check("/x([a-c])", "/XB", "match");
}

#[test]
fn a_param_is_one_segment() {
    check("/blog/:slug", "/blog/hello", "slug = hello"); // CF5
    check("/blog/:slug", "/blog", "no match");
    check("/blog/:slug", "/blog/a/b", "no match");
    check("/:a/x/:b_2", "/1/x/2", "a = 1, b_2 = 2");
    check("/:a-:b", "/1-2", "a = 1, b = 2");
    check("/:a-:b", "/1-2-3", "a = 1, b = 2-3");
    check("/@:user", "/@me", "user = me");
}

#[test]
fn a_sign_says_how_often() {
    check("/docs/:path*", "/docs", ""); // CF5
    check("/docs/:path*", "/docs/a", "path = a");
    check("/docs/:path*", "/docs/a/b/", "path = a/b");
    check("/docs/:path+", "/docs", "no match");
    check("/docs/:path+", "/docs/a/b", "path = a/b");
    check("/:lang?/docs", "/docs", "");
    check("/:lang?/docs", "/en/docs", "lang = en");
    check("/:lang?/docs", "/en/de/docs", "no match");
    check("/:path*", "/", "");
    check("/:path*/end", "/a/b/end", "path = a/b");
    check("/:path*/end", "/end", "");
    check("/file.:ext?", "/file", "");
    check("/file.:ext?", "/file.txt", "ext = txt");
    check("/a/:n(\\d+)*", "/a/1/22", "n = 1/22");
    check("/a:n(\\d)*", "/a123", "n = 123");
}

#[test]
fn a_group_is_a_regular_expression() {
    check("/post/:id(\\d+)", "/post/42", "id = 42"); // CF5
    check("/post/:id(\\d+)", "/post/42a", "no match");
    check(
        "/:lang(en|de)/:rest(.*)",
        "/de/a/b",
        "lang = de, rest = a/b",
    );
    check("/:lang(en|de)/x", "/end/x", "no match");
    check("/(.*)", "/", "match");
    check("/(.*)", "/a/b", "match");
    check("/a(.*)", "/about", "match");
    check("/:v((?:v1|v2)x)", "/v2x", "v = v2x");
    check("/:p([^/]{2})", "/ab", "p = ab");
    check("/:p(a\\)b)", "/a)b", "p = a)b");
}

#[test]
fn a_group_can_say_what_does_not_follow() {
    let most = "/((?!api|_next/static|favicon.ico).*)";
    check(most, "/", "match");
    check(most, "/about", "match");
    check(most, "/api", "no match");
    check(most, "/API/x", "no match");
    check(most, "/apiary", "no match");
    check(most, "/x/api", "match");
    check("/blog/:slug((?!new$)[a-z]+)", "/blog/newer", "slug = newer");
    check("/blog/:slug((?!new$)[a-z]+)", "/blog/new", "no match");
    check("/a:b((?!x)(?!y).)", "/ay", "no match");
}

#[test]
fn an_escaped_character_is_itself() {
    check("/\\(a\\)", "/(a)", "match"); // CF5
    check("/a\\:b", "/a:b", "match");
    check("/a\\*", "/a*", "match");
    check("/a\\/:b?", "/a/", "");
}

#[test]
fn escapes_and_characters_are_the_same_path() {
    // threat model, R2 and R3
    check("/café", "/caf%C3%A9", "match");
    check("/caf%c3%a9", "/café", "match");
    check("/a b", "/a%20b", "match");
    check("/about", "/%61bout", "match");
    check("/:a", "/x%2Fy", "a = x%2Fy");
    check("/:a", "/x%252Fy", "a = x%252Fy");
    check("/:a/:b", "/x%2Fy", "no match");
    check("/:a", "/%41%20%0a", "a = A%20%0A");
    check("/:a(.*)", "/x%5Cy", "a = x%5Cy");
    check("/:a(\\d+)", "/٣", "no match");
}

#[test]
fn a_source_that_cannot_be_is_told_what_to_be() {
    check(
        "about",
        "/",
        "`about` does not start with a slash; write `/about`",
    );
    check(
        "/a?b=c",
        "/",
        "`?` follows neither a param nor a group; write `:name?`, or `\\?` for the character; a query is matched with `has`",
    );
    check(
        "/blog/*",
        "/",
        "`*` follows neither a param nor a group; write `:name*`, or `\\*` for the character",
    );
    check(
        "/a{/b}?",
        "/",
        "`{` means nothing here; write `\\{` for the character, or two rules",
    );
    check(
        "/a:/b",
        "/",
        "`:` has no name after it; write `\\:` for the character",
    );
    check(
        "/:id/:id",
        "/",
        "`:id` stands there twice; rename one of them",
    );
    check("/a\\", "/", "`\\` at the end escapes nothing; remove it");
    check("/:id(\\d+", "/", "`(\\d+` has no `)` that ends it");
    check(
        "/:id()",
        "/",
        "`()` holds no regular expression; write `(.*)` for anything",
    );
    check(
        "/(?:a|b)",
        "/",
        "`(?:a|b)` is a group already; write it without the `?` and what belongs to it",
    );
    check(
        "/:id((\\d)+)",
        "/",
        "`((\\d)+)` captures inside of what is captured; write `(?:` for the inner `(`",
    );
    check(
        "/:id((?P<n>\\d)+)",
        "/",
        "`((?P<n>\\d)+)` captures inside of what is captured; write `(?:` for the inner `(`",
    );
    let never =
        "`(?!…)` can only begin a group that has nothing but text before it and no sign after it";
    check("/:a/((?!b).*)", "/", never);
    check("/:a((?!b).*)*", "/", never);
    check(
        "/:id([z-a])",
        "/",
        "`([z-a])` is no regular expression: invalid character class range, the start must be <= the end",
    );
    check(
        "/:id(x(?=y))",
        "/",
        "`(x(?=y))` is no regular expression: look-around, including look-ahead and look-behind, is not supported",
    );
    check(
        "/:id([é])",
        "/",
        "`([é])` is no regular expression: Unicode not allowed here",
    );
    check(
        "/100%",
        "/",
        "`100%` has a `%` without two hexadecimal digits; a percent sign is written `%25`",
    );
    check(
        &format!("/{}", "a".repeat(4096)),
        "/",
        "it has 4097 bytes and can have 4096; make it several rules",
    );
    check(
        "/:a((?:x{999}){9999})",
        "/",
        "it counts too far to be matched quickly; use `*` or `+` instead of large counts",
    );
}

#[track_caller]
fn check(source: &str, raw_path: &str, expected: &str) {
    let found = Source::parse(source)
        .map_or_else(|error| error.to_string(), |source| found(&source, raw_path));
    assert_eq!(found, expected);
}

/// The params that a source has in a path; `match` for a source without any.
pub(super) fn found(source: &Source, raw_path: &str) -> String {
    let Ok(Normal::Serve(path)) = normalise(raw_path, raw_path.ends_with('/')) else {
        panic!("{raw_path} is not served")
    };
    let Some(captures) = source.find(&path) else {
        return "no match".to_owned();
    };
    if source.names().next().is_none() {
        return "match".to_owned();
    }
    let params: Vec<_> = captures
        .iter()
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    params.join(", ")
}
