use super::*;
use crate::project::output::{self, tests::build};

#[test]
fn an_image_names_each_blob_once_and_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let release = build(folder.path(), "first", 0);
    let layers = release.image.layers.iter();
    let named = layers.map(|layer| {
        let title = &layer.annotations[super::super::layout::TITLE];
        format!("{title} {}", layer.media_type)
    });
    assert_eq!(
        named.collect::<Vec<_>>(),
        [
            "app/route.wasm application/wasm",
            "public/a.txt application/octet-stream", // encoded it is the same here
            "waystation.toml application/toml",
        ]
    );
    assert_eq!(release.blobs().count(), 4);
    let settings = release.settings(&Blobs::at(folder.path())).unwrap();
    assert!(settings.trailing_slash);
}

#[test]
fn an_index_that_is_none_says_why() {
    let check = |index: &str, expected: &str| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(INDEX_FILE), index).unwrap();
        check_fault(latest(folder.path()), INDEX_FILE, expected);
    };
    check("x", "expected value at line 1 column 1");
    check(
        "{\"schemaVersion\":2,\"manifests\":[]}",
        "it names 0 images, and one belongs here",
    );
}

#[test]
fn a_manifest_of_another_version_says_which() {
    let change = |from: &str, to: &str, expected: &str| {
        let folder = tempfile::tempdir().unwrap();
        let release = build(folder.path(), "first", 0);
        let blobs = Blobs::at(folder.path());
        let config = blobs.read(&release.image.config.digest).unwrap();
        let config = String::from_utf8(config).unwrap().replacen(from, to, 1);
        let config = output::store(&blobs, config.as_bytes()).unwrap();
        let image = serde_json::to_vec(&image(&release.manifest, &config)).unwrap();
        let image = output::store(&blobs, &image).unwrap();
        let opened = open(&blobs, &image.digest);
        check_fault(opened, config.digest.as_str(), expected);
    };
    let told = "this build has format 9, and this host reads format 4";
    change("\"version\":4,", "\"version\":9,\"new\":1,", told);
    change("\"name\":\"shop\",", "", "missing field `name`");
    change("\"name\":", "\"more\":1,\"name\":", "unknown field `more`");
}

#[test]
fn an_image_that_is_no_release_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let release = build(folder.path(), "first", 0);
    let blobs = Blobs::at(folder.path());
    let change = |change: &dyn Fn(&mut Image), expected: &str| {
        let mut image = release.image.clone();
        change(&mut image);
        let image = serde_json::to_vec(&image).unwrap();
        let image = output::store(&blobs, &image).unwrap();
        let opened = open(&blobs, &image.digest);
        check_fault(opened, image.digest.as_str(), expected);
    };
    let other = |image: &mut Image| image.artifact_type = "a/b".to_owned();
    change(&other, "this image is no release of Waystation but a/b");
    let none = |image: &mut Image| image.artifact_type = String::new();
    change(&none, "this image is no release of Waystation");
    let fewer = |image: &mut Image| drop(image.layers.remove(1));
    change(&fewer, "`public/a.txt` is not among its layers");
    let far = |image: &mut Image| {
        image.layers[0]
            .annotations
            .insert("x".to_owned(), "x".repeat(17 << 20));
    };
    change(&far, "this is no manifest: it has more than 16777216 bytes");
    let longer = |image: &mut Image| image.layers[0].size += 1;
    change(&longer, "`app/route.wasm` is not among its layers");
}

#[test]
fn a_release_is_found_by_the_beginning_of_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let first = build(folder.path(), "first", 0);
    let second = build(folder.path(), "second", 0);
    let find = |text: &str| named(folder.path(), &Prefix::parse(text).unwrap());
    assert_eq!(find(first.digest.short()).unwrap().digest, first.digest);
    assert_eq!(find(&second.digest.to_oci()).unwrap().digest, second.digest);
    let config = first.image.config.digest.as_str(); // no release, though a blob
    let told = find(config).unwrap_err().to_string();
    assert!(told.starts_with("no release here is `sha256:"), "{told}");
    let common = shared_digits(&first.digest, &second.digest);
    if !common.is_empty() {
        let told = find(&common).unwrap_err().to_string();
        assert!(told.starts_with("2 releases here begin with"), "{told}");
    }
}

fn shared_digits(one: &Digest, other: &Digest) -> String {
    let both = one.as_str().chars().zip(other.as_str().chars());
    both.take_while(|(one, other)| one == other)
        .map(|(one, _)| one)
        .collect()
}

#[track_caller]
fn check_fault(opened: Result<Release, OutputError>, file: &str, expected: &str) {
    let error = opened.unwrap_err().to_string();
    assert!(error.starts_with(expected), "{error}");
    assert!(error.contains(file), "{error}");
    assert!(
        error.ends_with("hint: run `waystation build` again"),
        "{error}"
    );
}
