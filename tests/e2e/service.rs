//! `start` under a service manager: the socket it hands on, what it is told, and a restart that no client notices.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use waystation_tests::raw::Socket;
use waystation_tests::{Client, Host, PATIENCE, Sender, wait, wait_for};

use crate::support::{production, program};

/// Connections that ask for one thing each, and connections that go on.
const ONCE: usize = 8;
const LASTING: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn one_process_takes_the_place_of_another_and_no_request_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut old = start_on(&listener);
    let load = Load::start(address);
    load.goes_on().await;
    let mut slow = Socket::open(address).await;
    slow.send("GET /slow?ms=2000 HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    old.wait_for_line("the guest runs", |line| line.contains("going to sleep"));

    for _ in 0..3 {
        let new = start_on(&listener);
        load.goes_on().await;
        old.terminate();
        load.goes_on().await;
        assert_eq!(old.wait_for_exit().code(), Some(0), "{}", old.stderr());
        load.goes_on().await;
        old = new;
    }
    let slow = slow.read_to_end().await;
    assert!(
        slow.starts_with("HTTP/1.1 200 OK\r\n") && slow.ends_with("slept"),
        "{slow}"
    );
    load.end().await;
}

#[tokio::test]
async fn the_next_process_hears_what_comes_while_there_is_none() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut old = start_on(&listener);
    assert_eq!(old.address(), address);
    old.terminate();
    assert_eq!(old.wait_for_exit().code(), Some(0));
    let asked = tokio::spawn(async move { Client::new(address).get("/hello").await.line() });
    let _new = tokio::task::spawn_blocking(move || start_on(&listener))
        .await
        .unwrap();
    assert_eq!(asked.await.unwrap(), "200 hello");
}

#[test]
fn the_manager_is_told_when_it_serves_reloads_and_stops_and_that_it_lives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify.sock");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let command = program()
        .command("start", production().root())
        .on_a_free_port();
    let command = command.env("NOTIFY_SOCKET", path.to_str().unwrap());
    let mut host = command.env("WATCHDOG_USEC", "200000").serve();
    until(&manager, "READY=1");
    until(&manager, "WATCHDOG=1");
    host.hang_up();
    assert!(until(&manager, "RELOADING=1").contains("\nMONOTONIC_USEC="));
    until(&manager, "READY=1");
    until(&manager, "WATCHDOG=1");
    host.terminate();
    until(&manager, "STOPPING=1");
    assert_eq!(host.wait_for_exit().code(), Some(0), "{}", host.stderr());
}

#[tokio::test]
async fn the_operator_reaches_the_process_that_stays() {
    let deployed = crate::support::Deployed::new();
    let socket = deployed.path(".waystation/admin.sock");
    let mut old = deployed.start();
    wait("it listens for the operator", || {
        socket.exists().then_some(())
    });
    let mut new = deployed.start();
    new.wait_for_line("that it waits", |line| {
        line.contains("another process serves this folder")
    });
    old.terminate();
    old.wait_for_exit();
    wait_for("the operator reaches the new one", async || {
        reaches(&socket).await.then_some(())
    })
    .await;
    new.terminate();
    new.wait_for_exit();
    assert!(!socket.exists(), "it was left behind");
}

#[test]
fn every_flag_of_the_examples_is_one() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/deploy-examples");
    let help = program().line("start --help").run().stdout;
    let known: Vec<_> = flags(&help).collect();
    for name in ["shop.service", "Containerfile", "kubernetes.yaml"] {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        let starts = text.lines().filter(|line| line.contains("start"));
        let used: Vec<_> = starts.flat_map(flags).collect();
        assert!(!used.is_empty(), "{name} has none");
        for flag in used {
            assert!(known.contains(&flag), "{name}: {flag} is not in --help");
        }
    }
}

/// The words that begin with `--`.
fn flags(text: &str) -> impl Iterator<Item = &str> {
    let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '-';
    text.split(is_end)
        .filter(|word| word.starts_with("--") && 2 < word.len())
}

fn start_on(listener: &TcpListener) -> Host {
    let command = program().command("start", production().root());
    command.on(listener).serve()
}

/// Reads what the manager is told until it is told this.
fn until(manager: &UnixDatagram, state: &str) -> String {
    loop {
        let mut bytes = [0; 1024];
        let length = manager.recv(&mut bytes).expect(state);
        let told = String::from_utf8_lossy(&bytes[..length]).into_owned();
        if told.lines().any(|line| line == state) {
            return told;
        }
    }
}

async fn reaches(socket: &Path) -> bool {
    tokio::net::UnixStream::connect(socket).await.is_ok()
}

/// Clients that ask without a pause, until they are told to end.
struct Load {
    answered: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
    clients: Vec<tokio::task::JoinHandle<anyhow::Result<()>>>,
}

impl Load {
    fn start(address: SocketAddr) -> Self {
        let (answered, is_over) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let clients = (0..ONCE + LASTING).map(|number| {
            let (answered, is_over) = (Arc::clone(&answered), Arc::clone(&is_over));
            tokio::spawn(async move {
                let client = Client::new(address);
                let mut open = None;
                while !is_over.load(Ordering::Relaxed) {
                    match number < ONCE {
                        true => check(client.try_connect().await?).await.map(drop)?,
                        false => open = Some(ask_on(&client, open).await?),
                    }
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            })
        });
        Self {
            clients: clients.collect(),
            answered,
            is_over,
        }
    }

    /// Waits for some more answers.
    async fn goes_on(&self) {
        let before = self.answered.load(Ordering::Relaxed);
        wait_for("more answers", async || {
            let is_failed = self
                .clients
                .iter()
                .any(tokio::task::JoinHandle::is_finished);
            let more = self.answered.load(Ordering::Relaxed) - before;
            (is_failed || 300 < more).then_some(())
        })
        .await;
    }

    async fn end(self) {
        self.is_over.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.unwrap().expect("an answer to each request");
        }
    }
}

/// Asks over a connection that has answered before, or else over a new one: the end of a connection may cross a request on it, and clients
/// then ask again (RFC 9112, 9.3.1).
async fn ask_on(client: &Client, open: Option<Sender>) -> anyhow::Result<Sender> {
    if let Some(open) = open
        && let Ok(open) = check(open).await
    {
        return Ok(open);
    }
    check(client.try_connect().await?).await
}

async fn check(mut sender: Sender) -> anyhow::Result<Sender> {
    let answer = sender.ask("GET", "/hello", &[], "").await?;
    anyhow::ensure!(answer.line() == "200 hello", "{}", answer.line());
    Ok(sender)
}
