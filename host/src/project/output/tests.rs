use super::*;
use crate::project::manifest::{Interface, Route};
use crate::project::routes::RouteKind;
use waystation_rules::method::Methods;

#[test]
fn a_build_is_read_back_and_the_next_one_takes_its_place() {
    let folder = tempfile::tempdir().unwrap();
    for content in [b"first".as_slice(), b"second"] {
        let manifest = manifest(content);
        write(folder.path(), &manifest, [content]).unwrap();
        assert_eq!(read(folder.path()).unwrap(), manifest);
        assert_eq!(
            read_component(folder.path(), &Digest::of(content)).unwrap(),
            content
        );
        assert_eq!(
            fs::read_dir(folder.path().join("components"))
                .unwrap()
                .count(),
            1
        );
    }
}

#[test]
fn files_are_kept_by_their_content_until_a_second_build_does_not_name_them() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("a.txt");
    let output = folder.path().join("output");
    let mut digests = Vec::new();
    for content in ["first", "second", "third"] {
        fs::write(&source, content).unwrap();
        let source = FileSource {
            pattern: waystation_rules::pattern::RoutePattern::of_file("a.txt"),
            file: "public/a.txt".to_owned(),
            path: source.clone(),
            kind: crate::project::files::FileKind::Public,
            encoded: vec![(Encoding::Br, source.clone())],
        };
        let mut manifest = manifest(b"component");
        manifest.files = store_files(&output, &[source]).unwrap();
        write(&output, &manifest, [b"component".as_slice()]).unwrap();
        let read = super::read(&output).unwrap();
        assert_eq!(read, manifest);
        let blob = read.files[0].blob.clone();
        let path = find_file(&output, &blob).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
        digests.push((path, blob));
    }
    let kept = digests.iter().map(|(path, _)| path.exists());
    assert_eq!(kept.collect::<Vec<_>>(), [false, true, true]);
    fs::write(&digests[2].0, "cut").unwrap();
    let changed = find_file(&output, &digests[2].1);
    assert!(matches!(changed, Err(OutputError::Changed { .. })));
}

#[test]
fn without_a_build_it_says_what_to_run() {
    let folder = tempfile::tempdir().unwrap();
    let error = read(folder.path()).unwrap_err().to_string();
    assert!(
        error.ends_with("hint: run `waystation build` first"),
        "{error}"
    );
}

#[test]
fn a_manifest_that_is_none_says_why() {
    check(
        "{\"version\": 9}",
        "this build has format 9, and this host reads format 2",
    );
    check(
        "{\"version\": 2}",
        "missing field `name` at line 1 column 14",
    );
    check("x", "expected value at line 1 column 1");
}

#[test]
fn a_component_that_was_changed_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &manifest(b"first"), [b"first".as_slice()]).unwrap();
    let digest = Digest::of(b"first");
    fs::write(folder.path().join(component_path(&digest)), "other").unwrap();
    assert!(matches!(
        read_component(folder.path(), &digest),
        Err(OutputError::Changed { .. })
    ));
}

#[track_caller]
fn check(manifest: &str, expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("manifest.json"), manifest).unwrap();
    let error = read(folder.path()).unwrap_err().to_string();
    assert_eq!(error.lines().next(), Some(expected));
}

fn manifest(content: &[u8]) -> Manifest {
    let digest = Digest::of(content);
    let route = Route {
        pattern: "/".to_owned(),
        file: "app/route.rs".to_owned(),
        kind: RouteKind::Rust,
        interface: Interface::Route,
        component: component_path(&digest),
        digest,
        bytes: content.len() as u64,
        methods: Methods::ALL,
        config: None,
        kept: None,
    };
    Manifest {
        version: VERSION,
        name: "shop".to_owned(),
        routes: vec![route],
        proxies: Vec::new(),
        files: Vec::new(),
    }
}
