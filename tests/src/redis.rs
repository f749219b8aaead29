//! A Redis for tests of several nodes.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::wait::wait;

/// Where nothing may go untested, as in `.ci/run`.
const DEMANDED: &str = "WAYSTATION_TEST_REDIS";

/// A `redis-server` on a free port, with nothing in it. It is killed on drop.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    child: Child,
}

impl Redis {
    /// None where there is no `redis-server`, unless `WAYSTATION_TEST_REDIS` is set: then there has to be one.
    ///
    /// # Panics
    ///
    /// If it does not come up.
    #[must_use]
    pub fn start() -> Option<Self> {
        let version = Command::new("redis-server").arg("--version").output();
        if version.is_err() && std::env::var_os(DEMANDED).is_none() {
            eprintln!("not tested: there is no `redis-server` (apt-get install redis-server)");
            return None;
        }
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr());
        let port = free.expect("a free port").port();
        let child = listening(port);
        Some(Self { port, child })
    }

    /// Kills it and starts it again, empty, on its port.
    ///
    /// # Panics
    ///
    /// If it does not come up.
    pub fn restart(&mut self) {
        self.kill();
        self.child = listening(self.port);
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// As `waystation.toml` names it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    fn kill(&mut self) {
        self.child.kill().expect("it has not been waited for");
        self.child.wait().expect("it was killed");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

fn listening(port: u16) -> Child {
    let options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    let child = Command::new("redis-server")
        .args(["--port", &port.to_string()])
        .args(options)
        .stdout(Stdio::null())
        .spawn()
        .expect("this test takes a `redis-server`: apt-get install redis-server");
    let is_up = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok();
    drop(wait("redis-server listens", is_up));
    child
}
