//! Whether memory and descriptors stay as they are over half a million requests of every kind.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use waystation_tests::{Client, Host, Program};

use super::load::{self, Amount, CONNECTIONS, Question};
use super::throughput::{self, BODY};
use super::{HELLO, built};

/// Requests of the warm-up, over twice the connections: each thread goes to its own shard of wasmtime's pool first, and all that the rest
/// needs there should have been used once.
const WARM_UP: usize = 100_000;
const REQUESTS: usize = 500_000;
const PARTS: usize = 5;
/// Memory may grow by so much of a hundred.
const GROWTH: f64 = 5.0;
/// A host closes a connection as soon as its client has.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is asked in turn.
fn mixed() -> Question {
    Question::mixed([
        Question::get("/hello"),
        Question::get("/shared"),
        Question::get("/items/tea"),
        Question::get("/kept"),
        Question::post("/echo", BODY),
        Question::get("/stream"),
        Question::get("/nowhere").answered_by(404),
        Question::get("/panics").answered_by(500),
    ])
}

/// Measures one host, which has no connection open whenever it is looked at.
pub(crate) async fn run(program: &Program) -> anyhow::Result<()> {
    let app = throughput::app();
    let panics = "pub fn get() -> &'static str { panic!(\"it always does\") }\n";
    app.write("app/panics/route.rs", panics);
    built(program, &app)?;
    let host = program.start(app.root());
    let sockets = sockets(&host.descriptors()); // of nobody who is connected
    let hello = Client::new(host.address()).get("/hello").await;
    anyhow::ensure!(hello.line() == format!("200 {HELLO}"), "{}", hello.line());

    println!("| requests | requests/s | p99 | memory | descriptors |");
    println!("|---|---|---|---|---|");
    let mut asked = 0;
    let mut seen = Vec::new();
    let warm_up = std::iter::once((2 * CONNECTIONS, WARM_UP));
    let parts = warm_up.chain([(CONNECTIONS, REQUESTS / PARTS); PARTS]);
    for (connections, part) in parts {
        let amount = Amount::Requests(part);
        let load = load::over(connections, host.address(), &mixed(), amount).await?;
        asked += part;
        let look = Look::at(&host, sockets).await?;
        println!(
            "| {asked} | {:.0} | {:.1} ms | {:.1} MiB | {} |",
            load.rate,
            load.within(0.99).as_secs_f64() * 1e3,
            look.memory as f64 / f64::from(1 << 20),
            look.descriptors
        );
        seen.push(look);
    }
    let (first, last) = (&seen[0], &seen[PARTS]);
    let most = seen[1..].iter().map(|look| look.memory).max();
    let most = most.context("nothing was measured after the warm-up")?;
    let growth = (most as f64 / first.memory as f64 - 1.0) * 100.0;
    println!(
        "\nAfter the warm-up memory grew by {growth:.1} % at most (it may by {GROWTH} %), and descriptors went from {} to {}.",
        first.descriptors, last.descriptors
    );
    anyhow::ensure!(growth <= GROWTH, "memory grew by more than it may");
    anyhow::ensure!(
        last.descriptors <= first.descriptors,
        "descriptors are left open"
    );
    Ok(())
}

/// What a host holds while nobody is connected.
pub(crate) struct Look {
    pub(crate) memory: u64,
    descriptors: usize,
}

impl Look {
    /// Waits until it has closed all sockets but so many.
    pub(crate) async fn at(host: &Host, sockets: usize) -> anyhow::Result<Self> {
        let began = Instant::now();
        loop {
            let open = host.descriptors();
            let left = self::sockets(&open);
            if left <= sockets {
                return Ok(Self {
                    memory: host.memory(),
                    descriptors: open.len(),
                });
            }
            anyhow::ensure!(
                began.elapsed() < PATIENCE,
                "{left} sockets are open where {sockets} were: {open:?}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await; // the host needs the processor too
        }
    }
}

pub(crate) fn sockets(descriptors: &[PathBuf]) -> usize {
    let leads_to = descriptors
        .iter()
        .map(|leads_to| leads_to.to_string_lossy());
    leads_to.filter(|name| name.starts_with("socket:")).count()
}
