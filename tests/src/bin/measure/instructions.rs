//! Instructions per request, as `valgrind` counts them: a figure that a machine's other work does not move. Those of the kernel are none of
//! them, and there is no pool for instances, as that takes more address space than valgrind has.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use waystation_tests::{Host, Program};

use super::load::{self, Amount, Question};
use super::{AS_NATIVE, HELLO, built, throughput};

/// Under valgrind there is no address space for many more instances.
const AT_ONCE: usize = 4;
/// Requests before anything is counted.
const WARM: usize = 2_000;
/// Requests that are counted.
const COUNTED: usize = 5_000;

/// Counts, of plain hyper and of this host.
pub(crate) async fn run(program: &Program) -> anyhow::Result<()> {
    let app = throughput::app();
    built(program, &app)?;
    println!("| server | what | instructions of a request |\n|---|---|---|");
    let dumps = tempfile::tempdir()?;

    let native = Program::new(std::env::current_exe()?).with(AS_NATIVE, "0");
    let native = Counted::start(native.line(""), dumps.path());
    let hello = || Question::get("/").answered_with(HELLO);
    native.count("plain hyper", "the limit", &hello()).await?;
    drop(native);

    let start = program.command("start", app.root()).on_a_free_port();
    let host = Counted::start(start, dumps.path());
    for (question, what) in throughput::of_rust() {
        host.count("Waystation", what, &question).await?;
    }
    Ok(())
}

/// A server under `valgrind`, which counts when it is told to.
struct Counted<'a> {
    host: Host,
    address: SocketAddr,
    dumps: &'a Path,
}

impl<'a> Counted<'a> {
    fn start(server: waystation_tests::Command, dumps: &'a Path) -> Self {
        let out = format!("--callgrind-out-file={}/%p", dumps.display());
        let host = server
            .under(
                "valgrind",
                &["--tool=callgrind", "--instr-atstart=no", &out],
            )
            .spawn();
        Self {
            address: host.address(),
            host,
            dumps,
        }
    }

    async fn count(&self, name: &str, what: &str, question: &Question) -> anyhow::Result<()> {
        self.ask(question, WARM).await?;
        self.control(&["--instr=on"])?;
        self.ask(question, COUNTED).await?;
        self.control(&["--instr=off"])?;
        self.control(&["--dump"])?; // and begins anew
        let count = self.dumped()? / COUNTED as u64;
        println!("| {name} | {what} | {count} |");
        Ok(())
    }

    async fn ask(&self, question: &Question, requests: usize) -> anyhow::Result<()> {
        let amount = Amount::Requests(requests);
        load::over(AT_ONCE, self.address, question, amount).await?;
        Ok(())
    }

    fn control(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let pid = self.host.id().to_string();
        let said = Command::new("callgrind_control")
            .args(arguments)
            .arg(&pid)
            .output()
            .context("`callgrind_control` of valgrind is needed")?;
        ensure!(said.status.success(), "{said:?}");
        Ok(())
    }

    /// What the last dump has counted.
    fn dumped(&self) -> anyhow::Result<u64> {
        let begins = format!("{}.", self.host.id());
        let mut last = (0, 0);
        for file in std::fs::read_dir(self.dumps)? {
            let file = file?;
            let name = file.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix(&begins));
            let Some(number) = number.and_then(|number| number.parse().ok()) else {
                continue;
            };
            let text = std::fs::read_to_string(file.path())?;
            let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
            let total = total.context("a dump has a sum")?.trim().parse()?;
            last = last.max((number, total));
        }
        ensure!(last.0 != 0, "valgrind has written no dump");
        Ok(last.1)
    }
}
