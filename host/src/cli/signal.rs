//! The signals that stop the program.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

use crate::telemetry;

/// Resolves at the first SIGINT or SIGTERM; a second one ends the process at once, with the code that shells expect.
pub(super) fn stop() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tokio::spawn(async move {
            let code = tokio::select! {
                _ = interrupt.recv() => 130,
                _ = terminate.recv() => 143,
            };
            telemetry::finish_log();
            std::process::exit(code);
        });
        super::report::stopping();
    })
}
