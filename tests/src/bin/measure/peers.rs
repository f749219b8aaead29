//! The servers that are measured: each a process on the first core, on a free port. Of the peers, those that are on this machine.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use waystation_tests::{Client, Host, Program};

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

    /// What its process holds, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.host.memory()
    }
}

/// Starts each peer that is on this machine, and says which is not: `wasmtime` on `PATH`, which is given the same components, and what
/// `npm install && npm run build` leaves in `tests/peers`.
pub(crate) async fn start(hello: &Path, two: &Path) -> anyhow::Result<Vec<(Server, &'static str)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let serve = |options: &'static str, component: &Path| {
        let component = component.display().to_string();
        Box::new(move |port| {
            let line = format!("serve -Scli --addr 127.0.0.1:{port} {options}");
            Program::new("wasmtime").line(&line).arg(&component)
        })
    };
    let node = |words: &'static str| {
        let folder = folder.clone();
        Box::new(move |port| {
            let line = words.replace("PORT", &format!("{port}"));
            let (program, arguments) = line.split_once(' ').expect("a program and arguments");
            Program::new(program).line(arguments).in_folder(&folder)
        })
    };
    let reuse = "--max-instance-reuse-count 1 --max-instance-concurrent-reuse-count 1";
    let serves = is_there(Command::new("wasmtime").arg("--version"));
    let installed = |package: &str| folder.join("node_modules").join(package).exists();
    let peers: [Peer; 6] = [
        (
            "wasmtime serve",
            "a fresh instance per request",
            serves,
            serve(reuse, hello),
        ),
        (
            "wasmtime serve",
            "as it comes: 128 uses, 16 at once",
            serves,
            serve("", hello),
        ),
        (
            "wasmtime serve",
            "the 0.2 component, fresh",
            serves,
            serve("", two),
        ),
        (
            "Hono on node",
            "",
            installed("hono"),
            node("node hono.mjs PORT"),
        ),
        (
            "workerd",
            "",
            installed("workerd"),
            node("node_modules/.bin/workerd serve workerd.capnp --socket-addr http=127.0.0.1:PORT"),
        ),
        (
            "next start",
            "JSON, never kept",
            folder.join(".next").exists(),
            node("node node_modules/next/dist/bin/next start --hostname 127.0.0.1 --port PORT"),
        ),
    ];
    let mut servers = Vec::new();
    for (name, what, is_here, command) in peers {
        match is_here {
            true => servers.push((Server::start(name, "/hello", command).await?, what)),
            false => eprintln!("{name} is left out: it is not on this machine"),
        }
    }
    Ok(servers)
}

/// What it is called, what it shows, whether it is here, and how it is started on a port.
type Peer = (
    &'static str,
    &'static str,
    bool,
    Box<dyn Fn(u16) -> waystation_tests::Command>,
);

fn is_there(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}
