//! How a start and its memory grow with the number of routes.

use std::time::{Duration, Instant};

use waystation_tests::{App, Client, Host, Program, output};

use super::{HELLO, built, numbered};

const ROUTES: [usize; 3] = [10, 1_000, 10_000];
const STARTS: usize = 5;
/// Components that differ, so that the code of 10,000 routes does not take ten gigabytes of the disk.
const COMPONENTS: usize = 1_000;
/// Requests by which it is seen how long a route is looked for.
const LOOKUPS: usize = 5_000;

/// Measures apps of which each route is a component of its own file, and the last is asked; then what no route answers.
pub(crate) async fn run(program: &Program) -> anyhow::Result<()> {
    let one = App::new(&[(
        "app/one/route.rs",
        &format!("pub fn get() -> &'static str {{ {HELLO:?} }}\n"),
    )]);
    built(program, &one)?;
    let wasm = std::fs::read(output::largest(one.root(), "application/wasm"))?;
    println!(
        "| routes | start to first answer (lowest to highest of {STARTS}) | memory then | a request that no route answers (median of {LOOKUPS}) |"
    );
    println!("|---|---|---|---|");
    for routes in ROUTES {
        let app = App::new(&[]);
        for number in 1..=routes {
            app.write_bytes(
                &format!("app/r{number}/route.wasm"),
                &numbered(&wasm, number % COMPONENTS),
            );
        }
        built(program, &app)?;
        drop(program.start(app.root())); // leaves its code in the cache
        let (mut times, mut memory, mut lookup) = (Vec::new(), 0, Duration::MAX);
        for _ in 0..STARTS {
            let began = Instant::now();
            let start = program.command("start", app.root());
            let host = start.on_a_free_port().spawn();
            let answer = Client::new(host.address())
                .get(&format!("/r{routes}"))
                .await;
            times.push(began.elapsed().as_millis());
            anyhow::ensure!(answer.line() == format!("200 {HELLO}"), "{}", answer.line());
            memory = memory.max(host.memory());
            lookup = lookup.min(looked_for(&host).await?);
        }
        times.sort_unstable();
        let (lowest, median, highest) = (times[0], times[STARTS / 2], times[STARTS - 1]);
        let mib = memory >> 20;
        let lookup = lookup.as_secs_f64() * 1e6;
        println!("| {routes} | {median} ms ({lowest} to {highest}) | {mib} MiB | {lookup:.1} us |");
    }
    Ok(())
}

/// How long it takes to find out that no route answers.
async fn looked_for(host: &Host) -> anyhow::Result<Duration> {
    let mut sender = Client::new(host.address()).connect().await;
    let mut times = Vec::new();
    for number in 0..LOOKUPS {
        let asked = Instant::now();
        let path = format!("/r{number}/nobody");
        let answer = sender.ask("GET", &path, &[], "").await?;
        times.push(asked.elapsed());
        anyhow::ensure!(answer.status == 404, "{}", answer.line());
    }
    times.sort_unstable();
    Ok(times[LOOKUPS / 2])
}
