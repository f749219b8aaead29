//! A room uses only rooms declared below it in `lib.rs`.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so best by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn a_room_uses_only_the_rooms_below_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let lib = fs::read_to_string(src.join("lib.rs")).unwrap();
    let rooms: Vec<&str> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    assert!(rooms.len() > 5, "no rooms found in lib.rs: {rooms:?}");

    let mut faults = Vec::new();
    for (floor, room) in rooms.iter().enumerate() {
        for file in files(&src.join(room)) {
            let text = fs::read_to_string(&file).unwrap();
            for used in used(&text) {
                let is_below = rooms
                    .iter()
                    .position(|room| *room == used)
                    .is_some_and(|at| floor <= at);
                if !is_below {
                    faults.push(format!("{} uses crate::{used}", file.display()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The rooms that a file names, in `use` lines and in paths.
fn used(text: &str) -> impl Iterator<Item = &str> {
    text.split("crate::").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
        Some(&rest[..end]).filter(|name| !name.is_empty())
    })
}

fn files(room: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![room.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|extension| extension == "rs") => {
                    files.push(path)
                }
                false => {}
            }
        }
    }
    assert!(!files.is_empty(), "{} is no room", room.display());
    files
}
