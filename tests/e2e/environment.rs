//! Variables: from the process and from `.env` files, to guests by listed names only (row CL9).

use waystation_tests::{Client, tree};

use crate::support::{Edited, production, program};

/// Every variable that the guest sees, of an instance that lives on.
const SHARED: &str = "\
pub const ISOLATION: waystation::Isolation = waystation::Isolation::Shared;

pub fn get() -> String {
    std::env::vars().map(|(name, value)| format!(\"{name}={value}\")).collect::<Vec<_>>().join(\" \")
}
";

#[tokio::test]
async fn a_guest_sees_the_listed_variables_and_a_saved_file_is_live() {
    let app = Edited::new(&[
        (
            "waystation.toml",
            "env = [\"GREETING\", \"KEY\", \"PATH\"]\n",
        ),
        (
            ".env",
            "KEY=low\nGREETING=\"hello $KEY\"\nHIDDEN=hunter1\nPATH=hunter2\n",
        ),
        (".env.local", "KEY=hunter3\n"),
        (".env.production", "KEY=of another mode\n"),
        ("app/fresh/route.rs", SHARED),
        ("app/shared/route.rs", SHARED),
    ])
    .await;
    let path = std::env::var("PATH").unwrap();
    let seen = format!("200 GREETING=hello hunter3 KEY=hunter3 PATH={path}");
    app.shows("/fresh", &seen).await;
    app.shows("/shared", &seen).await;
    app.host.wait_for_line("the files that were read", |line| {
        line == "  - Environments: .env.local, .env" // CL3
    });

    app.app.write(".env.local", "KEY=hunter4\n");
    let seen = format!("200 GREETING=hello hunter4 KEY=hunter4 PATH={path}");
    app.shows("/shared", &seen).await;
    app.shows("/fresh", &seen).await;

    app.app.write(".env.local", "KEY=hunter5\nhunter6\n");
    app.host
        .wait_for_line("what is wrong", |line| line.contains("--> .env.local:2"));
    app.shows("/shared", &seen).await;
    app.app.write(".env.local", "KEY=hunter7\n");
    let seen = format!("200 GREETING=hello hunter7 KEY=hunter7 PATH={path}");
    app.shows("/shared", &seen).await;
    app.app.remove(".env.local");
    let seen = format!("200 GREETING=hello low KEY=low PATH={path}");
    app.shows("/shared", &seen).await;

    app.app
        .write("waystation.toml", "env = [\"KEY\", \"NOWHERE\"]\n");
    app.shows("/shared", "200 KEY=low").await;
    app.host.wait_for_line("what is missing", |line| {
        line.contains("`NOWHERE` is in `env` of waystation.toml and set nowhere")
    });
    let told = app.host.stderr();
    assert!(!told.contains("hunter"), "a value was told: {told}");
}

#[tokio::test]
async fn start_reads_the_files_of_production() {
    let folder = tempfile::tempdir().unwrap();
    let output = ".waystation/output";
    tree::copy(
        &production().path(output),
        &folder.path().join(output),
        &|_| true,
    )
    .unwrap();
    let host = program().start(folder.path());
    let client = Client::new(host.address());
    assert_eq!(client.get("/environment").await.line(), "200"); // nothing is listed
    drop(host);

    for (file, text) in [
        (
            "waystation.toml",
            "env = [\"A\", \"B\", \"C\", \"NOWHERE\"]\n",
        ),
        (".env", "A=1\nB=1\nC=1\n"),
        (".env.local", "A=2\n"),
        (".env.production", "A=3\nB=3\n"),
        (".env.development", "C=4\n"),
    ] {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    let host = program().with("C", "of the process").start(folder.path());
    let client = Client::new(host.address());
    assert_eq!(
        client.get("/environment").await.line(),
        "200 A=2\nB=3\nC=of the process"
    );
    host.wait_for_line("what is missing", |line| {
        line.starts_with("warning: `NOWHERE` is in `env` of waystation.toml and set nowhere")
    });
    assert!(!host.stderr().contains("process"), "{}", host.stderr());

    drop(host);
    std::fs::write(folder.path().join(".env"), "hunter2\n").unwrap();
    let exit = program().command("start", folder.path()).run();
    assert_eq!(exit.code, Some(1));
    assert!(exit.stderr.contains("--> .env:1"), "{}", exit.stderr);
    assert!(!exit.stderr.contains("hunter2"), "{}", exit.stderr);
}
