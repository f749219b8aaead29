//! The program's command lines.

use std::ffi::OsString;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::host::Host;
use crate::wait::PATIENCE_WITH_A_BUILD;

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
        let mut shell = self.in_shell(script);
        shell.command.stdin(Stdio::piped());
        shell
    }

    /// A shell that becomes the program.
    fn in_shell(&self, script: &str) -> Self {
        self.under("sh", &["-c", script, "sh"])
    }

    /// Has another program run it, which takes it as its last arguments.
    #[must_use]
    pub fn under(&self, runner: &str, arguments: &[&str]) -> Self {
        let mut command = std::process::Command::new(runner);
        command.args(arguments).arg(self.command.get_program());
        command.args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        Self { command }
    }

    /// Hands it a socket that listens already, as a service manager does.
    ///
    /// # Panics
    ///
    /// If the socket cannot be shared.
    #[must_use]
    pub fn on(self, listener: &TcpListener) -> Self {
        let script = "exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$@\"";
        let mut shell = self.in_shell(script);
        let listener = listener.try_clone().expect("a descriptor");
        shell.command.stdin(OwnedFd::from(listener));
        shell
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
    pub fn spawn(self) -> Host {
        Host::start(self.command)
    }
}
