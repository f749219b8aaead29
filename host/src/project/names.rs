//! The names of the packages that are written for the routes and proxies: unique, stable, and readable in cargo's output.

use std::collections::{BTreeMap, BTreeSet};

/// The longest name before it is cut and told apart by a hash.
const LONGEST: usize = 56;

/// Names a package for each route and proxy, given as pattern and file: `/items/[slug]` is `route-items-slug`, `proxy.rs` is `proxy-root`,
/// and `app/admin/proxy.rs` with its folder for a pattern is `proxy-app-admin`.
///
/// Where a name would be used twice, is `taken`, or is too long, it ends in a hash of the file, so a name depends on nothing but the
/// route's own file and whether another route or a dependency claims the same words.
#[must_use]
pub fn packages(routes: &[(String, String)], taken: &BTreeSet<String>) -> Vec<String> {
    let readable: Vec<String> = routes
        .iter()
        .map(|(pattern, file)| readable(pattern, file))
        .collect();
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for name in &readable {
        *uses.entry(name).or_default() += 1;
    }
    let name = |(name, (_, file)): (&String, &(String, String))| {
        if uses[name.as_str()] == 1 && !taken.contains(name) && name.len() <= LONGEST {
            name.clone()
        } else {
            let hash = blake3::hash(file.as_bytes()).to_hex();
            let words = &name[..name.len().min(LONGEST)];
            format!("{}-{}", words.trim_end_matches('-'), &hash[..8])
        }
    };
    readable.iter().zip(routes).map(name).collect()
}

/// What the file makes, and the ASCII letters and digits of its pattern in lower case, joined by single dashes.
fn readable(pattern: &str, file: &str) -> String {
    let kind = match file.ends_with("proxy.rs") {
        true => "proxy",
        false => "route",
    };
    let words = pattern
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let words: Vec<String> = words.map(str::to_ascii_lowercase).collect();
    match words.is_empty() {
        true => format!("{kind}-root"),
        false => format!("{kind}-{}", words.join("-")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_as_the_path() {
        check(
            &["/", "/items/[slug]", "/Docs/[[...all]]", "/rss.xml"],
            "route-root route-items-slug route-docs-all route-rss-xml",
        );
    }

    #[test]
    fn two_of_a_name_are_told_apart_by_their_files() {
        check(
            &["/a-b", "/a/b", "/c"],
            "route-a-b-d8e82d37 route-a-b-9292a085 route-c",
        );
        check(&["/taken"], "route-taken-327d297f");
    }

    #[test]
    fn a_proxy_is_called_one() {
        let files = ["proxy.rs", "app/admin/proxy.rs"];
        let named = ["", "app/admin/"].into_iter().zip(files);
        let routes: Vec<_> = named
            .map(|(pattern, file)| (pattern.to_owned(), file.to_owned()))
            .collect();
        assert_eq!(
            packages(&routes, &BTreeSet::new()),
            ["proxy-root", "proxy-app-admin"]
        );
    }

    #[test]
    fn a_long_path_is_cut() {
        let pattern = format!("/{}", "long/".repeat(40));
        let names = packages(&[(pattern.clone(), pattern)], &BTreeSet::new());
        assert!(names[0].len() < 70, "{names:?}");
    }

    #[track_caller]
    fn check(patterns: &[&str], expected: &str) {
        let routes: Vec<_> = patterns
            .iter()
            .map(|pattern| ((*pattern).to_owned(), format!("app{pattern}/route.rs")))
            .collect();
        let taken = BTreeSet::from(["route-taken".to_owned()]);
        assert_eq!(packages(&routes, &taken).join(" "), expected);
    }
}
