use super::*;
use crate::path::{Normal, normalise};

#[test]
fn one_segment_is_one_param() {
    check("items/[id]", "/items/1", "/items/[id] id=1"); // P1
    check("items/[id]", "/items", "no match");
    check("items/[id]", "/items/1/2", "no match");
    check(
        "[team]/[user-id]",
        "/red/42",
        "/[team]/[user-id] team=red user-id=42",
    ); // P10
    check("[a b]", "/1", "/[a b] a b=1");
    check("[*]/[<x>]", "/1/2", "/[*]/[<x>] *=1 <x>=2");
}

#[test]
fn catch_all_takes_the_rest_of_the_path() {
    check("b/[...s]", "/b/1/2", "/b/[...s] s=[1, 2]"); // P2
    check("b/[...s]", "/b", "no match");
    check("[...s]", "/", "no match");
}

#[test]
fn optional_catch_all_may_take_nothing() {
    check("b/[[...s]]", "/b", "/b/[[...s]]"); // P3
    check("b/[[...s]]", "/b/x", "/b/[[...s]] s=[x]");
    check("[[...s]]", "/", "/[[...s]]");
    check("[id]/[[...s]]", "/1", "/[id]/[[...s]] id=1");
    check("[id]/[[...s]]", "/1/2/3", "/[id]/[[...s]] id=1 s=[2, 3]");
}

#[test]
fn params_are_decoded_once() {
    check("[id]", "/a%20b", "/[id] id=a b"); // P4
    check("[id]", "/a%2Fb", "/[id] id=a/b");
    check("[id]", "/a%252Fb", "/[id] id=a%2Fb");
    check("[id]", "/a+b;c.d", "/[id] id=a+b;c.d");
    check("[id]", "/%C3%A9", "/[id] id=é");
    check("[id]", "/é", "/[id] id=é");
    check("[...s]", "/a%2Fb/c%3Cd", "/[...s] s=[a/b, c<d]");
}

#[test]
fn plain_names_are_compared_after_decoding() {
    // U10
    check("hello world", "/hello%20world", "/hello world");
    check("é", "/%C3%A9", "/é");
    check("é", "/é", "/é");
    check("abc", "/%61bc", "/abc");
    check("abc", "/a%62c", "/abc");
    check("<x>", "/%3cx%3E", "/<x>");
    check("a%2Fb", "/a%252Fb", "/a%2Fb");
    check("a%2Fb", "/a%2Fb", "no match");
    check("a/b", "/a%2Fb", "no match");
    check("%5Fprivate", "/_private", "/_private"); // F4
    check("x/[id]", "/%78/a%2F", "/x/[id] id=a/");
}

#[test]
fn partial_brackets_are_literal() {
    check("x[a]", "/x[a]", "/x[a]"); // P9
    check("x[a]", "/x%5Ba%5D", "/x[a]");
    check("x[a]", "/x1", "no match");
    check("[name].json", "/tom.json", "no match");
}

#[test]
fn case_matters() {
    check("Items", "/items", "no match"); // P12
}

#[test]
fn a_trailing_slash_matches_alike() {
    for path in ["/items/1/", "/items/%31/"] {
        let table = table("items/[id]").unwrap();
        let Ok(Normal::Serve(path)) = normalise(path, true) else {
            panic!("redirected")
        };
        assert_eq!(found(&table, &path), "/items/[id] id=1"); // U5
    }
}

#[test]
fn the_most_specific_route_wins() {
    // R1
    let api = "api/users, api/[x], api/[x]/edit, api/[...all]";
    check(api, "/api/users", "/api/users");
    check(api, "/api/other", "/api/[x] x=other");
    check(api, "/api/users/edit", "/api/[x]/edit x=users");
    check(api, "/api/users/1", "/api/[...all] all=[users, 1]");
    check("api/users, api/[x], api/[...all]", "/api", "no match");
    check("[a]/b, [a]/[b]", "/1/b", "/[a]/b a=1");
    check("[a]/b, [a]/[b]", "/1/c", "/[a]/[b] a=1 b=c");
    check("x/[[...s]], [y]", "/x", "/x/[[...s]]");
    check("[y]/[[...s]], [...r]", "/x", "/[y]/[[...s]] y=x");
}

#[test]
fn routes_are_listed_as_they_are_tried() {
    let routes = "[...rest], [a]/[b], [a]/b, [a], x/[...y], x/[z]/edit, x/[z], x, a/b, A, ";
    let table = table(routes).unwrap();
    let listed: Vec<_> = table
        .entries()
        .map(|entry| entry.pattern.to_string())
        .collect();
    assert_eq!(
        listed.join(" "),
        "/ /A /a/b /x /x/[z] /x/[z]/edit /x/[...y] /[a] /[a]/b /[a]/[b] /[...rest]"
    );
}

#[test]
fn params_have_a_shape_in_json() {
    let table = table("[id]/[...rest]").unwrap();
    let Ok(Normal::Serve(path)) = normalise("/1/2/3", false) else {
        panic!("redirected")
    };
    let params = table.find(&path).unwrap().unwrap().params;
    let json = r#"[{"name":"id","value":"1"},{"name":"rest","value":["2","3"]}]"#;
    assert_eq!(serde_json::to_string(&params).unwrap(), json);
}

#[test]
fn two_files_for_one_path_are_a_conflict() {
    check_conflict(
        "(a)/x, (b)/x", // X2
        "two files answer `/x`
  --> app/(a)/x/route.rs
  --> app/(b)/x/route.rs

hint: keep one of them: groups and slots are not part of a path",
    );
}

#[test]
fn two_routes_that_match_the_same_paths_are_a_conflict() {
    check_conflict(
        "shop/[item], (sale)/shop/[product]", // X4
        "`/shop/[item]` and `/shop/[product]` match the same paths
  --> app/shop/[item]/route.rs
  --> app/(sale)/shop/[product]/route.rs

hint: keep one of them, or move one under a folder of its own",
    );
    check_conflicts(
        "x/[...a], x/[...b]",
        &["`/x/[...a]` and `/x/[...b]` match the same paths"],
    ); // X14
    check_conflicts(
        "[...a], [[...b]]",
        &["`/[...a]` and `/[[...b]]` match the same paths"],
    ); // X15
    check_conflicts(
        "[[...a]], [[...b]]",
        &["`/[[...a]]` and `/[[...b]]` match the same paths"],
    );
}

#[test]
fn an_optional_catch_all_beside_the_shorter_route_is_a_conflict() {
    check_conflict(
        "x, x/[[...b]]", // X6
        "`/x/[[...b]]` matches `/x` too
  --> app/x/route.rs
  --> app/x/[[...b]]/route.rs

hint: write `[...name]` with single brackets to leave the shorter path to its own file",
    );
    check_conflicts(", [[...b]]", &["`/[[...b]]` matches `/` too"]);
    check_conflicts("[b], [a]/[[...c]]", &["`/[a]/[[...c]]` matches `/[b]` too"]);
}

#[test]
fn two_names_for_one_place_are_a_conflict() {
    check_conflict(
        "[a]/x, [b]/y", // X5
        "`[a]` and `[b]` name the same segment
  --> app/[a]/x/route.rs
  --> app/[b]/y/route.rs

hint: name both folders `[a]`",
    );
    check_conflicts(
        "x/[a]/[b], x/[a]/[c]/d",
        &["`[b]` and `[c]` name the same segment"],
    );
    check_conflicts("x/[a], y/[b]", &[]);
    check_conflicts("[a], [...b]", &[]);
}

#[test]
fn all_conflicts_are_reported_at_once() {
    check_conflicts(
        "x, (a)/x, [a], [b], y/[[...s]], y/[...s], y",
        &[
            "two files answer `/x`",
            "`/y/[[...s]]` matches `/y` too",
            "`/y/[...s]` and `/y/[[...s]]` match the same paths",
            "`/[a]` and `/[b]` match the same paths",
        ],
    );
}

/// A table of folders separated by `, `; each route is its folder.
fn table(folders: &str) -> Result<Table<()>, Vec<Conflict>> {
    Table::build(folders.split(", ").map(entry).collect())
}

pub(super) fn entry(folder: &str) -> Entry<()> {
    Entry {
        pattern: RoutePattern::parse(folder).unwrap(),
        file: format!("app/{folder}/route.rs"),
        route: (),
    }
}

pub(super) fn found<T>(table: &Table<T>, path: &Path<'_>) -> String {
    table.find(path).unwrap().map_or_else(
        || "no match".to_owned(),
        |found| {
            let params = found
                .params
                .iter()
                .map(|Param { name, value }| match value {
                    ParamValue::One(text) => format!(" {name}={text}"),
                    ParamValue::Many(texts) => format!(" {name}=[{}]", texts.join(", ")),
                });
            format!("{}{}", found.pattern, params.collect::<String>())
        },
    )
}

#[track_caller]
fn check(folders: &str, path: &str, expected: &str) {
    let Normal::Serve(path) = normalise(path, false).unwrap() else {
        panic!("{path} is redirected")
    };
    assert_eq!(found(&table(folders).unwrap(), &path), expected);
}

#[track_caller]
fn check_conflict(folders: &str, expected: &str) {
    let conflicts = table(folders).err().unwrap_or_default();
    assert_eq!(
        conflicts
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        [expected]
    );
}

/// Compares the first line of each conflict.
#[track_caller]
fn check_conflicts(folders: &str, expected: &[&str]) {
    let conflicts = table(folders).err().unwrap_or_default();
    let lines: Vec<_> = conflicts
        .iter()
        .filter_map(|c| c.to_string().lines().next().map(str::to_owned))
        .collect();
    assert_eq!(lines, expected);
}

#[test]
fn a_file_is_found_whatever_its_name() {
    let names = [
        "a.txt", "[x]", "(x)", "@x", "_x", "%5Fx", "<x>", "{x}", ":x", "*", "a b", "a\\b", "a%2Fb",
        "é", "a?b#c", "'\"`^|~",
    ];
    let entries = names.map(|name| Entry {
        pattern: RoutePattern::of_file(name),
        file: name.to_owned(),
        route: name,
    });
    let table = Table::build(entries.to_vec()).unwrap();
    for name in names {
        let path = format!("/{}", crate::path::escape(name));
        let Normal::Serve(path) = normalise(&path, false).unwrap() else {
            panic!("{path} is redirected")
        };
        let found = table.find(&path).unwrap().map(|found| *found.route);
        assert_eq!(found, Some(name), "{}", path.as_str());
    }
}
