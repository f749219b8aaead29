use super::*;
use crate::project::files::FileKind;
use crate::project::manifest::{Interface, Route, VERSION};
use crate::project::routes::RouteKind;
use crate::store::Kind;
use std::sync::Arc;
use waystation_rules::caching::Life;
use waystation_rules::method::Methods;
use waystation_rules::pattern::RoutePattern;

#[test]
fn a_build_is_read_back_and_named_by_what_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let first = build(folder.path(), "first", 1);
    assert_eq!(release::latest(folder.path()).unwrap(), first);
    assert_eq!(first.created, Some(1));
    let later = build(folder.path(), "first", 2_000_000_000);
    assert_eq!(later.digest, first.digest);
    assert_eq!(release::latest(folder.path()).unwrap(), later);
    let second = build(folder.path(), "second", 3);
    assert_ne!(second.digest, first.digest);
    let opened = release::open(&Blobs::at(folder.path()), &first.digest).unwrap();
    assert_eq!((opened.digest, opened.created), (first.digest, None));
}

#[test]
fn blobs_are_kept_until_a_second_build_does_not_name_them() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::at(folder.path());
    let contents = ["first", "second", "third"];
    let builds = contents.map(|content| build(folder.path(), content, 0));
    let is_whole = |release: &Release| {
        let all = release.blobs().map(|blob| &blob.digest);
        all.chain([&release.digest])
            .all(|blob| blobs.read(blob).is_ok())
    };
    assert_eq!(builds.each_ref().map(is_whole), [false, true, true]);
    let names = builds.iter().skip(1).flat_map(|release| {
        let all = release.blobs().map(|blob| &blob.digest);
        all.chain([&release.digest]).collect::<Vec<_>>()
    });
    let names: BTreeSet<_> = names.collect();
    let there = fs::read_dir(blobs.folder()).unwrap().count();
    assert_eq!(there, names.len());
}

#[test]
fn an_interrupted_build_leaves_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let first = build(folder.path(), "first", 0);
    // Blobs of a build that never came to its index.
    let blobs = Blobs::at(folder.path());
    store(&blobs, b"half of the next").unwrap();
    fs::write(blobs.folder().join(".aside-1"), "cut").unwrap();
    assert_eq!(release::latest(folder.path()).unwrap(), first);
    let again = build(folder.path(), "first", 0);
    assert_eq!(again.digest, first.digest);
    assert!(!blobs.folder().join(".aside-1").exists());
}

#[test]
fn an_answer_is_the_same_whenever_it_was_made() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::at(folder.path());
    let life = Life {
        revalidate: Some(60),
        expire: None,
    };
    let entry = |now| Entry {
        key: Arc::from("answer"),
        kind: Kind::Answer,
        label: "/posts/a".to_owned(),
        status: 200,
        headers: http::HeaderMap::new(),
        body: "text".into(),
        tags: Vec::new(),
        life,
        times: life.times(now, now),
        prepared: Prepared::default(),
    };
    let stored = [7, 9].map(|now| store_answer(&blobs, &[], &entry(now)).unwrap());
    assert_eq!(stored[0], stored[1]);
    let read = read_answer(&blobs, &stored[0], 5000).unwrap();
    assert_eq!(read, entry(5000));
}

#[test]
fn without_a_build_it_says_what_to_run() {
    let folder = tempfile::tempdir().unwrap();
    let error = release::latest(folder.path()).unwrap_err().to_string();
    assert!(
        error.ends_with("hint: run `waystation build` first"),
        "{error}"
    );
}

/// The release of an app with one route and one file, both with this content.
pub(crate) fn build(folder: &Path, content: &str, created: u64) -> Release {
    let blobs = Blobs::at(folder);
    let source = folder.join("a.txt");
    fs::write(&source, content).unwrap();
    let source = FileSource {
        pattern: RoutePattern::of_file("a.txt"),
        file: "public/a.txt".to_owned(),
        path: source.clone(),
        kind: FileKind::Public,
        encoded: vec![(Encoding::Br, source.clone())],
    };
    let route = Route {
        pattern: "/".to_owned(),
        file: "app/route.rs".to_owned(),
        kind: RouteKind::Rust,
        interface: Interface::Route,
        component: store(&blobs, format!("code of {content}").as_bytes()).unwrap(),
        imports: Vec::new(),
        methods: Methods::ALL,
        lists_params: false,
        config: None,
        kept: None,
    };
    let settings = store(&blobs, b"trailing_slash = true").unwrap();
    let manifest = Manifest {
        version: VERSION,
        name: "shop".to_owned(),
        routes: vec![route],
        proxies: Vec::new(),
        files: store_files(&blobs, &[source]).unwrap(),
        settings: Some(settings),
        outbound: Vec::new(),
    };
    write(folder, manifest, created).unwrap()
}

/// What a content is called.
pub(crate) fn blob_of(content: &str) -> Blob {
    Blob {
        digest: Digest::of(content.as_bytes()),
        bytes: content.len() as u64,
    }
}
