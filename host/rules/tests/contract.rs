//! Holds `CONTRACT.md` to the tests that it names.
//!
//! In: the table, and the sources of the host, the guest SDK and the tests. Out: every fault at once, with its row or with file and line.
//! That a named test proves its row is for people to read. That it is there, and that no row is missing, is asked here.

#![allow(
    clippy::disallowed_methods,
    reason = "it reads files, and decides nothing for a request"
)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so best by panicking, in its helpers too"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

/// How many rows the reference has under each of its letters, in its order. `M8a` stands beside `M8`; three of its sections have no letters, and
/// are `FP`, `FM` and `UC` here.
const ROWS: [(&str, u32); 33] = [
    ("F", 13),
    ("P", 13),
    ("R", 3),
    ("X", 16),
    ("U", 12),
    ("M", 20),
    ("W", 7),
    ("Q", 18),
    ("T", 5),
    ("C", 19),
    ("D", 4),
    ("H", 5),
    ("N", 7),
    ("S", 12),
    ("A", 6),
    ("K", 1),
    ("G", 10),
    ("Y", 12),
    ("Z", 8),
    ("I", 18),
    ("CC", 9),
    ("SP", 9),
    ("FC", 15),
    ("FP", 3),
    ("FM", 7),
    ("V", 12),
    ("UC", 5),
    ("ST", 7),
    ("MD", 14),
    ("PX", 13),
    ("CF", 5),
    ("CL", 10),
    ("SH", 8),
];

const STATES: [&str; 3] = ["holds", "differs", "not applicable"];

/// Where tests are, from the repository's root.
const FOLDERS: [&str; 5] = [
    "guest-sdk",
    "host/rules/src",
    "host/src",
    "host/tests",
    "tests/e2e",
];

static CONTRACT: LazyLock<String> =
    LazyLock::new(|| fs::read_to_string(here().join("CONTRACT.md")).unwrap());

/// The text of each Rust file by its path from the repository's root.
static SOURCES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let root = here().join("../..");
    let mut sources = BTreeMap::new();
    for folder in FOLDERS {
        read(&root, &root.join(folder), &mut sources);
    }
    sources
});

#[test]
fn the_contract_is_true() {
    assert!(100 < SOURCES.len(), "only {} sources", SOURCES.len());
    let (mut faults, rows) = read_contract(&CONTRACT);
    for (file, text) in &*SOURCES {
        faults.extend(comments(file, text, &rows));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_would_make_it_untrue_is_told() {
    let proof = "`host/rules/src/method.rs::head_is_made_from_get`";
    broken("| M6 |", "| M5 |", "M5 stands there twice");
    broken("| M6 |", "| M5 |", "M6 is missing");
    broken("| M6 |", "| M21 |", "M21 is no row of the reference");
    broken("| M7 |", "| m7 |", "this line of a table is no row: | m7 |");
    broken(
        "| holds | `host",
        "| maybe | `host",
        "the state is `maybe`; it can be holds, differs, not applicable",
    );
    broken(proof, "", "M5 differs and does not say why");
    broken(
        proof,
        "`host/rules/src/method.rs::head`",
        "M5: there is no test `head` in host/rules/src/method.rs",
    );
    broken(
        proof,
        "`host/rules/src/method.rs::dispatch`",
        "M5: there is no test `dispatch` in host/rules/src/method.rs",
    );
    broken(
        proof,
        "`host/rules/src/methods.rs::head`",
        "M5: there is no file host/rules/src/methods.rs",
    );
    broken("| M10 |", "", "M10 holds and names no test");
    broken(
        "| F2 |",
        "| F2 | more |",
        "this line of a table is no row: | F2 | more |",
    );
    broken("| F2 |", "F2", "the sum of holds is");
    broken("| all | ", "| all | 1", "the sum of all is 1");
}

/// Breaks the first line that has this text, and expects to be told.
#[track_caller]
fn broken(text: &str, by: &str, told: &str) {
    assert!(CONTRACT.contains(text), "{text} is nowhere");
    let lines = CONTRACT.lines();
    let mut is_broken = false;
    let lines = lines.map(|line| match line.contains(text) && !is_broken {
        false => line.to_owned(),
        true => {
            is_broken = true;
            match by {
                // The whole of the last column goes with its test.
                "" => format!("{} |  |", line.rsplit_once(" | ").unwrap().0),
                by => line.replace(text, by),
            }
        }
    });
    let broken = lines.collect::<Vec<_>>().join("\n");
    let (faults, _) = read_contract(&broken);
    assert!(
        faults.iter().any(|fault| fault.contains(told)),
        "{told} is not among {faults:#?}"
    );
}

#[test]
fn a_test_that_is_ignored_shows_nothing() {
    let check = |above: &str| has_test(&format!("{above}\nfn it_holds() {{}}"), "it_holds");
    assert!(check("#[test]"));
    assert!(check("/// Why.\n#[tokio::test]\n#[allow(dead_code)]"));
    assert!(!check("/// Why."));
    assert!(!check("#[test]\n#[ignore]"));
    assert!(!check("#[ignore = \"slow\"]\n// But.\n#[test]"));
}

#[test]
fn a_comment_that_names_no_row_is_told() {
    let rows = BTreeMap::from([("M8", true), ("S3", false)]);
    let check = |file: &str, text: &str| comments(file, text, &rows).join("; ");
    assert_eq!(check("a.rs", "    f(); // M8, S3, caf%C3%A9"), "");
    assert_eq!(check("a.rs", "let a = \"x://M9\"; // M8"), "");
    assert_eq!(
        check("a.rs", "\n/// Rows M8 and M9: one."),
        "a.rs:2 names M9, which is no row"
    );
    assert_eq!(
        check("a.rs", "f(); // M8; threat model, R1"),
        "" // its letters are its own
    );
    let told = "a.rs:2 is a test of S3, whose row names no test";
    assert_eq!(check("a.rs", "#[cfg(test)]\n    f(); // S3"), told);
    assert_eq!(
        check("tests/a.rs", "f(); // M8, S3"),
        "tests/a.rs:1 is a test of S3, whose row names no test"
    );
}

/// What is wrong with the contract, and its rows, each with whether it names a test.
fn read_contract(contract: &str) -> (Vec<String>, BTreeMap<&str, bool>) {
    let mut faults = Vec::new();
    let expected = expected();
    let mut rows = BTreeMap::new();
    let mut counted = BTreeMap::new();
    let mut sums = BTreeMap::new();
    for line in contract.lines().filter(|line| line.starts_with('|')) {
        match cells(line).as_slice() {
            ["row", ..] | ["state", ..] => {}
            [first, ..] if first.starts_with("---") => {}
            [sum, number] => drop(sums.insert(*sum, *number)),
            [row, says, state, why] if is_row(row) => {
                faults.extend(row_faults(row, says, state, why));
                if !expected.contains(*row) {
                    faults.push(format!("{row} is no row of the reference"));
                }
                if rows.insert(*row, tests(why).next().is_some()).is_some() {
                    faults.push(format!("{row} stands there twice"));
                }
                *counted.entry(*state).or_insert(0) += 1;
            }
            _ => faults.push(format!("this line of a table is no row: {line}")),
        }
    }
    let missing = expected
        .iter()
        .filter(|row| !rows.contains_key(row.as_str()));
    faults.extend(missing.map(|row| format!("{row} is missing")));

    let all: u32 = counted.values().sum();
    let count = |state| (state, counted.get(state).copied().unwrap_or(0));
    for (name, count) in STATES.map(count).into_iter().chain([("all", all)]) {
        let found = sums.get(name).copied().unwrap_or("missing");
        if found != count.to_string() {
            faults.push(format!("the sum of {name} is {found}; write {count}"));
        }
    }
    (faults, rows)
}

fn row_faults(row: &str, says: &str, state: &str, why: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if says.is_empty() {
        faults.push(format!("{row} says nothing"));
    }
    if !STATES.contains(&state) {
        let states = STATES.join(", ");
        faults.push(format!("{row}: the state is `{state}`; it can be {states}"));
    }
    if state == "holds" && tests(why).next().is_none() {
        faults.push(format!("{row} holds and names no test"));
    }
    if state != "holds" && reason(why).is_empty() {
        faults.push(format!("{row} {state} and does not say why"));
    }
    for (file, test) in tests(why) {
        match SOURCES.get(file) {
            None => faults.push(format!("{row}: there is no file {file}")),
            Some(text) if !has_test(text, test) => {
                faults.push(format!("{row}: there is no test `{test}` in {file}"));
            }
            Some(_) => {}
        }
    }
    faults
}

/// What a comment says of rows that is not so: a row that there is not, or a test that its row does not know of.
///
/// `rows` tells of each row whether it names a test.
fn comments(file: &str, text: &str, rows: &BTreeMap<&str, bool>) -> Vec<String> {
    static COMMENT: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?:^|\s)(///?|//!) ?(.*)").unwrap());
    static OTHERS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("(?i)threat[- ]model[^;]*").unwrap());
    static NAME: LazyLock<Regex> = LazyLock::new(|| {
        let letters = ROWS.map(|(letters, _)| letters).join("|");
        // `%C3%A9` is none.
        Regex::new(&format!(r"(?:^|[^\w%])((?:{letters})[0-9]{{1,2}}[a-z]?)\b")).unwrap()
    });
    let mut is_test = ["tests/", "tests.rs", "oracle.rs"]
        .iter()
        .any(|part| file.contains(part));
    let mut faults = Vec::new();
    for (at, line) in text.lines().enumerate() {
        is_test |= line.trim() == "#[cfg(test)]";
        let Some(comment) = COMMENT.captures(line) else {
            continue;
        };
        let words = OTHERS.replace_all(&comment[2], "");
        for [name] in NAME.captures_iter(&words).map(|found| found.extract().1) {
            let place = format!("{file}:{}", at + 1);
            match rows.get(name) {
                None => faults.push(format!("{place} names {name}, which is no row")),
                Some(false) if is_test && &comment[1] == "//" => faults.push(format!(
                    "{place} is a test of {name}, whose row names no test"
                )),
                Some(_) => {}
            }
        }
    }
    faults
}

/// The columns of a line of a table.
fn cells(line: &str) -> Vec<&str> {
    let inside = line.trim().trim_start_matches('|');
    let inside = inside.strip_suffix('|').unwrap_or(inside);
    inside.split('|').map(str::trim).collect()
}

fn is_row(cell: &str) -> bool {
    let letters = cell.trim_end_matches(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    !letters.is_empty() && letters.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// The tests that a column names, each by file and function.
fn tests(why: &str) -> impl Iterator<Item = (&str, &str)> {
    static TEST: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"`([\w/.-]+\.rs)::(\w+)`").unwrap());
    TEST.captures_iter(why).map(|found| {
        let [file, test] = found.extract().1;
        (file, test)
    })
}

/// The words of a column that names tests too.
fn reason(why: &str) -> &str {
    let before = why.split("`tests/").next().unwrap_or_default();
    let before = before.split("`host/").next().unwrap_or_default();
    let before = before.split("`guest-sdk/").next().unwrap_or_default();
    before.trim()
}

/// Whether a file has this function, and it is a test that runs.
fn has_test(text: &str, name: &str) -> bool {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let is_it = |line: &str| {
        let line = line.strip_prefix("async ").unwrap_or(line);
        let after = line
            .strip_prefix("fn ")
            .and_then(|line| line.strip_prefix(name));
        after.is_some_and(|after| after.starts_with('('))
    };
    let at = lines.iter().position(|line| is_it(line));
    let Some(at) = at else { return false };
    let above = lines[..at].iter().rev();
    let attributes = above.take_while(|line| line.starts_with("#[") || line.starts_with("//"));
    let has = |is_it: fn(&str) -> bool| attributes.clone().any(|line| is_it(line));
    has(|line| line == "#[test]" || line.starts_with("#[tokio::test"))
        && !has(|line| line.starts_with("#[ignore"))
}

fn expected() -> BTreeSet<String> {
    let numbered = ROWS
        .into_iter()
        .flat_map(|(letters, last)| (1..=last).map(move |number| format!("{letters}{number}")));
    numbered.chain(["M8a".to_owned()]).collect()
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(root: &Path, folder: &Path, sources: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("target") {
                read(root, &path, sources);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).unwrap();
            let name = name.to_string_lossy().replace('\\', "/");
            sources.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}
