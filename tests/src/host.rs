//! The program as a process: started, read, signalled, and ended with the test.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::wait::{PATIENCE, PATIENCE_WITH_A_BUILD, wait, wait_long};

/// The program to run: `waystation`, wherever it was built.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    environment: Vec<(OsString, OsString)>,
}

impl Program {
    /// The program in this file.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            environment: Vec::new(),
        }
    }

    /// The same with a variable in its environment.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// A command of the program for the app in `root`.
    #[must_use]
    pub fn command(&self, name: &str, root: &Path) -> Command {
        let mut command = self.line(name).command;
        command.arg(root);
        command.env("XDG_STATE_HOME", root.join(".waystation/state"));
        Command { command }
    }

    /// A command line without an app, such as `dev --help`.
    #[must_use]
    pub fn line(&self, arguments: &str) -> Command {
        let mut command = std::process::Command::new(&self.path);
        command.args(arguments.split_whitespace());
        command
            .env_remove("PORT")
            .env_remove("WAYSTATION_LOG")
            .env("NO_COLOR", "1")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        Command { command }
    }

    /// Runs `dev` on a free port and waits until it serves.
    #[must_use]
    pub fn dev(&self, root: &Path) -> Host {
        self.command("dev", root).on_a_free_port().serve()
    }

    /// Runs `start` on a free port and waits until it serves.
    #[must_use]
    pub fn start(&self, root: &Path) -> Host {
        self.command("start", root).on_a_free_port().serve()
    }
}

/// A command line in the making.
#[derive(Debug)]
pub struct Command {
    command: std::process::Command,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Exit {
    /// None if a signal ended it.
    pub code: Option<i32>,
    /// Data.
    pub stdout: String,
    /// Words.
    pub stderr: String,
}

impl Command {
    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: &str) -> Self {
        self.command.arg(argument);
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Ties it to this process: however this one ends, so does it. For hosts that live in a `static`, which is never dropped.
    #[must_use]
    pub fn leashed(self) -> Self {
        // A shell that becomes the program leaves a child behind that waits for the end of its input and then ends the program.
        let script =
            "exec 3<&0; (cat <&3; kill -9 $$) >/dev/null 2>&1 & exec \"$@\" 3<&- </dev/null";
        let mut command = std::process::Command::new("sh");
        command
            .args(["-c", script, "sh"])
            .arg(self.command.get_program());
        command.args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.stdin(Stdio::piped());
        Self { command }
    }

    /// Starts it without any variable of this process; `PATH` leads nowhere.
    #[must_use]
    pub fn bare(mut self) -> Self {
        let state = self
            .command
            .get_envs()
            .find(|(name, _)| *name == "XDG_STATE_HOME");
        let state = state.and_then(|(_, value)| value).map(ToOwned::to_owned);
        self.command.env_clear().env("PATH", "/nowhere");
        self.command
            .envs(state.map(|state| ("XDG_STATE_HOME", state)));
        self
    }

    /// Starts it in another folder.
    #[must_use]
    pub fn in_folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Has it listen on a port that nobody uses.
    #[must_use]
    pub fn on_a_free_port(self) -> Self {
        self.arg("--hostname")
            .arg("127.0.0.1")
            .arg("--port")
            .arg("0")
    }

    /// Runs it to its end.
    ///
    /// # Panics
    ///
    /// If it does not end in time.
    #[must_use]
    pub fn run(self) -> Exit {
        let mut host = self.spawn();
        let code = host.wait_for_exit_within(PATIENCE_WITH_A_BUILD).code();
        Exit {
            code,
            stdout: host.stdout(),
            stderr: host.stderr(),
        }
    }

    /// Starts it, and waits until it serves.
    ///
    /// # Panics
    ///
    /// If it does not serve in time, or ends before.
    #[must_use]
    pub fn serve(self) -> Host {
        let host = self.spawn();
        host.wait_for_line_within(PATIENCE_WITH_A_BUILD, 0, "it serves", |line| {
            line.contains(" Ready in ") || line.contains(" serves ")
        });
        host
    }

    /// Starts it.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    #[must_use]
    pub fn spawn(mut self) -> Host {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("the program");
        let stderr = Arc::new(Lines::default());
        let stdout = Arc::new(Lines::default());
        collect(child.stderr.take(), &stderr);
        collect(child.stdout.take(), &stdout);
        Host {
            child,
            stdout,
            stderr,
        }
    }
}

/// A running host. Dropping it ends the process.
#[derive(Debug)]
pub struct Host {
    child: Child,
    stdout: Arc<Lines>,
    stderr: Arc<Lines>,
}

impl Host {
    /// Where it listens, from its own words.
    ///
    /// # Panics
    ///
    /// If it does not say so in time.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let line = self.wait_for_line("where it listens", |line| line.contains("http://"));
        let (_, after) = line.rsplit_once("http://").expect("a URL");
        let authority = after.split([',', ' ', '/']).next().expect("a host");
        let (_, port) = authority.rsplit_once(':').expect("a port");
        SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().expect("a number")))
    }

    /// Waits for a line of standard error, from the first on.
    ///
    /// # Panics
    ///
    /// If it does not come in time, or the process has ended without it.
    #[track_caller]
    pub fn wait_for_line(&self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        self.wait_for_line_after(0, what, is_it)
    }

    /// Waits for a line of standard error after the first `seen`; see [`Host::lines`].
    ///
    /// # Panics
    ///
    /// As [`Host::wait_for_line`].
    #[track_caller]
    pub fn wait_for_line_after(
        &self,
        seen: usize,
        what: &str,
        is_it: impl Fn(&str) -> bool,
    ) -> String {
        self.wait_for_line_within(PATIENCE, seen, what, is_it)
    }

    #[track_caller]
    fn wait_for_line_within(
        &self,
        patience: Duration,
        seen: usize,
        what: &str,
        is_it: impl Fn(&str) -> bool,
    ) -> String {
        let deadline = Instant::now() + patience;
        let mut lines = self.stderr.lock();
        loop {
            if let Some(line) = lines.lines.iter().skip(seen).find(|line| is_it(line)) {
                return line.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero() && !lines.is_over,
                "it did not say in time: {what}\n\nit said:\n{}",
                lines.lines.join("\n")
            );
            lines = self.stderr.wait(lines, left);
        }
    }

    /// How many lines it has written to standard error.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.stderr.lock().lines.len()
    }

    /// What it has written to standard error.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.stderr.lock().lines.join("\n")
    }

    /// What it has written to standard error after its first `seen` lines.
    #[must_use]
    pub fn stderr_after(&self, seen: usize) -> String {
        self.stderr.lock().lines[seen..].join("\n")
    }

    /// What it has written to standard output.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.stdout.lock().lines.join("\n")
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends SIGINT.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process id"), signal).expect("a process to signal");
    }

    /// Waits until the process has ended and all that it wrote was read.
    ///
    /// # Panics
    ///
    /// If it does not end in time.
    #[track_caller]
    pub fn wait_for_exit(&mut self) -> ExitStatus {
        self.wait_for_exit_within(PATIENCE)
    }

    #[track_caller]
    fn wait_for_exit_within(&mut self, patience: Duration) -> ExitStatus {
        let status = wait_long(patience, "the process ends", || {
            self.child.try_wait().expect("a child of ours")
        });
        for lines in [&self.stdout, &self.stderr] {
            wait("its output ends", || lines.lock().is_over.then_some(()));
        }
        status
    }

    /// Whether it is still running.
    #[must_use]
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child of ours").is_none()
    }

    /// The processor time that its threads have used.
    ///
    /// # Panics
    ///
    /// If it has ended.
    #[must_use]
    pub fn cpu_time(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let tasks = tasks.expect("a running process").flatten();
        let stats =
            tasks.filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok());
        let nanos = stats.filter_map(|stat| stat.split(' ').next()?.parse::<u64>().ok());
        Duration::from_nanos(nanos.sum())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of one pipe so far.
#[derive(Debug, Default)]
struct Lines {
    read: Mutex<ReadLines>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct ReadLines {
    lines: Vec<String>,
    is_over: bool,
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, ReadLines> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(
        &self,
        lines: MutexGuard<'a, ReadLines>,
        left: Duration,
    ) -> MutexGuard<'a, ReadLines> {
        let waited = self.changed.wait_timeout(lines, left);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Reads a pipe to its end on a thread of its own.
fn collect(pipe: Option<impl Read + Send + 'static>, into: &Arc<Lines>) {
    let into = Arc::clone(into);
    std::thread::spawn(move || {
        for line in pipe
            .into_iter()
            .flat_map(|pipe| BufReader::new(pipe).split(b'\n'))
        {
            let Ok(line) = line else { break };
            let line = String::from_utf8_lossy(&line).into_owned();
            into.lock().lines.push(line);
            into.changed.notify_all();
        }
        into.lock().is_over = true;
        into.changed.notify_all();
    });
}
