//! What the operator and the developer get to see: the log, and a line per request in development.

mod record;
mod request_id;

use tracing_subscriber::EnvFilter;

pub use record::Record;
pub use request_id::RequestId;

/// Sends the log to standard error. `WAYSTATION_LOG` filters it, as `RUST_LOG` does elsewhere.
pub fn start_log() {
    let filter = EnvFilter::try_from_env("WAYSTATION_LOG")
        .unwrap_or_else(|_| EnvFilter::new("warn,guest=info,waystation=info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if let Err(error) = log.compact().without_time().try_init() {
        eprintln!("the log is set up already: {error}");
    }
}
