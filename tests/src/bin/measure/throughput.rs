//! Requests per second of this host and of its peers, as a share of what plain hyper answers in the same seconds.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use waystation_tests::{App, Command, Foreign, Program, output};

use super::chart;
use super::load::{self, Amount, Load, Question};
use super::peers::{self, Server};
use super::{AS_NATIVE, HELLO, built, numbered};

/// Plain hyper is measured before each of these, so that a machine that changes its speed changes both.
const ROUNDS: usize = 5;
const SECONDS: Duration = Duration::from_secs(2);
/// Bytes of a body that is sent and comes back.
pub(crate) const BODY: usize = 10 << 10;
/// What is written ten times.
const LINE: &str = "a line of the stream\n";
const MANY: usize = 1_000;

/// What is asked of the routes of this app over HTTP/1.1, and what that shows.
pub(crate) fn of_rust() -> Vec<(Question, &'static str)> {
    let get = |path| Question::get(path).answered_with(HELLO);
    let echo = Question::post("/echo", BODY).answered_with(vec![b'x'; BODY]);
    vec![
        (get("/hello"), "a fresh instance per request"),
        (get("/shared"), "an instance that is used again"),
        (get("/kept"), "an answer that is kept"),
        (get("/unkept"), "the same route, made dynamic"),
        (
            Question::get("/items/tea").answered_with(r#"{"slug":"tea","price":7}"#),
            "a param and JSON, fresh",
        ),
        (echo, "10 KB in and out, fresh"),
        (
            Question::get("/stream").answered_with(LINE.repeat(10)),
            "a stream of ten chunks, fresh",
        ),
    ]
}

/// What else is asked of this host.
pub(crate) fn further() -> [(Question, &'static str); 2] {
    let hello = Question::get("/hello").answered_with(HELLO);
    [
        (
            hello.over_http2(),
            "a fresh instance, over HTTP/2: 4 connections of 16 requests",
        ),
        (two("/two"), "a component of WASI-HTTP 0.2, fresh"),
    ]
}

/// The component of WASI-HTTP 0.2, which counts what an instance is asked.
pub(crate) fn two(path: &str) -> Question {
    let answer = format!("0.2 Method::Get {path} request 1 of this instance");
    Question::get(path).answered_by(203).answered_with(answer)
}

/// A route of each kind.
pub(crate) fn app() -> App {
    let hello = format!("pub fn get() -> &'static str {{ {HELLO:?} }}\n");
    let shared = "use waystation::*;\npub const ISOLATION: Isolation = Isolation::Shared;\n";
    let kept = "use waystation::*;\npub const REVALIDATE: Revalidate = Revalidate::NEVER;\n";
    let unkept = "use waystation::*;\npub const DYNAMIC: Dynamic = Dynamic::ForceDynamic;\n";
    let item = "use crate::Params;\nuse waystation::*;\n\n\
                #[derive(serde::Serialize)]\npub struct Item {\n    slug: String,\n    price: u32,\n}\n\n\
                pub async fn get(context: Context<Params>) -> Json<Item> {\n    \
                Json(Item { slug: context.params.slug.clone(), price: 7 })\n}\n";
    let echo = "use waystation::*;\n\n\
                pub async fn post(request: Request) -> Result<Response> {\n    \
                Ok(Response::bytes(request.bytes().await?))\n}\n";
    let stream = format!(
        "use waystation::*;\n\n\
         pub fn get() -> Response {{\n    Response::writer(async |mut body: Writer| {{\n        \
         for _ in 0..10 {{\n            body.write({LINE:?}).await?;\n        }}\n        Ok(())\n    }})\n}}\n"
    );
    App::new(&[
        ("app/hello/route.rs", &hello),
        ("app/shared/route.rs", &format!("{shared}{hello}")),
        ("app/kept/route.rs", &format!("{kept}{hello}")),
        ("app/unkept/route.rs", &format!("{unkept}{hello}")),
        ("app/items/[slug]/route.rs", item),
        ("app/echo/route.rs", echo),
        ("app/stream/route.rs", &stream),
    ])
}

/// An app of as many routes as a large one has, each a component of its own, though all do the same.
fn large(component: &Path) -> anyhow::Result<(App, Question)> {
    let wasm = std::fs::read(component)?;
    let app = App::new(&[]);
    for number in 0..MANY {
        app.write_bytes(
            &format!("app/r{number}/hello/route.wasm"),
            &numbered(&wasm, number),
        );
    }
    let paths = (0..MANY).map(|number| format!("/r{number}/hello"));
    Ok((app, Question::each(paths).answered_with(HELLO)))
}

/// Measures, with the servers on the first core and the load on the second. The chart goes to `chart`.
pub(crate) async fn run(program: &Program, chart: &Path) -> anyhow::Result<()> {
    let compiled = tempfile::tempdir()?;
    let foreign = Foreign::compile(compiled.path());
    let app = app();
    app.write_bytes("app/two/route.wasm", &foreign.read("foreign_http2"));
    built(program, &app)?;
    let hello = component(&app, "app/hello/route.rs");
    let (large, each) = large(&hello)?;
    built(program, &large)?;

    let native = native().await?;
    let host = Server::start("Waystation", "/hello", serving(program, &app)).await?;
    let many = Server::start("Waystation", "/r0/hello", serving(program, &large)).await?;
    let (started, asked) = peers::start(&hello, &foreign.file("foreign_http2")).await?;
    let others = started.iter().zip(asked);
    let others = others.map(|(server, (question, what))| (server, question, what));
    super::pin(1)?;

    let mut rows: Vec<_> = of_rust()
        .into_iter()
        .chain(further())
        .map(|(question, what)| Row::new(&host, question, what))
        .collect();
    rows.push(Row::new(&many, each, "1,000 routes in turn, fresh"));
    for (server, question, what) in others {
        rows.push(Row::new(server, question, what));
    }
    let hello = Question::get("/").answered_with(HELLO);
    let mut hyper = Row::new(&native, hello, "the limit");
    hyper.ask().await?;
    for row in &rows {
        row.ask().await?; // warm
    }
    for _ in 0..ROUNDS {
        for row in &mut rows {
            let beside = hyper.ask().await?;
            row.add(&row.ask().await?, &beside);
            hyper.add(&beside, &beside);
        }
    }

    rows.insert(0, hyper);
    println!(
        "| server | what | requests/s | of plain hyper (lowest to highest) | p50 | p99 | of its core |\n|---|---|---|---|---|---|---|"
    );
    for row in &mut rows {
        row.settle();
        println!("{}", row.line());
    }
    println!("\n| server | memory then | start to first answer |\n|---|---|---|");
    for server in [&native, &host, &many].into_iter().chain(&started) {
        let (name, mib) = (&server.name, server.memory() >> 20);
        println!(
            "| {name} | {mib} MiB | {:.0} ms |",
            server.start.as_secs_f64() * 1e3
        );
    }
    let bars: Vec<_> = rows.iter().map(Row::bar).collect();
    let written = std::fs::write(chart, chart::svg(&bars));
    written.with_context(|| format!("cannot write the chart {}", chart.display()))?;
    eprintln!("the chart is in {}", chart.display());
    Ok(())
}

/// Plain hyper, of this very program.
pub(crate) async fn native() -> anyhow::Result<Server> {
    let native = Program::new(std::env::current_exe()?);
    Server::start("plain hyper", "/", |port| {
        native.clone().with(AS_NATIVE, port.to_string()).line("")
    })
    .await
}

/// How the host serves an app that is built.
pub(crate) fn serving(program: &Program, app: &App) -> impl Fn(u16) -> Command + use<> {
    let (program, root) = (program.clone(), app.root().to_owned());
    move |port| {
        let command = program.command("start", &root).arg("--hostname");
        let command = command.arg("127.0.0.1").arg("--port");
        command.arg(&port.to_string())
    }
}

fn component(app: &App, file: &str) -> PathBuf {
    let manifest = output::manifest(app.root());
    let mut routes = manifest["routes"].as_array().into_iter().flatten();
    let route = routes.find(|route| route["file"] == file);
    let digest = route.and_then(|route| route["component"]["digest"].as_str());
    output::blob(app.root(), digest.expect("a route that was built"))
}

/// What is measured of one case, a value per round.
struct Row<'a> {
    server: &'a Server,
    question: Question,
    what: &'a str,
    rates: Vec<f64>,
    shares: Vec<f64>,
    halves: Vec<f64>,
    tails: Vec<f64>,
    /// How much of its core the server was busy: where that is not all of it, the load was the limit.
    busy: Vec<f64>,
}

/// What came of asking one server for a while, and how much of its core it had.
struct Asked {
    load: Load,
    busy: f64,
}

impl<'a> Row<'a> {
    fn new(server: &'a Server, question: Question, what: &'a str) -> Self {
        Self {
            server,
            question,
            what,
            rates: Vec::new(),
            shares: Vec::new(),
            halves: Vec::new(),
            tails: Vec::new(),
            busy: Vec::new(),
        }
    }

    async fn ask(&self) -> anyhow::Result<Asked> {
        let (before, began) = (self.server.cpu_time(), Instant::now());
        let amount = Amount::Time(SECONDS);
        let load = load::run(self.server.address, &self.question, amount).await;
        let load = load.with_context(|| format!("{}, {}", self.server.name, self.what))?;
        let used = self.server.cpu_time().saturating_sub(before);
        let busy = used.as_secs_f64() / began.elapsed().as_secs_f64();
        Ok(Asked { load, busy })
    }

    fn add(&mut self, asked: &Asked, beside: &Asked) {
        let micros = |share| asked.load.within(share).as_secs_f64() * 1e6;
        self.rates.push(asked.load.rate);
        self.shares.push(asked.load.rate / beside.load.rate);
        self.halves.push(micros(0.5));
        self.tails.push(micros(0.99));
        self.busy.push(asked.busy);
    }

    /// Sorts what each round brought, so that a median is in the middle.
    fn settle(&mut self) {
        let all = [
            &mut self.rates,
            &mut self.shares,
            &mut self.halves,
            &mut self.tails,
            &mut self.busy,
        ];
        for values in all {
            values.sort_by(f64::total_cmp);
        }
    }

    /// Medians over the rounds.
    fn line(&self) -> String {
        let (lowest, highest) = (self.shares[0], self.shares[self.shares.len() - 1]);
        format!(
            "| {} | {} | {:.0} | {:.2} ({lowest:.2} to {highest:.2}) | {:.0} us | {:.0} us | {:.0} % |",
            self.server.name,
            self.what,
            middle(&self.rates),
            middle(&self.shares),
            middle(&self.halves),
            middle(&self.tails),
            middle(&self.busy) * 100.0,
        )
    }

    fn bar(&self) -> chart::Bar {
        chart::Bar {
            name: format!("{}: {}", self.server.name, self.what),
            lowest: self.shares[0],
            median: middle(&self.shares),
            highest: self.shares[self.shares.len() - 1],
        }
    }
}

fn middle(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}
