use super::*;

#[test]
fn an_ordinary_path_is_borrowed() {
    for path in [
        "/",
        "/a",
        "/items/hello-world",
        "/.well-known/x",
        "/a;b/c:d@e",
        "/rss.xml",
        "/a...b",
    ] {
        check(path, path);
        let Ok(Normal::Serve(path)) = normalise(path, false) else {
            panic!("{path} is not served")
        };
        assert!(matches!(path.text, Cow::Borrowed(_)), "{path:?} was copied");
    }
}

#[test]
fn repeated_slashes_and_backslashes_are_redirected() {
    // U3, P11
    check("//a", "308 /a");
    check("/a//b", "308 /a/b");
    check("/a\\b", "308 /a/b");
    check("/b/1//2", "308 /b/1/2");
    check("//", "308 /");
    check("/a//", "308 /a");
}

#[test]
fn a_redirect_stays_on_this_host() {
    check("//evil.example/x", "308 /evil.example/x");
    check("///evil.example", "308 /evil.example");
    check("/\\evil.example", "308 /evil.example");
    check("/\\/evil.example/", "308 /evil.example");
    check("/.//evil.example", "308 /evil.example");
    check("/a/..//evil.example", "308 /evil.example");
    check("/%2e/\\evil.example", "308 /evil.example");
    check(
        "/\t/evil.example",
        "400 `\\t` holds a character that no path may hold",
    );
}

#[test]
fn a_trailing_slash_is_redirected_away() {
    check("/a/", "308 /a"); // U1
    check("/a.txt/", "308 /a.txt"); // U2
    check("/.well-known/x/", "308 /.well-known/x");
    check("/é/", "308 /%C3%A9");
}

#[test]
fn a_missing_trailing_slash_is_redirected_to() {
    // U4
    check_slash("/", "/");
    check_slash("/a", "308 /a/");
    check_slash("/a/", "/a/");
    check_slash("/a.txt", "/a.txt");
    check_slash("/a.txt/", "308 /a.txt");
    check_slash("/v1.0/users", "308 /v1.0/users/");
    check_slash("/a.b-c", "/a.b-c");
    check_slash("/a.b-c/", "/a.b-c/");
    check_slash("/.well-known/x", "/.well-known/x");
    check_slash("/.well-known/x/", "/.well-known/x/");
    check_slash("/.well-known-not", "/.well-known-not");
    check_slash("//a", "308 /a/");
    check_slash("//", "308 /");
}

#[test]
fn dot_segments_are_resolved_as_browsers_do() {
    check("/a/./b", "/a/b");
    check("/a/../b", "/b");
    check("/../../etc/passwd", "/etc/passwd");
    check("/a/%2e%2E/b", "/b");
    check("/a/.%2e/b", "/b");
    check("/a/%2e/b", "/a/b");
    check("/..", "/");
    check("/a/..", "/");
    check("/a/b/..", "308 /a");
    check("/a/.", "308 /a");
    check_slash("/a/b/..", "/a/");
    check("/a/.../b", "/a/.../b");
}

#[test]
fn each_segment_is_decoded_once() {
    check("/a%2Fb/c", "/a%2Fb/c: a/b, c"); // P4, P6
    check("/a%5cb", "/a%5cb: a\\b");
    check("/a%252e%252e/b", "/a%252e%252e/b: a%2e%2e, b");
    check("/%252e%252e/b", "/%252e%252e/b: %2e%2e, b");
    check("/a%20b+c;d", "/a%20b+c;d: a b+c;d");
    check("/%C3%A9", "/%C3%A9: é");
}

#[test]
fn raw_text_is_escaped_as_browsers_do() {
    check("/é", "/%C3%A9: é");
    check("/a b/<x>", "/a%20b/%3Cx%3E: a b, <x>");
    check("/a?b#c", "/a%3Fb%23c: a?b#c");
}

#[test]
fn a_path_that_cannot_be_read_is_refused() {
    check(
        "/a%",
        "400 `a%` has a `%` without two hexadecimal digits; a percent sign is written `%25`",
    );
    check(
        "/a%4",
        "400 `a%4` has a `%` without two hexadecimal digits; a percent sign is written `%25`",
    );
    check(
        "/%zz/../a",
        "400 `%zz` has a `%` without two hexadecimal digits; a percent sign is written `%25`",
    );
    check(
        "/items/%E0%A4%A",
        "400 `%E0%A4%A` has a `%` without two hexadecimal digits; a percent sign is written `%25`",
    ); // P5
    check(
        "/%E0%A4",
        "400 `%E0%A4` is not UTF-8 once its escapes are decoded",
    );
    check(
        "/%c0%ae%c0%ae/x",
        "400 `%c0%ae%c0%ae` is not UTF-8 once its escapes are decoded",
    );
    check(
        "/a%00b",
        "400 `a%00b` holds a character that no path may hold",
    );
    check("a", "400 the path `a` does not start with a slash");
    check("", "400 the path `` does not start with a slash");
    check("*", "400 the path `*` does not start with a slash");
}

#[track_caller]
fn check(raw: &str, expected: &str) {
    check_as(raw, false, expected);
}

#[track_caller]
fn check_slash(raw: &str, expected: &str) {
    check_as(raw, true, expected);
}

#[track_caller]
fn check_as(raw: &str, trailing_slash: bool, expected: &str) {
    let found = match normalise(raw, trailing_slash) {
        Err(error) => format!("400 {error}"),
        Ok(Normal::Redirect(path)) => {
            let again = normalise(&path, trailing_slash);
            assert!(
                matches!(again, Ok(Normal::Serve(_))),
                "{path} is redirected again"
            );
            format!("308 {path}")
        }
        Ok(Normal::Serve(path)) if path.as_str().contains('%') => {
            let segments: Vec<_> = path
                .segments()
                .map(|segment| decode(segment).unwrap())
                .collect();
            format!("{}: {}", path.as_str(), segments.join(", "))
        }
        Ok(Normal::Serve(path)) => path.as_str().to_owned(),
    };
    assert_eq!(found, expected);
}
