//! Stops a running cargo, and all that it has started, from another thread.

use process_wrap::std::{ChildWrapper, CommandWrap};
use std::io;
use std::process::{ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A handle on one build: clone it, hand one to the build, keep the other to stop it.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    cancelled: bool,
    child: Option<Box<dyn ChildWrapper>>,
}

/// Stops the build when it is dropped: keep it in the future that waits for the build's thread.
#[derive(Debug)]
#[must_use = "dropping it stops the build"]
pub struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Cancel {
    /// Kills the build's process group, or keeps one from being started.
    pub fn cancel(&self) {
        let mut state = self.state();
        state.cancelled = true;
        state.kill();
    }

    /// Whether [`Cancel::cancel`] was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.state().cancelled
    }

    /// Ties the build to the life of a value.
    pub fn on_drop(&self) -> CancelOnDrop {
        CancelOnDrop(self.clone())
    }

    /// Starts a command in a process group of its own. `None` if the build was cancelled before.
    pub(super) fn start(&self, mut command: Command) -> io::Result<Option<Running>> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut command = CommandWrap::from(command);
        #[cfg(unix)]
        command.wrap(process_wrap::std::ProcessGroup::leader());
        #[cfg(windows)]
        command.wrap(process_wrap::std::JobObject);

        let mut state = self.state();
        if state.cancelled {
            return Ok(None);
        }
        let mut child = command.spawn()?;
        let (stdout, stderr) = (child.stdout().take(), child.stderr().take());
        state.child = Some(child);
        Ok(Some(Running {
            cancel: self.clone(),
            stdout,
            stderr,
        }))
    }

    /// A state that a panic has left is whole: it changes in single steps.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn kill(&mut self) {
        if let Some(child) = &mut self.child {
            // It fails only if the group has ended by itself.
            let _ = child.start_kill();
        }
    }
}

/// A command that was started; dropped before it has ended, it is killed with all that it started.
pub(super) struct Running {
    cancel: Cancel,
    pub(super) stdout: Option<ChildStdout>,
    pub(super) stderr: Option<ChildStderr>,
}

impl Running {
    /// Waits for the end. Both pipes are read to their end first, so this is short.
    pub(super) fn wait(self) -> io::Result<ExitStatus> {
        let mut state = self.cancel.state();
        let status = match &mut state.child {
            Some(child) => child.wait()?,
            None => return Err(io::Error::other("waited for twice")),
        };
        state.child = None;
        Ok(status)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.cancel.state();
        state.kill();
        if let Some(mut child) = state.child.take() {
            // Reaps what was killed; what has ended was reaped before.
            let _ = child.wait();
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_cancelled_command_ends_with_all_that_it_started() {
        let cancel = Cancel::default();
        // The inner shell holds the pipe open: it is at its end only when both are gone.
        let mut running = cancel
            .start(shell("sh -c 'echo up; exec tail -f /dev/null'; true"))
            .unwrap()
            .unwrap();
        let mut stdout = running.stdout.take().unwrap();
        let mut up = [0; 3];
        stdout.read_exact(&mut up).unwrap();
        drop(cancel.on_drop());
        stdout.read_to_end(&mut Vec::new()).unwrap();
        assert!(!running.wait().unwrap().success());
    }

    #[test]
    fn a_command_that_is_dropped_ends_too() {
        let mut running = Cancel::default()
            .start(shell("tail -f /dev/null"))
            .unwrap()
            .unwrap();
        let mut stdout = running.stdout.take().unwrap();
        drop(running);
        stdout.read_to_end(&mut Vec::new()).unwrap();
    }

    #[test]
    fn a_cancelled_build_starts_nothing() {
        let cancel = Cancel::default();
        cancel.cancel();
        assert!(cancel.start(shell("true")).unwrap().is_none());
        assert!(cancel.is_cancelled());
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }
}
