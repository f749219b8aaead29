//! Requests per second of this host and of its peers, as a share of what plain hyper answers in the same seconds.

use std::path::{Path, PathBuf};
use std::time::Duration;

use waystation_tests::{App, Foreign, Program, output};

use super::chart;
use super::load::{self, Amount, Load, Question};
use super::peers::{self, Server};
use super::{AS_NATIVE, HELLO, built};

/// Plain hyper is measured before each of these, so that a machine that changes its speed changes both.
const ROUNDS: usize = 5;
const SECONDS: Duration = Duration::from_secs(2);
/// Bytes of a body that is sent and comes back.
pub(crate) const BODY: usize = 10 << 10;
const MANY: usize = 1_000;

/// What is asked of this host, and what that shows.
fn cases() -> Vec<(Question, &'static str)> {
    vec![
        (Question::get("/hello"), "a fresh instance per request"),
        (Question::get("/shared"), "an instance that is used again"),
        (Question::get("/items/tea"), "a param and JSON, fresh"),
        (Question::post("/echo", BODY), "10 KB in and out, fresh"),
        (Question::get("/stream"), "a stream of ten chunks, fresh"),
        (
            Question::get("/hello").over_http2(),
            "the first over HTTP/2",
        ),
        (Question::get("/two"), "a 0.2 component, fresh"),
        (Question::get("/kept"), "an answer that is kept"),
        (Question::get("/unkept"), "the same route, made dynamic"),
    ]
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
    let stream = "use waystation::*;\n\n\
                  pub fn get() -> Response {\n    Response::writer(async |mut body: Writer| {\n        \
                  for _ in 0..10 {\n            body.write(\"a line of the stream\\n\").await?;\n        }\n        Ok(())\n    })\n}\n";
    App::new(&[
        ("app/hello/route.rs", &hello),
        ("app/shared/route.rs", &format!("{shared}{hello}")),
        ("app/kept/route.rs", &format!("{kept}{hello}")),
        ("app/unkept/route.rs", &format!("{unkept}{hello}")),
        ("app/items/[slug]/route.rs", item),
        ("app/echo/route.rs", echo),
        ("app/stream/route.rs", stream),
    ])
}

/// An app of as many routes as a large one has, each a component of a file of its own.
fn large(component: &Path) -> anyhow::Result<(App, Question)> {
    let wasm = std::fs::read(component)?;
    let app = App::new(&[]);
    for number in 0..MANY {
        app.write_bytes(&format!("app/r{number}/hello/route.wasm"), &wasm);
    }
    let paths = (0..MANY).map(|number| format!("/r{number}/hello"));
    Ok((app, Question::each(paths)))
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

    let native = Program::new(std::env::current_exe()?);
    let native = Server::start("plain hyper", "/", |port| {
        native.clone().with(AS_NATIVE, port.to_string()).line("")
    })
    .await?;
    let ours = |app: &App| {
        let root = app.root().to_owned();
        move |port: u16| {
            let command = program.command("start", &root).arg("--hostname");
            command
                .arg("127.0.0.1")
                .arg("--port")
                .arg(&port.to_string())
        }
    };
    let host = Server::start("Waystation", "/hello", ours(&app)).await?;
    let many = Server::start("Waystation", "/r0/hello", ours(&large)).await?;
    let others = peers::start(&hello, &foreign.file("foreign_http2")).await?;
    super::pin(1)?;

    let plain = Question::get("/");
    let mut rows: Vec<_> = cases()
        .into_iter()
        .map(|(question, what)| Row::new(&host, question, what))
        .collect();
    rows.push(Row::new(&many, each, "1,000 routes in turn, fresh"));
    for (server, what) in &others {
        rows.push(Row::new(server, Question::get("/hello"), what));
    }
    for row in &rows {
        row.ask().await?; // warm
    }
    let mut hyper = Row::new(&native, plain.clone(), "the limit");
    for _ in 0..ROUNDS {
        for row in &mut rows {
            let beside = hyper.ask().await?;
            row.add(&row.ask().await?, &beside);
            hyper.add(&beside, &beside);
        }
    }

    rows.insert(0, hyper);
    println!(
        "| server | what | requests/s | of plain hyper (lowest to highest) | p50 | p99 | memory | start |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for row in &mut rows {
        row.show();
    }
    let bars: Vec<_> = rows.iter().map(Row::bar).collect();
    std::fs::write(chart, chart::svg(&bars))?;
    eprintln!("the chart is in {}", chart.display());
    Ok(())
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
        }
    }

    async fn ask(&self) -> anyhow::Result<Load> {
        load::run(self.server.address, &self.question, Amount::Time(SECONDS)).await
    }

    fn add(&mut self, load: &Load, beside: &Load) {
        let micros = |share| load.within(share).as_secs_f64() * 1e6;
        self.rates.push(load.rate);
        self.shares.push(load.rate / beside.rate);
        self.halves.push(micros(0.5));
        self.tails.push(micros(0.99));
    }

    /// Medians over the rounds.
    fn show(&mut self) {
        let share = median(&mut self.shares);
        println!(
            "| {} | {} | {:.0} | {share:.2} ({:.2} to {:.2}) | {:.0} us | {:.0} us | {} MiB | {:.0} ms |",
            self.server.name,
            self.what,
            median(&mut self.rates),
            self.shares[0],
            self.shares[self.shares.len() - 1],
            median(&mut self.halves),
            median(&mut self.tails),
            self.server.memory() >> 20,
            self.server.start.as_secs_f64() * 1e3,
        );
    }

    /// The same, once it was shown.
    fn bar(&self) -> chart::Bar {
        chart::Bar {
            name: format!("{}: {}", self.server.name, self.what),
            lowest: self.shares[0],
            median: self.shares[self.shares.len() / 2],
            highest: self.shares[self.shares.len() - 1],
        }
    }
}

/// Sorts them, too.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
