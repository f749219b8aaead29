use super::*;
use crate::project::output::tests::build;
use std::fs;

#[test]
fn an_archive_is_taken_apart_into_what_was_packed() {
    let folder = tempfile::tempdir().unwrap();
    let release = build(folder.path(), "first", 1);
    build(folder.path(), "second", 2); // which is not packed
    let blobs = Blobs::at(folder.path());
    let file = folder.path().join("shop.tar");
    let bytes = std::cell::Cell::new(0);
    pack(&release, &blobs, &file, &|more| {
        bytes.set(bytes.get() + more)
    })
    .unwrap();
    let image = fs::metadata(blobs.path(&release.digest)).unwrap().len();
    assert_eq!(bytes.get(), 2 * release.bytes() + image);

    let first = fs::read(&file).unwrap();
    pack(&release, &blobs, &file, &|_| ()).unwrap();
    assert_eq!(fs::read(&file).unwrap(), first);

    let into = tempfile::tempdir().unwrap();
    let unpacked = unpack(&file, into.path(), &Caps::default(), &|_| ()).unwrap();
    assert_eq!(unpacked, release);
    let there = fs::read_dir(Blobs::at(into.path()).folder()).unwrap();
    assert_eq!(there.count(), release.blobs().count() + 1);
    unpacked.verify(&Blobs::at(into.path()), &|_| ()).unwrap();
}

#[test]
fn what_was_changed_is_not_packed() {
    let folder = tempfile::tempdir().unwrap();
    let release = build(folder.path(), "first", 1);
    let blobs = Blobs::at(folder.path());
    let file = folder.path().join("shop.tar");
    fs::write(blobs.path(&release.image.layers[0].digest), "other").unwrap();
    let told = pack(&release, &blobs, &file, &|_| ()).unwrap_err();
    assert!(matches!(told, BundleError::Release(_)), "{told}");
    assert!(!file.exists());
}

#[test]
fn a_name_that_is_none_of_a_layout_is_refused() {
    for name in [
        "../index.json",
        "/etc/passwd",
        "blobs/sha256/../../../x",
        "blobs/sha256/short",
        "blobs/sha512/x",
        "index.json/x",
        "",
    ] {
        let reason = Reason::Foreign { name: name.into() };
        refused(&[(name, EntryType::Regular, b"x")], reason);
    }
    let reason = Reason::Foreign { name: "..".into() };
    refused(&[("..", EntryType::Directory, b"")], reason);
}

#[test]
fn what_is_no_file_is_refused() {
    for kind in [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Char,
        EntryType::Fifo,
        EntryType::GNUSparse,
        EntryType::GNULongName,
    ] {
        let name = INDEX_FILE.to_owned();
        refused(&[(INDEX_FILE, kind, b"")], Reason::NoFile { name });
    }
}

#[test]
fn a_blob_is_what_its_name_says() {
    let digest = Digest::of(b"content");
    let name = format!("./{BLOBS}/{digest}");
    let entry = |content: &'static [u8]| [(name.as_str(), EntryType::Regular, content)];
    let changed = Reason::Changed {
        digest: digest.clone(),
    };
    refused(&entry(b"cOntent"), changed);
    let no_index = || Reason::NoRelease("it has no `index.json`".to_owned());
    refused(&entry(b"content"), no_index());
    refused(&[], no_index());
}

#[test]
fn no_more_is_taken_than_is_allowed() {
    let too_large = |what: &str, most: &str| Reason::TooLarge {
        what: what.to_owned(),
        most: most.to_owned(),
    };
    let name = |content: &[u8]| format!("{BLOBS}/{}", Digest::of(content));
    let (a, b) = (name(b"aaaaa"), name(b"bbb"));
    let file = EntryType::Regular;
    refused(&[(&a, file, b"aaaaa")], too_large(&a, "4 bytes"));
    let six = [(&*b, file, &b"bbb"[..]), (&b, file, b"bbb")];
    let nine = [six[0], six[1], (&b, file, b"bbb")];
    refused(&nine, too_large("it", "8 bytes"));
    let folder = ("blobs", EntryType::Directory, &b""[..]);
    refused(&[folder; 5], too_large("it", "4 files"));
    let long = vec![b' '; (MOST_JSON + 1) as usize];
    let most = format!("{MOST_JSON} bytes");
    refused(&[(INDEX_FILE, file, &long)], too_large(INDEX_FILE, &most));
}

#[test]
fn an_index_is_there_once_and_about_a_release() {
    let index = (INDEX_FILE, EntryType::Regular, &b"{}"[..]);
    refused(&[index; 2], Reason::Twice { name: INDEX_FILE });
    let missing = "missing field `schemaVersion` at line 1 column 2";
    refused(&[index], Reason::NoRelease(missing.to_owned()));
}

#[test]
fn a_blob_that_is_not_in_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let release = build(folder.path(), "first", 1);
    let blobs = Blobs::at(folder.path());
    let index = serde_json::to_vec(&release.index(&blobs).unwrap()).unwrap();
    let read = |digest: &Digest| (format!("{BLOBS}/{digest}"), blobs.read(digest).unwrap());
    let all = [
        (INDEX_FILE.to_owned(), index),
        read(&release.digest),
        read(&release.image.config.digest),
    ];
    let all: Vec<_> = all
        .iter()
        .map(|(name, content)| (name.as_str(), EntryType::Regular, &content[..]))
        .collect();
    let told = unpacked(&archive(&all), &Caps::default()).unwrap_err();
    let told = told.to_string();
    assert!(told.starts_with("a file of the build is missing"), "{told}");
    assert!(
        told.ends_with("hint: make it with `waystation pack`"),
        "{told}"
    );
}

#[test]
fn what_is_cut_or_no_archive_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let release = build(folder.path(), "first", 1);
    let file = folder.path().join("shop.tar");
    pack(&release, &Blobs::at(folder.path()), &file, &|_| ()).unwrap();
    let whole = fs::read(&file).unwrap();
    let ends = whole.len() - 1024; // two empty blocks, which may be missing
    for cut in (0..ends).step_by(97) {
        assert!(unpacked(&whole[..cut], &Caps::default()).is_err(), "{cut}");
    }
    let told = unpacked(&[b'x'; 1024], &Caps::default()).unwrap_err();
    assert!(matches!(told, BundleError::Read { .. }), "{told}");
}

/// An archive of entries that no writer would make.
fn archive(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    for (name, kind, content) in entries {
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_cksum();
        archive.append(&header, *content).unwrap();
    }
    archive.into_inner().unwrap()
}

fn unpacked(archive: &[u8], caps: &Caps) -> Result<Release, BundleError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.tar");
    fs::write(&file, archive).unwrap();
    let into = folder.path().join("into");
    let unpacked = unpack(&file, &into, caps, &|_| ());
    let outside = fs::read_dir(folder.path()).unwrap();
    assert!(outside.count() <= 2, "something is outside of the folder");
    unpacked
}

#[track_caller]
fn refused(entries: &[(&str, EntryType, &[u8])], expected: Reason) {
    let few = Caps {
        blob: 4,
        all: 8,
        blobs: 4,
    };
    let is_about_caps = matches!(&expected, Reason::TooLarge { what, .. } if what != INDEX_FILE);
    let caps = if is_about_caps { few } else { Caps::default() };
    match unpacked(&archive(entries), &caps) {
        Err(BundleError::Refused { reason, .. }) => assert_eq!(reason, expected),
        other => panic!("{other:?} instead of {expected:?}"),
    }
}
