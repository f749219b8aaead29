//! Requests per second, as a share of what plain hyper answers in the same seconds.

use std::time::Duration;

use rustix::thread::{CpuSet, sched_setaffinity};
use waystation_tests::{App, Host, Program};

use super::load::{self, Load};
use super::{AS_NATIVE, HELLO, built};

/// Plain hyper is measured before each of these, so that a machine that changes its speed changes both.
const ROUNDS: usize = 5;
const SECONDS: Duration = Duration::from_secs(2);

/// What is asked, and what it shows.
const CASES: [(&str, &str); 5] = [
    ("/hello", "a fresh instance per request"),
    ("/shared", "an instance that is used again"),
    ("/items/tea", "a param and JSON, fresh instance"),
    ("/kept", "an answer that is kept"),
    ("/unkept", "the same route, made dynamic"),
];

fn app() -> App {
    let hello = format!("pub fn get() -> &'static str {{ {HELLO:?} }}\n");
    let shared = "use waystation::*;\npub const ISOLATION: Isolation = Isolation::Shared;\n";
    let kept = "use waystation::*;\npub const REVALIDATE: Revalidate = Revalidate::NEVER;\n";
    let unkept = "use waystation::*;\npub const DYNAMIC: Dynamic = Dynamic::ForceDynamic;\n";
    let item = "use crate::Params;\nuse waystation::*;\n\n\
                #[derive(serde::Serialize)]\npub struct Item {\n    slug: String,\n    price: u32,\n}\n\n\
                pub async fn get(context: Context<Params>) -> Json<Item> {\n    \
                Json(Item { slug: context.params.slug.clone(), price: 7 })\n}\n";
    App::new(&[
        ("app/hello/route.rs", &hello),
        ("app/shared/route.rs", &format!("{shared}{hello}")),
        ("app/kept/route.rs", &format!("{kept}{hello}")),
        ("app/unkept/route.rs", &format!("{unkept}{hello}")),
        ("app/items/[slug]/route.rs", item),
    ])
}

/// Measures, with the servers on the first core and the load on the second.
pub(crate) async fn run(program: &Program) -> anyhow::Result<()> {
    let app = app();
    built(program, &app)?;
    let host = on_core(0, || program.start(app.root()))?;
    let native = Program::new(std::env::current_exe()?).with(AS_NATIVE, "1");
    let native = on_core(0, || native.line("").serve())?;
    pin(1)?;

    let mut rows: Vec<Row> = CASES.iter().map(|_| Row::default()).collect();
    measure(&native, "/", SECONDS).await?;
    for (path, _) in CASES {
        measure(&host, path, SECONDS).await?; // warm
    }
    let mut hyper = Row::default();
    for _ in 0..ROUNDS {
        for ((path, _), row) in CASES.iter().zip(&mut rows) {
            let beside = measure(&native, "/", SECONDS).await?;
            let load = measure(&host, path, SECONDS).await?;
            row.add(&load, &beside);
            hyper.add(&beside, &beside);
        }
    }

    println!(
        "| what | requests/s | of plain hyper (lowest to highest) | p50 | p99 |\n|---|---|---|---|---|"
    );
    hyper.show("plain hyper");
    for ((path, what), row) in CASES.iter().zip(&mut rows) {
        row.show(&format!("`{path}`: {what}"));
    }
    Ok(())
}

async fn measure(host: &Host, path: &str, time: Duration) -> anyhow::Result<Load> {
    load::run(host.address(), path, time).await
}

/// What was measured of one case, a value per round.
#[derive(Default)]
struct Row {
    rates: Vec<f64>,
    shares: Vec<f64>,
    halves: Vec<f64>,
    tails: Vec<f64>,
}

impl Row {
    fn add(&mut self, load: &Load, beside: &Load) {
        let micros = |share| load.within(share).as_secs_f64() * 1e6;
        self.rates.push(load.rate);
        self.shares.push(load.rate / beside.rate);
        self.halves.push(micros(0.5));
        self.tails.push(micros(0.99));
    }

    /// Medians over the rounds.
    fn show(&mut self, what: &str) {
        let share = median(&mut self.shares);
        let (lowest, highest) = (self.shares[0], self.shares[self.shares.len() - 1]);
        println!(
            "| {what} | {:.0} | {share:.2} ({lowest:.2} to {highest:.2}) | {:.0} us | {:.0} us |",
            median(&mut self.rates),
            median(&mut self.halves),
            median(&mut self.tails),
        );
    }
}

/// Sorts them, too.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
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
    Ok(sched_setaffinity(None, &cores)?)
}
