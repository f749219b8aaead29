//! The Rust files that belong to one route: those of its folder and below it, less the handlers of other routes and up to their folders. A
//! proxy has its own file and no other, for what is beside it is the app's or a route's.

use crate::project::routes::{RouteKind, RouteSource};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use waystation_rules::metadata::{self, Metadata};

/// What a route's files say.
pub(super) struct Sources {
    /// The route's own file.
    file: PathBuf,
    texts: Vec<String>,
    /// Whether what the file declares as a module is not among the texts.
    is_alone: bool,
}

impl Sources {
    /// Reads the files of a route, in the order of their names.
    pub(super) fn read(root: &Path, route: &RouteSource) -> io::Result<Sources> {
        let file = root.join(&route.file);
        let folder = file.parent().unwrap_or(root).to_owned();
        let mut sources = Sources {
            file: file.clone(),
            texts: Vec::new(),
            is_alone: route.kind == RouteKind::Proxy,
        };
        match route.kind {
            RouteKind::Proxy => sources.read_file(&file)?,
            RouteKind::Rust | RouteKind::Wasm => sources.add(&folder)?,
        }
        Ok(sources)
    }

    /// Names the content of all files, in 16 digits.
    ///
    /// Cargo goes by time alone and takes a file for unchanged that is older than the last build, such as a backup that was moved into
    /// place; with this in the written package it notices.
    pub(super) fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for text in &self.texts {
            hasher.update(text.as_bytes()).update(b"\0");
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }

    /// Whether the files say the name of a library.
    ///
    /// A file included by path could say it too, so a route that includes one counts as a user: a dependency too many costs a rebuild, one
    /// too few would be an error.
    pub(super) fn use_library(&self, library: &str) -> bool {
        let uses = |text: &String| {
            says(text, library)
                || text.contains("#[path")
                || text.contains("include!")
                || self.is_alone && says(text, "mod")
        };
        self.texts.iter().any(uses)
    }

    /// Whether the files have tests of their own.
    pub(super) fn have_tests(&self) -> bool {
        self.texts.iter().any(|text| text.contains("#[cfg(test)]"))
    }

    fn add(&mut self, folder: &Path) -> io::Result<()> {
        let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        let mut paths: Vec<_> = entries.iter().map(fs::DirEntry::path).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                if !path.join("route.rs").is_file() {
                    self.add(&path)?;
                }
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && (path == self.file || !is_handler(&path))
            {
                self.read_file(&path)?;
            }
        }
        Ok(())
    }

    fn read_file(&mut self, path: &Path) -> io::Result<()> {
        let text = String::from_utf8_lossy(&fs::read(path)?).into_owned();
        self.texts.push(text);
        Ok(())
    }
}

fn is_handler(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    matches!(&*name, "route.rs" | "proxy.rs")
        || matches!(metadata::of("", &name), Some(Metadata::Code { .. }))
}

/// Whether a text has a word, not as a part of another.
fn says(text: &str, word: &str) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    text.split(|c| !in_word(c)).any(|found| found == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_a_whole_word() {
        assert!(says("use shop::stock;", "shop"));
        assert!(!says("use workshop::stock; shop_2()", "shop"));
    }

    #[test]
    fn a_digest_is_of_all_files() {
        let digest = |texts: &[&str]| {
            Sources {
                file: PathBuf::new(),
                texts: texts.iter().map(|text| (*text).to_owned()).collect(),
                is_alone: false,
            }
            .digest()
        };
        assert_eq!(digest(&["a", "b"]), digest(&["a", "b"]));
        assert_ne!(digest(&["a", "b"]), digest(&["a", "c"]));
        assert_ne!(digest(&["a", "b"]), digest(&["ab"]));
    }
}
