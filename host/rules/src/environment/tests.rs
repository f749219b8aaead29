//! Files in, values out. `P` and `WAYSTATION_TOKEN` are set in the process.

use super::*;

#[test]
fn the_more_exact_file_wins_and_the_process_over_all() {
    // CL9
    assert_eq!(
        Mode::Development.files(),
        [
            ".env.development.local",
            ".env.local",
            ".env.development",
            ".env"
        ]
    );
    assert_eq!(
        Mode::Production.files(),
        [
            ".env.production.local",
            ".env.local",
            ".env.production",
            ".env"
        ]
    );
    let files = [("a", "X=1"), ("b", "X=2\nY=2\nP=2"), ("c", "X=3\nY=3\nZ=3")];
    check(&files, "X Y Z P", "X=1 Y=2 Z=3 P=process");
}

#[test]
fn a_test_does_not_depend_on_the_machine() {
    assert_eq!(Mode::Test.files(), [".env.test.local", ".env.test", ".env"]);
}

#[test]
fn only_what_is_listed_is_seen() {
    one("A=1\nB=2", "B", "B=2");
    one("A=1", "", "");
    one("A=1", "A A", "A=1");
    one("A=1", "A B PATH", "A=1");
    let listed = ["A".to_owned(), "B".to_owned()];
    let found = resolve(
        &listed,
        &[(".env".to_owned(), "A=secret".to_owned())],
        process,
    )
    .unwrap();
    assert_eq!(found.missing(&listed), ["B"]);
    assert_eq!(format!("{found:?}"), r#"{"A"}"#);
}

#[test]
fn lines_are_read_as_dotenv_does() {
    one("A=1", "A", "A=1");
    one("A = a b  \r\nB=2", "A B", "A=a b B=2");
    one("\u{feff}export A=1", "A", "A=1");
    one("A: 1", "A", "A=1");
    one("A=\nB=2", "A B", "A= B=2");
    one("A=1\nA=2", "A", "A=2");
    one("# A=1\n\n  # B\nC=3", "A B C", "C=3");
    one("A=1 # one\nB=x#y", "A B", "A=1 B=x");
    one(
        "A='1 # one'\nB=\"x#y\" # two\nC=`it's`",
        "A B C",
        "A=1 # one B=x#y C=it's",
    );
    one("A=a=b==", "A", "A=a=b==");
    one("A=\"it\"s\"", "A", "A=it\"s");
}

#[test]
fn quotes_hold_several_lines() {
    one("A=\"1\n2\"\nB='3\n4'", "A B", "A=1\n2 B=3\n4");
    one(r#"A="1\n2""#, "A", "A=1\n2");
    one(r"A='1\n2'", "A", r"A=1\n2");
}

#[test]
fn references_are_filled_in() {
    one("A=1\nB=$A-${A}", "B", "B=1-1");
    one("B=$A_B/x\nA_B=2\nA=1", "B", "B=2/x");
    one("B=${A:-none} ${P:-none} $Q.", "B", "B=none process .");
    one(r"B=\$A\${A}", "B", "B=$A${A}");
    one("A=$B\nB=$C\nC=3", "A", "A=3");
    one("A='$B'\nB=2", "A", "A=2");
    one("A=5$\nB=${", "A B", "A=5$ B=${");
}

#[test]
fn a_reference_means_what_the_name_is_in_the_end() {
    check(&[("a", "X=1"), ("b", "X=2\nY=$X")], "Y", "Y=1");
    check(&[("a", "Y=$X"), ("b", "X=2")], "Y", "Y=2");
}

#[test]
fn nothing_of_the_host_s_own_gets_in() {
    one("A=$WAYSTATION_TOKEN.", "A", "A=.");
    names(&["A", "_a1"], "fine");
    names(
        &["A", "WAYSTATION_TOKEN"],
        "`env[1]`: `WAYSTATION_TOKEN` is the host's own, and guests see none that begin with `WAYSTATION_`; give it another name",
    );
    names(
        &["A=1"],
        "`env[0]`: `A=1` is no name of a variable; write letters, digits and `_`, such as `DATABASE_URL`",
    );
    names(
        &["1A"],
        "`env[0]`: `1A` is no name of a variable; write letters, digits and `_`, such as `DATABASE_URL`",
    );
}

#[test]
fn each_fault_is_told_by_its_place_and_without_the_line() {
    one(
        "A=1\n\nhunter2\n# fine\nexport hunter3\n",
        "A",
        "this line sets nothing\n  --> .env:3\n\nhint: write `NAME=value`, or begin it with `#`\n\
         this line sets nothing\n  --> .env:5\n\nhint: write `NAME=value`, or begin it with `#`",
    );
    one(
        "A=1\nB=$C\nC=$B",
        "A B C",
        "`B` is made of itself\n  --> .env:2\n\nhint: write one of the values out; `\\$` is a plain `$`\n\
         `C` is made of itself\n  --> .env:3\n\nhint: write one of the values out; `\\$` is a plain `$`",
    );
    one("P=$P", "P", "P=process");
}

#[track_caller]
fn one(text: &str, listed: &str, expected: &str) {
    check(&[(".env", text)], listed, expected);
}

#[track_caller]
fn check(files: &[(&str, &str)], listed: &str, expected: &str) {
    let listed: Vec<_> = listed.split_whitespace().map(str::to_owned).collect();
    let files = files.iter();
    let files: Vec<_> = files
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    let found = match resolve(&listed, &files, process) {
        Ok(found) => {
            let values = found.values().iter();
            values
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
                .join(" ")
        }
        Err(faults) => {
            let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
            faults.join("\n")
        }
    };
    assert_eq!(found, expected);
}

fn process(name: &str) -> Option<String> {
    matches!(name, "P" | "WAYSTATION_TOKEN").then(|| "process".to_owned())
}

#[track_caller]
fn names(listed: &[&str], expected: &str) {
    let listed: Vec<_> = listed.iter().map(|name| (*name).to_owned()).collect();
    let found = match check_names(&listed) {
        Ok(()) => "fine".to_owned(),
        Err(error) => error.to_string(),
    };
    assert_eq!(found, expected);
}
