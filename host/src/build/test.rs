//! Runs the app's own tests with cargo, natively: those in its routes, its library and below `tests/`.
//!
//! In: the arguments for cargo and the variables that the tests see. Out: whether all passed. What cargo and the tests print is passed
//! on as it comes: data to standard output, words to standard error.

use super::cancel::Cancel;
use super::cargo::CargoError;
use super::environment;
use super::toolchain::Toolchain;
use std::ffi::OsStr;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::process::Command;

/// Runs `cargo test --workspace` in the app at `root`. The packages of the routes are written before; see [`super::shim::write`].
///
/// # Errors
///
/// [`CargoError::Start`], [`CargoError::Output`], or [`CargoError::Cancelled`]; a test that fails is none.
pub fn run<'a>(
    root: &Path,
    toolchain: &Toolchain,
    arguments: &[String],
    variables: impl IntoIterator<Item = (&'a str, &'a str)>,
    cancel: &Cancel,
) -> Result<bool, CargoError> {
    let mut command = Command::new(&toolchain.cargo);
    environment::clean(&mut command, root);
    command
        .current_dir(root)
        .env("RUSTC", &toolchain.rustc)
        .args(["test", "--workspace"])
        .args(arguments)
        .envs(variables);
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|set| set != OsStr::new(""));
    if io::stderr().is_terminal() && !is_plain {
        command.env("CARGO_TERM_COLOR", "always"); // it writes to a pipe
    }
    let start = cancel.start(command).map_err(|error| CargoError::Start {
        program: toolchain.cargo.clone(),
        error,
    })?;
    let mut running = start.ok_or(CargoError::Cancelled)?;
    let (stdout, stderr) = (running.stdout.take(), running.stderr.take());
    std::thread::scope(|scope| {
        let words = scope.spawn(|| pass_on(stderr, io::stderr()));
        let data = pass_on(stdout, io::stdout());
        let words = words
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        data.and(words)
    })?;
    let status = running.wait()?;
    match cancel.is_cancelled() {
        true => Err(CargoError::Cancelled),
        false => Ok(status.success()),
    }
}

fn pass_on(from: Option<impl Read>, mut to: impl Write) -> io::Result<()> {
    let Some(mut from) = from else {
        return Ok(());
    };
    let mut bytes = [0; 4096];
    loop {
        match from.read(&mut bytes)? {
            0 => return Ok(()),
            read => to.write_all(&bytes[..read]).and_then(|()| to.flush())?,
        }
    }
}
