use super::*;
use crate::cookies;
use crate::path::{Normal, normalise};

#[test]
fn headers_are_added_to_the_paths_of_their_source() {
    let rules = r#"
        [[headers]]
        source = "/docs/:path*"
        headers = [{ key = "X-Robots", value = "noindex" }, { key = "x-:path", value = "at :path, :other" }]
    "#;
    check(rules, "/docs/a", "x-robots: noindex; x-a: at a, :other"); // CF1
    check(rules, "/docs/a/b", "x-robots: noindex"); // `x-a/b` cannot be sent
    check(rules, "/docs", "x-robots: noindex; x-: at , :other");
    check(rules, "/", "");
}

#[test]
fn of_two_headers_the_later_one_stands() {
    let rules = r#"
        [[headers]]
        source = "/:path*"
        headers = [{ key = "x-a", value = "1" }, { key = "set-cookie", value = "a=1" }]
        [[headers]]
        source = "/b"
        headers = [{ key = "X-A", value = "2" }, { key = "set-cookie", value = "b=2" }]
    "#;
    check(rules, "/a", "x-a: 1; set-cookie: a=1"); // CF1
    check(rules, "/b", "x-a: 2; set-cookie: a=1; set-cookie: b=2");
}

#[test]
fn a_header_is_not_broken_by_what_a_client_sends() {
    let rules = r#"
        [[headers]]
        source = "/:p"
        has = [{ type = "query", key = "q", value = "(?<q>.*)" }]
        headers = [{ key = "x-q", value = ":q" }, { key = "x-p", value = ":p" }, { key = "content-:p", value = "0" }]
    "#;
    check(
        rules,
        "/length?q=a%0d%0aset-cookie:+b%C3%A9",
        "x-q: a%0D%0Aset-cookie: b%C3%A9; x-p: length",
    ); // threat model, T16
}

#[test]
fn the_first_redirect_answers() {
    let rules = r#"
        [[redirects]]
        source = "/old/:slug"
        destination = "/new/:slug"
        permanent = true
        [[redirects]]
        source = "/old/:path*"
        destination = "https://example.com/:path*"
        permanent = false
        [[redirects]]
        source = "/form"
        destination = "/done"
        status_code = 303
    "#;
    check(
        rules,
        "/old/a?x=1",
        "308 /new/a?x=1, refresh 0;url=/new/a?x=1",
    ); // CF2
    check(rules, "/OLD/a/", "308 /new/a, refresh 0;url=/new/a"); // CF5
    check(rules, "/old/a/b", "307 https://example.com/a/b");
    check(rules, "/form", "303 /done");
    check(rules, "/new/a", "");
}

#[test]
fn a_redirect_does_not_climb() {
    let rules = r#"
        redirects = [{ source = "/f:name(.*)", destination = "/files/:name", permanent = false }]
    "#;
    let fault =
        "`/files/..` has a dot segment that came out of the request and would lead elsewhere";
    check(rules, "/f..", &format!("400 {fault}"));
}

#[test]
fn rewrites_are_asked_at_their_time() {
    let rules = r#"
        [[rewrites.before_files]]
        source = "/a"
        destination = "/b"
        [[rewrites.before_files]]
        source = "/b"
        destination = "/c?from=b"
        [[rewrites.after_files]]
        source = "/blog/:slug"
        destination = "/post"
        [[rewrites.fallback]]
        source = "/:path*"
        destination = "https://old.example.com/:path*"
    "#;
    check(
        rules,
        "/a?x=1",
        "before /c?x=1&from=b; fallback https://old.example.com/c?x=1&from=b",
    ); // CF3
    check(
        rules,
        "/blog/hi",
        "after /post?slug=hi; fallback https://old.example.com/post?slug=hi",
    );
    check(rules, "/x", "fallback https://old.example.com/x");
}

#[test]
fn a_rule_can_ask_for_more_than_a_path() {
    for (condition, held) in [
        (r#"type = "header", key = "X-Plan""#, "pro"),
        (r#"type = "header", key = "x-plan", value = "p.*""#, "pro"),
        (r#"type = "header", key = "x-two", value = "1, 2""#, "1, 2"),
        (
            r#"type = "cookie", key = "theme", value = "dark|light""#,
            "dark",
        ),
        (
            r#"type = "query", key = "tag", value = "b""#,
            "the last one",
        ),
        (
            r#"type = "query", key = "tag", value = "(?i)B""#,
            "any case",
        ),
        (
            r#"type = "host", value = "www\\.example\\.com""#,
            "no port, lower case",
        ),
    ] {
        check_condition(condition, true, held); // PX4
    }
    for (condition, lacking) in [
        (
            r#"type = "header", key = "x-empty""#,
            "an empty value is none",
        ),
        (
            r#"type = "header", key = "x-plan", value = "PRO""#,
            "case counts",
        ),
        (
            r#"type = "header", key = "x-plan", value = "p|r""#,
            "all of it",
        ),
        (
            r#"type = "cookie", key = "theme", value = "dar""#,
            "all of it",
        ),
        (r#"type = "cookie", key = "Theme""#, "case counts"),
        (
            r#"type = "query", key = "tag", value = "a""#,
            "the last one",
        ),
        (r#"type = "query", key = "none""#, "there is none"),
        (r#"type = "host", value = "example\\.com""#, "all of it"),
    ] {
        check_condition(condition, false, lacking);
    }
}

#[track_caller]
fn check_condition(condition: &str, holds: bool, why: &str) {
    for (list, expected) in [("has", holds), ("missing", !holds)] {
        let rules = format!(
            r#"redirects = [{{ source = "/a", destination = "/b", permanent = false, {list} = [{{ {condition} }}] }}]"#
        );
        let found = answer(&rules, "", "/a?tag=a&tag=b").unwrap();
        let expected = if expected { "307 /b?tag=a&tag=b" } else { "" };
        assert_eq!(found, expected, "{list} {condition}: {why}");
    }
}

#[test]
fn more_than_a_thousand_rules_are_worth_a_warning() {
    let warning = |count: usize| {
        let rule = "{ source = \"/a\", destination = \"/b\", permanent = false }";
        let rules = format!("redirects = [{}]", vec![rule; count].join(", "));
        let declared = toml::from_str(&rules).unwrap();
        let rules = Rules::compile(&declared, BasePath::parse("").unwrap());
        rules.unwrap().warning()
    };
    assert_eq!(warning(1_000), None); // CF4
    let said = warning(1_001).unwrap();
    assert!(said.starts_with("waystation.toml has 1001 rules"), "{said}");
}

#[test]
fn a_condition_gives_params() {
    let redirect = |has: &str, destination: &str| {
        format!(
            r#"redirects = [{{ source = "/a", destination = "{destination}", permanent = false, has = [{{ {has} }}] }}]"#
        )
    };
    let header = r#"type = "header", key = "x-plan", value = "(?<first>.)(?<rest>.*)""#;
    check(&redirect(header, "/:rest/:first"), "/a", "307 /ro/p"); // PX4
    check(
        &redirect(r#"type = "header", key = "x-plan""#, "/:xplan"),
        "/a",
        "307 /pro",
    );
    check(
        &redirect(r#"type = "host", value = "www.*""#, "/:host"),
        "/a",
        "307 /www.example.com",
    );
    let nameless = "headers = [{ source = '/a', has = [{ type = 'query', key = '1' }], headers = [{ key = 'x-a', value = 'a:b :' }] }]";
    check(nameless, "/a?1=2", "x-a: a:b :");
    let host = r#"type = "host", value = "(?P<sub>[^.]+)\\..*""#;
    check(&redirect(host, "/b?s=:sub"), "/a", "307 /b?s=www");
    let to = redirect(r#"type = "query", key = "to", value = "(?<to>.*)""#, "/:to");
    check(
        &to,
        "/a?to=//evil.example",
        "307 /%2F%2Fevil.example?to=//evil.example",
    ); // threat model, R5
    check(
        &to,
        "/a?to=..",
        "400 `/..` has a dot segment that came out of the request and would lead elsewhere",
    );
}

#[test]
fn the_base_path_belongs_to_a_rule_unless_it_says_otherwise() {
    let rules = r#"
        [[redirects]]
        source = "/a"
        destination = "/b"
        permanent = false
        [[redirects]]
        source = "/"
        base_path = false
        destination = "/docs"
        permanent = false
        [[redirects]]
        source = "/home"
        destination = "/"
        permanent = false
        [[rewrites.fallback]]
        source = "/:path*"
        base_path = false
        destination = "https://example.com/:path*"
    "#;
    check_base(rules, "/docs/a", "307 /docs/b"); // U6
    check_base(rules, "/docs/home", "307 /docs");
    check_base(rules, "/a", "fallback https://example.com/a");
    check_base(rules, "/", "307 /docs");
    check_base(rules, "/docs", "fallback https://example.com/docs");
}

#[test]
fn every_fault_names_its_rule_and_field() {
    let rules = r#"
        [[headers]]
        source = "docs"
        headers = []
        [[headers]]
        source = "/"
        headers = [{ key = "a b", value = "é" }, { key = "Content-Length", value = "0" }]
        [[redirects]]
        source = "/:a"
        destination = "/:b"
        [[redirects]]
        source = "/a/:p(\\d"
        destination = "/:p"
        permanent = true
        status_code = 308
        has = [
            { type = "host", key = "host" }, { type = "host" }, { type = "header" },
            { type = "query", key = "a", value = "a)(b" }
        ]
        [[redirects]]
        source = "/"
        destination = "//x"
        status_code = 200
        [[rewrites.fallback]]
        source = "/"
        destination = "/b"
        base_path = false
    "#;
    check(
        rules,
        "/",
        "`headers[0].source`: `docs` does not start with a slash; write `/docs`\n\
         `headers[0].headers`: there are none; write `headers = [{ key = \"x-name\", value = \"value\" }]`\n\
         `headers[1].headers[0].key`: `a b` cannot name a header; use letters, digits and any of !#$%&'*+-.^_`|~\n\
         `headers[1].headers[0].value`: `é` holds a character that no header may hold\n\
         `headers[1].headers[1].key`: `Content-Length` is between the host and the connection; remove it\n\
         `redirects[0].destination`: `:b` is no param of this rule; it has `:a`, and `\\:` is a colon\n\
         `redirects[0].permanent`: it is missing; write `permanent = true` for 308, which browsers keep, or `permanent = false` for 307\n\
         `redirects[1].source`: `(\\d` has no `)` that ends it\n\
         `redirects[1].has[0].key`: a host has no key; write what it must be as `value`\n\
         `redirects[1].has[1].value`: it is missing; every request has a host, so write which\n\
         `redirects[1].has[2].key`: it is missing; write the name that is looked for\n\
         `redirects[1].has[3].value`: `a)(b` is no regular expression: unopened group\n\
         `redirects[1].status_code`: `permanent` says the status already; remove one of them\n\
         `redirects[2].destination`: `//x` is another host to a browser; write `https://x`, or one slash for a path\n\
         `redirects[2].status_code`: 200 does not redirect; write one of 301, 302, 303, 307 and 308\n\
         `rewrites.fallback[0].destination`: a rewrite with `base_path = false` leads to another origin; write `http://…` or `https://…`, or remove `base_path`",
    );
}

#[track_caller]
fn check(rules: &str, url: &str, expected: &str) {
    assert_eq!(
        answer(rules, "", url).unwrap_or_else(|faults| faults),
        expected
    );
}

#[track_caller]
fn check_base(rules: &str, url: &str, expected: &str) {
    assert_eq!(answer(rules, "/docs", url).unwrap(), expected);
}

/// What the rules do to a GET of a URL that has a few headers and cookies, if no route has any path.
fn answer(rules: &str, base: &str, url: &str) -> Result<String, String> {
    let base = BasePath::parse(base).unwrap();
    let declared = toml::from_str(rules).map_err(|error| error.to_string())?;
    let rules = Rules::compile(&declared, base.clone()).map_err(|faults| {
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        faults.join("\n")
    })?;
    let (path, query) = url
        .split_once('?')
        .map_or((url, None), |(path, query)| (path, Some(query)));
    let Ok(Normal::Serve(path)) = normalise(path, path.ends_with('/')) else {
        panic!("{path} is not served")
    };
    let inside = base.strip(&path);
    let asked = Asked {
        path: &path,
        inside: inside.as_ref(),
        query,
        host: "WWW.example.com:3000",
        headers: &[
            ("x-plan", "pro"),
            ("x-empty", ""),
            ("x-two", "1"),
            ("x-two", "2"),
        ],
        cookies: &cookies::parse("theme=dark; a=1"),
    };
    match rules.redirect(&asked) {
        Err(climb) => return Ok(format!("400 {climb}")),
        Ok(Some(redirect)) => {
            let refresh = redirect
                .refresh()
                .map_or_else(String::new, |value| format!(", refresh {value}"));
            return Ok(format!(
                "{} {}{refresh}",
                redirect.status, redirect.location
            ));
        }
        Ok(None) => {}
    }
    let headers = rules
        .headers(&asked)
        .into_iter()
        .map(|(name, value)| format!("{name}: {value}"));
    let mut done: Vec<_> = headers.collect();
    done.extend(rewritten(&rules, asked));
    Ok(done.join("; "))
}

/// The walk of a request through the rewrites: what each list came to.
fn rewritten(rules: &Rules, asked: Asked<'_>) -> Vec<String> {
    let mut inside = asked.inside.cloned();
    let mut query = asked.query.map(str::to_owned);
    let mut done = Vec::new();
    let lists = [
        ("before", rules.before_files()),
        ("after", rules.after_files()),
        ("fallback", rules.fallback()),
    ];
    for (list, rewrites) in lists {
        let mut came_to = None;
        for rewrite in rewrites {
            let asked = Asked {
                inside: inside.as_ref(),
                query: query.as_deref(),
                ..asked
            };
            match rewrite.target(&asked).unwrap() {
                None => {}
                Some(Target::Other { url }) => came_to = Some(url),
                Some(Target::Own { path, query: now }) => {
                    let question = now
                        .as_ref()
                        .map_or_else(String::new, |query| format!("?{query}"));
                    came_to = Some(format!("{}{question}", path.as_str()));
                    (inside, query) = (Some(path.into_owned()), now);
                }
            }
        }
        done.extend(came_to.map(|to| format!("{list} {to}")));
    }
    done
}
