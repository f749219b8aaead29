//! Whoever runs this program as a service, such as systemd: told when it serves, reloads and stops, and that it is alive.
//!
//! Without such a manager nothing is told to anybody.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};

use crate::server::Tls;

/// It serves.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
    if let Some(patience) = sd_notify::watchdog_enabled() {
        tokio::spawn(live(patience / 2));
    }
}

/// It stops.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Takes up new certificates on SIGHUP. Without certificates and without a manager, the signal ends the program: its terminal is gone.
pub(super) fn reload_on_hangup(tls: impl IntoIterator<Item = Arc<Tls>>) -> std::io::Result<()> {
    let tls: Vec<_> = tls.into_iter().collect();
    if tls.is_empty() && std::env::var_os("NOTIFY_SOCKET").is_none() {
        return Ok(());
    }
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            if let Ok(now) = NotifyState::monotonic_usec_now() {
                tell(&[NotifyState::Reloading, now]);
            }
            for tls in &tls {
                tls.reload();
            }
            tell(&[NotifyState::Ready]);
        }
    });
    Ok(())
}

/// Says so as long as the threads that serve get to it.
async fn live(pause: Duration) {
    loop {
        tell(&[NotifyState::Watchdog]);
        tokio::time::sleep(pause).await;
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("the service manager cannot be told: {error}");
    }
}
