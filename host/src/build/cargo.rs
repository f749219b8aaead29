//! Runs cargo once for a set of route packages.
//!
//! In: the packages and the profile. Out: for each package a component or the compiler's words; one that fails keeps none of the others.
//!
//! It blocks its thread until cargo ends. From async code, run it on a blocking thread and keep [`Cancel::on_drop`] in the future.

use super::cancel::{Cancel, Running};
use super::diagnostics::{self, Diagnostic, Level};
use super::progress::{self, Progress};
use super::shim;
use super::toolchain::{TARGET, Toolchain};
use super::{Profile, environment, remap};
use crate::project::Project;
use cargo_metadata::{Artifact, Message, Target};
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What to compile and how.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// The app.
    pub project: &'a Project,
    /// The programs.
    pub toolchain: &'a Toolchain,
    /// The names of the packages below `.waystation/routes`.
    pub packages: &'a [String],
    /// For the shortest build or the smallest component.
    pub profile: Profile,
    /// Where cargo keeps what it has compiled.
    pub target_dir: &'a Path,
}

/// What one run of cargo came to.
#[derive(Debug)]
pub struct Finished {
    /// Each package that was asked for.
    pub packages: BTreeMap<String, Outcome>,
    /// Warnings of all packages and of the app's own library, each once.
    pub warnings: Vec<Diagnostic>,
}

/// What came of one package.
#[derive(Debug)]
pub enum Outcome {
    /// A component.
    Built {
        /// The file. The next build may replace it.
        wasm: PathBuf,
        /// Whether it was there already.
        fresh: bool,
    },
    /// Errors: its own, else those of what it depends on.
    Failed {
        /// At least one, each once.
        diagnostics: Vec<Diagnostic>,
    },
}

/// Why cargo had nothing to say about any package.
#[derive(Debug, thiserror::Error)]
pub enum CargoError {
    /// It did not start.
    #[error("`{}` cannot be started: {error}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system said.
        error: io::Error,
    },

    /// It stopped before compiling: a manifest, a version that cannot be found, no network.
    #[error("cargo could not build the app\n\n{message}")]
    Stopped {
        /// What it said.
        message: String,
    },

    /// What it says cannot be read.
    #[error("cargo's output cannot be read: {error}")]
    Output {
        /// What the system said.
        error: io::Error,
    },

    /// [`Cancel::cancel`] was called.
    #[error("the build was cancelled")]
    Cancelled,
}

/// By hand, as `#[from]` would make a second cause of what the message says.
impl From<io::Error> for CargoError {
    fn from(error: io::Error) -> CargoError {
        CargoError::Output { error }
    }
}

/// Compiles the packages of a job.
///
/// # Errors
///
/// [`CargoError`]. A package that does not compile is no error of the run but an [`Outcome::Failed`].
pub fn run(
    job: &Job<'_>,
    cancel: &Cancel,
    on_progress: &(dyn Fn(Progress) + Sync),
) -> Result<Finished, CargoError> {
    let start = cancel.start(command(job));
    let start = start.map_err(|error| CargoError::Start {
        program: job.toolchain.cargo.clone(),
        error,
    })?;
    let running = start.ok_or(CargoError::Cancelled)?;
    let (heard, words) = listen(job, running, on_progress)?;
    if cancel.is_cancelled() {
        return Err(CargoError::Cancelled);
    }
    heard.finish(job, &words)
}

fn command(job: &Job<'_>) -> Command {
    let mut command = Command::new(&job.toolchain.cargo);
    environment::clean(&mut command, &job.project.root);
    command.current_dir(&job.project.root);
    command.env("RUSTC", &job.toolchain.rustc);
    command
        .env("CARGO_TERM_PROGRESS_WHEN", "always")
        .env("CARGO_TERM_PROGRESS_WIDTH", "100");
    command.args(["build", "--target", TARGET, "--keep-going", "--color=never"]);
    command.arg("--message-format=json-diagnostic-rendered-ansi");
    command
        .arg("--target-dir")
        .arg(job.target_dir)
        .args(job.profile.arguments());
    if job.profile == Profile::Release {
        remap::add(&mut command, &job.project.root);
    }
    command.args(job.packages.iter().flat_map(|package| ["-p", package]));
    command
}

/// Reads both pipes to their end: what cargo says to programs, and what it says to people.
fn listen(
    job: &Job<'_>,
    mut running: Running,
    on_progress: &(dyn Fn(Progress) + Sync),
) -> Result<(Heard, String), CargoError> {
    let (stdout, stderr) = (running.stdout.take(), running.stderr.take());
    let routes = shim::folder(job.project);
    std::thread::scope(|scope| {
        let words = scope.spawn(|| {
            stderr.map_or_else(|| Ok(String::new()), |pipe| read_words(pipe, on_progress))
        });
        let mut heard = Heard::default();
        for message in stdout
            .into_iter()
            .flat_map(|pipe| Message::parse_stream(BufReader::new(pipe)))
        {
            heard.message(message?, &routes);
        }
        let words = words
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the progress callback panicked")))?;
        running.wait()?;
        Ok((heard, words))
    })
}

/// Tells progress, and keeps the words that are neither progress nor cargo's status lines.
fn read_words(pipe: impl Read, on_progress: &dyn Fn(Progress)) -> io::Result<String> {
    let mut words = String::new();
    for line in BufReader::new(pipe).split(b'\n') {
        let line = line?;
        for part in String::from_utf8_lossy(&line).split('\r') {
            if let Some(progress) = progress::read(part) {
                on_progress(progress);
            } else if !progress::is_status(part) {
                words.push_str(part.trim_end());
                words.push('\n');
            }
        }
    }
    Ok(words)
}

/// What cargo has said so far.
#[derive(Default)]
struct Heard {
    built: BTreeMap<String, (PathBuf, bool)>,
    /// By package; under no name what is not about a route's package.
    diagnostics: BTreeMap<Option<String>, Vec<Diagnostic>>,
}

impl Heard {
    fn message(&mut self, message: Message, routes: &Path) {
        match message {
            Message::CompilerArtifact(artifact) => self.artifact(&artifact, routes),
            Message::CompilerMessage(message) => {
                let package = package(&message.target, routes);
                let diagnostic = diagnostics::read(&message.message);
                self.diagnostics
                    .entry(package)
                    .or_default()
                    .extend(diagnostic);
            }
            _ => {}
        }
    }

    fn artifact(&mut self, artifact: &Artifact, routes: &Path) {
        let wasm = artifact
            .filenames
            .iter()
            .find(|file| file.extension() == Some("wasm"));
        if let (Some(package), Some(wasm)) = (package(&artifact.target, routes), wasm) {
            self.built
                .insert(package, (wasm.clone().into(), artifact.fresh));
        }
    }

    fn finish(mut self, job: &Job<'_>, words: &str) -> Result<Finished, CargoError> {
        let shared = self.diagnostics.remove(&None).unwrap_or_default();
        let (shared_errors, mut warnings) = by_level(shared);
        let mut packages = BTreeMap::new();
        for package in job.packages {
            let said = self
                .diagnostics
                .remove(&Some(package.clone()))
                .unwrap_or_default();
            let (errors, own_warnings) = by_level(said);
            warnings.extend(own_warnings);
            let outcome = match self.built.remove(package) {
                Some((wasm, fresh)) => Outcome::Built { wasm, fresh },
                None => {
                    let errors = if errors.is_empty() {
                        shared_errors.clone()
                    } else {
                        errors
                    };
                    Outcome::Failed {
                        diagnostics: diagnostics::distinct(errors),
                    }
                }
            };
            packages.insert(package.clone(), outcome);
        }
        explain(&mut packages, words)?;
        Ok(Finished {
            packages,
            warnings: diagnostics::distinct(warnings),
        })
    }
}

/// Where the compiler said nothing about a failure, cargo's own words are the reason: of the whole run if nothing at all was compiled.
fn explain(packages: &mut BTreeMap<String, Outcome>, words: &str) -> Result<(), CargoError> {
    let is_silent = |outcome: &Outcome| matches!(outcome, Outcome::Failed { diagnostics } if diagnostics.is_empty());
    let message = diagnostics::cargo_error(words);
    if !packages.is_empty() && packages.values().all(is_silent) {
        return Err(CargoError::Stopped { message });
    }
    for outcome in packages.values_mut().filter(|outcome| is_silent(outcome)) {
        *outcome = Outcome::Failed {
            diagnostics: vec![Diagnostic::plain(message.clone())],
        };
    }
    Ok(())
}

fn by_level(diagnostics: Vec<Diagnostic>) -> (Vec<Diagnostic>, Vec<Diagnostic>) {
    diagnostics
        .into_iter()
        .partition(|diagnostic| diagnostic.level == Level::Error)
}

/// The route's package that a message is about, if it is about one: `routes/<package>/src/lib.rs`.
fn package(target: &Target, routes: &Path) -> Option<String> {
    let below = target.src_path.as_std_path().strip_prefix(routes).ok()?;
    Some(below.iter().next()?.to_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let cause = || io::Error::other("the cause");
        check(CargoError::Start {
            program: "cargo".into(),
            error: cause(),
        });
        check(cause().into());
    }

    #[track_caller]
    fn check(error: CargoError) {
        let text = format!("{:#}", anyhow::Error::from(error));
        assert_eq!(text.matches("the cause").count(), 1, "{text}");
    }
}
