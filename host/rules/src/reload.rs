//! Decides what a change of files means for the routes being served.
//!
//! In: what the files held when the routes were last built, and what they hold now. Out: a [`Scope`]: which routes to build.
//!
//! Only content counts. A file that was saved without a change, or touched, or restored, is the same file; and whatever changed while
//! a build ran still differs from what that build was for, so it cannot be lost.

use std::collections::{BTreeMap, BTreeSet};

use crate::metadata::{self, Metadata};
use crate::pattern::is_private;

/// Content of one file, as a hash.
pub type Digest = [u8; 32];

/// Every file that routes are built from, by its path from the project's root with `/` between its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot(pub BTreeMap<String, Digest>);

/// What has to be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Nothing changed.
    Nothing,
    /// Only these routes and proxies, named by their files. A file that is gone is a route that is gone. There are none where only files
    /// changed that are sent as they are.
    Routes(BTreeSet<String>),
    /// Something that routes share: each may be concerned, and the compiler knows which.
    Everything,
}

/// Compares two snapshots.
pub fn scope(before: &Snapshot, now: &Snapshot) -> Scope {
    let changed = changed(before, now);
    if changed.is_empty() {
        return Scope::Nothing;
    }
    let mut routes = BTreeSet::new();
    for file in changed {
        match part(&file) {
            Part::Route => drop(routes.insert(file)),
            Part::File => {}
            Part::Shared => return Scope::Everything,
        }
    }
    Scope::Routes(routes)
}

/// The files that differ: changed, new, or gone.
pub fn changed(before: &Snapshot, now: &Snapshot) -> BTreeSet<String> {
    let gone = before.0.keys().filter(|file| !now.0.contains_key(*file));
    let new = now
        .0
        .iter()
        .filter(|(file, digest)| before.0.get(*file) != Some(*digest));
    gone.chain(new.map(|(file, _)| file)).cloned().collect()
}

/// Whether a build that runs for `building` is in vain now that `newer` has changed too.
///
/// An unrelated route can wait for its turn; what is being built must not go live only to be replaced at once.
pub fn overtakes(newer: &Scope, building: &Scope) -> bool {
    match (newer, building) {
        (Scope::Nothing, _) | (_, Scope::Nothing) => false,
        (Scope::Everything, _) | (_, Scope::Everything) => true,
        (Scope::Routes(newer), Scope::Routes(building)) => !newer.is_disjoint(building),
    }
}

/// What a file is to the routes.
enum Part {
    /// The handler of one, or a proxy.
    Route,
    /// Sent as it is.
    File,
    /// Anything else: whom it concerns, the compiler knows.
    Shared,
}

/// Tells by the rules that discovery follows: below the app's folder and in no private one (row F3), or the proxy beside that folder.
/// `src/proxy.rs` is none here: where the app is not in `src/`, it is a part of the library.
fn part(file: &str) -> Part {
    if file == "proxy.rs" {
        return Part::Route;
    }
    if file.starts_with("public/") {
        return Part::File;
    }
    let below = file
        .strip_prefix("src/")
        .unwrap_or(file)
        .strip_prefix("app/");
    let Some((folders, name)) = below.map(|below| below.rsplit_once('/').unwrap_or(("", below)))
    else {
        return Part::Shared;
    };
    if folders.split('/').any(is_private) {
        return Part::Shared;
    }
    match metadata::of(folders, name) {
        _ if matches!(name, "route.rs" | "route.wasm" | "proxy.rs") => Part::Route,
        Some(Metadata::Code { .. }) => Part::Route,
        Some(Metadata::Static { .. }) => Part::File,
        None => Part::Shared,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_is_no_change() {
        check(
            "app/a/route.rs=1 src/lib.rs=1",
            "app/a/route.rs=1 src/lib.rs=1",
            "nothing",
        );
    }

    #[test]
    fn a_route_concerns_itself() {
        check(
            "app/a/route.rs=1 app/b/route.rs=1",
            "app/a/route.rs=2 app/b/route.rs=1",
            "app/a/route.rs",
        );
    }

    #[test]
    fn routes_come_and_go() {
        check(
            "app/a/route.rs=1",
            "app/b/route.rs=1",
            "app/a/route.rs app/b/route.rs",
        );
        check("", "app/b/route.wasm=1", "app/b/route.wasm");
    }

    #[test]
    fn a_proxy_concerns_itself() {
        check(
            "proxy.rs=1",
            "proxy.rs=2 app/a/proxy.rs=1",
            "app/a/proxy.rs proxy.rs",
        );
        check("src/proxy.rs=1", "", "everything");
        check("app/_private/proxy.rs=1", "", "everything");
    }

    #[test]
    fn a_metadata_file_is_a_route_or_sent_as_it_is() {
        check(
            "",
            "app/robots.rs=1 app/x/sitemap.rs=1",
            "app/robots.rs app/x/sitemap.rs",
        );
        check("app/icon.png=1 public/a.txt=1", "app/icon.png=2", "");
        check("public/a.rs=1", "app/a/route.rs=1", "app/a/route.rs");
        check("", "app/x/robots.rs=1", "everything");
        check("", "app/_x/icon.png=1", "everything");
    }

    #[test]
    fn what_routes_share_concerns_all() {
        check(
            "src/lib.rs=1 app/a/route.rs=1",
            "src/lib.rs=2 app/a/route.rs=2",
            "everything",
        );
        check("Cargo.toml=1", "Cargo.toml=2", "everything");
        check("app/a/helper.rs=1", "", "everything");
        check("app/a/my-route.rs=1", "", "everything");
        check("src/route.rs=1", "src/route.rs=2", "everything");
        check("../shared/src/route.rs=1", "", "everything");
        check("app/_private/route.rs=1", "", "everything");
        check(
            "app/route.rs=1 src/app/a/route.rs=1",
            "",
            "app/route.rs src/app/a/route.rs",
        );
    }

    #[test]
    fn a_build_is_overtaken_by_a_change_of_what_it_builds() {
        let a = scope(&snapshot("app/a/route.rs=1"), &snapshot("app/a/route.rs=2"));
        let b = scope(&snapshot("app/b/route.rs=1"), &snapshot("app/b/route.rs=2"));
        assert!(overtakes(&a, &a));
        assert!(!overtakes(&b, &a));
        assert!(overtakes(&Scope::Everything, &a));
        assert!(overtakes(&a, &Scope::Everything));
        assert!(!overtakes(&Scope::Nothing, &Scope::Everything));
    }

    #[track_caller]
    fn check(before: &str, now: &str, expected: &str) {
        let found = match scope(&snapshot(before), &snapshot(now)) {
            Scope::Nothing => "nothing".to_owned(),
            Scope::Routes(files) => files.into_iter().collect::<Vec<_>>().join(" "),
            Scope::Everything => "everything".to_owned(),
        };
        assert_eq!(found, expected);
    }

    fn snapshot(text: &str) -> Snapshot {
        let files = text
            .split_whitespace()
            .filter_map(|file| file.split_once('='));
        Snapshot(
            files
                .map(|(file, content)| (file.to_owned(), [content.as_bytes()[0]; 32]))
                .collect(),
        )
    }
}
