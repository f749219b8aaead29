//! How a start and its memory grow with the number of routes.

use std::time::Instant;

use waystation_tests::{App, Client, Program, output};

use super::{HELLO, built};

const ROUTES: [usize; 3] = [10, 1_000, 10_000];
const STARTS: usize = 5;

/// Measures apps of which each route is a component of its own file, and the last is asked.
pub(crate) async fn run(program: &Program) -> anyhow::Result<()> {
    let one = App::new(&[(
        "app/one/route.rs",
        &format!("pub fn get() -> &'static str {{ {HELLO:?} }}\n"),
    )]);
    built(program, &one)?;
    let wasm = std::fs::read(output::largest(one.root(), "application/wasm"))?;
    println!("| routes | start to first answer (lowest to highest of {STARTS}) | memory then |");
    println!("|---|---|---|");
    for routes in ROUTES {
        let app = App::new(&[]);
        for number in 1..=routes {
            app.write_bytes(&format!("app/r{number}/route.wasm"), &wasm);
        }
        built(program, &app)?;
        drop(program.start(app.root())); // leaves its code in the cache
        let (mut times, mut memory) = (Vec::new(), 0);
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
        }
        times.sort_unstable();
        let (lowest, median, highest) = (times[0], times[STARTS / 2], times[STARTS - 1]);
        let mib = memory >> 20;
        println!("| {routes} | {median} ms ({lowest} to {highest}) | {mib} MiB |");
    }
    Ok(())
}
