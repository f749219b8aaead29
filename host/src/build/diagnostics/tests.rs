//! What rustc 1.95 said, recorded, and what its author reads.

use super::*;

#[test]
fn the_path_is_the_author_s() {
    check(
        include_str!("recorded/missing-name.json"),
        "\
app/items/[slug]/route.rs:3:17
error[E0425]: cannot find value `missing` in this scope
 --> app/items/[slug]/route.rs:3:17
  |
3 |     shop::stock(missing)
  |                 ^^^^^^^ not found in this scope
",
    );
}

#[test]
fn a_warning_is_one() {
    let diagnostics = read_text(include_str!("recorded/unused.json"));
    assert_eq!(diagnostics[0].level, Level::Warning);
    assert!(
        diagnostics[0].rendered.starts_with(
            "warning: unused variable: `unused`\n --> app/items/[slug]/route.rs:2:9\n"
        ),
        "{}",
        diagnostics[0].rendered
    );
}

#[test]
fn the_macro_s_faults_are_shown_alone_and_one_by_one() {
    check(
        include_str!("recorded/macro.json"),
        "\
app/items/[slug]/route.rs:4:8
error: `GET` is not a handler; name it `get`
 --> app/items/[slug]/route.rs:4:8
  |
4 | pub fn GET() {}
  |        ^^^
  |
  = help: methods are written in lower case
app/items/[slug]/route.rs
error: `MAX_DURATION` is text
 --> app/items/[slug]/route.rs
  |
  = help: write a number
",
    );
}

#[test]
fn sums_and_advice_are_dropped() {
    let sum = |message| {
        format!(
            r#"{{"message":"{message}","code":null,"level":"error","spans":[],"children":[],"rendered":"x"}}"#
        )
    };
    check(&sum("aborting due to 2 previous errors"), "");
    check(&sum("3 warnings emitted"), "");
    check(include_str!("recorded/explain.json"), "");
}

#[test]
fn colours_frame_the_same_text() {
    for recorded in [
        include_str!("recorded/missing-name.json"),
        include_str!("recorded/macro.json"),
    ] {
        for diagnostic in read_text(recorded) {
            assert!(diagnostic.rendered_ansi.contains('\u{1b}'));
            let plain = anstream::adapter::strip_str(&diagnostic.rendered_ansi).to_string();
            assert_eq!(plain, diagnostic.rendered);
        }
    }
}

#[test]
fn what_is_said_twice_is_shown_once() {
    let mut diagnostics = read_text(include_str!("recorded/unused.json"));
    diagnostics.extend(read_text(include_str!("recorded/unused.json")));
    diagnostics.extend(read_text(include_str!("recorded/missing-name.json")));
    assert_eq!(distinct(diagnostics).len(), 2);
}

#[test]
fn cargo_s_own_words_are_kept_without_the_noise() {
    let words = "\
warning: `shop` (lib) generated 1 warning
error: failed to load manifest for workspace member `/x/.waystation/routes/route-a`

Caused by:
  failed to read `/x/Cargo.toml`
error: could not compile `shop` (lib) due to 1 previous error
warning: build failed, waiting for other jobs to finish...
";
    assert_eq!(
        cargo_error(words),
        "error: failed to load manifest for workspace member `/x/.waystation/routes/route-a`\n\nCaused by:\n  failed to read `/x/Cargo.toml`"
    );
}

#[test]
fn only_a_path_into_a_written_package_is_shortened() {
    let short = as_the_author_sees;
    assert_eq!(
        short("a .waystation/routes/x/src/../../../../app/r.rs:1 b"),
        "a app/r.rs:1 b"
    );
    assert_eq!(
        short(".waystation/routes/x/src/lib.rs"),
        ".waystation/routes/x/src/lib.rs"
    );
    assert_eq!(short("nothing"), "nothing");
}

#[track_caller]
fn check(recorded: &str, expected: &str) {
    let shown: String = read_text(recorded).iter().map(show).collect();
    assert_eq!(shown, expected);
}

fn show(diagnostic: &Diagnostic) -> String {
    let file = diagnostic.file.as_deref().unwrap_or("-");
    let place = diagnostic
        .place
        .map(|place| format!(":{place}"))
        .unwrap_or_default();
    format!("{file}{place}\n{}\n", diagnostic.rendered.trim_end())
}

fn read_text(recorded: &str) -> Vec<Diagnostic> {
    read(&serde_json::from_str(recorded).unwrap())
}
