//! Measures what a developer and an operator wait for.
//!
//! ```text
//! measure save-to-live [PROGRAM]   a file is written -> the first answer with its content, over 20 edits of one route
//! measure start-time [PROGRAM]     `start` begins -> the first answer, with its code in the cache, over 20 starts
//! measure scale [PROGRAM]          the same, its memory, and how long a route is looked for, with 10, 1,000 and 10,000 routes
//! measure throughput [PROGRAM]     requests per second of this host and its peers beside plain hyper's, in turn: the servers on one
//!                                  core, the load on another; memory and starts, and a chart
//! measure instructions [PROGRAM]   instructions of a request, by valgrind
//! measure train [PROGRAM]          the load that `.ci/dist` builds the host by
//! measure steady [PROGRAM]         memory and descriptors after 50,000 and after each of five times 100,000 requests of every kind, some of
//!                                  which fail
//! measure fairness [PROGRAM]       the times of an ordinary route without and beside each of several attacks, and what the attackers get
//! measure streams [PROGRAM]        the memory of 1,000 streams that are open, and of as many connections that are idle
//! ```
//!
//! `steady`, `fairness` and `streams` fail where their goal is missed. Without `PROGRAM`, the host that was built into this tool is measured,
//! so `cargo run --release` measures a release build.

mod chart;
mod fairness;
mod instructions;
mod load;
mod native;
mod peers;
mod scale;
mod steady;
mod streams;
mod throughput;
mod train;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::thread::{CpuSet, sched_setaffinity};
use waystation_tests::{App, Client, Program, Sender};

/// Of the host, as `waystation` has it, and of plain hyper.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Set for the process that is measured.
const AS_HOST: &str = "WAYSTATION_MEASURE_AS_HOST";
/// Set for the process that it is measured against, to its port.
const AS_NATIVE: &str = "WAYSTATION_MEASURE_AS_NATIVE";
/// What the smallest handlers answer.
const HELLO: &str = "Hello, Waystation!";
const ROUNDS: usize = 20;
const ROUTES: usize = 10;

fn main() -> anyhow::Result<ExitCode> {
    if std::env::var_os(AS_HOST).is_some() {
        return Ok(waystation_host::cli::main());
    }
    if let Ok(port) = std::env::var(AS_NATIVE) {
        native::serve(port.parse()?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let program = match arguments.get(1) {
        Some(path) => Program::new(path),
        None => Program::new(std::env::current_exe()?).with(AS_HOST, "1"),
    };
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/throughput.svg");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match arguments.first().map(String::as_str) {
        Some("save-to-live") => runtime.block_on(save_to_live(&program))?,
        Some("start-time") => runtime.block_on(start_time(&program))?,
        Some("scale") => runtime.block_on(scale::run(&program))?,
        Some("throughput") => runtime.block_on(throughput::run(&program, &chart))?,
        Some("instructions") => runtime.block_on(instructions::run(&program))?,
        Some("train") => runtime.block_on(train::run(&program))?,
        Some("steady") => runtime.block_on(steady::run(&program))?,
        Some("fairness") => runtime.block_on(fairness::run(&program))?,
        Some("streams") => runtime.block_on(streams::run(&program))?,
        _ => {
            eprintln!(
                "usage: measure save-to-live|start-time|scale|throughput|instructions|train|steady|fairness|streams [PROGRAM]"
            );
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// An app of [`ROUTES`] routes of which the first is edited.
fn app() -> App {
    let routes: Vec<_> = (0..ROUTES)
        .map(|number| (format!("app/r{number}/route.rs"), route("begin")))
        .collect();
    let files: Vec<_> = routes
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    App::new(&files)
}

/// A handler as large as one usually is: JSON in and out.
fn route(word: &str) -> String {
    format!(
        "use serde::{{Deserialize, Serialize}};\nuse waystation::{{Json, Request, Result}};\n\n\
         #[derive(Deserialize, Serialize)]\npub struct Item {{\n    name: String,\n    count: u32,\n}}\n\n\
         pub async fn get() -> &'static str {{\n    {word:?}\n}}\n\n\
         pub async fn post(request: Request) -> Result<Json<Item>> {{\n    let item: Item = request.json().await?;\n    \
         Ok(Json(Item {{ count: item.count + 1, ..item }}))\n}}\n"
    )
}

async fn save_to_live(program: &Program) -> anyhow::Result<()> {
    let app = app();
    let host = program.dev(app.root());
    let mut sender = Client::new(host.address()).connect().await;
    until(&mut sender, "begin").await?;
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let word = format!("edit {round}");
        let text = route(&word);
        let saved = Instant::now();
        app.replace("app/r0/route.rs", &text);
        until(&mut sender, &word).await?;
        times.push(saved.elapsed());
    }
    show("save to live", &mut times);
    Ok(())
}

async fn start_time(program: &Program) -> anyhow::Result<()> {
    let app = app();
    built(program, &app)?;
    drop(program.start(app.root())); // leaves its code in the cache
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let host = program
            .command("start", app.root())
            .on_a_free_port()
            .spawn();
        let client = Client::new(host.address());
        let answer = client.get("/r0").await;
        times.push(began.elapsed());
        anyhow::ensure!(answer.line() == "200 begin", "{}", answer.line());
    }
    show(
        &format!("start to first answer, {ROUTES} routes"),
        &mut times,
    );
    Ok(())
}

/// The same component with another content, so that its code is compiled and kept apart: the number is in a section that nobody reads.
fn numbered(component: &[u8], number: usize) -> Vec<u8> {
    let number = (number as u64).to_le_bytes();
    [component, &[0, 10, 1, b'n'], &number].concat()
}

fn built(program: &Program, app: &App) -> anyhow::Result<()> {
    let built = program.command("build", app.root()).run();
    anyhow::ensure!(built.code == Some(0), "{}", built.stderr);
    Ok(())
}

/// Asks over one connection until the answer is this.
async fn until(sender: &mut Sender, word: &str) -> anyhow::Result<()> {
    loop {
        let answer = sender.ask("GET", "/r0", &[], "").await?;
        if answer.body == word.as_bytes() {
            return Ok(());
        }
        anyhow::ensure!(answer.status == 200, "{}", answer.line());
        tokio::time::sleep(Duration::from_millis(1)).await; // the host needs the processor too
    }
}

fn show(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let millis = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
    println!(
        "{what}: min {}, median {}, max {} of {}",
        millis(times[0]),
        millis(times[times.len() / 2]),
        millis(times[times.len() - 1]),
        times.len()
    );
}

/// Starts a process on a core: it inherits this thread's, which then goes back to all of them.
fn on_core<T>(core: usize, start: impl FnOnce() -> T) -> anyhow::Result<T> {
    let all = rustix::thread::sched_getaffinity(None)?;
    pin(core)?;
    let started = start();
    sched_setaffinity(None, &all)?;
    Ok(started)
}

fn pin(core: usize) -> anyhow::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).with_context(|| format!("there is no core {core} to run on"))
}
