//! Compiles components in processes of their own: a component that the compiler chokes on costs its deployer an answer, and those that
//! are served nothing.
//!
//! In: a component of anybody's, and [`Bounds`]. Out: its code, which the caller signs and keeps; or why there is none.
//!
//! The other process is this very program, whatever has been put in its file's place since it began. It is handed the component and
//! nothing else: no variable of the node's, no socket, no folder, and not the node's key. Both ends of what it reads and writes are in memory, and the parent
//! waits for its end alone, so nothing that it writes can hold the parent up.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, getrlimit, pidfd_open,
    set_parent_process_death_signal, setrlimit,
};
use rustix::time::Timespec;
use wasmtime::OutOfMemory;

use crate::sandbox;

/// This program, even if its file was replaced or removed.
const PROGRAM: &str = "/proc/self/exe";
/// What it is told to do, beside its bounds.
const COMMAND: &str = "compile";
/// What is read of its words.
const WORDS: u64 = 16 << 10;
/// Ends the other process where the compiler says itself that there is no memory left.
const NO_MEMORY: u8 = 3;

/// What the compiler may use for a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// MiB of memory.
    pub memory: u32,
    /// Processor time. It may take twice that by the clock, for others have the processors too.
    pub time: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            memory: 2048,
            time: Duration::from_secs(60),
        }
    }
}

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApartError {
    /// The compiler has taken all the memory that it may.
    #[error("it takes the compiler more than {0} MiB of memory (`--compile-memory` of the node)")]
    Memory(u32),

    /// The compiler has taken all the time that it may.
    #[error("it takes the compiler more than {} s (`--compile-time` of the node)", .0.as_secs())]
    Time(Duration),

    /// The component is none, as the compiler says.
    #[error("{0}")]
    Component(String),

    /// A fault of the compiler's, perhaps.
    #[error("the compiler has ended by {status}: {words}")]
    Ended {
        /// How.
        status: ExitStatus,
        /// What it said before.
        words: String,
    },

    /// There is no process, or what it wrote cannot be read.
    #[error("the compiler cannot be asked: {0}")]
    Process(#[from] io::Error),
}

impl From<Errno> for ApartError {
    fn from(error: Errno) -> Self {
        Self::Process(error.into())
    }
}

/// The code of a component, for sandboxes that favour running.
///
/// # Errors
///
/// An [`ApartError`].
pub(super) fn compile(wasm: &[u8], bounds: Bounds) -> Result<Vec<u8>, ApartError> {
    let mut command = Command::new(PROGRAM);
    command
        .arg0("waystation")
        .arg(COMMAND)
        .args(["--memory", &bounds.memory.to_string()])
        .args(["--time", &bounds.time.as_secs().to_string()])
        .env_clear()
        // What the allocator sets aside and does not use would count.
        .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
        .current_dir("/");
    ask(command, wasm, bounds)
}

/// Runs a compiler to its end.
fn ask(mut command: Command, wasm: &[u8], bounds: Bounds) -> Result<Vec<u8>, ApartError> {
    let (mut component, mut code, mut words) = (memory()?, memory()?, memory()?);
    component.write_all(wasm)?;
    component.rewind()?;
    command
        .stdin(Stdio::from(component))
        .stdout(Stdio::from(code.try_clone()?))
        .stderr(Stdio::from(words.try_clone()?));
    let mut child = command.spawn()?;
    let is_over = is_over_within(&child, bounds.time * 2);
    if !matches!(is_over, Ok(true)) {
        child.kill()?; // it is a child of ours until it is waited for
    }
    let status = child.wait()?;
    if !is_over? {
        return Err(ApartError::Time(bounds.time));
    }
    if status.success() {
        let mut bytes = Vec::new();
        code.rewind()?;
        code.read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    let mut said = Vec::new();
    words.rewind()?;
    words.take(WORDS).read_to_end(&mut said)?;
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    Err(why(status, said, bounds))
}

/// What it means that the compiler has ended so.
fn why(status: ExitStatus, words: String, bounds: Bounds) -> ApartError {
    let is = |signal: Signal| status.signal() == Some(signal.as_raw());
    if is(Signal::XCPU) {
        return ApartError::Time(bounds.time);
    }
    // An allocation that fails ends a program of Rust's so.
    let is_too_deep = words.contains("overflowed its stack"); // which ends it in the same way
    let is_out_of_memory = is(Signal::ABORT) && !is_too_deep;
    if status.code() == Some(NO_MEMORY.into()) || is_out_of_memory || is(Signal::XFSZ) {
        return ApartError::Memory(bounds.memory);
    }
    match status.code() {
        Some(1) => ApartError::Component(words),
        _ => ApartError::Ended { status, words },
    }
}

/// Waits for the end of a process. Says whether it came in time.
fn is_over_within(child: &Child, time: Duration) -> io::Result<bool> {
    let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    let deadline = Instant::now() + time;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&left)) {
            Ok(ended) => return Ok(ended != 0),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// A file that is nowhere but in memory.
fn memory() -> io::Result<File> {
    Ok(memfd_create("component", MemfdFlags::CLOEXEC)?.into())
}

/// Is the other process: reads a component from standard input, and writes its code to standard output. Returns the exit code, and what
/// is wrong with the component if it has no code.
///
/// # Errors
///
/// If the process cannot be confined, or the component cannot be compiled.
pub fn be_compiler(bounds: Bounds) -> Result<(), (u8, anyhow::Error)> {
    let failed = |error: anyhow::Error| (2, error);
    confine(bounds).map_err(|error| failed(error.into()))?;
    let mut wasm = Vec::new();
    let read = io::stdin().read_to_end(&mut wasm);
    read.map_err(|error| failed(error.into()))?;
    let code = sandbox::precompile(&wasm).map_err(|error| match error.is::<OutOfMemory>() {
        true => (NO_MEMORY, error),
        false => (1, error),
    })?;
    let written = io::stdout().write_all(&code);
    written.map_err(|error| failed(error.into()))
}

/// Has this process end when it uses more than its bounds, or its parent ends.
///
/// Memory is what is writable and its own (`RLIMIT_DATA`) and not the address space (`RLIMIT_AS`): allocators set far more addresses aside
/// than they use, for each thread and processor, and what is written to standard output has a limit of its own.
fn confine(bounds: Bounds) -> io::Result<()> {
    let memory = u64::from(bounds.memory) << 20;
    let seconds = bounds.time.as_secs();
    for (resource, soft, hard) in [
        (Resource::Data, memory, memory),
        (Resource::Fsize, memory, memory),
        (Resource::Core, 0, 0),
        (Resource::Cpu, seconds, seconds + 1), // a signal that says what it was, and one that cannot be passed over
    ] {
        let most = getrlimit(resource).maximum.unwrap_or(u64::MAX); // it can only be lowered
        let limit = Rlimit {
            current: Some(soft.min(most)),
            maximum: Some(hard.min(most)),
        };
        setrlimit(resource, limit)?;
    }
    set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_gives_code_or_the_reason_why_there_is_none() {
        check("cat", "component");
        check("echo it is damaged >&2; exit 1", "it is damaged");
        check(
            "kill -ABRT $$",
            "it takes the compiler more than 64 MiB of memory (`--compile-memory` of the node)",
        );
        check(
            "exit 3",
            "it takes the compiler more than 64 MiB of memory (`--compile-memory` of the node)",
        );
        check(
            "kill -XCPU $$",
            "it takes the compiler more than 1 s (`--compile-time` of the node)",
        );
        check(
            "echo trouble >&2; exit 101",
            "the compiler has ended by exit status: 101: trouble",
        );
    }

    #[test]
    fn a_compiler_that_takes_too_long_by_the_clock_is_ended() {
        check(
            "exec sleep 600",
            "it takes the compiler more than 1 s (`--compile-time` of the node)",
        );
    }

    #[track_caller]
    fn check(script: &str, expected: &str) {
        let bounds = Bounds {
            memory: 64,
            time: Duration::from_secs(1),
        };
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let told = match ask(command, b"component", bounds) {
            Ok(code) => String::from_utf8(code).unwrap(),
            Err(error) => error.to_string(),
        };
        assert_eq!(told, expected);
    }
}
