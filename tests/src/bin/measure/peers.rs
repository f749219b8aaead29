//! The servers that are measured: each a process on the first core, on a free port. Of the peers, those that are on this machine.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use waystation_tests::{Client, Host, Program};

use super::load::Question;
use super::{HELLO, throughput};

/// The median of so many starts is told.
const STARTS: usize = 3;
/// The slowest of them takes a second.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that is asked.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    /// From the start of its process to its first answer.
    pub(crate) start: Duration,
    host: Host,
}

impl Server {
    /// Starts a server until it answers `path`, several times, and leaves the last running.
    pub(crate) async fn start(
        name: &'static str,
        path: &str,
        command: impl Fn(u16) -> waystation_tests::Command,
    ) -> anyhow::Result<Self> {
        let mut times = Vec::new();
        loop {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
                .local_addr()?
                .port();
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let command = command(port);
            let began = Instant::now();
            let mut host = super::on_core(0, || command.spawn())?;
            while TcpStream::connect(address).await.is_err() {
                anyhow::ensure!(host.is_running(), "{name} has ended: {}", host.stderr());
                anyhow::ensure!(began.elapsed() < PATIENCE, "{name} does not listen");
                tokio::time::sleep(Duration::from_millis(1)).await; // it needs the processor too
            }
            let answer = Client::new(address).get(path).await;
            times.push(began.elapsed());
            anyhow::ensure!(answer.status.is_success(), "{name}: {}", answer.line());
            if times.len() == STARTS {
                times.sort_unstable();
                let start = times[STARTS / 2];
                return Ok(Self {
                    name,
                    address,
                    start,
                    host,
                });
            }
        }
    }

    /// Ends it as its operator would.
    pub(crate) fn finish(mut self) {
        self.host.terminate();
        self.host.wait_for_exit();
    }

    /// The processor time that its process has used.
    pub(crate) fn cpu_time(&self) -> Duration {
        self.host.cpu_time()
    }

    /// What its process holds, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.host.memory()
    }
}

/// A server of others.
struct Peer {
    name: &'static str,
    what: &'static str,
    question: Question,
    /// How it comes here, if it is not.
    missing: Option<&'static str>,
    command: Box<dyn Fn(u16) -> waystation_tests::Command>,
}

/// Starts each peer that is on this machine, and says which is not: `wasmtime` on `PATH`, which is given the same components, and what
/// `npm install && npm run build` leaves in `tests/peers`. The second part of the answer says what each is asked, and what that shows.
pub(crate) async fn start(
    hello: &Path,
    two: &Path,
) -> anyhow::Result<(Vec<Server>, Vec<(Question, &'static str)>)> {
    let (mut servers, mut asked) = (Vec::new(), Vec::new());
    for peer in peers(hello, two) {
        let Peer { name, what, .. } = peer;
        match peer.missing {
            None => {
                servers.push(Server::start(name, "/hello", peer.command).await?);
                asked.push((peer.question, what));
            }
            Some(how) => eprintln!("{name} ({what}) is left out; {how}"),
        }
    }
    Ok((servers, asked))
}

fn peers(hello: &Path, two: &Path) -> [Peer; 6] {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let no_wasmtime = match is_there("wasmtime") {
        true => None,
        false => Some("put `wasmtime` on PATH: cargo install wasmtime-cli"),
    };
    let serve = |what, options: &'static str, component: &Path, question| {
        let component = component.display().to_string();
        Peer {
            name: "wasmtime serve",
            what,
            question,
            missing: no_wasmtime,
            command: Box::new(move |port| {
                let line = format!("serve -Scli --addr 127.0.0.1:{port} {options}");
                Program::new("wasmtime").line(&line).arg(&component)
            }),
        }
    };
    let npm = |name, what, needs: &str, words: &'static str, answer: &'static str| {
        let is_here = is_there("node") && folder.join(needs).exists();
        let folder = folder.clone();
        Peer {
            name,
            what,
            question: Question::get("/hello").answered_with(answer),
            missing: match is_here {
                true => None,
                false => Some("run `npm install && npm run build` in tests/peers, with node"),
            },
            command: Box::new(move |port| {
                let line = words.replace("PORT", &format!("{port}"));
                let (program, arguments) = line.split_once(' ').expect("a program and arguments");
                Program::new(program).line(arguments).in_folder(&folder)
            }),
        }
    };
    let fresh = "--max-instance-reuse-count 1 --max-instance-concurrent-reuse-count 1";
    let same = || Question::get("/hello").answered_with(HELLO);
    [
        serve(
            "the first component, a fresh instance per request",
            fresh,
            hello,
            same(),
        ),
        serve(
            "the same as it comes: 128 uses, 16 at once",
            "",
            hello,
            same(),
        ),
        serve(
            "the component of 0.2, fresh",
            "",
            two,
            throughput::two("/hello"),
        ),
        npm(
            "Hono on node",
            "text",
            "node_modules/hono",
            "node hono.mjs PORT",
            HELLO,
        ),
        npm(
            "workerd",
            "text",
            "node_modules/workerd",
            "node_modules/.bin/workerd serve workerd.capnp --socket-addr http=127.0.0.1:PORT",
            HELLO,
        ),
        npm(
            "next start",
            "JSON, never kept",
            ".next",
            "node node_modules/next/dist/bin/next start --hostname 127.0.0.1 --port PORT",
            r#"{"hello":"Waystation"}"#,
        ),
    ]
}

fn is_there(program: &str) -> bool {
    let version = Command::new(program).arg("--version").output();
    version.is_ok_and(|output| output.status.success())
}
