//! The program as a process: started, read, signalled, and ended with the test.

use std::io::{BufRead as _, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::wait::{PATIENCE, wait, wait_long};

/// A running host. Dropping it ends the process.
#[derive(Debug)]
pub struct Host {
    child: Child,
    stdout: Arc<Lines>,
    stderr: Arc<Lines>,
}

impl Host {
    /// Starts a command.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    pub(crate) fn start(mut command: std::process::Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program");
        let stderr = Arc::new(Lines::default());
        let stdout = Arc::new(Lines::default());
        collect(child.stderr.take(), &stderr);
        collect(child.stdout.take(), &stdout);
        Self {
            child,
            stdout,
            stderr,
        }
    }

    /// Where it listens, from its own words.
    ///
    /// # Panics
    ///
    /// If it does not say so in time.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let is_it = |line: &str| line.contains("://") && !line.contains(MONITORS);
        address(&self.wait_for_line("where it listens", is_it))
    }

    /// Where it answers monitors, from its own words.
    ///
    /// # Panics
    ///
    /// If it does not say so in time.
    #[must_use]
    pub fn status_address(&self) -> SocketAddr {
        address(&self.wait_for_line("where monitors ask", |line| line.contains(MONITORS)))
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
    pub(crate) fn wait_for_line_within(
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

    /// Its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends SIGINT.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Sends SIGHUP.
    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// Ends it in the middle of whatever it does, as a crash would.
    ///
    /// # Panics
    ///
    /// If it does not end.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.wait_for_exit();
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
    pub(crate) fn wait_for_exit_within(&mut self, patience: Duration) -> ExitStatus {
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

    /// The processes that it has started and that have not ended, by their ids.
    #[must_use]
    pub fn children(&self) -> Vec<Pid> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let tasks = tasks.into_iter().flatten().flatten();
        let lists =
            tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
        let ids = lists.flat_map(|list| {
            let ids = list.split_whitespace().map(str::parse);
            ids.filter_map(|id| Pid::from_raw(id.ok()?))
                .collect::<Vec<_>>()
        });
        ids.collect()
    }

    /// Waits until its threads leave the processor alone.
    ///
    /// # Panics
    ///
    /// If they do not in time.
    #[track_caller]
    pub fn wait_until_idle(&self) {
        wait("the processor is free", || {
            let before = self.cpu_time();
            std::thread::sleep(Duration::from_millis(200)); // the measure is of a time
            (self.cpu_time() - before < Duration::from_millis(50)).then_some(())
        });
    }

    /// The most memory that it has held so far, in bytes.
    ///
    /// # Panics
    ///
    /// If it has ended.
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        self.counted("status", "VmHWM:")
    }

    /// The memory that it holds, in bytes.
    ///
    /// # Panics
    ///
    /// If it has ended.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.counted("status", "VmRSS:")
    }

    /// Its resident memory in bytes, where a page that is mapped more than once, such as what all instances of a component begin with,
    /// counts once.
    ///
    /// # Panics
    ///
    /// If it has ended.
    #[must_use]
    pub fn memory_of_its_own(&self) -> u64 {
        self.counted("smaps_rollup", "Pss:")
    }

    /// What its open descriptors lead to, such as `socket:[7]`.
    ///
    /// # Panics
    ///
    /// If it has ended.
    #[must_use]
    pub fn descriptors(&self) -> Vec<PathBuf> {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.child.id()));
        let open = open.expect("a running process").flatten();
        // One that was closed since it was listed leads nowhere.
        open.filter_map(|descriptor| std::fs::read_link(descriptor.path()).ok())
            .collect()
    }

    fn counted(&self, file: &str, what: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id()));
        let status = status.expect("a running process");
        let line = status.lines().find_map(|line| line.strip_prefix(what));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        kib.expect("the kernel's count") * 1024
    }
}

/// A process that stands still as long as this lives.
#[derive(Debug)]
pub struct Paused(Pid);

impl Paused {
    /// Has a process stand still; none if it has ended.
    #[must_use]
    pub fn of(process: Pid) -> Option<Self> {
        kill_process(process, Signal::STOP).ok()?;
        let paused = Self(process);
        let stat = format!("/proc/{}/stat", process.as_raw_nonzero());
        let stands_still = wait("the process stands still, or has ended", || {
            let stat = std::fs::read_to_string(&stat).unwrap_or_default();
            match stat
                .rsplit(") ")
                .next()
                .and_then(|rest| rest.chars().next())
            {
                Some('T') => Some(true),
                None | Some('Z' | 'X') => Some(false),
                Some(_) => None,
            }
        });
        stands_still.then_some(paused)
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::CONT); // it may have ended
    }
}

/// What it says before the address that monitors ask.
const MONITORS: &str = "monitors are answered on ";

/// The address of a URL in a line.
fn address(line: &str) -> SocketAddr {
    let (_, after) = line.rsplit_once("://").expect("a URL");
    let authority = after.split([',', ' ', '/', '"']).next().expect("a host");
    let (_, port) = authority.rsplit_once(':').expect("a port");
    SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().expect("a number")))
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
