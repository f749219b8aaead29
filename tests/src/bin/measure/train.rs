//! A load for a build that is guided by a profile: what is measured, so that what serves it is laid out for it.

use std::time::Duration;

use waystation_tests::{Foreign, Program};

use super::load::{self, Amount, Question};
use super::throughput::{further, of_rust, serving};
use super::{HELLO, built, peers::Server, throughput};

const SECONDS: Duration = Duration::from_secs(4);

/// Asks the host, and plain hyper beside it, and lets both end by themselves: that is when a program with counters writes them.
pub(crate) async fn run(program: &Program) -> anyhow::Result<()> {
    let compiled = tempfile::tempdir()?;
    let foreign = Foreign::compile(compiled.path());
    let app = throughput::app();
    app.write_bytes("app/two/route.wasm", &foreign.read("foreign_http2"));
    built(program, &app)?;
    let host = Server::start("Waystation", "/hello", serving(program, &app)).await?;
    for (question, what) in of_rust().into_iter().chain(further()) {
        let load = load::run(host.address, &question, Amount::Time(SECONDS)).await?;
        println!("{what}: {:.0}/s", load.rate);
    }
    host.finish();
    let native = throughput::native().await?;
    let hello = Question::get("/").answered_with(HELLO);
    let load = load::run(native.address, &hello, Amount::Time(SECONDS)).await?;
    println!("plain hyper: {:.0}/s", load.rate);
    native.finish();
    Ok(())
}
