//! `app-example`, served as its README says, and asked each of the README's questions.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use regex::Regex;
use waystation_tests::{App, Host, sdk_folder, tree};

use crate::portability;
use crate::support::{lasting, program};

struct Example {
    app: App,
    host: Host,
}

/// The app is built as a user's is, in a folder of its own.
static EXAMPLE: LazyLock<Example> = LazyLock::new(|| {
    let source = source();
    let files = tree::files(source).expect("the example app");
    let is_written = |file: &Path| !file.starts_with(".waystation") && !file.starts_with("target");
    let files = files.into_iter().filter(|file| is_written(file));
    let (texts, others): (Vec<_>, Vec<_>) = files
        .map(|file| {
            let content = fs::read(source.join(&file)).expect("a file");
            (file, String::from_utf8(content))
        })
        .partition(|(_, content)| content.is_ok());
    let texts = texts.into_iter().map(|(file, text)| {
        let text = text.expect("a text");
        let sdk = format!("waystation = {{ path = {:?}", sdk_folder());
        let text = text.replace("waystation = { path = \"../guest-sdk\"", &sdk);
        (file.to_string_lossy().into_owned(), text)
    });
    let texts: Vec<_> = texts.collect();
    let app = App::lasting(&lasting("example"), &crate::support::borrowed(&texts));
    for (file, content) in others {
        let bytes = content.expect_err("no text").into_bytes();
        app.write_bytes(&file.to_string_lossy(), &bytes);
    }
    let host = program().command("dev", app.root()).arg("--find-leaks");
    let host = host.on_a_free_port().leashed().serve();
    Example { app, host }
});

fn source() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../app-example"))
}

#[test]
fn every_command_of_the_readme_prints_what_it_says() {
    let readme = fs::read_to_string(source().join("README.md")).unwrap();
    let address = EXAMPLE.host.address().to_string();
    let mut wrong = Vec::new();
    let mut asked = 0;
    for line in readme.lines() {
        let Some(question) = Question::read(line) else {
            continue;
        };
        asked += 1;
        let command = question.command.replace("localhost:3000", &address);
        // Without a progress bar, and over the protocol that the table was written with.
        let command = command.replace("curl ", "curl --silent --http1.1 --max-time 30 ");
        let run = Command::new("sh").args(["-c", &command]).output().unwrap();
        let printed = String::from_utf8_lossy(&run.stdout);
        let printed = printed
            .replace(&address, "localhost:3000")
            .replace("127.0.0.1:3000", "localhost:3000");
        let port = EXAMPLE.host.address().port();
        let printed = printed.replace(&format!("localhost:{port}"), "localhost:3000");
        let printed: Vec<_> = printed
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        if !question.is_answered_by(&printed) {
            wrong.push(format!(
                "{}\n  expected {:?}\n  printed  {printed:?}",
                question.command, question.lines
            ));
        }
    }
    assert!(30 < asked, "only {asked} commands were found in the README");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let leak = "/counter keeps something from one request to the next: of GET /counter, the body from byte 6 on is `2`, and `1` from a fresh";
    EXAMPLE
        .host
        .wait_for_line("what outlives a request", |line| line.contains(leak));
    let again = format!("curl --silent --max-time 30 {address}/counter");
    let run = Command::new("sh").args(["-c", &again]).output().unwrap();
    let visit = String::from_utf8_lossy(&run.stdout); // it was asked once more before it was blamed, and not since
    assert_eq!(visit, "visit 4");
    let told = EXAMPLE.host.stderr();
    assert_eq!(told.matches("keeps something").count(), 1, "{told}");
}

#[test]
fn its_own_tests_pass() {
    let native = lasting("native").display().to_string();
    let test = program().command("test", EXAMPLE.app.root());
    let exit = test.env("CARGO_TARGET_DIR", &native).run();
    assert_eq!(exit.code, Some(0), "{}\n{}", exit.stdout, exit.stderr);
    for test in [
        "route::tests::an_item_is_greeted_by_its_slug",
        "route::tests::one_is_read_one_set_and_one_deleted",
        "route::tests::an_hour_takes_no_time",
        "a_form_is_read_and_a_limit_is_kept",
        "the_clock_and_another_server_are_the_tests",
    ] {
        let line = format!("test {test} ... ok");
        assert!(exit.stdout.contains(&line), "{test}: {}", exit.stdout);
    }
}

/// A row of the README's table.
struct Question {
    command: String,
    /// What it prints, less empty lines.
    lines: Vec<String>,
    /// Whether what it prints is different each time.
    differs: bool,
}

impl Question {
    fn read(line: &str) -> Option<Self> {
        let cells = line.trim().strip_prefix('|')?.strip_suffix('|')?;
        let cells: Vec<_> = cells.split(" | ").map(str::trim).collect();
        let [.., command, answer] = cells.as_slice() else {
            return None;
        };
        let command = command.strip_prefix('`')?.strip_suffix('`')?;
        if !command.contains("curl ") {
            return None;
        }
        let (answer, differs) = match answer.strip_suffix("*(differs)*") {
            Some(answer) => (answer.trim(), true),
            None => (*answer, false),
        };
        let lines = answer
            .split("<br>")
            .map(|line| line.trim_matches('`').trim().to_owned());
        Some(Self {
            command: command.replace("\\|", "|"),
            lines: lines.collect(),
            differs,
        })
    }

    fn is_answered_by(&self, printed: &[&str]) -> bool {
        if self.differs {
            let printed = printed.iter().map(|line| masked(line));
            return printed.eq(self.lines.iter().map(|line| masked(line)));
        }
        printed == self.lines
    }
}

/// A line without what changes from one run to the next: numbers, dates and random bytes. A number of three digits may be a status: it
/// stays.
fn masked(line: &str) -> String {
    static CHANGING: LazyLock<Regex> = LazyLock::new(|| {
        let days = "Mon|Tue|Wed|Thu|Fri|Sat|Sun";
        let months = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec";
        let changing = format!(r"\b(?:{days}|{months}|[0-9a-f]{{32}}|[0-9]{{1,2}}|[0-9]{{4,}})\b");
        Regex::new(&changing).unwrap()
    });
    CHANGING.replace_all(line, "*").into_owned()
}

#[test]
fn a_failure_does_not_pass_for_what_differs() {
    let alike = |a, b| masked(a) == masked(b);
    assert!(alike(
        "the post of second 17",
        "the post of second 1795413077"
    ));
    assert!(alike(
        "b=1; Expires=Mon, 23 Nov 2026 06:51:17 GMT",
        "b=1; Expires=Tue, 1 Dec 2026 16:00:59 GMT"
    ));
    assert!(alike(
        "d7bcc1028a5a27c71af53f7e50b1b435",
        "00000000000000000000000000000000"
    ));
    assert!(!alike("HTTP/1.1 200 OK", "HTTP/1.1 404 OK"));
    assert!(!alike("1795413077 s since 1970", "Not Found"));
    assert!(!alike("d7bcc1028a5a27c71af53f7e50b1b435", ""));
}

#[tokio::test]
async fn every_component_lists_its_methods_and_asks_for_stock_interfaces_only() {
    let app = &EXAMPLE.app;
    let exit = program().command("build", app.root()).run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    for (file, component) in portability::built(app) {
        portability::check(&app.read(&file), &component, &file).await;
    }
}
