use super::*;
use crate::project::output;

const DIGEST: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[test]
fn two_of_a_kind_are_not_different() {
    let release = release(json!([route("/a", "a", json!({}))]), &[]);
    let diff = Diff::of(&release, &release);
    for compared in [&diff.routes, &diff.proxies, &diff.files, &diff.answers] {
        assert_eq!(*compared, Compared::default());
    }
    assert_eq!((diff.imports, diff.settings), (Words::default(), false));
}

#[test]
fn routes_come_go_and_change() {
    let imports = |all: &[&str]| json!({ "imports": all });
    let from = [
        route("/gone", "gone", json!({})),
        route("/same", "same", json!({})),
        route("/code", "old", imports(&["wasi:a/b@0.2.0"])),
        route("/more", "more", json!({ "methods": ["GET"] })),
    ];
    let to = [
        route("/new", "new", json!({})),
        route("/same", "same", json!({})),
        route("/code", "changed", imports(&["wasi:c/d@0.2.0"])),
        route(
            "/more",
            "more",
            json!({ "methods": ["GET", "POST"], "config": { "maxDuration": 5 } }),
        ),
    ];
    let (from, to) = (release(json!(from), &[]), release(json!(to), &[]));
    let diff = Diff::of(&from, &to);
    let names = |parts: &[Measured]| {
        let names = parts
            .iter()
            .map(|part| format!("{} {}", part.name, part.bytes));
        names.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(names(&diff.routes.added), "/new 3");
    assert_eq!(names(&diff.routes.removed), "/gone 4");
    let changes = diff.routes.changed.iter().map(|change| {
        let fields = change.fields.iter().map(|field| field.field.as_str());
        let fields: Vec<_> = fields.collect();
        format!("{} {:?} {}", change.name, change.bytes, fields.join(" "))
    });
    assert_eq!(
        changes.collect::<Vec<_>>(),
        [
            "/code [3, 7] component imports",
            "/more [4, 4] config.maxDuration methods",
        ]
    );
    let field = &diff.routes.changed[1].fields[0];
    assert_eq!((&field.from, &field.to), (&Value::Null, &json!(5)));
    assert_eq!(diff.imports.added, ["wasi:c/d@0.2.0"]);
    assert_eq!(diff.imports.removed, ["wasi:a/b@0.2.0"]);
}

#[test]
fn hosts_that_may_be_asked_are_compared() {
    let from = release(json!([]), &["https://a.test", "https://b.test"]);
    let to = release(json!([]), &["https://b.test", "https://c.test"]);
    let outbound = Diff::of(&from, &to).outbound;
    assert_eq!(outbound.added, ["https://c.test"]);
    assert_eq!(outbound.removed, ["https://a.test"]);
}

#[test]
fn an_answer_that_is_made_anew_with_another_content_is_told() {
    let kept = |digest: &str| {
        let answer = json!({
            "path": "/a",
            "blob": { "digest": digest, "bytes": 2 },
            "life": { "revalidate": 60, "expire": null },
        });
        release(json!([route("/a", "a", json!({ "kept": [answer] }))]), &[])
    };
    let diff = Diff::of(&kept(DIGEST), &kept(&DIGEST.replace('b', "c")));
    assert_eq!(diff.routes, Compared::default());
    let change = &diff.answers.changed[0];
    assert_eq!((change.name.as_str(), change.fields.len()), ("/a", 1));
}

fn route(pattern: &str, code: &str, more: Value) -> Value {
    let component = output::tests::blob_of(code);
    let mut route = json!({
        "pattern": pattern,
        "file": format!("app{pattern}/route.rs"),
        "kind": "rust",
        "interface": "route",
        "component": component,
        "imports": [],
        "methods": ["GET"],
    });
    for (name, value) in more.as_object().unwrap() {
        route[name] = value.clone();
    }
    route
}

fn release(routes: Value, outbound: &[&str]) -> Release {
    let folder = tempfile::tempdir().unwrap();
    let manifest = json!({
        "version": crate::project::manifest::VERSION,
        "name": "shop",
        "routes": routes,
        "outbound": outbound,
    });
    let manifest = serde_json::from_value(manifest).unwrap();
    output::write(folder.path(), manifest, 0).unwrap()
}
